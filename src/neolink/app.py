"""The one place that wires everything: settings → a running bridge in one TaskGroup.

No protocol and no parsing here. Each camera is supervised: whatever ends its task is logged and the
camera is started again; it never ends a sibling.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from neolink.absence import stand_in_settings, why
from neolink.camera.connection import RECEIVE_BUFFERS
from neolink.camera.devices import group_devices, login_settings
from neolink.camera.settings import CameraSettings
from neolink.camera.stream import CameraStream
from neolink.camera.supervisor import Camera
from neolink.clock import Clock, SystemClock
from neolink.errors import Unsupported
from neolink.hub.memory import FileMemory, NoMemory
from neolink.hub.stream import Stream
from neolink.log import RepeatLimiter
from neolink.media.tracks import StreamKind
from neolink.rtsp_server.mount import Mount
from neolink.rtsp_server.server import RtspServer
from neolink.rtsp_server.settings import MountSettings, RtspSettings

__all__ = ["Bridge", "BridgeSettings"]

_LOG = logging.getLogger(__name__)

Key = tuple[str, StreamKind]
"""A stream: the camera's name and which of its streams."""

SWEEP_S = 5.0
REMOVE_TIMEOUT_S = 5.0
"""How long a camera that is removed may take to log out before it is left to itself."""

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


@dataclass(slots=True, eq=False)
class _Device:
    """One login: its channels as they were configured, and the camera that serves them."""

    channels: tuple[CameraSettings, ...]
    camera: Camera
    task: asyncio.Task[None] | None = None

    @property
    def keys(self) -> list[Key]:
        return [(channel.name, kind) for channel in self.channels for kind in channel.streams]


@dataclass(frozen=True, slots=True)
class _Detached:
    """A device that is on its way out, with what it fed."""

    device: _Device
    mounts: list[Mount]
    streams: list[Stream]


