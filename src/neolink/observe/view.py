"""A running bridge as the HTTP server sees it: readings, health, log lines, pictures, a kick."""

from collections.abc import Sequence
from typing import Protocol

from neolink.health.values import BridgeHealth
from neolink.health.watch import HealthWatch
from neolink.hub.stream import Stream
from neolink.media.tracks import StreamKind
from neolink.media.units import AccessUnit
from neolink.observe.observer import Observer
from neolink.observe.parts import Parts
from neolink.readings import BridgeReading, StreamSample
from neolink.recent import Line, RecentLines
from neolink.rtsp_server.settings import Access

__all__ = ["ObservedBridge", "Viewable"]


class Viewable(Parts, Protocol):
    """A bridge that also does what a page asks of it."""

    async def snapshot(self, camera: str, kind: StreamKind) -> bytes:
        """Return a JPEG made by the camera. Raises NeolinkError when it does not give one."""

    def kick(self, number: int) -> bool:
        """End somebody's watching; False when nobody has the number."""


class ObservedBridge:
    """Implements :class:`neolink.web.view.BridgeView`."""

    def __init__(
        self, bridge: Viewable, observer: Observer, watch: HealthWatch, recent: RecentLines
    ) -> None:
        self._bridge = bridge
        self._observer = observer
        self._watch = watch
        self._recent = recent

    @property
    def rtsp_port(self) -> int:
        """Where players connect."""
        return self._bridge.rtsp.port

    @property
    def rtsp_needs_tls(self) -> bool:
        """Whether they must come with TLS there."""
        return self._bridge.rtsp.settings.is_tls_alone

    def read(self) -> BridgeReading:
        """Return everything that is counted and measured."""
        return self._observer.read()

    def health(self) -> BridgeHealth:
        """Return how everything is, and why."""
        return self._watch.update(self._observer.read())

    def history(self, camera: str, kind: StreamKind) -> Sequence[StreamSample]:
        """Return the recent past of a stream, the oldest first; empty if there is none."""
        return self._observer.history(camera, kind)

    def lines(self, camera: str, limit: int) -> Sequence[Line]:
        """Return the last log lines of a camera that are at least INFO, the oldest first."""
        return self._recent.lines(camera, limit)

    def access(self, camera: str) -> Access | None:
        """Return who may watch a camera; None where nobody can: it is served nowhere."""
        for kind in StreamKind:  # asked for each camera and page: not a walk through all mounts
            mount = self._bridge.mounts.get((camera, kind))
            if mount is not None:
                return mount.settings.access
        return None

    def stream(self, camera: str, kind: StreamKind) -> Stream | None:
        """Return a stream that is served; None if there is none."""
        mount = self._bridge.mounts.get((camera, kind))
        return mount.stream if mount is not None else None

    def key_frame(self, camera: str, kind: StreamKind) -> AccessUnit | None:
        """Return the newest key frame of a stream, maybe of an earlier run."""
        stream = self.stream(camera, kind)
        return stream.last_key_frame if stream is not None else None

    def cached_pictures(self, camera: str, kind: StreamKind) -> Sequence[AccessUnit]:
        """Return the live pictures since the last random access point; maybe none."""
        mount = self._bridge.mounts.get((camera, kind))
        return mount.cached_pictures if mount is not None else ()

    async def snapshot(self, camera: str, kind: StreamKind) -> bytes:
        """Ask the camera itself for a JPEG picture; one that sleeps is not woken for it.

        Raises NeolinkError when it does not give one.
        """
        return await self._bridge.snapshot(camera, kind)

    def kick(self, number: int) -> bool:
        """End the session of a player; return whether there was one."""
        return self._bridge.kick(number)
