"""What a stream counts: gaps, groups, drift and setup times, and what is none of these."""

import tracemalloc

import pytest

from neolink.clock import ManualClock
from neolink.hub.counters import GAP_BOUNDS_S, KEY_INTERVALS, StreamCounters, Tally
from neolink.hub.standin import StandInSettings
from neolink.hub.stream import Stream
from neolink.media.tracks import VIDEO_CLOCK_RATE
from neolink.media.units import AudioFrame
from support.media import AAC, Camera, video_unit
from support.waiting import until

NOW_S = 1000.0
STEP_S = 0.04


def pictures(
    counters: StreamCounters, times_s: list[float], *, key_every: int = 5, late_s: float = 0.0
) -> None:
    """Let pictures come at these times, whose pts say the same."""
    for number, at_s in enumerate(times_s):
        pts = round((at_s - late_s) * VIDEO_CLOCK_RATE)
        counters.picture_came(video_unit(pts, key=number % key_every == 0), at_s)


def sound(counters: StreamCounters, at_s: float, *, pts_s: float) -> None:
    frame = AudioFrame(AAC, bytes(100), round(pts_s * AAC.clock_rate), 1024)
    counters.sound_came(frame, at_s)


def steps(count: int, first_s: float = NOW_S, step_s: float = STEP_S) -> list[float]:
    return [first_s + number * step_s for number in range(count)]


# ---------------------------------------------------------------- tallies
@pytest.mark.parametrize(
    ("value", "bucket"), [(-1.0, 0), (0.0, 0), (1.0, 0), (1.0001, 1), (2.0, 1), (2.1, 2), (1e9, 2)]
)
def test_an_upper_bound_belongs_to_its_bucket(value: float, bucket: int) -> None:
    tally = Tally((1.0, 2.0))
    tally.add(value)
    assert [number for number, count in enumerate(tally.counts) if count] == [bucket]
    assert tally.total == value


# ---------------------------------------------------------------- plain sums
def test_pictures_sounds_and_bytes_are_summed() -> None:
    counters = StreamCounters()
    pictures(counters, steps(10))
    sound(counters, NOW_S + 0.4, pts_s=NOW_S + 0.4)
    assert (counters.pictures, counters.key_frames, counters.audio_frames) == (10, 2, 1)
    assert counters.received_bytes == 10 * video_unit(0).size + 100
    assert counters.last_picture_s == pytest.approx(NOW_S + 9 * STEP_S)
    assert counters.last_key_frame_s == pytest.approx(NOW_S + 5 * STEP_S)
    assert counters.last_audio_s == NOW_S + 0.4


def test_bytes_are_those_of_all_nal_units() -> None:
    counters = StreamCounters()
    unit = video_unit(0, size=100)
    double = type(unit)(unit.track, unit.nal_units * 2, 0, is_random_access=False)
    counters.picture_came(unit, NOW_S)
    counters.picture_came(double, NOW_S)
    assert counters.received_bytes == 300


# ---------------------------------------------------------------- gaps
def test_the_first_picture_has_no_gap_before_it() -> None:
    counters = StreamCounters()
    pictures(counters, [NOW_S])
    assert sum(counters.frame_gaps.counts) == 0


def test_gaps_fall_into_their_buckets() -> None:
    counters = StreamCounters()
    pictures(counters, [0.0, 0.04, 0.09, 0.15, 2.15, 7.0])
    found = dict(zip((*GAP_BOUNDS_S, "more"), counters.frame_gaps.counts, strict=True))
    assert {bound for bound, count in found.items() if count} == {0.05, 0.075, 2.0, "more"}
    assert found[0.05] == 2
    assert counters.frame_gaps.total == pytest.approx(7.0)


def test_the_silence_of_a_stop_is_no_gap() -> None:
    counters = StreamCounters()
    pictures(counters, steps(5))
    counters.stopped()
    assert counters.flow is None
    pictures(counters, steps(5, NOW_S + 600))
    assert sum(counters.frame_gaps.counts) == 8
    assert counters.frame_gaps.total == pytest.approx(8 * STEP_S)


def test_the_worst_gap_is_of_the_time_since_it_was_taken() -> None:
    counters = StreamCounters()
    pictures(counters, [10.0, 10.5, 10.6])
    assert counters.take_worst_gap_s(10.6) == pytest.approx(0.5)
    assert counters.take_worst_gap_s(10.6) == 0
    assert counters.take_worst_gap_s(13.0) == pytest.approx(2.4), "one that lasts counts too"
    counters.stopped()
    assert counters.take_worst_gap_s(99.0) == 0, "a stop is none"


# ---------------------------------------------------------------- flow
def test_a_flow_begins_with_the_first_picture_after_a_stop() -> None:
    counters = StreamCounters()
    pictures(counters, steps(5))
    begun = counters.flow
    assert begun is not None
    assert (begun.at_s, begun.pictures) == (NOW_S, 1)
    assert begun.received_bytes == video_unit(0).size
    counters.stopped()
    pictures(counters, steps(2, NOW_S + 60))
    again = counters.flow
    assert again is not None
    assert (again.at_s, again.pictures) == (NOW_S + 60, 6)


# ---------------------------------------------------------------- groups of pictures
def test_the_usual_group_is_the_median_of_the_latest() -> None:
    counters = StreamCounters()
    assert counters.gop_s is None
    pictures(counters, steps(1))
    assert counters.gop_s is None, "one key frame does not tell"
    counters.stopped()
    pictures(counters, steps(26))
    assert counters.gop_s == pytest.approx(0.2)
    counters.stopped()
    pictures(counters, steps(10 * KEY_INTERVALS + 1, NOW_S + 60), key_every=10)
    assert counters.gop_s == pytest.approx(0.4), "what is older is forgotten"


