"""One soak from start to end: three kinds of processes, the sampler, the quiet end, the report."""

import asyncio
import contextlib
import json
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from soak.bridge import Bridge, read_log, running_bridge
from soak.cameras import Cameras, profile_options
from soak.players import Visitors, make_witnesses, run_witness
from soak.processes import child, read_usage, run_module
from soak.report import write_report
from soak.schedule import KINDS, make_plan
from soak.verdict import Record, Sample, judge

__all__ = ["Options", "Probe", "keep_sampling", "running_probe", "soak"]

BASELINE_S = 6.0
"""The bridge is connected and has no player."""

QUIET_S = 50.0
"""At the end: longer than a silent session lives, and a stream without players."""

SAMPLE_S = 5.0
PROBE_S = 0.5
OWN_TICK_S = 0.2
OWN_PAUSE_S = 0.5


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for."""

    seconds: float
    seed: int
    cameras: int
    witnesses: int
    out: Path


class Probe:
    """Round trips measured by another process."""

    def __init__(self) -> None:
        self.all_ms: list[float] = []
        self._taken = 0

    def note(self, line: str) -> None:
        """Take what the process printed."""
        self.all_ms.append(float(line))

    def take_slowest(self) -> float:
        """Return the slowest since the last call, 0 if there was none."""
        fresh, self._taken = self.all_ms[self._taken :], len(self.all_ms)
        return max(fresh, default=0.0)


async def soak(options: Options) -> int:
    """Run, write the report, return the exit code."""
    folder = options.out
    folder.mkdir(parents=True, exist_ok=True)
    active_s = max(60.0, options.seconds - BASELINE_S - QUIET_S)
    plan = make_plan(options.seed, options.cameras, active_s)
    record = Record(episodes=plan.episodes, active_s=active_s)
    record.witnesses = make_witnesses(options.witnesses, options.cameras)
    stop = _stop_event()
    profiles = [profile_options(i, start) for i, start in enumerate(plan.clock_starts_us)]
    async with child(run_module("soak.cameras"), stderr=folder / "cameras.log") as cameras_child:
        idle = await Cameras.start(cameras_child, profiles)
        del idle
    return 0


def _stop_event() -> asyncio.Event:
    stop = asyncio.Event()
    return stop
