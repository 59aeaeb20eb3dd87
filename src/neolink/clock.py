"""Where time comes from: the only module that reads a clock. No timers, no waiting here.

Everything that needs the time is given a :class:`Clock`; tests drive a :class:`ManualClock`.
"""

import time
from typing import Protocol

__all__ = ["Clock", "ManualClock", "SystemClock"]


class Clock(Protocol):
    """Two readings: one to measure durations with, one to tell the time of day."""

    def monotonic_s(self) -> float:
        """Seconds that never go back; the zero is arbitrary."""

    def unix_s(self) -> float:
        """Seconds since 1970-01-01 UTC; may step when the host's clock is set."""


class SystemClock:
    """The host's clocks."""

    def monotonic_s(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

    def unix_s(self) -> float:
        """Seconds since 1970-01-01 UTC."""
        return time.time()


class ManualClock:
    """A clock that moves only when told to."""

    def __init__(self, *, monotonic_s: float = 1000.0, unix_s: float = 1_700_000_000.0) -> None:
        self._monotonic_s = monotonic_s
        self._unix_s = unix_s

    def monotonic_s(self) -> float:
        """Seconds that never go back."""
        return self._monotonic_s

    def unix_s(self) -> float:
        """Seconds since 1970-01-01 UTC."""
        return self._unix_s

    def advance(self, seconds: float) -> None:
        """Move both readings forward. Raises ValueError for a negative step."""
        if seconds < 0:
            raise ValueError(f"time does not run backwards: {seconds}")
        self._monotonic_s += seconds
        self._unix_s += seconds
