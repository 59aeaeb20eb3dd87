"""The page in a browser, in front of a bridge that is made of values."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from neolink.camera.status import CameraState
from neolink.errors import LoginRefusal
from neolink.media.tracks import Presentation, StreamKind
from neolink.readings import BridgeReading, CameraReading, StreamReading
from neolink.simulator import clips
from neolink.web.settings import HttpSettings
from support.background import Background, in_background
from support.browser import DESKTOP, Complaints, Scheme, Size, opened_page
from support.media import AAC, H265
from support.readings import bridge_reading, camera_reading, stream_reading
from support.web_bench import HOST, OPEN, FakeLine, FakeView, RunningServer, running_server

__all__ = [
    "LOCKED",
    "LONG_NAME",
    "PASSWORD",
    "TOKEN",
    "USER",
    "Serve",
    "Served",
    "camera",
    "every_state",
    "serving",
    "show",
    "view_of",
]

USER, PASSWORD, TOKEN = "anna", "open sesame", "a-token-of-32-characters-or-more"
LOCKED = HttpSettings(
    bind=HOST, port=0, needs_login=True, token=TOKEN, users={USER: PASSWORD, "ben": "another"}
)

LONG_NAME = "Back door of the summer house by the lake"
JPEG = Path(clips.__file__).with_suffix("") / "sub.h264.jpg"


@dataclass(frozen=True, slots=True)
class Served:
    """A page and the server that it came from."""

    page: Page
    complaints: Complaints
    view: FakeView
    running: RunningServer
    background: Background

    def go(self, fragment: str = "") -> Page:
        """Open the page, or go to another place in it."""
        self.page.goto(f"{self.running.url}/{fragment}")
        return self.page

    def lose(self) -> None:
        """Cut all connections; no answer comes until :meth:`find`."""
        self.page.route("**/api/**", lambda route: route.abort())
        door = self.running.server._door
        assert door is not None
        self.background.call(door.close_all)

    def find(self) -> None:
        """Let answers through again."""
        self.page.unroute("**/api/**")


class Serve:
    """Serves views, each with a browser page; all end together."""

    def __init__(self, browser: Browser, stack: ExitStack) -> None:
        self._browser = browser
        self._stack = stack

    def __call__(
        self,
        view: FakeView,
        *,
        settings: HttpSettings = OPEN,
        size: Size = DESKTOP,
        scheme: Scheme = "dark",
    ) -> Served:
        """Serve a view; its page is not opened yet."""
        running, background = self._stack.enter_context(
            in_background(running_server(view, settings))
        )
        page, complaints = self._stack.enter_context(opened_page(self._browser, size, scheme))
        return Served(page, complaints, view, running, background)


@contextmanager
def serving(browser: Browser) -> Iterator[Serve]:
    """Give a function that serves views until the end of the block."""
    with ExitStack() as stack:
        yield Serve(browser, stack)


# ---------------------------------------------------------------- what is shown
def camera(name: str = "porch", **changes: Any) -> CameraReading:
    """Make a camera that is well, with a main and a sub stream.

    Chromium of Debian plays no H.265, so its pictures are stills: nothing needs a live stream.
    """
    streams = tuple(_stream(name, kind) for kind in (StreamKind.MAIN, StreamKind.SUB))
    return camera_reading(name, **{"streams": streams, **changes})


def every_state() -> tuple[CameraReading, ...]:
    """Make one camera for each state of health, and some with odd names and batteries."""
    slow = camera("driveway")
    crawling = replace(slow.streams[1], fps=3.2)
    return (
        camera("porch", has_motion=True),
        replace(slow, streams=(slow.streams[0], crawling)),
        camera(
            "garage",
            state=CameraState.WAITING,
            state_for_s=480.0,
            last_error="connect to 192.0.2.7:9000: no route to host",
            last_error_age_s=3.0,
            next_attempt_in_s=12.0,
        ),
        camera(
            LONG_NAME,
            state=CameraState.IDLE,
            state_for_s=5000.0,
            is_battery=True,
            battery_percent=82,
        ),
        camera(
            "pond",
            state=CameraState.AUTH_FAILED,
            refusal=LoginRefusal.WRONG_CREDENTIALS,
            state_for_s=7200.0,
            next_attempt_in_s=280.0,
        ),
        camera("attic", is_enabled=False, state=CameraState.IDLE),
        camera("workshop", is_battery=True, battery_percent=67),
        camera("stable/2"),
    )


def view_of(*cameras: CameraReading) -> FakeView:
    """Make a bridge with these cameras, which are read now and give a picture when asked."""
    view = FakeView(reading=_reading(cameras), jpeg=JPEG.read_bytes())
    now = time.time()
    for one in cameras:
        view.log[one.name] = [
            FakeLine(now - 60, "connected to 192.0.2.7:9000, RLC-810A"),
            FakeLine(
                now - 30, "main: fell silent for 6.2 s, started again", "WARNING", stream="main"
            ),
        ]
    return view


def show(view: FakeView, *cameras: CameraReading) -> None:
    """Change what a view shows; time has gone on by a second."""
    earlier = view.reading
    view.reading = replace(
        _reading(cameras), monotonic_s=earlier.monotonic_s + 1, unix_s=earlier.unix_s + 1
    )


def _reading(cameras: tuple[CameraReading, ...]) -> BridgeReading:
    return replace(bridge_reading(0, 0), unix_s=time.time(), cameras=cameras)


def _stream(name: str, kind: StreamKind) -> StreamReading:
    size = (2560, 1440) if kind is StreamKind.MAIN else (640, 360)
    video = replace(H265, width=size[0], height=size[1])
    return stream_reading(name, kind, presentation=Presentation(video, AAC))
