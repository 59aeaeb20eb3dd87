"""What a test tells of itself that runs for too long."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from support.stuck import describe_tasks, describe_test


def test_a_test_that_holds_up_its_loop_is_told_of_by_its_thread() -> None:
    def compute_without_end() -> list[str]:
        with ThreadPoolExecutor(1) as threads:
            return threads.submit(lambda: list(describe_test())).result()

    assert any("compute_without_end" in line for line in compute_without_end())


async def test_a_task_is_told_of_by_what_it_waits_for() -> None:
    async def wait_for_godot() -> None:
        await asyncio.Event().wait()

    waiting = asyncio.create_task(wait_for_godot(), name="vladimir")
    await asyncio.sleep(0)
    told = "\n".join(describe_tasks())
    waiting.cancel()
    assert "task vladimir, 0 times cancelled" in told
    assert "wait_for_godot" in told
