"""What one slow reader has not taken yet: a queue with bounds, a policy and counters. Pure.

Hot path: ``push`` and ``pop`` run for each unit a reader could not take at once.

Policy, in this order:

1. While waiting for a random access point, everything else is dropped.
2. Over its own bound of items or bytes, all that is queued goes and the reader waits for a
   random access point (unless the new item is one).
3. Where readers together hold more than a budget allows, that happens to the one with the longest
   queue, so that one hopeless reader does not cost all others their pictures.
4. A reader further behind than ``max_delay_s`` of media time is moved to the newest random
   access point in the queue, so that its delay does not grow without end.

A group of pictures is never entered in its middle: what a reader gets always decodes.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Generic, Protocol, TypeVar

__all__ = ["Allowance", "Backlog", "BacklogLimits", "Bounds", "Budget", "Queueable"]


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


class Bounds(Protocol):
    """What one reader may have waiting; looked at for every item."""

    @property
    def max_items(self) -> int:
        """Items of any kind."""

    @property
    def max_bytes(self) -> int:
        """Bytes of all of them."""

    @property
    def max_delay_s(self) -> float:
        """Media time that a reader may be behind before it skips to a random access point."""


@dataclass(frozen=True, slots=True)
class BacklogLimits:
    """Bounds that stay as they are."""

    max_items: int = 500
    max_bytes: int = 64 << 20
    max_delay_s: float = 3.0


LEAST_ITEMS = 50
LEAST_BYTES = 1 << 20


class Allowance:
    """Bounds that follow the rate of a stream, never above the hard ones; all its readers share it.

    Room is for ``max_delay_s`` of media, and once more as much or a whole group of pictures,
    whichever is longer: who is further behind than that has been past a random access point.
    """

    __slots__ = ("_hard", "max_bytes", "max_delay_s", "max_items")

    def __init__(self, hard: BacklogLimits) -> None:
        self._hard = hard
        self.max_items = hard.max_items
        self.max_bytes = hard.max_bytes
        self.max_delay_s = hard.max_delay_s

    def limit(self, hard: BacklogLimits) -> None:
        """Take other hard bounds; the rate is to be told again."""
        self._hard = hard
        self.max_items, self.max_bytes = hard.max_items, hard.max_bytes
        self.max_delay_s = hard.max_delay_s

    def follow(self, *, items_per_s: float, bytes_per_s: float, group_s: float) -> None:
        """Make room for a stream of this rate, whose groups of pictures last ``group_s``.

        Bytes get twice the room: a rate is an average, and pictures with motion in them are large.
        """
        span_s = self.max_delay_s + max(self.max_delay_s, group_s)
        items, size = int(items_per_s * span_s), int(2 * bytes_per_s * span_s)
        self.max_items = min(max(items, LEAST_ITEMS), self._hard.max_items)
        self.max_bytes = min(max(size, LEAST_BYTES), self._hard.max_bytes)


class Shortenable(Protocol):
    """A queue that can be told to give back what it holds."""

    size: int

    def await_random_access(self) -> None:
        """Drop everything that waits, and what cannot be understood without it."""


class Budget:
    """Bytes that several readers may hold together; 0 is no limit.

    ``parent`` is charged as well: a camera's readers are also readers of the process.
    """

    def __init__(self, max_bytes: int = 256 << 20, parent: "Budget | None" = None) -> None:
        self.max_bytes = max_bytes
        self.used_bytes = 0
        self.shortages = 0
        """How often a queue was emptied to make room."""
        self._parent = parent
        self._holders: dict[Shortenable, None] = {}

    def has_room(self, size: int) -> bool:
        """Whether ``size`` more bytes fit."""
        is_enough = not self.max_bytes or self.used_bytes + size <= self.max_bytes
        return is_enough and (self._parent is None or self._parent.has_room(size))

    def make_room(self, size: int) -> bool:
        """Empty the longest queues until ``size`` more bytes fit; whether they do."""
        if self.max_bytes and size > self.max_bytes:
            return False
        while self.max_bytes and self.used_bytes + size > self.max_bytes:
            if not self._holders:
                return False
            max(self._holders, key=attrgetter("size")).await_random_access()
            self.shortages += 1
        return self._parent is None or self._parent.make_room(size)

    def join(self, holder: Shortenable) -> None:
        """Learn that a queue begins to hold something."""
        self._holders[holder] = None
        if self._parent is not None:
            self._parent.join(holder)

    def leave(self, holder: Shortenable) -> None:
        """Learn that a queue is empty."""
        self._holders.pop(holder, None)
        if self._parent is not None:
            self._parent.leave(holder)

    def charge(self, size: int) -> None:
        """Add bytes that are held now; negative ones are given back."""
        self.used_bytes += size
        if self._parent is not None:
            self._parent.charge(size)


class Backlog(Generic[T]):
    """A bounded queue that drops whole groups of pictures."""

    def __init__(self, bounds: Bounds, budget: Budget) -> None:
        self._bounds = bounds
        self._budget = budget
        self._items: deque[T] = deque()
        self.size = 0
        self.dropped = 0
        self.episodes = 0
        """How often the reader began to lose units."""
        self.passed_over = 0
        """Units that went by before the reader could begin: nothing that it lost."""
        self.needs_random_access = False
        self.has_video = True
        """False for a reader of audio alone, who may enter anywhere."""
        self._is_losing = False
        """Whether it waits for random access because something was dropped."""

    def __len__(self) -> int:
        return len(self._items)

    @property
    def delay_s(self) -> float:
        """Media time from the oldest item to the newest."""
        return self._items[-1].media_s - self._items[0].media_s if self._items else 0.0

    def admits(self, item: T) -> bool:
        """Whether an item may be sent past the (empty) queue; counts it if not."""
        if not self.needs_random_access:
            return True
        if self._can_enter_at(item):
            self.needs_random_access = self._is_losing = False
            return True
        if self._is_losing:
            self.dropped += 1
        else:
            self.passed_over += 1
        return False

    def push(self, item: T) -> None:
        """Queue an item, or drop by the policy above."""
        if self._is_full(item.size):
            self.await_random_access()
            if self._is_full(item.size):  # too large by itself
                self.dropped += 1
                return
        if not self.admits(item):
            return
        if not self._budget.has_room(item.size) and not self._has_been_given_room(item):
            return
        if not self._items:
            self._budget.join(self)
        self._items.append(item)
        self._charge(item.size)
        if item.media_s - self._items[0].media_s > self._bounds.max_delay_s:
            self._skip_to_newest_random_access()

    def pop(self) -> T:
        """Take the oldest item. Raises IndexError when there is none."""
        item = self._items.popleft()
        self._charge(-item.size)
        if not self._items:
            self._budget.leave(self)
        return item

    def clear(self) -> int:
        """Drop everything and return how many items that were."""
        count = len(self._items)
        self._items.clear()
        self._charge(-self.size)
        self._budget.leave(self)
        return count

    def discard(self, is_unwanted: Callable[[T], bool]) -> list[T]:
        """Take out what nobody wants any more, e.g. of a track that ended; that is no loss.

        Return what that was, the oldest first.
        """
        kept: list[T] = []
        taken: list[T] = []
        for item in self._items:
            (taken if is_unwanted(item) else kept).append(item)
        self.clear()
        if kept:
            self._budget.join(self)
        self._items.extend(kept)
        self._charge(sum(item.size for item in kept))
        return taken

    def await_random_access(self) -> None:
        """Drop what waits, and more until the next random access point: a unit was lost."""
        if self.needs_random_access and not self._items:
            return
        self.dropped += self.clear()
        self.episodes += 1
        self.needs_random_access = self._is_losing = True

    def _can_enter_at(self, item: T) -> bool:
        return item.is_random_access and (item.is_video or not self.has_video)

    def _is_full(self, size: int) -> bool:
        bounds = self._bounds
        return len(self._items) >= bounds.max_items or self.size + size > bounds.max_bytes

    def _has_been_given_room(self, item: T) -> bool:
        """Have the longest queues emptied for an item; that may be this one. Counts it if not."""
        if self._budget.make_room(item.size):
            return self.admits(item)
        self.await_random_access()  # more than all may have together
        self.dropped += 1
        return False

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
            self._charge(-self._items.popleft().size)

    def _charge(self, size: int) -> None:
        self.size += size
        self._budget.charge(size)
