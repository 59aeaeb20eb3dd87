"""Hostile players by the hundred, while a healthy one watches and misses no picture.

Each attack is made over live sockets against a bridge of its own process. After each: no gap of a
second at the healthy player and no lost packet, memory within bounds, every descriptor given back,
no traceback, and a newcomer is served at once.
"""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from support.netns import namespace
from support.siege import HOST, LONGEST_GAP_S, Peer, Siege, play_over, set_up, siege

pytestmark = [pytest.mark.foreign, pytest.mark.alone, pytest.mark.timeout(180)]
"""Not run with the quick tests, each of which would be slowed down by it."""

TABLES = """
[limits]
max_connections = 4096
max_connections_per_ip = 4096
max_unauthenticated = 2048
stall_timeout = 3

[rtsp]
rtp_port = 0
"""
SEED = 7
IDLE = 2000
STATES = "fresh", "described", "ready", "playing"


@pytest.fixture(scope="module")
def bridge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Siege]:
    """Hold one bridge under siege for all attacks: what one leaves behind, the next would meet."""
    with siege(tmp_path_factory.mktemp("siege"), TABLES) as held:
        yield held


@pytest.fixture(autouse=True)
def unhurt(bridge: Siege) -> Iterator[None]:
    """Check after each attack that it did no harm."""
    bridge.begin()
    yield
    bridge.check_unhurt()
    bridge.check_newcomers()


def test_the_judge_notices_a_bridge_that_stands_still(bridge: Siege) -> None:
    bridge.process.send_signal(signal.SIGSTOP)
    try:
        while bridge.healthy.longest_gap_s() <= 1.2 * LONGEST_GAP_S:
            time.sleep(0.05)  # what is measured is time
    finally:
        bridge.process.send_signal(signal.SIGCONT)
    with pytest.raises(AssertionError):
        bridge.check_unhurt()
    bridge.begin()


def _request(*lines: str) -> bytes:
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


