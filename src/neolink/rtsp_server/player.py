"""One RTSP session's media: its lane, its tracks, and its seat on a mount.

The session's state is :class:`neolink.rtsp.session.ServerSession`; this is what the state acts on.
"""

from collections.abc import Callable

from neolink.hub.backlog import Backlog
from neolink.rtp.formats import AudioChoice
from neolink.rtp.rtcp import Bye, ReceiverReport, ReportBlock, SenderReport, parse_compound
from neolink.rtsp.session import ServerSession
from neolink.rtsp_server.mount import Mount, Seat, StartPoint
from neolink.rtsp_server.outbox import Lane as TcpLane
from neolink.rtsp_server.outbox import Outbox
from neolink.rtsp_server.parcel import AUDIO, VIDEO, Parcel
from neolink.rtsp_server.settings import StartMode
from neolink.rtsp_server.udp import Address, UdpLane

__all__ = ["Player"]

UDP_REPLAY_BYTES = 1 << 20
"""A larger cached group of pictures is not sent over UDP: the burst would be lost."""


class Player:
    """The media side of one session.

    ``tcp`` and ``udp`` lanes are opened by SETUP; a session may mix them, one per track.
    """

    def __init__(
        self, session: ServerSession, mount: Mount, choice: AudioChoice, start: StartMode
    ) -> None:
        self.session = session
        self.mount = mount
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
        self.udp_addresses: set[Address] = set()
        """Every RTP and RTCP address that UDP tracks have used; claimed until the session ends."""
        self.reports: dict[int, ReportBlock] = {}
        """What the player last reported of each track."""

    @property
    def outbox(self) -> Outbox | None:
        """The connection that interleaved tracks use; None for UDP alone."""
        return self._outbox if self._tcp in self._by_track.values() else None

    @property
    def backlogs(self) -> list[Backlog[Parcel]]:
        """Queues of this player, for limits and counters."""
        return [lane.backlog for lane in (self._tcp, self._udp) if lane is not None]

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
        seat = self._seat = self._make_seat(on_renegotiate, on_failure)
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
        for lane in (self._tcp, self._udp):
            if lane is not None:
                lane.close()
        self._tcp = self._udp = None
        self._by_track.clear()

    # -- what comes back --------------------------------------------------------------

    def take_rtcp(self, track: int, data: bytes | memoryview) -> bool:
        """Keep what the player reports of a track; return whether it said BYE.

        Raises RemoteProtocolError for what is no RTCP.
        """
        ssrc = self.mount.ssrc(track, self.choice)
        packets = parse_compound(data)
        for packet in packets:
            if isinstance(packet, ReceiverReport | SenderReport):
                for report in packet.reports:
                    if report.ssrc == ssrc:
                        self.reports[track] = report
        return any(isinstance(packet, Bye) for packet in packets)

    def note_losses(self) -> int:
        """Return how many units were dropped, if that began anew since the last call; else 0."""
        episodes = sum(backlog.episodes for backlog in self.backlogs)
        is_new, self._noted_episodes = episodes > self._noted_episodes, episodes
        return sum(backlog.dropped for backlog in self.backlogs) if is_new else 0

    # -- details ----------------------------------------------------------------------

    def _set_entry_rules(self) -> None:
        """Let a lane with video begin at a random access point, one of audio alone anywhere."""
        for lane in (self._tcp, self._udp):
            if lane is not None:
                has_video = self._by_track.get(VIDEO) is lane
                lane.backlog.has_video = lane.backlog.needs_random_access = has_video

    def _leave(self) -> None:
        if self._seat is not None:
            self.mount.leave(self._seat)

    def _make_seat(
        self, on_renegotiate: Callable[[], None], on_failure: Callable[[str], None]
    ) -> Seat:
        lanes = set(self._by_track.values())
        start = self._start
        if self._udp in lanes and self.mount.cached_bytes > UDP_REPLAY_BYTES:
            start = StartMode.LIVE
        return Seat(
            lane=lanes.pop() if len(lanes) == 1 else _Mixed(self._by_track),
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
