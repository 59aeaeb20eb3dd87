"""Where the processor time goes: the bridge under a sampling profiler, at its two heaviest loads.

py-spy looks at the bridge from outside, also into C; what it costs does not count here. The shares
are of the samples in which the bridge had something to do.
"""

import asyncio
import shutil
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import flame, stacks, stage
from bench.figures import Figure, Section, spread
from bench.native import MissingTool
from bench.scenario import Context, say
from bench.stacks import Stack
from bench.stage import Served

__all__ = ["measure"]

RATE_HZ: Final = 400
TOP: Final = 15
SETTLE_S: Final = 2.0
ATTACH_S: Final = 30.0
"""How much longer than its recording the profiler may take."""

_METHOD = (
    "py-spy looks {rate} times a second at the whole stack of the bridge, C included, for "
    "{seconds} s: {loads}. A share is of the samples in which the bridge was at work; of these, "
    "the functions that were the innermost most often are listed. `send (libc.so.6)` is the system "
    "call that gives a picture to a player, with all that the kernel does in it."
)


@dataclass(frozen=True, slots=True)
class _Load:
    """What the bridge has to do."""

    key: str
    title: str
    cameras: int
    players: int
    kbps: int


LOADS: Final = (
    _Load("fan-out", "1 camera of 8 Mbit/s, 200 players over TCP", 1, 200, 8000),
    _Load("ingest", "100 cameras of 4 Mbit/s, one player each", 100, 100, 4000),
)


async def measure(context: Context) -> Section:
    """Profile each load once. Raises RuntimeError where there is no py-spy."""
    seconds = max(1, round(context.runs * context.seconds))
    figures: list[Figure] = []
    drawings: dict[str, str] = {}
    for load in LOADS:
        cameras, players = min(load.cameras, context.most), min(load.players, context.most)
        found = await _profile(context, load, cameras, players, seconds)
        total = sum(found.values())
        anywhere = stacks.shares_with(found)
        for name, count in stacks.counts_of(found).most_common(TOP):
            figures.append(
                Figure(
                    key=f"profile/{load.key}/{name}",
                    what=f"{load.key}: `{name}`",
                    unit="% of the samples",
                    spread=spread([100 * count / total]),
                    note=f"{100 * anywhere[name] / total:.0f} with what it calls",
                )
            )
        drawings[f"flame-{load.key}"] = flame.draw(f"{load.title} ({total} samples)", found)
        say(f"{load.title}: {total} samples")
    return Section(
        key="profile",
        title="Where the time goes",
        method=_METHOD.format(
            rate=RATE_HZ, seconds=seconds, loads="; ".join(load.title for load in LOADS)
        ),
        figures=tuple(figures),
        drawings=drawings,
    )


async def _profile(
    context: Context, load: _Load, cameras: int, players: int, seconds: int
) -> Counter[Stack]:
    folder = context.folder
    async with (
        stage.cameras(folder, cameras, kbps=load.kbps) as farm,
        stage.bridge(folder, farm.ports) as server,
        stage.players(folder, server, players, cameras=cameras),
    ):
        await asyncio.sleep(SETTLE_S)
        text = await _record(server, folder / load.key, seconds)
    found: Counter[Stack] = Counter()
    for stack, count in stacks.parse(text).items():
        if not stacks.waits(stack):
            found[stacks.shorten(stack)] += count
    return found


async def _record(server: Served, output: Path, seconds: int) -> str:
    command = [
        _profiler(), "record", "--native", "--function", "--format", "raw", "--rate", str(RATE_HZ),
        "--duration", str(seconds), "--output", str(output),
        "--pid", str(server.pid),
    ]  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), seconds + ATTACH_S)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode or not output.exists():  # noqa: ASYNC240 - one look
        raise RuntimeError(f"py-spy: {said.decode(errors='replace')[-300:]}")
    return output.read_text()  # noqa: ASYNC240 - nothing else runs here


def _profiler() -> str:
    found = shutil.which("py-spy", path=str(Path(sys.executable).parent)) or shutil.which("py-spy")
    if found is None:
        raise MissingTool("py-spy is not installed (it is among the tools of development)")
    return found
