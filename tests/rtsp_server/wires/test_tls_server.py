"""Players over TLS, and those who wanted to be: live sockets, a certificate made for the test."""

import asyncio
import logging
import os
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from neolink.errors import ConfigError
from neolink.rtp.rtcp import ReceiverReport
from neolink.rtsp_server.refusals import Refusal
from neolink.rtsp_server.server import RtspServer
from neolink.rtsp_server.settings import Access, TlsClientAuth
from support.rtsp_bench import Bench, StartServer, make_settings
from support.rtsp_client import RtspClient
from support.tls import Identity, TlsPipe, client_context, make_identity
from support.waiting import until

SERVER, OTHER, PLAYER, STRANGER = (make_identity() for _ in range(4))
SIGNED = make_identity("a player", signed_by=PLAYER)
TRUSTING = client_context()

StartTls = Callable[..., Awaitable[Bench]]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return SERVER.write(tmp_path / "server.pem")


@pytest.fixture
def start_tls(start: StartServer, file: Path) -> StartTls:
    """Start a server whose port speaks TLS alone."""

    async def start_it(*names: str, **options: object) -> Bench:
        return await start(*names, certificate=file, **options)

    return start_it


def connections(bench: Bench) -> int:
    return len(bench.server.door.connections)


def refused(bench: Bench) -> int:
    return bench.server.refused[Refusal.TLS_HANDSHAKE]


async def goes_on(bench: Bench, *players: RtspClient) -> None:
    """Assert that players have missed nothing and are given the next pictures."""
    for player in players:
        track = player.tracks[0]
        had = len(track.packets)
        bench.camera.pictures(5)
        await player.until(lambda: len(track.packets) > had)  # noqa: B023 - used now
        assert track.gaps == 0
        assert (await player.get_parameter()).status == 200


async def raw(bench: Bench, data: bytes = b"", port: int | None = None) -> socket.socket:
    """Connect without TLS and send bytes."""
    sock = socket.socket()
    sock.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(sock, ("127.0.0.1", port or bench.server.port))
    await loop.sock_sendall(sock, data)
    return sock


