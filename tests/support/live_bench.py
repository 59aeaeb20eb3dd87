"""Live video over HTTP on a free port: one stream to publish on, and viewers that read frames."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from neolink.clock import Clock, SystemClock
from neolink.hub.standin import StandInSettings
from neolink.hub.stream import Stream
from neolink.media.tracks import StreamKind
from neolink.web.settings import HttpSettings
from support.media import Camera
from support.web_bench import HOST, OPEN, FakeView, RunningServer, running_server

__all__ = ["CAMERA", "KIND", "LIVE_PATH", "PATH", "Frames", "LiveBench", "RawViewer", "live_bench"]

CAMERA = "cam1"
KIND = StreamKind.SUB
PATH = f"/api/v1/cameras/{CAMERA}/streams/{KIND}"
LIVE_PATH = f"{PATH}/live"


@dataclass(frozen=True, slots=True)
class LiveBench:
    """A server and the one stream that it serves."""

    run: RunningServer
    stream: Stream
    camera: Camera


@asynccontextmanager
async def live_bench(
    settings: HttpSettings = OPEN,
    *,
    clock: Clock | None = None,
    stand_in: StandInSettings | None = None,
    view: FakeView | None = None,
) -> AsyncIterator[LiveBench]:
    """Run a server for the length of a block; the stream has no grace period."""
    clock = clock or SystemClock()
    stream = Stream(f"{CAMERA}/{KIND}", clock=clock, grace_s=0.0, stand_in=stand_in)
    view = view or FakeView()
    view.streams[CAMERA, KIND] = stream
    try:
        async with running_server(view, settings, clock) as run:
            yield LiveBench(run, stream, Camera(stream))
    finally:
        stream.close()


@dataclass(slots=True)
class Frames:
    """Takes the frames of a server apart (RFC 6455 section 5.2); none may be masked or cut."""

    texts: list[dict[str, Any]] = field(default_factory=list)
    order: list[str | bytes] = field(default_factory=list)
    """What came: the type of a text, or the bytes of a binary message."""
    pings: int = 0
    _data: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes) -> None:
        """Take bytes from the socket."""
        self._data += data
        while (frame := self._next()) is not None:
            self._note(*frame)

    @property
    def media(self) -> list[bytes]:
        """All binary messages."""
        return [one for one in self.order if isinstance(one, bytes)]

    def _note(self, first: int, body: bytes) -> None:
        assert first & 0x80, "a message in pieces"
        match first & 0x7F:
            case 1:
                self.texts.append(json.loads(body))
                self.order.append(self.texts[-1]["type"])
            case 2:
                self.order.append(body)
            case 9:
                self.pings += 1
            case 8:
                self.order.append("close")
            case opcode:
                raise AssertionError(f"opcode {opcode}")

    def _next(self) -> tuple[int, bytes] | None:
        data = self._data
        if len(data) < 2:
            return None
        length, begin = data[1], 2
        assert length < 0x80, "a server does not mask"
        extra = {126: 2, 127: 8}.get(length, 0)
        if extra:
            length, begin = int.from_bytes(data[2 : 2 + extra]), 2 + extra
        if len(data) < begin + length:
            return None
        first, body = data[0], bytes(data[begin : begin + length])
        del data[: begin + length]
        return first, body


class RawViewer:
    """A viewer that reads only when it is told to, with a small buffer in its kernel."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.frames = Frames()
        self.is_over = False

    @classmethod
    async def connect(cls, bench: LiveBench, query: str = "") -> "RawViewer":
        """Connect and upgrade; nothing beyond the answer's head is read."""
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.setblocking(False)
        loop, port = asyncio.get_running_loop(), bench.run.server.port
        await loop.sock_connect(sock, (HOST, port))
        request = (
            f"GET {LIVE_PATH}{query} HTTP/1.1\r\nHost: {HOST}:{port}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        await loop.sock_sendall(sock, request.encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += await loop.sock_recv(sock, 1)
        assert head.startswith(b"HTTP/1.1 101 ")
        return cls(sock)

    async def read(self) -> bool:
        """Read what comes next; False: the server has closed."""
        try:
            data = await asyncio.get_running_loop().sock_recv(self.sock, 1 << 16)
        except ConnectionResetError:
            data = b""
        self.frames.feed(data)
        self.is_over = not data
        return bool(data)

    def close(self) -> None:
        """Go, without a word."""
        self.sock.close()
