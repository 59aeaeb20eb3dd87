"""Freed memory goes back to the system once a minute, where malloc can do that (glibc).

malloc keeps what was freed below anything that is still in use: a burst of pictures that is larger
than all before it would stay with the process, and look like a leak. Only whole pages go back.
"""

import asyncio
from collections.abc import Callable
from typing import Final

__all__ = ["give_back_often"]

PAUSE_S: Final = 60.0
"""One trim takes 0.3 to 2 ms, in which no picture is sent."""


async def give_back_often(pause_s: float = PAUSE_S) -> None:
    """Give back what is free, again and again until cancelled; returns where nothing can do it."""
    trim = _trim()
    while trim is not None:
        await asyncio.sleep(pause_s)
        trim(0)


def _trim() -> Callable[[int], object] | None:
    """Return malloc_trim(3); None with other libraries than glibc."""
    import ctypes  # noqa: PLC0415 - one-shot commands start without it

    try:
        trim: Callable[[int], object] | None = getattr(ctypes.CDLL(None), "malloc_trim", None)
    except (OSError, TypeError):  # no shared C library, or Windows
        return None
    return trim
