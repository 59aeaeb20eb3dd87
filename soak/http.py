"""A small HTTP client on a raw socket: single requests, and the browser's end of a WebSocket.

RFC 6455 as far as a viewer needs it: pings are answered, what the server sends may be in any number
of pieces of a stream, but every message is one frame.
"""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from soak.wire import ANSWER_S, HOST, Disconnected, Refused, Wire

__all__ = ["Answer", "LiveSocket", "ask", "bearer", "head_of", "live_path", "stream_path"]

MOST_BYTES = 64 << 20
_KEY = "c29hayBzb2FrIHNvYWsgcw=="
_TEXT, _BINARY, _CLOSE, _PING, _PONG = 1, 2, 8, 9, 10


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said."""

    status: int
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode(errors="replace")


def bearer(token: str) -> dict[str, str]:
    """Return the header that proves who asks."""
    return {"Authorization": f"Bearer {token}"} if token else {}


def stream_path(camera: int, kind: str) -> str:
    """Return where the API has a stream."""
    return f"/api/v1/cameras/cam{camera}/streams/{kind}"


def live_path(camera: int, kind: str, *, has_sound: bool) -> str:
    """Return where a stream is shown live."""
    return f"{stream_path(camera, kind)}/live?audio={int(has_sound)}"


def head_of(
    method: str, path: str, headers: Mapping[str, str], *, version: str = "1.0", length: int = 0
) -> bytes:
    """Return a request without its body."""
    fields = {"Host": HOST, **headers}
    if length:
        fields |= {"Content-Type": "application/json", "Content-Length": str(length)}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"{method} {path} HTTP/{version}\r\n{lines}\r\n".encode()


async def ask(
    port: int,
    path: str,
    headers: Mapping[str, str],
    *,
    method: str = "GET",
    body: bytes = b"",
    source: str = HOST,
    timeout_s: float = 2 * ANSWER_S,
) -> Answer:
    """Ask once, on a connection of its own. Raises Disconnected for no answer or half of one."""
    wire = await Wire.connect(port, source=source)
    try:
        async with asyncio.timeout(timeout_s):
            await wire.send(head_of(method, path, headers, length=len(body)) + body)
            return _answer(await _until_end(wire))
    except TimeoutError:
        raise Disconnected(f"no whole answer to {path} within {timeout_s:g} s") from None
    finally:
        wire.close()


async def _until_end(wire: Wire) -> bytes:
    data = bytearray()
    try:
        while len(data) < MOST_BYTES:
            data += await wire.receive_bytes()
    except Disconnected:
        if not data:
            raise
    return bytes(data)


def _answer(data: bytes) -> Answer:
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    words = lines[0].split()
    if len(words) < 2 or not words[0].startswith("HTTP/1.") or not words[1].isdigit():
        raise Disconnected(f"no HTTP: {lines[0][:60]!r}")
    for line in lines[1:]:
        name, _, value = line.partition(":")
        if name.lower() == "content-length" and int(value) != len(body):
            raise Disconnected(f"{len(body)} of {value.strip()} bytes of an answer")
    return Answer(int(words[1]), body)


class LiveSocket(Wire):
    """A viewer's WebSocket."""

    _rest = b""
    close_reason = ""

    @classmethod
    async def open(
        cls, port: int, path: str, headers: Mapping[str, str], *, receive_buffer: int | None = None
    ) -> Self:
        """Connect and upgrade. Raises Refused and Disconnected."""
        live = await cls.connect(port, receive_buffer=receive_buffer)
        try:
            async with asyncio.timeout(ANSWER_S):
                await live.upgrade(path, headers)
        except TimeoutError:
            live.close()
            raise Disconnected(f"no upgrade within {ANSWER_S:g} s") from None
        except BaseException:
            live.close()
            raise
        return live

    async def upgrade(self, path: str, headers: Mapping[str, str]) -> None:
        """Ask for the WebSocket. Raises Refused and Disconnected."""
        wanted = {
            **headers,
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Key": _KEY,
            "Sec-WebSocket-Version": "13",
        }
        await self.send(head_of("GET", path, wanted, version="1.1"))
        data = b""
        while b"\r\n\r\n" not in data:
            data += await self.receive_bytes()
        head, _, self._rest = data.partition(b"\r\n\r\n")
        status = int(head.split(maxsplit=2)[1])
        if status != 101:
            raise Refused("live video", status)

    async def receive(self) -> list[str | bytes]:
        """Return the messages that came next. Raises Disconnected at the end."""
        self._rest += await self.receive_bytes()
        return await self.messages()

    async def messages(self) -> list[str | bytes]:
        """Return the messages that are here already. Raises Disconnected at the end."""
        found: list[str | bytes] = []
        data, position = self._rest, 0
        while (frame := _frame(data, position)) is not None:
            opcode, begin, end = frame
            payload, position = data[begin:end], end
            if opcode == _TEXT:
                found.append(payload.decode())
            elif opcode == _BINARY:
                found.append(payload)
            elif opcode == _PING:
                await self.send(masked(_PONG, payload))
            elif opcode == _CLOSE:
                raise Disconnected(f"closed by the server: {payload[2:].decode(errors='replace')}")
        self._rest = data[position:]
        return found

    async def leave(self) -> bool:
        """Say goodbye as browsers do; tell whether the server closed the connection then."""
        await self.send(masked(_CLOSE, (1000).to_bytes(2)))
        return await self.until_closed(5.0)


def _frame(data: bytes, position: int) -> tuple[int, int, int] | None:
    """Return opcode, begin and end of a payload; None while it is not whole."""
    if len(data) < position + 2:
        return None
    opcode, length = data[position] & 0x0F, data[position + 1]
    begin = position + 2
    if length >= 126:
        width = 2 if length == 126 else 8
        if len(data) < begin + width:
            return None
        length = int.from_bytes(data[begin : begin + width])
        begin += width
    if len(data) < begin + length:
        return None
    return opcode, begin, begin + length


def masked(opcode: int, payload: bytes) -> bytes:
    """Return a client's frame; it has at most 125 bytes."""
    mask = os.urandom(4)
    body = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
    return bytes((0x80 | opcode, 0x80 | len(payload))) + mask + body
