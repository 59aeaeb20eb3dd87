"""Jobs in threads: reported in the loop, given up when late, refused when there are too many."""

import threading
from collections.abc import Iterator

import pytest

from neolink.convert import threads as module
from neolink.convert.threads import CodecThreads
from neolink.errors import DeadlineExceeded
from support.waiting import until


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Give what jobs wait for; open at the end, so that no thread is left behind."""
    event = threading.Event()
    yield event
    event.set()


class Orders:
    """Who orders, and what it was told."""

    def __init__(self, deadline_s: float = 5.0) -> None:
        self.threads = CodecThreads(deadline_s)
        self.done: list[object] = []
        self.failed: list[Exception] = []


async def test_a_result_comes_back_into_the_loop_from_a_named_thread() -> None:
    orders = Orders()
    told_in: list[str] = []

    def done(name: str) -> None:
        orders.done.append(name)
        told_in.append(threading.current_thread().name)

    work = lambda: threading.current_thread().name  # noqa: E731
    assert orders.threads.submit(work, done, orders.failed.append)
    assert orders.threads.jobs == 1
    await until(lambda: orders.done)
    assert str(orders.done[0]).startswith("neolink sound")
    assert told_in == [threading.current_thread().name]
    assert orders.threads.jobs == 0
    assert orders.failed == []
    orders.threads.close()


async def test_what_a_job_raises_is_told() -> None:
    orders = Orders()
    orders.threads.submit(lambda: 1 // 0, orders.done.append, orders.failed.append)
    await until(lambda: orders.failed)
    assert isinstance(orders.failed[0], ZeroDivisionError)
    assert orders.done == []
    orders.threads.close()


async def test_a_late_job_is_given_up_and_counts_until_its_thread_is_free(
    gate: threading.Event,
) -> None:
    orders = Orders(deadline_s=0.02)
    orders.threads.submit(gate.wait, orders.done.append, orders.failed.append)
    await until(lambda: orders.failed)
    assert isinstance(orders.failed[0], DeadlineExceeded)
    assert (orders.threads.jobs, orders.threads.late) == (1, 1)
    gate.set()
    await until(lambda: orders.threads.jobs == 0)
    assert orders.done == []
    assert len(orders.failed) == 1
    orders.threads.close()


async def test_too_many_jobs_are_refused(
    gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_JOBS", 3)
    orders = Orders()
    taken = [
        orders.threads.submit(gate.wait, orders.done.append, orders.failed.append) for _ in range(5)
    ]
    assert taken == [True, True, True, False, False]
    gate.set()
    await until(lambda: len(orders.done) == 3)
    assert orders.threads.submit(gate.wait, orders.done.append, orders.failed.append)
    await until(lambda: len(orders.done) == 4)
    orders.threads.close()


@pytest.mark.parametrize("running", [0, 1])
async def test_where_the_system_gives_no_thread_a_job_is_refused_and_never_done(
    gate: threading.Event, monkeypatch: pytest.MonkeyPatch, running: int
) -> None:
    """A pool keeps what it was given when its thread could not begin; one that runs would do it."""
    orders, done = Orders(deadline_s=0.05), []
    for _ in range(running):
        orders.threads.submit(gate.wait, orders.done.append, orders.failed.append)

    def no_thread(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_thread)
        work = lambda: done.append("done")  # noqa: E731
        assert not orders.threads.submit(work, orders.done.append, orders.failed.append)
    assert orders.threads.jobs == running
    gate.set()
    await until(lambda: len(orders.done) == running)
    assert orders.threads.submit(lambda: "next", orders.done.append, orders.failed.append)
    await until(lambda: orders.done[-1:] == ["next"])
    assert orders.threads.jobs == 0
    assert (done, orders.failed) == ([], [])
    orders.threads.close()


async def test_a_job_that_was_given_up_before_its_turn_is_not_done(gate: threading.Event) -> None:
    orders, done = Orders(deadline_s=0.02), []
    for _ in range(module.MAX_THREADS):
        orders.threads.submit(gate.wait, orders.done.append, orders.failed.append)
    orders.threads.submit(lambda: done.append("done"), orders.done.append, orders.failed.append)
    await until(lambda: len(orders.failed) == module.MAX_THREADS + 1)
    gate.set()
    await until(lambda: orders.threads.jobs == 0)
    assert done == []
    orders.threads.close()


async def test_who_closes_waits_for_nothing_and_is_told_of_nothing(gate: threading.Event) -> None:
    orders = Orders()
    for _ in range(5):
        orders.threads.submit(gate.wait, orders.done.append, orders.failed.append)
    orders.threads.close()
    gate.set()
    await until(lambda: orders.threads.jobs == 0)
    assert len(orders.done) <= module.MAX_THREADS
    assert orders.failed == []
