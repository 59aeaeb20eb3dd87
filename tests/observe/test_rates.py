"""How fast a stream flows, and its recent past."""

import pytest

from neolink.hub.counters import StreamCounters
from neolink.media.tracks import VIDEO_CLOCK_RATE
from neolink.observe.rates import SAMPLES, WINDOW_S, Rates
from support.media import video_unit

NOW_S = 1000.0
SIZE = 1000


class Scene:
    """A stream whose pictures come as told; the rates are looked at once a second."""

    def __init__(self) -> None:
        self.counters = StreamCounters()
        self.now_s = NOW_S
        self.rates = Rates(self.counters, self.now_s)

    def flow(self, seconds: int, fps: int) -> None:
        for _ in range(seconds):
            for number in range(fps):
                at_s = self.now_s + number / fps
                pts = round(at_s * VIDEO_CLOCK_RATE)
                self.counters.picture_came(video_unit(pts, size=SIZE), at_s)
            self.now_s += 1.0
            self.rates.mark(self.now_s)

    def measure(self) -> tuple[float, float]:
        return self.rates.measure(self.now_s)


def test_a_rate_is_that_of_the_last_ten_seconds() -> None:
    scene = Scene()
    scene.flow(30, 25)
    assert scene.measure() == pytest.approx((25, 25 * SIZE * 8))
    scene.flow(WINDOW_S, 10)
    fps, bitrate_bps = scene.measure()
    assert fps == pytest.approx(10, abs=0.1)
    assert bitrate_bps == pytest.approx(10 * SIZE * 8, rel=0.01)


def test_a_rate_is_right_two_seconds_after_the_first_picture() -> None:
    scene = Scene()
    for _ in range(20):  # nothing comes
        scene.now_s += 1.0
        scene.rates.mark(scene.now_s)
    scene.flow(2, 25)
    assert scene.measure()[0] == pytest.approx(25, rel=0.03)


def test_a_pause_does_not_count_into_the_rate_after_it() -> None:
    scene = Scene()
    scene.flow(5, 25)
    scene.counters.stopped()
    scene.now_s += 3
    scene.flow(3, 25)
    assert scene.measure()[0] == pytest.approx(25, rel=0.03)


def test_a_stream_that_falls_silent_goes_down_to_0_in_ten_seconds() -> None:
    scene = Scene()
    scene.flow(10, 20)
    rates = []
    for _ in range(WINDOW_S + 1):
        rates.append(scene.measure()[0])
        scene.now_s += 1.0
        scene.rates.mark(scene.now_s)
    assert rates == sorted(rates, reverse=True)
    assert scene.measure() == (0.0, 0.0)


def test_no_time_no_rate() -> None:
    assert Scene().measure() == (0.0, 0.0)


# ---------------------------------------------------------------- the past
def test_the_past_is_told_from_the_oldest_and_bounded() -> None:
    scene = Scene()
    for number in range(SAMPLES + 7):
        scene.flow(2, 5 + number % 3)
        scene.rates.sample(scene.now_s, 50_000.0 + number, queued_bytes=number)
    points = list(scene.rates.history())
    assert [point.unix_s for point in points] == [50_007.0 + n for n in range(SAMPLES)]
    assert [point.queued_bytes for point in points] == list(range(7, SAMPLES + 7))
    assert points[-1].fps == pytest.approx(5 + (SAMPLES + 6) % 3)
    assert points[-1].bitrate_bps == pytest.approx(points[-1].fps * SIZE * 8)


def test_a_point_is_of_the_time_since_the_one_before() -> None:
    scene = Scene()
    scene.flow(2, 25)
    scene.rates.sample(scene.now_s, 1.0, 0)
    scene.flow(2, 10)
    scene.rates.sample(scene.now_s, 3.0, 0)
    assert [point.fps for point in scene.rates.history()] == pytest.approx([25, 10])


def test_the_worst_silence_is_in_the_point_in_which_it_was() -> None:
    scene = Scene()
    scene.flow(2, 10)
    scene.rates.sample(scene.now_s, 1.0, 0)
    scene.now_s += 1.5
    scene.rates.sample(scene.now_s, 3.0, 0)
    scene.flow(2, 10)
    scene.rates.sample(scene.now_s, 5.0, 0)
    assert [point.worst_gap_s for point in scene.rates.history()] == pytest.approx([0.1, 1.6, 1.6])


def test_a_stream_that_never_came_keeps_nothing() -> None:
    scene = Scene()
    for _ in range(10):
        scene.rates.sample(scene.now_s, 1.0, 0)
    assert list(scene.rates.history()) == []
