"""An RTSP server on a loopback port, with mounts whose cameras the test plays."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Protocol

from neolink.clock import ManualClock
from neolink.hub.stream import Stream
from neolink.media.tracks import AudioTrack, StreamKind, VideoTrack
from neolink.rtsp_server.mounts.mount import Mount
from neolink.rtsp_server.server import RtspServer
from neolink.rtsp_server.settings import Access, MountSettings, RtspLimits, RtspSettings, StartMode
from support.media import H264, Camera
from support.rtsp_client import RtspClient

__all__ = ["TCP", "Bench", "StartServer", "make_settings", "prepared", "start_bench", "stop_bench"]

TCP = "RTP/AVP/TCP;unicast"
"""A ``Transport`` that leaves the channels to the server."""


@dataclass
class Bench:
    """A running server, its clock, and what a test does with both."""

    clock: ManualClock
    server: RtspServer
    mounts: dict[tuple[str, StreamKind], Mount]
    cameras: dict[str, Camera]
    running: asyncio.Task[None]
    clients: list[RtspClient] = field(default_factory=list)

    @property
    def camera(self) -> Camera:
        """The only camera, or the first."""
        return next(iter(self.cameras.values()))

    @property
    def mount(self) -> Mount:
        return next(iter(self.mounts.values()))

    def url(self, path: str = "porch") -> str:
        scheme = "rtsps" if self.server.settings.is_tls_alone else "rtsp"
        return f"{scheme}://127.0.0.1:{self.server.port}/{path}"

    async def client(self, path: str = "porch", **options: Any) -> RtspClient:
        """Return a connected client, closed when the test ends."""
        client = RtspClient(self.url(path), **options)
        self.clients.append(client)
        await client.connect()
        return client

    async def player(self, path: str = "porch", *tracks: int, **options: Any) -> RtspClient:
        """Return a client that plays over TCP."""
        client = await self.client(path, **options)
        return await client.watch(*tracks)

    def pass_time(self, seconds: float) -> None:
        """Move the clock and let the server look at it."""
        self.clock.advance(seconds)
        self.server.sweep()


class StartServer(Protocol):
    """The fixture ``start``: see :func:`start_bench`."""

    async def __call__(self, *names: str, **options: Any) -> Bench: ...


def make_settings(**changes: Any) -> RtspSettings:
    """Return settings for loopback and any free ports; limits may be among the changes."""
    limits = {name: changes.pop(name) for name in list(changes) if hasattr(RtspLimits, name)}
    base: dict[str, Any] = {"bind": "127.0.0.1", "port": 0, "rtp_port": 0}
    return RtspSettings(**{**base, **changes}, limits=RtspLimits(**limits))


async def start_bench(
    *names: str,
    video: VideoTrack = H264,
    audio: AudioTrack | None = None,
    access: Access | dict[str, Access] | None = None,
    start_mode: StartMode = StartMode.FAST,
    described: bool = True,
    setup_timeout_s: float = 0.2,
    max_clients_of_camera: int = 0,
    grace_s: float = 60.0,
    **changes: Any,
) -> Bench:
    """Start a server with one camera ``porch``, or several; each stream learns its tracks.

    Five pictures are cached then, for longer than a test lasts unless ``grace_s`` is short.
    """
    clock = ManualClock()
    mounts: dict[tuple[str, StreamKind], Mount] = {}
    cameras: dict[str, Camera] = {}
    for name in names or ("porch",):
        stream = Stream(f"{name}/main", clock=clock, grace_s=grace_s)
        camera_access = access.get(name) if isinstance(access, dict) else access
        settings = MountSettings(
            camera=name,
            access=camera_access or Access(anonymous=True),
            start=start_mode,
            setup_timeout_s=setup_timeout_s,
            max_clients=max_clients_of_camera,
        )
        mounts[name, StreamKind.MAIN] = Mount(StreamKind.MAIN, stream, settings, clock)
        cameras[name] = Camera(stream, video=video, audio=audio)
        if described:
            with stream.hold():
                cameras[name].pictures(30)
    server = RtspServer(make_settings(**changes), mounts, clock)
    server.open()
    return Bench(clock, server, mounts, cameras, asyncio.create_task(server.run()))


async def stop_bench(bench: Bench) -> None:
    """Stop a server and assert that nothing of its players is left."""
    for client in bench.clients:
        await client.close()
    bench.running.cancel()
    await asyncio.gather(bench.running, return_exceptions=True)
    for mount in bench.mounts.values():
        mount.stream.close()
        assert mount.player_count == 0
    context = bench.server.context
    assert not context.players
    assert not context.udp_peers
    assert not list(context.groups)
    assert len(context.sessions) == 0
    assert context.budget.used_bytes == 0


async def prepared(bench: Bench, state: str) -> RtspClient:
    """Return a client whose session is in a state: ``init``, ``ready`` or ``playing``."""
    client = await bench.client()
    await client.describe()
    if state != "init":
        assert (await client.setup(0)).status == 200
    if state == "playing":
        assert (await client.play()).status == 200
    return client
