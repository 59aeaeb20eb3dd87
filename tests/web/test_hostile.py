"""Bad clients of every kind at once, while a good one is served without a pause."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Final

import pytest

from neolink.web.settings import HttpLimits
from support.readings import bridge_reading
from support.web_bench import BEARER, HOST, LOGIN, FakeView, running_server

Bad = Callable[[asyncio.StreamReader, asyncio.StreamWriter, random.Random], Awaitable[None]]

GET: Final = b"GET /%s HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\n\r\n"
ALL: Final = GET % (b"metrics", BEARER["Authorization"].encode())


async def garbage(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, chance: random.Random
) -> None:
    """Send bytes that mean nothing."""
    writer.write(chance.randbytes(chance.randrange(1, 5000)))
    await reader.read()


async def drips(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, chance: random.Random
) -> None:
    """Send a request byte by byte and never end it."""
    del chance
    for byte in b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 10_000:
        writer.write(bytes((byte,)))
        await writer.drain()
        await asyncio.sleep(0)
    await reader.read()


async def asks_and_never_reads(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, chance: random.Random
) -> None:
    """Ask for all numbers a hundred times, and take none."""
    del reader, chance
    writer.write(ALL * 100)
    await asyncio.Event().wait()


async def leaves_in_the_middle(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, chance: random.Random
) -> None:
    """Take the beginning of an answer and be gone."""
    path = chance.choice((b"metrics", b"api/v1/events", b"api/v1/cameras"))
    writer.write(GET % (path, BEARER["Authorization"].encode()))
    await reader.read(chance.randrange(1, 3000))
    writer.transport.abort()


async def half_closes(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, chance: random.Random
) -> None:
    """Say that nothing more comes, in the middle of a request or behind it."""
    writer.write(ALL[: chance.randrange(len(ALL) + 1)])
    writer.write_eof()
    await reader.read()


async def promises_a_body(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, chance: random.Random
) -> None:
    """Announce a body in one of many wrong ways."""
    head = b"%s %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n%s\r\n\r\n%s"
    method = chance.choice((b"POST", b"DELETE", b"GET", b"PUT"))
    path = chance.choice((b"/api/v1/session", b"/healthz", b"/nope", b"/api/v1/players/1"))
    size = chance.choice(
        (b"Content-Length: 999999999999", b"Transfer-Encoding: chunked", b"Content-Length: 20")
    )
    body = chance.choice((b"", b"{", b"ffffffffffffffff\r\nx", b"-1\r\n", b"zz\r\n", b"x" * 50_000))
    writer.write(head % (method, path, size, body))
    await reader.read()


async def pipelines(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, chance: random.Random
) -> None:
    """Ask for many things at once, upgrade in between, and go on with nonsense."""
    upgrade = (
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    )
    writer.write(ALL * 20 + upgrade + chance.randbytes(2000))
    await reader.read()


BAD: Final[tuple[Bad, ...]] = (
    garbage,
    drips,
    asks_and_never_reads,
    leaves_in_the_middle,
    half_closes,
    promises_a_body,
    pipelines,
)


async def _be_bad(bad: Bad, port: int, seed: int) -> None:
    """Be one bad client after another, until cancelled."""
    chance = random.Random(seed)
    while True:
        with suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
            reader, writer = await asyncio.open_connection(HOST, port)
            try:
                async with asyncio.timeout(0.5):
                    await bad(reader, writer, chance)
            finally:
                writer.transport.abort()
        await asyncio.sleep(0)


@asynccontextmanager
async def bad_clients(port: int, *kinds: Bad) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(_be_bad(bad, port, seed)) for seed, bad in enumerate(kinds)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        assert all(task.cancelled() for task in tasks), "a bad client found no way to go on"


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.__name__)
async def test_a_good_client_is_served_beside_a_bad_one(
    bad: Bad, caplog: pytest.LogCaptureFixture
) -> None:
    view = FakeView(bridge_reading(cameras=20, players=40))
    settings = replace(LOGIN, limits=HttpLimits(answer_timeout_s=0.3, body_timeout_s=0.3))
    async with (
        running_server(view, settings) as bridge,
        bad_clients(bridge.server.port, bad, bad, bad),
    ):
        for _ in range(40):
            async with asyncio.timeout(5):
                assert await bridge.status("/api/v1/cameras", headers=BEARER) == 200
    assert [one.getMessage() for one in caplog.records if one.levelname == "ERROR"] == []


async def test_all_bad_clients_at_once_leave_nothing_behind(
    caplog: pytest.LogCaptureFixture, quick: None
) -> None:
    settings = replace(LOGIN, limits=HttpLimits(answer_timeout_s=0.3, body_timeout_s=0.3))
    async with running_server(FakeView(bridge_reading(20)), settings) as bridge:
        async with bad_clients(bridge.server.port, *BAD, *BAD):
            for _ in range(30):
                async with asyncio.timeout(5):
                    assert await bridge.status("/healthz") == 200
        assert len(bridge.server.context.events) <= 2
    assert bridge.server.connections == 0
    assert [one.getMessage() for one in caplog.records if one.levelname == "ERROR"] == []
