"""The one place that wires everything: settings → a running bridge in one TaskGroup.

No protocol and no parsing here. Each camera is supervised: whatever ends its task is logged and the
camera is started again; it never ends a sibling.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from neolink.absence import stand_in_settings, why
from neolink.camera.commands.motion import EventFollower, MotionFollower
from neolink.camera.connection import RECEIVE_BUFFERS
from neolink.camera.devices import Channels, group_devices, login_settings, match_devices
from neolink.camera.settings import CameraSettings
from neolink.camera.stream import CameraStream
from neolink.camera.supervisor import Camera
from neolink.clock import Clock, SystemClock
from neolink.convert.threads import CodecThreads
from neolink.errors import Unsupported
from neolink.hub.memory import FileMemory, NoMemory
from neolink.hub.pause import PauseSettings
from neolink.hub.stream import Stream
from neolink.log import BoundLogger, RepeatLimiter, bind
from neolink.media.tracks import StreamKind
from neolink.metrics.settings import StatsdSettings
from neolink.observe.observer import Observer
from neolink.observe.parts import Channel, Key
from neolink.onlookers import Onlookers
from neolink.rtsp_server.mounts.backchannel import Intercom
from neolink.rtsp_server.mounts.mount import Mount
from neolink.rtsp_server.server import RtspServer
from neolink.rtsp_server.settings import MountSettings, RtspSettings
from neolink.web.settings import HttpSettings

__all__ = ["Bridge", "BridgeSettings"]

_LOG = logging.getLogger(__name__)

SWEEP_S = 5.0
REMOVE_TIMEOUT_S = 5.0
"""How long a camera that is removed may take to log out before another may log in for it."""

RESTART_PAUSE_S = 1.0
"""No task is started again faster than this (a restart loop must not cost a CPU)."""


@dataclass(frozen=True, slots=True)
class BridgeSettings:
    """Everything a bridge needs to know."""

    cameras: Sequence[CameraSettings]
    mounts: Sequence[MountSettings]
    rtsp: RtspSettings
    state_folder: Path | None = None
    """Where streams are remembered over a restart; None: nowhere."""
    disabled: Sequence[str] = ()
    """Names of cameras that are configured but switched off: they are shown and nothing else."""
    http: HttpSettings | None = None
    """Page, API and metrics over HTTP; None: off."""
    statsd: StatsdSettings | None = None
    """Where counters are pushed to; None: nowhere."""


@dataclass(slots=True, eq=False)
class _Device:
    """One login: its channels as they were configured, and the camera that serves them."""

    channels: Channels
    camera: Camera
    sources: dict[Key, CameraStream] = field(default_factory=dict)
    task: asyncio.Task[None] | None = None


class Bridge:
    """Cameras, streams and the RTSP server, joined."""

    def __init__(self, settings: BridgeSettings, clock: Clock | None = None) -> None:
        self.settings = settings
        self.clock = clock or SystemClock()
        self.streams: dict[Key, Stream] = {}
        self.mounts: dict[Key, Mount] = {}
        self._devices: list[_Device] = []
        self._intercoms: dict[str, Intercom] = {}
        self._codec_threads = CodecThreads()
        self._tasks: asyncio.TaskGroup | None = None
        self._reloading = asyncio.Lock()
        self._limiter = RepeatLimiter(self.clock)
        self._restarts: Counter[str] = Counter()
        self._is_serving = False
        self._memory = FileMemory(settings.state_folder) if settings.state_folder else NoMemory()
        _, beginnings = self._rewire(settings)
        for begin in beginnings:
            begin()
        self.rtsp = RtspServer(settings.rtsp, self.mounts, self.clock)
        self.observer = Observer(self, self.clock)
        self.onlookers = Onlookers(self, self.observer, self.clock, settings.http, settings.statsd)

    @property
    def cameras(self) -> list[Camera]:
        """One per login."""
        return [device.camera for device in self._devices]

    # -- what can be seen of it, and done ----------------------------------------------

    @property
    def channels(self) -> Iterator[Channel]:
        """Every camera that is served, in the order of the settings."""
        found = {
            settings.name: Channel(
                settings,
                device.camera,
                {kind: device.sources[settings.name, kind] for kind in settings.streams},
            )
            for device in self._devices
            for settings in device.channels
        }
        for camera in self.settings.cameras:
            yield found[camera.name]

    @property
    def disabled(self) -> Sequence[str]:
        """Names of cameras that are configured but switched off."""
        return self.settings.disabled

    @property
    def restarts(self) -> Mapping[str, int]:
        """How often each part failed by a fault of ours and was started again."""
        return self._restarts

    @property
    def is_ready(self) -> bool:
        """Whether players can connect."""
        return self._is_serving

    def kick(self, number: int) -> bool:
        """End somebody's watching; False when nobody has the number."""
        return self.rtsp.kick(number) or self.onlookers.kick(number)

    async def snapshot(self, camera: str, kind: StreamKind) -> bytes:
        """Return a JPEG made by a camera of this name.

        Raises Unsupported when there is no such camera, and what ``Camera.snapshot`` does.
        """
        for channel in self.channels:
            if channel.settings.name == camera:
                return await channel.camera.snapshot(channel.settings.channel_id, kind)
        raise Unsupported(f"there is no camera {camera!r} to take a snapshot of")

    # -- running ----------------------------------------------------------------------

    async def run(self, on_ready: Callable[[], None] = lambda: None) -> None:
        """Run until cancelled; ``on_ready`` is called when players can connect.

        Raises ConfigError when a port cannot be bound.
        """
        try:
            self.rtsp.open()
            self.onlookers.open()
            self._is_serving = True
            on_ready()
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                self._begin_all(tasks)
                try:
                    await asyncio.get_running_loop().create_future()
                finally:
                    self._tasks = None  # nothing is started any more
        finally:
            self.onlookers.close()
            self.rtsp.close()
            self._codec_threads.close()
            for stream in self.streams.values():
                stream.close()

    async def reload(self, settings: BridgeSettings) -> None:
        """Go over to other settings; what they do not touch goes on without a lost frame.

        A stream whose camera changed is made anew, and its sessions end at once; so are all
        streams of a device whose login changed. They begin when the camera was told of the end.
        Addresses and ports of the server, and the folder of the memory, stay until a restart.
        One reload waits for another; a cancelled one is complete, but begins before the camera was
        told.
        """
        async with self._reloading:
            if settings.state_folder != self.settings.state_folder:
                _LOG.warning("[state]: takes effect after a restart")
            endings, beginnings = self._rewire(settings)
            self.rtsp.reload(settings.rtsp, self.mounts)  # the same turn of the loop: no 404
            self.onlookers.reload(settings.http, settings.statsd)
            self.settings = settings
            try:
                if endings:
                    await asyncio.wait(endings, timeout=REMOVE_TIMEOUT_S)
            finally:
                for begin in beginnings:
                    begin()

    def _begin_all(self, tasks: asyncio.TaskGroup) -> None:
        """Begin with every part and device. Who waits for the end holds on to none that goes."""
        parts = {"rtsp server": self._serve, "sweep": self._sweep, **self.onlookers.parts()}
        for name, part in parts.items():
            tasks.create_task(self._supervise(part), name=name)
        for device in self._devices:
            self._begin(device, [])

    def _begin(self, device: _Device, sources: Iterable[CameraStream]) -> None:
        """Give a device more streams, and start it if that is still to be done."""
        for source in sources:
            device.camera.add(source)
        if device.task is not None or self._tasks is None:
            return  # run() will do it, or has ended
        living = self._supervise(device.camera.run, lambda: device in self._devices)
        device.task = self._tasks.create_task(living, name=_task_name(device.channels))

    async def _serve(self) -> None:
        self._is_serving = True
        try:
            await self.rtsp.run()
        finally:
            self._is_serving = False

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            RECEIVE_BUFFERS.sweep(self.clock.monotonic_s())
            self._limiter.sweep()

    async def _supervise(
        self, run: Callable[[], Awaitable[None]], is_wanted: Callable[[], bool] = lambda: True
    ) -> None:
        """Run a part as long as it is wanted; a fault of ours ends only this run of it.

        The task of its own is named as the part is. A cancellation that nobody asked for is such a
        fault: it would end the part for good.
        """
        task = asyncio.current_task()
        assert task is not None
        self._restarts[task.get_name()] += 0  # at once, so that the first one is an increase
        while True:
            try:
                await run()
            except (Exception, asyncio.CancelledError) as error:  # it must not end the others
                if _is_cancelled(error):
                    raise
                name = task.get_name()
                self._restarts[name] += 1
                held_back = self._limiter.admit((name, type(error)))
                if held_back is not None:
                    _log_of(name).exception(
                        "%s: failed, starting again in %g s (%d more like this held back)",
                        name,
                        RESTART_PAUSE_S,
                        held_back,
                    )
            if self._tasks is None or not is_wanted():
                return  # a part that was failing just then swallows its cancellation
            await asyncio.sleep(RESTART_PAUSE_S)

    # -- wiring -----------------------------------------------------------------------

    def _rewire(
        self, settings: BridgeSettings
    ) -> tuple[list[asyncio.Task[None]], list[Callable[[], None]]]:
        """Make the wiring what the settings say, from nothing or from other settings.

        Return the tasks that still tell cameras of ends, and what is to be called after them.
        """
        before, wanted = self._devices, group_devices(settings.cameras)
        places = match_devices([device.channels for device in before], wanted)
        kept = dict(zip(places, wanted, strict=True))
        endings = [
            task
            for place, device in enumerate(before)
            for task in self._end(device, kept.get(place, ()))
        ]
        beginnings: list[Callable[[], None]] = []
        self._devices = []
        for place, channels in zip(places, wanted, strict=True):
            device = self._new_device(channels) if place is None else before[place]
            self._devices.append(device)
            beginnings.append(partial(self._begin, device, self._go_on(device, channels)))
        self._intercoms = self._connect_intercoms()
        self._remount(settings)
        self._forget_restarts(before)
        self._rename_tasks()
        for device in self._devices:
            device.camera.motion.follow(self._followers(device))
        return endings, beginnings

    def _forget_restarts(self, before: Iterable[_Device]) -> None:
        """Forget the counts of cameras that are gone, or a file that often changes adds to them."""
        for device in before:
            if device not in self._devices and device.task is not None:
                self._restarts.pop(device.task.get_name(), None)

    def _rename_tasks(self) -> None:
        """Call each camera's task, its log and its count as the file calls the camera now."""
        tasks = {device: device.task for device in self._devices if device.task is not None}
        counts = {one: self._restarts.pop(task.get_name(), 0) for one, task in tasks.items()}
        for device, task in tasks.items():  # two may have changed names with each other
            task.set_name(_task_name(device.channels))
            self._restarts[task.get_name()] = counts[device]

    def _new_device(self, channels: Channels) -> _Device:
        settings = login_settings(channels)
        return _Device((), Camera(settings, (), clock=self.clock, limiter=self._limiter))

    def _go_on(self, device: _Device, channels: Channels) -> list[CameraStream]:
        """Make the streams that a device lacks, and return them for its camera."""
        device.channels = channels
        device.camera.rename(channels[0].name)
        streams = _streams_of(channels)
        missing = [key for key in streams if key not in device.sources]
        for key in missing:
            device.sources[key] = self._new_stream(streams[key], key[1], device.camera)
        return [device.sources[key] for key in missing]

    def _end(self, device: _Device, wanted: Channels) -> list[asyncio.Task[None]]:
        """End streams that are not wanted as they are, and their sessions; without any, log out."""
        present, future = _streams_of(device.channels), _streams_of(wanted)
        gone = [key for key in present if future.get(key) != present[key]]
        for key in gone:
            self._unmount(key, "the camera was removed or changed")
            self.streams.pop(key).close()
        tasks = [device.camera.remove(device.sources.pop(key)) for key in gone]
        if not wanted and device.task is not None:
            device.task.cancel()
            tasks.append(device.task)
        return [task for task in tasks if task is not None]

    def _new_stream(
        self, settings: CameraSettings, kind: StreamKind, camera: Camera
    ) -> CameraStream:
        """Join camera stream → hub stream, and demand back."""
        stream = self.streams[settings.name, kind] = Stream(
            f"{settings.name}/{kind}",
            clock=self.clock,
            explain=partial(why, camera.status, self.clock),
            memory=self._memory,
        )
        source = CameraStream(
            settings,
            kind,
            publish=stream.publish,
            source_lost=stream.source_lost,
            clock=self.clock,
            limiter=self._limiter,
            origin_s=stream.origin_s,
        )
        stream.on_demand = source.request
        stream.on_pause = source.pause
        source.on_bitrate = stream.note_bitrate
        follower = EventFollower(settings.channel_id, stream.events.publish)
        stream.events.on_demand = partial(_follow_events, camera, follower)
        return source

    def _followers(self, device: _Device) -> Iterator[MotionFollower]:
        """Give the streams of a device that rest without motion."""
        for key, settings in _streams_of(device.channels).items():
            stream = self.streams[key]
            pause = stream.pause_settings
            if pause.on_motion:
                yield MotionFollower(
                    settings.channel_id, pause.motion_timeout_s, stream.motion_changed
                )

    def _connect_intercoms(self) -> dict[str, Intercom]:
        """Return how each camera is talked to; a loudspeaker that stays keeps who talks to it."""
        known = {intercom.speaker: intercom for intercom in self._intercoms.values()}
        channels: dict[str, Intercom] = {}
        for device in self._devices:
            for channel in device.channels:
                speaker = device.camera.speaker(channel)
                if speaker not in known:
                    known[speaker] = Intercom(speaker, self.clock)
                channels[channel.name] = known[speaker]
        return channels

    def _remount(self, settings: BridgeSettings) -> None:
        """Serve every stream as the settings say, or not at all; in their order."""
        mounts = {mount.camera: mount for mount in settings.mounts}
        keys = [(camera.name, kind) for camera in settings.cameras for kind in camera.streams]
        for key in keys:
            stream, wanted = self.streams.pop(key), mounts.get(key[0])
            self.streams[key] = stream
            stream.stand_in_settings = stand_in_settings(wanted)
            stream.pause_settings = wanted.pause if wanted else PauseSettings()
            if wanted is None or key[1] not in wanted.streams:
                self._unmount(key, "the stream is no longer served")
                continue
            mount = self.mounts.pop(key, None) or Mount(
                key[1], stream, wanted, self.clock, self._codec_threads
            )
            mount.settings = wanted
            mount.intercom = self._intercoms[key[0]]
            self.mounts[key] = mount

    def _unmount(self, key: Key, reason: str) -> None:
        mount = self.mounts.pop(key, None)
        if mount is not None:
            self.rtsp.end_sessions(mount, reason)
            mount.stream.unsubscribe(mount)


def _follow_events(camera: Camera, follower: EventFollower, is_wanted: bool) -> None:  # noqa: FBT001 - the hub's callable has this one argument
    """Have a camera tell of events as long as somebody wants to know."""
    if is_wanted:
        camera.motion.follow_events(follower)
    else:
        camera.motion.unfollow_events(follower)


def _is_cancelled(error: BaseException) -> bool:
    """Tell whether an error is the end that somebody asked of this task."""
    task = asyncio.current_task()
    is_asked = task is not None and task.cancelling() > 0
    return isinstance(error, asyncio.CancelledError) and is_asked


def _task_name(channels: Channels) -> str:
    return f"camera {channels[0].name}"


def _log_of(part: str) -> logging.Logger | BoundLogger:
    """Return the log for a part; one that is a camera's speaks of that camera."""
    before, _, camera = part.partition(" ")
    return bind(_LOG, camera=camera) if before == "camera" else _LOG


def _streams_of(channels: Channels) -> dict[Key, CameraSettings]:
    """Return the streams of a device, each with all that concerns it, and nothing of talk."""
    return {
        (channel.name, kind): replace(channel, streams=(kind,), has_high_talk_nibble_first=True)
        for channel in channels
        for kind in channel.streams
    }
