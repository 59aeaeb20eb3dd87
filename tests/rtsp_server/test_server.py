"""The listener: its limits, its time-outs, and peers that mean no good while others watch."""

import asyncio
import contextlib
import errno
import gc
import logging
import os
import re
import socket
import weakref
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neolink.errors import ConfigError
from neolink.hub.demand import DemandState
from neolink.rtp.rtcp import ReceiverReport
from neolink.rtsp_server import door as door_module
from neolink.rtsp_server.door import NEWCOMER_S
from neolink.rtsp_server.requests import connection as connection_module
from neolink.rtsp_server.requests.connection import IDLE_TIMEOUT_S
from neolink.rtsp_server.server import RtspServer
from neolink.rtsp_server.settings import Access
from support.media import L16
from support.rtsp_bench import Bench, StartServer, make_settings, start_bench, stop_bench
from support.rtsp_client import RtspClient, UdpPair
from support.waiting import until

TCP = "RTP/AVP/TCP;unicast"


def connections(bench: Bench) -> int:
    return len(bench.server.door.connections)


async def is_served(client: RtspClient) -> bool:
    """Whether a request is answered on a connection."""
    with contextlib.suppress(ConnectionError, OSError):
        return (await client.options()).status == 200
    return False


# ---------------------------------------------------------------- limits of connections


async def test_connections_of_one_address_are_limited(start: StartServer) -> None:
    bench = await start(max_connections_per_ip=3)
    first, *others = [await bench.client() for _ in range(3)]
    assert all([await is_served(client) for client in (first, *others)])
    assert not await is_served(await bench.client())
    assert await is_served(await bench.client(local_host="127.0.0.2"))
    assert bench.server.refused["max_connections_per_ip"] == 1
    await first.close()
    await until(lambda: connections(bench) == 3)
    assert await is_served(await bench.client())


async def test_connections_are_limited_in_all(start: StartServer) -> None:
    bench = await start(max_connections=2)
    hosts = ("127.0.0.1", "127.0.0.2", "127.0.0.3")
    clients = [await bench.client(local_host=host) for host in hosts]
    assert [await is_served(client) for client in clients] == [True, True, False]


async def test_a_burst_of_connections_cannot_slip_past_a_limit(start: StartServer) -> None:
    """All are waiting to be accepted at once, before the first is served."""
    bench = await start(max_connections_per_ip=5)
    await asyncio.gather(*(bench.client() for _ in range(20)))
    await until(lambda: bench.server.refused["max_connections_per_ip"] == 15)
    assert connections(bench) == 5


async def test_who_asks_for_no_stream_makes_room_after_a_while(start: StartServer) -> None:
    bench = await start(max_unauthenticated=2)
    player = await bench.player()
    idle = [await bench.client() for _ in range(2)]
    assert all([await is_served(client) for client in idle])
    assert not await is_served(await bench.client())
    bench.clock.advance(NEWCOMER_S)
    assert await is_served(await bench.client())
    await idle[0].until_closed()
    assert await is_served(idle[1])
    assert await is_served(player)


async def test_newcomers_of_one_address_leave_room_for_another(start: StartServer) -> None:
    bench = await start(bind="0.0.0.0", max_unauthenticated=4)
    crowd = [await bench.client(local_host="127.0.0.2") for _ in range(4)]
    assert all([await is_served(client) for client in crowd])
    assert not await is_served(await bench.client(local_host="127.0.0.2"))
    other = await bench.client()
    assert await is_served(other)
    await crowd[0].until_closed()
    assert all([await is_served(client) for client in crowd[1:]])
    assert await is_served(await bench.client(local_host="127.0.0.3"))
    assert await is_served(other)


