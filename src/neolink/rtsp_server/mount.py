"""A mount: one stream under its RTSP paths, packetized once for all its players.

Hot path: :meth:`Mount.push` runs once per unit, and then calls ``push`` of each player's lane.

Every player of a mount sees the same SSRC, sequence numbers and timestamps; that is what lets
them share bytes. A player who comes late is given the cached group of pictures, packetized again
with the sequence numbers it had, so that it runs straight into the live packets.
"""

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from neolink.clock import Clock
from neolink.errors import Unsupported
from neolink.hub.backlog import Allowance, BacklogLimits
from neolink.hub.gop import GopCache
from neolink.hub.stream import Hold, Stream
from neolink.log import bind_stream
from neolink.media.tracks import VIDEO_CLOCK_RATE, AudioTrack, Presentation, StreamKind, VideoCodec
from neolink.media.units import AccessUnit, AudioFrame, MediaUnit
from neolink.rtp.formats import AudioChoice, PayloadFormat, UnitT, audio_format, video_format
from neolink.rtp.sender import RtpSender, ntp_time
from neolink.rtsp_server.pace import Pace
from neolink.rtsp_server.parcel import AUDIO, VIDEO, Parcel
from neolink.rtsp_server.settings import MountSettings, StartMode
from neolink.rtsp_server.sums import PlayerSums

__all__ = ["Lane", "Mount", "Seat", "StartPoint"]

AnySender = RtpSender[AccessUnit] | RtpSender[AudioFrame]

_LOG = logging.getLogger(__name__)

REPORT_INTERVAL_TICKS = 5 * VIDEO_CLOCK_RATE
EARLY_REPORT_TICKS = VIDEO_CLOCK_RATE // 2
EARLY_REPORTS = 6
"""So many reports follow closely on a replay: GStreamer's clock for the pictures is bent by
those squeezed together, and only a report lets it find the sound again."""

MAX_UNKNOWN_OPTIONS = 20
"""So many values of a URL's options are told of: players can make up any number."""

SQUEEZE_TICKS = VIDEO_CLOCK_RATE * 150 // 1000
"""In ``fast`` mode the cached pictures are shown within this much time before live."""


class Lane(Protocol):
    """Where one player's packets go: TCP or UDP."""

    def push(self, parcel: Parcel) -> None:
        """Take one parcel; return at once."""

    def push_rtcp(self, track: int, packet: bytes) -> None:
        """Take one RTCP compound packet."""


@dataclass(frozen=True, slots=True)
class StartPoint:
    """First packet of a track for one player, for ``RTP-Info``. ``None``: not known yet."""

    sequence: int | None
    timestamp: int | None


@dataclass(eq=False, slots=True)
class Seat:
    """One playing session on a mount. ``audio`` is None when no audio track was set up."""

    lane: Lane
    wants_video: bool
    audio: AudioChoice | None
    start: StartMode
    on_renegotiate: Callable[[], None]
    """Called when the player must describe the stream again."""
    on_failure: Callable[[str], None]
    """Called when the player cannot be served any more, with the reason."""


@dataclass(frozen=True, slots=True)
class _Cached:
    """An access unit with the sequence number its packets began at."""

    unit: AccessUnit
    first_sequence: int
    is_random_access: bool
    size: int
    pts: int


