"""What was freed goes back to the system, though something above it is still in use."""

import asyncio
import ctypes

import pytest

from neolink.cli import trimming
from support.processes import python, run_for

PROGRAM = """
import asyncio
from contextlib import suppress
from pathlib import Path
from neolink.cli import trimming

def rss_mib():
    return int(Path("/proc/self/statm").read_text().split()[1]) / 256

async def main():
    before = rss_mib()
    kept = [bytearray(60_000) for _ in range(1000)]
    del kept[:-1]  # the last is above all others
    full = rss_mib()
    with suppress(TimeoutError):
        await asyncio.wait_for(trimming.give_back_often(0), 0.2)
    print(full - before, rss_mib() - before)

asyncio.run(main())
"""


async def test_a_burst_that_is_over_does_not_stay_with_the_process() -> None:
    ended = await run_for([python(), "-c", PROGRAM], seconds=0)
    assert ended.exit_code == 0, ended.stderr
    full, left = map(float, ended.stdout.split())
    assert full > 50, "malloc gave it back by itself: there is nothing to test"
    assert left < 10


@pytest.mark.parametrize("error", [OSError("no shared library"), TypeError("Windows")])
async def test_where_nothing_can_do_it_it_ends(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(name: None) -> None:
        raise error

    monkeypatch.setattr(ctypes, "CDLL", fail)
    async with asyncio.timeout(1):
        await trimming.give_back_often()


async def test_a_library_without_it_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    async with asyncio.timeout(1):
        await trimming.give_back_often()
