"""One RTSP connection: its wire, its requests in order, its end. No method is handled here."""

import asyncio
import logging
from typing import Any, Protocol

from neolink.errors import NeolinkError
from neolink.listening import network_of
from neolink.log import BoundLogger, bind_stream
from neolink.rtsp.errors import HttpTunnelRequested, MessageError
from neolink.rtsp.message import InterleavedFrame, Message, Method, Request
from neolink.rtsp.reader import RtspReader
from neolink.rtsp_server.context import Context
from neolink.rtsp_server.delivery.outbox import PEER_GONE, Outbox
from neolink.rtsp_server.refusals import Refusal
from neolink.rtsp_server.wires.wire import HandshakeError, Wire

__all__ = ["ClientConnection", "RequestHandler", "stream_log"]

_LOG = logging.getLogger(__name__)

IDLE_TIMEOUT_S = 60.0
"""How long a connection without any session may stay silent between requests."""

NO_HANDSHAKE = "no TLS handshake"
QUIET = (PEER_GONE, NO_HANDSHAKE)
"""How reasons to fail begin that are no trouble, or that are told elsewhere."""


class RequestHandler(Protocol):
    """Answers the requests of one connection."""

    async def handle(self, request: Request) -> bool:
        """Answer one request; return whether the connection goes on."""

    def refuse(self, error: MessageError) -> bool:
        """Answer bytes that are no request; return whether the connection goes on."""

    def take_frame(self, channel: int, payload: bytes) -> None:
        """Take an interleaved packet of the peer."""

    @property
    def is_admitted(self) -> bool:
        """Whether the peer has asked for a stream that it may watch."""

    @property
    def has_sessions(self) -> bool:
        """Whether any session lives on this connection."""

    @property
    def has_played(self) -> bool:
        """Whether the peer has played anything."""

    @property
    def stream_name(self) -> str:
        """Which stream the peer has asked for and may watch, the last of several; or empty."""

    def close(self) -> None:
        """End the sessions whose media run on this connection."""


