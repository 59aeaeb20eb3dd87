"""The same from inside what carries RTSP: TLS, tunnels in HTTP, WebSockets."""

import base64
import random
import struct
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from support.siege import Peer, Siege, play_over, siege
from support.tls import client_context, make_identity

pytestmark = [pytest.mark.foreign, pytest.mark.alone, pytest.mark.timeout(180)]

SEED = 7
HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
COOKIE = "x-sessioncookie: %s\r\n"
WANTED = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: rtsp.onvif.org"
KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
UPGRADE = (
    "GET /cam0/main HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n"
    f"Connection: keep-alive, Upgrade\r\n{KEY}\r\n{WANTED}"
)
OPTIONS = b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n"


@pytest.fixture(scope="module")
def bridge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Siege]:
    """Hold one bridge with a plain and a TLS port under siege."""
    folder = tmp_path_factory.mktemp("carriers")
    certificate = make_identity().write(folder / "certificate.pem")
    tables = (
        f'certificate = "{certificate}"\n[limits]\nmax_connections = 4096\n'
        "max_connections_per_ip = 4096\nmax_unauthenticated = 2048\nstall_timeout = 3\n"
        "[rtsp]\nrtp_port = 0\ntls_port = TLS_PORT\n"
    )
    with siege(folder, tables) as held:
        yield held


@pytest.fixture(autouse=True)
def unhurt(bridge: Siege) -> Iterator[None]:
    """Check after each attack that it did no harm."""
    bridge.begin()
    yield
    bridge.check_unhurt()
    bridge.check_newcomers()


def _secure(bridge: Siege, peer: Peer) -> Peer:
    context = client_context(None)
    peer.sock = context.wrap_socket(peer.sock)
    return peer


# -- TLS ----------------------------------------------------------------------------------


