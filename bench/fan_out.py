"""One camera, many players: processor time of the server for each GB it delivers.

The same players measure the bridge, a floor that only sends, and gst-rtsp-server.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from bench import media, stage
from bench.figures import Beside, Chart, Curve, Figure, Reach, Section, Spread, spread
from bench.native import MissingTool
from bench.scenario import Context, say
from bench.stage import Run, Served

__all__ = ["measure_tcp", "measure_udp"]

SIZES = 1, 10, 50, 200, 400
PLAIN_SIZES = 1, 200
"""Of the floor without offload, which only shows what the offload is worth."""

KBPS = 8000
GOP = media.FRAME_RATE
"""A key frame a second: there are many servers and sizes, and a run must have one."""

ENOUGH = 0.97
"""Of the pictures and bytes: a run may end between two pictures."""

AIM_SIZE = 200
OURS, PEER = "neolink", "gst-rtsp-server"
FLOOR, PLAIN_FLOOR = "floor", "floor without offload"

_METHOD = (
    "One simulated camera (H.264, 1280x720, 25 pictures a second, 8 Mbit/s, a key frame each "
    "second) and N players over {over}. CPU is user and system time of the server process alone, "
    "in runs of {seconds:g} s. On loopback the sender's system time holds the receivers' kernel "
    "work too, for all servers alike. The floor is a C program that gives the same packets to the "
    "same number of sockets, {floor}. gst-rtsp-server gets the same access units through an appsrc "
    "in one shared media. The first player parses all its packets; {others}."
)


@dataclass(frozen=True, slots=True)
class _Over:
    """What differs between the transports."""

    transport: str
    title: str
    floors: tuple[tuple[str, str], ...]
    """Name and kind of each floor; the first is the one that counts."""
    floor_words: str
    other_players: str
    reach: tuple[Reach, ...]


_TCP = _Over(
    "tcp",
    "Fan-out over TCP",
    ((FLOOR, "tcp"),),
    "one `send` for each picture and player",
    "of the others the kernel counts and discards the bytes (`MSG_TRUNC`)",
    (Reach(most=1.6, beside=FLOOR), Reach(least=15, beside=PEER)),
)
_UDP = _Over(
    "udp",
    "Fan-out over UDP",
    ((FLOOR, "udp"), (PLAIN_FLOOR, "udp-plain")),
    "one call for up to 64 packets of equal size (segmentation offload), and once more with one "
    "call for each packet",
    "the others look at 16 bytes of each packet",
    (Reach(most=1.5), Reach(least=7, beside=PEER)),
)


async def measure_tcp(context: Context) -> Section:
    """Measure players over TCP."""
    return await _measure(context, _TCP)


async def measure_udp(context: Context) -> Section:
    """Measure players over UDP."""
    return await _measure(context, _UDP)


async def _measure(context: Context, over: _Over) -> Section:
    context = replace(context, seconds=context.seconds * GOP / media.GOP)
    everyone, notes = await _measure_everyone(context, over)
    notes += [_delivery(name, of) for name, of in everyone.items()]
    words = {"floor": over.floor_words, "others": over.other_players}
    return Section(
        key=f"fanout-{over.transport}",
        title=over.title,
        method=_METHOD.format(over=over.transport.upper(), seconds=context.seconds, **words),
        figures=(*_costs(everyone, over), _share_of_core(everyone, over)),
        charts=(_chart(over, everyone),),
        notes=tuple(notes),
    )


async def _measure_everyone(
    context: Context, over: _Over
) -> tuple[dict[str, dict[int, list[Run]]], list[str]]:
    """Return the runs of each server by size, ours first, and who is missing."""
    folder, clip = context.folder, media.clip(KBPS, GOP)
    packets, pictures = folder / "packets", folder / "pictures"
    media.write_pictures(packets, media.packets_of(media.access_units(clip)))
    media.write_pictures(pictures, clip.access_units)
    everyone: dict[str, dict[int, list[Run]]] = {OURS: {}}
    async with _bridge(folder) as server:
        for size in context.sizes(SIZES):
            everyone[OURS][size] = await _runs(context, server, size, over.transport)
            _tell(OURS, size, everyone[OURS][size])
    for name, kind in over.floors:
        serve = partial(stage.floor, folder, kind=kind, pictures=packets)
        sizes = PLAIN_SIZES if name == PLAIN_FLOOR else SIZES
        everyone[name] = await _each_size(context, over, name, serve, sizes)
    try:
        everyone[PEER] = await _each_size(
            context, over, PEER, lambda _: stage.gst_server(folder, pictures)
        )
    except MissingTool as missing:
        return everyone, [f"Without {PEER}: {missing}."]
    return everyone, []


def _costs(everyone: dict[str, dict[int, list[Run]]], over: _Over) -> list[Figure]:
    return [
        Figure(
            key=f"fanout-{over.transport}/{size}",
            what=f"{_players(size)}, {over.transport.upper()}",
            unit="CPU s/GB",
            spread=_cost(runs),
            beside=tuple(
                Beside(name, _cost(of[size]))
                for name, of in everyone.items()
                if name != OURS and size in of
            ),
            reach=over.reach if size == AIM_SIZE else (),
        )
        for size, runs in everyone[OURS].items()
    ]


@asynccontextmanager
async def _bridge(folder: Path) -> AsyncIterator[Served]:
    async with (
        stage.cameras(folder, 1, kbps=KBPS, gop=GOP) as cameras,
        stage.bridge(folder, cameras.ports) as server,
    ):
        yield server


async def _each_size(
    context: Context,
    over: _Over,
    name: str,
    serve: Callable[[int], AbstractAsyncContextManager[Served]],
    sizes: Sequence[int] = SIZES,
) -> dict[int, list[Run]]:
    found = {}
    for size in context.sizes(sizes):
        async with serve(size) as server:
            found[size] = await _runs(context, server, size, over.transport)
        _tell(name, size, found[size])
    return found


async def _runs(context: Context, server: Served, size: int, transport: str) -> list[Run]:
    async with stage.players(context.folder, server, size, transport=transport) as crowd:
        await asyncio.sleep(context.settle_s)
        return await stage.measure_runs(server, crowd, context.runs, context.seconds)


def _tell(name: str, size: int, runs: Sequence[Run]) -> None:
    cost = _cost(runs)
    say(f"{name}, {size}: {cost.middle:.2f} CPU s/GB, {runs[-1].cpu_percent:.1f} % of a core")


def _cost(runs: Sequence[Run]) -> Spread:
    return spread([run.cpu_s_per_gb for run in runs])


def _share_of_core(everyone: dict[str, dict[int, list[Run]]], over: _Over) -> Figure:
    """Return the largest crowd in per cent of a core."""
    size = max(everyone[OURS])
    has_aim = size == max(SIZES) and over is _TCP
    return Figure(
        key=f"fanout-{over.transport}-core/{size}",
        what=f"{_players(size)}, {over.transport.upper()}: share of one core",
        unit="%",
        spread=spread([run.cpu_percent for run in everyone[OURS][size]]),
        beside=tuple(
            Beside(name, spread([run.cpu_percent for run in of[size]]))
            for name, of in everyone.items()
            if name != OURS and size in of
        ),
        reach=(Reach(most=25),) if has_aim else (),
        note=_all_frames(everyone[OURS][size]),
    )


def _players(size: int) -> str:
    return "1 player" if size == 1 else f"{size} players"


def _all_frames(runs: Sequence[Run]) -> str:
    pictures = sum(run.pictures for run in runs)
    wanted = sum(run.took_s for run in runs) * media.FRAME_RATE
    return f"{pictures} of {wanted:.0f} pictures"


def _delivery(name: str, of: dict[int, list[Run]]) -> str:
    """Tell whether all players got all: processor time saved by dropping is no saving."""
    poor = []
    for size, runs in of.items():
        lost, gone = sum(run.gaps for run in runs), runs[-1].gone
        share = min(run.least_share for run in runs)
        wanted = sum(run.took_s for run in runs) * media.FRAME_RATE
        pictures = sum(run.pictures for run in runs)
        if lost or gone or share < ENOUGH or pictures < ENOUGH * wanted:
            poor.append(
                f"at {size} players {_all_frames(runs)}, {lost} gaps, {gone} disconnected, the "
                f"unluckiest got {100 * share:.1f} % of the bytes of the luckiest"
            )
    return f"{name}: {'; '.join(poor)}." if poor else f"{name} delivered everything to everybody."


def _chart(over: _Over, everyone: dict[str, dict[int, list[Run]]]) -> Chart:
    return Chart(
        key=f"fanout-{over.transport}",
        title=f"{over.title}, 8 Mbit/s: CPU seconds for each GB delivered",
        x_name="players",
        unit="CPU s/GB",
        is_logarithmic=True,
        curves=tuple(
            Curve(name, tuple((float(size), _cost(runs).middle) for size, runs in of.items()))
            for name, of in everyone.items()
        ),
    )
