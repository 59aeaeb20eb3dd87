"""``make interop``: play in every way with every player, and write the table of docs/interop.md.

``--only PLAYER/WAY`` (``PLAYER`` or ``/WAY`` for all of one) limits it; other cells stay as they
were. Players that are not installed count as failed. Exit code 1 when a player that knows a way
does not play. Linux; the rows with a firewall and with multicast need root.
"""

import argparse
import asyncio
import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

import av
import cv2

from interop import report
from interop.cells import Cell, Verdict, merge
from interop.run import play_way
from interop.ways import PLAYERS, WAYS, chosen

__all__ = ["main"]

ROOT = Path(__file__).parent.parent
DOCUMENT = ROOT / "docs" / "interop.md"
REPORT = ROOT / "interop" / "report.json"


def main() -> int:
    """Read the command line, play, write."""
    parser = argparse.ArgumentParser(prog="python -m interop", description=__doc__)
    parser.add_argument("--only", nargs="+", default=[], metavar="PLAYER/WAY")
    parser.add_argument("--dry", action="store_true", help="write nothing")
    options = parser.parse_args()
    try:
        wanted = chosen(options.only)
    except ValueError as error:
        parser.error(str(error))
    began_s = time.monotonic()
    cells = asyncio.run(_play(wanted))
    print(report.summary(cells), f"({time.monotonic() - began_s:.0f} s)")
    if not options.dry:
        _write(cells)
    return any(cell.verdict is Verdict.FAILS for cell in cells)


async def _play(wanted: Sequence[tuple[str, str]]) -> list[Cell]:
    cells: list[Cell] = []
    for way, group in groupby(wanted, key=lambda cell: cell[1]):
        print(f"{WAYS[way].title}:", flush=True)
        for cell in await play_way(way, [player for player, _ in group]):
            cells.append(cell)
            print(f"  {_line(cell)}", flush=True)
    return cells


def _line(cell: Cell) -> str:
    name = f"{PLAYERS[cell.player]:18}"
    if cell.verdict is Verdict.CANNOT:
        return f"{name} {cell.footnote}"
    first = "none" if cell.first_picture_s is None else f"after {cell.first_picture_s:.2f} s"
    text = f"{name} {cell.trouble or 'plays'}; first picture {first}, {cell.pictures} pictures"
    return "\n    ".join((f"{text}, {cell.connections} connections", *cell.complaints))


def _write(cells: Sequence[Cell]) -> None:
    old = report.parse(REPORT.read_text()) if REPORT.exists() else []
    merged, machine = merge(old, cells, list(PLAYERS), list(WAYS)), _machine()
    REPORT.write_text(report.serialize(merged, machine))
    DOCUMENT.write_text(report.fill_in(DOCUMENT.read_text(), merged, machine))
    print(f"Written: {DOCUMENT}")


def _machine() -> dict[str, str]:
    """Return when and where, and which players; nothing that names somebody."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if "model name" in line), "?")
    info = cv2.getBuildInformation().splitlines()
    opencv = next((line.split("(")[1].strip(") ") for line in info if "avcodec" in line), "?")
    return {
        "taken": f"{datetime.now(UTC):%Y-%m-%d}",
        "ffmpeg": _first_line("ffmpeg", "-version").split()[2],
        "PyAV": f"{av.__version__}, FFmpeg {av.ffmpeg_version_info}",
        "OpenCV": f"{cv2.__version__}, libavcodec {opencv}",
        "GStreamer": _first_line("gst-inspect-1.0", "--version").split()[-1],
        "mpv": _first_line("mpv", "--version").split()[1],
        "machine": f"{model}, {os.cpu_count()} cores, {platform.system()}",
        "Python": platform.python_version(),
    }


def _first_line(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return "is not installed -"
    return done.stdout.partition("\n")[0]


if __name__ == "__main__":
    sys.exit(main())
