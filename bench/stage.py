"""The processes of a scenario: cameras, bridge, players, floor and peers; all end with the block.

Each process that is started here has an owner (the ``async with``), a deadline of its own where it
is ours in C, and a deadline for every answer.
"""

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from soak.cameras import HOST, PASSWORD
from soak.processes import Child, child

from bench import media, native, procfs
from bench.cameras import STAMPS
from neolink.baichuan.crypto import Encryption

__all__ = [
    "Cameras",
    "Counts",
    "Crowd",
    "Run",
    "Served",
    "bridge",
    "cameras",
    "config_text",
    "floor",
    "gst_server",
    "measure_runs",
    "now_s",
    "players",
]

DEADLINE_S = 180
"""No program in C lives longer than this, whatever becomes of the suite."""

FINISH_S = 10.0
SESSION_TIMEOUT_S = 600
MOST_CONNECTIONS = 2048
_URL = re.compile(r"rtsps?://[^/:]+:(\d+)/")


@dataclass(frozen=True, slots=True)
class Served:
    """A server under measurement: where it listens and what players ask for."""

    process: Child
    port: int
    path: str = "cam%d/main"
    transport_prefix: str = ""

    @property
    def pid(self) -> int:
        """Of the process that is measured."""
        return self.process.pid

    async def finish(self) -> None:
        """End a program in C in order, so that its files are whole."""
        await _finish(self.process)


@dataclass(frozen=True, slots=True)
class Counts:
    """What the players of a crowd have received since they began."""

    bytes: int
    least_bytes: int
    pictures: int
    fewest_pictures: int
    witness_bytes: int
    witness_pictures: int
    gaps: int
    gone: int
    each: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """What one server did for one crowd in a few seconds."""

    cpu_s: float
    took_s: float
    bytes: int
    pictures: int
    gaps: int
    gone: int
    least_share: float
    """Bytes of the player who got least, of those of the player who got most."""

    @property
    def cpu_s_per_gb(self) -> float:
        """Processor time for each 10^9 bytes delivered."""
        return self.cpu_s / (self.bytes / 1e9)

    @property
    def cpu_percent(self) -> float:
        """Of one core."""
        return 100 * self.cpu_s / self.took_s


class Cameras:
    """The cameras' process."""

    def __init__(self, process: Child, ports: list[int]) -> None:
        self.ports = ports
        self.pid = process.pid
        self._process = process

    async def counters(self) -> dict[str, int]:
        """Return pictures ``sent`` and ``dropped``, and how many cameras are ``playing``."""
        await self._process.write_line("")
        counters: dict[str, int] = json.loads(await self._process.read_line())
        return counters

    async def stamps(self) -> list[tuple[int, int]]:
        """Return index and time (nanoseconds since 1970) of what the first camera sent lately."""
        await self._process.write_line(STAMPS)
        return [(index, ns) for index, ns in json.loads(await self._process.read_line())]


class Crowd:
    """The players' process."""

    def __init__(self, process: Child) -> None:
        self._process = process

    async def counts(self) -> Counts:
        """Return what was received so far."""
        await self._process.write_line("")
        data: dict[str, Any] = json.loads(await self._process.read_line())
        return Counts(**{**data, "each": tuple(data["each"])})

    async def finish(self) -> None:
        """End the players in order, so that their file is whole."""
        await _finish(self._process)


@asynccontextmanager
async def cameras(
    folder: Path,
    count: int,
    *,
    encryption: Encryption = Encryption.NONE,
    kbps: int,
    gop: int = media.GOP,
) -> AsyncIterator[Cameras]:
    """Run so many cameras in a process."""
    await asyncio.to_thread(media.clip, kbps, gop)  # encoded here once, it may take a minute
    order = {"cameras": count, "encryption": encryption.value, "kbps": kbps, "gop": gop}
    command = [sys.executable, "-m", "bench.cameras"]
    async with child(command, stderr=folder / "cameras.log") as process:
        await process.write_line(json.dumps(order))
        yield Cameras(process, json.loads(await process.read_line()))


@asynccontextmanager
async def bridge(
    folder: Path, ports: Sequence[int], more: str = "", certificate: Path | None = None
) -> AsyncIterator[Served]:
    """Run ``neolink rtsp`` for cameras on these ports, as users run it."""
    config = folder / "bridge.toml"
    first = f'certificate = "{certificate}"\n' if certificate else ""
    config.write_text(first + config_text(ports, more))
    command = [sys.executable, "-m", "neolink", "rtsp", "--config", str(config)]
    async with child(command, stderr=folder / "bridge.log") as process:
        while (found := _URL.search(await process.read_line())) is None:
            pass
        yield Served(process, int(found[1]))


