"""WebSocket frames and the key of the handshake (RFC 6455), from the server's end. Pure.

A client's frames are masked, ours are not, so that many peers can be given the same bytes. Heads of
HTTP, sockets, and what is said in the frames live elsewhere.

Hot path: :func:`frame_header` runs once per unit and viewer. What clients send is little.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from neolink.errors import RemoteProtocolError

__all__ = [
    "CloseCode",
    "Data",
    "Event",
    "FrameReader",
    "Goodbye",
    "Opcode",
    "Ping",
    "WebSocketError",
    "accept_key",
    "close_frame",
    "frame_header",
    "pong_frame",
]

_FIN: Final = 0x80
_RESERVED: Final = 0x70
_MASKED: Final = 0x80
_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_KEY_LENGTH: Final = 16
_LONGEST_7_BIT: Final = 125
_LONGEST_16_BIT: Final = 0xFFFF
_LONGEST_HEADER: Final = 14


class Opcode(IntEnum):
    """What a frame is (section 5.2)."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


class CloseCode(IntEnum):
    """Why a connection ends (section 7.4.1)."""

    NORMAL = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    UNSUPPORTED_DATA = 1003
    TOO_BIG = 1009


class WebSocketError(RemoteProtocolError):
    """The peer's bytes cannot be followed any more. ``code`` belongs into the last frame."""

    def __init__(self, code: CloseCode, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Data:
    """Bytes of binary messages, as they come: where messages begin and end is not told."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class Ping:
    """The peer wants this back as a pong."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class Goodbye:
    """The peer says that nothing more comes."""


Event = Data | Ping | Goodbye


def accept_key(key: str) -> str | None:
    """Return ``Sec-WebSocket-Accept`` for a client's key (section 4.2.2); None for a bad key."""
    try:
        is_good = len(base64.b64decode(key, validate=True)) == _KEY_LENGTH
    except (binascii.Error, ValueError):
        return None
    if not is_good:
        return None
    return base64.b64encode(hashlib.sha1(key.encode() + _GUID).digest()).decode()  # noqa: S324 - the RFC's


def frame_header(opcode: Opcode, length: int) -> bytes:
    """Return what stands before the ``length`` bytes of a whole message to a client."""
    if length <= _LONGEST_7_BIT:
        return bytes((_FIN | opcode, length))
    if length <= _LONGEST_16_BIT:
        return bytes((_FIN | opcode, 126)) + length.to_bytes(2)
    return bytes((_FIN | opcode, 127)) + length.to_bytes(8)


def pong_frame(payload: bytes) -> bytes:
    """Return the answer to a ping."""
    return frame_header(Opcode.PONG, len(payload)) + payload


def close_frame(code: CloseCode) -> bytes:
    """Return the last frame of a connection."""
    return frame_header(Opcode.CLOSE, 2) + code.to_bytes(2)


class FrameReader:
    """Cuts a client's bytes into frames; keeps at most one header or control frame.

    ``max_message`` bounds a message, in one frame or in fragments. Data is passed on as it comes,
    so a message is never held. After :class:`Goodbye` the rest is passed over.
    """

    def __init__(self, max_message: int) -> None:
        self._max_message = max_message
        self._buffer = bytearray()
        self._opcode = Opcode.CONTINUATION
        """Of the data frame whose bytes come next."""
        self._mask = b""
        self._left = 0
        """Bytes of that frame that are still to come."""
        self._message_size: int | None = None
        """Of a message that goes on in another frame; None between messages."""
        self._is_over = False

    def feed(self, data: bytes) -> list[Event]:
        """Take bytes from the peer; return what they say. Raises WebSocketError."""
        self._buffer += data
        return list(self._events())

    def _events(self) -> Iterator[Event]:
        while self._buffer and not self._is_over:
            if self._left:
                yield Data(self._take_data())
            elif (frame := self._begin_frame()) is None:
                return
            elif isinstance(frame, Ping | Goodbye):
                yield frame
        if self._is_over:
            self._buffer.clear()

    def _take_data(self) -> bytes:
        taken = bytes(self._buffer[: self._left])
        del self._buffer[: len(taken)]
        self._left -= len(taken)
        clear = _unmask(taken, self._mask)
        turn = len(taken) % len(self._mask)
        self._mask = self._mask[turn:] + self._mask[:turn]
        return clear

    def _begin_frame(self) -> Event | bool | None:
        """Read a header, and a control frame whole; None when bytes are missing."""
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        opcode, is_final = _opcode(buffer[0]), bool(buffer[0] & _FIN)
        if not buffer[1] & _MASKED:
            raise WebSocketError(CloseCode.PROTOCOL_ERROR, "a WebSocket frame is not masked")
        short = buffer[1] & ~_MASKED
        width = {126: 2, 127: 8}.get(short, 0)
        begin = 2 + width + 4
        if len(buffer) < begin:
            return None
        length = int.from_bytes(buffer[2 : 2 + width]) if width else short
        mask = bytes(buffer[begin - 4 : begin])
        if opcode >= Opcode.CLOSE:
            return self._control(opcode, mask, begin, length, is_final=is_final)
        self._begin_data(opcode, length, is_final=is_final)
        del buffer[:begin]
        self._mask, self._left = mask, length
        return True

    def _control(
        self, opcode: Opcode, mask: bytes, begin: int, length: int, *, is_final: bool
    ) -> Event | bool | None:
        if length > _LONGEST_7_BIT or not is_final:
            raise WebSocketError(
                CloseCode.PROTOCOL_ERROR, "a WebSocket control frame is long or fragmented"
            )
        if len(self._buffer) < begin + length:
            return None
        payload = _unmask(bytes(self._buffer[begin : begin + length]), mask)
        del self._buffer[: begin + length]
        if opcode is Opcode.CLOSE:
            self._is_over = True
            return Goodbye()
        return Ping(payload) if opcode is Opcode.PING else True

    def _begin_data(self, opcode: Opcode, length: int, *, is_final: bool) -> None:
        if opcode is Opcode.TEXT:
            raise WebSocketError(CloseCode.UNSUPPORTED_DATA, "WebSocket text where bytes belong")
        is_continued = opcode is Opcode.CONTINUATION
        if is_continued != (self._message_size is not None):
            raise WebSocketError(CloseCode.PROTOCOL_ERROR, "WebSocket fragments out of order")
        size = (self._message_size or 0) + length
        if size > self._max_message:
            text = f"a WebSocket message of {size} bytes, at most {self._max_message} are taken"
            raise WebSocketError(CloseCode.TOO_BIG, text)
        self._message_size = None if is_final else size


def _opcode(first: int) -> Opcode:
    if first & _RESERVED:
        raise WebSocketError(
            CloseCode.PROTOCOL_ERROR, "a WebSocket frame with an extension that was not agreed"
        )
    try:
        return Opcode(first & 0x0F)
    except ValueError:
        text = f"WebSocket opcode {first & 0x0F} is unknown"
        raise WebSocketError(CloseCode.PROTOCOL_ERROR, text) from None


def _unmask(data: bytes, mask: bytes) -> bytes:
    """Undo the masking (section 5.3): XOR with four bytes, over and over."""
    size = len(data)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(data) ^ int.from_bytes(key)).to_bytes(size)
