"""``python -m bench.wall``: whether the page's wall plays all tiles, and what that costs.

Simulated cameras, the bridge as users run it and headless Chromium, each in processes of their
own. The page is open with all tiles on the screen; what the browser itself counts is told: pictures
decoded and dropped, how far it plays behind the newest picture, how often it stood still. The
bridge is measured before the page is opened too: logged in to all cameras, nobody watches.

The last line is everything as JSON. Chromium decodes and draws without a graphics processor here.
"""

import argparse
import asyncio
import json
import os
import re
import signal
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import Error as PlaywrightError
from soak.cameras import HOST, PASSWORD, Cameras
from soak.processes import Child, child, run_module

from bench import browser, procfs, tiles
from bench.tiles import START_S, Tile
from neolink.baichuan.crypto import Encryption
from neolink.media.tracks import VideoCodec

__all__ = ["Run", "is_good", "main"]

FRAME_RATE = 15
"""Of the sub stream of a simulated camera, 640x360, which is what a tile shows."""

CAMERA = {"codec": VideoCodec.H264.value, "encryption": Encryption.FULL_AES.value, "audio": "aac"}

GOAL_CPU = 30.0
"""Percent of a core that the bridge may take with 16 tiles."""

LEAST_SHARE = 0.97
"""Of the pictures that cameras send in the time: playback may come a little nearer or fall back."""

SETTLE_S = 5.0
"""Between the beginning of something and its measurement: logins, or the first pictures."""

ALONE_S = 10.0
LEAVE_S, UNWATCHED_S = 0.3, 4.0
"""Together shorter than the time that streams and channels outlive their last viewer."""

OTHER_S = 3 * START_S
"""How long a run may take beside the measured time."""

QUIET_EVERY_S = 2.0

PAGE_URL = re.compile(r"http://\S+/")


@dataclass(frozen=True, slots=True)
class Run:
    """One run: all tiles, and processor time in percent of a core."""

    tiles: Sequence[Tile]
    bridge: float
    unwatched: float
    """Of the bridge just after the page was closed: pictures still come and are written."""
    alone: float
    """Of the bridge before the page was opened."""
    cameras: float
    chromium: Mapping[str, float]
    """By kind of process."""
    others: float
    """Of all that is not ours, the hypervisor with it."""
    load: float
    """The load average before the run."""


def main() -> int:
    """Measure and print; the exit code is 1 where the goal was missed."""
    parser = argparse.ArgumentParser(prog="bench.wall", description=__doc__)
    parser.add_argument("--tiles", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--size", default="1920x1080", help="of the window (default 1920x1080)")
    parser.add_argument("--load", type=float, default=2.5, help="wait until it is below this")
    parser.add_argument("--patience", type=float, default=300.0, help="wait no longer; seconds")
    parser.add_argument("--picture", type=Path, help="write a picture of the page to this file")
    options = parser.parse_args()
    if browser.find() is None:
        parser.error("not installed: chromium (scripts/install-peers installs it)")
    try:
        runs = [asyncio.run(_measure(options)) for _ in range(options.runs)]
    except (OSError, RuntimeError, TimeoutError, PlaywrightError) as error:
        print(f"FAILED: {str(error) or 'it took too long'}")
        return 1
    except (asyncio.CancelledError, KeyboardInterrupt):  # by a signal
        return 130
    for run in runs:
        _print_tiles(run)
    _print_costs(options, runs)
    print(json.dumps({"tiles": options.tiles, "runs": [_rounded(asdict(run)) for run in runs]}))
    return 0 if all(is_good(run, options.seconds) for run in runs) else 1


def is_good(run: Run, seconds: float) -> bool:
    """Return whether all tiles played all pictures, and the bridge took little enough."""
    expected = LEAST_SHARE * FRAME_RATE * seconds
    return run.bridge < GOAL_CPU and all(
        tile.is_same and tile.decoded > expected and not tile.dropped and not tile.stalls
        for tile in run.tiles
    )


# ---------------------------------------------------------------- measuring


async def _measure(options: argparse.Namespace) -> Run:
    task = asyncio.current_task()
    assert task is not None  # this runs in one
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    load = await _wait_for_quiet(options.load, options.patience)
    limit_s = options.seconds + OTHER_S
    async with asyncio.timeout(limit_s), AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="neolink-wall-")))
        command = run_module("soak.cameras")
        farm = await stack.enter_async_context(child(command, stderr=folder / "cameras.log"))
        cameras = await Cameras.start(farm, [CAMERA] * options.tiles)
        bridge, url = await stack.enter_async_context(_bridge(folder, cameras.ports))
        await _wait_for_logins(cameras, options.tiles)
        alone = await _cpu_of(bridge.pid, ALONE_S)
        page = await stack.enter_async_context(browser.opened_page(url, *_size(options)))
        await tiles.wait_until_playing(page, options.tiles)
        await asyncio.sleep(SETTLE_S)
        await tiles.begin(page)
        cpu = await _cpu_of_all(bridge.pid, farm.pid, options.seconds)
        found = await tiles.end(page)
        if options.picture:
            await page.screenshot(path=options.picture)
        await page.close()
        await asyncio.sleep(LEAVE_S)
        unwatched = await _cpu_of(bridge.pid, UNWATCHED_S)
    chromium = {name: value for name, value in cpu.items() if name.startswith("chromium")}
    others = cpu["machine"] - cpu["bridge"] - cpu["cameras"] - sum(chromium.values())
    return Run(found, cpu["bridge"], unwatched, alone, cpu["cameras"], chromium, others, load)


