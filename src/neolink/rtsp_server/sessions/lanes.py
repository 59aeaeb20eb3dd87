"""Which way each track of a session goes: interleaved on a connection, over UDP, or to a group.

What is sent, and when, is decided elsewhere.
"""

from collections.abc import Callable

from neolink.hub.backlog import Backlog
from neolink.rtsp_server.delivery.outbox import Lane as TcpLane
from neolink.rtsp_server.delivery.outbox import Outbox
from neolink.rtsp_server.delivery.udp import Address, UdpLane
from neolink.rtsp_server.mounts.parcel import BACKCHANNEL, VIDEO, Parcel
from neolink.rtsp_server.mounts.seat import Lane
from neolink.rtsp_server.mounts.sums import PlayerSums
from neolink.rtsp_server.sessions.multicast import Group

__all__ = ["Lanes"]

UDP_REPLAY_BYTES = 1 << 20
"""A larger cached group of pictures is not sent over UDP: the burst would be lost."""


class Lanes:
    """The lanes of one session, opened by SETUP. TCP and UDP may be mixed, one for each track."""

    def __init__(self) -> None:
        self.group: Group | None = None
        """The multicast group that all tracks are sent to."""
        self._tcp: TcpLane | None = None
        self._udp: UdpLane | None = None
        self._outbox: Outbox | None = None
        self._by_track: dict[int, TcpLane | UdpLane] = {}
        self._sums_before = PlayerSums()
        """Of lanes that are closed."""

    # -- where tracks go --------------------------------------------------------------

    def use_tcp(
        self, track: int, channel: int, outbox: Outbox, open_lane: Callable[[], TcpLane]
    ) -> None:
        """Send a track interleaved on ``channel`` (RTP) and the next one (RTCP)."""
        if self._outbox is not outbox:
            self._leave_connection()
        if self._tcp is None:
            self._tcp, self._outbox = open_lane(), outbox
        self._tcp.channels[track] = channel
        self._by_track[track] = self._tcp

    def use_udp(
        self, track: int, rtp: Address, rtcp: Address, open_lane: Callable[[], UdpLane]
    ) -> None:
        """Send a track to a pair of UDP addresses."""
        if self._udp is None:
            self._udp = open_lane()
        self._udp.aim(track, rtp, rtcp)
        self._by_track[track] = self._udp

    def use_group(self, track: int, group: Group) -> None:
        """Send a track to a group, as all the others.

        Raises OSError where the group has no socket for the track.
        """
        group.set_up(track)
        self.group = group
        self._by_track[track] = group.lane

    def leave_group(self) -> None:
        """Have no track in a group any more; the session that held it lets go of it itself."""
        self.group = None

    def move_udp(self, track: int, address: Address, *, is_rtcp: bool) -> None:
        """Send RTP or RTCP of a track to another address from now on."""
        if self._udp is not None:
            rtp, rtcp = self._udp.addresses(track)
            self._udp.aim(track, *((rtp, address) if is_rtcp else (address, rtcp)))

    def drop(self, track: int) -> None:
        """Send a track no more; what waits of it goes."""
        self._by_track.pop(track, None)
        for backlog in self.backlogs:
            backlog.discard(lambda parcel: parcel.track == track)

    def drop_waiting(self) -> None:
        """Drop what waits, also the rest of a picture that is sent in bursts."""
        if self._tcp is not None:
            self._tcp.backlog.clear()
        if self._udp is not None:
            self._udp.close()  # it may be pushed to again

    def close(self) -> None:
        """Send nothing more; the counters stay."""
        self._sums_before = self.sums()
        for lane in self._open():
            lane.close()
        self._tcp = self._udp = self.group = None
        self._by_track.clear()

    def _leave_connection(self) -> None:
        """Close the lane on a connection that no track uses any more."""
        if self._tcp is not None:
            backlog = self._tcp.backlog
            self._sums_before += PlayerSums(
                bytes_sent=self._tcp.bytes_sent,
                units_dropped=backlog.dropped,
                drop_episodes=backlog.episodes,
            )
            self._tcp.close()
            self._tcp = None

    def _open(self) -> list[TcpLane | UdpLane]:
        """Return the session's own lanes; that of a group is not among them."""
        return [lane for lane in (self._tcp, self._udp) if lane is not None]

    # -- which way a track goes -------------------------------------------------------

    def __contains__(self, track: int) -> bool:
        return track in self._by_track

    def of(self, track: int) -> Lane | None:
        """Return the lane of one track; None where it was not set up."""
        return self._by_track.get(track)

    def is_udp(self, track: int) -> bool:
        """Whether a track goes over UDP, and to this player alone."""
        return self._udp is not None and self._by_track.get(track) is self._udp

    def has_others(self, track: int) -> bool:
        """Whether there is any track besides this one."""
        return any(other != track for other in self._by_track)

    @property
    def sent(self) -> list[int]:
        """The tracks that the player is sent, in the order that they were set up."""
        return [track for track in self._by_track if track != BACKCHANNEL]

    @property
    def joint(self) -> Lane:
        """Takes the packets of all tracks, whichever mount they are from."""
        lanes = {self._by_track[track] for track in self.sent}
        return lanes.pop() if len(lanes) == 1 else _Mixed(self._by_track)

    @property
    def transports(self) -> frozenset[str]:
        """``tcp``, ``udp``, or both; or ``multicast``."""
        if self.group is not None:
            return frozenset(("multicast",))
        lanes = self._by_track.values()
        return frozenset("tcp" if lane is self._tcp else "udp" for lane in lanes)

    @property
    def outbox(self) -> Outbox | None:
        """The connection that interleaved tracks use; None for UDP alone."""
        return self._outbox if self._tcp in self._by_track.values() else None

    @property
    def video_outbox(self) -> Outbox | None:
        """The connection that pictures use; None for UDP."""
        return self._outbox if self._by_track.get(VIDEO) is self._tcp else None

    # -- what waits -------------------------------------------------------------------

    @property
    def backlogs(self) -> list[Backlog[Parcel]]:
        """The queues of this session alone."""
        return [lane.backlog for lane in self._open()]

    @property
    def video_backlog(self) -> Backlog[Parcel]:
        """The queue of pictures. Raises KeyError where none are sent."""
        return self._by_track[VIDEO].backlog

    def take_udp_fault(self) -> str:
        """Return where to UDP could not be sent lately, and why; empty if all was sent."""
        lane = self.group.lane if self.group is not None else self._udp
        return lane.take_fault() if lane is not None else ""

    def sums(self) -> PlayerSums:
        """Return what was sent and dropped, also by lanes that are closed."""
        lanes, before = self._open(), self._sums_before
        return PlayerSums(
            bytes_sent=before.bytes_sent + sum(lane.bytes_sent for lane in lanes),
            units_dropped=before.units_dropped + sum(lane.backlog.dropped for lane in lanes),
            drop_episodes=before.drop_episodes + sum(lane.backlog.episodes for lane in lanes),
        )

    # -- how it begins ----------------------------------------------------------------

    def set_entry_rules(self) -> None:
        """Let a lane with video begin at a random access point, one of audio alone anywhere."""
        for lane in self._open():
            has_video = self._by_track.get(VIDEO) is lane
            lane.backlog.has_video = lane.backlog.needs_random_access = has_video

    def takes_replay(self, cached_bytes: int) -> bool:
        """Whether so many bytes of cached pictures may be sent at the start."""
        is_too_much = self.is_udp(VIDEO) and cached_bytes > UDP_REPLAY_BYTES
        return self.group is None and not is_too_much

    def pace_replay(self, cached_bytes: int, stream_bytes_per_s: float) -> None:
        """Have cached pictures leave more slowly over UDP: no network takes them all at once."""
        if self._udp is not None and self.is_udp(VIDEO):
            self._udp.catch_up(cached_bytes, stream_bytes_per_s)


class _Mixed:
    """A lane that sends each track by its own transport."""

    def __init__(self, by_track: dict[int, TcpLane | UdpLane]) -> None:
        self._by_track = dict(by_track)

    def push(self, parcel: Parcel) -> None:
        self._by_track[parcel.track].push(parcel)

    def push_aside(self, parcel: Parcel) -> None:
        self._by_track[parcel.track].push_aside(parcel)

    def push_rtcp(self, track: int, packet: bytes) -> None:
        self._by_track[track].push_rtcp(track, packet)
