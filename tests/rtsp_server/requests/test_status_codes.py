"""What is wrong with a request is answered with its own status, and what ends the connection."""

import asyncio

import pytest

from neolink.hub.demand import DemandState
from neolink.rtsp.message import Request
from neolink.rtsp_server.sessions.lanes import Lanes
from neolink.rtsp_server.sessions.player import Player
from neolink.rtsp_server.settings import Access
from support.media import AAC
from support.rtsp_bench import TCP, StartServer, prepared
from support.waiting import until


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("DESCRIBE", "nowhere", [], 404),
        ("DESCRIBE", "porch/../yard", [], 404),
        ("DESCRIBE", "porch%00", [], 400),
        ("DESCRIBE", "porch", [("Accept", "text/html")], 406),
        ("DESCRIBE", "porch", [("Accept", "text/html, */*")], 200),
        ("DESCRIBE", "porch", [("Require", "www.onvif.org/ver20/backchannel")], 551),
        ("DESCRIBE", "porch", [("Require", "play.basic")], 200),
        ("SETUP", "porch/trackID=0", [], 461),
        ("SETUP", "porch/trackID=0", [("Transport", "RAW/RAW/UDP;unicast")], 461),
        ("SETUP", "porch/trackID=0", [("Transport", "RTP/AVP;multicast")], 461),
        ("SETUP", "porch/trackID=0", [("Transport", "RTP/SAVP/TCP;unicast")], 461),
        ("SETUP", "porch/trackID=0", [("Transport", f"{TCP};interleaved=256-257")], 400),
        ("SETUP", "porch", [("Transport", TCP)], 459),
        ("SETUP", "porch/trackID=7", [("Transport", TCP)], 404),
        ("SETUP", "porch/trackID=x", [("Transport", TCP)], 404),
        ("SETUP", "nowhere/trackID=0", [("Transport", TCP)], 404),
        ("SETUP", "porch/trackID=0", [("Transport", TCP), ("Require", "funny")], 551),
    ],
)
async def test_status_codes(
    start: StartServer, method: str, path: str, headers: list[tuple[str, str]], status: int
) -> None:
    bench = await start(audio=AAC)
    client = await bench.client()
    response = await client.request(method, bench.url(path), *headers)
    assert response.status == status
    if status == 551:
        assert response.headers.get("Unsupported") == headers[-1][1]
    if status != 200:
        assert not bench.server.context.players
    if status != 400:
        assert (await client.options()).status == 200


async def test_a_parameter_that_is_set_is_451(start: StartServer) -> None:
    client = await (await start()).client()
    assert (await client.request("SET_PARAMETER", body=b"x: 1\r\n")).status == 451


async def test_another_path_in_a_session_is_459(start: StartServer) -> None:
    bench = await start("porch", "yard")
    client = await prepared(bench, "ready")
    url = bench.url("yard/trackID=0")
    assert (await client.request("SETUP", url, ("Transport", TCP))).status == 459


async def test_play_of_one_track_of_several_is_460(start: StartServer) -> None:
    client = await (await start(audio=AAC)).client()
    await client.describe()
    await client.setup(0)
    await client.setup(1)
    assert (await client.play(client.track_url(0))).status == 460
    assert (await client.play()).status == 200


async def test_play_of_the_only_track_by_its_url_plays(start: StartServer) -> None:
    client = await prepared(await start(), "ready")
    assert (await client.play(client.track_url(0))).status == 200


async def test_a_camera_that_does_not_come_is_503_with_a_time_to_retry(start: StartServer) -> None:
    bench = await start(grace_s=0.01, described=False, setup_timeout_s=0.02)
    client = await bench.client()
    for method in ("DESCRIBE", "SETUP"):
        response = await client.request(method, bench.url("porch/trackID=0"), ("Transport", TCP))
        assert response.status == 503
        assert response.headers.get("Retry-After") == "3"
    await until(lambda: bench.camera.stream.state is DemandState.IDLE)


async def test_describe_waits_for_a_camera_that_comes(start: StartServer) -> None:
    bench = await start(described=False, setup_timeout_s=3)
    client = await bench.client()
    asking = asyncio.create_task(client.describe())
    await until(lambda: bench.camera.stream.state is DemandState.STARTING)
    bench.camera.pictures(30)
    assert (await asking).status == 200


async def test_limits_of_players_are_453_and_end_nobody(start: StartServer) -> None:
    bench = await start("porch", "yard", max_clients=3, max_clients_of_camera=2)
    for _ in range(2):
        await bench.player("porch")
    third = await bench.client("porch")
    await third.describe()
    assert (await third.setup(0)).status == 453
    await bench.player("yard")
    fourth = await bench.client("yard")
    await fourth.describe()
    assert (await fourth.setup(0)).status == 453
    assert len(bench.server.context.players) == 3


