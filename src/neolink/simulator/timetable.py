"""Things to do later, by the time they are due. Pure: who owns it says what time it is."""

import heapq
from collections.abc import Callable
from itertools import count

__all__ = ["Timetable"]


class Timetable:
    """Actions that run once when their time has come, in the order of their times."""

    def __init__(self) -> None:
        self._entries: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()  # of two actions due at once, the one added first goes first

    @property
    def next_due_s(self) -> float | None:
        """When the next action is due; None without any."""
        return self._entries[0][0] if self._entries else None

    def add(self, due_s: float, action: Callable[[], None]) -> None:
        """Run ``action`` at ``due_s``."""
        heapq.heappush(self._entries, (due_s, next(self._order), action))

    def run_due(self, now_s: float) -> None:
        """Run what is due, also what that adds for a time that has passed."""
        while self._entries and self._entries[0][0] <= now_s:
            heapq.heappop(self._entries)[2]()
