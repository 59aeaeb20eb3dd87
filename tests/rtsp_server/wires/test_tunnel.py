"""Players inside HTTP: they play as others do, count as one, and their halves end together."""

import asyncio
import logging
from base64 import b64encode
from pathlib import Path

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neolink.rtp.rtcp import ReceiverReport
from neolink.rtsp.client import RequestBuilder
from neolink.rtsp.message import InterleavedFrame, Response
from neolink.rtsp.pairing import MAX_WAITING, PAIR_WITHIN_S, REOPEN_WITHIN_S
from neolink.rtsp.reader import RtspReader
from neolink.rtsp_server.door import NEWCOMER_S
from neolink.rtsp_server.settings import Access
from support.media import L16
from support.rtsp_bench import TCP, Bench, StartServer, start_bench, stop_bench
from support.rtsp_client import RtspClient
from support.tls import client_context, make_identity
from support.tunnel_client import (
    HttpSocket,
    TunnelClient,
    WebSocketClient,
    client_frame,
    tunnel_player,
    websocket_player,
)
from support.waiting import until

WAYS = {"tunnel": tunnel_player, "websocket": websocket_player}


def connections(bench: Bench) -> int:
    return len(bench.server.door.connections)


@pytest.fixture(params=sorted(WAYS))
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def join(bench: Bench, way: str) -> RtspClient:
    return await WAYS[way](bench)


# ---------------------------------------------------------------- playing
async def test_pictures_and_sound_arrive_without_a_gap(start: StartServer, way: str) -> None:
    bench = await start(audio=L16)
    client = await join(bench, way)
    await client.watch()
    bench.camera.pictures(30)
    await client.until(lambda: len(client.tracks[0].video_units()) >= 30)
    assert [track.gaps for track in client.tracks.values()] == [0, 0]
    await client.send_frame(1, ReceiverReport(7, ()).serialize())
    assert (await client.get_parameter()).status == 200
    assert (await client.teardown()).status == 200
    assert (await client.request("OPTIONS", session=None)).status == 200


async def test_all_of_it_may_be_inside_tls(start: StartServer, way: str, tmp_path: Path) -> None:
    certificate = make_identity().write(tmp_path / "neolink.pem")
    bench = await start(certificate=certificate)
    client = await WAYS[way](bench, tls=client_context())
    await client.watch(0)
    bench.camera.key_size = bench.camera.size = 200_000
    bench.camera.pictures(30)
    await client.until(lambda: len(client.tracks[0].video_units()) >= 30)
    assert client.tracks[0].gaps == 0
    await client.close()
    await until(lambda: not connections(bench))


async def test_everything_of_rtsp_works_inside(start: StartServer, way: str) -> None:
    bench = await start()
    client = await join(bench, way)
    await client.watch(0)
    assert (await client.pause()).status == 200
    assert (await client.play()).status == 200
    answers = [client.ask(client.build("OPTIONS", session=None)) for _ in range(40)]
    assert [answer.status for answer in await asyncio.gather(*answers)] == [200] * 40


async def test_only_transports_inside_the_connection_are_granted(
    start: StartServer, way: str
) -> None:
    bench = await start()
    client = await join(bench, way)
    await client.describe()
    assert (await client.setup(0, "udp")).status == 461
    both = "RTP/AVP;unicast;client_port=5000-5001, RTP/AVP/TCP;unicast;interleaved=0-1"
    assert (await client.setup(0, both)).status == 200


async def test_a_login_is_asked_for_inside(start: StartServer, way: str) -> None:
    access = Access(anonymous=False, users=frozenset({"anna"}))
    bench = await start(access=access, users={"anna": "sesame"}, wrong_login_delay_s=0.0)
    stranger = await join(bench, way)
    assert (await stranger.describe()).status == 401
    client = await WAYS[way](bench, user="anna", password="sesame", prefer=("MD5",))
    await client.watch(0)
    bench.camera.pictures(5)
    await client.until(lambda: len(client.tracks[0].video_units()) >= 5)


async def test_a_player_that_leaves_is_gone_at_once(start: StartServer, way: str) -> None:
    bench = await start()
    client = await join(bench, way)
    await client.watch(0)
    assert len(list(bench.server.players())) == 1
    await client.close()
    await until(lambda: not list(bench.server.players()) and not connections(bench))
    assert len(bench.server.context.tunnels.pairing) == 0


async def test_a_slow_reader_resumes_at_a_random_access_point(start: StartServer, way: str) -> None:
    bench = await start(max_frames=40)
    client = await WAYS[way](bench, receive_buffer=4096)
    await client.watch(0)
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


