"""The newest group of pictures, so that a new reader starts with a picture at once. Pure.

Units are kept by reference: the cache costs one GOP of memory per stream, whoever shares it.
"""

from typing import Generic, Protocol, TypeVar

from neolink.media.tracks import VIDEO_CLOCK_RATE

__all__ = ["Cacheable", "GopCache"]


class Cacheable(Protocol):
    """What the cache needs to know of an item."""

    @property
    def is_random_access(self) -> bool:
        """Whether a decoder can start here."""

    @property
    def size(self) -> int:
        """Bytes held."""

    @property
    def pts(self) -> int:
        """Ticks of 90 kHz."""


T = TypeVar("T", bound=Cacheable)


class GopCache(Generic[T]):
    """Items from the last random access point until now.

    Bounded by bytes and by duration. On overflow the whole group goes and the cache stays empty
    until the next random access point: half a group would decode to garbage.
    ``overflows`` counts how often that happened.
    """

    def __init__(self, *, max_bytes: int = 8 << 20, max_duration_s: float = 12.0) -> None:
        self._max_bytes = max_bytes
        self._max_ticks = int(max_duration_s * VIDEO_CLOCK_RATE)
        self._items: list[T] = []
        self.size = 0
        self.overflows = 0

    def push(self, item: T) -> None:
        """Add an item; a random access point starts a new group."""
        if item.is_random_access:
            self._items = [item]
            self.size = item.size
        elif self._items:
            self._items.append(item)
            self.size += item.size
        else:
            return
        if self.size > self._max_bytes or item.pts - self._items[0].pts > self._max_ticks:
            self.clear()
            self.overflows += 1

    def clear(self) -> None:
        """Forget the group, e.g. when the source was lost."""
        self._items = []
        self.size = 0

    @property
    def items(self) -> list[T]:
        """The group, oldest first; empty while there is none. Not to be changed."""
        return self._items
