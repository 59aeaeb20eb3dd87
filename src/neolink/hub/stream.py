"""One stream: a camera publishes units, sinks get them in the same turn of the loop.

Hot path: :meth:`Stream.publish` runs once per unit, and calls each sink once; a sink that needs
to queue does so itself. Nothing here knows a camera's bytes or a player's socket.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType
from typing import Protocol, Self

from neolink.clock import Clock
from neolink.errors import DeadlineExceeded
from neolink.hub.demand import Demand, DemandEvent, DemandState
from neolink.media.tracks import VIDEO_CLOCK_RATE, Presentation
from neolink.media.units import AccessUnit, AudioFrame, MediaUnit

__all__ = ["Hold", "Sink", "Stream"]

_LOG = logging.getLogger(__name__)

AUDIO_WAIT_TICKS = VIDEO_CLOCK_RATE
"""Video that must have come before a stream counts as silent: one second of media time."""


class Sink(Protocol):
    """Somebody who is given every unit. Must return at once and never raise."""

    def push(self, unit: MediaUnit) -> None:
        """Take one unit."""

    def presentation_changed(self, presentation: Presentation) -> None:
        """Learn that the tracks changed so much that readers must describe the stream again."""

    def source_stopped(self) -> None:
        """Learn that no unit follows the last one; what comes later begins anew."""


class Hold:
    """Keeps a stream wanted; released once, also as a context manager."""

    def __init__(self, release: Callable[[], None]) -> None:
        self._release: Callable[[], None] | None = release

    def release(self) -> None:
        """Let go; a second call does nothing."""
        release, self._release = self._release, None
        if release is not None:
            release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()


class Stream:
    """One writer, many readers, and the demand that joins them.

    ``on_demand`` is called with True when the stream becomes wanted and with False when nobody
    has wanted it for ``grace_s`` seconds. It must return at once.
    """

    def __init__(
        self,
        name: str,
        *,
        clock: Clock,
        grace_s: float = 5.0,
        on_demand: Callable[[bool], None] = lambda _: None,
    ) -> None:
        self.name = name
        self.on_demand = on_demand
        self.presentation: Presentation | None = None
        self.description_version = 1
        self.units = 0
        self.bytes = 0
        self.sink_failures = 0
        self.last_unit_s: float | None = None
        self._clock = clock
        self._grace_s = grace_s
        self._demand = Demand()
        self._sinks: tuple[Sink, ...] = ()
        self._holds = 0
        self._linger: asyncio.TimerHandle | None = None
        self._described = asyncio.Event()
        self._learning = _Learning()

    @property
    def state(self) -> DemandState:
        """Where the stream is in its life."""
        return self._demand.state

    # -- the writer's side ------------------------------------------------------------

    def publish(self, unit: MediaUnit) -> None:
        """Give one unit to every sink."""
        self.units += 1
        self.bytes += unit.size
        self.last_unit_s = self._clock.monotonic_s()
        if self._demand.state is not DemandState.LIVE:
            self._demand.handle(DemandEvent.UNIT_CAME)
            if self._demand.state is DemandState.IDLE:
                return  # sent before the stop arrived; a sink must not keep it as the newest
        self._learn(unit)
        for sink in self._sinks:
            try:
                sink.push(unit)
            except Exception:  # noqa: BLE001 - must reach neither the camera nor other sinks
                self._note_failure()

    def source_lost(self) -> None:
        """Tell that the camera was lost: units stop until it comes back."""
        self._demand.handle(DemandEvent.SOURCE_LOST)
        self._stopped()

    # -- the readers' side ------------------------------------------------------------

    def hold(self) -> Hold:
        """Want the stream until the returned hold is released."""
        self._holds += 1
        if self._holds == 1:
            self._join()
        return Hold(self._release)

    def subscribe(self, sink: Sink) -> None:
        """Give every unit to ``sink``; that alone does not make the stream wanted."""
        self._sinks = (*self._sinks, sink)

    def unsubscribe(self, sink: Sink) -> None:
        """Give ``sink`` nothing any more."""
        self._sinks = tuple(other for other in self._sinks if other is not sink)

    async def describe(self, timeout_s: float) -> Presentation:
        """Return what the stream consists of, starting it only if that was never learnt.

        Raises DeadlineExceeded when the camera has not shown it within ``timeout_s``.
        """
        if self.presentation is None:
            with self.hold():
                await self._until_described(timeout_s)
        assert self.presentation is not None  # set before the event
        return self.presentation

    def close(self) -> None:
        """Cancel the timer; the stream is not used afterwards."""
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None

    async def _until_described(self, timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                await self._described.wait()
        except TimeoutError:
            raise DeadlineExceeded(
                f"{self.name}: no picture within {timeout_s:g} s of asking the camera"
            ) from None

    # -- demand -----------------------------------------------------------------------

    def _join(self) -> None:
        was_wanted = self._demand.is_wanted
        self._demand.handle(DemandEvent.FIRST_JOINED)
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None
        if not was_wanted:
            _LOG.debug("%s: wanted", self.name)
            self.on_demand(self._demand.is_wanted)

    def _release(self) -> None:
        self._holds -= 1
        if self._holds:
            return
        self._demand.handle(DemandEvent.LAST_LEFT)
        loop = asyncio.get_running_loop()
        self._linger = loop.call_later(self._grace_s, self._grace_over)

    def _grace_over(self) -> None:
        self._linger = None
        self._demand.handle(DemandEvent.GRACE_OVER)
        self._stopped()
        _LOG.debug("%s: no longer wanted", self.name)
        self.on_demand(self._demand.is_wanted)

    def _stopped(self) -> None:
        self._learning = _Learning(self.presentation)
        self._tell(lambda sink: sink.source_stopped())

    # -- sinks ------------------------------------------------------------------------

    def _tell(self, call: Callable[[Sink], None]) -> None:
        for sink in self._sinks:
            try:
                call(sink)
            except Exception:  # noqa: BLE001 - must reach neither the camera nor other sinks
                self._note_failure()

    def _note_failure(self) -> None:
        """Count the exception being handled; only the first is logged."""
        self.sink_failures += 1
        if self.sink_failures == 1:
            _LOG.exception("%s: a reader of the stream failed", self.name)

    # -- description ------------------------------------------------------------------

    def _learn(self, unit: MediaUnit) -> None:
        found = self._learning.push(unit)
        if found is None:
            return
        before = self.presentation
        if before is not None and found.audio is None:
            found = replace(found, audio=before.audio)  # a muted track stays described
        if found == before:
            return
        self.presentation = found
        self.description_version += 1
        self._described.set()
        if before is not None and _needs_new_description(before, found):
            _LOG.info("%s: the tracks changed, players must describe again", self.name)
            self._tell(lambda sink: sink.presentation_changed(found))


class _Learning:
    """Collects tracks until the presentation is complete: video, and audio or a silent second.

    A presentation known from before saves the wait: its audio is taken to come again.
    """

    def __init__(self, known: Presentation | None = None) -> None:
        self._video: AccessUnit | None = None
        self._audio: AudioFrame | None = None
        self._first_pts = 0
        self._known = known

    def push(self, unit: MediaUnit) -> Presentation | None:
        if isinstance(unit, AudioFrame):
            if self._audio is not None and self._audio.track is unit.track:
                return None
            self._audio = unit
        else:
            if self._known is not None and self._video is not None:
                if self._video.track is unit.track:
                    return None
            elif self._video is None:
                self._first_pts = unit.pts
            self._video = unit
        return self._complete(unit)

    def _complete(self, unit: MediaUnit) -> Presentation | None:
        if self._video is None:
            return None
        if self._audio is None:
            silent = unit.pts - self._first_pts
            if self._known is None and silent < AUDIO_WAIT_TICKS:
                return None
        audio = self._audio.track if self._audio else None
        self._known = Presentation(video=self._video.track, audio=audio)
        return self._known


def _needs_new_description(before: Presentation, after: Presentation) -> bool:
    """Parameter sets and size may change in band, a codec may not.

    Audio that appears late concerns only players that come after it.
    """
    if before.audio is not None and before.audio != after.audio:
        return True
    if before.video is None or after.video is None:
        return before.video is not after.video
    return before.video.codec is not after.video.codec
