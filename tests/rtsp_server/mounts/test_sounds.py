"""Sound for each choice: converted once for all who take it, and only while they do."""

import threading
from collections.abc import AsyncIterator, Callable, Sequence
from itertools import pairwise

import pytest

from neolink.clock import ManualClock
from neolink.convert.targets import target_of
from neolink.convert.threads import CodecThreads
from neolink.errors import Unsupported
from neolink.media.tracks import AudioTrack
from neolink.media.units import AudioFrame
from neolink.rtp.formats import AudioChoice
from neolink.rtsp_server.mounts import sounds as module
from neolink.rtsp_server.mounts.sounds import Sounds
from support.media import AAC, L16
from support.waiting import until

OPUS, PCMU = AudioChoice.OPUS, AudioChoice.PCMU


class Coder:
    """In place of a transcoder: gives as many frames back, of the target."""

    made: int
    error: Exception | None

    def __init__(self, source: AudioTrack, target: AudioTrack) -> None:
        type(self).made += 1
        self.damaged = 0
        self._target = target
        self._rates = target.clock_rate, source.clock_rate

    def feed(self, frames: Sequence[AudioFrame]) -> list[AudioFrame]:
        if self.error is not None:
            raise self.error
        to, rate = self._rates
        return [
            AudioFrame(self._target, b"x", one.pts * to // rate, one.samples * to // rate)
            for one in frames
        ]


class Scene:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.threads = CodecThreads()
        self.delivered: list[tuple[AudioChoice, AudioFrame]] = []
        self.sounds = Sounds(
            "porch/main",
            self.threads,
            self.clock,
            lambda choice, frame: self.delivered.append((choice, frame)),
        )
        self.pts = 16_000

    async def push(self, choice: AudioChoice, track: AudioTrack = AAC, count: int = 1) -> None:
        """Push frames of the camera and wait until the threads have done what they can."""
        for _ in range(count):
            self.sounds.push(choice, AudioFrame(track, b"frame", self.pts, 1024))
            self.pts += 1024
        await until(lambda: self.threads.jobs == 0)


@pytest.fixture
async def scene(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    monkeypatch.setattr(module, "has_codecs", lambda: True)
    monkeypatch.setattr(module, "Transcoder", Coder)
    Coder.made, Coder.error = 0, None
    made = Scene()
    yield made
    made.sounds.keep(())
    made.threads.close()


async def test_sound_that_needs_no_codec_is_delivered_at_once(scene: Scene) -> None:
    scene.sounds.push(PCMU, AudioFrame(L16, b"frame", 0, 1))
    assert [choice for choice, _ in scene.delivered] == [PCMU]
    assert not scene.sounds.conversions
    assert scene.sounds.delay_s(PCMU) == 0


async def test_each_choice_has_one_conversion(scene: Scene) -> None:
    for _ in range(3):
        await scene.push(OPUS)
        await scene.push(PCMU)
    assert Coder.made == 2
    assert set(scene.sounds.conversions) == {OPUS, PCMU}
    assert [choice for choice, _ in scene.delivered] == [OPUS, PCMU] * 3


async def test_a_conversion_ends_with_the_last_who_takes_it(scene: Scene) -> None:
    await scene.push(OPUS)
    await scene.push(PCMU)
    scene.sounds.keep({PCMU})
    assert set(scene.sounds.conversions) == {PCMU}
    await scene.push(OPUS)
    assert Coder.made == 3


async def test_a_new_conversion_does_not_repeat_what_was_sent(scene: Scene) -> None:
    await scene.push(OPUS, count=3)
    scene.sounds.keep(())
    scene.pts -= 2 * 1024
    await scene.push(OPUS, count=4)
    starts = [frame.pts for _, frame in scene.delivered]
    assert starts == sorted(set(starts))
    assert len(starts) == 5


async def test_the_next_frame_is_never_further_behind_than_told(scene: Scene) -> None:
    assert scene.sounds.delay_s(OPUS) == 0  # nothing came yet
    await scene.push(OPUS)
    newest_s = (scene.pts - 1024) / 16_000
    _, made = scene.delivered[-1]
    next_s = (made.pts + made.samples) / 48_000
    assert newest_s - scene.sounds.delay_s(OPUS) <= next_s
    scene.sounds.keep(())
    assert scene.sounds.delay_s(OPUS) == module.PRIMING_S


async def test_a_failure_is_told_once_and_tried_again_after_a_minute(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    Coder.error = Unsupported("no such codec")
    for _ in range(3):
        await scene.push(OPUS)
    assert Coder.made == 1
    assert scene.sounds.failures == 1
    assert scene.sounds.offered(AAC, OPUS) is AudioChoice.AUTO
    assert scene.sounds.offered(AAC, PCMU) is PCMU
    scene.clock.advance(module.RETRY_S)
    await scene.push(OPUS)
    assert Coder.made == 2
    (record,) = caplog.records
    assert "no such codec" in record.getMessage()
    assert "'opus'" in record.getMessage()
    scene.clock.advance(module.RETRY_S)
    Coder.error = None
    assert scene.sounds.offered(AAC, OPUS) is OPUS
    await scene.push(OPUS)
    assert scene.delivered[-1][1].data == b"x"


def assert_without_holes(frames: list[AudioFrame]) -> None:
    for before, after in pairwise(frames):
        assert abs(after.pts - before.pts - before.samples) < before.samples


@pytest.mark.parametrize("choice", [OPUS, PCMU])
async def test_players_of_a_conversion_that_fails_get_silence_until_it_does_better(
    scene: Scene, choice: AudioChoice
) -> None:
    Coder.error = Unsupported("no such codec")
    await scene.push(choice)
    await scene.push(choice, count=50)
    frames = [frame for _, frame in scene.delivered]
    assert len(frames) == scene.sounds.silent_frames > 0
    assert frames[0].track == target_of(AAC, choice)
    end_s = (frames[-1].pts + frames[-1].samples) / frames[-1].track.clock_rate
    assert 0 < scene.pts / 16_000 - end_s < 0.35
    scene.clock.advance(module.RETRY_S)
    Coder.error = None
    for _ in range(50):
        await scene.push(choice)
    frames = [frame for _, frame in scene.delivered]
    assert [frame.data == b"x" for frame in frames[-20:]] == [True] * 20
    assert_without_holes(frames)


async def test_a_conversion_that_is_late_is_waited_for_and_then_replaced_by_silence(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    feed: Callable[[Coder, Sequence[AudioFrame]], list[AudioFrame]] = Coder.feed

    def wait(self: Coder, frames: Sequence[AudioFrame]) -> list[AudioFrame]:
        gate.wait(10)
        return feed(self, frames)

    monkeypatch.setattr(Coder, "feed", wait)
    for number in range(90):  # 5.8 s
        scene.sounds.push(OPUS, AudioFrame(AAC, b"frame", scene.pts, 1024))
        scene.pts += 1024
        scene.clock.advance(0.064)
        assert bool(scene.delivered) is (number > 31)  # 2 s
    gate.set()
    await scene.push(OPUS, count=20)
    frames = [frame for _, frame in scene.delivered]
    assert frames[-1].data == b"x"
    assert_without_holes(frames)


async def test_much_sound_at_once_is_converted_whole(scene: Scene) -> None:
    await scene.push(OPUS)
    await scene.push(OPUS, count=60)  # 3.8 s
    assert scene.sounds.silent_frames == 0
    assert len(scene.delivered) == 61


async def test_sound_that_had_stopped_is_not_made_up_for(scene: Scene) -> None:
    await scene.push(OPUS, count=3)
    scene.pts += 16_000 * 60
    scene.clock.advance(60)
    await scene.push(OPUS, count=3)
    assert scene.sounds.silent_frames == 0
    assert len(scene.delivered) == 6


async def test_without_codecs_the_log_says_once_what_to_install(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "has_codecs", lambda: False)
    for _ in range(2):
        assert scene.sounds.offered(AAC, OPUS) is AudioChoice.AUTO
        assert scene.sounds.offered(L16, PCMU) is PCMU
        assert scene.sounds.offered(AAC, AudioChoice.NONE) is AudioChoice.NONE
    (record,) = caplog.records
    assert "pip install 'neolink[media]'" in record.getMessage()


async def test_what_was_dropped_stays_counted(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    feed: Callable[[Coder, Sequence[AudioFrame]], list[AudioFrame]] = Coder.feed

    def wait(self: Coder, frames: Sequence[AudioFrame]) -> list[AudioFrame]:
        gate.wait(10)
        return feed(self, frames)

    monkeypatch.setattr(Coder, "feed", wait)
    for _ in range(70):
        scene.sounds.push(OPUS, AudioFrame(AAC, b"frame", scene.pts, 1024))
        scene.pts += 1024
    assert scene.sounds.dropped == 5
    gate.set()
    await until(lambda: scene.threads.jobs == 0)
    scene.sounds.keep(())
    assert scene.sounds.dropped == 5
