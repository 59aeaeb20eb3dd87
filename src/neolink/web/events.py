"""What a page is told by itself: all cameras every two seconds, and new log lines (SSE).

What is the same for several listeners is made once. A listener that does not take its events gets
the newest list later and loses log lines, which it is told; nobody waits for it. Who may see what
is the caller's to say, through ``may_see``.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from neolink.clock import Clock
from neolink.health.values import BridgeHealth, CameraHealth, Health, HealthState
from neolink.log import RepeatLimiter
from neolink.readings import CameraReading
from neolink.web.glance import Glance
from neolink.web.jsontext import to_json
from neolink.web.view import BridgeView, LogLine
from neolink.web.views import JsonObject, RtspAddress, camera_view, line_view

__all__ = ["AT_A_STRETCH", "Events", "Listener", "describe_camera"]

_LOG = logging.getLogger(__name__)

CAMERAS_EVERY_S: Final = 2.0
LOOK_EVERY_S: Final = 1.0
AT_A_STRETCH: Final = 10
"""Cameras described before others have their turn on the loop."""

MAX_TEXTS: Final = 16
"""Texts of one edition that are kept: listeners know us by few names and see much the same."""

MAX_LINES: Final = 200
"""Log lines that wait for one listener; older ones are dropped and counted."""

LINES_PER_LOOK: Final = 50
"""Log lines of one camera told per look."""


def describe_camera(
    camera: CameraReading, health: BridgeHealth, view: BridgeView, rtsp: RtspAddress, unix_s: float
) -> JsonObject:
    """Return one camera as the API shows it."""
    judged = next((one for one in health.cameras if one.name == camera.name), None)
    last = view.lines(camera.name, 1)
    event = last[-1] if last else None
    return camera_view(camera, judged or _unjudged(camera, unix_s), event, rtsp=rtsp, unix_s=unix_s)


def _unjudged(camera: CameraReading, unix_s: float) -> CameraHealth:
    """Stand in for a camera that was added since the last judgement."""
    return CameraHealth(camera.name, Health(HealthState.DEGRADED, (), unix_s, "starting"), {})


ANY_HOST: Final = "\0host\0"
"""Stands in an edition for the name by which a listener knows us."""


class _Edition:
    """All cameras, each as JSON; what listeners have in common is put together once."""

    def __init__(self, made_s: float, cameras: Sequence[tuple[str, bytes]]) -> None:
        self.made_s = made_s
        self._cameras = cameras
        self._texts: dict[tuple[str, tuple[str, ...]], bytes] = {}

    def text(self, host: str, may_see: Callable[[str], bool]) -> bytes:
        """Return the event for a listener who knows us as ``host``."""
        seen = [(name, data) for name, data in self._cameras if may_see(name)]
        key = host, tuple(name for name, _ in seen)
        if key not in self._texts:
            if len(self._texts) >= MAX_TEXTS:
                self._texts.clear()
            joined = b",".join(data for _, data in seen)
            joined = joined.replace(to_json(ANY_HOST)[1:-1], to_json(host)[1:-1])
            self._texts[key] = b'event: cameras\ndata: {"cameras":[' + joined + b"]}\n\n"
        return self._texts[key]


class Listener:
    """One page that listens, from :meth:`Events.join` until it leaves."""

    def __init__(self, host: str, may_see: Callable[[str], bool]) -> None:
        self.host = host
        self.may_see = may_see
        self.lost_lines = 0
        self.has_news = asyncio.Event()
        self._edition: _Edition | None = None
        self._lines: deque[tuple[str, LogLine]] = deque()
        self._told_lost = 0

    def take(self) -> bytes:
        """Return what there is to tell, as events; empty if nothing is new."""
        self.has_news.clear()
        parts = []
        edition, self._edition = self._edition, None
        if edition is not None:
            parts.append(edition.text(self.host, self.may_see))
        if self.lost_lines > self._told_lost:
            lost = {"lines": self.lost_lines - self._told_lost}
            self._told_lost = self.lost_lines
            parts.append(b"event: lost\ndata: " + to_json(lost) + b"\n\n")
        while self._lines:
            camera, line = self._lines.popleft()
            if self.may_see(camera):  # it may have been withdrawn meanwhile
                data = to_json({"camera": camera, "line": line_view(line)})
                parts.append(b"event: log\ndata: " + data + b"\n\n")
        return b"".join(parts)

    def bring(self, edition: _Edition | None, lines: Sequence[tuple[str, LogLine]]) -> None:
        """Leave news for the listener to take when it has time."""
        if edition is not None:
            self._edition = edition
        self._lines.extend(pair for pair in lines if self.may_see(pair[0]))
        while len(self._lines) > MAX_LINES:
            self._lines.popleft()
            self.lost_lines += 1
        if self._edition is not None or self._lines:
            self.has_news.set()


class Events:
    """Makes the news as long as somebody listens."""

    def __init__(self, view: BridgeView, glance: Glance, clock: Clock) -> None:
        self._view = view
        self._glance = glance
        self._clock = clock
        self._listeners: set[Listener] = set()
        self._has_listeners = asyncio.Event()
        self._edition: _Edition | None = None
        self._making = asyncio.Lock()
        self._told: dict[str, LogLine] = {}
        """The newest line of each camera that was told."""
        self._limiter = RepeatLimiter(clock)

    def __len__(self) -> int:
        """Return how many listen."""
        return len(self._listeners)

    async def join(self, host: str, may_see: Callable[[str], bool]) -> Listener:
        """Begin to listen; the first news are there at once.

        ``host`` is the name by which the listener knows us.
        """
        edition = await self._recent_edition()
        listener = Listener(host, may_see)
        listener.bring(edition, ())
        if not self._listeners:
            self._new_lines()  # what was before is not news
        self._listeners.add(listener)
        self._has_listeners.set()
        return listener

    def leave(self, listener: Listener) -> None:
        """Stop listening; a second call does nothing."""
        self._listeners.discard(listener)
        if not self._listeners:
            self._has_listeners.clear()

    async def run(self) -> None:
        """Bring the news until cancelled."""
        while True:
            await self._has_listeners.wait()
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self.look()
            except Exception:  # noqa: BLE001 - one bad look must not end the server
                if self._limiter.admit("look") is not None:
                    _LOG.exception("the news could not be made; the next try follows")

    async def look(self) -> None:
        """Bring what is new now."""
        lines = self._new_lines()
        edition = self._edition
        age_s = self._clock.monotonic_s() - edition.made_s if edition else CAMERAS_EVERY_S
        is_due = age_s >= CAMERAS_EVERY_S - LOOK_EVERY_S / 2
        fresh = await self._make_edition() if is_due else None
        for listener in list(self._listeners):
            listener.bring(fresh, lines)

    async def _recent_edition(self) -> _Edition:
        """Return an edition to begin with: one for all who come at the same time."""
        async with self._making:
            edition = self._edition
            if edition is None or self._clock.monotonic_s() - edition.made_s >= CAMERAS_EVERY_S:
                edition = await self._make_edition()
            return edition

    async def _make_edition(self) -> _Edition:
        made_s = self._clock.monotonic_s()
        await self._glance.refresh()
        reading, health = self._glance.reading, self._glance.health
        rtsp = RtspAddress(ANY_HOST, self._view.rtsp_port, has_tls=self._view.rtsp_needs_tls)
        cameras: list[tuple[str, bytes]] = []
        for camera in reading.cameras:
            shown = describe_camera(camera, health, self._view, rtsp, reading.unix_s)
            cameras.append((camera.name, to_json(shown)))
            if len(cameras) % AT_A_STRETCH == 0:
                await asyncio.sleep(0)
        self._edition = _Edition(made_s, cameras)
        return self._edition

    def _new_lines(self) -> list[tuple[str, LogLine]]:
        """Return the log lines since the last look, the oldest first.

        They are known by themselves, not by their time: the host's clock may be set back.
        """
        told, self._told = self._told, {}
        lines: list[tuple[str, LogLine]] = []
        for camera in self._glance.reading.cameras:
            newest = self._view.lines(camera.name, 1)
            if not newest:
                continue
            self._told[camera.name] = newest[-1]
            known = told.get(camera.name)
            if newest[-1] is not known:
                recent = self._view.lines(camera.name, LINES_PER_LOOK)
                lines += [(camera.name, line) for line in _after(recent, known)]
        lines.sort(key=lambda pair: pair[1].unix_s)
        return lines


def _after(lines: Sequence[LogLine], known: LogLine | None) -> Sequence[LogLine]:
    """Return the lines behind one of them; all if it is not there any more."""
    for back, line in enumerate(reversed(lines)):
        if line is known:
            return lines[len(lines) - back :]
    return lines