async def is_ended(sock: socket.socket) -> None:
    """Wait until the server closes a connection, whatever it says before."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(10):
        try:
            while await loop.sock_recv(sock, 65536):
                pass
        except ConnectionResetError:
            pass
    sock.close()


# ---------------------------------------------------------------- watching


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_player_watches_over_tls(start_tls: StartTls, version: ssl.TLSVersion) -> None:
    bench = await start_tls()
    trusting = client_context(SERVER)
    trusting.maximum_version = version
    player = await bench.player(tls=trusting)
    await goes_on(bench, player)
    await player.send_frame(1, ReceiverReport(7).serialize())
    await goes_on(bench, player)
    assert (await player.teardown()).status == 200


async def test_a_session_is_resumed_with_a_ticket(start_tls: StartTls) -> None:
    bench = await start_tls()
    first = await bench.player(tls=TRUSTING)
    assert first._pipe is not None
    session = first._pipe.tls.session
    assert session is not None
    assert session.has_ticket


async def test_a_login_is_asked_for_as_in_clear(start_tls: StartTls) -> None:
    access = Access(anonymous=False, users=frozenset({"anna"}))
    bench = await start_tls(users={"anna": "sesame"}, access=access)
    stranger = await bench.client(tls=TRUSTING)
    assert (await stranger.describe()).status == 401
    player = await bench.player(tls=TRUSTING, user="anna", password="sesame")
    await goes_on(bench, player)


@pytest.mark.parametrize("offer", ["RTP/AVP;unicast;client_port=50000-50001", "udp"])
async def test_udp_would_be_in_clear_and_is_refused(start_tls: StartTls, offer: str) -> None:
    bench = await start_tls()
    client = await bench.client(tls=TRUSTING)
    await client.describe()
    assert (await client.setup(0, offer)).status == 461
    both = "RTP/AVP;unicast;client_port=50000-50001,RTP/AVP/TCP;unicast;interleaved=0-1"
    assert (await client.setup(0, both)).status == 200
    assert client.tracks[0].granted.interleaved == (0, 1)


async def test_both_kinds_of_port_serve_side_by_side(start_tls: StartTls) -> None:
    bench = await start_tls(tls_port=0)
    ports = {bench.server.port, bench.server.tls_port}
    assert len(ports) == 2
    assert 0 not in ports
    clear = await bench.player()
    url = f"rtsps://127.0.0.1:{bench.server.tls_port}/porch"
    async with RtspClient(url, tls=TRUSTING) as hidden:
        await hidden.watch()
        await goes_on(bench, clear, hidden)
        udp = await bench.client()
        await udp.watch(transport="udp")
        await goes_on(bench, udp)


async def test_the_only_port_is_the_one_for_tls(start_tls: StartTls) -> None:
    bench = await start_tls()
    assert bench.server.tls_port == bench.server.port


async def test_a_tls_port_in_use_is_named_and_nothing_stays_open(file: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = RtspServer(make_settings(certificate=file, tls_port=port), {}, _Still())
        with pytest.raises(ConfigError, match=rf"127\.0\.0\.1:{port}.*\[rtsp\] tls_port"):
            server.open()
        assert not server.door.is_open


async def test_a_certificate_that_cannot_be_used_opens_no_port(tmp_path: Path) -> None:
    server = RtspServer(make_settings(certificate=tmp_path / "none.pem"), {}, _Still())
    with pytest.raises(ConfigError, match="cannot be read"):
        server.open()
    assert server.port == 0


class _Still:
    def monotonic_s(self) -> float:
        return 0.0

    def unix_s(self) -> float:
        return 0.0


# ---------------------------------------------------------------- slow and stalled readers


async def test_a_slow_reader_over_tls_misses_whole_groups_and_no_record_is_torn(
    start_tls: StartTls,
) -> None:
    bench = await start_tls(max_frames=40)
    client = await bench.player(receive_buffer=4096, tls=TRUSTING)
    client.stop_reading()
    bench.camera.key_size, bench.camera.size = 200_000, 20_000
    for _ in range(300):
        bench.camera.picture()
        await asyncio.sleep(0)
    track = client.tracks[0]
    client.resume_reading()
    bench.camera.size = bench.camera.key_size = 500
    for _ in range(50):
        bench.camera.picture()
        await asyncio.sleep(0)
    await client.until(lambda: track.gaps > 0)
    track.check_gaps()


async def test_a_reader_that_stops_over_tls_is_ended_and_frees_its_queue(
    start_tls: StartTls,
) -> None:
    bench = await start_tls(stall_timeout_s=10)
    healthy = await bench.player(tls=TRUSTING)
    stalled = await bench.player(receive_buffer=4096, tls=TRUSTING)
    stalled.stop_reading()
    bench.camera.key_size = 200_000
    for _ in range(100):
        bench.camera.picture()
        await asyncio.sleep(0)
    bench.pass_time(1)
    bench.pass_time(10)
    await until(lambda: connections(bench) == 1)
    assert bench.mount.player_count == 1
    assert bench.server.context.budget.used_bytes == 0
    bench.camera.key_size = 3000
    await goes_on(bench, healthy)


# ---------------------------------------------------------------- those who speak no TLS

GARBAGE = [
    b"\x00" * 1000,
    b"\xff\xfe\xfd" * 500,
    b"\x16\x03\x01\xff\xff" + b"x" * 70_000,
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 600,
    b"\x16\x03\x01\x00\x00" * 200,
    b"\x15\x03\x01\x00\x02\x02\x28",
    b"\x80\x2e\x01\x00\x02" + b"x" * 100,
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"$\x00\x00\x08abcdefgh",
    b"\r\n" * 100,
]


@pytest.mark.parametrize("garbage", GARBAGE, ids=[repr(data[:12]) for data in GARBAGE])
async def test_garbage_instead_of_a_handshake_ends_its_own_connection_alone(
    start_tls: StartTls, garbage: bytes
) -> None:
    bench = await start_tls()
    player = await bench.player(tls=TRUSTING)
    await is_ended(await raw(bench, garbage))
    assert refused(bench) == 1
    await goes_on(bench, player)
    await until(lambda: connections(bench) == 1)


async def test_plain_rtsp_on_the_tls_port_is_told_once_per_host_with_what_to_do(
    start_tls: StartTls, caplog: pytest.LogCaptureFixture
) -> None:
    bench = await start_tls()
    for _ in range(5):
        await is_ended(await raw(bench, b"OPTIONS rtsp://h/porch RTSP/1.0\r\nCSeq: 1\r\n\r\n"))
    assert refused(bench) == 5
    (line,) = (m for m in caplog.messages if "TLS" in m)
    assert line.startswith("127.0.0.1: ")
    assert "use rtsps://" in line


async def test_a_port_scan_is_not_a_word_worth(
    start_tls: StartTls, caplog: pytest.LogCaptureFixture
) -> None:
    bench = await start_tls()
    (await raw(bench)).close()
    await until(lambda: bench.server._clock.monotonic_s() >= 0 and connections(bench) == 0)
    assert refused(bench) == 0
    assert not [r for r in caplog.records if r.levelno > logging.INFO]


async def test_one_who_leaves_right_behind_the_handshake_is_told(
    start_tls: StartTls, caplog: pytest.LogCaptureFixture
) -> None:
    """GnuTLS looks at the certificate when the handshake is over, and says nothing."""
    bench = await start_tls()
    client = await bench.client(tls=TRUSTING)
    await client.close()
    await until(lambda: refused(bench) == 1)
    assert "perhaps it does not trust our certificate" in caplog.text
    player = await bench.player(tls=TRUSTING)
    await player.close()
    await until(lambda: connections(bench) == 0)
    assert refused(bench) == 1


async def test_tls_on_the_plain_port_is_noticed(
    start: StartServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    bench = await start()
    with pytest.raises((ssl.SSLError, OSError)):
        await bench.client(tls=TRUSTING)
    assert "this port speaks in clear: use rtsp:// in the URL" in caplog.text


@pytest.mark.parametrize("begun", [b"", b"\x16\x03\x01\x02\x00\x01\x00\x01"])
async def test_a_handshake_has_a_deadline(start_tls: StartTls, begun: bytes) -> None:
    bench = await start_tls(tls_handshake_timeout_s=4, first_request_timeout_s=60)
    player = await bench.player(tls=TRUSTING)
    sock = await raw(bench, begun)
    await until(lambda: connections(bench) == 2)
    bench.pass_time(3.9)
    assert connections(bench) == 2
    for byte in b"\xfc\x03\x03xxxx" if begun else b"":  # one that goes on slowly wins nothing
        await asyncio.get_running_loop().sock_sendall(sock, bytes([byte]))
    bench.pass_time(0.2)
    await is_ended(sock)
    assert refused(bench) == 1
    await goes_on(bench, player)


async def test_a_slow_handshake_leaves_the_whole_time_for_the_first_request(
    start_tls: StartTls,
) -> None:
    bench = await start_tls(tls_handshake_timeout_s=10, first_request_timeout_s=4)
    sock = await raw(bench)
    await until(lambda: connections(bench) == 1)
    bench.pass_time(9)
    pipe = TlsPipe(sock, TRUSTING, "127.0.0.1")
    await pipe.open()
    await until(lambda: all(c._ready_s is not None for c in bench.server.door.connections))
    bench.pass_time(3.9)
    await pipe.send(b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n")
    assert (await pipe.receive()).startswith(b"RTSP/1.0 200")
    sock.close()


async def test_shaking_hands_without_end_is_limited_like_any_newcomer(
    start_tls: StartTls,
) -> None:
    bench = await start_tls(max_unauthenticated=3)
    player = await bench.player(tls=TRUSTING)
    socks = [await raw(bench, b"\x16") for _ in range(6)]
    await until(lambda: bench.server.refused[Refusal.MAX_UNAUTHENTICATED] == 3)
    assert connections(bench) == 4
    await goes_on(bench, player)
    for sock in socks:
        sock.close()


# ---------------------------------------------------------------- certificates of players


@pytest.fixture
def players(tmp_path: Path) -> dict[str, Path]:
    """Files of a player's own certificate, and the one that vouches for some of them."""
    (tmp_path / "ca.pem").write_text(PLAYER.certificate_pem)
    whose: dict[str, Identity] = {"own": SERVER, "signed": SIGNED, "stranger": STRANGER}
    return {
        "ca": tmp_path / "ca.pem",
        **{name: who.write(tmp_path / f"{name}.pem") for name, who in whose.items()},
    }


