"""What one call costs apart from time: allocations, Python calls, bytes held at the peak.

The same counts come out each time, whatever else the machine does; guards in the tests rest on
that. Times are measured in ``micro``.
"""

import ctypes
import gc
import sys
import tracemalloc
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any

from bench import native

__all__ = ["Allocated", "count_allocations", "count_calls", "peak_bytes"]

Action = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Allocated:
    """Mean of one call."""

    blocks: float
    bytes: float


def count_allocations(action: Action, calls: int) -> Allocated:
    """Count the requests to Python's allocator, also for what lives only shortly.

    Raises MissingTool without a compiler or the headers of Python.
    """
    library = ctypes.PyDLL(str(native.allocation_counter()))
    for name in ("counted_calls", "counted_bytes"):
        getattr(library, name).restype = ctypes.c_ulonglong
    turns = range(calls)
    action()
    empty = _counted(library, lambda: None, turns)
    full = _counted(library, action, turns)
    blocks, size = (most - least for most, least in zip(full, empty, strict=True))
    return Allocated(blocks / calls, size / calls)


def _counted(library: ctypes.PyDLL, action: Action, turns: range) -> tuple[int, int]:
    gc.collect()
    gc.disable()
    try:
        library.begin_counting()
        for _ in turns:
            action()
        library.end_counting()
    finally:
        gc.enable()
    return int(library.counted_calls()), int(library.counted_bytes())


def count_calls(action: Action) -> Counter[str]:
    """Count calls of functions during one call, by name: those in Python and built-in ones."""
    counts: Counter[str] = Counter()

    def note(frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            counts[frame.f_code.co_qualname] += 1
        elif event == "c_call":
            counts[getattr(argument, "__qualname__", str(argument))] += 1

    sys.setprofile(note)
    try:
        action()
    finally:
        sys.setprofile(None)
    del counts["setprofile"]
    return counts


def peak_bytes(action: Action) -> int:
    """Return by how much the memory of Python objects grew at most during one call."""
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        action()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return peak - before