class Bridge:
    """Cameras, streams and the RTSP server, joined.

    Raises Unsupported for settings that nothing here can do.
    """

    def __init__(self, settings: BridgeSettings, clock: Clock | None = None) -> None:
        _refuse_unsupported(settings)
        self.settings = settings
        self.clock = clock or SystemClock()
        self.streams: dict[Key, Stream] = {}
        self.mounts: dict[Key, Mount] = {}
        self._devices: list[_Device] = []
        self._tasks: asyncio.TaskGroup | None = None
        self._limiter = RepeatLimiter(self.clock)
        self._memory = FileMemory(settings.state_folder) if settings.state_folder else NoMemory()
        self._is_closing = False
        for channels in group_devices(settings.cameras):
            self._add_device(channels)
        self.rtsp = RtspServer(settings.rtsp, self.mounts, self.clock)

    @property
    def cameras(self) -> list[Camera]:
        """One per login."""
        return [device.camera for device in self._devices]

    # -- running ----------------------------------------------------------------------

    async def run(self, on_ready: Callable[[], None] = lambda: None) -> None:
        """Run until cancelled; ``on_ready`` is called when players can connect.

        Raises ConfigError when a port cannot be bound.
        """
        self.rtsp.open()
        try:
            on_ready()
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                tasks.create_task(self._supervise("rtsp server", self.rtsp.run), name="rtsp server")
                tasks.create_task(self._supervise("sweep", self._sweep), name="sweep")
                for device in self._devices:
                    self._start(device)
                try:
                    await asyncio.get_running_loop().create_future()
                finally:
                    self._is_closing = True
        finally:
            self._tasks = None
            self.rtsp.close()
            for stream in self.streams.values():
                stream.close()

    async def reload(self, settings: BridgeSettings) -> None:
        """Go over to other settings; what they do not touch goes on without a lost frame.

        A device whose channels changed is logged out and made anew, and the sessions of its
        streams end. Addresses and ports of the server stay as they are until a restart. Raises
        Unsupported like the constructor, and then nothing has changed.
        """
        _refuse_unsupported(settings)
        self.settings = settings
        wanted = group_devices(settings.cameras)
        old = [self._detach(one) for one in list(self._devices) if one.channels not in wanted]
        known = [device.channels for device in self._devices]
        new = [self._add_device(channels) for channels in wanted if channels not in known]
        mounts = {mount.camera: mount for mount in settings.mounts}
        for (name, kind), stream in self.streams.items():
            self._remount((name, kind), stream, mounts.get(name))
        self.rtsp.reload(settings.rtsp, self.mounts)  # from here on the new paths answer
        for parts in old:
            await self._end(parts)
        for device in new:
            self._start(device)

    def _start(self, device: _Device) -> None:
        if self._tasks is None:
            return  # run() will do it
        name = f"camera {device.camera.settings.name}"
        device.task = self._tasks.create_task(self._supervise(name, device.camera.run), name=name)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            RECEIVE_BUFFERS.sweep(self.clock.monotonic_s())

    async def _supervise(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        """Run a part for ever; a fault of ours ends only this run of it."""
        while True:
            try:
                await run()
            except Exception as error:  # noqa: BLE001 - a part's fault must not end the others
                held_back = self._limiter.admit((name, type(error)))
                if held_back is not None:
                    _LOG.exception(
                        "%s: failed, starting again in %g s (%d more like this were held back)",
                        name,
                        RESTART_PAUSE_S,
                        held_back,
                    )
            if self._is_closing:
                return  # a part that was failing just then swallows its cancellation
            await asyncio.sleep(RESTART_PAUSE_S)

    # -- wiring -----------------------------------------------------------------------

    def _add_device(self, channels: tuple[CameraSettings, ...]) -> _Device:
        """Join one device's channels: camera stream → hub stream → mount, and demand back."""
        mounts = {mount.camera: mount for mount in self.settings.mounts}
        streams = [
            self._add_stream(channel, kind, mounts.get(channel.name))
            for channel in channels
            for kind in channel.streams
        ]
        camera = Camera(login_settings(channels), streams, clock=self.clock, limiter=self._limiter)
        device = _Device(channels, camera)
        self._devices.append(device)
        for key in device.keys:
            self.streams[key].explain = partial(why, camera.status, self.clock)
        return device

    def _detach(self, device: _Device) -> _Detached:
        """Take a device out of the wiring; its name is free for another."""
        self._devices.remove(device)
        mounts = [self.mounts.pop(key, None) for key in device.keys]
        streams = [self.streams.pop(key) for key in device.keys]
        return _Detached(device, [mount for mount in mounts if mount is not None], streams)

    async def _end(self, parts: _Detached) -> None:
        """End the sessions of a device that was taken out, and log out of it."""
        for mount in parts.mounts:
            self.rtsp.end_sessions(mount, "the camera was removed or changed")
        task = parts.device.task
        if task is not None:
            task.cancel()
            await asyncio.wait([task], timeout=REMOVE_TIMEOUT_S)
        for stream in parts.streams:
            stream.close()

    def _add_stream(
        self, settings: CameraSettings, kind: StreamKind, mount: MountSettings | None
    ) -> CameraStream:
        key = (settings.name, kind)
        stream = self.streams[key] = Stream(
            f"{settings.name}/{kind}",
            clock=self.clock,
            stand_in=stand_in_settings(mount),
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
        self._remount(key, stream, mount)
        return source

    def _remount(self, key: Key, stream: Stream, settings: MountSettings | None) -> None:
        """Serve a stream as the settings say, or not at all."""
        stream.stand_in_settings = stand_in_settings(settings)
        mount = self.mounts.get(key)
        if settings is None or key[1] not in settings.streams:
            if mount is not None:
                del self.mounts[key]
                self.rtsp.end_sessions(mount, "the stream is no longer served")
                stream.unsubscribe(mount)
        elif mount is None:
            self.mounts[key] = Mount(key[1], stream, settings, self.clock)
        else:
            mount.settings = settings


def _refuse_unsupported(settings: BridgeSettings) -> None:
    if settings.rtsp.certificate is not None:
        raise Unsupported(
            "certificate: RTSP over TLS is not there yet; remove the key to serve in clear"
        )
