"""How many pictures a second a stream has when nobody, or a liar, says so.

Counting only; who needs a frame rate and what for is the caller's business.
"""

from collections import deque
from itertools import pairwise
from statistics import median

from neolink.media.tracks import VIDEO_CLOCK_RATE

__all__ = [
    "DEFAULT_FRAME_RATE",
    "MAX_FRAME_RATE",
    "MeasuredFrameRate",
    "plausible_frame_rate",
]

DEFAULT_FRAME_RATE = 15.0
MAX_FRAME_RATE = 120.0

_INTERVALS = 32
_MIN_INTERVALS = 8


def plausible_frame_rate(*claims: float | None) -> float | None:
    """Return the first claim above 0 and not above ``MAX_FRAME_RATE``, ``None`` without one."""
    return next((claim for claim in claims if claim and 0 < claim <= MAX_FRAME_RATE), None)


class MeasuredFrameRate:
    """The nominal frame rate of a video track, in frames per second.

    A plausible ``nominal`` counts; else what the last 32 intervals between pictures say, as
    their median (a stall or a lost picture is no change of rate); else 15.
    """

    __slots__ = ("_pts", "nominal")

    def __init__(self, nominal: float | None = None) -> None:
        self.nominal = nominal
        self._pts: deque[int] = deque(maxlen=_INTERVALS + 1)

    def observe(self, pts: int) -> None:
        """Take note of a picture at ``pts`` (90 kHz). A few tens of nanoseconds."""
        self._pts.append(pts)

    def reset(self) -> None:
        """Forget the pictures seen: the stream's format has changed."""
        self._pts.clear()

    @property
    def measured(self) -> float | None:
        """What the pictures say, ``None`` before nine of them or when it is not plausible."""
        intervals = [later - earlier for earlier, later in pairwise(self._pts)]
        if len(intervals) < _MIN_INTERVALS:
            return None
        interval = median(intervals)
        return plausible_frame_rate(VIDEO_CLOCK_RATE / interval) if interval > 0 else None

    @property
    def value(self) -> float:
        """The frame rate to reckon with, always within 0 (exclusive) and 120."""
        return plausible_frame_rate(self.nominal) or self.measured or DEFAULT_FRAME_RATE