def test_one_lost_key_frame_does_not_change_the_usual_group() -> None:
    counters = StreamCounters()
    for number in range(46):
        is_key = number % 5 == 0 and number != 25
        counters.picture_came(video_unit(number * 3600, key=is_key), NOW_S + number * STEP_S)
    assert counters.gop_s == pytest.approx(0.2)


def test_no_group_reaches_over_a_stop() -> None:
    counters = StreamCounters()
    pictures(counters, steps(11))
    counters.stopped()
    pictures(counters, steps(11, NOW_S + 600))
    assert counters.gop_s == pytest.approx(0.2)


# ---------------------------------------------------------------- setup times
def test_setup_time_is_from_the_request_to_the_first_picture() -> None:
    counters = StreamCounters()
    counters.asked(NOW_S)
    pictures(counters, steps(3, NOW_S + 0.7))
    assert sum(counters.setup_times.counts) == 1
    assert counters.setup_times.total == pytest.approx(0.7)


def test_a_request_that_was_taken_back_has_no_setup_time() -> None:
    counters = StreamCounters()
    counters.asked(NOW_S)
    counters.dismissed()
    pictures(counters, steps(3, NOW_S + 30))
    assert sum(counters.setup_times.counts) == 0


def test_the_camera_coming_back_is_no_setup() -> None:
    counters = StreamCounters()
    counters.asked(NOW_S)
    pictures(counters, steps(3, NOW_S + 1))
    counters.stopped()
    pictures(counters, steps(3, NOW_S + 90))
    assert counters.setup_times.total == pytest.approx(1.0)


# ---------------------------------------------------------------- drift
def flow_with_sound(counters: StreamCounters, seconds: float, ahead_s: float) -> None:
    """Let picture and sound come for a while, the sound's pts ahead by so much."""
    for number in range(round(seconds / STEP_S)):
        at_s = NOW_S + number * STEP_S
        counters.picture_came(video_unit(round(at_s * VIDEO_CLOCK_RATE)), at_s)
        sound(counters, at_s + 0.01, pts_s=at_s + 0.01 + ahead_s)


@pytest.mark.parametrize("ahead_s", [0.0, 0.3, -0.75])
def test_drift_is_how_far_the_sound_is_ahead(ahead_s: float) -> None:
    counters = StreamCounters()
    flow_with_sound(counters, 4.0, ahead_s)
    assert counters.av_drift_s == pytest.approx(ahead_s, abs=0.001)


def test_drift_follows_slowly_and_one_odd_frame_is_not_seen() -> None:
    counters = StreamCounters()
    flow_with_sound(counters, 4.0, 0.0)
    at_s = counters.last_picture_s
    assert at_s is not None
    sound(counters, at_s, pts_s=at_s + 1.0)
    assert counters.av_drift_s == pytest.approx(1 / 64, abs=0.002)


def test_sound_that_is_placed_anew_is_believed_at_once() -> None:
    """As after a silence of the microphone: it is seconds behind until its place is known."""
    counters = StreamCounters()
    flow_with_sound(counters, 2.0, -9.0)
    flow_with_sound(counters, 0.2, 0.0)
    assert counters.av_drift_s == pytest.approx(0.0, abs=0.001)


def test_sound_without_fresh_pictures_tells_nothing_of_drift() -> None:
    counters = StreamCounters()
    sound(counters, NOW_S, pts_s=NOW_S)
    assert counters.av_drift_s is None
    pictures(counters, steps(5))
    sound(counters, NOW_S + 60, pts_s=NOW_S + 61)
    assert counters.av_drift_s is None


def test_a_stop_forgets_the_drift() -> None:
    counters = StreamCounters()
    flow_with_sound(counters, 1.0, 0.5)
    counters.stopped()
    assert counters.av_drift_s is None


# ---------------------------------------------------------------- in a stream
async def test_what_comes_too_late_is_counted_and_begins_no_flow() -> None:
    stream = Stream("porch/main", clock=ManualClock())
    camera = Camera(stream)
    camera.pictures(3)
    assert (stream.counters.pictures, stream.counters.flow) == (3, None)
    with stream.hold():
        camera.pictures(4)
    flow = stream.counters.flow
    assert flow is not None
    assert (stream.counters.pictures, flow.pictures) == (7, 4)
    stream.close()


async def test_stand_ins_are_not_counted_as_the_cameras() -> None:
    settings = StandInSettings(is_enabled=True, lost_hold_s=0.001, interval_s=0.001)
    stream = Stream("porch/main", clock=ManualClock(), stand_in=settings)
    camera = Camera(stream)
    with stream.hold():
        camera.pictures(6)
        stream.source_lost()
        await until(lambda: stream.stand_ins > 3)
        assert (stream.counters.pictures, stream.counters.flow) == (6, None)
    stream.close()


def test_counting_keeps_no_memory() -> None:
    counters = StreamCounters()
    units = [video_unit(number * 3600, key=number % 50 == 0) for number in range(2000)]
    frame = AudioFrame(AAC, bytes(100), 0, 1024)
    times_s = [NOW_S + number * STEP_S for number in range(2000)]

    def count() -> None:
        for unit, at_s in zip(units, times_s, strict=True):
            counters.picture_came(unit, at_s)
            counters.sound_came(frame, at_s)

    count()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        count()
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 2000, "nothing is kept for each unit"
    assert peak - before < 4000, "nothing larger than a few numbers is made for each unit"
