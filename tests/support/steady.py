"""A pytest plugin: while the process stands still, so does the time that tests and bridge live by.

A machine may stop a process for a second at any moment. Deadlines of tenths of a second are over
then, though nobody had a chance to keep them. So loops and :class:`~neolink.clock.SystemClock` are
given a clock that goes on only while the process runs. A thread that does nothing but sleep tells
how long that was: what holds up the loop alone, a function that blocks or computes, does not hold
up this thread, and counts in full.

Tests with programs of others keep the time of the machine, which is theirs too.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Generator
from typing import Final

import pytest

from neolink.clock import SystemClock

__all__ = [
    "SteadyClock",
    "pytest_configure",
    "pytest_runtest_protocol",
    "pytest_unconfigure",
    "steady_s",
    "stood_still_s",
]

STEP_S: Final = 0.005
MOST_S: Final = 0.02
"""What goes by between two steps at most: a thread that is later was kept from running."""


class SteadyClock:
    """Seconds as of ``read``, less the time in which the process stood still."""

    def __init__(self, read: Callable[[], float] = time.monotonic) -> None:
        self._read = read
        self._seen = read(), 0.0
        """When the last step was, and what was lost until then: one value, for other threads."""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="steady clock", daemon=True)

    def now_s(self) -> float:
        """Return the time; it never goes back, and never far beyond the last step."""
        last_s, lost_s = self._seen
        return min(self._read(), last_s + MOST_S) - lost_s

    @property
    def lost_s(self) -> float:
        """How long the process stood still so far."""
        return self._seen[1]

    def step(self) -> None:
        """Take note that the process runs."""
        now_s, (last_s, lost_s) = self._read(), self._seen
        self._seen = now_s, lost_s + max(0.0, now_s - last_s - MOST_S)

    @property
    def is_running(self) -> bool:
        """Whether it steps; else its time does not go on."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin to step."""
        self._thread.start()

    def stop(self) -> None:
        """End that."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(STEP_S):
            self.step()


_clock = SteadyClock()


def pytest_configure() -> None:
    """Begin to watch the time."""
    _clock.start()


def pytest_unconfigure() -> None:
    """End that."""
    _clock.stop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Let a test live by the steady clock, unless its players live by another."""
    with pytest.MonkeyPatch.context() as patch:
        if item.get_closest_marker("foreign") is None:
            patch.setattr(asyncio.BaseEventLoop, "time", lambda _: steady_s())
            patch.setattr(SystemClock, "monotonic_s", lambda _: steady_s())
        return (yield)


def steady_s() -> float:
    """Return the time of this process: it stands still while that does.

    Outside pytest (`make interop`) nobody steps, and it is the machine's.
    """
    return _clock.now_s() if _clock.is_running else time.monotonic()


def stood_still_s() -> float:
    """Return how long this process has stood still so far."""
    return _clock.lost_s
