"""Tells where a test stands that has not ended shortly before its time is up.

The time-out itself breaks into whatever runs then, which is hardly ever what the test waits for.
"""

import asyncio
import gc
import os
import sys
import threading
import traceback
from collections.abc import Generator, Iterator
from types import FrameType
from typing import Any, Final

import pytest

__all__ = ["describe_tasks", "describe_test", "listen_for_trouble", "pytest_runtest_call"]

TELL_AFTER_S: Final = 100.0
"""Less than the time-out of a test (``pyproject.toml``)."""

MOST_CALLS: Final = 15
"""Of the test's thread, that are told; before these is how pytest calls a test."""


_terminal = 2


def listen_for_trouble() -> None:
    """Remember where the terminal is, before pytest keeps what tests write for itself."""
    global _terminal  # noqa: PLW0603 - one terminal for all tests
    _terminal = os.dup(sys.__stderr__.fileno() if sys.__stderr__ else 2)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Run a test, and tell once if it takes so long."""
    timer = threading.Timer(TELL_AFTER_S, _tell, (item.nodeid,))
    timer.daemon = True
    timer.start()
    try:
        return (yield)
    finally:
        timer.cancel()


def _tell(name: str) -> None:
    lines = [f"\n{name} runs for {TELL_AFTER_S:g} s", *describe_test(), *describe_tasks(), ""]
    os.write(_terminal, "\n".join(lines).encode())


def describe_test() -> Iterator[str]:
    """Yield where the main thread is: in a loop that waits, or where no loop can help it."""
    frame = sys._current_frames().get(threading.main_thread().ident or 0)
    if frame is not None:
        yield "the test's thread, the newest call last"
        for call in traceback.extract_stack(frame)[-MOST_CALLS:]:
            yield f"    {call.filename}:{call.lineno} {call.name}"


def describe_tasks() -> Iterator[str]:
    """Yield each task of this process that has not ended, and where it waits."""
    for task in [one for one in gc.get_objects() if isinstance(one, asyncio.Task)]:
        if not task.done():
            yield f"task {task.get_name()}, {task.cancelling()} times cancelled"
            for frame in _frames(task.get_coro()):
                code = frame.f_code
                yield f"    {code.co_filename}:{frame.f_lineno} {code.co_qualname}"


def _frames(awaited: Any) -> Iterator[FrameType]:  # Any: whatever can be waited for
    """Yield the frames from a coroutine down to what it waits for."""
    while awaited is not None:
        frame = getattr(awaited, "cr_frame", None) or getattr(awaited, "gi_frame", None)
        if frame is not None:
            yield frame
        awaited = getattr(awaited, "cr_await", None) or getattr(awaited, "gi_yieldfrom", None)
