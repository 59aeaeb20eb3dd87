"""What a camera's life leaves behind fails the test that left it: tasks and descriptors."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
async def _nothing_is_left() -> AsyncIterator[None]:
    tasks, descriptors = _tasks(), _descriptors()
    yield
    left = _tasks() - tasks
    assert not left, f"tasks were left: {left}"
    for _ in range(3):
        await asyncio.sleep(0)  # a transport closes its socket one turn after it is closed
    assert _descriptors() <= descriptors, "descriptors were left"


def _tasks() -> set[asyncio.Task[object]]:
    """All tasks but the one that runs a fixture's half."""
    return {task for task in asyncio.all_tasks() if task is not asyncio.current_task()}


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
