"""``python -m soak``: cameras with faults, players of all kinds, and the bridge under a microscope.

``MINUTES`` or ``HOURS`` in the environment say how long, ``SPEED`` how much faster than ours the
clock of everybody runs; options win over them. With a speed, all minutes and seconds, also those of
the report, are of the fast clock. The report is ``soak-report.md`` in the folder ``--out``. Exit
code 1 when a check failed, else 0; a run that was too short to show something (NOT SHOWN) ends with
0 as well, and with 1 if ``--strict``.
"""

import argparse
import asyncio
import os
import sys
from pathlib import Path

from soak.fast_clock import accelerate
from soak.run import Options, soak

__all__ = ["parse_options"]

DEFAULT_MINUTES = 20.0


def parse_options(arguments: list[str], environment: dict[str, str]) -> Options:
    """Read the command line and the environment."""
    parser = argparse.ArgumentParser(prog="python -m soak", description=__doc__)
    parser.add_argument("--minutes", type=float, help="length of the whole run (default 20)")
    parser.add_argument("--hours", type=float, help="the same in hours")
    parser.add_argument("--speed", type=float, default=float(environment.get("SPEED", "1")))
    parser.add_argument("--seed", type=int, default=int(environment.get("SEED", "1")))
    parser.add_argument("--cameras", type=int, default=4)
    parser.add_argument("--witnesses", type=int, default=3, help="for each kind of stream")
    parser.add_argument("--strict", action="store_true", help="not shown counts as failed")
    parser.add_argument("--out", type=Path, default=Path("soak-out"))
    chosen = parser.parse_args(arguments)
    minutes = DEFAULT_MINUTES
    if environment.get("HOURS"):
        minutes = 60 * float(environment["HOURS"])
    if environment.get("MINUTES"):
        minutes = float(environment["MINUTES"])
    if chosen.hours is not None:
        minutes = 60 * chosen.hours
    if chosen.minutes is not None:
        minutes = chosen.minutes
    if minutes < 2:
        parser.error("a soak takes 2 minutes at least: it begins and ends with quiet")
    if chosen.cameras < 1 or chosen.witnesses < 1:
        parser.error("at least one camera and one witness are needed")
    if not 0 < chosen.speed <= 60:
        parser.error("the clock may run up to 60 times as fast")
    return Options(
        60 * minutes,
        chosen.seed,
        chosen.cameras,
        chosen.witnesses,
        chosen.out,
        chosen.speed,
        chosen.strict,
    )


def main() -> int:
    """Run, report, and say how it went."""
    options = parse_options(sys.argv[1:], dict(os.environ))
    if options.speed != 1:
        accelerate(options.speed)
    return asyncio.run(soak(options))


if __name__ == "__main__":
    sys.exit(main())