@asynccontextmanager
async def _bridge(folder: Path, ports: Sequence[int]) -> AsyncIterator[tuple[Child, str]]:
    """Run ``neolink rtsp`` for cameras on these ports; give the address of its page too.

    It remembers nothing: what a wall shows depends on what is known of the streams.
    """
    config = folder / "bridge.toml"
    config.write_text(_config_text(ports))
    command = run_module("neolink", "rtsp", "--config", str(config))
    async with child(command, stderr=folder / "bridge.log") as process:
        while (found := PAGE_URL.search(await process.read_line())) is None:
            pass
        yield process, found[0]


def _config_text(ports: Sequence[int]) -> str:
    cameras = "".join(
        f'\n[[cameras]]\nname = "cam{index}"\naddress = "{HOST}:{port}"\n'
        f'username = "admin"\npassword = "{PASSWORD}"\n'
        for index, port in enumerate(ports, 1)
    )
    return (
        f'bind = "{HOST}"\nbind_port = 0\n\n[rtsp]\nrtp_port = 0\n\n'
        f'[http]\nbind = "{HOST}"\nport = 0\n\n[state]\nenabled = false\n{cameras}'
    )


async def _wait_for_quiet(most: float, patience_s: float) -> float:
    """Return the load average, which is low, or nobody could wait for it to be."""
    until_s = _now_s() + patience_s
    while (load := procfs.load_average()) >= most and _now_s() < until_s:  # noqa: ASYNC110
        await asyncio.sleep(QUIET_EVERY_S)
    return load


async def _wait_for_logins(cameras: Cameras, count: int) -> None:
    async with asyncio.timeout(START_S):
        while sum(one["logins"] for one in await cameras.counters()) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.2)
    await asyncio.sleep(SETTLE_S)


def _size(options: argparse.Namespace) -> tuple[int, int]:
    width, _, height = options.size.partition("x")
    return int(width), int(height)


def _now_s() -> float:
    return asyncio.get_running_loop().time()


# ---------------------------------------------------------------- processor time


async def _cpu_of(pid: int, seconds: float) -> float:
    before, begin_s = procfs.cpu_s(pid), _now_s()
    await asyncio.sleep(seconds)
    return 100 * (procfs.cpu_s(pid) - before) / (_now_s() - begin_s)


async def _cpu_of_all(bridge: int, cameras: int, seconds: float) -> dict[str, float]:
    """Return percent of a core by part, with each kind of Chromium's processes and all there is."""
    before, begin_s = _cpu_s(bridge, cameras), _now_s()
    await asyncio.sleep(seconds)
    after, took_s = _cpu_s(bridge, cameras), _now_s() - begin_s
    return {name: 100 * (after[name] - before[name]) / took_s for name in before if name in after}


def _cpu_s(bridge: int, cameras: int) -> dict[str, float]:
    spent = {"bridge": procfs.cpu_s(bridge), "cameras": procfs.cpu_s(cameras)}
    spent |= {f"chromium {kind}": cpu_s for kind, cpu_s in browser.cpu_s_by_kind().items()}
    ticks = [int(field) for field in Path("/proc/stat").read_text().split(maxsplit=9)[1:9]]
    idle, waiting = ticks[3:5]
    spent["machine"] = (sum(ticks) - idle - waiting) / os.sysconf("SC_CLK_TCK")
    return spent


# ---------------------------------------------------------------- telling


def _print_tiles(run: Run) -> None:
    print(f"\nload average {run.load:.2f} before, others took {run.others:.0f} % of a core")
    print(f"{'tile':8}{'decoded':>8}{'dropped':>8}{'speed':>7}{'behind, s (least, most)':>26}"
          f"{'stalls':>8}{'seeks':>7}")  # fmt: skip
    for tile in run.tiles:
        lags = f"{tile.lag_s:.2f} ({tile.least_lag_s:.2f}, {tile.most_lag_s:.2f})"
        note = "" if tile.is_same else "   began anew"
        print(f"{tile.name:8}{tile.decoded:8}{tile.dropped:8}{tile.speed:7.3f}{lags:>26}"
              f"{tile.stalls:8}{tile.seeks:7}{note}")  # fmt: skip


def _print_costs(options: argparse.Namespace, runs: Sequence[Run]) -> None:
    units = options.tiles * FRAME_RATE
    print(f"\n{options.tiles} tiles, {len(runs)} runs of {options.seconds:g} s, % of a core:")
    _row("bridge", [run.bridge for run in runs])
    _row("... before the page was opened", [run.alone for run in runs])
    _row("... just after it was closed", [run.unwatched for run in runs])
    _row("a tile", [(run.bridge - run.alone) / options.tiles for run in runs])
    each = [1e4 * (run.bridge - run.unwatched) / units for run in runs]
    _row("the page, per access unit, µs", each)
    _row("simulated cameras", [run.cameras for run in runs])
    for kind in sorted({kind for run in runs for kind in run.chromium}):
        _row(kind, [run.chromium.get(kind, 0.0) for run in runs])
    _row("dropped pictures of all tiles", [sum(t.dropped for t in run.tiles) for run in runs])


def _rounded(value: Any) -> Any:
    """Return a value of JSON with floats that people can read."""
    match value:
        case float():
            return round(value, 3)
        case dict():
            return {key: _rounded(one) for key, one in value.items()}
        case list() | tuple():
            return [_rounded(one) for one in value]
    return value


def _row(name: str, values: Sequence[float]) -> None:
    low, middle, high = min(values), statistics.median(values), max(values)
    print(f"{name:46}{middle:9.2f}   (min {low:.2f}, max {high:.2f})")


if __name__ == "__main__":
    sys.exit(main())
