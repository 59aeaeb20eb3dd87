"""``python -m bench``: measure what the bridge costs, and write ``report.md`` and ``report.json``.

Names of scenarios limit it to those; their sections take the place of older ones in the report.
Everything runs on loopback and is ended with the suite.
"""

import argparse
import asyncio
import os
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench import (
    chart,
    fan_out,
    first_picture,
    ingest,
    latency,
    memory,
    micro,
    procfs,
    profile,
    startup,
    tls,
)
from bench import report as reports
from bench.figures import Section
from bench.native import MissingTool
from bench.scenario import Context, Measure

__all__ = ["SCENARIOS", "main"]

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "bench"
DOCUMENT = ROOT / "docs" / "performance.md"
SCENARIO_TIMEOUT_S = 420.0
BUSY = 1.0
"""A load average above this before the start is told: somebody else needs the processors."""

SETTLE_S = 1.5


SCENARIOS: Mapping[str, Measure] = {
    "fanout-tcp": fan_out.measure_tcp,
    "fanout-udp": fan_out.measure_udp,
    "tls": tls.measure,
    "ingest": ingest.measure,
    "latency": latency.measure,
    "first-picture": first_picture.measure,
    "memory": memory.measure,
    "startup": startup.measure,
    "micro": micro.measure,
    "profile": profile.measure,
}
"""By name, in the order of the report."""


def main() -> int:
    """Read the command line, measure, write."""
    options = _options()
    folder: Path = options.out
    sections, machine = _read(folder)
    if options.write_docs:
        return _write_docs(sections, machine)
    if machine not in ({}, _machine()):
        print("The report there is of another machine or Python: it is begun anew.")
        sections = []
    load = procfs.load_average()
    if load > BUSY:
        print(f"The load average is {load}: figures of a busy machine compare badly.")
    names = options.names or list(SCENARIOS)
    failed = []
    for name in names:
        try:
            new = asyncio.run(_measure(name, options))
        except (MissingTool, OSError, RuntimeError, TimeoutError) as error:
            reason = str(error) or f"not ready in time ({type(error).__name__})"
            failed.append(f"{name}: {reason}")
            print(f"  FAILED: {reason}", flush=True)
            continue
        except asyncio.CancelledError:  # by a signal
            print(f"Stopped; the report has what was measured before {name}.")
            return 130
        sections = reports.merge(sections, [new], list(SCENARIOS))
        _write(folder, sections, _machine())  # what is measured is kept, whatever follows
    print(f"Report: {folder / 'report.md'}")
    print(*failed, sep="\n")
    return 1 if failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="SCENARIO", help=", ".join(SCENARIOS))
    parser.add_argument("--quick", action="store_true", help="one short run of each")
    parser.add_argument("--runs", type=int, default=5, help="of each figure (default 5)")
    parser.add_argument("--seconds", type=float, default=2.0, help="of a run (default 2)")
    parser.add_argument(
        "--most", type=int, default=400, help="players or cameras at the same time (default 400)"
    )
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder of the report")
    parser.add_argument(
        "--write-docs",
        action="store_true",
        help="measure nothing; put the figures of the report into docs/performance.md",
    )
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in SCENARIOS]
    if unknown:
        parser.error(f"{', '.join(unknown)}: there are {', '.join(SCENARIOS)}")
    if options.quick:
        options.runs, options.seconds = 1, min(1.0, options.seconds)
    if min(options.runs, options.most) < 1 or options.seconds <= 0:
        parser.error("at least one run, one player and some time are needed")
    return options


async def _measure(name: str, options: argparse.Namespace) -> Section:
    print(f"{name}:", flush=True)
    begin_s, load = time.monotonic(), procfs.load_average()
    task = asyncio.current_task()
    assert task is not None  # this runs in one
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with tempfile.TemporaryDirectory(prefix="neolink-bench-") as folder:
        context = Context(Path(folder), options.runs, options.seconds, SETTLE_S, options.most)
        async with asyncio.timeout(SCENARIO_TIMEOUT_S):
            section = await SCENARIOS[name](context)
    took_s = time.monotonic() - begin_s
    print(f"  ({took_s:.0f} s)", flush=True)
    return Section(
        **{
            **{key: getattr(section, key) for key in section.__slots__},
            "conditions": {
                "Taken": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
                "in": f"{took_s:.0f} s",
                "load average before": f"{load:.2f}",
            },
        }
    )


def _read(folder: Path) -> tuple[list[Section], dict[str, str]]:
    path = folder / "report.json"
    return reports.parse(path.read_text()) if path.exists() else ([], {})


def _write(folder: Path, sections: Sequence[Section], machine: Mapping[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(reports.serialize(sections, machine))
    (folder / "report.md").write_text(reports.render(sections, machine))
    for plot in (plot for section in sections for plot in section.charts):
        (folder / f"{plot.key}.svg").write_text(chart.draw(plot))
    for name, text in (one for section in sections for one in section.drawings.items()):
        if text:
            (folder / f"{name}.svg").write_text(text)


def _write_docs(sections: Sequence[Section], machine: Mapping[str, str]) -> int:
    if not sections:
        print("There is no report yet: run python -m bench first.")
        return 1
    DOCUMENT.write_text(reports.fill_in(DOCUMENT.read_text(), sections, machine))
    print(f"Written: {DOCUMENT}")
    return 0


def _machine() -> dict[str, str]:
    """Return what figures depend on and what names nobody."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if "model name" in line), "?")
    memory_kib = procfs.parse_kib(Path("/proc/meminfo").read_text(), "MemTotal")
    return {
        "processor": f"{model}, {os.cpu_count()} cores",
        "memory": f"{memory_kib / (1 << 20):.0f} GiB",
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "Python": f"{platform.python_version()}, {_extras()}",
    }


def _extras() -> str:
    found = []
    for name in ("uvloop", "numpy"):
        try:
            __import__(name)
        except ImportError:
            found.append(f"without {name}")
        else:
            found.append(f"with {name}")
    return ", ".join(found)


if __name__ == "__main__":
    sys.exit(main())
