"""Which event loop the commands run on: uvloop where the ``speed`` extra is installed."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import TypeVar

from neolink.cli import garbage

__all__ = ["run"]

T = TypeVar("T")


def run(main: Coroutine[object, object, T]) -> T:
    """Run to the end, like ``asyncio.run``, on the fastest loop there is."""
    garbage.resume()
    with asyncio.Runner(loop_factory=_fastest()) as runner:
        return runner.run(main)


def _fastest() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 - an optional extra
    except ImportError:
        return None
    return uvloop.new_event_loop  # type: ignore[no-any-return] # its stubs are not followed
