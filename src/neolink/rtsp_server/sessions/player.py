"""One RTSP session's media: its lanes, its seat on a mount, and what stays when a track goes.

The session's state is :class:`neolink.rtsp.session.ServerSession`; this is what the state acts on.
Which way tracks go is in ``lanes``, what comes back in ``inbound``, moves to another stream in
``switcher``.
"""

import logging
from collections.abc import Callable

from neolink.clock import Clock, SystemClock
from neolink.hub.backlog import Backlog
from neolink.listening import network_of, printable
from neolink.log import BoundLogger, RepeatLimiter, bind
from neolink.media.tracks import StreamKind
from neolink.rtp.formats import AudioChoice
from neolink.rtsp.session import ServerSession
from neolink.rtsp_server.delivery.outbox import Outbox
from neolink.rtsp_server.mounts.feedback import Feedback
from neolink.rtsp_server.mounts.mount import Mount
from neolink.rtsp_server.mounts.numbers import USUAL
from neolink.rtsp_server.mounts.parcel import AUDIO, BACKCHANNEL, METADATA, VIDEO, Parcel
from neolink.rtsp_server.mounts.seat import Seat, StartPoint
from neolink.rtsp_server.mounts.sums import PlayerSums
from neolink.rtsp_server.sessions.inbound import Inbound
from neolink.rtsp_server.sessions.lanes import Lanes
from neolink.rtsp_server.sessions.multicast import Group
from neolink.rtsp_server.sessions.switcher import FindStreams, Switcher
from neolink.rtsp_server.settings import StartMode

__all__ = ["Player"]

_LOG = logging.getLogger(__name__)


