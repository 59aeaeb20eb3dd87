"""The one place that wires everything: settings → a running bridge in one TaskGroup.

No protocol and no parsing here. Each camera is supervised: whatever ends its task is logged and the
camera is started again; it never ends a sibling.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from neolink.camera.settings import CameraSettings
from neolink.camera.stream import CameraStream
from neolink.camera.supervisor import Camera
from neolink.clock import Clock, SystemClock
from neolink.errors import Unsupported
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
        mounts = {mount.camera: mount for mount in settings.mounts}
        for device in _devices(settings.cameras):
            self._add_device(device, mounts)
        self.rtsp = RtspServer(settings.rtsp, self.mounts, self.clock)

    async def run(self, on_ready: Callable[[], None] = lambda: None) -> None:
        """Run until cancelled; ``on_ready`` is called when players can connect.

        Raises ConfigError when a port cannot be bound.
        """
        self.rtsp.open()
        on_ready()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_supervise("rtsp server", self.rtsp.run), name="rtsp server")
                for camera in self.cameras:
                    name = f"camera {camera.settings.name}"
                    tasks.create_task(_supervise(name, camera.run), name=name)
        finally:
            self.rtsp.close()
            for stream in self.streams.values():
                stream.close()

    def _add_device(
        self, channels: Sequence[CameraSettings], mounts: dict[str, MountSettings]
    ) -> None:
        """Join one device's channels: camera stream → hub stream → mount, and demand back."""
        streams = [
            self._add_stream(channel, kind, mounts.get(channel.name))
            for channel in channels
            for kind in channel.streams
        ]
        self.cameras.append(Camera(channels[0], streams, clock=self.clock, limiter=self._limiter))

    def _add_stream(
        self, settings: CameraSettings, kind: StreamKind, mount: MountSettings | None
    ) -> CameraStream:
        key = (settings.name, kind)
        stream = self.streams[key] = Stream(f"{settings.name}/{kind}", clock=self.clock)
        source = CameraStream(
            settings,
            kind,
            publish=stream.publish,
            source_lost=stream.source_lost,
            clock=self.clock,
            limiter=self._limiter,
        )
        stream.on_demand = source.request
        if mount is not None:
            self.mounts[key] = Mount(kind, stream, mount, self.clock)
        return source


def _devices(cameras: Iterable[CameraSettings]) -> list[list[CameraSettings]]:
    """Group channels of one device: the same address and login is one connection."""
    devices: dict[object, list[CameraSettings]] = {}
    for camera in cameras:
        identity = (camera.host, camera.port, camera.uid, camera.username, camera.password)
        devices.setdefault(identity, []).append(camera)
    return list(devices.values())


async def _supervise(name: str, run: Callable[[], Awaitable[None]]) -> None:
    """Run a part for ever; a fault of ours ends only this run of it."""
    while True:
        try:
            await run()
        except Exception:  # noqa: BLE001 - a part's fault must not end the others
            _LOG.exception("%s: failed, starting again in %g s", name, RESTART_PAUSE_S)
        await asyncio.sleep(RESTART_PAUSE_S)
