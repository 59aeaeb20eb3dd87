"""A whole bridge with simulated cameras in this process, on free ports, for the length of a block.

Nothing outlives the block: a task that does is a failure of the test.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from urllib.parse import quote, urlencode

from neolink.app import Bridge, BridgeSettings
from neolink.camera.settings import CameraSettings
from neolink.metrics.settings import StatsdSettings
from neolink.rtsp_server.settings import MountSettings, RtspSettings
from neolink.simulator.profile import CameraProfile
from neolink.simulator.server import SimulatedCamera
from neolink.web.settings import HttpSettings

__all__ = ["HOST", "PASSWORD", "RunningBridge", "running", "running_bridge"]

HOST = "127.0.0.1"

PASSWORD = "sesame"
"""Of every simulated camera whose profile has none."""

_MOUNT = MountSettings(camera="")
_RTSP = RtspSettings()


@dataclass(frozen=True, slots=True)
class RunningBridge:
    """A bridge that players can connect to, and the cameras behind it."""

    cameras: tuple[SimulatedCamera, ...]
    bridge: Bridge

    @property
    def camera(self) -> SimulatedCamera:
        """The first camera, of which most tests have one."""
        return self.cameras[0]

    @property
    def page_url(self) -> str:
        """Where the page is; only with ``http``."""
        assert self.bridge.onlookers.web is not None
        return f"http://{HOST}:{self.bridge.onlookers.web.port}/"

    def url(
        self,
        camera: str,
        stream: str = "main",
        *,
        login: tuple[str, str] | None = None,
        **query: str,
    ) -> str:
        """Return the URL of a stream; ``login`` is user name and password."""
        user = ":".join(quote(part, safe="") for part in login) + "@" if login else ""
        options = f"?{urlencode(query)}" if query else ""
        scheme = "rtsps" if self.bridge.rtsp.settings.is_tls_alone else "rtsp"
        return f"{scheme}://{user}{HOST}:{self.bridge.rtsp.port}/{camera}/{stream}{options}"


@asynccontextmanager
async def running_bridge(
    *profiles: CameraProfile,
    mount: MountSettings = _MOUNT,
    rtsp: RtspSettings = _RTSP,
    http: HttpSettings | None = None,
    statsd: StatsdSettings | None = None,
) -> AsyncIterator[RunningBridge]:
    """Run cameras and a bridge; a profile's ``name`` is the camera's name in URLs.

    The channels of a recorder are called NAME-0, NAME-1 and so on. ``mount`` is used for every
    camera; ports in ``rtsp`` and ``http`` are replaced by free ones, and so is an address of
    ``http``, and of ``rtsp`` where it has none of its own.
    """
    others = asyncio.all_tasks()
    async with AsyncExitStack() as stack:
        cameras = [
            await stack.enter_async_context(
                SimulatedCamera(replace(one, password=one.password or PASSWORD), host=HOST)
            )
            for one in profiles
        ]
        channels = [settings for camera in cameras for settings in _channels(camera)]
        bridge = Bridge(
            BridgeSettings(
                cameras=channels,
                mounts=[replace(mount, camera=channel.name) for channel in channels],
                rtsp=replace(
                    rtsp, bind=HOST if rtsp.bind == _RTSP.bind else rtsp.bind, port=0, rtp_port=0
                ),
                http=replace(http, bind=HOST, port=0) if http is not None else None,
                statsd=statsd,
            )
        )
        await stack.enter_async_context(running(bridge))
        yield RunningBridge(tuple(cameras), bridge)
    left = asyncio.all_tasks() - others
    assert not left, f"tasks outlive the bridge: {left}"


@asynccontextmanager
async def running(bridge: Bridge) -> AsyncIterator[None]:
    """Run a bridge for the length of a block, in which it is ready."""
    is_ready = asyncio.Event()
    task = asyncio.create_task(bridge.run(on_ready=is_ready.set), name="bridge")
    ready = asyncio.create_task(is_ready.wait())
    try:
        await asyncio.wait((task, ready), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
        yield
    finally:
        for one in (ready, task):
            one.cancel()
            with suppress(asyncio.CancelledError):
                await one


def _channels(camera: SimulatedCamera) -> list[CameraSettings]:
    profile = camera.profile
    settings = CameraSettings(
        name=profile.name,
        host=HOST,
        port=camera.port,
        username=profile.username,
        password=profile.password,
        streams=profile.streams,
    )
    if profile.channels == 1:
        return [settings]
    return [
        replace(settings, name=f"{profile.name}-{channel}", channel_id=channel)
        for channel in range(profile.channels)
    ]
