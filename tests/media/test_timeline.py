"""The policy of both timelines, clause by clause, and two hours of a simulated camera."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neolink.errors import LocalProtocolError
from neolink.media.timeline import AudioTimeline, VideoTimeline
from neolink.media.tracks import VIDEO_CLOCK_RATE

WRAP_US = 1 << 32
FRAME_US = 40_000
FRAME = 3600  # ticks of 90 kHz at 25 frames a second
RATE = 16_000
SAMPLES = 1024


class Camera:
    """A camera of 25 frames a second whose clock can be set, and a network that can stall."""

    def __init__(self, timeline: VideoTimeline, clock_us: int = 1_000_000) -> None:
        self.timeline = timeline
        self.clock_us = clock_us
        self.now_s = 50.0

    def send(self, *, clock_us: int = FRAME_US, passed_s: float = FRAME_US / 1e6) -> int:
        """Send a picture so much later by the camera's clock and by the arrivals."""
        self.clock_us += clock_us
        self.now_s += passed_s
        return self.timeline.advance(self.clock_us % WRAP_US, self.now_s)

    def send_many(self, count: int) -> list[int]:
        return [self.send() for _ in range(count)]


@pytest.fixture
def camera() -> Camera:
    camera = Camera(VideoTimeline(25.0))
    assert camera.send_many(10) == [n * FRAME for n in range(10)]
    return camera


LAST = 9 * FRAME


# ---------------------------------------------------------------- video, clause 1


def test_the_first_picture_lies_at_zero_or_behind_the_origin() -> None:
    assert VideoTimeline().advance(123, 70.0) == 0
    assert VideoTimeline(origin_s=69.5).advance(123, 70.0) == 45_000
    assert VideoTimeline(origin_s=71.0).advance(123, 70.0) == 0


def test_after_a_restart_real_time_has_passed(camera: Camera) -> None:
    camera.now_s += 4.0
    camera.timeline.restart(camera.now_s)
    camera.clock_us = 17
    assert camera.send(passed_s=1.0) == LAST + 5 * 90_000
    assert camera.timeline.pts == LAST + 5 * 90_000
    first, second = camera.send_many(2)
    assert second - first == FRAME
    assert camera.timeline.jumps == 0


def test_a_restart_at_once_is_one_frame_interval(camera: Camera) -> None:
    camera.timeline.restart(camera.now_s)
    assert camera.send(clock_us=-777, passed_s=0.0) == LAST + FRAME


def test_a_restart_before_anything_changes_nothing() -> None:
    timeline = VideoTimeline()
    timeline.restart(10.0)
    assert timeline.advance(5, 11.0) == 0


def test_placeholders_take_the_arrivals_time(camera: Camera) -> None:
    assert camera.timeline.advance_by_arrival(camera.now_s + 1.0) == LAST + 90_000
    assert camera.timeline.advance_by_arrival(camera.now_s + 1.0) == LAST + 90_001
    camera.timeline.restart(camera.now_s + 1.5)
    assert camera.send(passed_s=2.0) == LAST + 180_001
    assert VideoTimeline(origin_s=1.0).advance_by_arrival(2.0) == 90_000


# ---------------------------------------------------------------- video, clause 2


def test_the_wrap_of_the_clock_is_invisible() -> None:
    camera = Camera(VideoTimeline(25.0), clock_us=WRAP_US - 5 * FRAME_US)
    assert camera.send_many(20) == [n * FRAME for n in range(20)]
    assert (camera.timeline.wraps, camera.timeline.jumps) == (1, 0)


