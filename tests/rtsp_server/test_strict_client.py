"""The strict client of the tests: what is wrong is told at once, and never a test that waits."""

import socket
import struct

import pytest

from neolink.rtsp.message import InterleavedFrame, reply
from support.media import L16
from support.rtsp_bench import StartServer
from support.rtsp_client import RtspClient, UdpPair

REPLY = reply("1", 200, [("Server", "x"), ("Date", "x")]).serialize()


async def hear(client: RtspClient, *pieces: bytes) -> None:
    """Let a client hear a server that says this, each piece at once, and closes."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        for piece in pieces:
            theirs.sendall(piece)
        theirs.close()
        await client._receive(ours)


async def test_an_answer_that_breaks_its_promise_is_an_answer_and_a_fault(
    start: StartServer,
) -> None:
    client = await (await start(audio=L16)).client()
    await client.describe()
    await client.setup(0, "udp")
    track = client.tracks[0]
    assert track.udp is not None
    assert track.description is not None
    assert track.granted.ssrc is not None
    kind, source = track.description.payload_type, track.granted.ssrc
    packet = struct.pack(">BBHII", 0x80, kind, 0xFFFF, 0, source) + b"x"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.sendto(packet, ("127.0.0.1", track.udp.ports[0]))
    assert (await client.play()).status == 200
    assert [str(fault) for fault in client.faults] == ["RTP-Info promised another first packet"]


async def test_a_fault_in_one_message_does_not_swallow_the_answer_behind_it() -> None:
    client = RtspClient("rtsp://127.0.0.1:1/porch")
    answer = client.expect("1")
    await hear(client, InterleavedFrame(9, b"x").serialize() + REPLY)
    assert (await answer).status == 200
    assert [str(fault) for fault in client.faults] == ["a packet on channel 9, never granted"]


async def test_who_waits_learns_that_the_connection_ends() -> None:
    client = RtspClient("rtsp://127.0.0.1:1/porch")
    answers = [client.expect("1"), client.expect("2")]
    await hear(client, REPLY)
    assert (await answers[0]).status == 200
    with pytest.raises(ConnectionError, match="before the answer"):
        await answers[1]


async def test_who_waits_learns_that_the_client_itself_has_failed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = RtspClient("rtsp://127.0.0.1:1/porch")
    monkeypatch.setattr(client, "_take", lambda message: 1 // 0)
    answer = client.expect("1")
    await hear(client, REPLY)
    with pytest.raises(ZeroDivisionError):
        await answer
    with pytest.raises(AssertionError, match="the client failed: ZeroDivisionError"):
        await client.until(lambda: False)


def test_udp_ports_of_who_left_are_not_taken_again() -> None:
    """Sessions over UDP outlive their player: their packets would come to who has its ports."""
    taken = set()
    for _ in range(500):
        pair = UdpPair()
        taken.add(pair.ports)
        pair.close()
    assert len(taken) == 500
