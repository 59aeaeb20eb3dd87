"""Servers for tests; a task or socket that is left behind fails the test that left it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from support.rtsp_bench import Bench, StartServer, start_bench, stop_bench


@pytest.fixture
async def start() -> AsyncIterator[StartServer]:
    """Return a function that starts a server with one camera ``porch``, or several."""
    before = _sockets()
    benches: list[Bench] = []

    async def start_server(*names: str, **options: Any) -> Bench:
        bench = await start_bench(*names, **options)
        benches.append(bench)
        return bench

    yield start_server
    for bench in benches:
        await stop_bench(bench)
    this = asyncio.current_task()
    left = [task for task in asyncio.all_tasks() if task is not this and not task.done()]
    assert not left, f"tasks were left: {left}"
    assert _sockets() == before, "sockets were left"


def _sockets() -> int:
    """Return how many sockets this process has open."""
    count = 0
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the listing's own descriptor
            count += link.readlink().name.startswith("socket:")
    return count
