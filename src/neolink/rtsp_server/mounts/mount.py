"""A mount: one stream under its RTSP paths, packetized once for all its players.

Hot path: :meth:`Mount.push` runs once per unit; :meth:`Seats.fan_out` then calls ``push`` of each
player's lane.

Every player of a mount sees the same SSRC, sequence numbers and timestamps; that is what lets
them share bytes. Who wants packets of another size shares with those who want the same. Pictures
are packetized here, sound in ``soundtrack``, events in ``documents``; what somebody who comes late
is given first is in ``replay``.
"""

import logging
import secrets

from neolink.clock import Clock
from neolink.convert.threads import CodecThreads
from neolink.hub.backlog import Allowance, BacklogLimits
from neolink.hub.gop import GopCache
from neolink.hub.stream import Hold, Stream
from neolink.log import bind_stream
from neolink.media.tracks import VIDEO_CLOCK_RATE, AudioTrack, Presentation, StreamKind, VideoCodec
from neolink.media.units import AccessUnit, AudioFrame, MediaUnit
from neolink.rtp.formats import AudioChoice, PayloadFormat, video_format
from neolink.rtp.rtcp import ReportBlock
from neolink.rtsp_server.mounts.backchannel import Intercom
from neolink.rtsp_server.mounts.documents import Documents
from neolink.rtsp_server.mounts.metadata import MetadataFeed
from neolink.rtsp_server.mounts.numbers import USUAL
from neolink.rtsp_server.mounts.pace import Pace
from neolink.rtsp_server.mounts.parcel import METADATA, VIDEO, Parcel
from neolink.rtsp_server.mounts.replay import Replay
from neolink.rtsp_server.mounts.reports import Reports
from neolink.rtsp_server.mounts.seat import Seat, StartPoint
from neolink.rtsp_server.mounts.seats import Seats
from neolink.rtsp_server.mounts.senders import Senders
from neolink.rtsp_server.mounts.soundtrack import Soundtrack
from neolink.rtsp_server.mounts.sums import PlayerSums
from neolink.rtsp_server.settings import MountSettings

__all__ = ["Mount"]

_LOG = logging.getLogger(__name__)

MAX_UNKNOWN_OPTIONS = 20
"""So many values of a URL's options are told of: players can make up any number."""