async def test_sessions_of_one_connection_are_limited(start: StartServer) -> None:
    bench = await start(max_sessions_per_connection=2)
    client = await bench.client()
    await client.describe()
    statuses = [(await client.setup(0, TCP, session=None)).status for _ in range(3)]
    assert statuses == [200, 200, 453]


async def test_three_bad_requests_end_the_connection(start: StartServer) -> None:
    bench = await start()
    client = await bench.client()
    url = bench.url("porch%00")
    for _ in range(3):
        assert (await client.request("DESCRIBE", url)).status == 400
    await client.until_closed()


@pytest.mark.parametrize("method", ["DESCRIBE", "SETUP"])
async def test_what_needs_a_camera_is_not_allowed_without_a_path(
    start: StartServer, method: str
) -> None:
    client = await (await start()).client()
    refused = await client.request(method, "*", ("Transport", TCP))
    assert refused.status == 405
    allowed = (refused.headers.get("Allow") or "").split(", ")
    assert method not in allowed
    assert {"OPTIONS", "GET_PARAMETER", "TEARDOWN"} <= set(allowed)


async def test_another_version_is_505_and_the_connection_goes_on(start: StartServer) -> None:
    client = await (await start()).client()
    for version in ("RTSP/2.0", "RTSP/1.1"):
        request = client.build("OPTIONS")
        answer = await client.ask(Request("OPTIONS", "*", version, request.headers))
        assert answer.status == 505
    assert (await client.options()).status == 200


@pytest.mark.parametrize("status", [401, 404, 454, 461])
async def test_what_players_try_again_is_never_the_end(start: StartServer, status: int) -> None:
    users = {"me": "sesame"} if status == 401 else {}
    access = Access(anonymous=not users, users=frozenset(users))
    bench = await start(users=users, access=access, wrong_login_delay_s=0)
    client = await bench.client(user="me", password="wrong sesame")
    for _ in range(20):
        path = "nowhere" if status == 404 else "porch/trackID=0"
        transport = ("Transport", TCP if status != 461 else "RAW/RAW/UDP")
        session = "0123456789abcdef" if status == 454 else None
        request = client.request("SETUP", bench.url(path), transport, session=session)
        assert (await request).status == status
    assert (await client.options()).status == 200


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"OPTIONS * RTSP/1.0\r\n\r\n", 400),
        (b"OPTIONS *\r\nCSeq: 1\r\n\r\n", 400),
        (b"options * RTSP/1.0\r\nCSeq: 1\r\n\r\n", 400),
        (b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nno colon\r\n\r\n", 400),
        (b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 9999999\r\n\r\n", 413),
        (b"OPTIONS /" + b"x" * 3000 + b" RTSP/1.0\r\nCSeq: 1\r\n\r\n", 414),
        (b"OPTIONS * RTSP/1.0\r\n" + b"X: 1\r\n" * 65 + b"CSeq: 1\r\n\r\n", 400),
        (b"OPTIONS * RTSP/1.0\r\nX: " + b"x" * 20_000 + b"\r\nCSeq: 1\r\n\r\n", 400),
        (b"\x01\x02", 400),
        (b"\r\n" * 9, 400),
    ],
)
async def test_bytes_that_lose_the_thread_are_answered_and_end_the_connection(
    start: StartServer, data: bytes, status: int
) -> None:
    client = await (await start()).client()
    is_numbered = data.startswith(b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n")
    answer = client.expect("1" if is_numbered else None)
    await client.send(data)
    assert (await answer).status == status
    await client.until_closed()


async def test_versions_that_are_none_of_ours_end_a_connection_like_other_bad_requests(
    start: StartServer,
) -> None:
    client = await (await start()).client()
    answers = [client.expect(str(number)) for number in range(3)]
    await client.send(b"".join(b"OPTIONS * RTSP/9.9\r\nCSeq: %d\r\n\r\n" % n for n in range(5)))
    assert [(await answer).status for answer in answers] == [505] * 3
    await client.until_closed()


async def test_a_fault_of_ours_ends_the_session_that_it_may_have_left_half_done(
    start: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = await start()
    client, other = await prepared(bench, "ready"), await prepared(bench, "playing")
    monkeypatch.setattr(Player, "plan", lambda *_: 1 / 0)
    assert (await client.play()).status == 500
    monkeypatch.undo()
    assert (await client.play()).status == 454
    assert list(bench.server.context.players) == [other.builder.session]
    monkeypatch.setattr(Lanes, "use_tcp", lambda *_: 1 / 0)
    assert (await client.setup(0, session=None)).status == 500
    assert list(bench.server.context.players) == [other.builder.session]


async def test_our_own_fault_is_500_and_the_connection_goes_on(
    start: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = await start()
    client = await bench.client()
    monkeypatch.setattr(bench.server.context.mounts, "find", lambda _: 1 / 0)
    assert (await client.describe()).status == 500
    monkeypatch.undo()
    assert (await client.describe()).status == 200
