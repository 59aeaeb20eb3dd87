"""Resident memory of the bridge: at rest, for each camera and player, and with stalled players."""

import asyncio
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench import media, procfs, stage
from bench.figures import Beside, Figure, Reach, Section, spread
from bench.scenario import Context, say
from bench.stage import Served

__all__ = ["measure"]

KBPS = 4000
CAMERAS, PLAYERS, STALLED = 100, 400, 50
STALL_KBPS = 8000
STALL_WATCH_S = 6.0
"""A backlog is full after 3 s; after its ``stall_timeout`` of 10 s the bridge ends the players."""

SAMPLE_S = 0.25
SETTLE_S = 2.5
"""More than a group of pictures: by then every cache is full."""

_METHOD = (
    "`VmRSS` of the bridge, which the kernel's socket buffers are no part of. At rest: one camera "
    "is configured and logged in, nobody watches. For each camera: {cameras} cameras of 4 Mbit/s "
    "with one player each, less the memory at rest, by {cameras}; a group of pictures of "
    "{gop_mib:.1f} MiB is cached for each. For each player: {players} players on these cameras "
    "instead, the difference by their number. Stalled: {stalled} players of one camera of 8 "
    "Mbit/s, with small receive buffers, never read; the most that is seen during {stall:g} s. "
    "Each run is a bridge of its own. The floor at rest is a Python that has imported what the "
    "bridge cannot do without (asyncio, cryptography, pydantic, click)."
)
_FLOOR = (
    "import asyncio, pydantic, click;"
    "from cryptography.hazmat.primitives.ciphers import Cipher;"
    "print([int(l.split()[1]) for l in open('/proc/self/status') if l.startswith('VmRSS')][0])"
)


@dataclass(frozen=True, slots=True)
class _Crowds:
    """How many of each."""

    cameras: int
    players: int
    stalled: int


@dataclass(frozen=True, slots=True)
class _Run:
    """MiB of the bridge in one run."""

    rest: float
    one_watches: float
    stalled: float
    watched: float
    """A player for each camera."""
    crowded: float


async def measure(context: Context) -> Section:
    """Measure all, each several times."""
    crowds = _Crowds(
        cameras=min(CAMERAS, context.most),
        players=min(PLAYERS, 4 * context.most),
        stalled=min(STALLED, context.most),
    )
    gop_mib = KBPS * 125 * media.GOP / media.FRAME_RATE / (1 << 20)
    floor = Beside(
        "Python with the same packages", spread([await _floor_mib() for _ in range(context.runs)])
    )
    runs = []
    for _ in range(context.runs):
        rest, one_watches, stalled = await _stall(context, crowds.stalled)
        watched, crowded = await _grow(context, crowds.cameras, crowds.players)
        runs.append(_Run(rest, one_watches, stalled, watched, crowded))
        say(f"at rest {rest:.1f} MiB, full {crowded:.1f} MiB, stalled {stalled:.1f} MiB")
    return Section(
        key="memory",
        title="Memory",
        method=_METHOD.format(
            cameras=crowds.cameras,
            players=crowds.players,
            stalled=crowds.stalled,
            gop_mib=gop_mib,
            stall=STALL_WATCH_S,
        ),
        figures=(*_figures_of_all(runs, crowds, floor), *_figures_of_each(runs, crowds, gop_mib)),
    )


def _figures_of_all(runs: Sequence[_Run], crowds: _Crowds, floor: Beside) -> Iterator[Figure]:
    yield Figure(
        key="memory/rest",
        what="memory at rest",
        unit="MiB",
        spread=spread([run.rest for run in runs]),
        beside=(floor,),
        reach=(Reach(most=70),),
    )
    yield Figure(
        key="memory/full",
        what=f"memory with {crowds.cameras} cameras and {crowds.players} players",
        unit="MiB",
        spread=spread([run.crowded for run in runs]),
    )
    yield Figure(
        key="memory/stalled",
        what=f"memory with {crowds.stalled} stalled players, at most",
        unit="MiB",
        spread=spread([run.stalled for run in runs]),
    )


def _figures_of_each(runs: Sequence[_Run], crowds: _Crowds, gop_mib: float) -> Iterator[Figure]:
    more = max(1, crowds.players - crowds.cameras)
    yield Figure(
        key="memory/camera",
        what=f"memory for each of {crowds.cameras} cameras with a player",
        unit="MiB",
        spread=spread([(run.watched - run.rest) / crowds.cameras for run in runs]),
        beside=(Beside("its group of pictures", spread([gop_mib])),),
        reach=(Reach(most=round(2 + gop_mib, 2)),),
    )
    yield Figure(
        key="memory/player",
        what=f"memory for each player more, up to {crowds.players}",
        unit="KiB",
        spread=spread([1024 * (run.crowded - run.watched) / more for run in runs]),
        reach=(Reach(most=48),),
    )
    yield Figure(
        key="memory/stalled-each",
        what="memory for each stalled player, at most",
        unit="KiB",
        spread=spread([1024 * (run.stalled - run.one_watches) / crowds.stalled for run in runs]),
    )


async def _grow(context: Context, cameras: int, crowd: int) -> tuple[float, float]:
    """Return MiB with a player for each camera, and with the whole crowd."""
    folder = context.folder
    async with (
        stage.cameras(folder, cameras, kbps=KBPS) as many,
        stage.bridge(folder, many.ports) as server,
        stage.players(folder, server, cameras, cameras=cameras),
    ):
        watched = await _settled_mib(server)
        async with stage.players(folder, server, max(1, crowd - cameras), cameras=cameras):
            return watched, await _settled_mib(server)


async def _settled_mib(server: Served) -> float:
    await asyncio.sleep(SETTLE_S)
    return procfs.rss_mib(server.pid)


async def _stall(context: Context, count: int) -> tuple[float, float, float]:
    """Return MiB at rest, with one player, and at most while others do not read."""
    folder = context.folder
    async with (
        stage.cameras(folder, 1, kbps=STALL_KBPS) as cameras,
        stage.bridge(folder, cameras.ports) as server,
    ):
        await asyncio.sleep(SETTLE_S / 2)
        rest = procfs.rss_mib(server.pid)
        async with stage.players(folder, server, 1):
            before = most = await _settled_mib(server)
            async with stage.players(folder, server, count, mode="stall"):
                for _ in range(round(STALL_WATCH_S / SAMPLE_S)):
                    await asyncio.sleep(SAMPLE_S)
                    most = max(most, procfs.rss_mib(server.pid))
    return rest, before, most


async def _floor_mib() -> float:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _FLOOR, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await asyncio.wait_for(process.communicate(), 30)
    return int(output) / 1024
