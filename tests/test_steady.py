"""The clock of the tests: it stands still with the process, and with nothing else."""

import asyncio
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neolink.clock import SystemClock
from support.steady import MOST_S, SteadyClock, steady_s

TESTS = Path(__file__).parent
STOPPED_S = 1.0

PROGRAM = """
import time
from support.steady import SteadyClock
clock = SteadyClock()
clock.start()
began_s, really_s = clock.now_s(), time.monotonic()
print("ready", flush=True)
input()
print(clock.now_s() - began_s, time.monotonic() - really_s)
clock.stop()
"""


class Machine:
    """A clock to be put on by hand."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def read(self) -> float:
        return self.now_s


def test_time_goes_on_while_the_process_runs() -> None:
    machine = Machine()
    clock = SteadyClock(machine.read)
    began_s = clock.now_s()
    for _ in range(100):
        machine.now_s += 0.9 * MOST_S
        clock.step()
    assert clock.now_s() - began_s == pytest.approx(90 * MOST_S)


def test_what_goes_by_without_a_step_does_not_count() -> None:
    machine = Machine()
    clock = SteadyClock(machine.read)
    began_s = clock.now_s()
    machine.now_s += 1.5
    assert clock.now_s() - began_s == pytest.approx(MOST_S)  # whoever looks first
    clock.step()
    assert clock.now_s() - began_s == pytest.approx(MOST_S)
    machine.now_s += MOST_S / 2
    assert clock.now_s() - began_s == pytest.approx(1.5 * MOST_S)


@given(st.lists(st.tuples(st.floats(0, 3), st.booleans())))
def test_it_never_goes_back_nor_faster_than_time(turns: list[tuple[float, bool]]) -> None:
    machine = Machine()
    clock = SteadyClock(machine.read)
    before_s = clock.now_s()
    for passed_s, does_step in turns:
        machine.now_s += passed_s
        if does_step:
            clock.step()
        now_s = clock.now_s()
        assert -1e-9 <= now_s - before_s <= passed_s + 1e-9
        before_s = now_s


def test_a_process_that_is_stopped_loses_no_time() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(TESTS)},
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGSTOP)
        time.sleep(STOPPED_S)
        process.send_signal(signal.SIGCONT)
        passed_s, really_s = map(float, process.communicate("\n", timeout=30)[0].split())
    assert really_s - passed_s > STOPPED_S - 2 * MOST_S


async def test_a_loop_that_is_held_up_loses_its_time_as_ever() -> None:
    """Else no test would notice a function that blocks, or computes for seconds."""
    loop = asyncio.get_running_loop()
    began_s, turns = loop.time(), 0
    while loop.time() - began_s < 0.2:
        turns += sum(range(1000)) > 0
    held_s, began_s = loop.time(), time.monotonic()
    while loop.time() - held_s < 0.2:
        time.sleep(0.1)  # noqa: ASYNC251 - what is tested
        assert time.monotonic() - began_s < 30, "it counts only what the loop does"
    assert turns > 10


async def test_loops_and_the_clock_of_the_bridge_live_by_it() -> None:
    loop = asyncio.get_running_loop()
    first, second, third, last = steady_s(), loop.time(), SystemClock().monotonic_s(), steady_s()
    assert first <= second <= third <= last


@pytest.mark.foreign
async def test_programs_of_others_live_by_the_time_of_the_machine() -> None:
    first, second = time.monotonic(), asyncio.get_running_loop().time()
    assert first <= second <= time.monotonic()


def test_outside_pytest_time_is_the_machines() -> None:
    """``make interop`` plays by the same tools."""
    code = (
        "import time; from support.steady import steady_s as now_s;"
        " began_s = now_s(); time.sleep(0.1); print(now_s() - began_s)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=TESTS, capture_output=True, check=True)
    assert float(done.stdout) >= 0.1
