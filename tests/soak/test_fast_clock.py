"""A process on a fast clock: everything that waits by Python waits less."""

import json
import subprocess
import sys
import time
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]

PROGRAM = """
import asyncio, json, sys, time
def spans():
    return time.monotonic(), time.time(), time.perf_counter()
async def wait():
    begin = asyncio.get_running_loop().time()
    await asyncio.sleep(100)
    return asyncio.get_running_loop().time() - begin
before = spans()
time.sleep(100)
slept = asyncio.run(wait())
print(json.dumps([slept, *(b - a for a, b in zip(before, spans()))]))
"""


def test_minutes_pass_in_a_moment(tmp_path: Path) -> None:
    (tmp_path / "waits.py").write_text(PROGRAM)
    begin_s = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "soak.fast_clock", "1000", "waits"],
        env={"PYTHONPATH": f"{REPOSITORY}:{tmp_path}"},
        capture_output=True,
        check=True,
        timeout=60,
    )
    slept, *spans = json.loads(done.stdout)
    assert slept >= 100
    assert all(span >= 200 for span in spans)
    assert time.monotonic() - begin_s < 30  # of 200


def test_children_run_on_the_clock_of_their_parent(tmp_path: Path) -> None:
    (tmp_path / "parent.py").write_text(
        "from soak.processes import run_module\nprint(run_module('soak.cameras', 'x')[1:])"
    )
    done = subprocess.run(
        [sys.executable, "-m", "soak.fast_clock", "6", "parent"],
        env={"PYTHONPATH": f"{REPOSITORY}:{tmp_path}"},
        capture_output=True,
        check=True,
        timeout=60,
        text=True,
    )
    assert done.stdout.strip() == "['-m', 'soak.fast_clock', '6.0', 'soak.cameras', 'x']"
