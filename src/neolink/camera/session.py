"""A login on a camera: from connect to logout, with its keep-alive. No reconnect here."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager

from neolink.baichuan.crypto import Encryption, is_prepared, prepare
from neolink.baichuan.events import LoggedIn, Pushed, Reply
from neolink.baichuan.ids import MessageId, Status, StreamType
from neolink.baichuan.xml import Body, BodyPart, Extension, parse_body, serialize_body
from neolink.baichuan.xml.login import LoginUser
from neolink.baichuan.xml.streams import Preview, StreamInfoList
from neolink.camera.connection import Connection, MediaHandler
from neolink.camera.failures import Phase
from neolink.camera.settings import CameraSettings
from neolink.camera.transfer import Transfer
from neolink.errors import CommandRefused, ConnectionLost, DeadlineExceeded, RemoteProtocolError
from neolink.log import BoundLogger, RepeatLimiter

__all__ = ["CameraSession", "Upload", "VideoStream"]

COMMAND_TIMEOUT_S = 15.0
"""How long a camera may take to answer a command (battery models are slow)."""

_DONE = (Status.OK, Status.LAST, Status.FINISHED)

START_TIMEOUT_S = 6.0
"""How long it may take to answer a start-video; one that was lost is then asked again."""


class VideoStream:
    """A stream that was started; ``close`` stops it."""

    def __init__(self, session: "CameraSession", preview: Preview, number: int) -> None:
        self._session = session
        self._preview = preview
        self._number = number

    async def close(self) -> None:
        """Send stop-video and wait for its answer, but not for long. Never raises."""
        await self._session.stop_video(self._preview, self._number)


class Upload:
    """Binary data for a camera, all under one number."""

    def __init__(self, connection: Connection, message_id: MessageId, channel_id: int) -> None:
        self._connection = connection
        self._message_id = message_id
        self._number = connection.reserve(message_id)
        self._extension = Extension(binary_data=True, channel_id=channel_id)

    @property
    def unsent_bytes(self) -> int:
        """Bytes of all kinds that the network has not taken yet."""
        return self._connection.unsent_bytes

    def send(self, data: bytes) -> None:
        """Send one message; no answer is waited for. Raises ConnectionLost."""
        self._connection.send_binary(self._message_id, self._number, data, self._extension)

    def close(self) -> None:
        """Give the number back."""
        self._connection.release(self._message_id, self._number)


class CameraSession:
    """One login, used by any number of streams and commands at once."""

    def __init__(self, connection: Connection, logged_in: LoggedIn, log: BoundLogger) -> None:
        self.description = logged_in.body
        """What the camera said of itself at login."""
        self._encryption = logged_in.encryption
        self._preparing = asyncio.Lock()
        self.missed_pings = 0
        """How many in a row were not answered by any message."""
        self._connection = connection
        self._settings = connection.settings
        self._log = log

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        settings: CameraSettings,
        log: BoundLogger,
        limiter: RepeatLimiter,
        on_phase: Callable[[Phase], None] = lambda _: None,
    ) -> AsyncIterator["CameraSession"]:
        """Connect and log in; log out and close at the end.

        ``on_phase`` is told what begins: connecting, logging in, keeping alive. Raises
        ConnectionLost, AuthenticationFailed or RemoteProtocolError.
        """
        on_phase(Phase.CONNECT)
        connection = await Connection.open_tcp(settings, log, limiter)
        try:
            on_phase(Phase.LOGIN)
            logged_in = await connection.log_in()
            log.debug("logged in, encryption %s", logged_in.encryption.name)
            session = cls(connection, logged_in, log)
            on_phase(Phase.KEEP_ALIVE)
            try:
                yield session
            finally:
                await session._log_out()
        finally:
            connection.close()

    @property
    def messages_received(self) -> int:
        """Complete messages of the camera so far, of any kind: proof that it is there."""
        return self._connection.messages_received

    @property
    def frame_rate_tables(self) -> dict[tuple[int, int], tuple[int, ...]]:
        """Frame rates by (width, height) that the camera can be set to; empty if untold."""
        streams = self.description.get(StreamInfoList) or StreamInfoList()
        return {
            (table.resolution.width or 0, table.resolution.height or 0): table.framerate_table
            for info in streams.stream_infos
            for table in info.encode_tables
            if table.resolution is not None
        }

    # -- commands ---------------------------------------------------------------------

    async def request(
        self,
        message_id: MessageId,
        *parts: BodyPart,
        channel_id: int | None = None,
        busy_retries: int | None = None,
    ) -> Body | None:
        """Send a command; return the reply's body, or None when it has none.

        A camera that answers "busy" (400) is asked again, as the settings say unless
        ``busy_retries`` does. Raises CommandRefused for any other status than success,
        ConnectionLost, RemoteProtocolError.
        """
        extension = None if channel_id is None else Extension(channel_id=channel_id)
        body = serialize_body(*parts) if parts else b""
        retries = self._settings.busy_retries if busy_retries is None else busy_retries
        reply = await self._request_patiently(message_id, extension, body, retries)
        return parse_body(reply.body) if reply.body else None

    async def tell(self, message_id: MessageId, channel_id: int) -> None:
        """Send a command that ends something, and wait for its answer, but not for long.

        Never raises: at worst the camera notices later.
        """
        await self._quietly(message_id, b"", None, Extension(channel_id=channel_id))

    @contextmanager
    def upload(self, message_id: MessageId, channel_id: int) -> Iterator[Upload]:
        """Give the way for binary data to the camera."""
        upload = Upload(self._connection, message_id, channel_id)
        try:
            yield upload
        finally:
            upload.close()

    async def download(
        self,
        message_id: MessageId,
        part: BodyPart,
        *,
        channel_id: int,
        size_in: Callable[[Body], int | None],
        max_size: int,
        timeout_s: float,
    ) -> bytes:
        """Send a command whose answer is binary; return all of it. One of a kind at a time.

        ``size_in`` finds the size in the announcement, if there is one. Raises CommandRefused,
        ConnectionLost and its kind, or RemoteProtocolError for more bytes or less than announced.
        """
        connection, transfer = self._connection, Transfer(message_id.name, max_size)
        connection.collect(message_id, transfer)
        try:
            async with asyncio.timeout(timeout_s):
                reply = await connection.request(
                    message_id,
                    extension=Extension(channel_id=channel_id),
                    body=serialize_body(part),
                    timeout_s=timeout_s,
                )
                if reply.status not in _DONE:
                    raise CommandRefused(message_id.name, reply.status)
                transfer.numbers.add(reply.number)
                transfer.expect(size_in(parse_body(reply.body)) if reply.body else None)
                return await transfer.done
        except TimeoutError:
            text = f"{message_id.name}: not complete within {timeout_s:g} s"
            raise DeadlineExceeded(text) from None
        finally:
            connection.stop_collecting(message_id)

    async def _request_patiently(
        self, message_id: MessageId, extension: Extension | None, body: bytes, retries: int
    ) -> Reply:
        for attempt in range(retries + 1):
            if attempt:
                await asyncio.sleep(self._settings.busy_delay_s)
            reply = await self._connection.request(
                message_id, extension=extension, body=body, timeout_s=COMMAND_TIMEOUT_S
            )
            if reply.status in _DONE:
                return reply
            if reply.status != Status.BAD_REQUEST:
                break
        raise CommandRefused(message_id.name, reply.status)

    def on_push(self, message_id: MessageId, handler: Callable[[Body], None]) -> None:
        """Call ``handler`` with each body of this kind that nobody asked for, if it makes sense."""

        def parse(pushed: Pushed) -> None:
            try:
                body = parse_body(pushed.body)
            except RemoteProtocolError as error:
                self._log.debug("%s: %s", message_id.name, error)
            else:
                handler(body)

        self._connection.on_push(message_id, parse)

    # -- streams ----------------------------------------------------------------------

    async def start_video(
        self, stream_type: StreamType, channel_id: int, on_media: MediaHandler
    ) -> VideoStream:
        """Start a stream; ``on_media`` is given its BcMedia bytes from now on.

        Raises CommandRefused (400: busy, asleep, or the stream does not exist), ConnectionLost.
        Whatever happens, a stream that is not returned was stopped.
        """
        await self._prepare()
        # The handle must be unique among the running streams of one login (section 6.1).
        preview = Preview(
            channel_id=channel_id,
            handle=stream_type.handle + channel_id,
            stream_type=stream_type.wire_name,
        )
        number = self._connection.ask(
            MessageId.PREVIEW_START,
            body=serialize_body(preview),
            channel=channel_id,
            stream_type=stream_type.header_byte,
            on_media=on_media,
        )
        try:
            reply = await self._connection.answer(
                MessageId.PREVIEW_START, number, timeout_s=START_TIMEOUT_S
            )
        except BaseException:
            # It may start yet, and its handle must not be used again while it streams.
            await self.stop_video(preview, number)
            raise
        if reply.status != Status.OK:
            self._connection.release(MessageId.PREVIEW_START, reply.number)
            raise CommandRefused(f"start of {stream_type.wire_name}", reply.status)
        return VideoStream(self, preview, reply.number)

    async def _prepare(self) -> None:
        """Load what decrypts media beside the loop: the streams of other cameras go on."""
        if self._encryption is not Encryption.FULL_AES or is_prepared():
            return
        async with self._preparing:  # all streams begin at once: one thread is enough
            if is_prepared():
                return
            pool = ThreadPoolExecutor(1, "numpy")
            try:
                await asyncio.get_running_loop().run_in_executor(pool, prepare)
            finally:
                pool.shutdown(wait=False)  # the thread ends with what it does

    async def stop_video(self, preview: Preview, number: int) -> None:
        """Stop a stream by its number. Never raises: at worst the camera notices later."""
        self._connection.release(MessageId.PREVIEW_START, number)
        stop = Preview(channel_id=preview.channel_id, handle=preview.handle)
        await self._quietly(MessageId.PREVIEW_STOP, serialize_body(stop), number)

    # -- life -------------------------------------------------------------------------

    async def keep_alive(self) -> None:
        """Ping until the connection is lost; always ends by raising why.

        Any whole message of the camera proves that it is alive; bytes alone do not, since a
        damaged length may swallow them all. Raises ConnectionLost and its kind,
        AuthenticationFailed or RemoteProtocolError.
        """
        settings, lost = self._settings, self._connection.lost
        while self.missed_pings <= settings.max_missed_pings:
            await asyncio.wait([lost], timeout=settings.ping_interval_s)
            if lost.done():
                lost.result()
            received = self.messages_received
            try:
                await self._connection.request(MessageId.PING, timeout_s=settings.ping_timeout_s)
            except DeadlineExceeded:
                is_silent = self.messages_received == received
                self.missed_pings = self.missed_pings + 1 if is_silent else 0
            else:
                self.missed_pings = 0
        raise DeadlineExceeded(f"the camera did not answer {self.missed_pings} pings in a row")

    def kill(self, reason: ConnectionLost) -> None:
        """End the connection at once; the keep-alive raises ``reason``."""
        self._connection.fail(reason)

    async def _log_out(self) -> None:
        await self._quietly(MessageId.LOGOUT, serialize_body(LoginUser(user_ver=1)), None)

    async def _quietly(
        self,
        message_id: MessageId,
        body: bytes,
        number: int | None,
        extension: Extension | None = None,
    ) -> None:
        if self._connection.lost.done():
            return
        try:
            await self._connection.request(
                message_id,
                extension=extension,
                body=body,
                number=number,
                timeout_s=self._settings.stop_timeout_s,
            )
        except ConnectionLost as error:
            self._log.log(logging.DEBUG, "%s: %s", message_id.name, error)
