"""One connection by itself, on a wire that a test plays."""

import asyncio
from collections.abc import Callable

from neolink.rtsp.errors import MessageError
from neolink.rtsp.message import InterleavedFrame, Request
from neolink.rtsp_server.requests.connection import ClientConnection
from support.rtsp_bench import StartServer
from support.waiting import until

FRAMES = 500
AT_A_STRETCH = 10


class EagerWire:
    """A peer whose next packet is always there already, and who takes everything."""

    peer = ("192.0.2.1", 5000)
    local_host = "192.0.2.2"
    is_secure = False
    unacknowledged_bytes = None

    def __init__(self, frames: int = 1) -> None:
        self.left = FRAMES
        self._frames = frames

    async def open(self) -> None:
        """Return: it is ready."""

    async def receive(self) -> bytes:
        self.left -= self._frames
        return InterleavedFrame(1, bytes(100)).serialize() * self._frames if self.left >= 0 else b""

    def send(self, blob: bytes | bytearray | memoryview, /) -> int:
        return len(blob)

    def wait_writable(self, callback: Callable[[], None]) -> None:
        raise AssertionError("it takes everything at once")

    def stop_waiting(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class CountingHandler:
    """Counts packets, and turns of the loop."""

    is_admitted = has_sessions = True
    has_played = False
    stream_name = "porch/main"

    def __init__(self) -> None:
        self.frames = 0

    async def handle(self, request: Request) -> bool:
        raise AssertionError(f"nobody asks: {request}")

    def refuse(self, error: MessageError) -> bool:
        raise AssertionError(f"nothing is wrong: {error}")

    def take_frame(self, channel: int, payload: bytes) -> None:
        del channel, payload
        self.frames += 1

    def close(self) -> None:
        """Do nothing."""


async def test_one_who_sends_all_the_time_does_not_hold_up_the_others(start: StartServer) -> None:
    bench = await start()
    handler = CountingHandler()
    connection = ClientConnection(bench.server.context, EagerWire())
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    await connection.run(handler)
    counting.cancel()
    assert handler.frames == FRAMES
    assert turns >= FRAMES


async def test_of_a_crowd_that_floods_one_has_each_turn(start: StartServer) -> None:
    bench = await start(max_pipelined_requests=AT_A_STRETCH)
    handlers = [CountingHandler() for _ in range(20)]
    most = last = 0

    async def watch() -> None:
        nonlocal most, last
        while True:
            now = sum(handler.frames for handler in handlers)
            most, last = max(most, now - last), now
            await asyncio.sleep(0)

    connections = [ClientConnection(bench.server.context, EagerWire(50)) for _ in handlers]
    running = [
        asyncio.ensure_future(connection.run(handler))
        for connection, handler in zip(connections, handlers, strict=True)
    ]
    await until(lambda: all(handler.frames for handler in handlers))  # each has its first turn
    watching = asyncio.create_task(watch())
    last = sum(handler.frames for handler in handlers)
    await asyncio.gather(*running)
    watching.cancel()
    assert {handler.frames for handler in handlers} == {FRAMES}
    assert most <= 2 * AT_A_STRETCH