def test_a_step_back_over_the_wrap_is_one_tick() -> None:
    camera = Camera(VideoTimeline(25.0), clock_us=WRAP_US - FRAME_US // 2)
    camera.send()
    assert camera.send(clock_us=-FRAME_US) == 1
    assert camera.send(clock_us=2 * FRAME_US) == FRAME
    assert camera.timeline.jumps == 0


# ---------------------------------------------------------------- video, clauses 3 and 4


@pytest.mark.parametrize(
    "jump_s", [-0.5, -1, -9, -60, -1800, -36_000, 2.5, 9.9, 10.1, 60, 1800, 36_000, 360_001]
)
def test_a_clock_that_jumps_costs_one_frame_interval(camera: Camera, jump_s: float) -> None:
    assert camera.send(clock_us=round(jump_s * 1e6)) == LAST + FRAME
    assert camera.send() == LAST + 2 * FRAME
    assert camera.timeline.jumps == 1


def test_one_wild_time_stamp_is_two_jumps_and_no_harm(camera: Camera) -> None:
    camera.send(clock_us=700_000_000)
    camera.send(clock_us=-700_000_000 + FRAME_US)
    assert camera.timeline.jumps == 2
    assert camera.send() == LAST + 3 * FRAME


@pytest.mark.parametrize("clock_s", [2.0, 5.0, 9.9])
@pytest.mark.parametrize("passed_part", [0.5, 1.0, 1.5])
def test_a_gap_that_the_arrivals_show_is_believed(
    camera: Camera, clock_s: float, passed_part: float
) -> None:
    pts = camera.send(clock_us=round(clock_s * 1e6), passed_s=clock_s * passed_part)
    assert pts == LAST + round(clock_s * 90_000)
    assert camera.timeline.jumps == 0


def test_a_gap_below_two_seconds_is_always_believed(camera: Camera) -> None:
    assert camera.send(clock_us=1_900_000, passed_s=0.0) == LAST + 171_000


def test_after_a_long_stall_real_time_has_passed(camera: Camera) -> None:
    assert camera.send(clock_us=25_000_000, passed_s=24.0) == LAST + 24 * 90_000
    assert camera.timeline.jumps == 1, "a step above 10 s always anchors anew"
    assert camera.send() == LAST + 24 * 90_000 + FRAME


def test_a_slow_camera_may_take_longer_steps() -> None:
    camera = Camera(VideoTimeline(2.0))
    camera.send()
    assert camera.send(clock_us=4_500_000, passed_s=0.1) == 405_000
    assert camera.send(clock_us=5_500_000, passed_s=0.1) == 450_000
    assert camera.timeline.jumps == 1


# ---------------------------------------------------------------- video, clause 5


def test_rounding_never_adds_up() -> None:
    camera = Camera(VideoTimeline(30.0))
    camera.send()
    start_us = camera.clock_us
    for _ in range(30_000):
        pts = camera.send(clock_us=33_333)
    assert pts == round((camera.clock_us - start_us) * 0.09)


def test_a_burst_after_a_stall_keeps_the_cameras_measure(camera: Camera) -> None:
    camera.now_s += 8.0
    burst = [camera.send(passed_s=0.0) for _ in range(200)]
    assert burst == [LAST + n * FRAME for n in range(1, 201)]


def test_arrival_jitter_is_invisible() -> None:
    camera, jitter = Camera(VideoTimeline(25.0)), Random(1)
    stamps = [camera.send(passed_s=jitter.uniform(-0.05, 0.2)) for _ in range(500)]
    assert stamps == [n * FRAME for n in range(500)]


# ---------------------------------------------------------------- video, clauses 6 and 7


def test_repeated_and_reordered_time_stamps_are_one_tick(camera: Camera) -> None:
    assert camera.send(clock_us=0) == LAST + 1
    assert camera.send(clock_us=-FRAME_US // 2) == LAST + 2
    assert camera.send(clock_us=FRAME_US // 2 + FRAME_US) == LAST + FRAME
    assert (camera.timeline.clamps, camera.timeline.jumps) == (2, 0)


def test_a_clock_set_back_a_little_goes_on_from_there(camera: Camera) -> None:
    assert camera.send(clock_us=-300_000) == LAST + 1
    assert camera.send_many(3) == [LAST + 1 + n * FRAME for n in (1, 2, 3)]


def test_a_clock_that_stands_still_gives_way_to_the_arrivals(camera: Camera) -> None:
    standing = [camera.send(clock_us=0) for _ in range(100)]
    assert standing[:5] == [LAST + n for n in range(1, 6)]
    assert standing[-1] == pytest.approx(LAST + 100 * FRAME, abs=2)
    assert all(after > before for before, after in pairwise(standing))
    assert camera.send() == pytest.approx(LAST + 101 * FRAME, abs=2)
    first, second = camera.send_many(2)
    assert second - first == FRAME


def test_a_clock_that_catches_up_after_standing_still_counts_once(camera: Camera) -> None:
    for _ in range(25):
        camera.send(clock_us=0)
    caught_up = camera.send(clock_us=26 * FRAME_US)
    assert caught_up == pytest.approx(LAST + 26 * FRAME, abs=2)


# ---------------------------------------------------------------- video, frame interval


@pytest.mark.parametrize("nominal", [None, 0.0, 1000.0])
def test_without_a_plausible_rate_the_interval_is_measured_else_a_15th(
    nominal: float | None,
) -> None:
    camera = Camera(VideoTimeline(nominal))
    camera.send()
    assert camera.send(clock_us=60_000_000) == 6000
    before = camera.send_many(40)[-1]
    assert camera.send(clock_us=60_000_000) == before + FRAME


@given(
    st.lists(
        st.tuples(st.integers(0, WRAP_US - 1), st.floats(-1.0, 100.0)), min_size=2, max_size=30
    ),
    st.sampled_from([None, 0.0, 25.0]),
)
@settings(max_examples=200)
def test_pts_increase_whatever_a_camera_says(
    pictures: list[tuple[int, float]], nominal: float | None
) -> None:
    timeline = VideoTimeline(nominal)
    now_s = 0.0
    stamps = []
    for position, (clock_us, passed_s) in enumerate(pictures):
        now_s += passed_s
        if position % 7 == 6:
            timeline.restart(now_s)
        if position % 11 == 5:
            stamps.append(timeline.advance_by_arrival(now_s))
        stamps.append(timeline.advance(clock_us, now_s))
    assert all(after > before for before, after in pairwise(stamps))
    assert timeline.pts == stamps[-1]


# ---------------------------------------------------------------- audio


@dataclass
class Scene:
    """A camera's pictures and sound in the order it sends them, with the truth about them."""

    seconds: float
    audio_ppm: float = 0.0  # sound lasts that much longer than its samples say
    interleaving_s: float = 0.0  # sound is sent that much early or late
    network_s: float = 0.0  # packets are late by up to that much
    frame_us: int = 66_667
    seed: int = 7

    def packets(self) -> Iterator[tuple[float, float, int | None]]:
        """Yield (arrival, capture time, samples or ``None`` for a picture), in sending order."""
        random = Random(self.seed)
        pictures = range(math.ceil(self.seconds * 1e6 / self.frame_us))
        instants = [n * self.frame_us / 1e6 for n in pictures]
        events: list[tuple[float, float, int | None]] = [(at, at, None) for at in instants]
        duration = SAMPLES / RATE * (1 + self.audio_ppm / 1e6)
        sent = 0.0
        for n in range(int(self.seconds / duration)):
            jitter = random.uniform(-self.interleaving_s, self.interleaving_s)
            sent = max(sent, n * duration + jitter)
            events.append((sent, n * duration, SAMPLES))
        events.sort(key=lambda event: event[0])
        arrival = 0.0
        for sent, captured, samples in events:
            arrival = max(arrival, sent + random.uniform(0, self.network_s))
            yield 100.0 + arrival, captured, samples


@dataclass
class Played:
    """What both timelines made of a scene: (true second, pts in seconds)."""

    video: list[tuple[float, float]]
    audio: list[tuple[float, float]]
    audio_pts: list[int]
    audio_timeline: AudioTimeline
    video_timeline: VideoTimeline

    def drift_s(self, after_s: float = 0.0) -> float:
        """Return how far sound strays from pictures of the same instant, at worst."""
        picture_offset = self.video[0][1] - self.video[0][0]
        return max(abs(pts - true - picture_offset) for true, pts in self.audio if true >= after_s)

    def spread_s(self, after_s: float) -> float:
        """Return how much the distance of sound and pictures changes."""
        offsets = [pts - true for true, pts in self.audio if true >= after_s]
        return max(offsets) - min(offsets)

    def steps(self) -> set[int]:
        return {after - before for before, after in pairwise(self.audio_pts)}


def placed(
    audio: AudioTimeline,
    samples: int,
    video_pts: int | None,
    arrival_s: float,
    *,
    video_arrival_s: float | None = None,
) -> int:
    """Return the pts of a frame that must not be left out."""
    pts = audio.advance(samples, video_pts, arrival_s, video_arrival_s=video_arrival_s)
    assert pts is not None
    return pts


def play(
    scene: Scene, *, tells_video_arrival: bool = True, start_us: int = 3_000_000_000
) -> Played:
    video = VideoTimeline(15.0, origin_s=100.0)
    audio = AudioTimeline(RATE, origin_s=100.0)
    played = Played([], [], [], audio, video)
    video_arrival_s = None
    for arrival_s, captured_s, samples in scene.packets():
        if samples is None:
            pts = video.advance((start_us + round(captured_s * 1e6)) % WRAP_US, arrival_s)
            played.video.append((captured_s, pts / 90_000))
            video_arrival_s = arrival_s if tells_video_arrival else None
        else:
            pts = placed(audio, samples, video.pts, arrival_s, video_arrival_s=video_arrival_s)
            played.audio.append((captured_s, pts / RATE))
            played.audio_pts.append(pts)
    return played


@pytest.mark.parametrize(("audio_ppm", "tells_video_arrival"), [(200.0, False), (-200.0, True)])
def test_two_hours_with_wraps_and_a_wrong_audio_clock_drift_less_than_40_ms(
    audio_ppm: float, tells_video_arrival: bool
) -> None:
    scene = Scene(7200.0, audio_ppm=audio_ppm, network_s=0.03)
    played = play(scene, tells_video_arrival=tells_video_arrival)
    assert played.video_timeline.wraps == 2
    assert played.video_timeline.jumps == played.video_timeline.clamps == 0
    worst = max(abs(pts - true - played.video[0][1]) for true, pts in played.video)
    assert worst < 0.0001
    assert played.drift_s() < 0.040
    assert played.audio_timeline.steps == 0
    assert all(SAMPLES - 7 < step < SAMPLES + 7 for step in played.steps())


def test_a_clean_stream_is_counted_exactly() -> None:
    played = play(Scene(120.0, network_s=0.01))
    assert played.steps() == {SAMPLES}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_interleaving_jitter_of_150_ms_causes_no_discontinuity(seed: int) -> None:
    played = play(Scene(600.0, audio_ppm=100.0, interleaving_s=0.15, seed=seed))
    assert played.audio_timeline.steps == 0
    assert all(SAMPLES - 7 < step < SAMPLES + 7 for step in played.steps())
    assert played.spread_s(after_s=60.0) < 0.040


def _synchronous(audio: AudioTimeline, seconds: float, start_s: float, *, ahead_s: float = 0.0,
                 with_video: bool = True) -> list[int]:  # fmt: skip
    """Feed frames whose video says they lie at ``ahead_s`` behind their arrival."""
    stamps = []
    for n in range(int(seconds * RATE / SAMPLES)):
        now_s = start_s + n * SAMPLES / RATE
        video_pts = round((now_s + ahead_s) * 90_000) if with_video else None
        pts = audio.advance(SAMPLES, video_pts, now_s, video_arrival_s=now_s)
        if pts is not None:
            stamps.append(pts)
    return stamps


def test_the_first_frame_lies_at_the_picture_before_it() -> None:
    assert AudioTimeline(RATE).advance(SAMPLES, 90_000, 17.0) == RATE
    assert AudioTimeline(8000).advance(480, 45, 17.0) == 4
    assert AudioTimeline(RATE).advance(SAMPLES, 90_000, 17.0, video_arrival_s=3.0) == RATE


def test_the_first_frame_without_video_lies_behind_the_origin() -> None:
    assert AudioTimeline(RATE).advance(SAMPLES, None, 17.0) == 0
    assert AudioTimeline(RATE, origin_s=16.5).advance(SAMPLES, None, 17.0) == RATE // 2


def test_samples_are_counted_from_then_on() -> None:
    audio = AudioTimeline(8000)
    stamps = [audio.advance(n, 0, 5.0) for n in (480, 1, 160, 480)]
    assert stamps == [0, 480, 481, 641]


def test_stale_video_says_nothing() -> None:
    audio = AudioTimeline(RATE)
    stamps = [audio.advance(SAMPLES, 0, n * SAMPLES / RATE) for n in range(1000)]
    assert stamps == [n * SAMPLES for n in range(1000)]


@pytest.mark.parametrize("frozen_s", [1.0, 1.9, 30.0])
def test_sound_goes_on_while_pictures_are_missing(frozen_s: float) -> None:
    audio = AudioTimeline(RATE)
    stamps = _synchronous(audio, 10.0, 0.0)
    for n in range(len(stamps), len(stamps) + int(frozen_s * RATE / SAMPLES)):
        stamps.append(placed(audio, SAMPLES, 898_560, n * SAMPLES / RATE, video_arrival_s=9.984))
    stamps += _synchronous(audio, 10.0, len(stamps) * SAMPLES / RATE)
    assert {after - before for before, after in pairwise(stamps)} == {SAMPLES}


def test_an_error_is_slewed_by_half_a_percent_at_most() -> None:
    audio = AudioTimeline(RATE)
    _synchronous(audio, 10.0, 0.0)
    stamps = _synchronous(audio, 120.0, 10.0, ahead_s=0.2)
    steps = {after - before for before, after in pairwise(stamps)}
    assert max(steps) <= SAMPLES + 6
    assert min(steps) == SAMPLES
    assert abs(stamps[-1] - round((130.0 - SAMPLES / RATE + 0.2) * RATE)) < 0.02 * RATE + SAMPLES
    assert audio.steps == 0
    assert not audio.is_slewing


def test_sound_that_is_a_little_ahead_is_slewed_and_never_goes_back() -> None:
    audio = AudioTimeline(RATE)
    stamps = _synchronous(audio, 10.0, 0.0) + _synchronous(audio, 20.0, 10.0, ahead_s=-0.2)
    assert all(SAMPLES - 7 < after - before <= SAMPLES for before, after in pairwise(stamps))
    assert audio.is_slewing
    assert audio.steps == 0


@pytest.mark.parametrize("ahead_s", [0.4, 5.0])
def test_sound_that_is_far_ahead_is_left_out_until_its_time(ahead_s: float) -> None:
    audio = AudioTimeline(RATE)
    stamps = _synchronous(audio, 10.0, 0.0) + _synchronous(audio, 20.0, 10.0, ahead_s=-ahead_s)
    assert all(after > before for before, after in pairwise(stamps))
    assert audio.left_out * SAMPLES / RATE == pytest.approx(ahead_s, abs=0.1)
    assert stamps[-1] / RATE == pytest.approx(30.0 - ahead_s, abs=2 * SAMPLES / RATE)
    assert audio.steps == 0


def test_sound_goes_on_where_the_picture_that_says_it_is_ahead_stands_still() -> None:
    audio = AudioTimeline(RATE)
    _synchronous(audio, 10.0, 0.0)
    left = _synchronous(audio, 3.0, 10.0, ahead_s=-5.0)
    assert audio.left_out
    more = [
        audio.advance(SAMPLES, 8 * 90_000, 13.0 + n * SAMPLES / RATE, video_arrival_s=13.0)
        for n in range(int(20 * RATE / SAMPLES))
    ]
    assert len(left) + sum(pts is not None for pts in more) > 15 * RATE / SAMPLES


def test_sustained_lag_above_300_ms_is_one_step_forward() -> None:
    audio = AudioTimeline(RATE)
    _synchronous(audio, 10.0, 0.0)
    stamps = _synchronous(audio, 20.0, 10.0, ahead_s=3.0)
    steps = [after - before for before, after in pairwise(stamps)]
    assert audio.steps == 1
    assert [step for step in steps if step > SAMPLES + 6] == [
        pytest.approx(SAMPLES + 3 * RATE, abs=300)
    ]
    begin = next(n for n, step in enumerate(steps) if step > SAMPLES + 6)
    assert 1.5 < begin * SAMPLES / RATE < 4.0, "not at once, and not late"


def test_a_short_excursion_is_no_reason_to_step() -> None:
    audio = AudioTimeline(RATE)
    stamps = _synchronous(audio, 10.0, 0.0)
    stamps += _synchronous(audio, 1.0, 10.0, ahead_s=5.0)
    stamps += _synchronous(audio, 10.0, 11.0 - SAMPLES / RATE)
    assert audio.steps == 0
    assert {after - before for before, after in pairwise(stamps)} == {SAMPLES}


def test_a_burst_after_a_stall_changes_nothing() -> None:
    scene = list(Scene(60.0).packets())
    video, audio = VideoTimeline(15.0), AudioTimeline(RATE)
    stamps = []
    video_arrival_s = 0.0
    for arrival_s, captured_s, samples in scene:
        now_s = max(arrival_s, 129.0) if arrival_s > 120.0 else arrival_s
        if samples is None:
            video.advance(round(captured_s * 1e6), now_s)
            video_arrival_s = now_s
        else:
            stamps.append(placed(audio, samples, video.pts, now_s, video_arrival_s=video_arrival_s))
    assert {after - before for before, after in pairwise(stamps)} == {SAMPLES}


def test_bursts_all_the_time_change_nothing() -> None:
    video, audio = VideoTimeline(15.0), AudioTimeline(RATE)
    stamps = []
    for arrival_s, captured_s, samples in Scene(120.0).packets():
        now_s = math.ceil(arrival_s)
        if samples is None:
            video.advance(round(captured_s * 1e6), now_s)
        else:
            stamps.append(placed(audio, samples, video.pts, now_s))
    assert audio.steps == 0
    assert all(SAMPLES - 7 < after - before < SAMPLES + 7 for before, after in pairwise(stamps))
    assert stamps[-1] / RATE == pytest.approx(120.0, abs=0.15)


def test_sound_without_video_follows_the_arrivals() -> None:
    audio, jitter = AudioTimeline(RATE, origin_s=0.0), Random(3)
    duration = SAMPLES / RATE * 1.0002
    for n in range(28_000):  # half an hour
        pts = placed(audio, SAMPLES, None, n * duration + jitter.uniform(0, 0.2))
    assert pts / RATE == pytest.approx(27_999 * duration, abs=0.04)
    assert audio.steps == 0


def test_sound_without_video_ignores_a_stall_that_catches_up() -> None:
    audio = AudioTimeline(RATE)
    stamps = []
    for n in range(2000):
        now_s = n * SAMPLES / RATE
        stamps.append(placed(audio, SAMPLES, None, max(now_s, 55.0) if now_s > 50 else now_s))
    assert {after - before for before, after in pairwise(stamps)} == {SAMPLES}


def test_video_that_comes_late_takes_over() -> None:
    audio = AudioTimeline(RATE, origin_s=0.0)
    _synchronous(audio, 5.0, 0.0, with_video=False)
    stamps = _synchronous(audio, 30.0, 5.0, ahead_s=0.1)
    assert audio.steps == 0
    assert stamps[-1] / RATE == pytest.approx(35.0 - SAMPLES / RATE + 0.1, abs=0.08)


def test_after_a_restart_sound_lies_at_the_fresh_video() -> None:
    audio = AudioTimeline(RATE)
    _synchronous(audio, 5.0, 0.0)
    audio.restart(9.0)
    assert audio.advance(SAMPLES, 900_000, 10.0, video_arrival_s=10.0) == 10 * RATE
    assert audio.steps == 0


def test_after_a_restart_video_from_before_it_says_nothing() -> None:
    audio = AudioTimeline(RATE)
    (*_, last) = _synchronous(audio, 5.0, 0.0)
    audio.restart(6.0)
    old_video_pts = round(77 * SAMPLES / RATE * 90_000)
    passed = placed(audio, SAMPLES, old_video_pts, 6.0) - last
    assert passed == pytest.approx(RATE, abs=2 * SAMPLES)


def test_after_a_restart_without_video_real_time_has_passed() -> None:
    audio = AudioTimeline(RATE, origin_s=0.0)
    (*_, last) = _synchronous(audio, 5.0, 0.0, with_video=False)
    audio.restart(9.0)
    assert audio.advance(SAMPLES, None, 10.0) == pytest.approx(10 * RATE, abs=SAMPLES)
    assert placed(audio, SAMPLES, None, 10.0) > last


def test_after_a_restart_sound_never_goes_back() -> None:
    audio = AudioTimeline(RATE)
    (*_, last) = _synchronous(audio, 5.0, 0.0)
    audio.restart(5.0)
    assert audio.advance(SAMPLES, 90_000, 5.0) == last + SAMPLES


def test_a_frame_without_samples_is_our_error() -> None:
    with pytest.raises(LocalProtocolError):
        AudioTimeline(RATE).advance(0, None, 0.0)
    with pytest.raises(LocalProtocolError):
        AudioTimeline(0)


@given(
    st.lists(
        st.tuples(
            st.integers(1, 4096),
            st.none() | st.integers(0, 1 << 40),
            st.floats(-1.0, 20.0),
        ),
        min_size=2,
        max_size=60,
    )
)
@settings(max_examples=100)
def test_audio_pts_increase_whatever_comes(
    frames: list[tuple[int, int | None, float]],
) -> None:
    audio = AudioTimeline(8000)
    now_s, stamps = 0.0, []
    for position, (samples, video_pts, passed_s) in enumerate(frames):
        now_s += passed_s
        if position % 13 == 12:
            audio.restart(now_s)
        pts = audio.advance(samples, video_pts, now_s)
        if pts is not None:
            stamps.append((pts, samples))
    for (before, samples), (after, _) in pairwise(stamps):
        assert after > before
        assert after >= before + samples * 0.995 - 1


def test_pictures_dropped_while_the_line_was_slow_do_not_set_media_time_back() -> None:
    """A camera keeps what it can while nothing gets through, and then sends that in a burst."""
    timeline, frames = VideoTimeline(), 20
    for number in range(10 * frames):  # ten seconds, all well
        timeline.advance(number * 50_000, number / frames)
    for number in (*range(10 * frames, 11 * frames), *range(17 * frames, 19 * frames)):
        timeline.advance(number * 50_000, 19.0)
    assert timeline.jumps == 0
    assert timeline.advance(19 * 1_000_000, 19.0) == 19 * VIDEO_CLOCK_RATE


def test_a_clock_that_steps_while_pictures_are_on_time_is_still_a_jump() -> None:
    timeline, frames = VideoTimeline(), 20
    for number in range(30 * frames):
        timeline.advance(number * 50_000, number / frames + 0.3 * (number % 7 == 0))
    before = timeline.pts
    assert before is not None
    after = timeline.advance(30 * 1_000_000 + 5_000_000, 30.0)
    assert timeline.jumps == 1
    assert after - before < VIDEO_CLOCK_RATE // 2


def test_a_camera_clock_that_runs_slow_for_a_day_does_not_make_jumps_believable() -> None:
    timeline, camera_us, arrival_s = VideoTimeline(), 0, 0.0
    for _ in range(86_400):
        camera_us, arrival_s = camera_us + 999_900, arrival_s + 1.0  # 100 ppm slow, one a second
        timeline.advance(camera_us % (1 << 32), arrival_s)
    timeline.advance((camera_us + 9_000_000) % (1 << 32), arrival_s + 1.0)
    assert timeline.jumps == 0  # at one picture a second nine seconds are a gap, not a jump
    for number in range(1, 60):
        timeline.advance(
            (camera_us + 9_000_000 + number * 50_000) % (1 << 32), arrival_s + 1 + number / 20
        )
    timeline.advance((camera_us + 17_000_000) % (1 << 32), arrival_s + 4.05)
    assert timeline.jumps == 1
