"""What one slow reader has not taken yet: a queue with bounds, a policy and counters. Pure.

Hot path: ``push`` and ``pop`` run for each unit a reader could not take at once.

Policy, in this order:

1. While waiting for a random access point, everything else is dropped.
2. Over the bound of items or bytes, all that is queued goes and the reader waits for a
   random access point (unless the new item is one).
3. A reader further behind than ``max_delay_s`` of media time is moved to the newest random
   access point in the queue, so that its delay does not grow without end.

A group of pictures is never entered in its middle: what a reader gets always decodes.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

__all__ = ["Backlog", "BacklogLimits", "Budget", "Queueable"]


class Queueable(Protocol):
    """What the policy needs to know of an item."""

    @property
    def size(self) -> int:
        """Bytes held while queued."""

    @property
    def media_s(self) -> float:
        """Media time in seconds from the stream's origin."""

    @property
    def is_random_access(self) -> bool:
        """Whether a decoder can start here; always true for audio."""

    @property
    def is_video(self) -> bool:
        """Audio is dropped with the pictures around it."""


T = TypeVar("T", bound=Queueable)


@dataclass(frozen=True, slots=True)
class BacklogLimits:
    """Bounds of one reader's queue."""

    max_items: int = 500
    max_bytes: int = 64 << 20
    max_delay_s: float = 3.0


class Budget:
    """Bytes that all readers of the process may hold together."""

    def __init__(self, max_bytes: int = 256 << 20) -> None:
        self.max_bytes = max_bytes
        self.used_bytes = 0

    def has_room(self, size: int) -> bool:
        """Whether ``size`` more bytes fit."""
        return self.used_bytes + size <= self.max_bytes


class Backlog(Generic[T]):
    """A bounded queue that drops whole groups of pictures."""

    def __init__(self, limits: BacklogLimits, budget: Budget) -> None:
        self._limits = limits
        self._budget = budget
        self._items: deque[T] = deque()
        self.size = 0
        self.dropped = 0
        self.episodes = 0
        """How often the reader began to lose units."""
        self.needs_random_access = False
        self.has_video = True
        """False for a reader of audio alone, who may enter anywhere."""

    def __len__(self) -> int:
        return len(self._items)

    def admits(self, item: T) -> bool:
        """Whether an item may be sent past the (empty) queue; counts it as dropped if not."""
        if not self.needs_random_access:
            return True
        if self._can_enter_at(item):
            self.needs_random_access = False
            return True
        self.dropped += 1
        return False

    def push(self, item: T) -> None:
        """Queue an item, or drop by the policy above."""
        if self._is_full(item.size):
            self.await_random_access()
            if self._is_full(item.size):  # too large by itself, or others hold the budget
                self.dropped += 1
                return
        if not self.admits(item):
            return
        self._items.append(item)
        self.size += item.size
        self._budget.used_bytes += item.size
        if item.media_s - self._items[0].media_s > self._limits.max_delay_s:
            self._skip_to_newest_random_access()

    def pop(self) -> T:
        """Take the oldest item. Raises IndexError when there is none."""
        item = self._items.popleft()
        self._forget(item)
        return item

    def clear(self) -> int:
        """Drop everything and return how many items that were."""
        count = len(self._items)
        self._items.clear()
        self._budget.used_bytes -= self.size
        self.size = 0
        return count

    def discard(self, is_unwanted: Callable[[T], bool]) -> None:
        """Take out what nobody wants any more, e.g. of a track that ended; that is no loss."""
        kept = [item for item in self._items if not is_unwanted(item)]
        self.clear()
        self._items.extend(kept)
        self.size = sum(item.size for item in kept)
        self._budget.used_bytes += self.size

    def await_random_access(self) -> None:
        """Drop what waits, and more until the next random access point: a unit was lost."""
        if self.needs_random_access:
            return
        self.dropped += self.clear()
        self.episodes += 1
        self.needs_random_access = True

    def _can_enter_at(self, item: T) -> bool:
        return item.is_random_access and (item.is_video or not self.has_video)

    def _is_full(self, size: int) -> bool:
        return (
            len(self._items) >= self._limits.max_items
            or self.size + size > self._limits.max_bytes
            or not self._budget.has_room(size)
        )

    def _skip_to_newest_random_access(self) -> None:
        newest = next(
            (i for i in range(len(self._items) - 1, 0, -1) if self._can_enter_at(self._items[i])),
            0,
        )
        if not newest:
            return
        self.episodes += 1
        self.dropped += newest
        for _ in range(newest):
            self._forget(self._items.popleft())

    def _forget(self, item: T) -> None:
        self.size -= item.size
        self._budget.used_bytes -= item.size
