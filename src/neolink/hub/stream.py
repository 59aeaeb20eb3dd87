"""One stream: a camera publishes units, sinks get them in the same turn of the loop.

Hot path: :meth:`Stream.publish` runs once per unit, and calls each sink once; a sink that needs
to queue does so itself. Nothing here knows a camera's bytes or a player's socket.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType
from typing import Self

from neolink.clock import Clock
from neolink.errors import DeadlineExceeded, LocalProtocolError
from neolink.hub.counters import StreamCounters
from neolink.hub.demand import Demand, DemandEvent, DemandState
from neolink.hub.description import Description
from neolink.hub.events import Events
from neolink.hub.memory import Memory, NoMemory
from neolink.hub.pause import PauseRule, PauseSettings
from neolink.hub.sinks import Sink, Sinks
from neolink.hub.splash import SplashReason
from neolink.hub.standin import StandIn, StandInSettings
from neolink.log import RepeatLimiter, bind_stream
from neolink.media.tracks import VIDEO_CLOCK_RATE, Presentation
from neolink.media.units import AccessUnit, MediaUnit

__all__ = ["Hold", "Stream"]

_LOG = logging.getLogger(__name__)


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
    has wanted it for ``grace_s`` seconds. ``on_pause`` is called with True when a wanted stream
    begins to rest and with False when it is to flow again; a pause also ends with the demand. Both
    must return at once. ``origin_s`` is the monotonic time that ``pts`` 0 stands for; the writer
    counts from the same instant.
    """

    def __init__(
        self,
        name: str,
        *,
        clock: Clock,
        grace_s: float = 5.0,
        on_demand: Callable[[bool], None] = lambda _: None,
        stand_in: StandInSettings | None = None,
        explain: Callable[[], SplashReason] = lambda: SplashReason.STARTING,
        memory: Memory | None = None,
    ) -> None:
        self.name = name
        self.origin_s = clock.monotonic_s()
        self.on_demand = on_demand
        self.on_pause: Callable[[bool], None] = lambda _: None
        self.events = Events(name, clock)
        """What the camera notices, while anybody wants to know."""
        self.counters = StreamCounters()
        """What the camera has sent."""
        self.state_since_s = self.origin_s
        """Monotonic time of the last change of state."""
        self._clock = clock
        self._log = bind_stream(_LOG, name)
        self._limiter = RepeatLimiter(clock)
        self._grace_s = grace_s
        self._demand = Demand()
        self._pause = PauseRule(PauseSettings())
        self._is_paused = False
        """What was told to the camera."""
        self._sinks = Sinks(name)
        self._description = Description(name, memory or NoMemory())
        self._holds = 0
        self._stand_in = StandIn(
            stand_in or StandInSettings(is_enabled=False), self._description.recalled_key
        )
        self.explain = explain
        """Tells why the camera is away; asked for each stand-in that shows words."""
        self._pts = -1
        """Of the newest picture that was published."""
        self._seen = (0, self.origin_s)
        """pts of the camera's newest picture, and when it came."""
        self._is_stood_in_for = False
        """Whether readers were given the stand-in's description."""
        self._linger: asyncio.TimerHandle | None = None
        self._waiting: asyncio.TimerHandle | None = None
        """Fires when the hold is over, then for each stand-in picture."""
        self.stand_ins = 0
        """Stand-in pictures published."""
        self._is_closed = False

    @property
    def presentation(self) -> Presentation | None:
        """What the stream consists of; None until it is known."""
        return self._description.presentation

    @property
    def description_version(self) -> int:
        """Grows with every change of what a description tells."""
        return self._description.version

    @property
    def nominal_bitrate_bps(self) -> float | None:
        """Bits per second that the camera is set to send; None while it did not tell."""
        return self._description.bitrate_bps

    @property
    def last_key_frame(self) -> AccessUnit | None:
        """The camera's newest key frame, maybe of an earlier run; None while none is known."""
        return self._stand_in.last_key

    @property
    def sink_failures(self) -> int:
        """Exceptions of sinks, which have been kept from everybody else."""
        return self._sinks.failures

    @property
    def stand_in_settings(self) -> StandInSettings:
        """How the camera's absence is bridged; may be changed while running."""
        return self._stand_in.settings

    @stand_in_settings.setter
    def stand_in_settings(self, settings: StandInSettings) -> None:
        self._stand_in.settings = settings
        self._is_stood_in_for &= settings.is_enabled

    @property
    def pause_settings(self) -> PauseSettings:
        """When the stream rests; may be changed while running."""
        return self._pause.settings

    @pause_settings.setter
    def pause_settings(self, settings: PauseSettings) -> None:
        self._pause.settings = settings
        self._pause_or_resume(self._clock.monotonic_s())

    @property
    def media_now_s(self) -> float:
        """Media time that the camera has reached by now, as far as our clock tells."""
        return self._pts_now() / VIDEO_CLOCK_RATE

    @property
    def is_open(self) -> bool:
        """False once it was closed."""
        return not self._is_closed

    @property
    def state(self) -> DemandState:
        """Where the stream is in its life."""
        return self._demand.state

    # -- the writer's side ------------------------------------------------------------

    def publish(self, unit: MediaUnit) -> None:
        """Give one unit of the camera to every sink."""
        now_s = self._clock.monotonic_s()
        if isinstance(unit, AccessUnit):
            self.counters.picture_came(unit, now_s)
            unit = self._note_picture(unit, now_s)
        else:
            self.counters.sound_came(unit, now_s)
        if self._demand.state in (DemandState.IDLE, DemandState.PAUSED):
            self.counters.stopped()
            return  # sent before the stop arrived; a sink must not keep it as the newest
        self._learn(unit)
        self._sinks.give(unit)
        if self._pause.settings.on_motion:
            self._pause_or_resume(now_s)

    def motion_changed(self, is_motion: bool) -> None:  # noqa: FBT001 - a follower has this one argument
        """Tell whether there is motion before the camera."""
        self._pause.is_motion = is_motion
        self._pause_or_resume(self._clock.monotonic_s())

    def note_bitrate(self, bitrate_bps: float | None) -> None:
        """Tell what the camera is set to send."""
        self._description.note_bitrate(bitrate_bps)

    def source_lost(self) -> None:
        """Tell that the camera was lost: units stop until it comes back."""
        was_live = self._demand.state is DemandState.LIVE
        self.counters.stopped()
        self._move(DemandEvent.SOURCE_LOST)
        if was_live:
            self._wait(self._stand_in.settings.lost_hold_s)
        self._stopped()

    def _note_picture(self, unit: AccessUnit, now_s: float) -> AccessUnit:
        if self._demand.state is not DemandState.LIVE:
            self._move(DemandEvent.UNIT_CAME)
            if self._demand.state is not DemandState.PAUSED:
                self._wait(None)
        self._pause.picture_came(now_s)
        if unit.is_random_access:
            self._stand_in.remember(unit)
        if unit.pts <= self._pts:  # stand-ins were counted by our clock, not the camera's
            unit = replace(unit, pts=self._pts + 1)
        self._pts = unit.pts
        self._seen = (unit.pts, now_s)
        self._is_stood_in_for = False
        return unit

    def _learn(self, unit: MediaUnit) -> None:
        description, version = self._description, self._description.version
        before = description.presentation
        must_describe_again = description.learn(unit)
        if description.version != version:
            description.memorize(self._stand_in.last_key)
            if not must_describe_again:
                self._tell_size(before)
        if must_describe_again and (found := description.presentation):
            self._sinks.tell(lambda sink: sink.presentation_changed(found))

    def _tell_size(self, before: Presentation | None) -> None:
        """Log that pictures became larger or smaller: a recording may show where it was."""
        old, new = before and before.video, self.presentation and self.presentation.video
        if old and new and (old.width, old.height) != (new.width, new.height):
            text = "pictures are %dx%d now and were %dx%d; players go on, in the same session"
            sizes = new.width, new.height, old.width, old.height
            self._limiter.log(self._log, logging.INFO, text, *sizes)

    # -- while the camera is away, or rests -------------------------------------------

    def _pause_or_resume(self, now_s: float) -> None:
        """Let the camera rest, or send again, if the rule says so and the stream is known."""
        should_rest = self._pause.should_rest(now_s)
        if self._demand.state is DemandState.PAUSED and not should_rest:
            self._log.debug("the camera is to send again")
            self._move(DemandEvent.RESUMED)
            self.counters.asked(now_s)
            self._wait(self._start_hold_s())
        elif self._demand.state is DemandState.LIVE and should_rest and self._is_known():
            self._log.debug("the camera rests until there is motion")
            self._move(DemandEvent.PAUSED)
            self.counters.dismissed()
            self._stopped()
            self._stand_in_now()

    def _is_known(self) -> bool:
        return self.presentation is not None and self._stand_in.last_key is not None

    def _wait(self, pause_s: float | None) -> None:
        """Look again after a pause whether the camera is still away; None: it is not."""
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
        if pause_s is not None and not self._is_closed:
            loop = asyncio.get_running_loop()
            self._waiting = loop.call_later(pause_s, self._still_away)

    def _still_away(self) -> None:
        """End the hold, or show the next stand-in."""
        self._waiting = None
        if self._demand.state is DemandState.PAUSED:
            self._stand_in_now()
            return
        settings = self._stand_in.settings
        if self._demand.state is not DemandState.PLACEHOLDER:
            self._move(DemandEvent.HOLD_OVER)
            self._log.info("the camera is away (%s)", self.explain())
        if not settings.is_enabled:
            self._sinks.tell(lambda sink: sink.source_ended())
        if settings.is_enabled and self._demand.state is DemandState.PLACEHOLDER:
            self._stand_in_now()

    def _stand_in_now(self) -> None:
        """Show a stand-in now and at every interval."""
        self._pts = max(self._pts + 1, self._pts_now())
        self.stand_ins += 1
        if self._demand.state is DemandState.PAUSED:
            picture = self._stand_in.resting(self._pts, self._pause.settings.mode)
        else:
            picture = self._stand_in.picture(self._pts, self.explain())
        self._sinks.give(picture)
        self._wait(self._stand_in.settings.interval_s)

    def _start_hold_s(self) -> float:
        settings = self._stand_in.settings
        if self._is_stood_in_for:
            return 0.0  # its readers have been told of the stand-in
        return settings.start_hold_s if settings.is_enabled else settings.lost_hold_s

    def _pts_now(self) -> int:
        """Where the camera's clock would be, as far as ours tells."""
        now_s = self._clock.monotonic_s()
        pts, seen_s = self._seen
        return pts + round((now_s - seen_s) * VIDEO_CLOCK_RATE)

    # -- the readers' side ------------------------------------------------------------

    def hold(self) -> Hold:
        """Want the stream until the returned hold is released."""
        self._holds += 1
        if self._holds == 1:
            self._join()
        return Hold(self._release)

    def subscribe(self, sink: Sink) -> None:
        """Give every unit to ``sink``; that alone does not make the stream wanted."""
        self._sinks.add(sink)

    def unsubscribe(self, sink: Sink) -> None:
        """Give ``sink`` nothing any more."""
        self._sinks.remove(sink)

    async def describe(self, timeout_s: float) -> Presentation:
        """Return what the stream consists of, starting it only if that was never learnt.

        A camera that has not shown it within ``timeout_s`` is described by its stand-in. Raises
        DeadlineExceeded when there is none.
        """
        if self.presentation is None and not self._is_stood_in_for:
            with self.hold():
                try:
                    await self._description.wait(timeout_s)
                except DeadlineExceeded:
                    if not self._stand_in.settings.is_enabled:
                        raise
                    self._is_stood_in_for = True
        return self.presentation or self._stand_in.presentation

    def close(self) -> None:
        """Remember the stream and cancel the timers; it is not used afterwards.

        Who waits for its description is given that of the stand-in.
        """
        self._description.memorize(self._stand_in.last_key)
        self._description.close()
        self._is_closed = True
        self._wait(None)
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None

    # -- demand -----------------------------------------------------------------------

    def _move(self, event: DemandEvent) -> None:
        """Change the state; where that fails, readers go on and the log tells."""
        before = self._demand.state
        try:
            self._demand.handle(event)
        except LocalProtocolError as error:
            state = self._demand.settle(event, is_held=self._holds > 0)
            self._limiter.log(self._log, logging.WARNING, "%s; going on as %s", error, state)
        if self._demand.state is not before:
            self.state_since_s = self._clock.monotonic_s()
        self._tell_pause()

    def _tell_pause(self) -> None:
        """Keep the camera in step with the state; the end of the demand tells it more."""
        is_paused = self._demand.state is DemandState.PAUSED
        if is_paused is not self._is_paused:
            self._is_paused = is_paused
            if self._demand.is_wanted:
                self.on_pause(is_paused)

    def _join(self) -> None:
        was_wanted = self._demand.is_wanted
        self._pause.joined()
        self._move(DemandEvent.FIRST_JOINED)
        self._wait(self._start_hold_s())
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None
        if not was_wanted:
            self.counters.asked(self._clock.monotonic_s())
            self._log.debug("wanted")
            self.on_demand(self._demand.is_wanted)

    def _release(self) -> None:
        self._holds -= 1
        if self._holds:
            return
        self._move(DemandEvent.LAST_LEFT)
        self._wait(None)
        if not self._demand.is_wanted:
            self._let_go()
            return
        if self._is_closed:
            return
        loop = asyncio.get_running_loop()
        self._linger = loop.call_later(self._grace_s, self._grace_over)

    def _grace_over(self) -> None:
        self._linger = None
        self._move(DemandEvent.GRACE_OVER)
        self._let_go()

    def _let_go(self) -> None:
        """Tell all that the stream is not wanted any more."""
        self.counters.dismissed()
        self._stopped()
        self._description.memorize(self._stand_in.last_key)
        self._log.debug("no longer wanted")
        self.on_demand(self._demand.is_wanted)

    def _stopped(self) -> None:
        self._description.restart()
        self._sinks.tell(lambda sink: sink.source_stopped())
