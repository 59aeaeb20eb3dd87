"""One RTSP session's media: its lane, its tracks, and its seat on a mount.

The session's state is :class:`neolink.rtsp.session.ServerSession`; this is what the state acts on.
"""

import logging
from collections.abc import Callable

from neolink.clock import Clock, SystemClock
from neolink.hub.backlog import Backlog
from neolink.log import BoundLogger, bind
from neolink.media.tracks import StreamKind
from neolink.rtp.formats import AudioChoice
from neolink.rtp.rtcp import Bye, ReceiverReport, ReportBlock, SenderReport, parse_compound
from neolink.rtsp.session import ServerSession
from neolink.rtsp_server.mount import Lane, Mount, Seat, StartPoint
from neolink.rtsp_server.outbox import Lane as TcpLane
from neolink.rtsp_server.outbox import Outbox
from neolink.rtsp_server.parcel import AUDIO, VIDEO, Parcel
from neolink.rtsp_server.settings import StartMode
from neolink.rtsp_server.sums import PlayerSums
from neolink.rtsp_server.switcher import FindStreams, Switcher
from neolink.rtsp_server.udp import Address, UdpLane

__all__ = ["Player", "printable"]

_LOG = logging.getLogger(__name__)

UDP_REPLAY_BYTES = 1 << 20
"""A larger cached group of pictures is not sent over UDP: the burst would be lost."""


AGENT_LENGTH = 160
"""Browsers name themselves behind 100 letters of history."""


def printable(text: str) -> str:
    """Return what a log or a page may show of a name that a player gave itself."""
    return "".join(letter for letter in text if letter.isprintable())[:AGENT_LENGTH].strip()


