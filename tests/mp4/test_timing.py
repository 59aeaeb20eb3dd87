"""Decode times: they rise, they never jump, and what is shown is shown when it should be."""

from itertools import accumulate, pairwise

from hypothesis import given
from hypothesis import strategies as st

from neolink.media.tracks import VIDEO_CLOCK_RATE, AudioTrack
from neolink.media.units import AudioFrame
from neolink.mp4.audio import audio_format
from neolink.mp4.samples import Sample
from neolink.mp4.timing import MOST_LAG, MOST_SILENCE_S, SoundLine, VideoClock
from support.media import AAC, L16

INTERVAL = 3600

steps = st.lists(
    st.one_of(st.integers(-2, 3), st.integers(1000, 8000), st.integers(1, 80 * VIDEO_CLOCK_RATE)),
    min_size=1,
    max_size=40,
)


def line(track: AudioTrack, start: int = 0) -> SoundLine:
    return SoundLine(audio_format(track), track, start)


def frame(track: AudioTrack, pts: int, samples: int = 0) -> AudioFrame:
    samples = samples or (1024 if track is AAC else 320)
    return AudioFrame(track, b"\x00\x01" * samples, pts, samples)


def assert_follows(samples: list[Sample]) -> None:
    """Check what media sources demand of samples of one track."""
    for before, after in pairwise(samples):
        assert before.dts < after.dts <= before.dts + 2 * before.duration


# ---------------------------------------------------------------- pictures


def test_pictures_in_step_are_decoded_when_they_are_shown() -> None:
    clock = VideoClock()
    assert [clock.advance(90_000 + i * INTERVAL, INTERVAL) for i in range(3)] == [
        (90_000, 0, INTERVAL),
        (93_600, 0, INTERVAL),
        (97_200, 0, INTERVAL),
    ]


def test_gap_is_made_up_for_at_double_speed() -> None:
    clock = VideoClock()
    clock.advance(0, INTERVAL)
    dts, shift, duration = clock.advance(10 * INTERVAL, INTERVAL)
    assert (dts, dts + shift, duration) == (INTERVAL * 3 // 2, 10 * INTERVAL, 10 * INTERVAL)
    for number in range(11, 40):
        dts, shift, _ = clock.advance(number * INTERVAL, INTERVAL)
        assert dts + shift == number * INTERVAL
    assert shift == 0


def test_break_of_more_than_a_minute_is_a_jump() -> None:
    clock = VideoClock()
    clock.advance(0, INTERVAL)
    pts = 2 * MOST_LAG
    assert clock.advance(pts, INTERVAL)[:2] == (pts, 0)


@given(steps)
def test_decode_times_never_jump_whatever_the_timeline_does(steps: list[int]) -> None:
    clock = VideoClock()
    before = None
    for pts in accumulate(steps, initial=0):
        dts, shift, duration = clock.advance(max(pts, 0), INTERVAL)
        assert shift >= 0
        assert INTERVAL <= duration <= VIDEO_CLOCK_RATE
        if before is not None:
            last_dts, last_duration, last_shown = before
            assert dts > last_dts
            assert dts + shift > last_shown
            assert dts + shift >= pts
            is_break = dts + shift - last_dts >= MOST_LAG
            assert is_break or dts <= last_dts + 2 * last_duration
        before = dts, duration, dts + shift


# ---------------------------------------------------------------- sound


def test_sound_that_follows_is_taken_as_it_is() -> None:
    sound = line(L16, 90_000)
    samples = [sample for i in range(3) for sample in sound.push(frame(L16, 8000 + i * 320))]
    assert [(one.dts, one.duration) for one in samples] == [(8000, 320), (8320, 320), (8640, 320)]


def test_sound_before_the_first_picture_is_left_out() -> None:
    sound = line(L16, 90_000)
    assert sound.push(frame(L16, 7000)) == []
    assert sound.push(frame(L16, 8000))[0].dts == 8000


def test_missing_sound_becomes_silence() -> None:
    sound = line(L16, 0)
    samples = sound.push(frame(L16, 1000))
    assert [(one.dts, one.duration) for one in samples] == [(0, 1000), (1000, 320)]


def test_silence_is_filled_in_once_sound_is_a_second_late() -> None:
    sound = line(L16, 0)
    assert sound.fill(89_999) == []
    (silence,) = sound.fill(90_000)
    assert (silence.dts, silence.duration) == (0, 4000)


def test_sound_that_comes_after_its_silence_is_left_out() -> None:
    sound = line(L16, 0)
    sound.fill(90_000)
    assert sound.push(frame(L16, 3000)) == []
    assert sound.push(frame(L16, 4000))[0].dts == 4000


def test_hole_that_is_too_long_is_left() -> None:
    sound = line(L16, 0)
    late = int(MOST_SILENCE_S * 8000) + 1
    assert [one.dts for one in sound.push(frame(L16, late))] == [late]


def test_end_in_ticks_of_the_picture_is_rounded_up() -> None:
    sound = line(AAC, 0)
    sound.push(frame(AAC, 0))
    assert sound.end_pts == 5760
    sound = line(AudioTrack(L16.codec, 44_100), 0)
    sound.push(AudioFrame(sound.track, b"\x00\x01" * 7, 0, 7))
    assert sound.end_pts == 15


sound_steps = st.lists(
    st.tuples(
        st.sampled_from(["frame", "picture"]),
        st.one_of(st.integers(-2000, 2000), st.integers(0, 8000 * 25)),
        st.one_of(st.just(320), st.integers(1, 10_000)),
    ),
    max_size=30,
)


@given(sound_steps)
def test_sound_has_no_holes_whatever_comes(steps: list[tuple[str, int, int]]) -> None:
    sound, pts = line(L16, 0), 0
    samples: list[Sample] = []
    for kind, step, length in steps:
        pts = max(0, pts + step)
        if kind == "picture":
            samples += sound.fill(pts * VIDEO_CLOCK_RATE // 8000)
        elif pts - sound.end_pts * 8000 // VIDEO_CLOCK_RATE < MOST_SILENCE_S * 8000 - 1:
            samples += sound.push(frame(L16, pts, length))
    assert_follows(samples)


@given(st.lists(st.integers(0, 16_000 * 5), max_size=30))
def test_sound_in_whole_frames_has_no_holes_either(steps: list[int]) -> None:
    sound = line(AAC, 0)
    samples = [
        sample for pts in accumulate(steps, initial=0) for sample in sound.push(frame(AAC, pts))
    ]
    assert_follows(samples)
