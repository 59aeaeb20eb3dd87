"""Following a file: when it is read, what is told of it, and that nothing ends the following."""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from neolink.app import Bridge, BridgeSettings
from neolink.cli import reload as reload_module
from neolink.cli.reload import ConfigFile, follow
from neolink.cli.settings import bridge_settings
from neolink.config.load import load
from neolink.errors import Unsupported
from support.waiting import until

LOOK_S = 0.02


class Told(Bridge):
    """A bridge that only notes which cameras it is to go over to."""

    def __init__(self, settings: BridgeSettings) -> None:
        super().__init__(settings)
        self.reloads: list[list[str]] = []
        self.fault: Exception | None = None
        self.may_finish = asyncio.Event()
        self.may_finish.set()

    async def reload(self, settings: BridgeSettings) -> None:
        self.reloads.append([camera.name for camera in settings.cameras])
        if self.fault is not None:
            raise self.fault
        await self.may_finish.wait()
        self.settings = settings


class Followed:
    """A file, what was read of it, and the bridge that is told."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.write("porch")
        self.reads = 0
        self.file = ConfigFile(path, self._read)
        self.bridge = Told(bridge_settings(load(path).config))

    @property
    def reloads(self) -> list[list[str]]:
        return self.bridge.reloads

    def write(self, *names: str, extra: str = "") -> None:
        self.path.write_text(text_of(*names, extra=extra))

    async def looks(self, count: int = 6) -> None:
        """Let so many looks at the file pass."""
        await asyncio.sleep(count * LOOK_S)

    def _read(self) -> BridgeSettings:
        self.reads += 1
        return bridge_settings(load(self.path).config)


def text_of(*names: str, extra: str = "") -> str:
    cameras = [
        f'[[cameras]]\nname = "{name}"\naddress = "192.0.2.1"\nusername = "u"\npassword = "p"\n'
        for name in names
    ]
    return "".join([extra, *cameras])


@pytest.fixture
async def followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> AsyncIterator[Followed]:
    monkeypatch.setattr(reload_module, "LOOK_EVERY_S", LOOK_S)
    caplog.set_level(logging.INFO)
    one = Followed(tmp_path / "neolink.toml")
    async with following(one):
        yield one


@asynccontextmanager
async def following(one: Followed) -> AsyncIterator[None]:
    task = asyncio.create_task(follow(one.file, one.bridge))
    await asyncio.sleep(0)
    try:
        yield
    finally:
        assert not task.done(), "following has ended"
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def hang_up() -> None:
    os.kill(os.getpid(), signal.SIGHUP)


async def test_a_change_is_applied_once(
    followed: Followed, caplog: pytest.LogCaptureFixture
) -> None:
    followed.write("porch", "garden")
    await until(lambda: followed.reloads)
    await followed.looks()
    assert followed.reloads == [["porch", "garden"]]
    assert caplog.messages == [f"{followed.path}: applied"]


async def test_a_file_that_stays_as_it_is_is_not_even_read(followed: Followed) -> None:
    await followed.looks()
    assert followed.reads == 0


async def test_a_signal_reads_at_once_and_says_that_nothing_is_different(
    followed: Followed, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(reload_module, "LOOK_EVERY_S", 60)
    await followed.looks(3)
    hang_up()
    await until(lambda: followed.reads)
    assert not followed.reloads
    assert caplog.messages == [f"{followed.path}: cameras, users and limits are as they were"]
    followed.write("garden")
    hang_up()
    await until(lambda: followed.reloads)
    assert followed.reloads == [["garden"]]


async def test_a_touched_file_is_read_and_changes_nothing(followed: Followed) -> None:
    os.utime(followed.path, ns=(1, 1))
    await until(lambda: followed.reads)
    await followed.looks()
    assert (followed.reads, followed.reloads) == (1, [])


async def test_every_problem_of_a_bad_file_is_told_on_a_line_and_nothing_changes(
    followed: Followed, caplog: pytest.LogCaptureFixture
) -> None:
    followed.write("porch", extra='bind_port = 99999\nbind = ""\n[rtsp]\nudp = 3\n')
    await until(lambda: caplog.messages)
    await followed.looks()
    *problems, last = caplog.messages
    assert len(problems) == 3
    assert all(problem.startswith(f"{followed.path}:") for problem in problems)
    assert not any("\n" in problem for problem in problems)
    assert last == f"{followed.path}: not applied, everything goes on as before"
    assert {record.levelno for record in caplog.records} == {logging.ERROR}
    assert (followed.reads, followed.reloads) == (1, [])
    followed.write("garden")
    await until(lambda: followed.reloads)


@pytest.mark.parametrize("junk", [b"", b"\xff\xfe", b"[[cameras", b"cameras = 3", b"\x00" * 5000])
async def test_no_bytes_end_the_following(
    followed: Followed, caplog: pytest.LogCaptureFixture, junk: bytes
) -> None:
    followed.path.write_bytes(junk)
    await until(lambda: caplog.messages)
    assert not followed.reloads
    assert not any(record.exc_info for record in caplog.records)
    followed.write("garden")
    await until(lambda: followed.reloads)


async def test_a_file_that_vanishes_is_waited_for(
    followed: Followed, caplog: pytest.LogCaptureFixture
) -> None:
    followed.path.unlink()
    await followed.looks()
    assert (followed.reads, caplog.messages) == (0, [])
    hang_up()
    await until(lambda: caplog.messages)
    assert "No such file" in caplog.messages[0]
    followed.write("garden")
    await until(lambda: followed.reloads)
    assert followed.reloads == [["garden"]]


async def test_another_file_by_the_same_name_is_a_change(followed: Followed) -> None:
    """As editors do it; time and length may be those of before."""
    before = followed.path.stat()
    other = followed.path.with_suffix(".new")
    other.write_text(text_of("perch"))
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.rename(followed.path)
    await until(lambda: followed.reloads)
    assert followed.reloads == [["perch"]]


async def test_a_file_that_is_still_being_written_is_left_alone(followed: Followed) -> None:
    """Each of its beginnings may be a file by itself: with fewer cameras."""
    names = ["porch", "garden", "shed", "gate"]
    with followed.path.open("w") as out:
        for name in names:
            out.write(text_of(name))
            out.flush()
            await asyncio.sleep(LOOK_S / 2)
    await until(lambda: followed.reloads)
    await followed.looks()
    assert followed.reloads == [names]


async def test_of_two_changes_in_quick_succession_the_last_one_holds(followed: Followed) -> None:
    followed.write("garden")
    followed.write("shed")
    await until(lambda: followed.reloads)
    await followed.looks()
    assert followed.reloads == [["shed"]]


async def test_a_change_while_another_is_applied_comes_after_it(followed: Followed) -> None:
    followed.bridge.may_finish.clear()
    followed.write("garden")
    await until(lambda: followed.reloads)
    followed.write("shed")
    hang_up()
    await followed.looks()
    assert followed.reloads == [["garden"]]
    followed.bridge.may_finish.set()
    await until(lambda: len(followed.reloads) > 1)
    await followed.looks()
    assert followed.reloads == [["garden"], ["shed"]]


async def test_a_change_before_the_following_began_is_not_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the first reading and the open ports lie seconds on a small machine."""
    monkeypatch.setattr(reload_module, "LOOK_EVERY_S", LOOK_S)
    one = Followed(tmp_path / "neolink.toml")
    one.write("garden")
    async with following(one):
        await until(lambda: one.reloads)
    assert one.reloads == [["garden"]]


@pytest.mark.parametrize(
    ("fault", "told", "has_traceback"),
    [
        (ZeroDivisionError("ours"), "not applied", True),
        (Unsupported("certificate: not there yet"), "certificate: not there yet", False),
    ],
)
async def test_a_reload_that_fails_does_not_end_the_following(
    followed: Followed,
    caplog: pytest.LogCaptureFixture,
    fault: Exception,
    told: str,
    has_traceback: bool,
) -> None:
    followed.bridge.fault = fault
    followed.write("garden")
    await until(lambda: caplog.messages)
    assert told in caplog.messages[0]
    assert (caplog.records[0].exc_info is not None) is has_traceback
    followed.bridge.fault = None
    hang_up()  # the same file again: it was not applied
    await until(lambda: len(followed.reloads) > 1)
    assert followed.reloads == [["garden"], ["garden"]]


def test_a_change_is_taken_within_the_five_seconds_that_are_promised() -> None:
    assert 2 * reload_module.LOOK_EVERY_S <= 3
