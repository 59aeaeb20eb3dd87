"""One RTSP connection: its socket, its requests in order, its end. No method is handled here."""

import asyncio
import logging
import socket
from typing import Any, Protocol

from neolink.errors import NeolinkError
from neolink.rtsp.errors import MessageError
from neolink.rtsp.message import Request, RtspReader
from neolink.rtsp_server.context import Context
from neolink.rtsp_server.outbox import Outbox

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

    def touch_sessions(self) -> None:
        """Note that the peer is alive."""

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
        self._requests = 0
        self._stalled_s = 0.0
        self._stalled_at = -1

    async def run(self, handler: RequestHandler) -> None:
        """Serve until the peer leaves or fails. Never raises but when cancelled."""
        reading = asyncio.ensure_future(self._read(handler))
        try:
            ends: list[asyncio.Future[Any]] = [reading, self._failed]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if self._failed.done():
                _LOG.info("%s: closed: %s", self.name, self._failed.result())
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            handler.close()
            self.outbox.close()
            self._sock.close()

    def end(self, reason: str) -> None:
        """Close the connection, with a reason for the log."""
        self._fail(reason)

    def check_progress(self, elapsed_s: float, limit_s: float) -> None:
        """Close a peer that has taken no byte for ``limit_s`` although some wait."""
        outbox = self.outbox
        if not outbox.has_backlog or outbox.bytes_sent != self._stalled_at:
            self._stalled_s, self._stalled_at = 0.0, outbox.bytes_sent
            return
        self._stalled_s += elapsed_s
        if self._stalled_s >= limit_s:
            self._fail(f"took no byte for {self._stalled_s:.0f} s")

    async def _read(self, handler: RequestHandler) -> None:
        loop = asyncio.get_running_loop()
        try:
            while True:
                async with asyncio.timeout(self._read_timeout_s(handler)):
                    data = await loop.sock_recv(self._sock, RECEIVE_BYTES)
                if not data:
                    return
                if not await self._take(data, handler):
                    await self._drain()
                    return
        except TimeoutError:
            _LOG.debug("%s: closed after silence", self.name)
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
            try:
                messages = self._reader.feed(data)
            except MessageError as fault:
                messages, error = list(fault.completed), fault
            for message in messages:
                if isinstance(message, Request) and not await self._ask(message, handler):
                    return False
            if error is None:
                return True
            handler.refuse(error)
            if error.close:
                return False
            data = b""  # what follows the refused message is still in the reader

    async def _ask(self, request: Request, handler: RequestHandler) -> bool:
        self._requests += 1
        return await handler.handle(request)

    def _read_timeout_s(self, handler: RequestHandler) -> float | None:
        if handler.has_sessions:
            return None  # the session's own time-out watches
        if not self._requests:
            return self._context.settings.limits.first_request_timeout_s
        return IDLE_TIMEOUT_S

    async def _drain(self) -> None:
        """Give a last reply a moment to leave."""
        for _ in range(10):
            if not self.outbox.has_backlog:
                return
            await asyncio.sleep(0.05)

    def _fail(self, reason: str) -> None:
        if not self._failed.done():
            self._failed.set_result(reason)
