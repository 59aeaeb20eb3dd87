"""A simulated camera that listens: sockets, one task that keeps time, and what tests do to it.

What a client sees is in ``camera``. The camera owns its listener, its connections and its task;
all of them end with it.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from functools import partial
from types import TracebackType
from typing import Self

from neolink.baichuan.ids import MessageId
from neolink.baichuan.xml import serialize_body
from neolink.baichuan.xml.events import AlarmEvent, AlarmEventList
from neolink.clock import Clock, SystemClock
from neolink.errors import ConfigError
from neolink.simulator.camera import ClientConnection
from neolink.simulator.device import Device
from neolink.simulator.faults import Fault, Silence
from neolink.simulator.loudspeaker import Loudspeaker
from neolink.simulator.profile import CameraProfile
from neolink.simulator.scenario import Scenario, TimedFault
from neolink.simulator.stats import CameraStats

__all__ = ["SimulatedCamera", "run_cameras"]

_LOG = logging.getLogger(__name__)
_SHORTEST_PAUSE_S = 0.001
_CLOSING_S = 5.0


class SimulatedCamera:
    """One device on one port, from ``async with`` to its end.

    ``port`` 0 takes a free one, which ``port`` then tells. A port that is in use is a ConfigError.
    Making the object may take long when the profile asks for pictures made to measure.
    """

    def __init__(
        self,
        profile: CameraProfile,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Clock | None = None,
        scenario: Scenario | None = None,
    ) -> None:
        self.profile = profile
        self.host = host
        self.port = port
        self._clock = clock or SystemClock()
        self._scenario = scenario or Scenario()
        self._wake = asyncio.Event()
        self._device = Device(profile, self._clock, self._wake.set)
        self._listener: asyncio.Server | None = None
        self._task: asyncio.Task[None] | None = None
        for kind in profile.streams:
            profile.clip(kind)

    async def __aenter__(self) -> Self:
        await self._listen()
        for timed in self._scenario.faults:
            self._device.later(timed.at_s, partial(self._play, timed))
        if self.profile.motion_every_s is not None:
            self._device.later(self.profile.motion_every_s, self._begin_motion)
        self._task = asyncio.create_task(self._live(), name=f"simulated camera {self.port}")
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._task is not None
        self._stop_listening()
        self._device.cut()
        self._task.cancel()
        await asyncio.wait([self._task])
        await self.wait_for(lambda stats: not stats.open_connections, _CLOSING_S)
        if not self._task.cancelled() and exc is None:
            self._task.result()

    @property
    def stats(self) -> CameraStats:
        """What happened so far; the same object all the time."""
        return self._device.stats

    def loudspeaker(self, channel: int = 0) -> Loudspeaker:
        """Return what a channel's loudspeaker plays. Raises IndexError for a camera without."""
        return self._device.loudspeakers[channel]

    async def wait_for(
        self, is_true: Callable[[CameraStats], bool], timeout_s: float = 5.0
    ) -> None:
        """Return as soon as a predicate of the counters holds. Raises TimeoutError."""
        await self._device.watch.wait_for(is_true, timeout_s)

    async def serve(self) -> None:
        """Wait until cancelled; raise what ended the camera if something does."""
        assert self._task is not None
        await asyncio.shield(self._task)

    # ------------------------------------------------------------ what is done to it
    def inject(self, fault: Fault, duration_s: float | None = None) -> None:
        """Let something go wrong, as long as this kind of fault lasts by default."""
        if duration_s is None:
            duration_s = fault.default_duration_s
        _LOG.info("port %d: %s begins, for %g s", self.port, fault.NAME, duration_s)
        self._device.begin_for(fault, duration_s)

    def begin(self, fault: Fault) -> None:
        """Let something go wrong until `resume`."""
        self._device.begin(fault)

    def cut(self) -> None:
        """Reset all connections."""
        self._device.cut()

    def silence(self) -> None:
        """Hang until `resume`: what arrives is lost, nothing is sent, connections stay open."""
        self._device.begin(Silence())

    def resume(self) -> None:
        """End all faults of the moment."""
        for fault in tuple(self._device.faults):
            self._device.end(fault)

    def push_motion(self, channel: int = 0, status: str = "MD", ai_type: str = "none") -> None:
        """Tell subscribers about an alarm; ``none`` and ``none`` end it."""
        event = AlarmEvent(channel, status, ai_type, recording=0, time_stamp=0)
        body = serialize_body(AlarmEventList((event,)))
        self._device.push_event(MessageId.ALARM_EVENTS, body)

    def push(self, message_id: int, body: bytes) -> None:
        """Send a message that nobody asked for to all who are logged in."""
        self._device.push(message_id, body)

    # ------------------------------------------------------------ life
    async def _live(self) -> None:
        device = self._device
        while True:
            self._wake.clear()
            now_s = self._clock.monotonic_s()
            device.send_due(now_s)
            await self._mind_listener()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pause_s(now_s)):
                    await self._wake.wait()

    def _pause_s(self, now_s: float) -> float | None:
        due_s = self._device.next_due_s(now_s)
        return None if due_s is None else max(_SHORTEST_PAUSE_S, due_s - now_s)

    async def _mind_listener(self) -> None:
        """Listen unless a fault keeps the camera from it."""
        if self._device.is_refusing:
            self._stop_listening()
        elif self._listener is None:
            await self._listen()

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            self._listener = await loop.create_server(self._accept, self.host, self.port)
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
            raise ConfigError(f"cannot listen on {self.host}:{self.port}: {reason}") from None
        self.port = self._listener.sockets[0].getsockname()[1]
        self._device.settings.port = self.port

    def _stop_listening(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _accept(self) -> ClientConnection:
        return ClientConnection(self._device)

    def _play(self, timed: TimedFault) -> None:
        self.inject(timed.make(), timed.duration_s)

    def _begin_motion(self) -> None:
        assert self.profile.motion_every_s is not None
        for channel in range(self.profile.channels):
            self.push_motion(channel, "MD", "people")
        self._device.later(self.profile.motion_every_s / 2, self._end_motion)

    def _end_motion(self) -> None:
        assert self.profile.motion_every_s is not None
        for channel in range(self.profile.channels):
            self.push_motion(channel, "none", "none")
        self._device.later(self.profile.motion_every_s / 2, self._begin_motion)


async def run_cameras(
    profiles: Sequence[CameraProfile],
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    scenario: Scenario | Sequence[Scenario] | None = None,
    on_ready: Callable[[Sequence[SimulatedCamera]], None] | None = None,
) -> None:
    """Run cameras on consecutive ports (0: any free ones) until cancelled.

    ``scenario`` is for all of them; a sequence has one for each. ``on_ready`` is called when all of
    them listen. Raises ConfigError for a port in use.
    """
    scenarios = scenario if isinstance(scenario, Sequence) else [scenario] * len(profiles)
    async with AsyncExitStack() as stack:
        cameras = [
            await stack.enter_async_context(
                SimulatedCamera(profile, host=host, port=port + index if port else 0, scenario=one)
            )
            for index, (profile, one) in enumerate(zip(profiles, scenarios, strict=True))
        ]
        if on_ready is not None:
            on_ready(cameras)
        async with asyncio.TaskGroup() as tasks:
            for camera in cameras:
                tasks.create_task(camera.serve(), name=f"serve {camera.port}")
