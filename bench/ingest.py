"""Many cameras with one player each: processor time of the bridge."""

import asyncio
import sys
from collections.abc import Sequence

from soak.cameras import HOST, PASSWORD
from soak.processes import child

from bench import media, procfs, stage
from bench.figures import Beside, Chart, Curve, Figure, Reach, Section, Spread, spread
from bench.scenario import Context, say
from bench.stage import Run
from neolink.baichuan.crypto import Encryption

__all__ = ["measure"]

SIZES = 1, 10, 50, 100
KBPS = 4000
PEER = "pyneolink, one stream"
LEVELS = {Encryption.NONE: ("clear", 40.0), Encryption.FULL_AES: ("full AES", 50.0)}

_METHOD = (
    "N cameras (H.264, 1280x720, 25 pictures a second, 4 Mbit/s) in a process of their own, and "
    "one TCP player for each. CPU is user and system time of the bridge, in per cent of one core, "
    "in runs of {seconds:g} s. The cameras loop over messages that were encrypted beforehand, so "
    "that they are not the wall. pyneolink, another client of the protocol, reads one of the same "
    "streams and gives it to nobody."
)


async def measure(context: Context) -> Section:
    """Measure all sizes, in clear and encrypted."""
    figures: list[Figure] = []
    curves: list[Curve] = []
    notes: list[str] = []
    for level, (words, most) in LEVELS.items():
        peer = await _measure_peer(context, level)
        points = []
        for size in context.sizes(SIZES):
            runs, cost_of_cameras, note = await _measure_size(context, level, size)
            found = spread([run.cpu_percent for run in runs])
            say(f"{size} cameras, {words}: {found.middle:.1f} % (cameras {cost_of_cameras:.1f} %)")
            figures.append(
                Figure(
                    key=f"ingest-{level.name.lower()}/{size}",
                    what=f"{size} {'camera' if size == 1 else 'cameras'}, {words}",
                    unit="% of a core",
                    spread=found,
                    beside=(Beside(PEER, peer),) if size == 1 else (),
                    reach=(Reach(most=most),) if size == 100 else (),
                )
            )
            notes.append(f"{size}, {words}: {note}")
            points.append((float(size), found.middle))
        curves.append(Curve(words, tuple(points)))
    chart = Chart(
        "ingest", "CPU of the bridge, 4 Mbit/s a camera", "cameras", "% of a core", tuple(curves)
    )
    return Section(
        key="ingest",
        title="Ingest",
        method=_METHOD.format(seconds=context.seconds),
        figures=tuple(figures),
        charts=(chart,),
        notes=tuple(notes),
    )


async def _measure_size(
    context: Context, level: Encryption, size: int
) -> tuple[list[Run], float, str]:
    folder = context.folder
    async with (
        stage.cameras(folder, size, encryption=level, kbps=KBPS) as cameras,
        stage.bridge(folder, cameras.ports) as server,
        stage.players(folder, server, size, cameras=size) as crowd,
    ):
        await asyncio.sleep(context.settle_s)
        before, cpu_s = await cameras.counters(), procfs.cpu_s(cameras.pid)
        runs = await stage.measure_runs(server, crowd, context.runs, context.seconds)
        after, took_s = await cameras.counters(), sum(run.took_s for run in runs)
        cost = 100 * (procfs.cpu_s(cameras.pid) - cpu_s) / took_s
    return runs, cost, _note(cost, before, after, runs, took_s * size)


def _note(
    cost: float,
    before: dict[str, int],
    after: dict[str, int],
    runs: Sequence[Run],
    camera_seconds: float,
) -> str:
    sent = after["sent"] - before["sent"]
    dropped = after["dropped"] - before["dropped"]
    mbit = sum(run.bytes for run in runs) * 8e-6 / camera_seconds
    return (
        f"the cameras sent {sent} of {camera_seconds * media.FRAME_RATE:.0f} pictures and dropped "
        f"{dropped}, at {cost:.0f} % of a core; {mbit:.2f} Mbit/s reached each player, "
        f"{sum(run.gaps for run in runs)} gaps, {runs[-1].gone} disconnected."
    )


async def _measure_peer(context: Context, level: Encryption) -> Spread:
    async with stage.cameras(context.folder, 1, encryption=level, kbps=KBPS) as cameras:
        command = [sys.executable, "-m", "bench.peers.pyneolink_reader"]
        command += [f"{HOST}:{cameras.ports[0]}", PASSWORD, str(stage.DEADLINE_S)]
        async with child(command, stderr=context.folder / "pyneolink.log") as process:
            await process.read_line()  # the first bytes came
            await asyncio.sleep(context.settle_s)
            found = []
            for _ in range(context.runs):
                cpu_s, at_s = procfs.cpu_s(process.pid), stage.now_s()
                await asyncio.sleep(context.seconds)
                used_s, took_s = procfs.cpu_s(process.pid) - cpu_s, stage.now_s() - at_s
                found.append(100 * used_s / took_s)
    result = spread(found)
    say(f"{PEER}, {level.name.lower()}: {result.middle:.1f} %")
    return result
