"""Silence in place of sound that has stopped: times rise, nothing overlaps, sound comes back."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neolink.media.silence import Silence, silent_frame
from neolink.media.tracks import OPUS_CLOCK_RATE, AudioCodec, AudioTrack
from neolink.media.units import AudioFrame

L16 = AudioTrack(AudioCodec.L16, 8000)
AAC = AudioTrack(AudioCodec.AAC, 16_000, 1, b"\x14\x08")
SAMPLES = {L16: 480, AAC: 1024}
STEP = 3600
FAR = 90_000 * 7


def sound(track: AudioTrack, pts: int) -> AudioFrame:
    size = 2 * SAMPLES[track] if track is L16 else 100
    return AudioFrame(track, b"\x11" * size, pts, SAMPLES[track])


def is_silent(frame: AudioFrame) -> bool:
    return not any(frame.data) if frame.track is L16 else frame.data == b"\x00\x00\x00\x07"


class Scene:
    """Pictures at 25 a second, sound in time with them while ``is_on``; what players are sent."""

    def __init__(self, track: AudioTrack) -> None:
        self.track = track
        self.silence = Silence()
        self.silence.follow(track)
        self.sent: list[AudioFrame] = []
        self.pts = FAR
        self._next = FAR * track.clock_rate // 90_000

    def run(self, seconds: float, *, is_on: bool, late_s: float = 0.0) -> list[AudioFrame]:
        """Let time pass; return what was sent in it."""
        before = len(self.sent)
        for _ in range(round(seconds * 25)):
            self.sent += self.silence.fill(self.pts)
            due = round((self.pts / 90_000 - late_s) * self.track.clock_rate)
            while self._next <= due:
                if is_on:
                    self.sent += self.silence.take(sound(self.track, self._next))
                self._next += SAMPLES[self.track]
            self.pts += STEP
        return self.sent[before:]

    def assert_without_overlap(self) -> None:
        for before, after in pairwise(self.sent):
            assert after.pts >= before.pts + before.samples

    def holes_s(self) -> Iterator[float]:
        for before, after in pairwise(self.sent):
            yield (after.pts - before.pts - before.samples) / self.track.clock_rate


both = pytest.mark.parametrize("track", [L16, AAC], ids=["l16", "aac"])


@both
def test_sound_that_comes_passes_untouched(track: AudioTrack) -> None:
    scene = Scene(track)
    frame = sound(track, 1000)
    assert scene.silence.take(frame) == (frame,)
    assert not any(map(is_silent, scene.run(5, is_on=True)))
    assert (scene.silence.frames, scene.silence.episodes) == (0, 0)


@both
def test_a_camera_that_mutes_leaves_no_hole(track: AudioTrack) -> None:
    scene = Scene(track)
    scene.run(2, is_on=True)
    muted = scene.run(6, is_on=False)
    assert muted
    assert all(map(is_silent, muted))
    behind_s = scene.pts / 90_000 - (muted[-1].pts + muted[-1].samples) / track.clock_rate
    assert behind_s <= 0.35
    scene.run(3, is_on=True)
    assert not is_silent(scene.sent[-1])
    scene.assert_without_overlap()
    assert max(scene.holes_s()) < SAMPLES[track] / track.clock_rate
    assert scene.silence.episodes == 1
    assert scene.silence.frames == sum(map(is_silent, scene.sent))


def test_pcm_is_cut_where_silence_ends_so_that_not_a_sample_is_missing() -> None:
    scene = Scene(L16)
    scene.run(2, is_on=True)
    scene.run(4, is_on=False)
    scene.run(2, is_on=True, late_s=0.5)
    scene.assert_without_overlap()
    assert max(scene.holes_s()) <= 0.04
    assert scene.silence.left_out


@both
def test_sound_that_is_late_for_good_is_heard_again(track: AudioTrack) -> None:
    scene = Scene(track)
    scene.run(3, is_on=False)
    late = scene.run(6, is_on=True, late_s=0.9)
    scene.assert_without_overlap()
    assert sum(not is_silent(frame) for frame in late) > 4 * track.clock_rate // SAMPLES[track]


@both
def test_silence_goes_on_until_the_clock_of_the_sound_is_right_again(track: AudioTrack) -> None:
    scene = Scene(track)
    scene.run(2, is_on=True)
    scene.run(6, is_on=False)
    scene._next -= 6 * track.clock_rate  # samples are counted, and none came
    wrong = scene.run(2, is_on=True, late_s=6)
    assert all(map(is_silent, wrong))
    assert sum(frame.samples for frame in wrong) > 1.9 * track.clock_rate
    scene._next += 6 * track.clock_rate
    assert not is_silent(scene.run(1, is_on=True)[-1])
    scene.assert_without_overlap()
    assert max(scene.holes_s()) < SAMPLES[track] / track.clock_rate


@both
def test_a_camera_that_is_mute_from_the_start_gives_silence_from_the_start(
    track: AudioTrack,
) -> None:
    scene = Scene(track)
    assert scene.run(1, is_on=False) == []
    begun = scene.run(1, is_on=False)
    assert begun[0].pts == FAR * track.clock_rate // 90_000
    assert max(scene.holes_s()) == 0


def test_a_long_hole_is_left_open() -> None:
    scene = Scene(L16)
    scene.run(2, is_on=True)
    scene.pts += 90_000 * 60
    found = scene.run(2, is_on=False)
    assert found
    assert len(found) < 60
    scene.assert_without_overlap()


@pytest.mark.parametrize("away_s", [0.6, 1.2, 1.6, 5.0])
@pytest.mark.parametrize("is_mute", [False, True])
def test_while_the_camera_was_away_no_silence_is_made_up(is_mute: bool, away_s: float) -> None:
    scene = Scene(AAC)
    scene.run(3, is_on=not is_mute)
    lost_pts = scene.pts
    skipped = round(away_s * 25)
    scene.pts += skipped * STEP
    scene._next += round(away_s * AAC.clock_rate)
    found = scene.run(0.9, is_on=not is_mute)
    back_pts = (lost_pts + skipped * STEP) * AAC.clock_rate // 90_000
    late = [
        frame for frame in found if is_silent(frame) and frame.pts < back_pts - AAC.clock_rate // 2
    ]
    assert late == [], "it is late by all the time that the camera was away"


def test_pictures_that_stand_in_once_a_second_bring_no_silence() -> None:
    silence = Silence()
    silence.follow(AAC)
    assert [silence.fill(FAR + second * 90_000) for second in range(9)] == [()] * 9


def test_what_begins_anew_never_begins_earlier() -> None:
    scene = Scene(L16)
    scene.run(4, is_on=False)
    scene.silence.restart()
    scene.pts -= 45_000
    scene.run(4, is_on=False)
    scene.assert_without_overlap()


def test_nothing_is_known_of_the_silence_of_five_channels() -> None:
    silence = Silence()
    silence.follow(AudioTrack(AudioCodec.AAC, 48_000, 5, b"\x11\xa8"))
    assert [silence.fill(pts) for pts in range(0, 900_000, STEP)] == [()] * 250


def test_silence_in_opus_is_twenty_milliseconds_a_frame() -> None:
    frame = silent_frame(AudioTrack(AudioCodec.OPUS, OPUS_CLOCK_RATE), 7)
    assert frame is not None
    assert (frame.pts, frame.samples, frame.size) == (7, 960, 3)


def test_another_track_begins_without_a_past() -> None:
    scene = Scene(L16)
    scene.run(4, is_on=False)
    scene.silence.follow(AAC)
    frame = sound(AAC, 5)
    assert scene.silence.take(frame) == (frame,)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 4), st.sampled_from([0, 90_000, 999_999]))))
def test_times_rise_whatever_comes(steps: Sequence[tuple[bool, int, int]]) -> None:
    scene = Scene(L16)
    for is_on, late, jump in steps:
        scene.pts += jump
        scene.run(0.8, is_on=is_on, late_s=late / 10)
    scene.assert_without_overlap()
