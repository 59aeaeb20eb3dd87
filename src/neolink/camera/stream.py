"""One stream of one channel: started on a login while it is wanted, watched for silence.

Whether it is wanted is the hub's business; what its bytes mean is :mod:`neolink.camera.video`'s.
"""

import asyncio
import logging
from collections.abc import Callable

from neolink.baichuan.ids import StreamType
from neolink.camera.session import CameraSession
from neolink.camera.settings import CameraSettings
from neolink.camera.video import Demuxer
from neolink.clock import Clock
from neolink.errors import CommandRefused, DeadlineExceeded, RemoteProtocolError
from neolink.log import RepeatLimiter, bind
from neolink.media.tracks import StreamKind
from neolink.media.units import MediaUnit

__all__ = ["CameraStream"]

SILENCE_S = 10.0
"""A stream without a byte for this long is dead and is started again."""

FRUITLESS_STARTS = 3
"""So many starts without a byte, and the login itself is made anew."""

RETRY_INITIAL_S = 1.0
RETRY_MAX_S = 30.0

STREAM_TYPES = {
    StreamKind.MAIN: StreamType.MAIN,
    StreamKind.SUB: StreamType.SUB,
    StreamKind.EXTERN: StreamType.EXTERN,
}


class CameraStream:
    """A stream that can be wanted.

    ``publish`` is given every unit; ``source_lost`` is called when units stop although the stream
    is wanted.
    """

    def __init__(
        self,
        settings: CameraSettings,
        kind: StreamKind,
        *,
        publish: Callable[[MediaUnit], None],
        source_lost: Callable[[], None],
        clock: Clock,
        limiter: RepeatLimiter,
    ) -> None:
        self.kind = kind
        self.starts = 0
        """Successful start-video requests."""
        self.stalls = 0
        self._channel_id = settings.channel_id
        self._source_lost = source_lost
        self._clock = clock
        self._log = bind(
            logging.getLogger(__name__), camera=settings.name, stream=kind, phase="stream"
        )
        self._limiter = limiter
        self._wanted = asyncio.Event()
        self._unwanted = asyncio.Event()
        self._unwanted.set()
        self._fruitless = 0
        self._retry_s = RETRY_INITIAL_S
        self._failure: RemoteProtocolError | None = None
        self.demuxer = Demuxer(
            publish,
            clock=clock,
            log=self._log,
            limiter=limiter,
            strict=settings.strict,
            max_packet_length=settings.max_frame_length,
            on_failure=self._fail,
        )

    @property
    def is_wanted(self) -> bool:
        """Whether somebody needs the stream now."""
        return self._wanted.is_set()

    async def until_wanted(self) -> None:
        """Wait until somebody needs the stream."""
        await self._wanted.wait()

    def request(self, wanted: bool) -> None:  # noqa: FBT001 - the hub's callable has this one argument
        """Say whether the stream is wanted from now on."""
        if wanted:
            self._wanted.set()
            self._unwanted.clear()
        else:
            self._wanted.clear()
            self._unwanted.set()

    async def serve(self, session: CameraSession) -> None:
        """Run the stream on this login whenever it is wanted, until cancelled.

        Raises ConnectionLost when the login is gone. A stream that the camera refuses, breaks
        or lets fall silent is started again, ever slower; other streams do not notice.
        """
        try:
            while True:
                await self._wanted.wait()
                try:
                    await self._run(session)
                except (CommandRefused, RemoteProtocolError, _StalledError) as error:
                    await self._recover(session, error)
        finally:
            self._source_lost()

    async def _run(self, session: CameraSession) -> None:
        self._failure = None
        self.demuxer.restart()
        stream = await session.start_video(
            STREAM_TYPES[self.kind], self._channel_id, self.demuxer.feed
        )
        self.starts += 1
        self._log.debug("started")
        try:
            await self._until_unwanted()
        finally:
            await stream.close()
            self._log.debug("stopped")

    async def _until_unwanted(self) -> None:
        started_s = self._clock.monotonic_s()
        while not self._unwanted.is_set():
            try:
                async with asyncio.timeout(1.0):
                    await self._unwanted.wait()
            except TimeoutError:
                self._check(started_s)

    def _check(self, started_s: float) -> None:
        if self._failure is not None:
            raise self._failure
        last_s = self.demuxer.last_bytes_s
        if last_s is not None and last_s >= started_s:
            self._fruitless = 0
            self._retry_s = RETRY_INITIAL_S
            started_s = last_s
        silent_s = self._clock.monotonic_s() - started_s
        if silent_s > SILENCE_S:
            self.stalls += 1
            raise _StalledError(f"no byte for {silent_s:.0f} s")

    async def _recover(self, session: CameraSession, error: Exception) -> None:
        self._source_lost()
        self._fruitless += 1
        self._limiter.log(
            self._log, logging.WARNING, "%s; starting again in %g s", error, self._retry_s
        )
        if isinstance(error, _StalledError) and self._fruitless >= FRUITLESS_STARTS:
            self._fruitless = 0
            session.kill(f"{self.kind} stream stays silent after {FRUITLESS_STARTS} starts")
        pause_s, self._retry_s = self._retry_s, min(2 * self._retry_s, RETRY_MAX_S)
        await asyncio.sleep(pause_s)

    def _fail(self, error: RemoteProtocolError) -> None:
        self._failure = error


class _StalledError(DeadlineExceeded):
    """A stream fell silent although the connection lives."""
