"""How fast a stream flows: over ten seconds for readings, over two for graphs. No clock is read."""

from array import array
from collections import deque
from collections.abc import Iterator

from neolink.hub.counters import StreamCounters
from neolink.readings import StreamSample

__all__ = ["SAMPLES", "WINDOW_S", "Rates"]

WINDOW_S = 10
"""Seconds that a rate is taken over."""

SAMPLES = 150
"""Points of the past that are kept."""

_WIDTH = 5
"""Numbers of a point: those of a :class:`StreamSample`."""

_Mark = tuple[float, int, int]
"""When, pictures and bytes so far."""


class Rates:
    """The recent past of one stream. ``mark`` is to be called once a second."""

    __slots__ = ("_counters", "_first", "_marks", "_sampled", "_samples")

    def __init__(self, counters: StreamCounters, now_s: float) -> None:
        self._counters = counters
        self._marks: deque[_Mark] = deque(maxlen=WINDOW_S)
        self._sampled = self._mark(now_s)
        self._samples = array("d")
        self._first = 0
        """Where the oldest point is, once there are as many as are kept."""

    def is_of(self, counters: StreamCounters) -> bool:
        """Whether it is these that are measured here."""
        return counters is self._counters

    def mark(self, now_s: float) -> None:
        """Remember what was counted until now."""
        self._marks.append(self._mark(now_s))

    def measure(self, now_s: float) -> tuple[float, float]:
        """Return pictures and bits a second of the last ten seconds, or since pictures flow."""
        flow = self._counters.flow
        base = self._marks[0] if self._marks else self._sampled
        if flow is not None and flow.at_s > base[0]:
            base = flow.at_s, flow.pictures, flow.received_bytes
        return _rates(base, self._mark(now_s))

    def sample(self, now_s: float, unix_s: float, queued_bytes: int) -> None:
        """Keep a point: what came since the one before. A stream that never came costs nothing."""
        worst_gap_s = self._counters.take_worst_gap_s(now_s)
        before, self._sampled = self._sampled, self._mark(now_s)
        if not self._counters.pictures:
            return
        point = array("d", (unix_s, *_rates(before, self._sampled), queued_bytes, worst_gap_s))
        if len(self._samples) < SAMPLES * _WIDTH:
            self._samples.extend(point)
            return
        self._samples[self._first : self._first + _WIDTH] = point
        self._first = (self._first + _WIDTH) % len(self._samples)

    def history(self) -> Iterator[StreamSample]:
        """Yield the points that are kept, the oldest first."""
        numbers, first = self._samples, self._first
        for begin in (*range(first, len(numbers), _WIDTH), *range(0, first, _WIDTH)):
            unix_s, fps, bitrate_bps, queued_bytes, gap_s = numbers[begin : begin + _WIDTH]
            yield StreamSample(unix_s, fps, bitrate_bps, int(queued_bytes), gap_s)

    def _mark(self, now_s: float) -> _Mark:
        return now_s, self._counters.pictures, self._counters.received_bytes


def _rates(base: _Mark, end: _Mark) -> tuple[float, float]:
    passed_s = end[0] - base[0]
    if passed_s <= 0:
        return 0.0, 0.0
    return (end[1] - base[1]) / passed_s, (end[2] - base[2]) * 8 / passed_s
