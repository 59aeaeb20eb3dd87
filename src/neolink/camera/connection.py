"""One TCP connection to a camera: bytes ↔ ClientProtocol, requests ↔ replies, media ↔ handlers.

Hot path: received bytes go through the protocol engine to the media handlers in the same turn of
the loop; nothing waits and nothing is queued on the way. No command and no reconnect lives here.
"""

import asyncio
import logging
import os
import socket
from collections.abc import Callable
from typing import Self, TypeVar, cast

from neolink.baichuan.client import ClientProtocol
from neolink.baichuan.events import (
    Event,
    LoggedIn,
    LoginRefused,
    MediaBytes,
    ProtocolTrouble,
    Pushed,
    Reply,
    Resynchronized,
)
from neolink.baichuan.ids import MessageId
from neolink.baichuan.login import Credentials
from neolink.baichuan.xml import Extension
from neolink.camera.failures import InternalFault
from neolink.camera.redaction import shown_xml
from neolink.camera.settings import CameraSettings
from neolink.camera.transfer import Transfer
from neolink.errors import (
    AuthenticationFailed,
    ConnectionLost,
    DeadlineExceeded,
    LocalProtocolError,
    RemoteProtocolError,
)
from neolink.log import BoundLogger, RepeatLimiter
from neolink.pool import BufferPool, Lease, buffer_size

__all__ = ["Connection"]

RECEIVE_BUFFER = buffer_size(1 << 20)
"""256 KiB: two seconds of a sub stream, or most key frames of a main stream, in one read."""

SPARE_BUFFER = 16 * 1024
"""Bytes per read while the pool is exhausted: slower, and nothing is lost."""

RECEIVE_BUFFERS = BufferPool()
"""Lent to all connections of the process, for one read each; its owner sweeps it."""

_NO_BUFFER = memoryview(b"")
MAX_UNREAD_REQUESTS = 1 << 20
"""Bytes that may wait for a camera that does not read; more than this ends the connection."""

MOST_EARLY = 16
LONGEST_EARLY = 64 * 1024
"""Kinds and bytes of what a camera tells by itself that are kept for a handler to come."""

T = TypeVar("T")

MediaHandler = Callable[[bytes], None]
PushHandler = Callable[[Pushed], None]


