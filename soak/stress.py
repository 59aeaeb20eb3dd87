"""``python -m soak.stress``: 50, then 100 players on one camera, half of them on UDP.

Every player must get at least 95 % of the pictures that the camera sent, and the bridge must
answer others at once all the while. The report is ``stress-report.md`` in the folder ``--out``.
Exit code 0 when every check passed, else 1.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from soak.bridge import Bridge, LogSummary, read_log, running_bridge
from soak.cameras import Cameras, profile_options
from soak.processes import Child, Ended, Usage, child, read_usage, run_module
from soak.run import round_trips, running_probe
from soak.verdict import Check

__all__ = ["Phase", "judge_phase", "main", "render"]

SETTLE_S = 4.0
LEAST_SHARE = 0.95
MOST_P99_MS = 100.0

_COLUMNS = (
    "players",
    "seconds",
    "pictures sent",
    "least received",
    "median",
    "most received",
    "CPU %",
    "RSS, MiB",
    "descriptors",
    "threads",
    "OPTIONS p50 / p99 / most",
)


@dataclass(frozen=True, slots=True)
class Phase:
    """What was measured with one number of players. ``pictures`` is by player, TCP and UDP."""

    players: int
    seconds: float
    sent: int
    pictures: tuple[int, ...]
    gone: int
    round_trips_ms: tuple[float, ...]
    before: Usage
    after: Usage

    @property
    def cpu_percent(self) -> float:
        """Of one core."""
        return 100 * (self.after.cpu_s - self.before.cpu_s) / self.seconds

    @property
    def worst_share(self) -> float:
        """The part of all pictures that the unluckiest player got."""
        return min(self.pictures) / max(1, self.sent)

    @property
    def p99_ms(self) -> float:
        """Round trip of OPTIONS, 99th percentile."""
        ordered = sorted(self.round_trips_ms)
        return ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))] if ordered else 1e9


def judge_phase(phase: Phase) -> list[Check]:
    """Return what had to be true with so many players."""
    poor = sum(count < LEAST_SHARE * phase.sent for count in phase.pictures)
    who = f"{phase.players} players"
    return [
        Check(
            f"{who}: each gets 95 % of the pictures",
            not poor and phase.sent > 0,
            f"{phase.sent} sent; the worst got {100 * phase.worst_share:.1f} %, {poor} too few",
        ),
        Check(f"{who}: nobody is disconnected", not phase.gone, f"{phase.gone} were"),
        Check(
            f"{who}: others are answered within {MOST_P99_MS:g} ms (p99)",
            phase.p99_ms < MOST_P99_MS,
            f"OPTIONS p50 / p99 / most: {round_trips(phase.round_trips_ms)}",
        ),
    ]


def render(phases: Sequence[Phase], checks: Sequence[Check]) -> str:
    """Return the report."""
    is_passed = all(check.is_passed for check in checks)
    rows = [
        f"| {one.players} | {one.seconds:.0f} | {one.sent} | {min(one.pictures)} | "
        f"{round(median(one.pictures))} | {max(one.pictures)} | {one.cpu_percent:.0f} | "
        f"{one.after.rss_mib:.1f} | {one.after.descriptors} | {one.after.threads} | "
        f"{round_trips(one.round_trips_ms)} |"
        for one in phases
    ]
    return "\n".join(
        [
            f"# Stress report: {'PASS' if is_passed else 'FAIL'}",
            "",
            "One simulated camera (H.264, 1280x720, 25 pictures a second, all encrypted), video",
            "only, every second player on UDP. CPU is of the bridge alone; 100 % is one core.",
            f"This machine has {os.cpu_count()} cores for cameras, bridge and players together.",
            "",
            "| | check | |",
            "|---|---|---|",
            *(
                f"| {'pass' if check.is_passed else '**FAIL**'} | {check.name} | {check.detail} |"
                for check in checks
            ),
            "",
            "| " + " | ".join(_COLUMNS) + " |",
            "|---" * len(_COLUMNS) + "|",
            *rows,
            "",
        ]
    )


async def stress(
    counts: Sequence[int], seconds: float, folder: Path, *, kbps: int | None = None
) -> int:
    """Measure, report, return the exit code."""
    phases: list[Phase] = []
    async with child(run_module("soak.cameras"), stderr=folder / "cameras.log") as cameras_child:
        cameras = await Cameras.start(cameras_child, [{**profile_options(0), "bitrate_kbps": kbps}])
        async with running_bridge(
            folder, cameras.ports, max_connections_per_ip=max(counts) + 64
        ) as bridge:
            for count in counts:
                phases.append(await _measure(bridge, cameras, count, seconds, folder))
                print(f"{count} players: {100 * phases[-1].worst_share:.1f} % at least", flush=True)
            ended = await bridge.child.stop()
    log = read_log((folder / "bridge.log").read_text(errors="replace"))
    checks = [check for phase in phases for check in judge_phase(phase)]
    checks += _at_the_end(log, ended)
    path = folder / "stress-report.md"
    path.write_text(render(phases, checks))
    for check in checks:
        print(f"{'pass' if check.is_passed else 'FAIL'}  {check.name}: {check.detail}")
    print(f"Report: {path}")
    return 0 if all(check.is_passed for check in checks) else 1


async def _measure(
    bridge: Bridge, cameras: Cameras, count: int, seconds: float, folder: Path
) -> Phase:
    command = run_module("soak.crowd", str(bridge.port), str(count), "cam0/main")
    async with child(command, stderr=folder / f"crowd-{count}.log") as crowd:
        while await crowd.read_line() != "ready":
            pass
        await asyncio.sleep(SETTLE_S)
        loop = asyncio.get_running_loop()
        async with running_probe(bridge.port, folder, interval_s=0.1) as probe:
            sent, received = await _sent(cameras), await _received(crowd)
            before, begin_s = read_usage(bridge.child.pid), loop.time()
            await asyncio.sleep(seconds)
            after, took_s = read_usage(bridge.child.pid), loop.time() - begin_s
            sent, end = await _sent(cameras) - sent, await _received(crowd)
            times_ms = tuple(probe.all_ms)
    pictures = zip(received["pictures"], end["pictures"], strict=True)
    return Phase(
        players=count,
        seconds=took_s,
        sent=sent,
        pictures=tuple(last - first for first, last in pictures),
        gone=len(end["gone"]),
        round_trips_ms=times_ms,
        before=before,
        after=after,
    )


async def _sent(cameras: Cameras) -> int:
    (counters,) = await cameras.counters()
    return int(counters["frames"]["main"])


async def _received(crowd: Child) -> dict[str, list[int]]:
    await crowd.write_line("")
    counts: dict[str, list[int]] = json.loads(await crowd.read_line())
    return counts


def _at_the_end(log: LogSummary, ended: Ended) -> list[Check]:
    in_order = ended.exit_code == 0 and not ended.was_killed
    return [
        Check(
            "no internal error in the bridge's log",
            not log.internal,
            log.internal[0] if log.internal else f"{log.errors} errors, {log.warnings} warnings",
        ),
        Check(
            "SIGTERM ends the bridge in order",
            in_order,
            f"exit code {ended.exit_code} after {ended.took_s:.1f} s",
        ),
    ]


def main() -> int:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m soak.stress", description=__doc__)
    parser.add_argument("--players", type=int, nargs="+", default=[50, 100])
    parser.add_argument("--seconds", type=float, default=float(os.environ.get("SECONDS", "60")))
    parser.add_argument("--kbps", type=int, help="of the camera (default 800; needs the extras)")
    parser.add_argument("--out", type=Path, default=Path("soak-out"))
    options = parser.parse_args()
    if min(options.players) < 1 or options.seconds <= 0:
        parser.error("at least one player and some time are needed")
    options.out.mkdir(parents=True, exist_ok=True)
    return asyncio.run(stress(options.players, options.seconds, options.out, kbps=options.kbps))


if __name__ == "__main__":
    sys.exit(main())
