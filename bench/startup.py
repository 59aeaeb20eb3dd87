"""How long commands take: until the bridge listens, and from start to end of one-shot ones."""

import asyncio
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import procfs, stage
from bench.figures import Beside, Figure, Reach, Section, spread
from bench.scenario import Context, say

__all__ = ["measure"]

CAMERAS = 2
DEADLINE_S = 30.0
FLOOR = "python -c pass"
_NEOLINK = (sys.executable, "-m", "neolink")

_METHOD = (
    "Wall time with warm file caches. Listening: from the start of the process to the line with "
    "the URLs, which is printed when the port is open; {cameras} cameras are configured. The floor "
    "is a Python that does nothing. CPU is user and system time of the process. Byte code "
    "is there, as after an installation."
)


@dataclass(frozen=True, slots=True)
class _Took:
    wall_s: float
    cpu_s: float


async def measure(context: Context) -> Section:
    """Measure the commands one after another, so many times."""
    folder = context.folder
    config = folder / "startup.toml"
    config.write_text(stage.config_text([9] * CAMERAS))  # nobody is there: nothing may depend on it
    commands: dict[str, Sequence[str]] = {
        FLOOR: (sys.executable, "-c", "pass"),
        "help": (*_NEOLINK, "--help"),
        "check-config": (*_NEOLINK, "check-config", "--config", str(config)),
    }
    environment = _environment(folder)
    found: dict[str, list[_Took]] = {name: [] for name in (*commands, "listening")}
    for _ in range(context.runs + 1):
        for name, command in commands.items():
            found[name].append(await asyncio.to_thread(_run, command, environment))
        listening = await asyncio.to_thread(_until_listening, str(config), environment)
        found["listening"].append(listening)
    for runs in found.values():
        del runs[0]  # it made byte code and filled the file caches
    wall = {name: spread([one.wall_s for one in runs]) for name, runs in found.items()}
    cpu = {name: spread([one.cpu_s for one in runs]) for name, runs in found.items()}
    floor = Beside(FLOOR, wall[FLOOR])
    figures = [
        _figure("listening", "start-up to listening", wall["listening"].runs, floor, 0.6),
        _figure("help", "`neolink --help`", wall["help"].runs, floor, 0.15),
        _figure("check-config", "`neolink check-config`", wall["check-config"].runs, floor, None),
        *(
            Figure(
                key=f"startup/{name}-cpu",
                what=f"{what}, processor time",
                unit="CPU s",
                spread=cpu[name],
                beside=(Beside(FLOOR, cpu[FLOOR]),),
            )
            for name, what in (
                ("listening", "start-up to listening"),
                ("check-config", "`neolink check-config`"),
            )
        ),
    ]
    for figure in figures:
        say(f"{figure.what}: {figure.spread.middle:.3f} {figure.unit}")
    return Section(
        key="startup",
        title="Start-up and one-shot commands",
        method=_METHOD.format(cameras=CAMERAS),
        figures=tuple(figures),
    )


def _figure(
    key: str, what: str, runs: Sequence[float], floor: Beside, most: float | None
) -> Figure:
    reach = () if most is None else (Reach(most=most),)
    return Figure(
        key=f"startup/{key}", what=what, unit="s", spread=spread(runs), beside=(floor,), reach=reach
    )


def _environment(folder: Path) -> Mapping[str, str]:
    """Return one in which Python keeps byte code, whatever ours says, but not among the sources."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(folder / "bytecode"), "PYTHONUNBUFFERED": "1"}


def _run(command: Sequence[str], environment: Mapping[str, str]) -> _Took:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin_s = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, timeout=DEADLINE_S, env=environment)
    wall_s = time.perf_counter() - begin_s
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return _Took(wall_s, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def _until_listening(config: str, environment: Mapping[str, str]) -> _Took:
    """Measure until the URLs are printed; then kill it, there is nothing to end in order."""
    begin_s = time.perf_counter()
    with subprocess.Popen(
        (*_NEOLINK, "rtsp", "--config", config),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
    ) as process:
        deadline = threading.Timer(DEADLINE_S, process.kill)
        deadline.start()
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if b"rtsp://" in line:
                    return _Took(time.perf_counter() - begin_s, procfs.cpu_s(process.pid))
        finally:
            deadline.cancel()
            process.kill()
    raise RuntimeError(f"neolink rtsp ended with {process.returncode} before it listened")