OPTIONS = "OPTIONS * RTSP/1.0"
TOO_MUCH: dict[str, tuple[bytes, int | None]] = {
    "request line": (b"A" * 4000, 414),
    "method that nobody knows": (_request("A" * 33 + " * RTSP/1.0", "CSeq: 1"), 400),
    "url": (_request(f"OPTIONS rtsp://h/{'a' * 2100} RTSP/1.0", "CSeq: 1"), 414),
    "header count": (_request(OPTIONS, "CSeq: 1", *[f"X-{n}: y" for n in range(80)]), 400),
    "header name": (_request(OPTIONS, "CSeq: 1", "N" * 200 + ": v"), 400),
    "header value": (_request(OPTIONS, "CSeq: 1", "N: " + "v" * 5000), 400),
    "head": (_request(OPTIONS, "CSeq: 1", *["N: " + "v" * 4000] * 6), 400),
    "body": (_request(OPTIONS, "CSeq: 1", "Content-Length: 65537"), 413),
    "giant body": (_request(OPTIONS, "CSeq: 1", f"Content-Length: {10**30}"), 413),
    "negative body": (_request(OPTIONS, "CSeq: 1", "Content-Length: -1"), 400),
    "two lengths": (_request(OPTIONS, "CSeq: 1", "Content-Length: 1", "Content-Length: 2"), 400),
    "version": (_request("OPTIONS * RTSP/2.0", "CSeq: 1"), 505),
    "no sequence number": (_request(OPTIONS), 400),
    "zero byte in the path": (_request("DESCRIBE rtsp://h/%00 RTSP/1.0", "CSeq: 1"), 400),
    "no request": (b"\x00\x01\x02\x03\x04\x05\x06\x07\r\n\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(32), None),
}
"""What is sent, and the status it is answered with; None: the connection is closed instead."""


@pytest.mark.parametrize("what", TOO_MUCH)
def test_what_is_over_a_limit_is_refused_with_its_own_status(bridge: Siege, what: str) -> None:
    data, status = TOO_MUCH[what]
    with bridge.peer() as peer:
        peer.send(data)
        reply = peer.reply()
    assert reply.startswith(f"RTSP/1.0 {status} ".encode()) if status else reply == b""


def test_headers_without_an_end_are_cut_off(bridge: Siege) -> None:
    with bridge.peer() as peer:
        peer.send(f"{OPTIONS}\r\nCSeq: 1\r\n".encode())
        sent = sum(
            1 << 16 for _ in range(200) if peer.send(b"X: " + b"y" * ((1 << 16) - 5) + b"\r\n")
        )
        assert sent < 64 << 16, f"{sent} bytes of headers were taken"
        assert peer.is_closed_within(5)


def test_slow_loris_is_closed_by_the_clock(bridge: Siege) -> None:
    with ExitStack() as stack:
        peers = [stack.enter_context(bridge.peer()) for _ in range(100)]
        begin_s = time.monotonic()
        while peers and time.monotonic() - begin_s < 15:
            peers = [peer for peer in peers if peer.send(b"O")]
            time.sleep(0.2)  # its pace is the attack
        assert not peers, f"{len(peers)} drip on"


def test_two_thousand_idle_connections_are_held_and_let_go(bridge: Siege) -> None:
    before_mib = bridge.rss_mib()
    with ExitStack() as stack:
        peers = [stack.enter_context(bridge.peer()) for _ in range(IDLE)]
        assert bridge.rss_mib() - before_mib < IDLE * 20 / 1024, "over 20 KiB each"
        assert all(peer.is_closed_within(15) for peer in peers)


def test_a_thousand_connections_a_second_leave_nothing_behind(bridge: Siege) -> None:
    for _ in range(1000):
        with bridge.peer() as peer:
            peer.send(b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n")


def _bring_to(bridge: Siege, peer: Peer, state: str) -> None:
    if state == "described":
        peer.ask(f"DESCRIBE {bridge.url} RTSP/1.0\r\nCSeq: 1")
    elif state == "ready":
        set_up(peer, bridge.url)
    elif state == "playing":
        play_over(peer, bridge.url)


@pytest.mark.parametrize("state", STATES)
def test_random_bytes_end_their_own_connection_alone(bridge: Siege, state: str) -> None:
    chance = random.Random(f"{SEED} {state}")
    for _ in range(60):
        with bridge.peer() as peer:
            _bring_to(bridge, peer, state)
            for _ in range(chance.randrange(1, 8)):
                peer.send(chance.randbytes(chance.choice((1, 7, 64, 1500, 70_000))))


@pytest.mark.parametrize("state", STATES)
def test_mutated_requests_are_answered_or_closed(bridge: Siege, state: str) -> None:
    chance = random.Random(f"{SEED} {state}")
    url = bridge.url
    good = [
        _request(f"OPTIONS {url} RTSP/1.0", "CSeq: 9"),
        _request(f"DESCRIBE {url} RTSP/1.0", "CSeq: 9", "Accept: application/sdp"),
        _request(
            f"SETUP {url}/trackID=0 RTSP/1.0",
            "CSeq: 9",
            "Transport: RTP/AVP;unicast;client_port=40000-40001,RTP/AVP/TCP;interleaved=2-3",
        ),
        _request(f"PLAY {url} RTSP/1.0", "CSeq: 9", "Session: 0123456789ABCDEF", "Range: npt=0-"),
        _request(f"SET_PARAMETER {url} RTSP/1.0", "CSeq: 9", "Content-Length: 4") + b"a: b",
        b"$\x01\x00\x08\x81\xc9\x00\x01\x00\x00\x00\x00",
    ]
    for _ in range(60):
        with bridge.peer() as peer:
            _bring_to(bridge, peer, state)
            for _ in range(chance.randrange(1, 12)):
                peer.send(_mutated(chance.choice(good), chance))


def _mutated(data: bytes, chance: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 5))):
        at = chance.randrange(len(out) + 1)
        match chance.randrange(4):
            case 0 if at < len(out):
                out[at] = chance.randrange(256)
            case 1:
                del out[at : at + chance.randint(1, 20)]
            case 2:
                out[at:at] = chance.choice(
                    (b"\r\n", b"\x00", b"-1", b"9" * 20, b"$\x00\xff\xff", b":")
                )
            case _:
                out[at:at] = out[at : at + 30]
    return bytes(out)


def test_interleaved_floods_are_swallowed(bridge: Siege) -> None:
    giant = b"$\xfe\xff\xff" + bytes(65535)
    with bridge.peer() as peer:
        play_over(peer, bridge.url)
        peer.sock.settimeout(5)
        flood = giant * 4 + b"$\x01\x00\x04\x80\xc9\xff\xff" * 2000
        for _ in range(20):
            if not peer.send(flood):
                break


def test_players_that_never_read_are_dropped(bridge: Siege) -> None:
    before = bridge.descriptors()
    with ExitStack() as stack:
        for _ in range(50):
            play_over(stack.enter_context(bridge.peer(receive_buffer=4096)), bridge.url)
        assert bridge.descriptors() >= before + 50
        assert bridge.has_at_most(before, within_s=12), "they are held although they read nothing"
    assert bridge.log().count("closed: took no byte for") >= 50


def test_setups_without_play_are_bounded_on_each_connection(bridge: Siege) -> None:
    with ExitStack() as stack:
        for _ in range(50):
            peer = stack.enter_context(bridge.peer())
            peer.ask(f"DESCRIBE {bridge.url} RTSP/1.0\r\nCSeq: 1")
            statuses = [
                peer.ask(
                    f"SETUP {bridge.url}/trackID=0 RTSP/1.0\r\nCSeq: 2\r\n"
                    "Transport: RTP/AVP/TCP;unicast;interleaved=0-1"
                )[9:12]
                for _ in range(20)
            ]
            assert statuses.count(b"200") == 8
            assert set(statuses[8:]) == {b"453"} or set(statuses[8:]) == {b"503"}


