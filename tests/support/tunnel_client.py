"""The strict player of ``rtsp_client``, inside HTTP: by GET and POST, or by WebSocket."""

import asyncio
import re
import socket
import ssl
from base64 import b64encode
from itertools import count
from typing import Any, Protocol

from neolink.rtsp.message import Message
from neolink.rtsp.reader import RtspReader
from support.rtsp_bench import Bench
from support.rtsp_client import WAIT_S, RtspClient
from support.tls import TlsPipe

__all__ = [
    "HttpSocket",
    "Served",
    "TunnelClient",
    "WebSocketClient",
    "client_frame",
    "tunnel_player",
    "websocket_player",
]

_COOKIES = count(1)
MASK = b"\x37\xfa\x21\x3d"


class _Port(Protocol):
    @property
    def port(self) -> int: ...


class Served(Protocol):
    """What a player here needs of a :class:`Bench`: where it listens."""

    @property
    def server(self) -> _Port: ...


class HttpSocket:
    """A connection that speaks HTTP as the test says."""

    def __init__(
        self, bench: Served, local_host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
    ) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.sock.setblocking(False)
        self.sock.bind((local_host, 0))
        self.pipe = TlsPipe(self.sock, tls, "127.0.0.1") if tls else None
        self._address = ("127.0.0.1", bench.server.port)
        self._loop = asyncio.get_running_loop()

    async def open(self, head: str, body: bytes = b"") -> "HttpSocket":
        """Connect and send a head; its lines end as HTTP wants it."""
        async with asyncio.timeout(WAIT_S):
            await self._loop.sock_connect(self.sock, self._address)
            if self.pipe is not None:
                await self.pipe.open()
            await self.send(head.replace("\n", "\r\n").encode() + body)
        return self

    async def send(self, data: bytes) -> None:
        if self.pipe is not None:
            await self.pipe.send(data)
        else:
            await self._loop.sock_sendall(self.sock, data)

    async def read_head(self) -> str:
        """Return the head of the answer, no byte more."""
        head = b""
        async with asyncio.timeout(WAIT_S):
            while not head.endswith(b"\r\n\r\n"):
                byte = await (self.pipe.receive() if self.pipe else self._one_byte())
                if not byte:
                    break
                head += byte
        return head.decode()

    async def read_to_end(self) -> bytes:
        """Return all that comes until the server closes."""
        data = b""
        async with asyncio.timeout(WAIT_S):
            try:
                while piece := await self._loop.sock_recv(self.sock, 65536):
                    data += piece
            except ConnectionError:
                pass
        return data

    def close(self) -> None:
        self.sock.close()

    async def _one_byte(self) -> bytes:
        return await self._loop.sock_recv(self.sock, 1)


class TunnelClient(RtspClient):
    """A player by GET and POST. ``cookie`` is its own unless one is given."""

    def __init__(self, url: str, *, bench: Served, cookie: str = "", **options: Any) -> None:
        super().__init__(url, **options)
        self.cookie = cookie or f"cookie{next(_COOKIES)}"
        self.get = HttpSocket(bench, self._local_host or "127.0.0.1", self._tls)
        self.post: HttpSocket | None = None
        self._bench = bench

    async def connect(self) -> None:
        await self.open_get()
        await self.open_post()

    async def open_get(self) -> None:
        path = re.sub(r"^rtsps?://[^/]*", "", self.url)
        await self.get.open(f"GET {path} HTTP/1.0\nx-sessioncookie: {self.cookie}\n\n")
        head = await self.get.read_head()
        assert head.startswith("HTTP/1.0 200 OK\r\n"), head
        self._sock, self._pipe = self.get.sock, self.get.pipe
        self._receiving = asyncio.create_task(self._receive(self._sock), name="test tunnel client")

    async def open_post(self) -> None:
        """Open the POST, or another one in place of it."""
        post = HttpSocket(self._bench, self._local_host or "127.0.0.1", self._tls)
        before, self.post = self.post, post
        if before is not None:
            before.close()
        await post.open(
            f"POST / HTTP/1.0\nx-sessioncookie: {self.cookie}\nContent-Length: 32767\n\n"
        )

    async def send(self, data: bytes) -> None:
        assert self.post is not None
        await self.post.send(b64encode(data))

    async def close(self) -> None:
        await super().close()
        self.get.close()
        if self.post is not None:
            self.post.close()


