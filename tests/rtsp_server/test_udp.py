"""RTP over UDP: the same datagrams with and without offload, paced, and honest about loss."""

import asyncio
import errno
import socket
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import pytest

from neolink.hub.backlog import BacklogLimits, Budget
from neolink.rtp.formats import video_format
from neolink.rtp.sender import RtpSender
from neolink.rtsp_server.parcel import VIDEO, Parcel
from neolink.rtsp_server.udp import BURST_BYTES, Address, Segments, UdpLane, UdpPorts
from support.media import H264, video_unit
from support.rtsp_client import UdpPair
from support.waiting import until

if TYPE_CHECKING:
    from neolink.media.units import AccessUnit

WAIT_S = 2.0


class Wire:
    """Our ports, one lane, and the player's two sockets."""

    def __init__(self, limits: BacklogLimits | None = None) -> None:
        self.received: list[tuple[Address, bytes]] = []
        self.ports = UdpPorts("127.0.0.1", 0, lambda a, d: self.received.append((a, bytes(d))))
        self.player = UdpPair()
        self.player.rtp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.budget = Budget()
        self.lane = UdpLane(self.ports, limits or BacklogLimits(), self.budget)
        rtp, rtcp = self.player.ports
        self.lane.addresses[VIDEO] = (("127.0.0.1", rtp), ("127.0.0.1", rtcp))
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

    def is_silent(self) -> bool:
        try:
            self.player.rtp.recv(1)
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


def datagrams(parcel: Parcel) -> list[bytes]:
    return [bytes(view) for view in parcel.batch.datagrams()]


@pytest.mark.parametrize("can_segment", [True, False])
@pytest.mark.parametrize("size", [10, 1300, 1500, 20_000])
async def test_datagrams_are_the_same_with_and_without_offload(
    wire: Wire, can_segment: bool, size: int
) -> None:
    wire.ports._can_segment = can_segment
    parcel = wire.parcel(0, size, key=True)
    wire.lane.push(parcel)
    assert await wire.read(parcel.batch.packet_count) == datagrams(parcel)
    assert wire.is_silent()


async def test_a_kernel_without_offload_is_noticed_and_served(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    class NoOffload(socket.socket):
        def sendmsg(self, *arguments: Any) -> int:
            raise OSError(errno.EIO, "no segmentation here")

    real = wire.ports._rtp
    refusing = NoOffload(fileno=real.detach())
    refusing.setblocking(False)
    wire.ports._rtp = refusing
    parcel = wire.parcel(0, 5000, key=True)
    wire.lane.push(parcel)
    assert await wire.read(parcel.batch.packet_count) == datagrams(parcel)
    assert not wire.ports._can_segment
    assert wire.ports.dropped == 0


async def test_a_large_picture_is_spread_and_what_follows_waits_its_turn(wire: Wire) -> None:
    sent: list[int] = []
    loop = asyncio.get_running_loop()
    real = wire.ports.send_segments

    def noting(segments: Segments, address: Address) -> bool:
        sent.append(sum(map(len, segments[1])))
        return real(segments, address)

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
    assert not wire.ports._failed(OSError(code, "full"))
    assert wire.ports._failed(OSError(errno.EHOSTUNREACH, "gone"))
    assert wire.ports.dropped == 2


async def test_an_impossible_address_harms_nobody(wire: Wire) -> None:
    wire.lane.addresses[VIDEO] = (("255.255.255.255", 9), ("255.255.255.255", 9))
    wire.lane.push(wire.parcel(0, 5000, key=True))
    wire.lane.push_rtcp(VIDEO, b"rtcp")
    assert not wire.lane.backlog.needs_random_access
    assert wire.ports.dropped > 0


async def test_rtcp_goes_to_the_second_port_from_our_second_port(wire: Wire) -> None:
    wire.lane.push_rtcp(VIDEO, b"report")
    async with asyncio.timeout(WAIT_S):
        data, address = await asyncio.get_running_loop().sock_recvfrom(wire.player.rtcp, 100)
    assert (data, address[1]) == (b"report", wire.ports.rtp_port + 1)


async def test_what_a_player_sends_is_told_with_its_address(wire: Wire) -> None:
    player = wire.player
    player.rtp.sendto(b"punch", ("127.0.0.1", wire.ports.rtp_port))
    player.rtcp.sendto(b"report", ("127.0.0.1", wire.ports.rtp_port + 1))
    await until(lambda: len(wire.received) == 2)
    rtp, rtcp = player.ports
    assert sorted(wire.received) == sorted(
        [(("127.0.0.1", rtp), b"punch"), (("127.0.0.1", rtcp), b"report")]
    )


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
        UdpPorts("127.0.0.1", first, lambda *_: None)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", first + 1 - offset))
    taken.close()
