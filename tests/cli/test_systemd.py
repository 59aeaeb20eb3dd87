"""What systemd hears, on a real datagram socket."""

import asyncio
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from neolink.cli.systemd import SystemdNotifier
from neolink.clock import ManualClock
from support.waiting import until


class Supervisor:
    """The end of systemd."""

    def __init__(self, address: str) -> None:
        self.environ = {"NOTIFY_SOCKET": address.replace("\0", "@")}
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.setblocking(False)

    def heard(self) -> list[str]:
        """Return what came since the last call."""
        told = []
        with suppress(BlockingIOError):
            while True:
                told.append(self.socket.recv(4096).decode())
        return told


@pytest.fixture(params=["path", "abstract"])
def supervisor(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Supervisor]:
    is_path = request.param == "path"
    listening = Supervisor(str(tmp_path / "notify") if is_path else f"\0neolink-{os.getpid()}")
    yield listening
    listening.socket.close()


async def stopped(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert task.cancelled()


def test_each_change_is_one_datagram(supervisor: Supervisor) -> None:
    clock = ManualClock(monotonic_s=12.5)
    notifier = SystemdNotifier.from_environment(supervisor.environ, clock)
    assert notifier.is_on
    assert notifier.watchdog_s is None
    notifier.ready()
    notifier.reloading()
    notifier.watchdog()
    notifier.stopping()
    assert supervisor.heard() == [
        "READY=1",
        "RELOADING=1\nMONOTONIC_USEC=12500000",
        "WATCHDOG=1",
        "STOPPING=1",
    ]


def test_a_status_is_one_line_and_told_when_it_changes(supervisor: Supervisor) -> None:
    notifier = SystemdNotifier.from_environment(supervisor.environ)
    notifier.status("2 cameras: 2 ok")
    notifier.status("2 cameras: 2 ok")
    notifier.status("a camera called x\nSTOPPING=1")
    notifier.status("é" * 5000)
    assert supervisor.heard() == [
        "STATUS=2 cameras: 2 ok",
        "STATUS=a camera called x STOPPING=1",
        "STATUS=" + "é" * 500,
    ]


async def test_while_it_runs_it_gives_signs_of_life_and_at_the_end_it_says_so(
    supervisor: Supervisor,
) -> None:
    environ = supervisor.environ | {"WATCHDOG_USEC": "20000", "WATCHDOG_PID": str(os.getpid())}
    notifier = SystemdNotifier.from_environment(environ)
    assert notifier.watchdog_s == 0.02
    lines = iter(["1 camera: 1 ok", "1 camera: 1 offline"])
    heard: list[str] = []

    def enough() -> bool:
        heard.extend(supervisor.heard())
        return heard.count("WATCHDOG=1") >= 4

    task = asyncio.create_task(notifier.run(lambda: next(lines, "1 camera: 1 offline")))
    await until(enough)
    await stopped(task)
    heard += supervisor.heard()
    told = [text for text in heard if text != "WATCHDOG=1"]
    assert told == ["STATUS=1 camera: 1 ok", "STATUS=1 camera: 1 offline", "STOPPING=1"]


async def test_a_loop_that_is_far_too_late_gives_no_sign_of_life(supervisor: Supervisor) -> None:
    notifier = SystemdNotifier.from_environment(supervisor.environ | {"WATCHDOG_USEC": "20000"})
    lag_s, turns = 1.0, 0

    def summary() -> str:
        nonlocal turns
        turns += 1
        return ""

    task = asyncio.create_task(notifier.run(summary, loop_lag_s=lambda: lag_s))
    await until(lambda: turns > 3)
    assert supervisor.heard() == []
    lag_s = 0.001
    await until(lambda: "WATCHDOG=1" in supervisor.heard())
    await stopped(task)


async def test_without_systemd_nothing_is_told_and_nobody_is_asked() -> None:
    notifier = SystemdNotifier.from_environment({})
    assert not notifier.is_on
    notifier.ready()

    def summary() -> str:
        raise AssertionError("asked")

    task = asyncio.create_task(notifier.run(summary))
    await asyncio.sleep(0)
    assert not task.done()
    await stopped(task)


@pytest.mark.parametrize(
    "environ",
    [
        {"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"},
        {"WATCHDOG_USEC": "soon"},
        {"WATCHDOG_USEC": "-5"},
        {"WATCHDOG_USEC": "0"},
    ],
)
def test_a_watchdog_that_is_not_ours_or_makes_no_sense_is_left_alone(
    environ: dict[str, str],
) -> None:
    assert SystemdNotifier.from_environment(environ).watchdog_s is None


@pytest.mark.parametrize("address", ["", "vsock:2:1", "relative/name"])
def test_an_address_of_another_kind_is_not_used(address: str) -> None:
    assert not SystemdNotifier.from_environment({"NOTIFY_SOCKET": address}).is_on


@pytest.mark.parametrize("address", ["/nobody/listens", "/" + "x" * 500, "@" + "x" * 500, "/a\0b"])
def test_nobody_who_listens_harms_nothing_and_is_told_once(
    address: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "neolink.cli.systemd")
    notifier = SystemdNotifier.from_environment({"NOTIFY_SOCKET": address})
    notifier.ready()
    notifier.watchdog()
    notifier.status("x")
    assert len(caplog.records) == 1


def test_a_supervisor_that_does_not_read_is_not_waited_for(tmp_path: Path) -> None:
    supervisor = Supervisor(str(tmp_path / "notify"))
    notifier = SystemdNotifier.from_environment(supervisor.environ)
    for _ in range(5000):
        notifier.watchdog()  # more than the socket holds: the last ones are lost
    assert 0 < len(supervisor.heard()) < 5000
    supervisor.socket.close()


async def test_a_fault_of_ours_does_not_silence_the_sign_of_life(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    supervisor = Supervisor(str(tmp_path / "notify"))
    notifier = SystemdNotifier(str(tmp_path / "notify"), watchdog_s=0.02)

    def summary() -> str:
        raise ZeroDivisionError

    task = asyncio.create_task(notifier.run(summary))
    for _ in range(3):
        await until(lambda: "WATCHDOG=1" in supervisor.heard())
    await stopped(task)
    supervisor.socket.close()
    assert len([record for record in caplog.records if record.exc_info]) == 1