class Mount:
    """One stream of one camera, served to any number of players."""

    def __init__(
        self,
        kind: StreamKind,
        stream: Stream,
        settings: MountSettings,
        clock: Clock,
        threads: CodecThreads | None = None,
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
        self.intercom: Intercom | None = None
        """How its camera is talked to; shared by all mounts of the camera."""
        self._unknown_options: set[tuple[str, str]] = set()
        self._hold: Hold | None = None
        self._codec: VideoCodec | None = None
        self._needs_random_access = False
        """True after a picture that could not be packetized: what follows it would not decode."""
        self._cache: GopCache[AccessUnit] = GopCache()
        self._seats = Seats(self.name)
        self._senders = Senders(lambda: self.settings, self.cname)
        self._reports = Reports(self._senders, self._cache, clock)
        parts = stream, self._seats, self._senders, self._reports
        self._soundtrack = Soundtrack(
            *parts, threads or CodecThreads(), clock, on_change=self._end_sessions
        )
        self.sounds = self._soundtrack.sounds
        """What the camera's sound is made into, for players that want it otherwise."""
        self.silence = self._soundtrack.silence
        """What stands in for sound that has stopped."""
        documents = Documents(*parts)
        self.metadata = MetadataFeed(stream.name, settings.camera, stream.events, documents.push)
        """What is told of events, while anybody takes that track."""
        self._replay = Replay(self._cache, self._senders, self._reports, self.sounds, documents)
        stream.subscribe(self)

    @property
    def cached_pictures(self) -> list[AccessUnit]:
        """The pictures since the last random access point, the oldest first; maybe none."""
        return list(self._cache.items)

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
        return self._soundtrack.track

    @property
    def player_count(self) -> int:
        """Players that are playing now."""
        return len(self._seats.all)

    # -- description ------------------------------------------------------------------

    def formats(
        self, presentation: Presentation, choice: AudioChoice
    ) -> tuple[PayloadFormat[AccessUnit] | None, PayloadFormat[AudioFrame] | None]:
        """Return the video and audio payload formats a player with this choice is told of."""
        track = presentation.video
        video = video_format(track, self.settings.aggregate) if track else None
        return video, self._soundtrack.payload_format(presentation.audio, choice)

    def made_of(self, track: AudioTrack, choice: AudioChoice) -> AudioTrack:
        """Return the track that players with this choice are sent for one of the camera."""
        return self._soundtrack.made_of(track, choice)

    def offered(self, choice: AudioChoice) -> AudioChoice:
        """Return what a new player is served that wishes for this choice of sound."""
        return self._soundtrack.offered(choice)

    def ssrc(self, track: int, choice: AudioChoice, size: int = USUAL) -> int:
        """Return the SSRC that a track has or will have; it differs per track, choice and size."""
        return self._senders.ssrc(track, choice, size)

    def take_packet_size(self, wanted: int) -> int:
        """Hold the size of packets for a player that wants them up to ``wanted`` bytes."""
        return self._senders.take_size(wanted)

    def release_packet_size(self, size: int) -> None:
        """Hold a size no longer."""
        self._senders.release_size(size)

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
        self._replay.send(seat)  # first: where that fails, nobody is there to let go
        if self._hold is None:
            self._hold = self.stream.hold()
        self.metadata.flush()
        self._seats.all.append(seat)
        self._serve_seats()
        self._reports.tell([seat])
        if seat.wants_metadata:
            self.metadata.begin()

    def narrow(self, seat: Seat) -> None:
        """Learn that a seat wants fewer tracks from now on; the others go on without a break."""
        if seat in self._seats.all:
            self._serve_seats()

    def leave(self, seat: Seat) -> None:
        """Stop playing; a seat that is not here is ignored."""
        if seat not in self._seats.all:
            return
        self._seats.all.remove(seat)
        self._serve_seats()
        if not self._seats.all and self._hold is not None:
            self._hold.release()
            self._hold = None

    def say_bye(self, seat: Seat) -> None:
        """Tell a player by RTCP that no more will come."""
        for track, sender in self._senders.of(seat, self._cache.items):
            seat.lane.push_rtcp(track, sender.bye())

    def start_point(self, track: int, seat: Seat) -> StartPoint:
        """Tell where a seat that is about to join will start on a track."""
        if track == METADATA:
            self.metadata.flush()  # what waits would come before what is promised now
        return self._replay.start_point(track, seat)

    def round_trip_s(self, report: ReportBlock) -> float | None:
        """Return how long a sender report and the answer that now came to it were under way."""
        return self._reports.round_trip_s(report)

    # -- the stream's side (Sink) -----------------------------------------------------

    def push(self, unit: MediaUnit) -> None:
        """Packetize one unit and give it to every player."""
        if isinstance(unit, AudioFrame):
            self._soundtrack.take(unit)
        else:
            self._push_video(unit)
            self._soundtrack.fill_in(unit.pts)

    def source_stopped(self) -> None:
        """Forget the cached pictures: nothing will follow them. What comes is reported anew.

        If nobody plays, what comes has new numbers too, far from where they wrap.
        """
        self._cache.clear()
        self._reports.source_stopped()
        self._soundtrack.source_stopped()
        if not self._seats.all:
            self._senders.restart()
            self._soundtrack.restart()

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
        if not self._senders.pictures or self._codec is not unit.track.codec:
            self._begin_video(unit)
        pts, media_s, reports = unit.pts, unit.pts / VIDEO_CLOCK_RATE, self._reports
        is_due = VIDEO not in reports.last_pts or pts >= reports.due_pts
        reports.last_pts[VIDEO] = (pts, VIDEO_CLOCK_RATE)
        if is_due:  # before the packets: what comes ahead of the first report is placed by guess
            reports.tell_all(self._seats.all, pts)
        for pictures in self._senders.pictures:
            if unit.is_random_access:
                pictures.group_sequence = pictures.sender.next_sequence
            batch = pictures.sender.packetize(unit)
            self._seats.fan_out(Parcel(batch, track=VIDEO, media_s=media_s), pictures.lanes)
        self._cache.push(unit)
        self._needs_random_access = False

    # -- details ----------------------------------------------------------------------

    def _begin_video(self, unit: AccessUnit) -> None:
        """Make senders for a track that is new, or that came back with another codec."""
        if self._codec not in {None, unit.track.codec}:
            self._end_sessions()
        self._reports.note_origin(unit.pts / VIDEO_CLOCK_RATE)
        self._codec = unit.track.codec
        self._senders.begin_pictures(unit.track, unit.pts)
        for seat in self._seats.all:
            self._senders.pictures_for(seat, self._cache.items)
        self._serve_seats()

    def _end_sessions(self) -> None:
        for seat in list(self._seats.all):
            self.say_bye(seat)
            seat.on_renegotiate()
        self._senders.forget()
        self._soundtrack.restart()
        self._reports.last_pts.clear()
        self._cache.clear()

    def _serve_seats(self) -> None:
        """Send to the seats there are from now on, and make nothing that none of them takes."""
        self._senders.share_pictures(self._seats.all)
        self._soundtrack.serve_seats()
        if not any(seat.wants_metadata for seat in self._seats.all):
            self.metadata.end()
