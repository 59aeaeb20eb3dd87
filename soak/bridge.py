"""The bridge as users run it: a configuration file and ``python -m neolink rtsp``."""

import re
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from soak.cameras import HOST, PASSWORD
from soak.processes import Child, child, run_module

__all__ = ["HTTP_TOKEN", "SESSION_TIMEOUT_S", "Bridge", "LogSummary", "read_log", "running_bridge"]

SESSION_TIMEOUT_S = 20
"""What players are told; the bridge ends a silent session after 1.5 times this."""

HTTP_TOKEN = "soak-only-token"
"""Proves who may ask by HTTP."""

_URL = re.compile(r"\b(rtsp|http)://[^/:]+:(\d+)/")
_INTERNAL = (
    "Traceback (most recent call last)",
    "was never retrieved",
    "was never awaited",
    "Exception ignored",
    "Exception in callback",
    "Fatal Python error",
)
_LEVEL = re.compile(r"^\[\S+ (ERROR|WARN) ")
_EXPECTED_ERRORS = ("login refused",)
_KEPT_LINES = 20


@dataclass(frozen=True, slots=True)
class Bridge:
    """A running bridge."""

    child: Child
    port: int
    http_port: int
    """Where it tells of itself."""


@asynccontextmanager
async def running_bridge(
    folder: Path, ports: Sequence[int], *, max_connections_per_ip: int = 512
) -> AsyncIterator[Bridge]:
    """Run the bridge for cameras on these ports; its log is ``bridge.log`` in ``folder``."""
    config, state = folder / "bridge.toml", folder / "state"
    shutil.rmtree(state, ignore_errors=True)  # what streams were in another run is not so now
    config.write_text(_config(ports, max_connections_per_ip, state.resolve()))
    command = run_module("neolink", "rtsp", "--config", str(config.resolve()))
    async with child(command, stderr=folder / "bridge.log") as process:
        ports_by_scheme: dict[str, int] = {}
        while len(ports_by_scheme) < 2:
            for scheme, port in _URL.findall(await process.read_line()):
                ports_by_scheme[scheme] = int(port)
        yield Bridge(process, ports_by_scheme["rtsp"], ports_by_scheme["http"])


def _config(ports: Sequence[int], max_connections_per_ip: int, state: Path) -> str:
    cameras = "".join(
        f'\n[[cameras]]\nname = "cam{index}"\naddress = "{HOST}:{port}"\n'
        f'username = "admin"\npassword = "{PASSWORD}"\n'
        for index, port in enumerate(ports)
    )
    return (
        f'bind = "{HOST}"\nbind_port = 0\n\n'
        f"[rtsp]\nrtp_port = 0\nsession_timeout = {SESSION_TIMEOUT_S}\n\n"
        f'[http]\nbind = "{HOST}"\nport = 0\ntoken = "{HTTP_TOKEN}"\n\n'
        f'[state]\npath = "{state}"\n\n'
        f"[limits]\nmax_connections_per_ip = {max_connections_per_ip}\n{cameras}"
    )


@dataclass(frozen=True, slots=True)
class LogSummary:
    """What the log says of the bridge's health. ``internal`` are the first telling lines."""

    warnings: int
    errors: int
    internal: tuple[str, ...]


def read_log(text: str) -> LogSummary:
    """Look for what must never be in a log: tracebacks, and errors that no peer caused."""
    warnings = errors = 0
    internal: list[str] = []
    for line in text.splitlines():
        found = _LEVEL.match(line)
        level = found[1] if found else ""
        warnings += level == "WARN"
        errors += level == "ERROR"
        is_unexpected = level == "ERROR" and not any(word in line for word in _EXPECTED_ERRORS)
        if is_unexpected or any(word in line for word in _INTERNAL):
            internal.append(line)
    return LogSummary(warnings, errors, tuple(internal[:_KEPT_LINES]))
