"""RTP by multicast: one group for each stream and choice of sound, sent once for all its players.

A group sits on its mount as one player does, with one lane. What it sends is no cheaper for a
second listener, and no dearer: nothing is sent anew for one who joins. He waits for a key frame.
Its sockets are in :mod:`neolink.rtsp_server.delivery.group_ports`.
"""

import logging
from collections.abc import Callable, Iterator
from functools import partial

from neolink.hub.backlog import Budget
from neolink.log import bind_stream
from neolink.rtp.formats import AudioChoice
from neolink.rtsp_server.delivery.group_ports import GroupPorts
from neolink.rtsp_server.delivery.udp import UdpLane
from neolink.rtsp_server.mounts.mount import Mount
from neolink.rtsp_server.mounts.seat import Seat
from neolink.rtsp_server.mounts.sums import PlayerSums
from neolink.rtsp_server.sessions.group_addresses import GroupAddresses
from neolink.rtsp_server.settings import MulticastSettings, StartMode

__all__ = ["Group", "GroupPlace", "Groups", "TakeReport"]

_LOG = logging.getLogger(__name__)

TakeReport = Callable[["Group", int, str, memoryview], None]
"""Told what a host sent to the RTCP port of a group's track."""


class GroupPlace:
    """Where a group is, as SDP and ``Transport`` say it."""

    def __init__(self, address: str, settings: MulticastSettings) -> None:
        self.address = address
        self.ttl = settings.ttl
        self._port = settings.port

    def ports(self, track: int) -> tuple[int, int]:
        """Return the ports of RTP and RTCP of a track."""
        rtp = self._port + 2 * track
        return rtp, rtp + 1


class Group:
    """One mount with one choice of sound, on one of our interfaces, for all who listen there.

    ``join``, ``leave``, ``narrow`` and ``say_bye`` are a mount's, for seats of those who listen.
    ``players`` are the sessions that have set it up; it is open as long as there is one. Raises
    OSError when its sockets cannot be opened.
    """

    def __init__(
        self,
        place: GroupPlace,
        mount: Mount,
        budget: Budget,
        local_host: str,
        take_report: TakeReport,
        *,
        dscp: int,
    ) -> None:
        self.place = place
        self.mount = mount
        self.players: set[str] = set()
        self._ports = GroupPorts(
            place.address, local_host, partial(take_report, self), ttl=place.ttl, dscp=dscp
        )
        self.lane = UdpLane(self._ports, mount.allowance, budget)
        self._members: list[Seat] = []
        self._seat: Seat | None = None
        self._log = bind_stream(_LOG, mount.name)

    @property
    def sums(self) -> PlayerSums:
        """What was sent, which none of its players counts."""
        backlog = self.lane.backlog
        return PlayerSums(
            bytes_sent=self.lane.bytes_sent,
            units_dropped=backlog.dropped,
            drop_episodes=backlog.episodes,
        )

    def set_up(self, track: int) -> None:
        """Send a track from now on, if somebody plays it. Raises OSError without a free socket."""
        rtp, rtcp = self.place.ports(track)
        self._ports.listen(track, rtcp)
        self.lane.aim(track, (self.place.address, rtp), (self.place.address, rtcp))

    def join(self, seat: Seat) -> None:
        """Let a player listen; the first one makes the group send."""
        self._members.append(seat)
        if self._seat is None:
            self._log.info("sends to the group %s", self.place.address)
        before = self._seat
        self._refit()
        if seat.wants_metadata and self._seat is before:
            self.mount.metadata.begin()  # the states are told to each who comes

    def leave(self, seat: Seat) -> None:
        """Let a player listen no more; with the last one the group says BYE and is silent."""
        if seat in self._members:
            self._members.remove(seat)
            self._refit()

    def narrow(self, seat: Seat) -> None:
        """Learn that a player wants fewer tracks from now on."""
        if seat in self._members:
            self._refit()

    def say_bye(self, seat: Seat) -> None:
        """Say nothing: the others would take it for the end."""

    def close(self) -> None:
        """Close the sockets. Nobody listens any more."""
        self._refit()
        self.lane.close()
        self._ports.close()

    def _refit(self) -> None:
        """Take the place on the mount that all who listen need together."""
        before, self._seat = self._seat, self._wanted()
        if self._seat is not None and before is not None and _is_same(self._seat, before):
            self._seat = before
            return
        if self._seat is not None:
            self._set_entry_rules(self._seat, before)
            self.mount.join(self._seat)  # before the other is left, so that the stream is held
        if before is not None:
            if self._seat is None:
                self.mount.say_bye(before)
                self._log.info("is silent in the group %s", self.place.address)
            self.mount.leave(before)
        if self._seat is None:
            self.lane.close()  # also the rest of a picture that is sent in bursts

    def _wanted(self) -> Seat | None:
        if not self._members:
            return None
        return Seat(
            lane=self.lane,
            wants_video=any(seat.wants_video for seat in self._members),
            audio=next((seat.audio for seat in self._members if seat.audio), None),
            start=StartMode.LIVE,
            on_renegotiate=self._renegotiate,
            on_failure=self._fail,
            wants_metadata=any(seat.wants_metadata for seat in self._members),
        )

    def _set_entry_rules(self, seat: Seat, before: Seat | None) -> None:
        """Begin the pictures at a key frame; who listens already goes on without a break."""
        if before is None or seat.wants_video != before.wants_video:
            backlog = self.lane.backlog
            backlog.has_video = backlog.needs_random_access = seat.wants_video

    def _renegotiate(self) -> None:
        for seat in self._dismiss_all():
            seat.on_renegotiate()

    def _fail(self, reason: str) -> None:
        for seat in self._dismiss_all():
            seat.on_failure(reason)

    def _dismiss_all(self) -> list[Seat]:
        """Give up the place on the mount, which has said BYE or cannot."""
        members, self._members = self._members, []
        seat, self._seat = self._seat, None
        if seat is not None:
            self.mount.leave(seat)
        return members


