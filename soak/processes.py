"""Child processes: started with pipes, measured by ``/proc``, never left behind."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from soak.fast_clock import current_speed

__all__ = ["Child", "Ended", "Usage", "child", "read_usage", "run_module"]

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
KILL_AFTER_S = 10.0
LINE_WAIT_S = 60.0
LAST_WORDS = 600
ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process uses now; ``cpu_s`` is since its start."""

    rss_mib: float
    descriptors: int
    threads: int
    cpu_s: float


def read_usage(pid: int) -> Usage:
    """Read ``/proc``. Raises OSError when the process is gone."""
    base = Path(f"/proc/{pid}")
    fields = (base / "stat").read_text().rpartition(")")[2].split()
    return Usage(
        rss_mib=int((base / "statm").read_text().split()[1]) * PAGE_BYTES / (1 << 20),
        descriptors=sum(1 for _ in (base / "fd").iterdir()),
        threads=int(fields[17]),
        cpu_s=(int(fields[11]) + int(fields[12])) / TICKS_PER_S,
    )


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended when it was asked to."""

    exit_code: int
    took_s: float
    was_killed: bool


class Child:
    """A running process whose standard output and input are ours."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process = process
        self._log = log
        self.pid = process.pid
        self.ended: Ended | None = None

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._process.returncode is None

    async def write_line(self, text: str) -> None:
        """Send one line."""
        assert self._process.stdin is not None
        self._process.stdin.write(text.encode() + b"\n")
        await self._process.stdin.drain()

    async def read_line(self) -> str:
        """Return the next line. Raises RuntimeError with its last words when it has ended."""
        assert self._process.stdout is not None
        async with asyncio.timeout(LINE_WAIT_S):
            line = await self._process.stdout.readline()
        if not line:
            code = await self._process.wait()
            complaint = self._log.read_text(errors="replace")[-LAST_WORDS:]
            raise RuntimeError(f"process {self.pid} ended with {code}: {complaint.strip()}")
        return line.decode(errors="replace").rstrip("\n")

    async def stop(self, number: int = signal.SIGTERM) -> Ended:
        """Ask it to end, kill it if it does not; return how it ended. Once is enough."""
        if self.ended is not None:
            return self.ended
        begin = time.monotonic()
        was_killed = False
        if self.is_running:
            self._process.send_signal(number)
            try:
                async with asyncio.timeout(KILL_AFTER_S):
                    await self._process.wait()
            except TimeoutError:
                was_killed = True
                self._process.kill()
        code = await self._process.wait()
        self.ended = Ended(code, time.monotonic() - begin, was_killed)
        return self.ended


@asynccontextmanager
async def child(command: Sequence[str], *, stderr: Path) -> AsyncIterator[Child]:
    """Run a program until the block ends; what it says on standard error goes to a file.

    It is in a session of its own: Ctrl-C is ours, and we end it in order.
    """
    with stderr.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=file,
            start_new_session=True,
            cwd=ROOT,
            limit=4 << 20,
        )
    running = Child(process, stderr)
    try:
        yield running
    finally:
        await asyncio.shield(running.stop())


def run_module(name: str, *arguments: str) -> list[str]:
    """Return the command that runs a module with this interpreter, on the clock of this process."""
    speed = current_speed()
    launcher = ["-m", "soak.fast_clock", str(speed)] if speed != 1 else ["-m"]
    return [sys.executable, *launcher, name, *arguments]
