"""Frames go through a thread one lot after the other, and come back in order."""

import threading
from collections.abc import AsyncIterator, Sequence
from typing import cast

import pytest

from neolink.convert import conversion as module
from neolink.convert.conversion import Conversion
from neolink.convert.threads import CodecThreads
from neolink.convert.transcoder import Transcoder
from neolink.media.tracks import AudioCodec, AudioTrack
from neolink.media.units import AudioFrame
from support.waiting import until

TRACK = AudioTrack(AudioCodec.L16, 8000)


class Coder:
    """In place of a transcoder: gives every frame back, when it may."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.lots: list[int] = []
        self.damaged = 0
        self.error: Exception | None = None

    def feed(self, frames: Sequence[AudioFrame]) -> list[AudioFrame]:
        assert self.gate.wait(10)
        self.lots.append(len(frames))
        if self.error is not None:
            raise self.error
        return list(frames)


class Scene:
    def __init__(self) -> None:
        self.threads = CodecThreads()
        self.coder = Coder()
        self.made = 0
        self.delivered: list[int] = []
        self.failed: list[Exception] = []
        self.conversion = Conversion(
            self.threads,
            self._make,
            lambda frame: self.delivered.append(frame.pts),
            self.failed.append,
        )

    def _make(self) -> Transcoder:
        self.made += 1
        return cast("Transcoder", self.coder)

    def push(self, first: int, last: int) -> None:
        for pts in range(first, last):
            self.conversion.push(AudioFrame(TRACK, b"", pts, 1))


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    made = Scene()
    yield made
    made.coder.gate.set()
    made.conversion.close()
    made.threads.close()


async def test_frames_come_back_in_order_of_one_coder(scene: Scene) -> None:
    for first in range(0, 40, 10):
        scene.push(first, first + 10)
        await until(lambda: scene.delivered)
    await until(lambda: len(scene.delivered) == 40)
    assert scene.delivered == list(range(40))
    assert scene.made == 1
    assert scene.conversion.dropped == 0


async def test_what_comes_meanwhile_is_the_next_lot(scene: Scene) -> None:
    scene.coder.gate.clear()
    scene.push(0, 6)
    scene.coder.gate.set()
    await until(lambda: len(scene.delivered) == 6)
    assert scene.coder.lots == [1, 5]


async def test_a_slow_coder_loses_the_oldest_and_they_are_counted(scene: Scene) -> None:
    scene.coder.gate.clear()
    most = module.MAX_WAITING
    scene.push(0, most + 11)
    assert scene.conversion.dropped == 10
    scene.coder.gate.set()
    await until(lambda: len(scene.delivered) == most + 1)
    assert scene.delivered == [0, *range(11, most + 11)]


async def test_a_failure_is_told_once_and_ends_it(scene: Scene) -> None:
    scene.coder.error = ValueError("no such codec")
    scene.push(0, 5)
    await until(lambda: scene.failed)
    scene.push(5, 10)
    await until(lambda: scene.threads.jobs == 0)
    assert [str(error) for error in scene.failed] == ["no such codec"]
    assert scene.delivered == []


async def test_frames_that_nobody_can_take_are_a_failure_told_once(scene: Scene) -> None:
    def refuse(frame: AudioFrame) -> None:
        raise ValueError(f"no packet can be made of {frame.pts}")

    scene.conversion._deliver = refuse
    scene.push(0, 5)
    await until(lambda: scene.failed)
    scene.push(5, 10)
    await until(lambda: scene.threads.jobs == 0)
    assert [str(error) for error in scene.failed] == ["no packet can be made of 0"]


async def test_who_has_closed_is_given_nothing(scene: Scene) -> None:
    scene.coder.gate.clear()
    scene.push(0, 5)
    scene.conversion.close()
    scene.coder.gate.set()
    await until(lambda: scene.threads.jobs == 0)
    assert scene.delivered == []
    assert scene.failed == []


async def test_frames_wait_where_the_threads_take_no_more(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neolink.convert.threads.MAX_JOBS", 0)
    scene.push(0, 3)
    monkeypatch.undo()
    scene.push(3, 4)
    await until(lambda: len(scene.delivered) == 4)
    assert scene.delivered == [0, 1, 2, 3]


async def test_threads_that_take_nothing_for_long_are_told_as_a_failure(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neolink.convert.threads.MAX_JOBS", 0)
    scene.push(0, module.MAX_WAITING)
    assert scene.failed == []
    scene.push(module.MAX_WAITING, module.MAX_WAITING + 5)
    assert [str(error) for error in scene.failed] == [module.NO_THREAD]


async def test_damage_is_counted(scene: Scene) -> None:
    scene.coder.damaged = 3
    scene.push(0, 1)
    await until(lambda: scene.delivered)
    assert scene.conversion.damaged == 3