async def can_watch(bench: Bench, shown: Path | None) -> bool:
    client = RtspClient(bench.url(), tls=client_context(own=shown))
    try:
        async with client:
            return (await client.describe()).status == 200
    except (OSError, AssertionError):
        return False


@pytest.mark.parametrize(
    ("auth", "shown", "is_let_in"),
    [
        (TlsClientAuth.NONE, None, True),
        (TlsClientAuth.NONE, "stranger", True),
        (TlsClientAuth.REQUEST, None, True),
        (TlsClientAuth.REQUEST, "signed", True),
        (TlsClientAuth.REQUEST, "stranger", False),
        (TlsClientAuth.REQUIRE, None, False),
        (TlsClientAuth.REQUIRE, "signed", True),
        (TlsClientAuth.REQUIRE, "stranger", False),
        (TlsClientAuth.REQUIRE, "own", False),
    ],
)
async def test_certificates_of_players_are_asked_for_as_configured(
    start_tls: StartTls,
    players: dict[str, Path],
    auth: TlsClientAuth,
    shown: str | None,
    is_let_in: bool,
) -> None:
    bench = await start_tls(tls_client_auth=auth, tls_client_ca=players["ca"])
    assert await can_watch(bench, players[shown] if shown else None) is is_let_in
    assert refused(bench) == (not is_let_in)


