"""The one place that wires everything: settings → a running bridge in one TaskGroup.

No protocol and no parsing here. Each camera is supervised: whatever ends its task is logged and the
camera is started again; it never ends a sibling.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from neolink.absence import stand_in_settings, why
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


class Bridge:
    """Cameras, streams and the RTSP server, joined.

    Raises Unsupported for settings that nothing here can do.
    """

    def __init__(self, settings: BridgeSettings, clock: Clock | None = None) -> None:
        if settings.rtsp.certificate is not None:
            raise Unsupported(
                "certificate: RTSP over TLS is not there yet; remove the key to serve in clear"
            )
        self.settings = settings
        self.clock = clock or SystemClock()
        self.streams: dict[tuple[str, StreamKind], Stream] = {}
        self.mounts: dict[tuple[str, StreamKind], Mount] = {}
        self.cameras: list[Camera] = []
        self._limiter = RepeatLimiter(self.clock)
        self._memory = FileMemory(settings.state_folder) if settings.state_folder else NoMemory()
        self._is_closing = False
        mounts = {mount.camera: mount for mount in settings.mounts}
        for device in _devices(settings.cameras):
            self._add_device(device, mounts)
        self.rtsp = RtspServer(settings.rtsp, self.mounts, self.clock)

    async def run(self, on_ready: Callable[[], None] = lambda: None) -> None:
        """Run until cancelled; ``on_ready`` is called when players can connect.

        Raises ConfigError when a port cannot be bound.
        """
        self.rtsp.open()
        try:
            on_ready()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._supervise("rtsp server", self.rtsp.run), name="rtsp server")
                for camera in self.cameras:
                    name = f"camera {camera.settings.name}"
                    tasks.create_task(self._supervise(name, camera.run), name=name)
                try:
                    await asyncio.get_running_loop().create_future()
                finally:
                    self._is_closing = True
        finally:
            self.rtsp.close()
            for stream in self.streams.values():
                stream.close()

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

    def _add_device(
        self, channels: Sequence[CameraSettings], mounts: dict[str, MountSettings]
    ) -> None:
        """Join one device's channels: camera stream → hub stream → mount, and demand back."""
        streams = [
            self._add_stream(channel, kind, mounts.get(channel.name))
            for channel in channels
            for kind in channel.streams
        ]
        login = _login_settings(channels)
        camera = Camera(login, streams, clock=self.clock, limiter=self._limiter)
        self.cameras.append(camera)
        for channel in channels:
            for kind in channel.streams:
                self.streams[channel.name, kind].explain = partial(why, camera.status, self.clock)

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
        if mount is not None:
            self.mounts[key] = Mount(kind, stream, mount, self.clock)
        return source


def _devices(cameras: Iterable[CameraSettings]) -> list[list[CameraSettings]]:
    """Group channels of one device: the same address and login is one connection.

    A camera that is configured twice gets a second one: a stream that is started twice on one
    login can wedge a camera (protocol reference, section 6.1).
    """
    devices: list[list[CameraSettings]] = []
    for camera in cameras:
        for device in devices:
            if _identity(device[0]) == _identity(camera) and not _overlap(device, camera):
                device.append(camera)
                break
        else:
            devices.append([camera])
    return devices


def _identity(camera: CameraSettings) -> object:
    return (camera.host, camera.port, camera.uid, camera.username, camera.password)


def _overlap(device: Iterable[CameraSettings], camera: CameraSettings) -> bool:
    return any(
        other.channel_id == camera.channel_id and set(other.streams) & set(camera.streams)
        for other in device
    )


def _login_settings(channels: Sequence[CameraSettings]) -> CameraSettings:
    """Return the settings of a login that channels share: each may wish something else."""
    return replace(
        channels[0],
        max_encryption=min(channel.max_encryption for channel in channels),
        strict=all(channel.strict for channel in channels),
        update_time=any(channel.update_time for channel in channels),
        idle_disconnect=all(channel.idle_disconnect for channel in channels),
        idle_grace_s=max(channel.idle_grace_s for channel in channels),
        max_missed_pings=max(channel.max_missed_pings for channel in channels),
        max_frame_length=max(channel.max_frame_length for channel in channels),
        debug=any(channel.debug for channel in channels),
    )