async def test_a_reader_that_hangs_is_closed(start: StartServer, way: str) -> None:
    bench = await start()
    client = await WAYS[way](bench, receive_buffer=4096)
    await client.watch(0)
    client.stop_reading()
    bench.camera.key_size = bench.camera.size = 150_000
    bench.camera.pictures(120)
    bench.pass_time(1)
    bench.pass_time(11)
    await until(lambda: not connections(bench))


# ---------------------------------------------------------------- two halves
async def test_the_answer_to_get_comes_at_once_and_post_gets_none(start: StartServer) -> None:
    bench = await start()
    client = await tunnel_player(bench)
    assert (await client.options()).status == 200
    assert client.post is not None
    with pytest.raises(BlockingIOError):
        client.post.sock.recv(1)


async def test_the_post_may_come_first(start: StartServer) -> None:
    bench = await start()
    client = TunnelClient(bench.url(), bench=bench)
    bench.clients.append(client)
    await client.open_post()
    asking = asyncio.create_task(client.options())
    await until(lambda: bench.server.context.tunnels.pairing.waiting == 1)
    await client.open_get()
    assert (await asking).status == 200


async def test_a_post_may_be_closed_and_opened_again(start: StartServer) -> None:
    bench = await start()
    client = await tunnel_player(bench)
    await client.watch(0)
    assert client.post is not None
    client.post.close()
    await until(lambda: connections(bench) == 1)
    bench.pass_time(REOPEN_WITHIN_S - 1)
    bench.camera.pictures(5)
    await client.open_post()
    assert (await client.get_parameter()).status == 200
    await client.open_post()
    assert (await client.get_parameter()).status == 200, "the newest one counts"


async def test_a_post_that_does_not_come_back_ends_the_tunnel(start: StartServer) -> None:
    bench = await start()
    client = await tunnel_player(bench)
    await client.watch(0)
    assert client.post is not None
    client.post.close()
    await until(lambda: connections(bench) == 1)
    bench.pass_time(REOPEN_WITHIN_S + 1)
    await client.until_closed()
    await until(lambda: not connections(bench))


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_one_half_alone_ends_after_five_seconds(start: StartServer, method: str) -> None:
    bench = await start()
    half = await HttpSocket(bench).open(f"{method} / HTTP/1.0\nx-sessioncookie: a\n\n")
    pairing = bench.server.context.tunnels.pairing
    await until(lambda: pairing.waiting == 1)
    bench.pass_time(PAIR_WITHIN_S + 0.1)
    await half.read_to_end()
    await until(lambda: not connections(bench))
    assert (len(pairing), pairing.expired) == (0, 1)
    half.close()


async def test_a_tunnel_is_one_player_in_every_count(start: StartServer) -> None:
    bench = await start(max_connections_per_ip=3, max_unauthenticated=2)
    for _ in range(2):
        client = await tunnel_player(bench)
        await client.watch(0)
    assert connections(bench) == 4
    bench.clock.advance(NEWCOMER_S + 0.1)
    third = await bench.player()
    assert (await third.get_parameter()).status == 200
    assert (await bench.clients[0].get_parameter()).status == 200, "no carrier makes room"
    await (await bench.client()).until_closed()
    assert bench.server.refused["max_connections_per_ip"] == 1
    await bench.clients[0].close()
    await until(lambda: connections(bench) == 3)
    await bench.player()


# ---------------------------------------------------------------- hostile
async def test_a_cookie_of_another_host_leads_nowhere(start: StartServer) -> None:
    bench = await start()
    victim = await tunnel_player(bench)
    await victim.watch(0)
    thief = await HttpSocket(bench, "127.0.0.2").open(
        f"POST / HTTP/1.0\nx-sessioncookie: {victim.cookie}\n\n",
        b64encode(b"TEARDOWN rtsp://h/porch RTSP/1.0\r\nCSeq: 1\r\n\r\n"),
    )
    await until(lambda: bench.server.context.tunnels.pairing.waiting == 1)
    assert (await victim.get_parameter()).status == 200
    bench.pass_time(PAIR_WITHIN_S + 0.1)
    assert await thief.read_to_end() == b""
    thief.close()


async def test_a_flood_of_gets_leaves_room_for_a_player(start: StartServer) -> None:
    bench = await start(max_unauthenticated=200, max_connections_per_ip=200)
    flood = [
        await HttpSocket(bench, "127.0.0.2").open(f"GET / HTTP/1.0\nx-sessioncookie: {i}\n\n")
        for i in range(MAX_WAITING + 20)
    ]
    client = await tunnel_player(bench)
    await client.watch(0)
    pairing = bench.server.context.tunnels.pairing
    assert pairing.waiting <= MAX_WAITING
    assert pairing.evicted >= 20
    await until(lambda: connections(bench) <= MAX_WAITING + 2)
    for sock in flood:
        sock.close()
    await until(lambda: connections(bench) == 2)
    assert len(pairing) == 1


