"""One login on the camera, for questions and for watching its streams; exactly one attempt.

Facts for :mod:`neolink.doctor.judge_device` and :mod:`neolink.doctor.judge_media`. Whatever
happens, ``close`` logs out, so that no session is left behind.
"""

import asyncio
from typing import Self

from neolink.baichuan.crypto import Encryption
from neolink.baichuan.ids import MessageId, Status
from neolink.baichuan.xml import Body, Extension, parse_body, serialize_body
from neolink.baichuan.xml.login import LoginUser
from neolink.camera.connection import Connection
from neolink.camera.session import CameraSession
from neolink.camera.settings import CameraSettings
from neolink.camera.stream import STREAM_TYPES
from neolink.clock import Clock
from neolink.doctor.media_facts import MediaFacts, PlayFacts
from neolink.doctor.settings import Patience
from neolink.doctor.watch import StreamWatch
from neolink.errors import (
    CommandRefused,
    ConnectionLost,
    DeadlineExceeded,
    RemoteProtocolError,
)
from neolink.log import BoundLogger, RepeatLimiter
from neolink.media.tracks import StreamKind

__all__ = ["Visit"]

POLL_S = 0.05
DEAF_AFTER = 2
"""Questions in a row without any answer, after which no more are asked."""


class Visit:
    """A login. Not made by hand: see ``open``."""

    def __init__(
        self,
        connection: Connection,
        session: CameraSession,
        encryption: Encryption,
        clock: Clock,
        patience: Patience,
    ) -> None:
        self.encryption = encryption
        """What camera and client settled on."""
        self.description = session.description
        self.refusals: dict[MessageId, int] = {}
        """Statuses of the questions that were refused."""
        self.answers = 0
        self._connection = connection
        self._session = session
        self._clock = clock
        self._patience = patience
        self._unanswered = 0

    @classmethod
    async def open(
        cls,
        settings: CameraSettings,
        *,
        log: BoundLogger,
        limiter: RepeatLimiter,
        clock: Clock,
        patience: Patience,
    ) -> Self:
        """Connect and log in, once.

        Raises AuthenticationFailed, ConnectionLost (DeadlineExceeded) or RemoteProtocolError.
        """
        connection = await Connection.open_tcp(settings, log, limiter)
        try:
            logged_in = await connection.log_in()
        except BaseException:
            connection.close()
            raise
        session = CameraSession(connection, logged_in, log)
        return cls(connection, session, logged_in.encryption, clock, patience)

    @property
    def trouble(self) -> int:
        """Messages so far that made no sense."""
        return self._connection.trouble

    @property
    def is_lost(self) -> bool:
        """Whether the login is gone."""
        return self._connection.lost.done()

    @property
    def is_deaf(self) -> bool:
        """Whether the camera has left the last questions without an answer."""
        return self._unanswered >= DEAF_AFTER

    async def close(self) -> None:
        """Log out and hang up. Never raises."""
        try:
            if not self.is_lost:
                await self._connection.request(
                    MessageId.LOGOUT,
                    body=serialize_body(LoginUser(user_ver=1)),
                    timeout_s=self._connection.settings.stop_timeout_s,
                )
        except ConnectionLost:
            pass  # it hung up first, or will notice
        finally:
            self._connection.close()

    # -- questions --------------------------------------------------------------------

    async def ask(self, message_id: MessageId, extension: Extension | None = None) -> Body | None:
        """Ask for a body; None where the camera refuses, stays silent or makes no sense.

        Raises ConnectionLost when the login is gone.
        """
        if self.is_deaf:
            return None
        try:
            reply = await self._connection.request(
                message_id, extension=extension, timeout_s=self._patience.query_s
            )
            self._unanswered = 0
            if reply.status != Status.OK:
                self.refusals[message_id] = reply.status
                return None
            body = parse_body(reply.body) if reply.body else None
        except DeadlineExceeded:
            self._unanswered += 1
            return None
        except RemoteProtocolError:
            return None
        self.answers += 1
        return body

    # -- streams ----------------------------------------------------------------------

    async def play(self, kind: StreamKind, channel_id: int, *, seconds: float) -> PlayFacts:
        """Watch a stream for ``seconds`` from its first picture, then stop it. Raises nothing."""
        facts = await self._play(kind, channel_id, seconds)
        if facts.refusal != Status.BAD_REQUEST:
            return facts
        await asyncio.sleep(self._patience.retry_s)  # it may only have been busy
        return await self._play(kind, channel_id, seconds)

    async def _play(self, kind: StreamKind, channel_id: int, seconds: float) -> PlayFacts:
        clock, trouble = self._clock, self.trouble
        watch = StreamWatch(clock.monotonic_s(), self._session.frame_rate_tables)

        def seen() -> MediaFacts:
            return watch.facts(clock.monotonic_s())

        try:
            stream = await self._session.start_video(
                STREAM_TYPES[kind], channel_id, lambda data: watch.feed(data, clock.monotonic_s())
            )
            try:
                await self._watch(watch, seconds)
                media = seen()
            finally:
                await stream.close()
        except CommandRefused as error:
            return PlayFacts(kind=kind, media=seen(), refusal=error.status)
        except DeadlineExceeded:
            return PlayFacts(kind=kind, media=seen(), is_unanswered=True)
        except (ConnectionLost, RemoteProtocolError) as error:
            return PlayFacts(kind=kind, media=seen(), lost=str(error))
        trouble = self.trouble - trouble
        return PlayFacts(kind=kind, media=media, lost=self._why_lost(), trouble=trouble)

    async def _watch(self, watch: StreamWatch, seconds: float) -> None:
        end_s = self._clock.monotonic_s() + self._patience.picture_s
        is_extended = False
        while (now_s := self._clock.monotonic_s()) < end_s:
            if watch.first_picture_s is not None and not is_extended:
                end_s, is_extended = now_s + seconds, True
            done, _ = await asyncio.wait([self._connection.lost], timeout=POLL_S)
            if done:
                return

    def _why_lost(self) -> str:
        lost = self._connection.lost
        return str(lost.exception()) if lost.done() else ""
