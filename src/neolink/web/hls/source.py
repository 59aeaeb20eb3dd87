"""One stream as HLS, for all its sessions: a sink that exists while somebody asks."""

import asyncio
import logging
import math
from collections.abc import Callable

from neolink.clock import Clock
from neolink.errors import NeolinkError
from neolink.hub.stream import Stream
from neolink.log import bind
from neolink.media.tracks import Presentation, StreamKind
from neolink.media.units import AudioFrame, MediaUnit
from neolink.mp4.movie import Movie
from neolink.web.hls.segments import Segments
from neolink.web.live.channel import STOOD_IN_FOR

__all__ = ["Source"]

_LOG = logging.getLogger(__name__)

USUAL_GOP_S = 2.0

LEARNING_GROUPS = 1
"""Groups of pictures of a stream that was never seen that are left out, to learn of its sound."""


class Source:
    """Wants the stream from its making until :meth:`close`."""

    def __init__(self, stream: Stream, camera: str, kind: StreamKind, clock: Clock) -> None:
        self.stream = stream
        self.camera = camera
        self.kind = kind
        self.segments = Segments(target_s=math.ceil(stream.counters.gop_s or USUAL_GOP_S))
        self.end_reason = ""
        """Why nothing more comes, in words."""
        self._clock = clock
        self._log = bind(_LOG, camera=camera, stream=kind)
        self._movie = Movie(has_sound=True)
        self._progress = asyncio.Event()
        self._to_skip = LEARNING_GROUPS if stream.presentation is None else 0
        """Groups of pictures that are still left out."""
        if stream.presentation is not None:
            self._movie.expect_sound(stream.presentation.audio)
        self._hold = stream.hold()
        stream.subscribe(self)

    async def until(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until a condition holds, or nothing more comes; return whether it holds."""
        try:
            async with asyncio.timeout(timeout_s):
                while not condition() and not self.end_reason:
                    await self._progress.wait()
        except TimeoutError:
            pass
        return condition()

    def close(self, reason: str) -> None:
        """Let go of the stream; whoever waits is told."""
        if self.end_reason:
            return
        self.end_reason = reason
        self.stream.unsubscribe(self)
        self._hold.release()
        self._advance()

    # -- the stream's side (Sink) -----------------------------------------------------

    def push(self, unit: MediaUnit) -> None:
        """Write one unit."""
        if self._to_skip >= 0 and not self._knows_tracks(unit):
            return
        try:
            addition = self._movie.push(unit)
        except NeolinkError as error:
            self._log.warning("HLS players cannot be shown this video: %s", error)
            self.close(f"this video cannot be shown: {error}")
            return
        if self.stream.state in STOOD_IN_FOR:
            self._movie.restart()  # a picture of the camera does not follow a stand-in
        if addition is not None:
            has_part = self.segments.push(addition, self._clock.unix_s())
            if has_part or addition.initialization is not None:
                self._advance()

    def _knows_tracks(self, unit: MediaUnit) -> bool:
        """Return whether to begin: players end where a track comes later than the first ones.

        A stream that was never seen shows in its first group of pictures what it consists of.
        """
        if isinstance(unit, AudioFrame):
            self._movie.expect_sound(unit.track)
        elif unit.is_random_access:
            self._to_skip -= 1
        return self._to_skip < 0

    def presentation_changed(self, presentation: Presentation) -> None:
        """Other tracks are told in band."""
        self._movie.expect_sound(presentation.audio)

    def source_stopped(self) -> None:
        """Complete what was begun: nothing follows it."""
        self._movie.restart()
        if self.segments.stop():
            self._advance()

    def source_ended(self) -> None:
        """Go on waiting: players ask again until their sessions are over."""

    def _advance(self) -> None:
        progress, self._progress = self._progress, asyncio.Event()
        progress.set()