@pytest.mark.parametrize(("shown", "is_let_in"), [("own", True), ("stranger", False)])
async def test_without_authorities_our_own_certificate_vouches(
    start_tls: StartTls, players: dict[str, Path], shown: str, is_let_in: bool
) -> None:
    bench = await start_tls(tls_client_auth=TlsClientAuth.REQUIRE)
    assert await can_watch(bench, players[shown]) is is_let_in


async def test_a_player_without_a_certificate_is_told_what_is_missing(
    start_tls: StartTls, caplog: pytest.LogCaptureFixture
) -> None:
    bench = await start_tls(tls_client_auth=TlsClientAuth.REQUIRE)
    assert not await can_watch(bench, None)
    assert "it shows no certificate (see tls_client_auth)" in caplog.text


# ---------------------------------------------------------------- renewal


async def shown_by(bench: Bench) -> bytes:
    """Return the certificate that a new connection is shown."""
    client = await bench.client(tls=TRUSTING)
    assert client._pipe is not None
    shown = client._pipe.tls.getpeercert(binary_form=True)
    assert shown is not None
    await client.close()
    return shown


def der(identity: Identity) -> bytes:
    return ssl.PEM_cert_to_DER_cert(identity.certificate_pem)


async def test_a_renewed_certificate_is_shown_to_newcomers_while_a_player_plays(
    start_tls: StartTls, file: Path
) -> None:
    bench = await start_tls()
    player = await bench.player(tls=TRUSTING)
    assert await shown_by(bench) == der(SERVER)
    OTHER.write(file)
    os.utime(file, (1, 1))
    bench.pass_time(1)
    bench.pass_time(1)
    assert await shown_by(bench) == der(OTHER)
    await goes_on(bench, player)


async def test_a_broken_renewal_is_told_and_everything_goes_on(
    start_tls: StartTls, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bench = await start_tls()
    player = await bench.player(tls=TRUSTING)
    file.write_text("torn")
    bench.pass_time(1)
    bench.pass_time(1)
    assert f"certificate: {file}: holds no certificate" in caplog.text
    assert await shown_by(bench) == der(SERVER)
    await goes_on(bench, player)


async def test_another_file_and_another_rule_of_the_settings_are_live(
    start_tls: StartTls, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bench = await start_tls()
    player = await bench.player(tls=TRUSTING)
    other = OTHER.write(file.with_name("other.pem"))
    settings = replace(
        bench.server.settings, certificate=other, tls_client_auth=TlsClientAuth.REQUIRE
    )
    bench.server.reload(settings, bench.mounts)
    assert not [r for r in caplog.records if r.levelno > logging.INFO]
    assert not await can_watch(bench, None)
    assert await can_watch(bench, other)
    await goes_on(bench, player)


@pytest.mark.parametrize("changes", [{"tls_port": 0}, {"certificate": None}])
async def test_what_a_port_speaks_stays_until_a_restart(
    start_tls: StartTls, caplog: pytest.LogCaptureFixture, changes: dict[str, object]
) -> None:
    bench = await start_tls()
    bench.server.reload(replace(bench.server.settings, **changes), bench.mounts)  # type: ignore[arg-type]  # by name
    assert "takes effect after a restart" in caplog.text
    await goes_on(bench, await bench.player(tls=TRUSTING))


async def test_a_handshake_that_fails_for_another_reason_is_told_at_once(
    start_tls: StartTls, caplog: pytest.LogCaptureFixture
) -> None:
    """Else whoever mends the URL would not see that the certificate is wrong, too."""
    bench = await start_tls()
    for begun in (b"OPTIONS * RTSP/1.0\r\n\r\n", bytes(32)):
        await is_ended(await raw(bench, begun))
    assert "it speaks in clear to the TLS port" in caplog.text
    assert "what it sends is no TLS" in caplog.text


async def test_udp_ports_are_left_alone_where_all_speak_tls(start_tls: StartTls) -> None:
    assert (await start_tls()).server.context.udp is None
    assert (await start_tls(tls_port=0)).server.context.udp is not None
