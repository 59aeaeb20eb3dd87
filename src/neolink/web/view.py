"""What the HTTP server sees of the bridge. The application implements it; tests fake it."""

from collections.abc import Sequence
from typing import Protocol

from neolink.health.values import BridgeHealth
from neolink.hub.stream import Stream
from neolink.media.tracks import StreamKind
from neolink.media.units import AccessUnit
from neolink.readings import BridgeReading, StreamSample
from neolink.rtsp_server.settings import Access

__all__ = ["BridgeView", "LogLine"]


class LogLine(Protocol):
    """A line of the log, already without secrets."""

    @property
    def unix_s(self) -> float:
        """When it was written."""

    @property
    def level(self) -> str:
        """``INFO``, ``WARNING``, ``ERROR``."""

    @property
    def logger(self) -> str:
        """Which part of the program wrote it."""

    @property
    def text(self) -> str:
        """What it says."""

    @property
    def stream(self) -> str | None:
        """Which stream it speaks of."""

    @property
    def client(self) -> str | None:
        """Which player it speaks of."""

    @property
    def phase(self) -> str | None:
        """The step of a longer task."""


class BridgeView(Protocol):
    """The bridge as it is now. All but :meth:`snapshot` return at once and never raise."""

    @property
    def rtsp_port(self) -> int:
        """Where players connect."""

    @property
    def rtsp_needs_tls(self) -> bool:
        """Whether they must come with TLS there."""

    def read(self) -> BridgeReading:
        """Return everything that is counted and measured."""

    def health(self) -> BridgeHealth:
        """Return how everything is, and why."""

    def history(self, camera: str, kind: StreamKind) -> Sequence[StreamSample]:
        """Return the recent past of a stream, the oldest first; empty if there is none."""

    def lines(self, camera: str, limit: int) -> Sequence[LogLine]:
        """Return the last log lines of a camera that are at least INFO, the oldest first.

        A line is the same object every time.
        """

    def access(self, camera: str) -> Access | None:
        """Return who may watch a camera; None where nobody can: it is served nowhere."""

    def stream(self, camera: str, kind: StreamKind) -> Stream | None:
        """Return a stream that is served; None if there is none."""

    def key_frame(self, camera: str, kind: StreamKind) -> AccessUnit | None:
        """Return the newest key frame of a stream, maybe of an earlier run."""

    def cached_pictures(self, camera: str, kind: StreamKind) -> Sequence[AccessUnit]:
        """Return the live pictures since the last random access point; maybe none."""

    async def snapshot(self, camera: str, kind: StreamKind) -> bytes:
        """Ask the camera itself for a JPEG picture; a camera that sleeps is not woken for it.

        Raises NeolinkError when it does not give one.
        """

    def kick(self, number: int) -> bool:
        """End the session of a player; return whether there was one."""
