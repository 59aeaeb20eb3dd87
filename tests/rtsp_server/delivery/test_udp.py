"""RTP over UDP: the same datagrams with and without offload, paced, and honest about loss."""

import asyncio
import errno
import os
import socket
from collections.abc import AsyncIterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from neolink.hub.backlog import BacklogLimits, Budget
from neolink.rtp.batch import Segments
from neolink.rtp.formats import video_format
from neolink.rtp.sender import RtpSender
from neolink.rtsp_server.delivery.datagrams import UDP_SEGMENT, Address, Destination
from neolink.rtsp_server.delivery.udp import BURST_BYTES, CATCH_UP_BURST, UdpLane, UdpPorts
from neolink.rtsp_server.mounts.parcel import VIDEO, Parcel
from support.datagrams import Silence
from support.media import H264, video_unit
from support.rtsp_client import UdpPair
from support.waiting import until

if TYPE_CHECKING:
    from neolink.media.units import AccessUnit

WAIT_S = 2.0


class Inbox:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.received: list[tuple[Address, bytes]] = []
        self.lost: list[Address] = []

    def take(self, address: Address, data: memoryview) -> None:
        self.received.append((address, bytes(data)))

    def unreachable(self, address: Address) -> None:
        self.lost.append(address)


class Wire:
    """Our ports, one lane, and the player's two sockets."""

    def __init__(
        self, host: str = "127.0.0.1", *, player_host: str = "", local_host: str = "", dscp: int = 0
    ) -> None:
        self.rtp_inbox, self.rtcp_inbox = Inbox(), Inbox()
        self.ports = UdpPorts(host, 0, self.rtp_inbox, self.rtcp_inbox, dscp=dscp)
        self.player = UdpPair(player_host or host)
        self.player.rtp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.budget = Budget()
        self.lane = UdpLane(self.ports, BacklogLimits(), self.budget, local_host=local_host)
        rtp, rtcp = ((player_host or host, port) for port in self.player.ports)
        self.lane.aim(VIDEO, rtp, rtcp)
        self._sender: RtpSender[AccessUnit] = RtpSender(
            video_format(H264), ssrc=1, first_sequence=0, timestamp_offset=0, cname="c"
        )

    def parcel(self, number: int, size: int, *, key: bool = False) -> Parcel:
        unit = video_unit(number * 3600, key=key, size=size, mark=number)
        return Parcel(self._sender.packetize(unit), track=VIDEO, media_s=number / 25)

    async def read(self, number: int) -> list[bytes]:
        """Return the next ``number`` datagrams of RTP."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(WAIT_S):
            return [await loop.sock_recv(self.player.rtp, 65536) for _ in range(number)]

    def is_silent(self, *, peek: bool = False) -> bool:
        try:
            self.player.rtp.recv(1, socket.MSG_PEEK if peek else 0)
        except BlockingIOError:
            return True
        return False

    def close(self) -> None:
        self.lane.close()
        self.ports.close()
        self.player.close()


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    made = Wire()
    yield made
    made.close()


def refuse_offload(wire: Wire, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """Have the kernel refuse to cut datagrams, but send single ones."""
    real = wire.ports._rtp._sock

    class Refusing:
        def sendmsg(self, views: Any, control: Any, *others: Any) -> int:
            if any(kind == UDP_SEGMENT for _, kind, _ in control):
                raise OSError(code, "no")
            return real.sendmsg(views, control, *others)

        def __getattr__(self, name: str) -> Any:
            return getattr(real, name)

    monkeypatch.setattr(wire.ports._rtp, "_sock", Refusing())


def datagrams(parcel: Parcel) -> list[bytes]:
    return [bytes(view) for view in parcel.batch.datagrams()]


@pytest.mark.parametrize("can_segment", [True, False])
@pytest.mark.parametrize("size", [10, 1300, 1500, 20_000])
async def test_datagrams_are_the_same_with_and_without_offload(
    wire: Wire, can_segment: bool, size: int
) -> None:
    wire.ports._rtp._can_segment = can_segment
    parcel = wire.parcel(0, size, key=True)
    wire.lane.push(parcel)
    assert await wire.read(parcel.batch.packet_count) == datagrams(parcel)
    assert wire.is_silent()


async def test_a_kernel_without_offload_is_noticed_and_served(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_offload(wire, monkeypatch, errno.EIO)
    parcel = wire.parcel(0, 5000, key=True)
    wire.lane.push(parcel)
    assert await wire.read(parcel.batch.packet_count) == datagrams(parcel)
    assert not wire.ports._rtp._can_segment
    assert wire.ports.dropped == 0


@pytest.mark.parametrize("code", [errno.EINVAL, errno.EMSGSIZE])
async def test_a_path_too_narrow_for_offload_leaves_it_to_the_others(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    refuse_offload(wire, monkeypatch, code)
    parcel = wire.parcel(0, 5000, key=True)
    wire.lane.push(parcel)
    assert await wire.read(parcel.batch.packet_count) == datagrams(parcel)
    assert wire.ports._rtp._can_segment
    assert not wire.lane._destinations[VIDEO][0].can_segment
    assert wire.ports.dropped == 0


async def test_a_large_picture_is_spread_and_what_follows_waits_its_turn(wire: Wire) -> None:
    sent: list[int] = []
    loop = asyncio.get_running_loop()
    real = wire.ports.send_segments

    def noting(segments: Segments, destination: Destination) -> bool:
        sent.append(len(segments.data))
        return real(segments, destination)

    wire.ports.send_segments = noting  # type: ignore[method-assign]
    large, small = wire.parcel(0, 6 * BURST_BYTES, key=True), wire.parcel(1, 500)
    started = loop.time()
    wire.lane.push(large)
    wire.lane.push(small)
    assert sum(sent) < large.size / 2
    assert len(wire.lane.backlog) == 1
    got = await wire.read(large.batch.packet_count + small.batch.packet_count)
    assert got == datagrams(large) + datagrams(small)
    assert loop.time() - started >= 0.004
    assert wire.budget.used_bytes == 0


async def test_a_full_socket_drops_the_rest_until_a_random_access_point(wire: Wire) -> None:
    real = wire.ports.send_segments
    wire.ports.send_segments = lambda *_: False  # type: ignore[method-assign]
    wire.lane.push(wire.parcel(0, 500, key=True))
    wire.ports.send_segments = real  # type: ignore[method-assign]
    assert wire.lane.backlog.needs_random_access
    wire.lane.push(wire.parcel(1, 500))
    assert wire.is_silent()
    parcel = wire.parcel(2, 500, key=True)
    wire.lane.push(parcel)
    assert await wire.read(parcel.batch.packet_count) == datagrams(parcel)
    assert wire.lane.backlog.episodes == 1


@pytest.mark.parametrize("code", [errno.EAGAIN, errno.ENOBUFS])
async def test_a_full_socket_is_told_from_a_player_that_cannot_be_reached(
    wire: Wire, code: int
) -> None:
    player = Destination(("192.0.2.7", 9), ("192.0.2.7", 9))
    assert not wire.ports._rtp._failed(code, player)
    assert player.fault == 0
    assert wire.ports._rtp._failed(errno.EHOSTUNREACH, player)
    assert player.fault == errno.EHOSTUNREACH
    assert wire.ports.dropped == 2


async def test_an_impossible_address_harms_nobody(wire: Wire) -> None:
    wire.lane.aim(VIDEO, ("255.255.255.255", 9), ("255.255.255.255", 9))
    wire.lane.push(wire.parcel(0, 5000, key=True))
    wire.lane.push_rtcp(VIDEO, b"rtcp")
    assert not wire.lane.backlog.needs_random_access
    assert wire.ports.dropped > 0


async def test_what_the_system_does_not_send_is_told_once_and_why(wire: Wire) -> None:
    assert wire.lane.take_fault() == ""
    wire.lane.aim(VIDEO, ("255.255.255.255", 9), ("255.255.255.255", 10))  # needs a permission
    wire.lane.push(wire.parcel(0, 20_000, key=True))
    assert wire.ports.dropped > 0
    assert wire.lane.take_fault() == f"255.255.255.255:9: {os.strerror(errno.EACCES)}"
    assert wire.lane.take_fault() == ""
    wire.lane.push_rtcp(VIDEO, b"rtcp")
    assert wire.lane.take_fault() == f"255.255.255.255:10: {os.strerror(errno.EACCES)}"


async def test_rtcp_goes_to_the_second_port_from_our_second_port(wire: Wire) -> None:
    wire.lane.push_rtcp(VIDEO, b"report")
    async with asyncio.timeout(WAIT_S):
        data, address = await asyncio.get_running_loop().sock_recvfrom(wire.player.rtcp, 100)
    assert (data, address[1]) == (b"report", wire.ports.rtp_port + 1)


async def test_what_a_player_sends_is_told_with_its_address_and_by_port(wire: Wire) -> None:
    player = wire.player
    player.rtp.sendto(b"punch", ("127.0.0.1", wire.ports.rtp_port))
    player.rtcp.sendto(b"report", ("127.0.0.1", wire.ports.rtp_port + 1))
    await until(lambda: len(wire.rtp_inbox.received + wire.rtcp_inbox.received) == 2)
    rtp, rtcp = player.ports
    assert wire.rtp_inbox.received == [(("127.0.0.1", rtp), b"punch")]
    assert wire.rtcp_inbox.received == [(("127.0.0.1", rtcp), b"report")]


async def test_closing_a_lane_drops_what_waits(wire: Wire) -> None:
    wire.lane.push(wire.parcel(0, 6 * BURST_BYTES, key=True))
    wire.lane.push(wire.parcel(1, 500))
    assert wire.budget.used_bytes > 0
    wire.lane.close()
    assert wire.budget.used_bytes == 0
    assert wire.lane._timer is None


async def test_ports_are_an_even_one_and_the_next(wire: Wire) -> None:
    assert wire.ports.rtp_port % 2 == 0


@pytest.mark.parametrize("offset", [0, 1])
async def test_a_port_in_use_leaves_the_other_one_free(offset: int) -> None:
    taken = UdpPair()
    first = taken.ports[0]
    (taken.rtcp if offset == 0 else taken.rtp).close()
    with pytest.raises(OSError, match="in use"):
        UdpPorts("127.0.0.1", first, Silence(), Silence())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", first + 1 - offset))
    taken.close()


# ---------------------------------------------------------------- a cache is sent with care


async def test_cached_pictures_leave_more_slowly_than_live_ones(wire: Wire) -> None:
    sent: list[tuple[float, int]] = []
    loop, real = asyncio.get_running_loop(), wire.ports.send_segments

    def noting(segments: Segments, destination: Destination) -> bool:
        sent.append((loop.time(), len(segments.data)))
        return real(segments, destination)

    wire.ports.send_segments = noting  # type: ignore[method-assign]
    parcels = [wire.parcel(number, 20_000, key=not number) for number in range(15)]
    wire.lane.catch_up(sum(parcel.size for parcel in parcels), 0.0)
    for parcel in parcels:
        wire.lane.push(parcel)
    got = await wire.read(sum(parcel.batch.packet_count for parcel in parcels))
    assert got == [one for parcel in parcels for one in datagrams(parcel)]
    total, took_s = sum(size for _, size in sent), sent[-1][0] - sent[0][0]
    assert total > 300_000
    assert took_s >= 0.9 * (total - 2 * CATCH_UP_BURST) / 2_500_000
    assert max(size for _, size in sent) <= CATCH_UP_BURST
    await until(lambda: wire.lane._timer is None)
    sent.clear()
    live = wire.parcel(20, 40_000, key=True)
    wire.lane.push(live)  # nothing waits any more: at once again
    assert sum(size for _, size in sent) == sum(map(len, datagrams(live)))
    await wire.read(live.batch.packet_count)


async def test_a_small_cache_leaves_in_one_burst(wire: Wire) -> None:
    cached = [wire.parcel(number, 20_000, key=not number) for number in range(2)]
    wire.lane.catch_up(sum(parcel.size for parcel in cached), 0.0)
    for parcel in cached:
        wire.lane.push(parcel)
    assert wire.lane._timer is None
    await wire.read(sum(parcel.batch.packet_count for parcel in cached))


async def test_what_comes_behind_the_cache_is_not_held_back(wire: Wire) -> None:
    cached, live = wire.parcel(0, 60_000, key=True), wire.parcel(1, 40_000)
    wire.lane.catch_up(cached.size, 0.0)
    wire.lane.push(cached)
    wire.lane.push(live)
    await wire.read(cached.batch.packet_count + live.batch.packet_count)
    assert wire.lane._cached_bytes == 0


async def test_a_fast_stream_is_caught_up_with_at_twice_its_rate(wire: Wire) -> None:
    wire.lane.catch_up(1, 10_000_000.0)
    assert wire.lane._catch_up_bytes_per_s == 20_000_000.0


# ---------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    ("host", "player_host", "local_host"),
    [
        ("0.0.0.0", "127.0.0.1", "127.0.0.2"),
        ("::", "127.0.0.1", "127.0.0.2"),
        ("::", "::1", "::1"),
        ("127.0.0.1", "127.0.0.1", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.1", "no address"),
    ],
)
@pytest.mark.parametrize("size", [500, 5000])
async def test_packets_come_from_the_address_that_the_player_knows(
    host: str, player_host: str, local_host: str, size: int
) -> None:
    with closing(Wire(host, player_host=player_host, local_host=local_host)) as wire:
        expected = local_host if "no" not in local_host else "127.0.0.1"
        parcel = wire.parcel(0, size, key=True)
        wire.lane.push(parcel)
        wire.lane.push_rtcp(VIDEO, b"report")
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(WAIT_S):
            for _ in range(parcel.batch.packet_count):
                _, source = await loop.sock_recvfrom(wire.player.rtp, 65536)
                assert source[:2] == (expected, wire.ports.rtp_port)
            _, source = await loop.sock_recvfrom(wire.player.rtcp, 65536)
        assert source[:2] == (expected, wire.ports.rtp_port + 1)


async def test_a_player_has_one_address_whichever_socket_hears_it() -> None:
    with closing(Wire("::", player_host="127.0.0.1")) as wire:
        wire.player.rtcp.sendto(b"report", ("127.0.0.1", wire.ports.rtp_port + 1))
        await until(lambda: bool(wire.rtcp_inbox.received))
        assert wire.rtcp_inbox.received == [(("127.0.0.1", wire.player.ports[1]), b"report")]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "::"])
async def test_packets_are_marked_for_the_network(host: str) -> None:
    with closing(Wire(host, player_host="127.0.0.1" if host == "::" else host, dscp=46)) as wire:
        is_v6 = host == "::1"
        level = socket.IPPROTO_IPV6 if is_v6 else socket.IPPROTO_IP
        wanted = socket.IPV6_RECVTCLASS if is_v6 else socket.IP_RECVTOS
        wire.player.rtp.setsockopt(level, wanted, 1)
        wire.lane.push(wire.parcel(0, 100, key=True))
        await until(lambda: not wire.is_silent(peek=True))
        _, notes, _, _ = wire.player.rtp.recvmsg(2048, 64)
        ((_, _, mark),) = notes
        assert mark[0] == 46 << 2


# ---------------------------------------------------------------- players that are gone


async def test_a_port_that_is_closed_is_told_and_costs_nobody_else_a_packet(wire: Wire) -> None:
    gone = UdpPair()
    lost, lane = (gone.ports[0], UdpLane(wire.ports, BacklogLimits(), wire.budget))
    lane.aim(VIDEO, ("127.0.0.1", lost), ("127.0.0.1", gone.ports[1]))
    gone.close()
    parcels = [wire.parcel(number, 3000, key=not number) for number in range(20)]
    for parcel in parcels:
        lane.push(parcel)  # what the system says of this one ...
        wire.lane.push(parcel)  # ... must not be taken for that one's
    got = await wire.read(sum(parcel.batch.packet_count for parcel in parcels))
    assert got == [one for parcel in parcels for one in datagrams(parcel)]
    await until(lambda: len(wire.rtp_inbox.lost) >= 10)
    assert set(wire.rtp_inbox.lost) == {("127.0.0.1", lost)}
    assert wire.ports.dropped == 0


async def test_a_closed_port_does_not_keep_the_loop_busy(wire: Wire) -> None:
    gone = UdpPair()
    gone.close()
    wire.lane.aim(VIDEO, ("127.0.0.1", gone.ports[0]), ("127.0.0.1", gone.ports[1]))
    wire.lane.push(wire.parcel(0, 100, key=True))
    await until(lambda: bool(wire.rtp_inbox.lost))
    calls = 0
    real = wire.ports._rtp._take_errors

    def counting() -> None:
        nonlocal calls
        calls += 1
        real()

    wire.ports._rtp._take_errors = counting  # type: ignore[method-assign]
    for _ in range(50):
        await asyncio.sleep(0)
    assert calls <= 1
