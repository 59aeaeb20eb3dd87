"""Wires inside other wires: RTSP in a pair of HTTP requests, and RTSP in a WebSocket.

How they come about is in :mod:`neolink.rtsp_server.wires.tunnel`. Nothing of RTSP is known here.

Hot path: ``send`` runs once per picture and player. In a tunnel it is that of the wire below;
in a WebSocket one frame holds the whole blob, and leaves with its header in one call.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from neolink.errors import RemoteProtocolError
from neolink.rtsp_server.wires.wire import Blob, Peer, SendAgain, Wire
from neolink.websocket import (
    CloseCode,
    Data,
    FrameReader,
    Goodbye,
    Opcode,
    Ping,
    WebSocketError,
    close_frame,
    frame_header,
    pong_frame,
)

__all__ = ["TunnelWire", "WebSocketWire"]

MAX_STRAY_BYTES: Final = 64 * 1024
"""What a player may send on the GET, where nothing belongs."""

MAX_MESSAGE: Final = 1 << 20
"""Bytes of one WebSocket message: requests and sound, many in one if the player likes."""


EMPTY_BYTES_PER_S: Final = 8 * 1024
"""WebSocket frames that hold nothing, as pings, are taken no faster: each costs us some time."""


class _WireAbove:
    """What a wire inside another one leaves to it."""

    def __init__(self, below: Wire) -> None:
        self.peer: Peer = below.peer
        self.is_secure: bool = below.is_secure
        self._below = below

    @property
    def local_host(self) -> str:
        """Our own address, as the peer reached it. Raises OSError when the peer is gone."""
        return self._below.local_host

    async def open(self) -> None:
        """Return: it is ready."""

    def wait_writable(self, callback: Callable[[], None]) -> None:
        """Call back whenever ``send`` is worth another try, until ``stop_waiting``."""
        self._below.wait_writable(callback)

    def stop_waiting(self) -> None:
        """Call back no more."""
        self._below.stop_waiting()

    @property
    def unacknowledged_bytes(self) -> int | None:
        """Bytes that were taken and the peer has not confirmed; None where nothing tells."""
        return self._below.unacknowledged_bytes


class TunnelWire(_WireAbove):
    """Sends on the GET, as it is; receives what the POST brings, decoded.

    ``on_close`` is called when it is closed; ``end`` asks its owner to close it.
    """

    def __init__(self, below: Wire, end: Callable[[str], None]) -> None:
        super().__init__(below)
        self.send: Callable[[Blob], int] = below.send
        self.end = end
        self.on_close: Callable[[], None] = lambda: None
        self._arrived: asyncio.Queue[bytes] = asyncio.Queue(maxsize=1)

    async def deliver(self, data: bytes) -> None:
        """Bring what the POST carried; wait until what came before was taken."""
        if data:
            await self._arrived.put(data)

    async def receive(self) -> bytes:
        """Wait for bytes and return them; empty when the player has closed the GET.

        Raises RemoteProtocolError when it talks on the GET, and OSError when that broke.
        """
        arriving = asyncio.ensure_future(self._arrived.get())
        ending = asyncio.ensure_future(self._drop_strays())
        try:
            await asyncio.wait((arriving, ending), return_when=asyncio.FIRST_COMPLETED)
            if arriving.done():
                return arriving.result()
            ending.result()
            return b""
        finally:
            arriving.cancel()
            ending.cancel()
            await asyncio.gather(arriving, ending, return_exceptions=True)

    async def _drop_strays(self) -> None:
        """Return when the player has closed the GET."""
        strays = 0
        while data := await self._below.receive():
            strays += len(data)
            if strays > MAX_STRAY_BYTES:
                raise RemoteProtocolError("sends on the GET of its tunnel, where nothing belongs")
            await asyncio.sleep(0)

    def close(self) -> None:
        """End it at once, and the tunnel with it."""
        self._below.close()
        self.on_close()


class WebSocketWire(_WireAbove):
    """Bytes in binary frames. ``begun`` is what the player sent behind its handshake."""

    def __init__(self, below: Wire, begun: bytes) -> None:
        super().__init__(below)
        self._reader = FrameReader(MAX_MESSAGE)
        self._begun = begun
        self._head = b""
        """What must leave before the next byte of a blob."""
        self._pong = b""
        """The newest answer to a ping, while a frame is in the way (RFC 6455 section 5.5.3)."""
        self._left = 0
        """Bytes of a blob that the frame which was begun still needs."""
        self._is_over = False

    async def receive(self) -> bytes:
        """Wait for bytes and return them; empty when the player is gone or says goodbye.

        Raises WebSocketError for what is no frame, and OSError when it broke.
        """
        while not self._is_over:
            data, self._begun = self._begun or await self._below.receive(), b""
            if not data:
                break
            try:
                payload = self._take(data)
            except WebSocketError as error:
                self._say(close_frame(error.code))
                raise
            if payload:
                return payload
            await asyncio.sleep(len(data) / EMPTY_BYTES_PER_S)  # frames without an end
        return b""

    def send(self, blob: Blob, /) -> int:
        """Give bytes away without waiting; return how many were taken.

        Raises SendAgain when none were, because their frame is begun; and another OSError when the
        peer is gone, or has said so.
        """
        if self._is_over:
            raise ConnectionResetError("the WebSocket has ended")
        size = len(blob)
        if not self._left:
            if not size:
                return 0
            self._head += self._pong + frame_header(Opcode.BINARY, size)
            self._pong, self._left = b"", size
        try:
            # A copy of a shared blob: less than what a second call would cost.
            sent = self._below.send(b"".join((self._head, blob)) if self._head else blob)
        except BlockingIOError:
            raise SendAgain from None
        head_size = len(self._head)
        self._head = self._head[sent:]
        if sent <= head_size:
            raise SendAgain
        self._left -= sent - head_size
        return sent - head_size

    def close(self) -> None:
        """Say goodbye, if that can leave at once, and close the wire below."""
        if not self._is_over:
            self._say(close_frame(CloseCode.GOING_AWAY))
        self._below.close()

    def _take(self, data: bytes) -> bytes:
        """Return what frames hold; answer the last ping, and a goodbye."""
        payloads: list[bytes] = []
        for event in self._reader.feed(data):
            match event:
                case Data(payload):
                    payloads.append(payload)
                case Ping(payload):
                    self._pong = pong_frame(payload)
                case Goodbye():
                    self._say(close_frame(CloseCode.NORMAL))
        if self._pong and not self._is_over and not self._left and not self._head:
            self._head, self._pong = self._pong, b""
            self._send_head()
        return b"".join(payloads)

    def _say(self, last: bytes) -> None:
        """Send the last frame, if no other is in the way."""
        self._is_over = True
        if not self._left and not self._head:
            self._head = last
            self._send_head()

    def _send_head(self) -> None:
        """Send a frame of control; what cannot leave now leaves with the next blob."""
        with contextlib.suppress(OSError):
            self._head = self._head[self._below.send(self._head) :]