class Player:
    """The media side of one session.

    ``number`` tells it from all others of the process without being a secret, ``address`` is
    where it connects from, and ``agent`` how it names itself. With ``find_streams`` it is adaptive:
    ``mount`` is then where it gets its media now, and may be another one later.
    """

    def __init__(
        self,
        session: ServerSession,
        mount: Mount,
        choice: AudioChoice,
        start: StartMode,
        *,
        number: int = 0,
        address: str = "",
        agent: str = "",
        find_streams: FindStreams | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.session = session
        self.mount = mount
        self.number = number
        self.address = address
        self.agent = printable(agent)
        self.has_played = False
        self.left_s = 0.0
        """When the connection went that it belonged to, on the monotonic clock."""
        self.home: Outbox | None = None
        """Of the RTSP connection it belongs to; None when that has gone and UDP media go on."""
        self.choice = choice
        self.lanes = Lanes()
        """Which way its tracks go."""
        self.inbound = Inbound(self)
        """What it sends back."""
        self.switcher = (
            Switcher(self, find_streams, clock or SystemClock()) if find_streams else None
        )
        """Moves it between main and sub stream; None where it stays."""
        self._start = start
        self._seat: Seat | None = None
        self._packet_sizes: dict[int, int] = {}
        """By track, where it is not the usual one of the mount; held there."""
        self._sums_elsewhere = PlayerSums()
        """What of its counters was on other mounts."""
        self._noted_episodes = 0

    # -- what it is and how it fares ---------------------------------------------------

    @property
    def path(self) -> str:
        """What it asked for, decoded, without query."""
        return f"/{self.session.path}"

    @property
    def user(self) -> str | None:
        """Who it has proven to be."""
        return self.session.user

    @property
    def joined_s(self) -> float:
        """When it set up its first track, on the monotonic clock."""
        return self.session.created_at

    @property
    def kind(self) -> StreamKind:
        """The stream whose pictures it is sent now."""
        return self.mount.kind

    @property
    def log(self) -> BoundLogger:
        """Speaks of this player: of its camera, its stream of now, and its address."""
        camera = self.mount.settings.camera
        return bind(_LOG, camera=camera, stream=self.kind, client=self.address or None)

    @property
    def is_abandoned(self) -> bool:
        """Whether no RTSP connection has it; UDP media go on without one."""
        return self.home is None

    @property
    def is_adaptive(self) -> bool:
        """Whether it may be moved between main and sub stream."""
        return self.switcher is not None

    @property
    def is_playing(self) -> bool:
        """Whether media flows."""
        return self._seat is not None

    @property
    def seat(self) -> Seat | None:
        """Its place on the mount; None while it does not play."""
        return self._seat

    @property
    def transports(self) -> frozenset[str]:
        """``tcp``, ``udp``, or both; or ``multicast``."""
        return self.lanes.transports

    @property
    def outbox(self) -> Outbox | None:
        """The connection that interleaved tracks use; None for UDP alone."""
        return self.lanes.outbox

    @property
    def backlogs(self) -> list[Backlog[Parcel]]:
        """Queues of this player, for limits and counters."""
        return self.lanes.backlogs

    @property
    def queue_delay_s(self) -> float:
        """Media time that waits for it: how far it is behind."""
        return max((backlog.delay_s for backlog in self.backlogs), default=0.0)

    @property
    def feedback(self) -> Feedback:
        """What it tells of how it receives."""
        return self.inbound.feedback

    @property
    def moves_down(self) -> int:
        """How often it was moved to the sub stream."""
        return self.switcher.moves_down if self.switcher else 0

    @property
    def moves_up(self) -> int:
        """How often it was moved back to the main stream."""
        return self.switcher.moves_up if self.switcher else 0

    @property
    def sums(self) -> PlayerSums:
        """Its counters, also after it was closed."""
        sums = self.lanes.sums()
        sums.players, sums.moves_down, sums.moves_up = 1, self.moves_down, self.moves_up
        return sums

    @property
    def sums_here(self) -> PlayerSums:
        """The part of its counters that it got from the mount where it is now."""
        return self.sums - self._sums_elsewhere

    def note_losses(self) -> int:
        """Return how many units were dropped, if that began anew since the last call; else 0."""
        episodes = sum(backlog.episodes for backlog in self.backlogs)
        is_new, self._noted_episodes = episodes > self._noted_episodes, episodes
        return sum(backlog.dropped for backlog in self.backlogs) if is_new else 0

    # -- its tracks -------------------------------------------------------------------

    def use_group(self, track: int, group: Group) -> None:
        """Send a track to a group, as all the others. The player cannot be moved to another stream.

        Raises OSError where the group has no socket for the track.
        """
        self.lanes.use_group(track, group)
        self.stay()
        self.switcher = None

    def size_packets(self, track: int, most_bytes: int | None) -> None:
        """Send a track in packets of at most so many bytes; None: as usual.

        One that may be moved between streams is always sent the usual ones, and so are documents.
        """
        self.mount.release_packet_size(self._packet_sizes.pop(track, USUAL))
        if most_bytes is not None and not self.is_adaptive and track in (VIDEO, AUDIO):
            self._packet_sizes[track] = self.mount.take_packet_size(most_bytes)

    def ssrc(self, track: int) -> int:
        """Return the SSRC by which the player knows a track."""
        size = self._packet_sizes.get(track, USUAL)
        known = self.switcher.ssrc(track) if self.switcher else None
        return known or self.mount.ssrc(track, self.choice, size)

    @property
    def is_as_set_up(self) -> bool:
        """Whether its tracks are still the sources that SETUP has named, or else another stream."""
        granted = {track: setup.granted.ssrc for track, setup in self.session.tracks.items()}
        if self.switcher is not None and self.switcher.has_moved:  # it has numbers of its own
            return self.switcher.goes_on_with(granted)
        return all(
            ssrc
            in {None, self.mount.ssrc(track, self.choice, self._packet_sizes.get(track, USUAL))}
            for track, ssrc in granted.items()
        )

    def drop_track(self, track: int) -> None:
        """Stop sending one track; the others go on."""
        if track == BACKCHANNEL:
            self.inbound.stop_speech()
        self.lanes.drop(track)
        self.size_packets(track, None)
        self.feedback.forget(track)
        self.stay()
        if self._seat is not None:
            self._want_no_more(track, self._seat)

    def _want_no_more(self, track: int, seat: Seat) -> None:
        if track == VIDEO:
            seat.wants_video = False
            self.lanes.set_entry_rules()
        elif track == AUDIO:
            seat.audio = None
        elif track == METADATA:
            seat.wants_metadata = False
        self._host.narrow(seat)

    # -- PLAY, PAUSE, TEARDOWN --------------------------------------------------------

    def plan(
        self, on_renegotiate: Callable[[], None], on_failure: Callable[[str], None]
    ) -> dict[int, StartPoint]:
        """Prepare to play; return where each track will start, for RTP-Info."""
        seat = self._make_seat(on_renegotiate, on_failure)
        switcher, sent = self.switcher, self.lanes.sent
        if switcher is not None:
            seat = switcher.admit(seat, is_udp=self.lanes.video_outbox is None)
        self._seat = seat
        if switcher is not None and switcher.has_moved:
            return dict.fromkeys(sent, StartPoint(None, None))
        return {track: self.mount.start_point(track, seat) for track in sent}

    def play(self) -> None:
        """Begin what was planned. Call it in the same turn of the loop as ``plan``."""
        seat, mount = self._seat, self.mount
        assert seat is not None  # planned before
        self.has_played = True
        self.lanes.set_entry_rules()
        if seat.start is not StartMode.LIVE:
            self.lanes.pace_replay(mount.cached_bytes, mount.pace.bytes_per_s or 0.0)
        self._host.join(seat)

    def pause(self) -> None:
        """Stop media; the session lives on. What waits is dropped."""
        self._leave()
        self.lanes.drop_waiting()

    def say_bye(self) -> None:
        """Tell a UDP player that no more will come; one on TCP sees the reply instead."""
        if self._seat is not None and self.outbox is None:
            self._host.say_bye(self._seat)

    def tell_left(self, limiter: RepeatLimiter, text: str = "left") -> None:
        """Tell that it has left; of a host that sets up and never plays, not each time."""
        if self.has_played:
            self.log.info("%s", text)
        else:
            about = network_of(self.session.peer_host), text
            limiter.log(self.log, logging.INFO, "%s without playing", text, about=about)

    def dismiss(self, reason: str) -> None:
        """Say BYE, and have the conversation end the session; one that does not play is left."""
        seat = self._seat
        if seat is not None:
            self._host.say_bye(seat)
            seat.on_failure(reason)

    def close(self) -> None:
        """Stop media and release the lanes."""
        self._leave()
        self.lanes.close()
        for track in list(self._packet_sizes):
            self.size_packets(track, None)

    # -- main or sub ------------------------------------------------------------------

    def adapt(self, now_s: float) -> None:
        """Look whether it should be moved, if it is adaptive."""
        if self.switcher is not None:
            self.switcher.look(now_s)

    def stay(self, target: Mount | None = None) -> None:
        """Give up a move that is under way; with ``target`` only one that leads there."""
        if self.switcher is not None:
            self.switcher.cancel(target)

    def change_seat(self, mount: Mount, seat: Seat) -> None:
        """Be on another mount from now on; the seat there is taken and that here is left."""
        self.mount.sums_before += self.sums_here
        self._sums_elsewhere = self.sums
        self.mount, self._seat = mount, seat

    # -- details ----------------------------------------------------------------------

    @property
    def _host(self) -> Mount | Group:
        """Who has its seat."""
        return self.lanes.group or self.mount

    def _leave(self) -> None:
        """Give up the seat, and a move or a talk that is under way."""
        self.stay()
        if self._seat is not None:
            self._host.leave(self._seat)
        self.inbound.stop_speech()
        self._seat = None

    def _make_seat(
        self, on_renegotiate: Callable[[], None], on_failure: Callable[[str], None]
    ) -> Seat:
        lanes = self.lanes
        return Seat(
            lane=lanes.joint,
            wants_video=VIDEO in lanes,
            audio=self.choice if AUDIO in lanes else None,
            start=self._start if lanes.takes_replay(self.mount.cached_bytes) else StartMode.LIVE,
            on_renegotiate=on_renegotiate,
            on_failure=on_failure,
            wants_metadata=METADATA in lanes,
            packet_sizes=dict(self._packet_sizes),
        )
