"""One RTSP connection: its socket, its requests in order, its end. No method is handled here."""

import asyncio
import logging
import socket
from typing import Any, Protocol

from neolink.errors import NeolinkError
from neolink.rtsp.errors import MessageError
from neolink.rtsp.message import InterleavedFrame, Message, Request
from neolink.rtsp.reader import RtspReader
from neolink.rtsp_server.context import Context
from neolink.rtsp_server.outbox import PEER_GONE, Outbox

__all__ = ["ClientConnection", "RequestHandler"]

_LOG = logging.getLogger(__name__)

RECEIVE_BYTES = 64 * 1024
IDLE_TIMEOUT_S = 60.0
"""How long a connection without any session may stay silent between requests."""


class RequestHandler(Protocol):
    """Answers the requests of one connection."""

    async def handle(self, request: Request) -> bool:
        """Answer one request; return whether the connection goes on."""

    def refuse(self, error: MessageError) -> None:
        """Answer bytes that are no request."""

    def take_frame(self, channel: int, payload: bytes) -> None:
        """Take an interleaved packet of the peer."""

    def touch_sessions(self) -> None:
        """Note that the peer is alive."""

    @property
    def is_admitted(self) -> bool:
        """Whether the peer has asked for a stream that it may watch."""

    @property
    def has_sessions(self) -> bool:
        """Whether any session lives on this connection."""

    def close(self) -> None:
        """End the sessions whose media run on this connection."""


class ClientConnection:
    """The peer's socket from accept to close; ``run`` owns it."""

    def __init__(self, context: Context, sock: socket.socket, peer: tuple[str, int]) -> None:
        self.peer = peer
        self.peer_host = peer[0]
        self.local_host = str(sock.getsockname()[0])
        self.name = f"{peer[0]}:{peer[1]}"
        self.outbox = Outbox(sock, self._fail)
        self._context = context
        self._sock = sock
        self._reader = RtspReader()
        self._failed: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._handler: RequestHandler | None = None
        self._requests = 0
        self._is_answering = False
        self.opened_s = self._heard_s = self._progress_s = context.clock.monotonic_s()
        self._progress_bytes = 0
        self._begun_s: float | None = None
        """Since when a message is arriving that is not complete."""

    @property
    def is_admitted(self) -> bool:
        """Whether the peer has asked for a stream that it may watch."""
        return self._handler is not None and self._handler.is_admitted

    async def run(self, handler: RequestHandler) -> None:
        """Serve until the peer leaves or fails. Never raises but when cancelled."""
        self._handler = handler
        reading = asyncio.ensure_future(self._read(handler))
        try:
            ends: list[asyncio.Future[Any]] = [reading, self._failed]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if self._failed.done():
                reason = self._failed.result()
                level = logging.DEBUG if reason.startswith(PEER_GONE) else logging.INFO
                _LOG.log(level, "%s: closed: %s", self.name, reason)
        finally:
            reading.cancel()
            try:
                await asyncio.gather(reading, return_exceptions=True)
            finally:  # also when the server ends just now
                handler.close()
                self.close()

    def close(self) -> None:
        """Close the socket; what waits is dropped."""
        self.outbox.close()
        self._sock.close()

    def end(self, reason: str) -> None:
        """Close the connection, with a reason for the log."""
        self._fail(reason)

    def check(self, now_s: float) -> None:
        """Close a peer that does not read, stays silent, or takes too long over a request."""
        limits = self._context.settings.limits
        self._check_progress(now_s, limits.stall_timeout_s)
        if self._is_answering:
            return  # it waits for us
        if self._begun_s is not None and now_s - self._begun_s >= limits.request_timeout_s:
            self._fail(f"a request took more than {limits.request_timeout_s:g} s to arrive")
        elif not self._requests and now_s - self.opened_s >= limits.first_request_timeout_s:
            self._fail(f"no request within {limits.first_request_timeout_s:g} s")
        elif now_s - self._heard_s >= IDLE_TIMEOUT_S and not self._has_sessions():
            self._fail("silent, without a session")

    def _check_progress(self, now_s: float, limit_s: float) -> None:
        outbox = self.outbox
        if not outbox.has_backlog or outbox.bytes_sent != self._progress_bytes:
            self._progress_bytes, self._progress_s = outbox.bytes_sent, now_s
        elif now_s - self._progress_s >= limit_s:
            self._fail(f"took no byte for {now_s - self._progress_s:.0f} s")

    def _has_sessions(self) -> bool:
        return self._handler is not None and self._handler.has_sessions

    async def _read(self, handler: RequestHandler) -> None:
        loop = asyncio.get_running_loop()
        try:
            while True:
                data = await loop.sock_recv(self._sock, RECEIVE_BYTES)
                if not data:
                    return
                if not await self._take(data, handler):
                    await self._drain()
                    return
        except OSError as error:
            _LOG.debug("%s: gone: %s", self.name, error)
        except NeolinkError as error:
            _LOG.info("%s: closed: %s", self.name, error)
        except Exception:  # noqa: BLE001 - ends this connection alone
            _LOG.exception("%s: internal error, connection closed", self.name)

    async def _take(self, data: bytes, handler: RequestHandler) -> bool:
        """Handle what arrived; return whether the connection goes on."""
        handler.touch_sessions()
        while True:
            error: MessageError | None = None
            dropped_frames = self._reader.dropped_frames
            try:
                messages = self._reader.feed(data)
            except MessageError as fault:
                messages, error = list(self._reader.completed_before_fault), fault
            self._note_arrival(bool(messages) or self._reader.dropped_frames != dropped_frames)
            if not await self._handle(messages, handler):
                return False
            if error is None:
                return True
            handler.refuse(error)
            if error.close:
                return False
            data = b""  # what follows the refused message is still in the reader

    def _note_arrival(self, is_complete: bool) -> None:  # noqa: FBT001 - private, one caller
        """Note when bytes came, and since when they have completed no message."""
        self._heard_s = self._context.clock.monotonic_s()
        if is_complete:
            self._begun_s = None
        elif self._begun_s is None:
            self._begun_s = self._heard_s

    async def _handle(self, messages: list[Message], handler: RequestHandler) -> bool:
        """Handle messages in order; the socket is not read meanwhile."""
        for message in messages:
            if isinstance(message, InterleavedFrame):
                handler.take_frame(message.channel, message.payload)
            elif isinstance(message, Request) and not await self._ask(message, handler):
                return False
        return True

    async def _ask(self, request: Request, handler: RequestHandler) -> bool:
        self._requests += 1
        if not self._requests % self._context.settings.limits.max_pipelined_requests:
            await asyncio.sleep(0)  # one who sends thousands at once must not hold up pictures
        self._is_answering = True
        try:
            return await handler.handle(request)
        finally:
            self._is_answering = False

    async def _drain(self) -> None:
        """Give a last reply a moment to leave."""
        for _ in range(10):
            if not self.outbox.has_backlog:
                return
            await asyncio.sleep(0.05)

    def _fail(self, reason: str) -> None:
        if not self._failed.done():
            self._failed.set_result(reason)
