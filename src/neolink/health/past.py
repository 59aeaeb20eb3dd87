"""What a judgement needs of the past: counters that grew lately, states that linger, since when.

All of it is bounded, whatever is fed. Times are monotonic seconds that the caller never lets go
back, except where a name says unix.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from neolink.health.causes import RULES, Cause, Finding
from neolink.health.thresholds import Thresholds
from neolink.health.values import HealthState

__all__ = ["Latches", "Recent", "Since"]

BUCKET_S = 1.0
MOST_BUCKETS = 120

_PLACE = {cause: place for place, cause in enumerate(RULES)}


class Recent:
    """How much a counter grew within the last minute."""

    __slots__ = ("_growth", "_total", "last_s")

    def __init__(self) -> None:
        self.last_s: float | None = None
        """When it grew last."""
        self._total: int | None = None
        self._growth: deque[tuple[float, int]] = deque(maxlen=MOST_BUCKETS)

    def note(self, now_s: float, total: int) -> None:
        """Take the counter's value; the first, and one that fell, only begin the counting."""
        before, self._total = self._total, total
        if before is None or total <= before:
            return
        self.last_s = now_s
        growth = total - before
        if self._growth and now_s - self._growth[-1][0] < BUCKET_S:
            began_s, sum_before = self._growth.pop()
            self._growth.append((began_s, sum_before + growth))
        else:
            self._growth.append((now_s, growth))

    def within(self, now_s: float, window_s: float) -> int:
        """Return by how much it grew in the last ``window_s`` seconds, to a second."""
        return sum(growth for at_s, growth in self._growth if now_s - at_s <= window_s)

    def shows(self, now_s: float, limits: Thresholds, at_once: int = 1) -> bool:
        """Tell whether it grew by ``at_once`` a moment ago, or repeatedly within a minute."""
        return (
            self.within(now_s, limits.recent_s) >= at_once
            or self.within(now_s, limits.memory_s) >= limits.often * at_once
        )


@dataclass(slots=True)
class _Held:
    finding: Finding
    last_s: float


class Latches:
    """Findings stay for a while after they were seen last, so that states do not flicker."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held: dict[Cause, _Held] = {}

    def settle(
        self, now_s: float, findings: Iterable[Finding], clear_s: float
    ) -> tuple[Finding, ...]:
        """Return what is found now or was a moment ago, the worst first."""
        for finding in findings:
            self._held[finding.cause] = _Held(finding, now_s)
        for cause in [c for c, held in self._held.items() if now_s - held.last_s > clear_s]:
            del self._held[cause]
        found = [held.finding for held in self._held.values()]
        return tuple(sorted(found, key=lambda one: (-one.state.severity, _PLACE[one.cause])))

    def clear(self) -> None:
        """Forget everything."""
        self._held.clear()


class Since:
    """When a state began; never goes back, even if the clock of the host does."""

    __slots__ = ("_since_unix_s", "state")

    def __init__(self) -> None:
        self.state: HealthState | None = None
        self._since_unix_s = 0.0

    def note(self, state: HealthState, unix_s: float, for_s: float = 0.0) -> float:
        """Take the state of now, which has been there for ``for_s``; return when it began."""
        if state is not self.state:
            began_unix_s = unix_s - for_s
            is_first, self.state = self.state is None, state
            self._since_unix_s = began_unix_s if is_first else max(self._since_unix_s, began_unix_s)
        return self._since_unix_s