class ClientConnection:
    """The peer's wire from accept to close; ``run`` owns it."""

    def __init__(self, context: Context, wire: Wire) -> None:
        self.peer = wire.peer
        self.peer_host, port = wire.peer
        self.network = network_of(self.peer_host)
        """What stands for all addresses that the peer's host may use, in counts and in the log."""
        self.local_host = wire.local_host
        self.is_secure = wire.is_secure
        self.name = f"{self.peer_host}:{port}"
        self.is_tunnelled = False
        """Whether RTSP comes inside HTTP: its media must too."""
        self.is_carrier = False
        """Whether this is the POST of a tunnel: no player by itself."""
        self.outbox = Outbox(wire, self._fail)
        self._context = context
        self._wire = wire
        self._reader = RtspReader()
        self._failed: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._handler: RequestHandler | None = None
        self._requests = 0
        self._is_answering = False
        self.opened_s = self._heard_s = self._progress_s = context.clock.monotonic_s()
        self._progress_bytes = 0
        self._ready_s = None if wire.is_secure else self.opened_s
        """Since when the peer can send requests; None before the handshake."""
        self._begun_s: float | None = None
        """Since when a message is arriving that is not complete."""

    @property
    def is_admitted(self) -> bool:
        """Whether the peer has asked for a stream that it may watch."""
        return self.is_carrier or (self._handler is not None and self._handler.is_admitted)

    @property
    def may_use_udp(self) -> bool:
        """Whether media may leave beside this connection: not out of a tunnel, nor in clear."""
        return not (self.is_tunnelled or self.is_secure)

    async def run(self, handler: RequestHandler) -> None:
        """Serve until the peer leaves or fails. Never raises but when cancelled."""
        self._handler = handler
        reading = asyncio.ensure_future(self._read(handler))
        try:
            ends: list[asyncio.Future[Any]] = [reading, self._failed]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if self._failed.done():
                self._tell_end(self._failed.result(), handler)
        finally:
            reading.cancel()
            try:
                await asyncio.gather(reading, return_exceptions=True)
            finally:  # also when the server ends just now
                self._leave(handler)

    def _tell_end(self, reason: str, handler: RequestHandler) -> None:
        """Tell why it is closed; of a host that never plays, and comes again, not each time."""
        log, text = stream_log(_LOG, handler.stream_name), "%s: closed: %s"
        if reason.startswith(QUIET):
            log.debug(text, self.name, reason)
        elif handler.has_played:
            log.info(text, self.name, reason)
        else:
            about = self.network, reason
            self._context.limiter.log(log, logging.INFO, text, self.name, reason, about=about)

    def _leave(self, handler: RequestHandler) -> None:
        """End what runs here, whatever that brings about: all others are served by our caller."""
        try:
            handler.close()
        except Exception as error:  # noqa: BLE001 - ends this connection alone
            self.tell_own_fault("internal error at its end", error)
        finally:
            self.close()

    def tell_own_fault(self, text: str, error: Exception) -> None:
        """Log a fault of ours with its traceback, unless this host has just brought it about."""
        held_back = self._context.limiter.admit((self.network, text, type(error)))
        if held_back is None:
            return
        more = f" ({held_back} more like this held back)" if held_back else ""
        _LOG.error("%s: %s%s", self.name, text, more, exc_info=error)

    def close(self) -> None:
        """Close the wire; what waits is dropped."""
        self.outbox.close()
        self._wire.close()

    def end(self, reason: str) -> None:
        """Close the connection, with a reason for the log."""
        self._fail(reason)

    def expect_media(self, channel: int) -> None:
        """Take interleaved frames of any length on a channel from now on."""
        self._reader.long_channels.add(channel)

    def check(self, now_s: float) -> None:
        """Close a peer that does not read, stays silent, or takes too long over a request."""
        limits = self._context.settings.limits
        self._check_progress(now_s, limits.stall_timeout_s)
        if self._is_answering or self.is_carrier:
            return  # it waits for us, or another one is looked at instead
        if self._ready_s is None:
            if now_s - self.opened_s >= limits.tls_handshake_timeout_s:
                self._refuse_tls(f"it took more than {limits.tls_handshake_timeout_s:g} s")
                self._fail(NO_HANDSHAKE)
        elif self._begun_s is not None and now_s - self._begun_s >= limits.request_timeout_s:
            self._fail(f"a request took more than {limits.request_timeout_s:g} s to arrive")
        elif not self._requests and now_s - self._ready_s >= limits.first_request_timeout_s:
            self._fail(f"no request within {limits.first_request_timeout_s:g} s")
        elif now_s - self._heard_s >= IDLE_TIMEOUT_S and not self._has_sessions():
            self._fail("silent, without a session")

    def _check_progress(self, now_s: float, limit_s: float) -> None:
        outbox = self.outbox
        if not outbox.has_backlog or outbox.bytes_sent != self._progress_bytes:
            self._progress_bytes, self._progress_s = outbox.bytes_sent, now_s
        elif now_s - self._progress_s >= limit_s:
            waiting = outbox.waiting_bytes // 1024
            more = f", {waiting} KiB wait for it" if waiting else ""
            self._fail(f"took no byte for {now_s - self._progress_s:.0f} s{more}")

    def _has_sessions(self) -> bool:
        return self._handler is not None and self._handler.has_sessions

    async def _read(self, handler: RequestHandler) -> None:
        try:
            await self._wire.open()
            if self._ready_s is None:
                self._ready_s = self._heard_s = self._context.clock.monotonic_s()
            while data := await self._wire.receive():
                if not await self._take(data, handler):
                    await self._drain()
                    return
                await self._let_others_pass()
            self._note_silent_end()
        except HandshakeError as error:
            self._refuse_tls(str(error))
        except OSError as error:
            _LOG.debug("%s: gone: %s", self.name, error)
            self._note_silent_end()
        except NeolinkError as error:
            self._tell_end(str(error), handler)
        except Exception as error:  # noqa: BLE001 - ends this connection alone
            self.tell_own_fault("internal error, connection closed", error)

    async def _take(self, data: bytes, handler: RequestHandler) -> bool:
        """Handle what arrived; return whether the connection goes on."""
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
            if isinstance(error, HttpTunnelRequested) and not self.is_tunnelled:
                return await self._enter_tunnel()
            if not handler.refuse(error):
                return False
            data = b""  # what follows the refused message is still in the reader

    async def _enter_tunnel(self) -> bool:
        """Let RTSP inside HTTP in; return whether it goes on here."""
        context, begun = self._context, self._reader.unread
        is_enabled = context.settings.is_tunnel_enabled
        wire = await context.tunnels.enter(self, self._wire, begun, is_enabled=is_enabled)
        if wire is None:
            return False
        self._wire, self._reader = wire, RtspReader()
        self.outbox.use(wire)
        self.is_tunnelled, self._begun_s = True, None
        return True

    def _refuse_tls(self, text: str) -> None:
        said = f"the TLS handshake failed: {text}"
        self._context.refusals.note(Refusal.TLS_HANDSHAKE, self.peer_host, said, kind=text)

    def _note_silent_end(self) -> None:
        """Tell of one who shook hands and asked nothing: so GnuTLS ends what it does not trust."""
        has_shaken_hands = self.is_secure and self._ready_s is not None
        if has_shaken_hands and not self._requests and not self.is_carrier:
            self._refuse_tls("it left right behind it: perhaps it does not trust our certificate")

    def _note_arrival(self, is_complete: bool) -> None:  # noqa: FBT001 - private, one caller
        """Note when bytes came, and since when they have completed no message."""
        self._heard_s = self._context.clock.monotonic_s()
        if is_complete:
            self._begun_s = None
        elif self._begun_s is None:
            self._begun_s = self._heard_s

    async def _handle(self, messages: list[Message], handler: RequestHandler) -> bool:
        """Handle messages in order; nothing is read meanwhile."""
        at_a_stretch = self._context.settings.limits.max_pipelined_requests
        for number, message in enumerate(messages):
            if number and not number % at_a_stretch:
                await self._let_others_pass()
            if isinstance(message, InterleavedFrame):
                handler.take_frame(message.channel, message.payload)
            elif isinstance(message, Request) and not await self._ask(message, handler):
                return False
        return True

    async def _ask(self, request: Request, handler: RequestHandler) -> bool:
        self._requests += 1
        self._is_answering = True
        try:
            goes_on = await handler.handle(request)
        finally:
            self._is_answering = False
        if request.method == Method.PLAY:  # a whole group of pictures may have been made for it
            await self._let_others_pass()
        return goes_on

    async def _let_others_pass(self) -> None:
        """Wait a turn of the loop, one peer after the other: a crowd must not hold up pictures."""
        async with self._context.turns:
            await asyncio.sleep(0)

    async def _drain(self) -> None:
        """Give a last reply a moment to leave."""
        for _ in range(10):
            if not self.outbox.has_backlog:
                return
            await asyncio.sleep(0.05)

    def _fail(self, reason: str) -> None:
        if not self._failed.done():
            self._failed.set_result(reason)


def stream_log(log: logging.Logger, name: str) -> logging.Logger | BoundLogger:
    """Return a logger that speaks of the stream ``porch/main``; of none where it is not known."""
    return bind_stream(log, name) if name else log
