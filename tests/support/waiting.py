"""Waiting for what has no event of its own, with a limit."""

import asyncio
from collections.abc import Callable

__all__ = ["until"]

POLL_S = 0.001


async def until(condition: Callable[[], object], limit_s: float = 10.0) -> None:
    """Let the loop run until ``condition`` holds; fail after ``limit_s``."""
    try:
        async with asyncio.timeout(limit_s):
            while not condition():  # noqa: ASYNC110 - the one place that polls
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        raise AssertionError(f"did not come true within {limit_s:g} s") from None
