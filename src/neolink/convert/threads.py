"""The threads that convert sound: few, bounded, and never waited for.

Apart from those that make the page's pictures: a picture may take seconds, and sound would come too
late behind it.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final, Generic, TypeVar

from neolink.errors import DeadlineExceeded

__all__ = ["CodecThreads"]

MAX_THREADS: Final = 2
MAX_JOBS: Final = 256
"""Under way or waiting. A conversion has one at most, so this is more than a large house needs."""

DEADLINE_S: Final = 5.0
"""From the order to the result: the first job of all loads the codecs, the others take 1 ms."""

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class _Order(Generic[T]):
    """A job, and who is told of it: nobody once it ``is_dropped``."""

    work: Callable[[], T]
    done: Callable[[T], None]
    failed: Callable[[Exception], None]
    is_dropped: bool = False

    def run(self) -> T:
        """Do the work, in a thread; what nobody waits for any more is not begun."""
        if self.is_dropped:
            raise CancelledError
        return self.work()


class CodecThreads:
    """Runs jobs of codecs, and reports in the loop that ordered them."""

    def __init__(self, deadline_s: float = DEADLINE_S) -> None:
        self.jobs = 0
        """Under way or waiting, also those that nobody waits for any more."""
        self.late = 0
        """Jobs that were given up at their deadline."""
        self._deadline_s = deadline_s
        self._pool: ThreadPoolExecutor | None = None

    def submit(
        self,
        work: Callable[[], T],
        done: Callable[[T], None],
        failed: Callable[[Exception], None],
    ) -> bool:
        """Have a thread do ``work``; False when too much waits or the system gives no thread.

        Then nothing happens. Else exactly one of ``done`` and ``failed`` is called later, in this
        loop: the latter with what ``work`` raised, or with DeadlineExceeded, and then what it still
        does is forgotten.
        """
        if self.jobs >= MAX_JOBS:
            return False
        self._pool = self._pool or ThreadPoolExecutor(MAX_THREADS, "neolink sound")
        loop = asyncio.get_running_loop()
        order = _Order(work, done, failed)
        try:
            job = self._pool.submit(order.run)
        except RuntimeError:  # no thread can begin; one that runs would do it all the same
            order.is_dropped = True
            if not self.jobs:
                self.close()  # none runs, and what is refused would gather
            return False
        self.jobs += 1
        timer = loop.call_later(self._deadline_s, self._give_up, order)
        job.add_done_callback(partial(self._report, loop, order, timer))
        return True

    def close(self) -> None:
        """Let go of the threads; what they still do is not waited for, and not reported."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None

    def _report(
        self,
        loop: asyncio.AbstractEventLoop,
        order: "_Order[T]",
        timer: asyncio.TimerHandle,
        job: "Future[T]",
    ) -> None:
        """Run by the thread that did the job."""
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(self._settle, order, timer, job)

    def _settle(self, order: "_Order[T]", timer: asyncio.TimerHandle, job: "Future[T]") -> None:
        self.jobs -= 1
        timer.cancel()
        if order.is_dropped:
            return
        try:
            result = job.result()
        except CancelledError:
            return  # we are closed
        except Exception as error:  # noqa: BLE001 - told to who ordered it
            order.failed(error)
        else:
            order.done(result)

    def _give_up(self, order: "_Order[T]") -> None:
        order.is_dropped = True
        self.late += 1
        order.failed(DeadlineExceeded(f"the codec took longer than {self._deadline_s:g} s"))