class Mount:
    """One stream of one camera, served to any number of players."""

    def __init__(
        self, kind: StreamKind, stream: Stream, settings: MountSettings, clock: Clock
    ) -> None:
        self.kind = kind
        self.stream = stream
        self.settings = settings
        self.name = stream.name
        self.session_id = int(clock.unix_s())
        """Of the ``o=`` line in SDP."""
        self.allowance = Allowance(BacklogLimits())
        """What a player may have waiting; the server sets its hard bounds."""
        self.pace = Pace(stream.counters, self.allowance)
        self.sums_before = PlayerSums()
        """Of players that have left."""
        self.cname = f"{secrets.token_hex(8)}@neolink"
        """How the camera is named in RTCP, the same for all its tracks."""
        self.hindrance = ""
        """Why players are not moved from here to another stream, as it was last told."""
        self._clock = clock
        self._seats: list[Seat] = []
        self._video_lanes: tuple[Lane, ...] = ()
        self._audio_lanes: dict[AudioChoice, tuple[Lane, ...]] = {}
        self._codec: VideoCodec | None = None
        self._audio_track: AudioTrack | None = None
        self._video: RtpSender[AccessUnit] | None = None
        self._audio: dict[AudioChoice, RtpSender[AudioFrame]] = {}
        self._cache: GopCache[_Cached] = GopCache()
        self._refused_choices: set[AudioChoice] = set()
        self._unknown_options: set[tuple[str, str]] = set()
        self._hold: Hold | None = None
        self._ssrcs = _Ssrcs()
        self._origin_unix_s: float | None = None
        self._last_pts: dict[int, tuple[int, int]] = {}
        self._next_report_pts = -1
        self._needs_random_access = False
        """True after a picture that could not be packetized: what follows it would not decode."""
        self._early_reports = 0
        stream.subscribe(self)

    @property
    def cached_pictures(self) -> list[AccessUnit]:
        """The pictures since the last random access point, the oldest first; maybe none."""
        return [item.unit for item in self._cache.items]

    @property
    def cached_bytes(self) -> int:
        """Bytes that a player who joins now would be sent at once."""
        return self._cache.size

    @property
    def is_flowing(self) -> bool:
        """Whether what comes is the camera's, and not a stand-in."""
        return self.stream.counters.flow is not None

    @property
    def video_codec(self) -> VideoCodec | None:
        """Of what was pushed last; None before the first picture."""
        return self._codec

    @property
    def audio_track(self) -> AudioTrack | None:
        """Of what was pushed last; None before the first sound."""
        return self._audio_track

    @property
    def player_count(self) -> int:
        """Players that are playing now."""
        return len(self._seats)

    # -- description ------------------------------------------------------------------

    def formats(
        self, presentation: Presentation, choice: AudioChoice
    ) -> tuple[PayloadFormat[AccessUnit] | None, PayloadFormat[AudioFrame] | None]:
        """Return the video and audio payload formats a player with this choice is told of."""
        video = video_format(presentation.video) if presentation.video else None
        return video, self._audio_format(presentation.audio, choice)

    def ssrc(self, track: int, choice: AudioChoice) -> int:
        """Return the SSRC that a track has or will have; it differs per track and choice."""
        return self._ssrcs.of(track, choice)

    def _audio_format(
        self, track: AudioTrack | None, choice: AudioChoice
    ) -> PayloadFormat[AudioFrame] | None:
        if track is None or choice is AudioChoice.NONE:
            return None
        try:
            return audio_format(track, choice)
        except Unsupported as error:
            if choice not in self._refused_choices:
                self._refused_choices.add(choice)
                log = bind_stream(_LOG, self.name)
                log.warning("%s; it comes as the camera sends it", error)
            return audio_format(track, AudioChoice.SOURCE)

    def tell_unknown(self, option: str, value: str, instead: str) -> None:
        """Log once that a value of ``?option=`` means nothing here, and what is done instead."""
        told = self._unknown_options
        if len(told) < MAX_UNKNOWN_OPTIONS and (option, value[:40]) not in told:
            told.add((option, value[:40]))
            log = bind_stream(_LOG, self.name)
            log.warning("%s %r is not known in this version: %s", option, value[:40], instead)

    # -- players ----------------------------------------------------------------------

    def join(self, seat: Seat) -> None:
        """Begin to play: the cached group of pictures first, if the mode and the cache allow."""
        if self._hold is None:
            self._hold = self.stream.hold()
        if seat.wants_video and self._video is not None and seat.start is not StartMode.LIVE:
            self._replay(seat)
        self._seats.append(seat)
        self._refresh_lanes()
        self._report_to([seat])

    def narrow(self, seat: Seat) -> None:
        """Learn that a seat wants fewer tracks from now on; the others go on without a break."""
        if seat in self._seats:
            self._refresh_lanes()

    def leave(self, seat: Seat) -> None:
        """Stop playing; a seat that is not here is ignored."""
        if seat not in self._seats:
            return
        self._seats.remove(seat)
        self._refresh_lanes()
        if not self._seats and self._hold is not None:
            self._hold.release()
            self._hold = None

    def say_bye(self, seat: Seat) -> None:
        """Tell a player by RTCP that no more will come."""
        for track, sender in self._senders(seat):
            seat.lane.push_rtcp(track, sender.bye())

    def start_point(self, track: int, seat: Seat) -> StartPoint:
        """Tell where a seat that is about to join will start on a track."""
        cached = self._cache.items if seat.start is not StartMode.LIVE else []
        if self._video is None or not cached or not seat.wants_video:
            return StartPoint(None, None)
        first_pts = self._replay_pts(seat)[0]
        if track == VIDEO:
            return StartPoint(cached[0].first_sequence, self._video.timestamp(first_pts))
        sender = self._audio.get(seat.audio) if seat.audio else None
        if sender is None or AUDIO not in self._last_pts:
            return StartPoint(None, None)
        pts = first_pts * sender.payload_format.pts_rate // VIDEO_CLOCK_RATE
        return StartPoint(sender.next_sequence, sender.timestamp(pts))

    # -- the stream's side (Sink) -----------------------------------------------------

    def push(self, unit: MediaUnit) -> None:
        """Packetize one unit and give it to every player."""
        if isinstance(unit, AudioFrame):
            self._push_audio(unit)
        else:
            self._push_video(unit)

    def source_stopped(self) -> None:
        """Forget the cached pictures: nothing will follow them. What comes is reported anew."""
        self._cache.clear()
        self._last_pts.clear()

    def source_ended(self) -> None:
        """End all sessions: the camera stays away and nothing stands in for it."""
        self._end_sessions()

    def presentation_changed(self, presentation: Presentation) -> None:
        """End all sessions cleanly, so that the players describe the stream again."""
        del presentation  # the next DESCRIBE reads it from the stream
        self._end_sessions()

    def _push_video(self, unit: AccessUnit) -> None:
        if self._needs_random_access and not unit.is_random_access:
            return
        self._needs_random_access = True  # until this one is packetized: it may raise
        sender = self._video
        if sender is None or self._codec is not unit.track.codec:
            sender = self._begin_video(unit)
        first_sequence = sender.next_sequence
        batch = sender.packetize(unit)
        self._needs_random_access = False
        pts = unit.pts
        self._cache.push(_Cached(unit, first_sequence, unit.is_random_access, unit.size, pts))
        is_first = VIDEO not in self._last_pts
        self._last_pts[VIDEO] = (pts, VIDEO_CLOCK_RATE)
        # Before the packets: players place what comes ahead of the first report by guesswork.
        if is_first or pts >= self._next_report_pts:
            is_early = self._early_reports > 0
            self._early_reports -= is_early
            self._next_report_pts = pts + (
                EARLY_REPORT_TICKS if is_early else REPORT_INTERVAL_TICKS
            )
            self._report_to(self._seats)
        parcel = Parcel(batch, track=VIDEO, media_s=pts / VIDEO_CLOCK_RATE)
        self._fan_out(parcel, self._video_lanes)

    def _push_audio(self, frame: AudioFrame) -> None:
        if frame.track is not self._audio_track:
            self._note_audio_track(frame)
        rate = frame.track.clock_rate
        begins_anew = AUDIO not in self._last_pts
        self._last_pts[AUDIO] = (frame.pts, rate)
        for choice, lanes in self._audio_lanes.items():
            sender = self._audio.get(choice)
            is_first = begins_anew or sender is None
            if sender is None:
                sender = self._audio[choice] = self._audio_sender(frame.track, choice)
            if is_first:
                self._report_to([seat for seat in self._seats if seat.audio is choice])
            parcel = Parcel(sender.packetize(frame), track=AUDIO, media_s=frame.pts / rate)
            self._fan_out(parcel, lanes)

    def _fan_out(self, parcel: Parcel, lanes: tuple[Lane, ...]) -> None:
        for lane in lanes:
            try:
                lane.push(parcel)
            except Exception:  # noqa: BLE001 - must reach neither other players nor the camera
                bind_stream(_LOG, self.name).exception("a player failed")
                for seat in [seat for seat in self._seats if seat.lane is lane]:
                    seat.on_failure("internal error")

    # -- details ----------------------------------------------------------------------

    def _begin_video(self, unit: AccessUnit) -> RtpSender[AccessUnit]:
        """Return a sender for a track that is new, or that came back with another codec."""
        if self._video is not None:
            self._end_sessions()
        self._note_origin(unit.pts / VIDEO_CLOCK_RATE)
        self._codec = unit.track.codec
        self._video = self._new_sender(video_format(unit.track), VIDEO, AudioChoice.SOURCE)
        return self._video

    def _note_audio_track(self, frame: AudioFrame) -> None:
        """Take an audio track that is new, or that came back with another format."""
        if self._audio and frame.track != self._audio_track:
            self._end_sessions()
        self._note_origin(frame.pts / frame.track.clock_rate)
        self._audio_track = frame.track

    def _note_origin(self, media_s: float) -> None:
        if self._origin_unix_s is None:
            self._origin_unix_s = self._clock.unix_s() - media_s

    def _end_sessions(self) -> None:
        for seat in list(self._seats):
            self.say_bye(seat)
            seat.on_renegotiate()
        self._video = None
        self._audio.clear()
        self._last_pts.clear()
        self._cache.clear()
        self._ssrcs = _Ssrcs()

    def _audio_sender(self, track: AudioTrack, choice: AudioChoice) -> RtpSender[AudioFrame]:
        payload_format = self._audio_format(track, choice)
        assert payload_format is not None  # NONE has no lanes, and the track exists
        return self._new_sender(payload_format, AUDIO, choice)

    def _new_sender(
        self, payload_format: PayloadFormat[UnitT], track: int, choice: AudioChoice
    ) -> RtpSender[UnitT]:
        return RtpSender(
            payload_format,
            ssrc=self.ssrc(track, choice),
            channel=2 * track,  # what nearly every player asks for: 0-1 and 2-3
            first_sequence=secrets.randbelow(1 << 15),  # some receivers mistake an early wrap
            timestamp_offset=secrets.randbelow(1 << 31),
            cname=self.cname,
        )

    def _refresh_lanes(self) -> None:
        self._video_lanes = tuple(seat.lane for seat in self._seats if seat.wants_video)
        self._audio_lanes = {
            choice: tuple(seat.lane for seat in self._seats if seat.audio is choice)
            for choice in {seat.audio for seat in self._seats}
            if choice is not None
        }

    def _replay_pts(self, seat: Seat) -> list[int]:
        cached = self._cache.items
        if seat.start is StartMode.GOP or len(cached) < 2:
            return [item.pts for item in cached]
        last, steps = cached[-1].pts, len(cached) - 1
        span = min(SQUEEZE_TICKS, last - cached[0].pts)
        return [last - span * (steps - i) // steps for i in range(steps + 1)]

    def _replay(self, seat: Seat) -> None:
        assert self._video is not None  # checked by the caller
        for item, pts in zip(self._cache.items, self._replay_pts(seat), strict=True):
            batch = self._video.repacketize(item.unit, first_sequence=item.first_sequence, pts=pts)
            seat.lane.push(Parcel(batch, track=VIDEO, media_s=pts / VIDEO_CLOCK_RATE))
        if len(self._cache.items) > 1:
            self._report_early(self._cache.items[-1].pts)

    def _report_early(self, pts: int) -> None:
        self._early_reports = EARLY_REPORTS
        self._next_report_pts = min(self._next_report_pts, pts + EARLY_REPORT_TICKS)

    def _senders(self, seat: Seat) -> list[tuple[int, AnySender]]:
        video = self._video if seat.wants_video else None
        audio = self._audio.get(seat.audio) if seat.audio else None
        pairs = ((VIDEO, video), (AUDIO, audio))
        return [(track, sender) for track, sender in pairs if sender]

    def _report_to(self, seats: list[Seat]) -> None:
        shared: dict[AnySender, bytes] = {}
        for seat in seats:
            for track, sender in self._senders(seat):
                if track not in self._last_pts:
                    continue  # nothing was sent since the source began
                if sender not in shared:
                    shared[sender] = self._report(sender, track)
                seat.lane.push_rtcp(track, shared[sender])

    def _report(self, sender: AnySender, track: int) -> bytes:
        pts, rate = self._last_pts[track]
        assert self._origin_unix_s is not None  # set with the first unit
        return sender.sender_report(pts=pts, ntp_time=ntp_time(self._origin_unix_s + pts / rate))


class _Ssrcs:
    """Distinct random SSRCs by track and audio choice; some NVRs restart on equal ones."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, AudioChoice], int] = {}

    def of(self, track: int, choice: AudioChoice) -> int:
        key = (track, choice if track == AUDIO else AudioChoice.SOURCE)
        while key not in self._known:
            candidate = secrets.randbits(32)
            if candidate and candidate not in self._known.values():
                self._known[key] = candidate
        return self._known[key]