class Groups:
    """All groups of a listener that anybody has set up, and the addresses that they have."""

    def __init__(self, settings: MulticastSettings, *, dscp: int) -> None:
        self.settings = settings
        self._dscp = dscp
        self._addresses = GroupAddresses(settings.network)
        self._groups: dict[tuple[Mount, AudioChoice, str], Group] = {}
        """By what is sent, and by our own address."""

    def __iter__(self) -> Iterator[Group]:
        return iter(tuple(self._groups.values()))

    def place(self, mount: Mount, choice: AudioChoice) -> GroupPlace:
        """Return where a stream is or would be sent.

        Raises ConfigError when the range is too small.
        """
        in_use = {_name(mount, choice) for mount, choice, _ in self._groups}
        return GroupPlace(self._addresses.of(_name(mount, choice), in_use), self.settings)

    def enter(
        self,
        session_id: str,
        mount: Mount,
        choice: AudioChoice,
        budget: Budget,
        local_host: str,
        take_report: TakeReport,
    ) -> Group:
        """Return the group for a session that comes in at ``local_host``; it holds it from now on.

        Raises ConfigError when the range is too small, OSError when there is no socket for it.
        """
        key = (mount, choice, local_host)
        group = self._groups.get(key)
        if group is None:
            place = self.place(mount, choice)
            group = Group(place, mount, budget, local_host, take_report, dscp=self._dscp)
            self._groups[key] = group
        group.players.add(session_id)
        return group

    def release(self, session_id: str) -> None:
        """Close the groups that only this session has held."""
        for key, group in list(self._groups.items()):
            group.players.discard(session_id)
            if not group.players:
                del self._groups[key]
                group.close()
                group.mount.sums_before += group.sums


def _name(mount: Mount, choice: AudioChoice) -> str:
    return f"{mount.name}?audio={choice.value}"


def _is_same(seat: Seat, other: Seat) -> bool:
    wanted = (seat.wants_video, seat.audio, seat.wants_metadata)
    return wanted == (other.wants_video, other.audio, other.wants_metadata)
