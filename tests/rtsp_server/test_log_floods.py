"""What any stranger can bring about again and again is told once, then summed; players in full."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest

from neolink.rtsp.message import Method
from neolink.rtsp_server.requests import methods
from support.rtsp_bench import TCP, Bench, StartServer
from support.rtsp_client import RtspClient
from support.waiting import until

TIMES = 20
BAD = b"BOGUS WITHOUT A VERSION\r\n\r\n"
TLS_HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"


@pytest.fixture(autouse=True)
def _all_levels(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "neolink")


def told(caplog: pytest.LogCaptureFixture, words: str) -> list[str]:
    return [one.getMessage() for one in caplog.records if words in one.getMessage()]


def pass_quietly(bench: Bench) -> None:
    """Let half a minute pass in which nothing of it happens again."""
    for _ in range(4):
        bench.pass_time(10.0)


async def again_and_again(bench: Bench, act: Callable[[RtspClient], Any]) -> None:
    """Come, act, and go, many times from one address."""
    for _ in range(TIMES):
        client = await bench.client()
        await act(client)
        await client.close()
        await until(lambda: not bench.server.door.connections)


async def say(bench: Bench, data: bytes) -> None:
    """Send bytes on a connection of their own, and wait for its end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", bench.server.port)
    writer.write(data)
    await reader.read()
    writer.close()
    await writer.wait_closed()
    await until(lambda: not bench.server.door.connections)


async def test_malformed_requests_of_one_host_are_told_once_and_then_summed(
    start: StartServer, caplog: pytest.LogCaptureFixture
) -> None:
    bench = await start()
    for number in range(TIMES):
        await say(bench, BAD[: 10 + number % 3] + b"\r\n\r\n")
    (first,) = told(caplog, "400 Bad Request")
    assert first.startswith("127.0.0.1:"), "who it was"
    pass_quietly(bench)
    (_, summary) = told(caplog, "400 Bad Request")
    assert summary.endswith(f"({TIMES - 1} like this held back, the last 30 s ago)")


async def test_other_kinds_of_malformed_requests_are_told_by_themselves(
    start: StartServer, caplog: pytest.LogCaptureFixture
) -> None:
    bench = await start()
    for sent in (BAD, TLS_HELLO, BAD, TLS_HELLO):
        await say(bench, sent)
    assert len(told(caplog, "127.0.0.1:")) == 2
    assert len(told(caplog, "TLS")) == 1


async def test_silent_connections_of_one_host_are_told_once_and_then_summed(
    start: StartServer, caplog: pytest.LogCaptureFixture
) -> None:
    bench = await start()
    for _ in range(TIMES):
        await bench.client()
    await until(lambda: len(bench.server.door.connections) == TIMES)
    bench.pass_time(10.0)
    await until(lambda: not bench.server.door.connections)
    (first,) = told(caplog, "closed: no request within 10 s")
    pass_quietly(bench)
    (_, summary) = told(caplog, "closed: no request within 10 s")
    assert f"({TIMES - 1} like this held back" in summary
    assert "held back" not in first


async def test_sessions_that_never_play_are_told_once_and_then_summed(
    start: StartServer, caplog: pytest.LogCaptureFixture
) -> None:
    bench = await start()

    async def act(client: RtspClient) -> None:
        assert (await client.setup(0, TCP)).status == 200
        if act_number.pop():
            assert (await client.teardown()).status == 200

    act_number = [True, False] * (TIMES // 2)
    await again_and_again(bench, act)
    (first,) = told(caplog, "left")
    assert first == "left without playing"
    pass_quietly(bench)
    assert len(told(caplog, "left")) == 2


async def test_each_player_is_told_however_often_it_comes_back(
    start: StartServer, caplog: pytest.LogCaptureFixture
) -> None:
    bench = await start()

    async def act(client: RtspClient) -> None:
        await client.watch()

    await again_and_again(bench, act)
    assert caplog.messages == ["playing", "left"] * TIMES


async def test_who_pauses_and_plays_all_the_time_is_told_once_and_then_summed(
    start: StartServer, caplog: pytest.LogCaptureFixture
) -> None:
    bench = await start()
    client = await bench.player()
    for _ in range(TIMES):
        assert (await client.pause()).status == 200
        assert (await client.play()).status == 200
    assert caplog.messages == ["playing", "playing on"]


@pytest.mark.parametrize("has_played", [False, True])
async def test_why_a_connection_was_closed_names_the_stream_it_was_about(
    start: StartServer, caplog: pytest.LogCaptureFixture, has_played: bool
) -> None:
    bench = await start()
    client = await bench.client()
    await client.describe()
    assert (await client.setup(0)).status == 200
    if has_played:
        await client.play()
    (connection,) = bench.server.door.connections
    connection.end("took no byte for 10 s")
    await client.until_closed()
    await until(lambda: not bench.server.door.connections)
    (record,) = (one for one in caplog.records if "took no byte" in one.getMessage())
    assert (vars(record)["camera"], vars(record)["stream"]) == ("porch", "mainStream")
    assert record.getMessage().startswith("127.0.0.1:")


async def test_each_player_that_stalls_is_told(
    start: StartServer, caplog: pytest.LogCaptureFixture
) -> None:
    bench = await start()
    players = [await bench.player() for _ in range(3)]
    for connection in bench.server.door.connections:
        connection.end("took no byte for 10 s")
    await asyncio.gather(*(player.until_closed() for player in players))
    assert len(told(caplog, "took no byte")) == 3


async def test_a_fault_of_ours_that_is_provoked_again_and_again_is_traced_once(
    start: StartServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> Any:
        raise ZeroDivisionError("a mistake")

    bench = await start()
    monkeypatch.setattr(methods, "_METHODS", {**methods._METHODS, Method.OPTIONS: fail})
    client = await bench.client()
    for _ in range(TIMES):
        assert (await client.options()).status == 500
    (record,) = (one for one in caplog.records if one.exc_info)
    assert record.getMessage().endswith(": OPTIONS failed")
    assert (await client.describe()).status == 200
