"""Foreign programs: started with pipes to read from, stopped after a while, never left behind."""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from support.steady import steady_s

__all__ = ["Ended", "need_programs", "run_for"]

_STOPPING_S = 8.0

_LULL_S = 0.02
_CATCHING_UP_S = 3.0
"""How long a program that stood still has at its end to catch up with what came meanwhile."""


def need_programs(*names: str) -> None:
    """Skip the test where one of these programs is missing; in CI that is a failure."""
    missing = [name for name in names if shutil.which(name) is None]
    if not missing:
        return
    message = f"not installed: {', '.join(missing)} (scripts/install-peers installs them)"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@dataclass(slots=True)
class Ended:
    """What came of a program. ``exit_code`` is negative for a signal that killed it."""

    exit_code: int = 0
    outputs: list[bytes] = field(default_factory=list)
    stdout: str = ""
    stderr: str = ""
    first_output_s: float | None = None
    """Seconds from the start of the program to the first byte of its first pipe."""


class _Collector(asyncio.Protocol):
    """Keeps what comes out of a pipe."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.data = bytearray()
        self.last_s = 0.0
        self.first_s: asyncio.Future[float] = loop.create_future()
        self.ended: asyncio.Future[None] = loop.create_future()
        self._clock = loop.time

    def data_received(self, data: bytes) -> None:
        self.last_s = self._clock()
        if not self.first_s.done():
            self.first_s.set_result(self.last_s)
        self.data += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set_result(None)


async def run_for(
    command: Sequence[str],
    *,
    seconds: float,
    pipes: int = 1,
    deadline_s: float = 20.0,
    stop_with: signal.Signals = signal.SIGINT,
    environment: dict[str, str] | None = None,
) -> Ended:
    """Run a program until ``seconds`` after the first byte of its first pipe, then stop it.

    Seconds in which this process stood still, where cameras and bridge are, do not count; and a
    program is not stopped while it stands still or catches up, but when a byte came, and then none.

    In the command ``{0}``, ``{1}`` and so on stand for the file descriptors of the pipes. A
    program that gives nothing within ``deadline_s`` is stopped, one that ignores this is killed.
    """
    loop = asyncio.get_running_loop()
    ends = [os.pipe() for _ in range(pipes)]
    writers = [write for _, write in ends]
    collectors = []
    for read, _ in ends:
        _, collector = await loop.connect_read_pipe(_Collector, os.fdopen(read, "rb"))
        collectors.append(collector)
    started_s = loop.time()
    try:
        process = await asyncio.create_subprocess_exec(
            *(_fill(word, writers) for word in command),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            pass_fds=writers,
            env={**os.environ, **(environment or {})},
        )
    finally:
        for writer in writers:
            os.close(writer)
    texts = asyncio.create_task(process.communicate())
    try:
        first_s = await _watch(texts, collectors[0], seconds, deadline_s)
        stdout, stderr = await _stop(process, texts, stop_with)
        await asyncio.wait([collector.ended for collector in collectors], timeout=_STOPPING_S)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await asyncio.gather(texts, return_exceptions=True)
    return Ended(
        exit_code=process.returncode or 0,
        outputs=[bytes(collector.data) for collector in collectors],
        stdout=stdout.decode(errors="replace"),
        stderr=stderr.decode(errors="replace"),
        first_output_s=None if first_s is None else first_s - started_s,
    )


def python() -> str:
    """Return the interpreter that runs the tests."""
    return sys.executable


def _fill(word: str, descriptors: Sequence[int]) -> str:
    for index, descriptor in enumerate(descriptors):
        word = word.replace(f"{{{index}}}", str(descriptor))
    return word


async def _watch(
    texts: "asyncio.Task[tuple[bytes, bytes]]",
    collector: _Collector,
    seconds: float,
    deadline_s: float,
) -> float | None:
    first = collector.first_s
    await asyncio.wait((texts, first), timeout=deadline_s, return_when=asyncio.FIRST_COMPLETED)
    if not first.done():
        return None
    end_s = steady_s() + seconds
    while not texts.done() and (left_s := end_s - steady_s()) > 0:
        await asyncio.wait((texts,), timeout=left_s)
    await _lull(texts, collector)
    return first.result()


async def _lull(texts: "asyncio.Task[tuple[bytes, bytes]]", collector: _Collector) -> None:
    """Wait until something comes, and then nothing for a moment; not for long."""
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    while not texts.done() and loop.time() - began_s < _CATCHING_UP_S:
        if began_s < collector.last_s < loop.time() - _LULL_S:
            return
        await asyncio.wait((texts,), timeout=_LULL_S / 4)


async def _stop(
    process: asyncio.subprocess.Process,
    texts: "asyncio.Task[tuple[bytes, bytes]]",
    stop_with: signal.Signals,
) -> tuple[bytes, bytes]:
    for number in (stop_with, signal.SIGKILL):
        if texts.done():
            break
        with suppress(ProcessLookupError):
            process.send_signal(number)
        await asyncio.wait((texts,), timeout=_STOPPING_S)
    return await texts
