"""How fast a stream comes, so that queues can have room for it. Pure: looked at once a second."""

from collections import deque
from typing import Final

from neolink.hub.backlog import Allowance
from neolink.hub.counters import StreamCounters

__all__ = ["Pace"]

SAMPLES: Final = 6
"""Looks that a rate is taken over."""

LEAST_S: Final = 1.0
"""Over less than this a rate says nothing: a camera sends in bursts."""


class Pace:
    """Has an allowance follow the counters of a stream."""

    def __init__(self, counters: StreamCounters, allowance: Allowance) -> None:
        self._counters = counters
        self._allowance = allowance
        self._seen: deque[tuple[float, int, int]] = deque(maxlen=SAMPLES)
        self.bytes_per_s: float | None = None
        """As it was when it flowed last; None before."""

    def look(self, now_s: float) -> None:
        """Take a sample; while nothing flows, the allowance stays as it is."""
        counters = self._counters
        if counters.flow is None:
            self._seen.clear()
            return
        items = counters.pictures + counters.audio_frames
        self._seen.append((now_s, items, counters.received_bytes))
        since_s, items_before, bytes_before = self._seen[0]
        span_s = now_s - since_s
        if span_s < LEAST_S or items == items_before:
            return
        self.bytes_per_s = (counters.received_bytes - bytes_before) / span_s
        self._allowance.follow(
            items_per_s=(items - items_before) / span_s,
            bytes_per_s=self.bytes_per_s,
            group_s=counters.gop_s or 0.0,
        )