class Connection(asyncio.BufferedProtocol):
    """A connection that is logged in, or on its way to be.

    ``lost`` is done when the connection has ended; its exception says why.
    """

    def __init__(self, settings: CameraSettings, log: BoundLogger, limiter: RepeatLimiter) -> None:
        self.settings = settings
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.bytes_received = 0
        self.trouble = 0
        """Messages that made no sense and damage that was skipped."""
        self._log = log
        self._limiter = limiter
        self._protocol = ClientProtocol(
            Credentials(settings.username, settings.password),
            max_encryption=settings.max_encryption,
            strict=settings.strict,
            max_body_length=settings.max_frame_length,
        )
        self._greeted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._login: asyncio.Future[LoggedIn] = asyncio.get_running_loop().create_future()
        self._replies: dict[tuple[int, int], asyncio.Future[Reply]] = {}
        self._media: dict[tuple[int, int], MediaHandler] = {}
        self._transfers: dict[int, Transfer] = {}
        """By message id: their parts come under any number."""
        self._pushes: dict[int, PushHandler] = {}
        self._early: dict[int, Pushed] = {}
        """The newest of each kind that came before its handler, maybe together with the login."""
        self._transport: asyncio.Transport | None = None
        self._lease: Lease | None = None
        self._buffer = _NO_BUFFER

    # -- opening and closing ----------------------------------------------------------

    @classmethod
    async def open_tcp(
        cls, settings: CameraSettings, log: BoundLogger, limiter: RepeatLimiter
    ) -> Self:
        """Connect to the camera's port.

        Raises ConnectionLost when it cannot be reached, DeadlineExceeded when it takes too long.
        """
        assert settings.host is not None  # the supervisor tells what else there is
        where = f"{settings.host}:{settings.port}"
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(settings.connect_timeout_s):
                _, connection = await loop.create_connection(
                    lambda: cls(settings, log, limiter), settings.host, settings.port
                )
        except TimeoutError:
            raise DeadlineExceeded(
                f"connecting to {where} took longer than {settings.connect_timeout_s:g} s"
            ) from None
        except OSError as error:
            raise ConnectionLost(f"cannot connect to {where}: {_reason(error)}") from error
        except UnicodeError as error:  # an empty or overlong label; no look-up was made
            raise ConnectionLost(f"cannot connect to {where}: not a host name") from error
        return connection

    @property
    def messages_received(self) -> int:
        """Complete messages so far."""
        return self._protocol.messages_received

    async def log_in(self) -> LoggedIn:
        """Negotiate and log in.

        Raises AuthenticationFailed, RemoteProtocolError, ConnectionLost or DeadlineExceeded.
        """
        settings = self.settings
        self._protocol.start_login()
        self._flush()
        try:
            async with asyncio.timeout(settings.login_timeout_s):
                async with asyncio.timeout(settings.first_reply_timeout_s):
                    await asyncio.shield(self._greeted)
                return await asyncio.shield(self._login)
        except TimeoutError:
            raise DeadlineExceeded(self._why_no_login()) from None

    def _why_no_login(self) -> str:
        if not self._greeted.done():
            return "the camera does not answer the greeting"
        if not self.messages_received:
            return (
                f"what answers ({self.bytes_received} bytes) does not speak the cameras' protocol"
            )
        return "the camera does not answer the login"

    def close(self) -> None:
        """Close the socket; pending requests fail."""
        if self._transport is not None:
            self._transport.abort()
        self._end(ConnectionLost("closed by us"))

    # -- requests ---------------------------------------------------------------------

    async def request(
        self,
        message_id: MessageId,
        *,
        timeout_s: float,
        extension: Extension | None = None,
        body: bytes = b"",
        number: int | None = None,
    ) -> Reply:
        """Send a request and return its reply, whatever the status.

        Raises ConnectionLost, or DeadlineExceeded when no reply comes in time.
        """
        number = self.ask(message_id, extension=extension, body=body, number=number)
        return await self.answer(message_id, number, timeout_s=timeout_s)

    def ask(
        self,
        message_id: MessageId,
        *,
        extension: Extension | None = None,
        body: bytes = b"",
        channel: int = 0,
        stream_type: int = 0,
        number: int | None = None,
        on_media: MediaHandler | None = None,
    ) -> int:
        """Send a request and return its number, for ``answer``, which must follow.

        ``on_media`` is given the bytes of a binary answer until ``release`` is called for the
        number. Raises ConnectionLost.
        """
        if self.lost.done():
            raise ConnectionLost("the connection is closed")
        number = self._protocol.request(
            message_id,
            extension=extension,
            body=body,
            channel=channel,
            stream_type=stream_type,
            number=number,
        )
        key = (message_id, number)
        self._replies[key] = asyncio.get_running_loop().create_future()
        if on_media is not None:
            self._media[key] = on_media
        self._flush()
        return number

    async def answer(self, message_id: MessageId, number: int, *, timeout_s: float) -> Reply:
        """Wait for the reply to a request. Raises as ``request`` does."""
        key = (message_id, number)
        try:
            async with asyncio.timeout(timeout_s):
                return await self._replies[key]
        except TimeoutError:
            self.release(message_id, number)
            raise DeadlineExceeded(
                f"no answer to {message_id.name} within {timeout_s:g} s"
            ) from None
        except BaseException:
            self.release(message_id, number)
            raise
        finally:
            self._replies.pop(key, None)

    def reserve(self, message_id: MessageId) -> int:
        """Return a number to send binary data under, until ``release``."""
        return self._protocol.reserve(message_id)

    def send_binary(
        self, message_id: MessageId, number: int, data: bytes, extension: Extension
    ) -> None:
        """Send binary data; no answer is waited for. Raises ConnectionLost."""
        if self.lost.done():
            raise ConnectionLost("the connection is closed")
        self._protocol.send_binary(message_id, number, data, extension)
        self._flush()

    @property
    def unsent_bytes(self) -> int:
        """Bytes that the network has not taken yet."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def release(self, message_id: MessageId, number: int) -> None:
        """Forget a binary answer: what still comes of it is swallowed."""
        self._media.pop((message_id, number), None)
        self._protocol.release(message_id, number)

    def collect(self, message_id: MessageId, transfer: Transfer) -> None:
        """Give ``transfer`` all binary answers of this kind until ``stop_collecting``.

        Raises LocalProtocolError while another one is given them.
        """
        if message_id in self._transfers:
            raise LocalProtocolError(f"{message_id.name}: one at a time")
        self._transfers[message_id] = transfer

    def stop_collecting(self, message_id: MessageId) -> None:
        """Forget the transfer: what still comes of it is swallowed."""
        transfer = self._transfers.pop(message_id, None)
        for number in transfer.numbers if transfer is not None else ():
            self.release(message_id, number)

    def on_push(self, message_id: MessageId, handler: PushHandler) -> None:
        """Call ``handler`` for every message of this kind that nobody asked for.

        The newest one that came before is given to it at once.
        """
        self._pushes[message_id] = handler
        early = self._early.pop(message_id, None)
        if early is not None:
            handler(early)

    # -- asyncio.BufferedProtocol -----------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but its bases
        transport.set_write_buffer_limits(high=MAX_UNREAD_REQUESTS)
        self._transport = transport

    def get_buffer(self, sizehint: int) -> memoryview:
        """Lend a buffer for one read; one that was not used is lent again."""
        del sizehint
        if not self._buffer:
            self._lease = RECEIVE_BUFFERS.acquire(RECEIVE_BUFFER)
            self._buffer = self._lease.view if self._lease else memoryview(bytearray(SPARE_BUFFER))
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Take what was received."""
        self.bytes_received += nbytes
        if not self._greeted.done():
            self._greeted.set_result(None)
        try:
            events = self._protocol.receive_data(self._buffer[:nbytes])
            for event in events:
                self._dispatch(event)
        except RemoteProtocolError as error:
            self.fail(error)
        except Exception as error:  # noqa: BLE001 - ends this connection, logged above
            self._log.exception("a message could not be handled")
            self.fail(InternalFault(f"internal error: {error!r}"))
        else:
            self._flush()
        finally:
            self._give_buffer_back()

    def eof_received(self) -> bool:
        """Let the transport close; a message that was cut off is of no use."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Learn that the socket is gone."""
        self._give_buffer_back()
        reason = _reason(exc) if isinstance(exc, OSError) else "closed by the camera"
        self._end(ConnectionLost(f"the connection was lost: {reason}"))

    def pause_writing(self) -> None:
        """Give up: a camera that does not read requests is no longer one."""
        self.fail(ConnectionLost("the camera does not read what we send"))

    def resume_writing(self) -> None:
        """Do nothing: the connection has already ended."""

    # -- details ----------------------------------------------------------------------

    def _give_buffer_back(self) -> None:
        self._buffer = _NO_BUFFER
        if self._lease is not None:
            self._lease.release()
            self._lease = None

    def _dispatch(self, event: Event) -> None:
        if self.settings.debug and isinstance(event, Reply | Pushed):
            shown = shown_xml(event.body)
            self._log.info("< message %d, status %d %s", event.message_id, event.status, shown)
        match event:
            case MediaBytes(message_id, number, data):
                handler = self._media.get((message_id, number))
                if handler is not None:
                    handler(data)
                elif message_id in self._transfers:
                    self._transfers[message_id].take(number, data)
            case Reply():
                self._take_reply(event)
            case Pushed(message_id):
                push_handler = self._pushes.get(message_id)
                if push_handler is not None:
                    push_handler(event)
                else:
                    self._keep_early(event)
            case LoggedIn():
                self._login.set_result(event)
            case LoginRefused(reason, status):
                self.fail(AuthenticationFailed(reason, status))
            case Resynchronized(offset, discarded, reason):
                self._note_trouble(f"{discarded} bytes skipped at byte {offset}: {reason}")
            case ProtocolTrouble(message_id, offset, reason):
                self._note_trouble(f"message {message_id} at byte {offset} skipped: {reason}")

    def _keep_early(self, event: Pushed) -> None:
        is_room = event.message_id in self._early or len(self._early) < MOST_EARLY
        if is_room and len(event.body) <= LONGEST_EARLY:
            self._early[event.message_id] = event

    def _take_reply(self, event: Reply) -> None:
        reply = self._replies.get((event.message_id, event.number))
        if reply is not None and not reply.done():
            reply.set_result(event)
        elif event.message_id in self._transfers:
            self._transfers[event.message_id].end(event.number, event.status)

    def _note_trouble(self, text: str) -> None:
        self.trouble += 1
        self._limiter.log(self._log, logging.WARNING, "damaged data: %s", text)

    def _flush(self) -> None:
        data = self._protocol.data_to_send()
        if data and self._transport is not None:
            self._transport.write(data)

    def fail(self, error: Exception) -> None:
        """End the connection at once; everything that waits raises ``error``."""
        if self._transport is not None:
            self._transport.abort()
        self._end(error)

    def _end(self, error: Exception) -> None:
        if self.lost.done():
            return
        self.lost.set_exception(error)
        self.lost.exception()  # read here, so that an unwatched end is no complaint at exit
        _break(self._greeted, error)
        _break(self._login, error)
        for reply in self._replies.values():
            _break(reply, error)
        for transfer in self._transfers.values():
            transfer.fail(error)
        self._media.clear()
        self._pushes.clear()
        self._early.clear()


def _break(future: asyncio.Future[T], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
        future.exception()  # read here: nobody may be waiting


def _reason(error: OSError) -> str:
    """Say it as the system does; asyncio puts an address of its own making in its place."""
    is_plain = error.errno is not None and not isinstance(error, socket.gaierror)
    return os.strerror(error.errno or 0) if is_plain else error.strerror or str(error)
