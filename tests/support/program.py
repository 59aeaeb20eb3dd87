"""The program as its users start it: a process with output to read and signals to send."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType

from support.leaks import WATCH

__all__ = ["Program", "program"]

NO_MORE: Mapping[str, str] = MappingProxyType({})

WAIT_S = 20.0
"""How long a start may take on a busy machine."""


class Program:
    """A running ``neolink``. ``stdout`` and ``stderr`` are what it has written so far."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.stdout = ""
        self.stderr = ""
        self._changed = asyncio.Event()
        self._tasks = [
            asyncio.create_task(self._read(process.stdout, "stdout")),
            asyncio.create_task(self._read(process.stderr, "stderr")),
        ]

    @property
    def urls(self) -> list[str]:
        """The URLs for players that were printed."""
        return [word for word in self.stdout.split() if word.startswith("rtsp://")]

    @property
    def pages(self) -> list[str]:
        """The URLs for browsers that were printed."""
        return [word for word in self.stdout.split() if word.startswith("http://")]

    async def until_printed(self, text: str) -> None:
        """Wait until a text is in the output."""
        try:
            async with asyncio.timeout(WAIT_S):
                while text not in self.stdout:
                    assert not all(task.done() for task in self._tasks), self.stderr
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"{text!r} never came: {self.stdout}\n{self.stderr}") from None

    async def until_ended(self, timeout_s: float = WAIT_S) -> int:
        """Wait for the end; return the exit code."""
        async with asyncio.timeout(timeout_s):
            await asyncio.gather(*self._tasks)
            return await self.process.wait()

    async def close(self) -> None:
        """Kill what still runs."""
        if self.process.returncode is None:
            self.process.kill()
        await asyncio.gather(*self._tasks)
        await self.process.wait()
        WATCH.look("a program that the test started", self.stdout + self.stderr)

    async def _read(self, pipe: asyncio.StreamReader | None, name: str) -> None:
        assert pipe is not None
        while line := await pipe.readline():
            setattr(self, name, getattr(self, name) + line.decode(errors="replace"))
            self._changed.set()
        self._changed.set()


@asynccontextmanager
async def program(
    *arguments: str, code: str | None = None, environment: Mapping[str, str] = NO_MORE
) -> AsyncIterator[Program]:
    """Run ``neolink`` with arguments, or Python code with them, and kill it at the end.

    ``environment`` is added to that of the tests.
    """
    start = ("-m", "neolink") if code is None else ("-c", code)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *start,
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "NEOLINK_LOG": "debug", **environment},
    )
    running = Program(process)
    try:
        yield running
    finally:
        await running.close()