async def test_garbage_in_the_post_ends_both_halves_and_nobody_else(
    start: StartServer, caplog: pytest.LogCaptureFixture
) -> None:
    bench = await start()
    watcher = await bench.player()
    client = await tunnel_player(bench)
    assert client.post is not None
    await client.post.send(b"!!!! no base64 ????")
    await client.until_closed()
    assert await client.post.read_to_end() == b"", "a POST gets no answer"
    await until(lambda: connections(bench) == 1)
    told = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert len(told) == 1
    assert told[0].endswith(
        "127.0.0.1: 400 Bad Request: the POST of the tunnel carries what is no base64"
    )
    assert (await watcher.get_parameter()).status == 200


async def test_a_giant_length_costs_nothing(start: StartServer) -> None:
    bench = await start()
    client = TunnelClient(bench.url(), bench=bench)
    bench.clients.append(client)
    await client.open_get()
    client.post = await HttpSocket(bench).open(
        f"POST / HTTP/1.0\nx-sessioncookie: {client.cookie}\nContent-Length: {10**18}\n\n"
    )
    assert (await client.options()).status == 200


async def test_who_talks_on_the_get_is_closed(start: StartServer) -> None:
    bench = await start()
    client = await tunnel_player(bench)
    await client.get.send(b"x" * 1000)
    assert (await client.options()).status == 200
    await client.get.send(b"x" * 70_000)
    await client.until_closed()


async def test_a_head_that_drips_in_has_ten_seconds(start: StartServer) -> None:
    bench = await start()
    half = await HttpSocket(bench).open("GET / HTTP/1.0\nx-sess")
    await until(lambda: connections(bench) == 1)
    connection = next(iter(bench.server.door.connections))
    await until(lambda: connection._begun_s is not None)
    bench.pass_time(9)
    await half.send(b"ion")
    bench.pass_time(2)
    assert await half.read_to_end() == b""
    half.close()


@pytest.mark.parametrize(
    ("head", "status", "text"),
    [
        ("GET / HTTP/1.1\nHost: h\n\n", 400, "[http]"),
        ("POST /api HTTP/1.1\nContent-Length: 3\n\n", 400, "[http]"),
        ("GET / HTTP/9\n\n", 400, "HTTP/1.0 or HTTP/1.1"),
        (f"GET /{'a' * 3000} HTTP/1.0\n\n", 414, "at most 2048"),
        ("GET / HTTP/1.0\nx-sessioncookie: a\nOrigin: http://e.example\nHost: h\n\n", 403, "host"),
        ("POST / HTTP/1.1\nx-sessioncookie: a\nTransfer-Encoding: chunked\n\n", 400, "Transfer"),
        ("GET / HTTP/1.1\nUpgrade: websocket\nConnection: Upgrade\n\n", 400, "13"),
    ],
)  # fmt: skip
async def test_other_http_is_told_in_a_sentence(
    start: StartServer, head: str, status: int, text: str
) -> None:
    bench = await start()
    sock = await HttpSocket(bench).open(head)
    said = (await sock.read_to_end()).decode()
    sock.close()
    first, _, rest = said.partition("\r\n")
    assert first.startswith(f"HTTP/1.0 {status} ")
    body = rest.partition("\r\n\r\n")[2]
    assert text in body
    assert body.count("\n") == 1
    assert "Server: neolink/" in rest
    assert "Traceback" not in said
    assert bench.server.refused["tunnel"] == 1


async def test_a_tunnel_inside_a_tunnel_is_refused(start: StartServer, way: str) -> None:
    bench = await start()
    client = await join(bench, way)
    await client.send(b"GET / HTTP/1.0\r\nx-sessioncookie: again\r\n\r\n")
    await until(lambda: not connections(bench))
    assert len(bench.server.context.tunnels.pairing) == 0


@pytest.mark.parametrize("head", ["GET / HTTP/1.0\nx-sessioncookie: a\n\n", "GET / HTTP/1.1\n\n"])
async def test_tunnels_can_be_switched_off(start: StartServer, head: str) -> None:
    bench = await start(is_tunnel_enabled=False)
    sock = await HttpSocket(bench).open(head)
    said = (await sock.read_to_end()).decode()
    sock.close()
    assert said.startswith("HTTP/1.0 400 ")
    assert "[rtsp] tunnel" in said


