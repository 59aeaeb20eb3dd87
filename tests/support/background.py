"""A server on a loop of its own, in a thread: for tests that drive a browser and wait in their own.

The browser's driver owns the loop of the test's thread, so nothing else can run there.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import TypeVar

__all__ = ["Background", "in_background"]

T = TypeVar("T")
S = TypeVar("S")

STARTING_S = 20.0
STOPPING_S = 20.0


class Background:
    """What a test may ask of the thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def call(self, function: Callable[[], S]) -> S:
        """Call a function on the loop of the server and return what it returns."""

        async def do() -> S:
            return function()

        return asyncio.run_coroutine_threadsafe(do(), self._loop).result(STARTING_S)


@contextmanager
def in_background(manager: AbstractAsyncContextManager[T]) -> Iterator[tuple[T, Background]]:
    """Keep a context open for the length of the block. What it raises at its end is raised here."""
    entered: Future[tuple[T, Background]] = Future()
    stop = threading.Event()
    thread_error: list[BaseException] = []

    async def live() -> None:
        async with manager as value:
            entered.set_result((value, Background(asyncio.get_running_loop())))
            await asyncio.to_thread(stop.wait)

    def run() -> None:
        try:
            asyncio.run(live())
        except BaseException as error:  # noqa: BLE001 - handed to the test
            thread_error.append(error)
            if not entered.done():
                entered.set_exception(error)

    thread = threading.Thread(target=run, name="background server")
    thread.start()
    try:
        yield entered.result(STARTING_S)
    finally:
        stop.set()
        thread.join(STOPPING_S)
    assert not thread.is_alive(), "the server did not stop"
    if thread_error:
        raise thread_error[0]