def test_garbage_instead_of_a_handshake_is_closed(bridge: Siege) -> None:
    chance = random.Random(SEED)
    for start in (b"", HELLO, b"\x16\x03\x03\xff\xff", b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n"):
        for _ in range(25):
            with bridge.tls_peer() as peer:
                peer.send(start + chance.randbytes(chance.randrange(1, 3000)))
                peer.send(chance.randbytes(300))


def test_handshakes_that_are_never_finished_run_out_of_time(bridge: Siege) -> None:
    with ExitStack() as stack:
        peers = [stack.enter_context(bridge.tls_peer()) for _ in range(200)]
        for number, peer in enumerate(peers):
            peer.send(HELLO[: number % (len(HELLO) + 1)])
        assert all(peer.is_closed_within(20) for peer in peers)


def test_random_bytes_inside_tls_end_their_own_connection(bridge: Siege) -> None:
    chance = random.Random(SEED)
    for number in range(40):
        with bridge.tls_peer() as plain, _secure(bridge, plain) as peer:
            if number % 2:
                play_over(peer, bridge.url)
            for _ in range(chance.randrange(1, 6)):
                peer.send(chance.randbytes(chance.choice((1, 64, 1500, 40_000))))


def test_players_inside_tls_that_never_read_are_dropped(bridge: Siege) -> None:
    before = bridge.descriptors()
    with ExitStack() as stack:
        for _ in range(20):
            plain = stack.enter_context(bridge.tls_peer(receive_buffer=4096))
            play_over(stack.enter_context(_secure(bridge, plain)), bridge.url)
        assert bridge.has_at_most(before, within_s=15), "they are held although they read nothing"


def test_records_that_are_damaged_later_end_their_own_connection(bridge: Siege) -> None:
    for _ in range(20):
        with bridge.tls_peer() as peer:
            raw = peer.sock.dup()
            try:
                play_over(_secure(bridge, peer), bridge.url)
                raw.send(b"\x17\x03\x03\x00\x20" + bytes(32))  # no key fits it
            finally:
                raw.close()
            assert peer.is_closed_within(5)


# -- tunnels ------------------------------------------------------------------------------


def _get(cookie: str) -> str:
    return (
        "GET /cam0/main HTTP/1.0\r\nAccept: application/x-rtsp-tunnelled\r\n"
        f"x-sessioncookie: {cookie}"
    )


def _post(cookie: str, length: int = 32767) -> str:
    return (
        "POST /cam0/main HTTP/1.0\r\nContent-Type: application/x-rtsp-tunnelled\r\n"
        f"x-sessioncookie: {cookie}\r\nContent-Length: {length}"
    )


def test_a_tunnel_works_here_at_all(bridge: Siege) -> None:
    with bridge.peer() as down, bridge.peer() as up:
        assert down.ask(_get("works")).startswith(b"HTTP/1.0 200")
        up.send(_post("works").encode() + b"\r\n\r\n" + base64.b64encode(OPTIONS))
        assert down.reply().startswith(b"RTSP/1.0 200")


def test_halves_without_their_other_half_run_out_of_time(bridge: Siege) -> None:
    with ExitStack() as stack:
        halves = [stack.enter_context(bridge.peer()) for _ in range(300)]
        for number, peer in enumerate(halves):
            text = _get(f"lonely{number}") if number % 2 else _post(f"alone{number}")
            peer.send(text.encode() + b"\r\n\r\n")
        assert all(peer.is_closed_within(20) for peer in halves)


def test_what_is_no_base64_ends_its_own_tunnel(bridge: Siege) -> None:
    chance = random.Random(SEED)
    for number in range(40):
        with bridge.peer() as down, bridge.peer() as up:
            down.ask(_get(f"garbage{number}"))
            up.send(_post(f"garbage{number}").encode() + b"\r\n\r\n")
            for _ in range(4):
                noise = chance.randbytes(3000)
                up.send(base64.b64encode(noise) if number % 2 else noise)


@pytest.mark.parametrize("length", [-1, 10**30, "", "0x10"])
def test_lengths_that_are_none_are_refused(bridge: Siege, length: object) -> None:
    with bridge.peer() as peer:
        head = _post("lengths").rpartition(" ")[0]
        peer.send(f"{head} {length}\r\n\r\n".encode() + base64.b64encode(OPTIONS) * 100)


def test_http_heads_without_end_are_cut_off(bridge: Siege) -> None:
    with bridge.peer() as peer:
        peer.send(b"GET / HTTP/1.0\r\n")
        line = b"X: " + b"y" * 60_000 + b"\r\n"
        assert sum(peer.send(line) for _ in range(200)) < 100
        assert peer.is_closed_within(5)


def test_mutated_http_heads_are_answered_or_closed(bridge: Siege) -> None:
    chance = random.Random(SEED)
    for _ in range(150):
        out = bytearray(chance.choice((_get("m"), _post("m"), UPGRADE)).encode() + b"\r\n\r\n")
        for _ in range(chance.choice((1, 2, 5))):
            at = chance.randrange(len(out))
            out[at : at + chance.randrange(3)] = chance.choice(
                (b"\r\n", b"\x00", b"\xff", b": ", b"")
            )
        with bridge.peer() as peer:
            peer.send(bytes(out))
            peer.send(base64.b64encode(OPTIONS))


# -- WebSockets ---------------------------------------------------------------------------


def _frame(
    payload: bytes, *, opcode: int = 2, is_final: bool = True, is_masked: bool = True
) -> bytes:
    length = len(payload)
    head = bytes((opcode | is_final << 7,))
    head += (
        bytes((length | is_masked << 7,))
        if length < 126
        else struct.pack(">BH", 126 | is_masked << 7, length)
    )
    return head + (bytes(4) if is_masked else b"") + payload


def test_a_websocket_works_here_at_all(bridge: Siege) -> None:
    with bridge.peer() as peer:
        assert b" 101 " in peer.ask(UPGRADE)
        peer.send(_frame(OPTIONS))
        assert peer.sock.recv(4096)[:1] == b"\x82"


BAD_FRAMES = {
    "not masked": _frame(OPTIONS, is_masked=False),
    "endless": b"\x82\xff" + b"\x7f" + b"\xff" * 7 + bytes(4),
    "of no known kind": _frame(OPTIONS, opcode=7),
    "text": _frame(OPTIONS, opcode=1),
    "a ping that is too long": b"\x89\xfe\x04\x00" + bytes(4) + bytes(1024),
    "a ping in pieces": _frame(b"x", opcode=9, is_final=False),
    "a piece of nothing": _frame(b"x", opcode=0),
    "an end": _frame(b"\x03\xe8", opcode=8),
    "reserved bits": bytes((0xF2, 0x81)) + bytes(4) + b"x",
}


@pytest.mark.parametrize("kind", BAD_FRAMES)
def test_frames_against_the_rules_end_their_own_connection(bridge: Siege, kind: str) -> None:
    with bridge.peer() as peer:
        assert b" 101 " in peer.ask(UPGRADE)
        peer.send(BAD_FRAMES[kind])
        assert peer.is_closed_within(15)


def test_floods_of_small_frames_are_swallowed(bridge: Siege) -> None:
    floods = (
        _frame(b"", opcode=9) * 20_000,
        _frame(b"") * 20_000,
        _frame(b"$", is_final=False) + _frame(b"\x00", opcode=0, is_final=False) * 20_000,
    )
    for flood in floods:
        with bridge.peer() as peer:
            peer.ask(UPGRADE)
            peer.sock.settimeout(2)
            peer.send(flood)
