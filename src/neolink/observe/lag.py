"""How late the event loop is: what a timer waited for longer than it asked to. No clock is read."""

from collections import deque

from neolink.hub.counters import Tally

__all__ = ["LAG_BOUNDS_S", "LoopLag"]

LAG_BOUNDS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)

WORST_OF_S = 10.0


class LoopLag:
    """The lateness of one timer that runs all the time."""

    def __init__(self) -> None:
        self.lags = Tally(LAG_BOUNDS_S)
        self._recent: deque[tuple[float, float]] = deque()
        """When, and how late; each later than all that follow."""

    def note(self, now_s: float, late_s: float) -> None:
        """Note that something due ``late_s`` ago ran only now."""
        late_s = max(0.0, late_s)
        self.lags.add(late_s)
        recent = self._recent
        while recent and recent[-1][1] <= late_s:
            recent.pop()
        recent.append((now_s, late_s))
        self._forget(now_s)

    def worst_s(self, now_s: float) -> float:
        """Return the worst of the last ten seconds."""
        self._forget(now_s)
        return self._recent[0][1] if self._recent else 0.0

    def _forget(self, now_s: float) -> None:
        while self._recent and now_s - self._recent[0][0] > WORST_OF_S:
            self._recent.popleft()
