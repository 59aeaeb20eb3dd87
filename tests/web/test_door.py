"""Who may connect, how long one may be silent, and how much one may send."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import ip_network
from typing import Final

import pytest

from neolink.clock import ManualClock
from neolink.web.door import MOST_ASKED
from neolink.web.settings import HttpLimits, HttpSettings
from support.waiting import until
from support.web_bench import BEARER, HOST, LOGIN, OPEN, RunningServer, running_server, say

HEALTHZ: Final = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
ADMITTED: Final = (
    f"GET /api/v1/session HTTP/1.1\r\nHost: x\r\nAuthorization: {BEARER['Authorization']}\r\n\r\n"
).encode()


def limited(settings: HttpSettings = LOGIN, **limits: float) -> HttpSettings:
    return replace(settings, limits=HttpLimits(**limits))  # type: ignore[arg-type]


@asynccontextmanager
async def connections(
    bridge: RunningServer, count: int, say_first: bytes = b""
) -> AsyncIterator[list[asyncio.StreamReader]]:
    """Hold connections open, each with one request answered."""
    pairs = []
    for _ in range(count):
        reader, writer = await asyncio.open_connection(HOST, bridge.server.port)
        pairs.append((reader, writer))
        if say_first:
            writer.write(say_first)
            await reader.readuntil(b"\r\n\r\n")
    try:
        await until(lambda: bridge.server.connections == count)
        yield [reader for reader, _ in pairs]
    finally:
        for _, writer in pairs:
            writer.transport.abort()


async def closed(reader: asyncio.StreamReader) -> None:
    """Wait until the server closes a connection."""
    async with asyncio.timeout(3):
        try:
            while await reader.read(65536):
                pass
        except ConnectionError:
            pass


# ---------------------------------------------------------------- how many
async def test_more_connections_of_one_address_than_allowed_are_refused_in_words() -> None:
    async with running_server(settings=limited(max_connections_per_ip=2)) as bridge:
        async with connections(bridge, 2):
            answer = (await say(bridge.server.port, HEALTHZ)).decode()
            assert answer.startswith("HTTP/1.1 503 ")
            assert "Retry-After: 5\r\n" in answer
            assert "Content-Security-Policy: default-src 'none'" in answer
            assert '"too many connections: try again in a few seconds"' in answer
            assert bridge.server.refused == {"http_max_connections_per_ip": 1}
        await until(lambda: bridge.server.connections == 0)
        assert await bridge.status("/healthz") == 200


async def test_a_proxy_may_have_more_connections_than_one_address() -> None:
    settings = limited(max_connections_per_ip=2)
    settings = replace(settings, proxies=(ip_network("127.0.0.1"),))
    async with running_server(settings=settings) as bridge, connections(bridge, 4):
        assert await bridge.status("/healthz") == 200


async def test_who_is_not_logged_in_makes_room_for_who_comes() -> None:
    clock = ManualClock()
    settings = limited(max_connections=2)
    async with (
        running_server(settings=settings, clock=clock) as bridge,
        connections(bridge, 2) as (oldest, _),
    ):
        clock.advance(2)
        assert await bridge.status("/healthz") == 200
        await closed(oldest)
        assert bridge.server.refused == {}


async def test_who_just_came_is_given_time_before_making_room() -> None:
    clock = ManualClock()
    async with (
        running_server(settings=limited(max_connections=2), clock=clock) as bridge,
        connections(bridge, 2),
    ):
        clock.advance(1.9)
        answer = await say(bridge.server.port, HEALTHZ)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert bridge.server.refused == {"http_max_connections": 1}


async def test_who_is_logged_in_keeps_the_place() -> None:
    clock = ManualClock()
    settings = limited(max_connections=3)
    async with (
        running_server(settings=settings, clock=clock) as bridge,
        connections(bridge, 3, say_first=ADMITTED),
    ):
        clock.advance(2)
        assert (await say(bridge.server.port, HEALTHZ)).startswith(b"HTTP/1.1 503 ")
        assert bridge.server.connections == 3


# ---------------------------------------------------------------- how long
@pytest.mark.parametrize("begun", [b"", b"GET / HT", HEALTHZ[:-2] + b"X: "], ids=len)
async def test_a_connection_without_a_complete_request_is_closed(begun: bytes, quick: None) -> None:
    clock = ManualClock()
    async with running_server(settings=LOGIN, clock=clock) as bridge:
        reader, writer = await asyncio.open_connection(HOST, bridge.server.port)
        writer.write(begun)
        await until(lambda: bridge.server.connections == 1)
        clock.advance(15)
        assert await bridge.status("/healthz") == 200
        assert bridge.server.connections == 2
        clock.advance(0.1)
        await closed(reader)
        writer.transport.abort()


async def test_a_connection_that_goes_on_asking_is_kept(quick: None) -> None:
    clock = ManualClock()
    async with (
        running_server(settings=LOGIN, clock=clock) as bridge,
        connections(bridge, 1, say_first=HEALTHZ),
    ):
        for _ in range(4):
            clock.advance(10)
            assert await bridge.status("/healthz") == 200


async def test_a_trickle_of_header_bytes_buys_no_time(quick: None) -> None:
    clock = ManualClock()
    async with running_server(settings=LOGIN, clock=clock) as bridge:
        reader, writer = await asyncio.open_connection(HOST, bridge.server.port)
        await until(lambda: bridge.server.connections == 1)
        for byte in b"GET / HTTP/1.1\r\n":
            writer.write(bytes((byte,)))
            clock.advance(1)
        await closed(reader)
        writer.transport.abort()


async def test_a_body_that_never_comes_is_answered_408() -> None:
    settings = limited(body_timeout_s=0.05)
    head = (
        b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Content-Length: 100\r\n\r\n{"
    )
    async with running_server(settings=settings) as bridge:
        answer = await say(bridge.server.port, head)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b'"code":"timeout"' in answer


async def test_an_answer_that_takes_too_long_is_broken_off() -> None:
    settings = limited(OPEN, answer_timeout_s=0.05)
    async with running_server(settings=settings) as bridge:
        forever = asyncio.Event()

        async def never(*_: object) -> bytes:
            await forever.wait()
            return b""

        bridge.view.act(snapshot=never)
        path = b"/api/v1/cameras/cam1/snapshot.jpg"
        assert await say(bridge.server.port, HEALTHZ.replace(b"/healthz", path)) == b""
        assert await bridge.status("/healthz") == 200
        await until(lambda: bridge.server.connections == 1)


# ---------------------------------------------------------------- how much
async def test_a_connection_that_sends_more_than_any_request_needs_is_cut() -> None:
    flood = b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-%d: " + b"y" * 4000 + b"\r\n"
    async with running_server(settings=LOGIN) as bridge:
        reader, writer = await asyncio.open_connection(HOST, bridge.server.port)
        writer.write(flood + (b"X: " + b"y" * 4000 + b"\r\n") * (MOST_ASKED // 4000))
        await closed(reader)
        assert bridge.server.refused == {"http_too_much_sent": 1}
        assert await bridge.status("/healthz") == 200
        writer.transport.abort()


async def test_requests_that_are_answered_do_not_add_up() -> None:
    async with running_server(settings=LOGIN) as bridge:
        reader, writer = await asyncio.open_connection(HOST, bridge.server.port)
        padded = HEALTHZ[:-2] + b"X: " + b"y" * 8000 + b"\r\n\r\n"
        for _ in range(2 * MOST_ASKED // len(padded)):
            writer.write(padded)
            assert b"200 OK" in await reader.readuntil(b"ok\n")
        assert bridge.server.refused == {}
        writer.transport.abort()


async def test_a_body_larger_than_any_login_is_answered_413_and_its_sender_hears_it() -> None:
    head = b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    async with running_server(settings=LOGIN) as bridge:
        body = b"Content-Length: 60000\r\n\r\n" + b"x" * 60_000
        assert b" 413 " in (await say(bridge.server.port, head + body, limit_s=1))[:20]


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 9000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 80 + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\nHost x\n\n",
        b"\x00" * 100,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
    ids=lambda head: head[:30].decode("latin-1"),
)
async def test_what_is_no_request_is_answered_400_without_a_word_in_the_log(
    head: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with running_server(settings=LOGIN) as bridge:
        answer = await say(bridge.server.port, head)
        assert answer.split(b"\r\n")[0].endswith(b" 400 Bad Request")
        assert b'"code":"bad_request"' in answer
        assert bridge.server.refused == {"http_bad_request": 1}
    assert [one for one in caplog.records if one.levelname in ("WARNING", "ERROR")] == []
