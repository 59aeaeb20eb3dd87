"""What a connection is given at the door before anything is said on it."""

import socket
from pathlib import Path

import pytest

from neolink.rtsp_server.delivery.datagrams import RECEIVE_BUFFER, SEND_BUFFER
from neolink.rtsp_server.door import NOT_SENT_LOW_WATER
from neolink.rtsp_server.wires.wire import PlainWire
from support.rtsp_bench import Bench, StartServer, prepared

LINUX = Path("/proc/sys/net/core/wmem_max").exists()


def socket_of(bench: Bench) -> socket.socket:
    """Return our end of the only connection."""
    (connection,) = bench.server.door.connections
    wire = connection.outbox._wire
    assert isinstance(wire, PlainWire)
    return wire._sock


@pytest.mark.skipif(not LINUX, reason="other systems have other options")
@pytest.mark.parametrize(
    ("level", "option", "value"),
    [
        (socket.IPPROTO_TCP, "TCP_NODELAY", 1),
        (socket.SOL_SOCKET, "SO_KEEPALIVE", 1),
        (socket.IPPROTO_TCP, "TCP_KEEPIDLE", 30),
        (socket.IPPROTO_TCP, "TCP_KEEPINTVL", 10),
        (socket.IPPROTO_TCP, "TCP_KEEPCNT", 3),
        (socket.IPPROTO_TCP, "TCP_USER_TIMEOUT", 15_000),
        (socket.IPPROTO_TCP, "TCP_NOTSENT_LOWAT", 128 * 1024),
    ],
)
async def test_replies_leave_at_once_dead_peers_end_and_what_waits_waits_here(
    start: StartServer, level: int, option: str, value: int
) -> None:
    bench = await start()
    await prepared(bench, "ready")
    assert socket_of(bench).getsockopt(level, getattr(socket, option)) == value
    assert NOT_SENT_LOW_WATER == 128 * 1024
    assert not socket_of(bench).getblocking()


@pytest.mark.skipif(not LINUX, reason="other systems have other bounds")
async def test_the_udp_ports_have_room_for_a_key_frame_and_for_many_reports(
    start: StartServer,
) -> None:
    """As much as the system lets us have; it counts twice what it is asked for."""
    udp = (await start()).server.context.udp
    assert udp is not None
    for name, size, most in (
        (socket.SO_SNDBUF, SEND_BUFFER, "wmem_max"),
        (socket.SO_RCVBUF, RECEIVE_BUFFER, "rmem_max"),
    ):
        allowed = int(Path("/proc/sys/net/core", most).read_text())
        for port in (udp._rtp, udp._rtcp):
            room = port._sock.getsockopt(socket.SOL_SOCKET, name)
            assert room >= 2 * min(size, allowed)
    assert (SEND_BUFFER, RECEIVE_BUFFER) == (4 << 20, 1 << 20)