# ---------------------------------------------------------------- WebSocket
async def test_a_client_of_another_hand_understands_us(start: StartServer) -> None:
    bench = await start()
    url = f"http://127.0.0.1:{bench.server.port}/"
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url, protocols=["rtsp.onvif.org"], max_msg_size=0) as socket,
    ):
        assert socket.protocol == "rtsp.onvif.org"
        client = RequestBuilder(bench.url())
        reader = RtspReader(role="client")

        async def ask(method: str, path: str = "", *headers: tuple[str, str]) -> Response:
            await socket.send_bytes(client.build(method, bench.url() + path, headers).serialize())
            while True:
                for message in reader.feed(await socket.receive_bytes()):
                    if isinstance(message, Response):
                        client.learn(message)
                        return message

        assert (await ask("DESCRIBE")).status == 200
        assert (await ask("SETUP", "/trackID=0", ("Transport", TCP))).status == 200
        assert (await ask("PLAY")).status == 200
        bench.camera.key_size = bench.camera.size = 100_000
        bench.camera.pictures(30)
        frames = [
            frame
            for _ in range(30)
            for frame in reader.feed(await socket.receive_bytes())
            if isinstance(frame, InterleavedFrame)
        ]
        assert sum(len(frame.payload) for frame in frames) > 2_000_000
        await socket.ping(b"there?")
        assert (await ask("OPTIONS")).status == 200
    await until(lambda: not connections(bench))


async def test_one_picture_is_one_frame(start: StartServer) -> None:
    bench = await start()
    client = await websocket_player(bench)
    await client.watch(0)
    await client.until(lambda: len(client.tracks[0].video_units()) >= 5)
    before = len(client.framed.frames)
    bench.camera.pictures(10)
    await client.until(lambda: len(client.tracks[0].video_units()) >= 15)
    assert len(client.framed.frames) - before == 10


async def test_the_last_ping_is_answered_also_while_pictures_flow(start: StartServer) -> None:
    bench = await start()
    client = await websocket_player(bench)
    await client.http.send(client_frame(9, b"first") + client_frame(9, b"last"))
    await client.until(lambda: bool(client.framed.control))
    assert client.framed.control == [(10, b"last")]
    await client.watch(0)
    for number in range(20):
        bench.camera.pictures(1)
        await client.http.send(client_frame(9, b"%d" % number))
    bench.camera.pictures(1)
    await client.until(lambda: (10, b"19") in client.framed.control)
    assert client.tracks[0].gaps == 0


async def test_goodbye_is_answered_and_ends_it(start: StartServer) -> None:
    bench = await start()
    client = await websocket_player(bench)
    await client.watch(0)
    await client.http.send(client_frame(8, b"\x03\xe8"))
    await client.until_closed()
    assert client.framed.control == [(8, b"\x03\xe8")]
    await until(lambda: not list(bench.server.players()))


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"\x82\x03abc", 1002),
        (client_frame(1, b"text"), 1003),
        (b"\x82\xff" + (1 << 40).to_bytes(8) + b"mask", 1009),
    ],
)
async def test_frames_that_break_the_rules_end_it_with_a_code(
    start: StartServer, frame: bytes, code: int
) -> None:
    bench = await start()
    client = await websocket_player(bench)
    await client.watch(0)
    await client.http.send(frame)
    await client.until_closed()
    assert client.framed.control == [(8, code.to_bytes(2))]
    await until(lambda: not connections(bench))


async def test_the_server_says_goodbye_when_it_ends(start: StartServer) -> None:
    bench = await start()
    client: WebSocketClient = await websocket_player(bench)
    await client.watch(0)
    (player,) = bench.server.players()
    bench.server.kick(player.number)
    await client.until_closed()
    assert client.framed.control == [(8, (1001).to_bytes(2))]


# ---------------------------------------------------------------- all at once
HALVES = ("GET / HTTP/1.0\nx-sessioncookie: {0}\n\n", "POST / HTTP/1.0\nx-sessioncookie: {0}\n\n")


VISITS = st.tuples(
    st.sampled_from([*HALVES, "GET /{0}"]), st.integers(0, 2), st.binary(max_size=80)
)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(VISITS, max_size=12))
def test_whatever_comes_by_http_leaves_a_healthy_player_alone(
    visits: list[tuple[str, int, bytes]],
) -> None:
    async def scenario() -> None:
        bench = await start_bench()
        healthy = await tunnel_player(bench)
        await healthy.watch(0)
        sockets: list[HttpSocket] = []
        for head, cookie, body in visits:
            sockets.append(await HttpSocket(bench).open(head.format(cookie), body))
            bench.camera.pictures(1)
        await healthy.until(lambda: len(healthy.tracks[0].timestamps) >= len(visits))
        for sock in sockets:
            sock.close()

        def is_over() -> bool:
            bench.pass_time(0.05)  # a POST that waits for its GET is not looked at
            return connections(bench) == 2

        await until(is_over)
        assert (await healthy.get_parameter()).status == 200
        assert healthy.tracks[0].gaps == 0
        assert len(bench.server.context.tunnels.pairing) == 1
        await stop_bench(bench)

    asyncio.run(scenario())