async def test_newcomers_with_many_addresses_of_one_network_are_one_crowd(
    start: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An IPv6 host has as many addresses as it likes; here those of loopback stand for them."""
    for module in (door_module, connection_module):
        monkeypatch.setattr(module, "network_of", lambda host: host[:7] + host[-1:])
    bench = await start(bind="0.0.0.0", max_unauthenticated=4)
    hosts = [f"127.0.0.{number}2" for number in range(1, 5)]
    crowd = [await bench.client(local_host=host) for host in hosts]
    assert all([await is_served(client) for client in crowd])
    assert not await is_served(await bench.client(local_host="127.0.0.52"))
    assert await is_served(await bench.client(local_host="127.0.0.3"))
    await crowd[0].until_closed()


async def test_a_login_that_failed_is_no_admission(start: StartServer) -> None:
    bench = await start(
        max_unauthenticated=1, users={"me": "x"}, access=Access(False, frozenset({"me"}))
    )
    guesser = await bench.client(user="me", password="y")
    assert (await guesser.describe()).status == 401
    assert not await is_served(await bench.client())
    await guesser.close()
    await until(lambda: connections(bench) == 0)
    honest = await bench.client(user="me", password="x")
    assert (await honest.describe()).status == 200
    assert await is_served(await bench.client())


# ---------------------------------------------------------------- time


async def test_a_silent_newcomer_is_closed(start: StartServer) -> None:
    bench = await start(first_request_timeout_s=4)
    client = await bench.client()
    await until(lambda: connections(bench) == 1)
    bench.pass_time(3.9)
    assert not client.is_closed
    bench.pass_time(0.2)
    await client.until_closed()


async def test_a_connection_without_a_session_is_closed_when_idle(start: StartServer) -> None:
    bench = await start()
    client, player = await bench.client(), await bench.player()
    assert await is_served(client)
    bench.pass_time(IDLE_TIMEOUT_S - 1)
    bench.camera.pictures(2)
    assert await is_served(client)
    for _ in range(2):
        bench.pass_time(IDLE_TIMEOUT_S - 1)
        bench.camera.pictures(2)
    await client.until_closed()
    assert await is_served(player)


async def test_a_connection_is_not_idle_while_it_waits_for_a_camera(start: StartServer) -> None:
    bench = await start(described=False, setup_timeout_s=3)
    client = await bench.client()
    describing = asyncio.create_task(client.describe())
    await until(lambda: bench.camera.stream.state is DemandState.STARTING)
    bench.pass_time(2 * IDLE_TIMEOUT_S)
    bench.camera.pictures(30)
    assert (await describing).status == 200


@pytest.mark.parametrize(
    "half",
    [
        b"OPTI",
        b"OPTIONS * RTSP/1.0\r\n",
        b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n",
        b"SET_PARAMETER * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 9\r\n\r\n",
        b"$\x01\x00\x09half",
    ],
)
async def test_a_request_that_trickles_in_is_ended(start: StartServer, half: bytes) -> None:
    bench = await start(request_timeout_s=5)
    client = await bench.client()
    assert await is_served(client)
    await client.send(half)
    connection = next(iter(bench.server.door.connections))
    await until(lambda: connection._begun_s is not None)
    bench.pass_time(3)
    await client.send(b"x")
    assert not client.is_closed
    bench.pass_time(3)
    await client.until_closed()


async def test_a_player_that_sends_reports_is_not_taken_for_a_trickle(start: StartServer) -> None:
    bench = await start(request_timeout_s=5)
    client = await bench.player()
    for _ in range(4):
        await client.send(b"$\x01\x0b\xb8" + bytes(3000))  # too long for a report, passed over
        await client.send_frame(1, ReceiverReport(7).serialize())
        bench.pass_time(3)
        assert await is_served(client)


async def test_a_silent_udp_session_ends_at_one_and_a_half_times_its_timeout(
    start: StartServer,
) -> None:
    bench = await start(grace_s=0.01, session_timeout_s=20)
    client = await bench.client()
    await client.watch(transport="udp")
    await client.close_tcp()
    await until(lambda: connections(bench) == 0)
    bench.pass_time(29)
    assert bench.server.context.players
    bench.pass_time(2)
    assert not bench.server.context.players
    await until(lambda: bench.camera.stream.state is DemandState.IDLE)


async def test_a_report_or_a_request_keeps_a_udp_session_alive(start: StartServer) -> None:
    bench = await start(session_timeout_s=20)
    client = await bench.client()
    await client.watch(transport="udp")
    session = next(iter(bench.server.context.players.values())).session
    udp, pair = bench.server.context.udp, client.tracks[0].udp
    assert udp is not None
    assert pair is not None
    for port in (udp.rtp_port, udp.rtp_port + 1):
        bench.pass_time(25)
        pair.rtcp.sendto(ReceiverReport(7).serialize(), ("127.0.0.1", port))
        await until(lambda: session.last_alive == bench.clock.monotonic_s())
    bench.pass_time(25)
    assert await is_served(client)
    bench.pass_time(25)
    assert bench.server.context.players


async def test_a_udp_packet_of_a_stranger_keeps_nothing_alive(start: StartServer) -> None:
    bench = await start(session_timeout_s=20)
    client = await bench.client()
    await client.watch(transport="udp")
    stranger, udp, pair = UdpPair("127.0.0.2"), bench.server.context.udp, client.tracks[0].udp
    assert udp is not None
    assert pair is not None
    session = next(iter(bench.server.context.players.values())).session
    before = session.last_alive
    bench.clock.advance(1)
    stranger.rtcp.sendto(ReceiverReport(7).serialize(), ("127.0.0.1", udp.rtp_port + 1))
    await until(lambda: bench.server.context.udp_peers.strangers == 1)
    assert session.last_alive == before
    stranger.close()


async def test_a_tcp_player_that_only_drains_its_socket_lives(start: StartServer) -> None:
    bench = await start(session_timeout_s=20)
    client = await bench.player()
    for _ in range(10):
        bench.camera.pictures(2)
        bench.pass_time(20)
    assert await is_served(client)
    assert bench.server.context.players


async def test_a_paused_session_ends_after_silence(start: StartServer) -> None:
    bench = await start(session_timeout_s=20)
    client = await bench.player()
    await client.pause()
    bench.pass_time(1)
    bench.pass_time(31)
    assert not bench.server.context.players
    assert (await client.play()).status == 454


async def test_who_stops_reading_is_closed_and_nobody_else_loses_a_packet(
    start: StartServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    bench = await start(audio=L16, stall_timeout_s=10, max_frames=40)
    slow = await bench.player(receive_buffer=4096)
    good = await bench.player()
    slow.stop_reading()
    bench.camera.key_size, bench.camera.size = 60_000, 20_000
    seen = 0
    for second in range(16):
        for _ in range(5):
            bench.camera.pictures(5)
            seen += 5
            await good.until(lambda: len(good.tracks[0].timestamps) >= seen)  # noqa: B023 - used now
        bench.pass_time(1)
        assert bench.server.context.budget.used_bytes <= 40 * 60_100
        if second < 8:
            assert len(bench.server.context.players) == 2
    slow.resume_reading()
    await slow.until_closed()
    assert [track.gaps for track in good.tracks.values()] == [0, 0]
    assert len(bench.server.context.players) == 1
    assert sum("reads too slowly" in record.message for record in caplog.records) >= 1
    (told,) = [one.getMessage() for one in caplog.records if "took no byte" in one.getMessage()]
    assert re.search(r": closed: took no byte for 10 s, [1-9][0-9]+ KiB wait for it$", told)


async def test_a_slow_reader_resumes_at_a_random_access_and_decodes(start: StartServer) -> None:
    bench = await start(max_frames=40)
    client = await bench.player(receive_buffer=4096)
    client.stop_reading()
    bench.camera.key_size, bench.camera.size = 60_000, 20_000
    bench.camera.pictures(300)
    track = client.tracks[0]
    client.resume_reading()
    bench.camera.size = bench.camera.key_size = 500
    for _ in range(50):
        bench.camera.picture()
        await asyncio.sleep(0)
    await client.until(lambda: track.gaps > 0)
    track.check_gaps()


# ---------------------------------------------------------------- start and end


def test_settings_reach_the_session_table() -> None:
    server = RtspServer(make_settings(session_timeout_s=44), {}, _Still())
    session = server.context.sessions.create(path="x", user=None, peer_host="h", now=0)
    assert session.header.endswith(";timeout=44")


class _Still:
    def monotonic_s(self) -> float:
        return 0.0

    def unix_s(self) -> float:
        return 0.0


async def test_a_tcp_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = RtspServer(make_settings(port=port), {}, _Still())
        with pytest.raises(ConfigError, match=rf"127\.0\.0\.1:{port}.*bind_port"):
            server.open()
        server.close()


@pytest.mark.parametrize("which", ["rtp", "rtcp"])
async def test_with_a_udp_port_in_use_players_are_served_over_tcp_and_the_log_names_the_key(
    start: StartServer, which: str, caplog: pytest.LogCaptureFixture
) -> None:
    pair = UdpPair()
    (pair.rtcp if which == "rtp" else pair.rtp).close()
    bench = await start(rtp_port=pair.ports[0])
    assert f"UDP ports {pair.ports[0]} and {pair.ports[1]}" in caplog.text
    assert "[rtsp] rtp_port" in caplog.text
    client = await bench.client()
    await client.describe()
    offer = f"RTP/AVP;unicast;client_port={pair.ports[0]}-{pair.ports[1]}"
    assert (await client.setup(0, offer)).status == 461
    assert (await client.setup(0, f"{offer},RTP/AVP/TCP;unicast")).status == 200
    assert (await client.play()).status == 200
    bench.camera.pictures(6)
    await client.until(lambda: len(client.tracks[0].timestamps) > 5)
    pair.close()


async def test_a_server_can_be_stopped_and_run_again(start: StartServer) -> None:
    bench = await start(grace_s=0.01)
    tcp = await bench.player()
    udp = await (await bench.client()).watch(transport="udp")
    idle = await bench.client()
    await until(lambda: connections(bench) == 3)
    bench.camera.pictures(2)
    bench.running.cancel()
    await asyncio.gather(bench.running, return_exceptions=True)
    for client in (tcp, idle):
        await client.until_closed()
    await udp.until(lambda: udp.tracks[0].has_ended)
    assert bench.mount.player_count == 0
    assert not bench.server.context.players
    await until(lambda: bench.camera.stream.state is DemandState.IDLE)
    bench.server.open()
    bench.running = asyncio.create_task(bench.server.run())
    again = await bench.player()
    bench.camera.pictures(12)
    await again.until(lambda: len(again.tracks[0].timestamps) > 5)


async def test_accepting_goes_on_after_descriptors_ran_out(
    start: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neolink.rtsp_server.door.ACCEPT_PAUSE_S", 0.01)
    bench = await start()
    loop = asyncio.get_running_loop()
    real, faults = loop.sock_accept, [errno.EMFILE, errno.ECONNABORTED, errno.ENFILE]

    async def failing(sock: socket.socket) -> tuple[socket.socket, tuple[str, int]]:
        if faults:
            raise OSError(faults.pop(), "no more")
        return await real(sock)

    monkeypatch.setattr(loop, "sock_accept", failing)
    assert await is_served(await bench.client())
    assert await is_served(await bench.client())
    assert not faults


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENOMEM, errno.EINVAL])
async def test_what_keeps_us_from_accepting_is_told_once_in_a_while_and_what_helps(
    start: StartServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    code: int,
) -> None:
    monkeypatch.setattr("neolink.rtsp_server.door.ACCEPT_PAUSE_S", 0.001)
    loop, failed = asyncio.get_running_loop(), 0

    async def failing(_: socket.socket) -> tuple[socket.socket, tuple[str, int]]:
        nonlocal failed
        failed += 1
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(loop, "sock_accept", failing)
    bench = await start()
    await until(lambda: failed >= 20)
    bench.pass_time(10)
    before = failed
    await until(lambda: failed >= before + 20)
    told = [one.getMessage() for one in caplog.records if one.levelname == "ERROR"]
    assert len(told) == 2
    assert told[0].startswith(f"cannot accept players: {os.strerror(code)}")
    assert ("LimitNOFILE" in told[0]) == (code == errno.EMFILE)
    assert "more like this held back" in told[1]


@pytest.mark.parametrize("code", [errno.EMFILE, errno.EINVAL])
async def test_what_keeps_us_from_accepting_does_not_keep_the_loop_busy(
    start: StartServer, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    monkeypatch.setattr("neolink.rtsp_server.door.ACCEPT_PAUSE_S", 1e6)
    loop, failed = asyncio.get_running_loop(), 0

    async def failing(_: socket.socket) -> tuple[socket.socket, tuple[str, int]]:
        nonlocal failed
        failed += 1
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(loop, "sock_accept", failing)
    await start()
    for _ in range(50):
        await asyncio.sleep(0)
    assert failed == 1


async def test_a_connection_that_ends_before_it_is_accepted_is_not_a_word_worth(
    start: StartServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """And nobody waits for it: with such a pause each of them would keep others out."""
    monkeypatch.setattr("neolink.rtsp_server.door.ACCEPT_PAUSE_S", 1e6)
    loop = asyncio.get_running_loop()
    real, faults = loop.sock_accept, [errno.ECONNABORTED, errno.EPROTO, errno.ECONNRESET]

    async def failing(sock: socket.socket) -> tuple[socket.socket, tuple[str, int]]:
        if faults:
            raise OSError(faults.pop(), "gone")
        return await real(sock)

    monkeypatch.setattr(loop, "sock_accept", failing)
    bench = await start()
    assert await is_served(await bench.client())
    assert not faults
    assert not [one for one in caplog.records if one.levelname == "ERROR"]


# ---------------------------------------------------------------- hostile peers

HOSTILE = [
    b"\x00" * 1000,
    b"\xff\xfe\xfd" * 100,
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 500,
    b"play rtsp://h/porch RTSP/1.0\r\nCSeq: 1\r\n\r\n",
    b"OPTIONS * RTSP/1.0\r\n\r\n",
    b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: -5\r\n\r\n",
    b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 99999999999999999999\r\n\r\n",
    b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 65537\r\n\r\n",
    b"OPTIONS rtsp://h/" + b"a" * 5000 + b" RTSP/1.0\r\nCSeq: 1\r\n\r\n",
    b"A" * 100_000,
    b"OPTIONS * RTSP/1.0\r\n" + b"X: y\r\n" * 100_000,
    b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
    b"\r\n" * 1000,
]


@pytest.mark.parametrize("attack", HOSTILE, ids=[repr(attack[:24]) for attack in HOSTILE])
async def test_an_attack_ends_its_own_connection_alone(start: StartServer, attack: bytes) -> None:
    bench = await start()
    player = await bench.player()
    attacker = await bench.client()
    with contextlib.suppress(OSError):
        await attacker.send(attack)
    await attacker_ends(attacker)
    bench.camera.pictures(10)
    await player.until(lambda: len(player.tracks[0].timestamps) >= 10)
    assert player.tracks[0].gaps == 0
    assert await is_served(player)
    await until(lambda: connections(bench) == 1)


async def attacker_ends(client: RtspClient) -> None:
    """Wait for the end without judging what was answered to garbage."""
    await until(lambda: client.is_closed)
    client.faults.clear()


async def test_another_version_is_505_and_the_connection_goes_on(start: StartServer) -> None:
    client = await (await start()).client()
    answer = client.expect("7")
    await client.send(b"OPTIONS * RTSP/2.0\r\nCSeq: 7\r\n\r\n")
    assert (await answer).status == 505
    assert await is_served(client)


async def test_garbage_between_frames_of_a_player_ends_only_that_player(
    start: StartServer,
) -> None:
    bench = await start()
    good, bad = await bench.player(), await bench.player()
    await bad.send_frame(1, ReceiverReport(7).serialize())
    await bad.send(b"\x80garbage")
    await attacker_ends(bad)
    bench.camera.pictures(10)
    await good.until(lambda: len(good.tracks[0].timestamps) >= 10)
    assert good.tracks[0].gaps == 0
    assert bench.mount.player_count == 1


async def test_a_flood_of_requests_does_not_hold_up_the_loop(start: StartServer) -> None:
    bench = await start(max_pipelined_requests=4)
    client = await bench.client()
    requests = [client.build("OPTIONS") for _ in range(400)]
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    answers = await client.ask_all(*requests)
    counting.cancel()
    assert {answer.status for answer in answers} == {200}
    assert turns >= 100


async def test_a_peer_that_floods_and_never_reads_is_ended(start: StartServer) -> None:
    bench = await start()
    player = await bench.player()
    attacker = await bench.client(receive_buffer=4096)
    attacker.stop_reading()
    request = attacker.build("OPTIONS").serialize()

    async def flood() -> None:
        with contextlib.suppress(OSError):
            while True:
                await attacker.send(request * 1000)

    flooding = asyncio.create_task(flood())
    await until(lambda: connections(bench) == 1, 10)
    flooding.cancel()
    await asyncio.gather(flooding, return_exceptions=True)
    bench.camera.pictures(5)
    await player.until(lambda: len(player.tracks[0].timestamps) >= 5)


@pytest.mark.parametrize("cut", [1, 20, 60])
async def test_a_peer_that_leaves_in_the_middle_of_a_request(start: StartServer, cut: int) -> None:
    bench = await start()
    client = await bench.client()
    await client.send(client.build("DESCRIBE").serialize()[:cut])
    await client.close()
    await until(lambda: connections(bench) == 0)
    assert not any(bench.server.refused.values())


async def test_a_peer_that_resets_while_media_flows(start: StartServer) -> None:
    bench = await start()
    good, bad = await bench.player(), await bench.player()
    bench.camera.key_size = 300_000
    bad.stop_reading()
    bench.camera.pictures(10)
    assert bad._sock is not None
    bad._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    await bad.close()
    bench.camera.pictures(10)
    await until(lambda: bench.mount.player_count == 1)
    await good.until(lambda: len(good.tracks[0].timestamps) >= 20)
    assert good.tracks[0].gaps == 0


CHUNKS = st.lists(
    st.one_of(
        st.binary(max_size=200),
        st.sampled_from(
            [
                b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n",
                b"DESCRIBE rtsp://h/porch RTSP/1.0\r\nCSeq: 2\r\n\r\n",
                b"SETUP /porch/trackID=0 RTSP/1.0\r\nCSeq: 3\r\nTransport: RTP/AVP/TCP\r\n\r\n",
                b"PLAY rtsp://h/porch RTSP/1.0\r\nCSeq: 4\r\nSession: x\r\n\r\n",
                b"$\x00\x00\x04abcd",
                b"$\x01\xff\xff",
                b"\r\n",
            ]
        ),
    ),
    max_size=12,
)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(CHUNKS)
def test_no_bytes_whatever_reach_another_player(chunks: list[bytes]) -> None:
    async def scenario() -> None:
        bench = await start_bench()
        player = await bench.player()
        attacker = await bench.client()
        with contextlib.suppress(OSError):
            for chunk in chunks:
                await attacker.send(chunk)
                bench.camera.picture()
                await asyncio.sleep(0)
        attacker.faults.clear()
        await attacker.close()
        bench.camera.pictures(5)
        await player.until(lambda: len(player.tracks[0].timestamps) >= 5)
        assert player.tracks[0].gaps == 0
        await until(lambda: connections(bench) == 1)
        await stop_bench(bench)

    asyncio.run(scenario())


Leaving = Callable[[RtspClient], object]


async def test_who_has_left_is_not_kept_until_the_next_one_comes(start: StartServer) -> None:
    """With it would be kept what it has watched, also of a camera that was removed."""
    bench = await start()
    client = await bench.player()
    left = weakref.ref(next(iter(bench.server.door.connections)))
    await client.close()
    await until(lambda: connections(bench) == 0)
    await until(lambda: gc.collect() >= 0 and left() is None)


async def test_nothing_is_left_after_many_came_and_went(start: StartServer) -> None:
    """Players leave in every way there is; the fixture looks for tasks and descriptors."""
    bench = await start(grace_s=0.01, audio=L16, max_connections_per_ip=500)

    async def visit(number: int) -> None:
        client = await bench.client()
        if number % 5 == 0:
            return await client.close()
        await client.watch(transport="udp" if number % 2 else "tcp")
        bench.camera.picture()
        if number % 3 == 0:
            await client.teardown()
        if number % 7 == 0:
            await client.pause()
        return await client.close()

    for _ in range(3):
        await asyncio.gather(*(visit(number) for number in range(20)))
    await until(lambda: connections(bench) == 0)
    bench.pass_time(91)
    assert not bench.server.context.players
    assert bench.mount.player_count == 0
    assert not bench.server.door._per_host
    await until(lambda: bench.camera.stream.state is DemandState.IDLE)