def client_frame(opcode: int, payload: bytes, *, is_final: bool = True) -> bytes:
    """Return a masked frame (RFC 6455 section 5.2)."""
    size = len(payload)
    length = bytes((0x80 | size,)) if size < 126 else bytes((0xFE,)) + size.to_bytes(2)
    masked = bytes(byte ^ MASK[i % 4] for i, byte in enumerate(payload))
    return bytes((opcode | 0x80 * is_final,)) + length + MASK + masked


class _FramedReader(RtspReader):
    """Takes a server's frames off before it reads RTSP."""

    def __init__(self) -> None:
        super().__init__(role="client")
        self._bytes = b""
        self.control: list[tuple[int, bytes]] = []
        """Pongs and goodbyes."""
        self.frames: list[int] = []
        """Sizes of binary frames."""

    def feed(self, data: bytes | bytearray | memoryview) -> list[Message]:
        self._bytes += data
        messages: list[Message] = []
        while (frame := self._take()) is not None:
            opcode, payload = frame
            assert opcode in {0x82, 0x88, 0x8A}, f"a frame that begins with {opcode:#x}"
            if opcode == 0x82:
                self.frames.append(len(payload))
                messages += super().feed(payload)
            else:
                self.control.append((opcode & 0x0F, payload))
        return messages

    def _take(self) -> tuple[int, bytes] | None:
        data = self._bytes
        if len(data) < 2:
            return None
        assert data[1] < 0x80, "a server must not mask"
        width = {126: 2, 127: 8}.get(data[1], 0)
        begin = 2 + width
        size = int.from_bytes(data[2:begin]) if width else data[1]
        if len(data) < begin + size:
            return None
        self._bytes = data[begin + size :]
        return data[0], data[begin : begin + size]


class WebSocketClient(RtspClient):
    """A player by WebSocket. What it sends is cut into frames that respect no message."""

    def __init__(self, url: str, *, bench: Served, **options: Any) -> None:
        super().__init__(url, **options)
        self.http = HttpSocket(bench, tls=self._tls)
        if self._receive_buffer is not None:
            self.http.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._receive_buffer)
        self.framed = _FramedReader()
        self._reader = self.framed

    async def connect(self) -> None:
        await self.http.open(
            "GET / HTTP/1.1\nHost: h\nUpgrade: websocket\nConnection: keep-alive, Upgrade\n"
            "Sec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n"
            "Sec-WebSocket-Protocol: rtsp.onvif.org\n\n"
        )
        head = await self.http.read_head()
        assert head.startswith("HTTP/1.1 101 "), head
        assert "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head
        self._sock, self._pipe = self.http.sock, self.http.pipe
        self._receiving = asyncio.create_task(self._receive(self._sock), name="test ws client")

    async def send(self, data: bytes) -> None:
        half = len(data) // 2
        first, rest = client_frame(2, data[:half], is_final=False), client_frame(0, data[half:])
        await self.http.send(first + rest)

    async def close(self) -> None:
        await super().close()
        self.http.close()


async def tunnel_player(bench: Bench, path: str = "porch", **options: Any) -> TunnelClient:
    """Return a connected player by GET and POST, closed when the test ends."""
    client = TunnelClient(bench.url(path), bench=bench, **options)
    bench.clients.append(client)
    await client.connect()
    return client


async def websocket_player(bench: Bench, path: str = "porch", **options: Any) -> WebSocketClient:
    """Return a connected player by WebSocket, closed when the test ends."""
    client = WebSocketClient(bench.url(path), bench=bench, **options)
    bench.clients.append(client)
    await client.connect()
    return client
