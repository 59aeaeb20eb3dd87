"""From the last byte of a picture at the bridge to its last byte at a player."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import media, stage, stamps
from bench.figures import Beside, Figure, Reach, Section, Spread, percentile, spread
from bench.native import MissingTool
from bench.scenario import Context, say
from bench.stage import Served

__all__ = ["measure"]

SIZES = 1, 100
KBPS = 4000
FLOOR, PEER = "floor", "gst-rtsp-server"
SHARES = {"p50": 0.5, "p99": 0.99, "max": 1.0}
REACH = {"p50": 1.0, "p99": 5.0}

_METHOD = (
    "One camera, 4 Mbit/s, and N players over TCP; all of their pictures count, the last player's "
    "too. A picture's time begins when the camera is about to write it (all of it in one call), "
    "and ends when the kernel of the player has its last byte: the kernel's own time stamp "
    "(`SO_TIMESTAMPNS`), so that the players' turn on the processor is not counted. Both are the "
    "clock of one machine. The floor begins when it is about to send to the first player; "
    "gst-rtsp-server when the picture is pushed into its appsrc: these two receive nothing. "
    "p50, p99 and max are taken over all pictures and players of a run of {seconds:g} s."
)


@dataclass(frozen=True, slots=True)
class _Percentiles:
    """By name, of each run."""

    of: dict[str, Spread]
    count: int


async def measure(context: Context) -> Section:
    """Measure alone and in a crowd."""
    folder, clip = context.folder, media.clip(KBPS)
    packets, pictures = folder / "packets", folder / "pictures"
    media.write_pictures(packets, media.packets_of(media.access_units(clip)))
    media.write_pictures(pictures, clip.access_units)
    tails = stamps.tails_of(clip.access_units)
    figures: list[Figure] = []
    notes: list[str] = []
    for size in context.sizes(SIZES):
        ours = await _ours(context, size, tails)
        beside = {FLOOR: await _floor(context, size, tails, packets)}
        try:
            beside[PEER] = await _peer(context, size, tails, pictures)
        except MissingTool as missing:
            notes.append(f"Without {PEER}: {missing}.")
        figures += _figures(size, ours, beside)
        for who, found in {"ours": ours, **beside}.items():
            values = ", ".join(f"{name} {one.middle:.2f}" for name, one in found.of.items())
            say(f"{who}, {size}: {values} ms ({found.count} pictures)")
    return Section(
        key="latency",
        title="Added latency",
        method=_METHOD.format(seconds=context.seconds),
        figures=tuple(figures),
        notes=tuple(notes),
    )


def _figures(size: int, ours: _Percentiles, beside: dict[str, _Percentiles]) -> list[Figure]:
    players = "1 player" if size == 1 else f"{size} players"
    return [
        Figure(
            key=f"latency-{name}/{size}",
            what=f"added latency, {players}, {name}",
            unit="ms",
            spread=ours.of[name],
            beside=tuple(Beside(who, other.of[name]) for who, other in beside.items()),
            reach=(Reach(most=REACH[name]),) if size == max(SIZES) and name in REACH else (),
        )
        for name in SHARES
    ]


async def _ours(context: Context, size: int, tails: dict[bytes, int]) -> _Percentiles:
    folder, arrived = context.folder, context.folder / "arrived"
    async with (
        stage.cameras(folder, 1, kbps=KBPS) as cameras,
        stage.bridge(folder, cameras.ports) as server,
    ):
        begin_ns = await _watch(context, server, size, arrived)
        sent = await cameras.stamps()
    return _evaluate(context, sent, arrived, tails, begin_ns)


async def _floor(
    context: Context, size: int, tails: dict[bytes, int], packets: Path
) -> _Percentiles:
    sent, arrived = context.folder / "sent", context.folder / "arrived"
    async with stage.floor(context.folder, size, "tcp", packets, sent) as server:
        begin_ns = await _watch(context, server, size, arrived)
        await server.finish()
    return _evaluate(context, stamps.parse_sent(sent.read_bytes()), arrived, tails, begin_ns)


async def _peer(
    context: Context, size: int, tails: dict[bytes, int], pictures: Path
) -> _Percentiles:
    sent, arrived = context.folder / "sent", context.folder / "arrived"
    async with stage.gst_server(context.folder, pictures, sent) as server:
        begin_ns = await _watch(context, server, size, arrived)
        await server.finish()
    return _evaluate(context, stamps.parse_sent(sent.read_bytes()), arrived, tails, begin_ns)


async def _watch(context: Context, server: Served, size: int, arrived: Path) -> int:
    """Let players watch for all runs; return when the first run began (ns since 1970)."""
    async with stage.players(context.folder, server, size, mode="stamp", stamps=arrived) as crowd:
        await asyncio.sleep(context.settle_s)
        begin_ns = time.time_ns()
        await asyncio.sleep(context.runs * context.seconds)
        await crowd.finish()
    return begin_ns


def _evaluate(
    context: Context,
    sent: Sequence[tuple[int, int]],
    arrived: Path,
    tails: dict[bytes, int],
    begin_ns: int,
) -> _Percentiles:
    arrivals = stamps.parse_arrivals(arrived.read_bytes())
    runs: list[list[float]] = [[] for _ in range(context.runs)]
    for ns, took_ms in stamps.latencies_ms(sent, arrivals, tails):
        run = int((ns - begin_ns) / 1e9 // context.seconds)
        if 0 <= run < context.runs:
            runs[run].append(took_ms)
    return _Percentiles(
        {name: spread([percentile(run, share) for run in runs]) for name, share in SHARES.items()},
        sum(map(len, runs)),
    )