class Player:
    """The media side of one session.

    ``tcp`` and ``udp`` lanes are opened by SETUP; a session may mix them, one per track.
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
        self.is_abandoned = False
        """Whether the RTSP connection that set this up has gone; UDP media go on without it."""
        self.choice = choice
        self._start = start
        self._tcp: TcpLane | None = None
        self._udp: UdpLane | None = None
        self._outbox: Outbox | None = None
        self._by_track: dict[int, TcpLane | UdpLane] = {}
        self._seat: Seat | None = None
        self._noted_episodes = 0
        self._sums_before = PlayerSums()
        """Of lanes that are closed."""
        self._sums_elsewhere = PlayerSums()
        """What of it was on other mounts."""
        self._switcher = (
            Switcher(self, find_streams, clock or SystemClock()) if find_streams else None
        )
        self.udp_addresses: set[Address] = set()
        """Every RTP and RTCP address that UDP tracks have used; claimed until the session ends."""
        self.reports: dict[int, ReportBlock] = {}
        """What the player last reported of each track."""

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
    def is_adaptive(self) -> bool:
        """Whether it may be moved between main and sub stream."""
        return self._switcher is not None

    @property
    def moves_down(self) -> int:
        """How often it was moved to the sub stream."""
        return self._switcher.moves_down if self._switcher else 0

    @property
    def moves_up(self) -> int:
        """How often it was moved back to the main stream."""
        return self._switcher.moves_up if self._switcher else 0

    @property
    def transports(self) -> frozenset[str]:
        """``tcp``, ``udp``, or both."""
        lanes = self._by_track.values()
        return frozenset("tcp" if lane is self._tcp else "udp" for lane in lanes)

    @property
    def bytes_sent(self) -> int:
        """Bytes of media given to its sockets, with their headers."""
        return self._sums_before.bytes_sent + sum(lane.bytes_sent for lane in self._lanes())

    @property
    def queue_delay_s(self) -> float:
        """Media time that waits for it: how far it is behind."""
        return max((backlog.delay_s for backlog in self.backlogs), default=0.0)

    @property
    def sums(self) -> PlayerSums:
        """Its counters, also after it was closed."""
        backlogs = self.backlogs
        return PlayerSums(
            players=1,
            bytes_sent=self.bytes_sent,
            units_dropped=self._sums_before.units_dropped + sum(b.dropped for b in backlogs),
            drop_episodes=self._sums_before.drop_episodes + sum(b.episodes for b in backlogs),
            moves_down=self.moves_down,
            moves_up=self.moves_up,
        )

    @property
    def sums_here(self) -> PlayerSums:
        """The part of its counters that it got from the mount where it is now."""
        return self.sums - self._sums_elsewhere

    @property
    def outbox(self) -> Outbox | None:
        """The connection that interleaved tracks use; None for UDP alone."""
        return self._outbox if self._tcp in self._by_track.values() else None

    @property
    def backlogs(self) -> list[Backlog[Parcel]]:
        """Queues of this player, for limits and counters."""
        return [lane.backlog for lane in self._lanes()]

    @property
    def video_backlog(self) -> Backlog[Parcel]:
        """The queue of its pictures. Raises KeyError when it takes none."""
        return self._by_track[VIDEO].backlog

    @property
    def video_outbox(self) -> Outbox | None:
        """The connection that its pictures use; None for UDP."""
        return self._outbox if self._by_track.get(VIDEO) is self._tcp else None

    @property
    def lane(self) -> Lane:
        """Where its packets go, whichever mount they are from."""
        lanes = set(self._by_track.values())
        return lanes.pop() if len(lanes) == 1 else _Mixed(self._by_track)

    @property
    def seat(self) -> Seat | None:
        """Its place on the mount; None while it does not play."""
        return self._seat

    @property
    def is_playing(self) -> bool:
        """Whether media flows."""
        return self._seat is not None

    # -- SETUP ------------------------------------------------------------------------

    def use_tcp(
        self, track: int, channel: int, outbox: Outbox, lane: Callable[[], TcpLane]
    ) -> None:
        """Send a track interleaved on ``channel`` (RTP) and the next one (RTCP)."""
        if self._tcp is None:
            self._tcp, self._outbox = lane(), outbox
        self._tcp.channels[track] = channel
        self._by_track[track] = self._tcp

    def use_udp(self, track: int, rtp: Address, rtcp: Address, lane: Callable[[], UdpLane]) -> None:
        """Send a track to a pair of UDP addresses."""
        if self._udp is None:
            self._udp = lane()
        self._udp.addresses[track] = (rtp, rtcp)
        self.udp_addresses |= {rtp, rtcp}
        self._by_track[track] = self._udp

    def drop_track(self, track: int) -> None:
        """Stop sending one track; the others go on."""
        self._by_track.pop(track, None)
        self.reports.pop(track, None)
        for backlog in self.backlogs:
            backlog.discard(lambda parcel: parcel.track == track)
        self.stay()
        seat = self._seat
        if seat is None:
            return
        if track == AUDIO:
            seat.audio = None
        else:
            seat.wants_video = False
            self._set_entry_rules()
        self.mount.narrow(seat)

    # -- PLAY, PAUSE, TEARDOWN --------------------------------------------------------

    def plan(
        self, on_renegotiate: Callable[[], None], on_failure: Callable[[str], None]
    ) -> dict[int, StartPoint]:
        """Prepare to play; return where each track will start, for RTP-Info."""
        seat = self._make_seat(on_renegotiate, on_failure)
        switcher = self._switcher
        if switcher is not None:
            seat = switcher.admit(seat, is_udp=self.video_outbox is None)
        self._seat = seat
        if switcher is not None and switcher.has_moved:
            return dict.fromkeys(self._by_track, StartPoint(None, None))
        return {track: self.mount.start_point(track, seat) for track in self._by_track}

    def play(self) -> None:
        """Begin what was planned. Call it in the same turn of the loop as ``plan``."""
        assert self._seat is not None  # planned before
        self._set_entry_rules()
        self.mount.join(self._seat)

    def pause(self) -> None:
        """Stop media; the session lives on. What waits is dropped."""
        self._leave()
        self._seat = None
        for backlog in self.backlogs:
            backlog.clear()

    def say_bye(self) -> None:
        """Tell a UDP player that no more will come; one on TCP sees the reply instead."""
        if self._seat is not None and self.outbox is None:
            self.mount.say_bye(self._seat)

    def dismiss(self, reason: str) -> None:
        """Say BYE, and have the conversation end the session; one that does not play is left."""
        seat = self._seat
        if seat is not None:
            self.mount.say_bye(seat)
            seat.on_failure(reason)

    def close(self) -> None:
        """Stop media and release the lanes."""
        self._leave()
        self._seat = None
        self._sums_before = self.sums
        for lane in self._lanes():
            lane.close()
        self._tcp = self._udp = None
        self._by_track.clear()

    # -- main or sub ------------------------------------------------------------------

    def adapt(self, now_s: float) -> None:
        """Look whether it should be moved, if it is adaptive."""
        if self._switcher is not None:
            self._switcher.look(now_s)

    def stay(self, target: Mount | None = None) -> None:
        """Give up a move that is under way; with ``target`` only one that leads there."""
        if self._switcher is not None:
            self._switcher.cancel(target)

    def change_seat(self, mount: Mount, seat: Seat) -> None:
        """Be on another mount from now on; the seat there is taken and that here is left."""
        self.mount.sums_before += self.sums_here
        self._sums_elsewhere = self.sums
        self.mount, self._seat = mount, seat

    # -- what comes back --------------------------------------------------------------

    def take_rtcp(self, track: int, data: bytes | memoryview) -> bool:
        """Keep what the player reports of a track; return whether it said BYE.

        Raises RemoteProtocolError for what is no RTCP.
        """
        switcher = self._switcher
        ssrc = (switcher and switcher.ssrc(track)) or self.mount.ssrc(track, self.choice)
        packets = parse_compound(data)
        for packet in packets:
            if isinstance(packet, ReceiverReport | SenderReport):
                for report in packet.reports:
                    if report.ssrc != ssrc:
                        continue
                    self.reports[track] = report
                    if switcher is not None and track == VIDEO:
                        switcher.reported(report.fraction_lost / 256)
        return any(isinstance(packet, Bye) for packet in packets)

    def note_losses(self) -> int:
        """Return how many units were dropped, if that began anew since the last call; else 0."""
        episodes = sum(backlog.episodes for backlog in self.backlogs)
        is_new, self._noted_episodes = episodes > self._noted_episodes, episodes
        return sum(backlog.dropped for backlog in self.backlogs) if is_new else 0

    # -- details ----------------------------------------------------------------------

    def _set_entry_rules(self) -> None:
        """Let a lane with video begin at a random access point, one of audio alone anywhere."""
        for lane in self._lanes():
            has_video = self._by_track.get(VIDEO) is lane
            lane.backlog.has_video = lane.backlog.needs_random_access = has_video

    def _lanes(self) -> list[TcpLane | UdpLane]:
        return [lane for lane in (self._tcp, self._udp) if lane is not None]

    def _leave(self) -> None:
        self.stay()
        if self._seat is not None:
            self.mount.leave(self._seat)

    def _make_seat(
        self, on_renegotiate: Callable[[], None], on_failure: Callable[[str], None]
    ) -> Seat:
        start = self._start
        if self._udp in self._by_track.values() and self.mount.cached_bytes > UDP_REPLAY_BYTES:
            start = StartMode.LIVE
        return Seat(
            lane=self.lane,
            wants_video=VIDEO in self._by_track,
            audio=self.choice if AUDIO in self._by_track else None,
            start=start,
            on_renegotiate=on_renegotiate,
            on_failure=on_failure,
        )


class _Mixed:
    """A lane that sends each track by its own transport."""

    def __init__(self, by_track: dict[int, TcpLane | UdpLane]) -> None:
        self._by_track = dict(by_track)

    def push(self, parcel: Parcel) -> None:
        self._by_track[parcel.track].push(parcel)

    def push_rtcp(self, track: int, packet: bytes) -> None:
        self._by_track[track].push_rtcp(track, packet)