def config_text(ports: Sequence[int], more: str = "") -> str:
    """Return the bridge's configuration for cameras on these ports; ``more`` are further tables."""
    tables = "".join(
        f'\n[[cameras]]\nname = "cam{index}"\naddress = "{HOST}:{port}"\n'
        f'username = "admin"\npassword = "{PASSWORD}"\nstream = "main"\n'
        for index, port in enumerate(ports)
    )
    return (
        f'bind = "{HOST}"\nbind_port = 0\n\n[state]\nenabled = false\n\n'
        f"[rtsp]\nrtp_port = 0\nsession_timeout = {SESSION_TIMEOUT_S}\n\n"
        f"[limits]\nmax_connections = {MOST_CONNECTIONS}\n"
        f"max_connections_per_ip = {MOST_CONNECTIONS}\n"
        f"max_unauthenticated = {MOST_CONNECTIONS}\n{more}{tables}"
    )


@asynccontextmanager
async def floor(
    folder: Path,
    count: int,
    kind: str,
    pictures: Path,
    stamps: Path | None = None,
    certificate: Path | None = None,
) -> AsyncIterator[Served]:
    """Run the program that only sends; ``kind`` is ``tcp``, ``udp``, ``udp-plain`` or ``tls``.

    When each picture was sent is in ``stamps`` after the end. TLS needs a ``certificate`` instead.
    """
    program, rate = native.floor(has_tls=kind == "tls"), str(media.FRAME_RATE)
    command = [str(program), str(pictures), str(count), kind, rate, str(DEADLINE_S)]
    command += [str(file) for file in (stamps or certificate,) if file]
    async with child(command, stderr=folder / "floor.log") as process:
        port = int(await process.read_line())
        yield Served(process, port, transport_prefix="raw-")


@asynccontextmanager
async def gst_server(
    folder: Path, pictures: Path, stamps: Path | None = None
) -> AsyncIterator[Served]:
    """Run gst-rtsp-server. Raises MissingTool where it is not installed.

    When each picture was pushed is in ``stamps`` after the end.
    """
    command = [str(native.gst_server()), str(pictures), str(media.FRAME_RATE), str(DEADLINE_S)]
    command += [str(stamps)] if stamps else []
    async with child(command, stderr=folder / "gst.log") as process:
        port = int(await process.read_line())
        yield Served(process, port, path="cam")


@asynccontextmanager
async def players(
    folder: Path,
    server: Served,
    count: int,
    *,
    transport: str = "tcp",
    mode: str = "count",
    cameras: int = 1,
    stamps: Path | None = None,
) -> AsyncIterator[Crowd]:
    """Run so many players; when the block begins all of them play."""
    if not server.transport_prefix and cameras > 1:
        await _describe_all(server, cameras)
    command = [
        str(native.players(has_tls=transport == "tls")), HOST, str(server.port), str(count),
        server.transport_prefix + transport, mode, server.path, str(cameras), str(DEADLINE_S),
        *([str(stamps)] if stamps else []),
    ]  # fmt: skip
    async with child(command, stderr=folder / "players.log") as process:
        await process.read_line()  # "ready"
        yield Crowd(process)


async def _describe_all(server: Served, cameras: int) -> None:
    """Let the bridge learn of all streams at a time: one by one takes half a second each."""
    async with asyncio.timeout(FINISH_S):
        await asyncio.gather(
            *(_describe(server.port, server.path % index) for index in range(cameras))
        )


async def _describe(port: int, path: str) -> None:
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        writer.write(f"DESCRIBE rtsp://{HOST}:{port}/{path} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
        status = (await reader.readline()).decode().strip()
    finally:
        writer.close()
    if not status.startswith("RTSP/1.0 200"):
        raise RuntimeError(f"DESCRIBE of {path}: {status}")


async def measure_runs(server: Served, crowd: Crowd, runs: int, seconds: float) -> list[Run]:
    """Measure a server so many times in a row."""
    measured = []
    before, cpu_s, at_s = await crowd.counts(), procfs.cpu_s(server.pid), now_s()
    for _ in range(runs):
        await asyncio.sleep(at_s + seconds - now_s())
        after, cpu_after_s, after_s = await crowd.counts(), procfs.cpu_s(server.pid), now_s()
        each = [new - old for new, old in zip(after.each, before.each, strict=True)]
        measured.append(
            Run(
                cpu_s=cpu_after_s - cpu_s,
                took_s=after_s - at_s,
                bytes=after.bytes - before.bytes,
                pictures=after.witness_pictures - before.witness_pictures,
                gaps=after.gaps - before.gaps,
                gone=after.gone,
                least_share=min(each) / max(1, *each),
            )
        )
        before, cpu_s, at_s = after, cpu_after_s, after_s
    return measured


async def _finish(process: Child) -> None:
    await process.write_line("quit")
    while await process.read_line() != "done":
        pass
    async with asyncio.timeout(FINISH_S):
        # Its output has ended; a signal before it is gone would take its exit code from asyncio.
        while process.is_running:  # noqa: ASYNC110 - a child of `soak` tells no event
            await asyncio.sleep(0.005)


def now_s() -> float:
    """Return the time of the loop."""
    return asyncio.get_running_loop().time()
