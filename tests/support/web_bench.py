"""The HTTP server in front of a bridge that is made of values, for the length of a block."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

from aiohttp import ClientSession

from neolink.clock import Clock, SystemClock
from neolink.errors import CommandRefused
from neolink.health.values import BridgeHealth
from neolink.health.watch import HealthWatch
from neolink.hub.stream import Stream
from neolink.media.tracks import StreamKind
from neolink.media.units import AccessUnit
from neolink.readings import BridgeReading, StreamSample
from neolink.rtsp_server.settings import Access
from neolink.web.server import WebServer
from neolink.web.settings import HttpSettings
from support.readings import AT_UNIX_S, bridge_reading

__all__ = ["HOST", "OPEN", "FakeLine", "FakeView", "RunningServer", "running_server"]

HOST = "127.0.0.1"
OPEN = HttpSettings(bind=HOST, port=0)


@dataclass(frozen=True, slots=True)
class FakeLine:
    """A line of the log."""

    unix_s: float
    text: str
    level: str = "INFO"
    logger: str = "neolink.camera.supervisor"
    stream: str | None = None
    client: str | None = None
    phase: str | None = "connection"


@dataclass
class FakeView:
    """A bridge as the server sees it: what is in here is what is shown."""

    reading: BridgeReading = field(default_factory=bridge_reading)
    access_by_camera: dict[str, Access] = field(default_factory=dict)
    """Cameras that are not in it may be watched by everybody."""
    log: dict[str, list[FakeLine]] = field(default_factory=dict)
    jpeg: bytes | None = None
    """What every camera answers when asked for a picture; None: it refuses."""
    key: AccessUnit | None = None
    streams: dict[tuple[str, StreamKind], Stream] = field(default_factory=dict)
    kicked: list[int] = field(default_factory=list)
    asked: int = 0
    """How often a camera was asked for a picture."""
    rtsp_port: int = 8554

    def __post_init__(self) -> None:
        self._watch = HealthWatch()

    def read(self) -> BridgeReading:
        return self.reading

    def health(self) -> BridgeHealth:
        return self._watch.update(self.reading)

    def history(self, camera: str, kind: StreamKind) -> Sequence[StreamSample]:
        del camera
        fps = 25.0 if kind is StreamKind.MAIN else 15.0
        return [
            StreamSample(AT_UNIX_S + 2 * step, fps - step % 3 / 10, 4e6 + step * 1e4, 0, 0.08)
            for step in range(150)
        ]

    def lines(self, camera: str, limit: int) -> Sequence[FakeLine]:
        return self.log.get(camera, [])[-limit:]

    def access(self, camera: str) -> Access | None:
        return self.access_by_camera.get(camera, Access(anonymous=True))

    def stream(self, camera: str, kind: StreamKind) -> Stream | None:
        return self.streams.get((camera, kind))

    def key_frame(self, camera: str, kind: StreamKind) -> AccessUnit | None:
        del camera, kind
        return self.key

    async def snapshot(self, camera: str, kind: StreamKind) -> bytes:
        del camera, kind
        self.asked += 1
        if self.jpeg is None:
            raise CommandRefused("snapshot", 400)
        return self.jpeg

    def kick(self, number: int) -> bool:
        self.kicked.append(number)
        return True


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server that browsers can connect to."""

    server: WebServer
    view: FakeView
    client: ClientSession
    """Relative addresses lead to the server; cookies are kept."""

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.server.port}"


@asynccontextmanager
async def running_server(
    view: FakeView | None = None, settings: HttpSettings = OPEN, clock: Clock | None = None
) -> AsyncIterator[RunningServer]:
    """Run a server on a free port. Nothing outlives the block."""
    others = asyncio.all_tasks()
    view = view or FakeView()
    server = WebServer(replace(settings, port=0), view, clock or SystemClock())
    server.open()
    port = server.port
    running = asyncio.create_task(server.run(), name="http server")
    try:
        async with ClientSession(f"http://{HOST}:{port}") as client:
            yield RunningServer(server, view, client)
            assert not running.done(), "the server ended"
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
    await asyncio.sleep(0)
    left = asyncio.all_tasks() - others
    assert not left, f"tasks outlive the server: {left}"