def test_udp_sessions_of_those_who_left_make_room(bridge: Siege) -> None:
    port = 20_000
    for _ in range(300):
        with bridge.peer() as peer:
            peer.ask(f"DESCRIBE {bridge.url} RTSP/1.0\r\nCSeq: 1")
            for _ in range(8):
                peer.ask(
                    f"SETUP {bridge.url}/trackID=0 RTSP/1.0\r\nCSeq: 2\r\n"
                    f"Transport: RTP/AVP;unicast;client_port={port}-{port + 1}"
                )
                port += 2


def test_no_descriptors_left_is_survived(bridge: Siege) -> None:
    bridge.limit_descriptors(20)
    try:
        with ExitStack() as stack:
            for _ in range(100):
                stack.enter_context(bridge.peer())
            enough = bridge.healthy.pictures + 50
            while bridge.healthy.pictures < enough:
                time.sleep(0.1)  # of errors when accepting, over and over
                assert bridge.healthy.longest_gap_s() < LONGEST_GAP_S
    finally:
        bridge.limit_descriptors(None)
    assert "cannot accept players" in bridge.log()


PLAYS_AND_WAITS = """
import sys
from support.netns import namespace
from support.siege import Peer, play_over
host, port = sys.argv[1], int(sys.argv[2])
peer = Peer(port, host=host)
play_over(peer, f"rtsp://{host}:{port}/cam0/main")
print("playing", flush=True)
while peer.sock.recv(65536):
    pass
"""


def test_a_peer_that_vanishes_without_a_word_is_dropped(bridge: Siege) -> None:
    before = bridge.descriptors()
    with namespace() as net:
        player = subprocess.Popen(
            [*net.inside, sys.executable, "-c", PLAYS_AND_WAITS, net.host, str(bridge.port)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        try:
            assert player.stdout is not None
            assert player.stdout.readline() == b"playing\n"
            net.cut()
            assert bridge.descriptors() > before
            assert bridge.has_at_most(before, within_s=30), "a half-open connection is kept"
        finally:
            player.kill()
            player.communicate()


def test_resets_in_the_middle_of_everything(bridge: Siege) -> None:
    for state in STATES * 25:
        peer = bridge.peer()
        _bring_to(bridge, peer, state)
        peer.sock.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00"
        )
        peer.close()  # with RST


def test_a_flood_of_pipelined_requests_holds_nobody_up(bridge: Siege) -> None:
    with ExitStack() as stack:
        peers = [stack.enter_context(bridge.peer()) for _ in range(10)]
        flood = b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n" * 5000
        for peer in peers:
            peer.sock.settimeout(0.5)
            peer.send(flood)  # it never reads a reply


CROWD = 30
FLOODS = {
    "requests": b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n",
    "requests of another version": b"OPTIONS * RTSP/9.9\r\nCSeq: 1\r\n\r\n",
    "packets for nobody": b"$\x63\x00\x00",
    "reports": b"$\x01\x00\x08\x80\xc9\x00\x01\x00\x00\x00\x07",
}


@pytest.mark.parametrize("kind", FLOODS)
def test_a_crowd_that_floods_together_holds_nobody_up(bridge: Siege, kind: str) -> None:
    with ExitStack() as stack:
        peers = [stack.enter_context(bridge.peer()) for _ in range(CROWD)]
        for peer in peers:
            for number in range(8):
                peer.ask(
                    f"SETUP {bridge.url}/trackID=0 RTSP/1.0\r\nCSeq: 1\r\n"
                    f"Transport: RTP/AVP/TCP;unicast;interleaved={2 * number}-{2 * number + 1}"
                )
            peer.sock.setblocking(False)
        bridge.begin()
        flood = memoryview(FLOODS[kind] * (400_000 // len(FLOODS[kind])))
        rests = dict.fromkeys(peers, flood)
        for _ in range(40):
            for peer, rest in rests.items():
                with suppress(OSError):  # it is full, or closed
                    rests[peer] = rest[peer.sock.send(rest) :] or flood
            time.sleep(0.05)  # what is measured is time
        assert bridge.healthy.longest_gap_s() < LONGEST_GAP_S / 2


def test_random_datagrams_to_both_ports_are_swallowed(bridge: Siege) -> None:
    chance = random.Random(SEED)
    with bridge.peer() as peer, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((HOST, 0))
        peer.ask(f"DESCRIBE {bridge.url} RTSP/1.0\r\nCSeq: 1")
        reply = peer.ask(
            f"SETUP {bridge.url}/trackID=0 RTSP/1.0\r\nCSeq: 2\r\n"
            "Transport: RTP/AVP;unicast;client_port=41000-41001"
        ).decode()
        first = int(reply.partition("server_port=")[2].partition("-")[0])
        for _ in range(5000):
            data = chance.randbytes(chance.choice((0, 1, 8, 28, 1400)))
            sock.sendto(data, (HOST, first + chance.randrange(2)))
