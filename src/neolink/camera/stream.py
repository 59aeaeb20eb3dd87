"""One stream of one channel: started on a login while it is wanted, watched for silence.

Whether it is wanted is the hub's business; what its bytes mean is :mod:`neolink.camera.video`'s.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from neolink.baichuan.ids import StreamType
from neolink.camera.failures import StreamsStalled
from neolink.camera.session import CameraSession, VideoStream
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
"""So many starts without a picture or a sound, and the login itself is made anew."""

BLIND_S = 15.0
"""The same for one whose bytes make no picture: a damaged length can swallow megabytes."""

LOSS_S = 3.0
"""Without a picture for this long the camera counts as lost to the readers."""

CHECK_S = 1.0
"""How often a running stream is looked at."""

RETRY_INITIAL_S = 1.0
RETRY_MAX_S = 30.0

STREAM_TYPES = {
    StreamKind.MAIN: StreamType.MAIN,
    StreamKind.SUB: StreamType.SUB,
    StreamKind.EXTERN: StreamType.EXTERN,
}


class CameraStream:
    """A stream that can be wanted.

    ``publish`` is given every unit; ``source_lost`` is called once when units stop although the
    stream is wanted.
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
        origin_s: float | None = None,
    ) -> None:
        self.kind = kind
        self.channel_id = settings.channel_id
        self.nominal_bitrate_bps: float | None = None
        """Bits per second that the camera is set to; None while it did not tell."""
        self.on_bitrate: Callable[[float | None], None] = lambda _: None
        """Called with what the camera tells of it."""
        self.starts = 0
        """Successful start-video requests."""
        self.stalls = 0
        """How often it fell silent and was started again."""
        self.errors = 0
        """Failures that had it started again: refused, broken or silent."""
        self.media_errors = 0
        """How often what it carried broke the rules, and it was started again for that."""
        self._source_lost = source_lost
        self._clock = clock
        self._log = bind(
            logging.getLogger(__name__), camera=settings.name, stream=kind, phase="stream"
        )
        self._limiter = limiter
        self._wanted = asyncio.Event()
        self._flowing = asyncio.Event()
        """Wanted and not paused."""
        self._attention = asyncio.Event()
        self._units_told = 0
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
            origin_s=origin_s,
        )

    @property
    def is_wanted(self) -> bool:
        """Whether somebody needs the stream now."""
        return self._wanted.is_set()

    def note_bitrate(self, bitrate_bps: float | None) -> None:
        """Learn what the camera is set to."""
        self.nominal_bitrate_bps = bitrate_bps
        self.on_bitrate(bitrate_bps)

    async def until_wanted(self) -> None:
        """Wait until somebody needs the stream."""
        await self._wanted.wait()

    def request(self, wanted: bool) -> None:  # noqa: FBT001 - the hub's callable has this one argument
        """Say whether the stream is wanted from now on; that ends a pause."""
        if wanted:
            self._wanted.set()
        else:
            self._wanted.clear()
        self.pause(False)

    def pause(self, is_paused: bool) -> None:  # noqa: FBT001 - the hub's callable has this one argument
        """Say whether a wanted stream rests: it is stopped, but the login is kept for its sake."""
        if self._wanted.is_set() and not is_paused:
            self._flowing.set()
        else:
            self._flowing.clear()
            self._attention.set()

    async def serve(self, session: CameraSession) -> None:
        """Run the stream on this login whenever it is wanted and not paused, until cancelled.

        Raises ConnectionLost when the login is gone. A stream that the camera refuses, breaks
        or lets fall silent is started again, ever slower; other streams do not notice.
        """
        try:
            while True:
                await self._flowing.wait()
                try:
                    await self._run(session)
                except (CommandRefused, RemoteProtocolError, _StalledError) as error:
                    await self._recover(session, error)
        finally:
            self._tell_loss()

    async def _run(self, session: CameraSession) -> None:
        self._failure = None
        self.demuxer.restart()
        stream = await self._start(session)
        self.starts += 1
        self._log.debug("started")
        try:
            await self._until_stopped()
            self._units_told = self.demuxer.units  # an end on purpose is no loss
        finally:
            await stream.close()
            self._log.debug("stopped")

    async def _start(self, session: CameraSession) -> VideoStream:
        received = session.messages_received
        self.demuxer.frame_rate_tables = session.frame_rate_tables
        try:
            return await session.start_video(
                STREAM_TYPES[self.kind], self.channel_id, self.demuxer.feed
            )
        except DeadlineExceeded as error:
            if session.messages_received == received:
                raise  # not the stream, the whole camera is silent
            raise _StalledError(str(error)) from None

    async def _until_stopped(self) -> None:
        started_s = self._clock.monotonic_s()
        while self._flowing.is_set():
            self._check(started_s)
            self._attention.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(CHECK_S):
                    await self._attention.wait()

    def _check(self, started_s: float) -> None:
        if self._failure is not None:
            raise self._failure
        if self.demuxer.units != self._units_told:  # the answer to the start alone is no fruit
            self._fruitless = 0
            self._retry_s = RETRY_INITIAL_S
        now_s, demuxer = self._clock.monotonic_s(), self.demuxer
        silent_s = now_s - max(started_s, demuxer.last_bytes_s or started_s)
        blind_s = now_s - max(started_s, demuxer.last_picture_s or started_s)
        if silent_s > SILENCE_S:
            self.stalls += 1
            raise _StalledError(f"no byte for {silent_s:.0f} s")
        if blind_s > BLIND_S:
            self.stalls += 1
            raise _StalledError(f"no picture for {blind_s:.0f} s, although bytes come")
        if blind_s > LOSS_S:
            self._tell_loss()  # so that readers soon see a stand-in; pictures may come yet

    async def _recover(self, session: CameraSession, error: Exception) -> None:
        self._failure = None  # it knows the login, and the stream may rest for long
        self._tell_loss()
        self.errors += not isinstance(error, RemoteProtocolError)
        self.media_errors += isinstance(error, RemoteProtocolError)
        self._limiter.log(
            self._log, logging.WARNING, "%s; starting again in %g s", str(error), self._retry_s
        )
        self._fruitless += isinstance(error, _StalledError)
        if self._fruitless >= FRUITLESS_STARTS:
            self._fruitless = 0
            text = f"{self.kind} stream stays silent after {FRUITLESS_STARTS} starts"
            session.kill(StreamsStalled(text))
        pause_s, self._retry_s = self._retry_s, min(2 * self._retry_s, RETRY_MAX_S)
        await asyncio.sleep(pause_s)

    def _fail(self, error: RemoteProtocolError) -> None:
        self._failure = error
        self._attention.set()

    def _tell_loss(self) -> None:
        """Tell the hub, unless nothing came since it was told last."""
        if self.demuxer.units != self._units_told:
            self._units_told = self.demuxer.units
            self._source_lost()


class _StalledError(DeadlineExceeded):
    """A stream fell silent although the connection lives."""
