"""What a page is told by itself: all cameras every two seconds, and new log lines (SSE).

What is the same for several listeners is made once. A listener that does not take its events gets
the newest list later and loses log lines; nobody waits for it. Who may see what is the caller's to
say, through ``may_see``.
"""

import asyncio
import json
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from neolink.clock import Clock
from neolink.health.values import BridgeHealth, CameraHealth, Health, HealthState
from neolink.readings import CameraReading
from neolink.web.glance import Glance
from neolink.web.view import BridgeView, LogLine
from neolink.web.views import JsonObject, RtspAddress, camera_view, line_view

__all__ = ["Events", "Listener", "describe_camera"]

CAMERAS_EVERY_S: Final = 2.0
LOOK_EVERY_S: Final = 1.0
AT_A_STRETCH: Final = 10
"""Cameras described before others have their turn on the loop."""

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


@dataclass(frozen=True, slots=True)
class _Edition:
    """All cameras for one host name, each as JSON."""

    made_s: float
    cameras: tuple[tuple[str, bytes], ...]


class Listener:
    """One page that listens, from :meth:`Events.join` until it leaves."""

    def __init__(self, rtsp: RtspAddress, may_see: Callable[[str], bool]) -> None:
        self.rtsp = rtsp
        self.may_see = may_see
        self.lost_lines = 0
        self.has_news = asyncio.Event()
        self._edition: _Edition | None = None
        self._told: bytes = b""
        self._lines: deque[tuple[str, LogLine]] = deque()

    def take(self) -> bytes:
        """Return what there is to tell, as events; empty if nothing is new."""
        self.has_news.clear()
        parts = []
        cameras = self._cameras()
        if cameras and cameras != self._told:
            self._told = cameras
            parts.append(b'event: cameras\ndata: {"cameras":[' + cameras + b"]}\n\n")
        while self._lines:
            camera, line = self._lines.popleft()
            if self.may_see(camera):
                data = _dumps({"camera": camera, "line": line_view(line)})
                parts.append(b"event: log\ndata: " + data + b"\n\n")
        return b"".join(parts)

    def bring(self, edition: _Edition | None, lines: Sequence[tuple[str, LogLine]]) -> None:
        """Leave news for the listener to take when it has time."""
        if edition is not None:
            self._edition = edition
        self._lines.extend(lines)
        while len(self._lines) > MAX_LINES:
            self._lines.popleft()
            self.lost_lines += 1
        self.has_news.set()

    def _cameras(self) -> bytes:
        edition = self._edition
        if edition is None:
            return b""
        return b",".join(data for name, data in edition.cameras if self.may_see(name))


class Events:
    """Makes the news as long as somebody listens."""

    def __init__(self, view: BridgeView, glance: Glance, clock: Clock) -> None:
        self._view = view
        self._glance = glance
        self._clock = clock
        self._listeners: set[Listener] = set()
        self._has_listeners = asyncio.Event()
        self._told_s = 0.0
        self._lines_until_s = 0.0

    def __len__(self) -> int:
        """Return how many listen."""
        return len(self._listeners)

    async def join(self, rtsp: RtspAddress, may_see: Callable[[str], bool]) -> Listener:
        """Begin to listen; the first news are there at once."""
        listener = Listener(rtsp, may_see)
        listener.bring(await self._make_edition(rtsp), ())
        if not self._listeners:
            self._lines_until_s = self._clock.unix_s()
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
            await self.look()

    async def look(self) -> None:
        """Bring what is new now."""
        lines = self._new_lines()
        now_s = self._clock.monotonic_s()
        is_due = now_s - self._told_s >= CAMERAS_EVERY_S - LOOK_EVERY_S / 2
        if is_due:
            self._told_s = now_s
        hosts = {listener.rtsp for listener in self._listeners}
        editions = {host: await self._make_edition(host) for host in hosts} if is_due else {}
        for listener in list(self._listeners):
            edition = editions.get(listener.rtsp)
            if edition is not None or lines:
                listener.bring(edition, lines)

    async def _make_edition(self, rtsp: RtspAddress) -> _Edition:
        reading, health = self._glance.reading, self._glance.health
        cameras: list[tuple[str, bytes]] = []
        for camera in reading.cameras:
            shown = describe_camera(camera, health, self._view, rtsp, reading.unix_s)
            cameras.append((camera.name, _dumps(shown)))
            if len(cameras) % AT_A_STRETCH == 0:
                await asyncio.sleep(0)
        return _Edition(self._clock.monotonic_s(), tuple(cameras))

    def _new_lines(self) -> list[tuple[str, LogLine]]:
        """Return the log lines since the last look, the oldest first."""
        since_s = self._lines_until_s
        lines = [
            (camera.name, line)
            for camera in self._glance.reading.cameras
            for line in self._view.lines(camera.name, LINES_PER_LOOK)
            if line.unix_s > since_s
        ]
        lines.sort(key=lambda pair: pair[1].unix_s)
        if lines:
            self._lines_until_s = lines[-1][1].unix_s
        return lines


def _dumps(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
