"""The HTTP server in front of a bridge that is made of values, for the length of a block."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import ClientResponse, ClientSession, CookieJar

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

__all__ = [
    "BEARER",
    "HOST",
    "LOGIN",
    "OPEN",
    "OWN",
    "PASSWORDS",
    "TOKEN",
    "FakeLine",
    "FakeView",
    "RunningServer",
    "next_event",
    "running_server",
    "say",
]

HOST = "127.0.0.1"
OPEN = HttpSettings(bind=HOST, port=0)

TOKEN = "the-token-of-tests"
PASSWORDS = {"viewer": "secret-of-viewer", "guest": "secret-of-guest"}
LOGIN = HttpSettings(bind=HOST, port=0, needs_login=True, token=TOKEN, users=PASSWORDS)

BEARER = {"Authorization": f"Bearer {TOKEN}"}
OWN = {"X-Neolink": "1"}
"""What the page sends with every change."""


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
    cached: dict[tuple[str, StreamKind], Sequence[AccessUnit]] = field(default_factory=dict)
    """What others who watch were shown since the last key frame."""
    kicked: list[int] = field(default_factory=list)
    asked: int = 0
    """How often a camera was asked for a picture."""
    rtsp_port: int = 8554
    rtsp_needs_tls: bool = False

    def __post_init__(self) -> None:
        self._watch = HealthWatch()

    def act(self, **methods: Callable[..., Any]) -> None:
        """Do something else from now on when these methods are called."""
        vars(self).update(methods)

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

    def cached_pictures(self, camera: str, kind: StreamKind) -> Sequence[AccessUnit]:
        return self.cached.get((camera, kind), ())

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

    async def log_in(self, user: str | None = "viewer", secret: str | None = None) -> int:
        """Log in as a user, or (None) with the token; return the status."""
        if user is None:
            body = {"token": TOKEN if secret is None else secret}
        else:
            body = {"user": user, "password": PASSWORDS[user] if secret is None else secret}
        async with self.client.post("/api/v1/session", json=body, headers=OWN) as answer:
            return answer.status

    async def status(
        self, path: str, method: str = "GET", headers: Mapping[str, str] | None = None
    ) -> int:
        """Ask for something and return the status alone."""
        async with self.client.request(method, path, headers=headers) as answer:
            return answer.status

    async def json(self, path: str, headers: Mapping[str, str] | None = None) -> Any:
        """Ask for something and return what it says, whatever the status."""
        async with self.client.get(path, headers=headers) as answer:
            return await answer.json()


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
        jar = CookieJar(unsafe=True)  # cookies of an address, not only of a name
        async with ClientSession(f"http://{HOST}:{port}", cookie_jar=jar) as client:
            yield RunningServer(server, view, client)
            assert not running.done(), "the server ended"
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
    await asyncio.sleep(0)
    left = {one for one in asyncio.all_tasks() - others if one is not asyncio.current_task()}
    assert not left, f"tasks outlive the server: {left}"


async def say(port: int, data: bytes, *, limit_s: float = 3.0) -> bytes:
    """Send bytes on a connection of their own; return all that comes until the server closes it.

    What came until then, if it does not close it.
    """
    reader, writer = await asyncio.open_connection(HOST, port)
    heard = b""
    try:
        writer.write(data)
        async with asyncio.timeout(limit_s):
            while piece := await reader.read(65536):
                heard += piece
    except (TimeoutError, ConnectionError):
        pass
    finally:
        writer.transport.abort()
    return heard


async def next_event(stream: ClientResponse, wanted: str | None = None) -> tuple[str, Any]:
    """Return name and data of the next event (of a name); a comment has the name ``:``."""
    while True:
        async with asyncio.timeout(5):
            block = (await stream.content.readuntil(b"\n\n")).decode()
        fields = dict(line.split(": ", 1) for line in block.strip().split("\n"))
        name = fields.get("event", ":")
        if wanted in {None, name}:
            return name, json.loads(fields["data"]) if "data" in fields else block
