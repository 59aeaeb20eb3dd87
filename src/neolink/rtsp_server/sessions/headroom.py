"""How much more than the sub stream a TCP player could take, as its key frames tell. Pure.

A key frame is a burst. What of it has not arrived when the next picture comes tells how fast the
network is; if nothing is left, it is fast enough as far as is seen. A distant player confirms late
and so seems to have no headroom: it is tried less often then, that is all.
"""

from collections.abc import Callable
from typing import Final

from neolink.rtsp_server.mounts.parcel import Parcel

__all__ = ["Headroom"]

LEAST_S: Final = 0.02
"""Pictures that come closer together belong to the burst."""

REST: Final = 16
"""So small a part of the burst is what came after it."""


class Headroom:
    """A measure for one player.

    ``waiting_bytes`` gives what its system has not confirmed yet, or None where nothing tells;
    ``now_s`` gives the time; ``needed`` is what main sends, in bytes per second.
    """

    def __init__(
        self,
        waiting_bytes: Callable[[], int | None],
        now_s: Callable[[], float],
        needed: float,
    ) -> None:
        self.is_seen = False
        """Whether the newest key frame left fast enough."""
        self._waiting_bytes = waiting_bytes
        self._now_s = now_s
        self._needed = needed
        self._burst: tuple[float, int] | None = None
        """When the newest key frame came, and how much waited with it."""

    def note(self, parcel: Parcel) -> None:
        """Learn of a picture that is about to be sent."""
        if self._burst is None and not parcel.is_random_access:
            return
        now_s, waiting = self._now_s(), self._waiting_bytes()
        if waiting is None:
            return
        if self._burst is None:
            self._burst = (now_s, waiting + parcel.size)
            return
        since_s, burst = self._burst
        if now_s - since_s < LEAST_S:
            self._burst = (since_s, burst + parcel.size)
            return
        is_gone = REST * waiting <= burst
        self.is_seen = is_gone or burst - waiting >= self._needed * (now_s - since_s)
        self._burst = (now_s, waiting + parcel.size) if parcel.is_random_access else None
