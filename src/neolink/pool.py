"""Buffers that are used again: size classes with bounds, leases and counters. Pure.

Hot path: ``BufferPool.acquire`` and ``Lease.release`` run for every read from a camera and read no
clock. Here are no sockets and nothing that is shared between readers: a lease has one owner. What
many readers share is ``bytes``, made once and freed by its last reader (decision 0010).
"""

from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["BufferPool", "Lease", "PoolLimits", "buffer_size"]

MIN_BUFFER_SIZE = 4096
BUFFERED_S = 2


def buffer_size(bitrate_bps: int) -> int:
    """Return the bytes of two seconds at this bit rate, but at least 4096."""
    return max(bitrate_bps * BUFFERED_S // 8, MIN_BUFFER_SIZE)


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """Bounds of a pool. Size classes double from ``smallest_size``, a power of two, on."""

    smallest_size: int = 512
    max_classes: int = 16
    max_buffers: int = 32
    """Of one class, lent and idle together."""
    max_bytes: int = 64 << 20
    """Of all classes, lent and idle together."""
    idle_s: float = 60.0
    """A buffer that nobody needed for so long is given back to the system."""


@dataclass(slots=True, eq=False)
class _SizeClass:
    """Buffers of one size. The last idle one is lent first, so the first ones rest longest."""

    size: int
    idle: list[bytearray] = field(default_factory=list)
    idle_since_s: list[float] = field(default_factory=list)
    """Of the first buffers in ``idle``; those behind came back after the last sweep."""
    lent: int = 0

    @property
    def count(self) -> int:
        return self.lent + len(self.idle)


class Lease:
    """A buffer of the pool for one owner, until ``release``.

    ``view`` is writable, of exactly the size that was asked for, and holds whatever was there
    before. Neither it nor a slice of it may be used after ``release``; ``view`` is then empty.
    """

    __slots__ = ("_buffer", "_owner", "_pool", "view")

    def __init__(self, pool: "BufferPool", owner: _SizeClass, buffer: bytearray, size: int) -> None:
        self.view = memoryview(buffer)[:size]
        self._pool = pool
        self._owner = owner
        self._buffer: bytearray | None = buffer

    def release(self) -> None:
        """Give the buffer back; a second time does nothing."""
        if self._buffer is None:
            return
        self._pool.leased_bytes -= self._owner.size
        self._owner.lent -= 1
        self._owner.idle.append(self._buffer)
        self._buffer = None
        self.view = _NOTHING


class BufferPool:
    """Lends buffers; never holds more than its limits and never raises for want of memory.

    ``exhausted`` counts the requests that were refused: too large, over a limit, or no memory.
    ``allocate`` makes a buffer and may raise MemoryError.
    """

    def __init__(
        self,
        limits: PoolLimits | None = None,
        allocate: Callable[[int], bytearray] = bytearray,
    ) -> None:
        self.limits = limits or PoolLimits()
        self.hits = 0
        self.misses = 0
        self.exhausted = 0
        self.held_bytes = 0
        """Of all buffers, lent and idle."""
        self.leased_bytes = 0
        self._allocate = allocate
        smallest = self.limits.smallest_size
        self._shift = smallest.bit_length() - 1
        self._classes = [_SizeClass(smallest << i) for i in range(self.limits.max_classes)]

    @property
    def class_count(self) -> int:
        """Size classes that hold any buffer."""
        return sum(1 for kind in self._classes if kind.count)

    @property
    def hit_rate(self) -> float:
        """Part of all requests that a waiting buffer served; 1.0 before the first one."""
        requests = self.hits + self.misses + self.exhausted
        return self.hits / requests if requests else 1.0

    def acquire(self, size: int) -> Lease | None:
        """Lend a buffer of ``size`` bytes, or None when there is none to be had."""
        index = (size - 1 >> self._shift).bit_length() if size > 0 else 0
        if index >= len(self._classes):
            self.exhausted += 1
            return None
        owner = self._classes[index]
        if owner.idle:
            buffer = owner.idle.pop()
            del owner.idle_since_s[len(owner.idle) :]
            self.hits += 1
        else:
            made = self._make(owner)
            if made is None:
                self.exhausted += 1
                return None
            buffer = made
            self.misses += 1
        owner.lent += 1
        self.leased_bytes += owner.size
        return Lease(self, owner, buffer, size)

    def sweep(self, now_s: float) -> int:
        """Give back what nobody needed for long; return how many bytes that were.

        To be called every few seconds: rest is counted from the first sweep that sees it.
        """
        before = self.held_bytes
        for kind in self._classes:
            since = kind.idle_since_s
            since += [now_s] * (len(kind.idle) - len(since))
            rested = sum(1 for start_s in since if now_s - start_s >= self.limits.idle_s)
            self._drop(kind, rested)
        return before - self.held_bytes

    def _make(self, owner: _SizeClass) -> bytearray | None:
        if owner.lent >= self.limits.max_buffers or not self._make_room(owner.size):
            return None
        try:
            buffer = self._allocate(owner.size)
        except MemoryError:
            return None
        self.held_bytes += owner.size
        return buffer

    def _make_room(self, size: int) -> bool:
        """Let idle buffers of other classes go, the largest first, until ``size`` bytes fit."""
        room = self.limits.max_bytes - size
        if self.leased_bytes > room:
            return False
        for kind in reversed(self._classes):
            excess = self.held_bytes - room
            if excess <= 0:
                break
            self._drop(kind, min(len(kind.idle), -(-excess // kind.size)))
        return True

    def _drop(self, kind: _SizeClass, count: int) -> None:
        del kind.idle[:count]
        del kind.idle_since_s[:count]
        self.held_bytes -= count * kind.size


_NOTHING = memoryview(b"")
