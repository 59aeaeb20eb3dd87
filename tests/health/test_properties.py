"""Whatever is read, in whatever order: a judgement comes, and no state begins before it did."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from neolink.camera.status import CameraState
from neolink.errors import LoginRefusal
from neolink.health.summary import summary
from neolink.health.values import BridgeHealth, Health
from neolink.health.watch import HealthWatch
from neolink.hub.demand import DemandState
from neolink.media.tracks import StreamKind
from neolink.readings import BridgeReading, CameraReading, PlayerReading, StreamReading
from support.readings import (
    GAP_BOUNDS,
    bridge_reading,
    camera_reading,
    histogram,
    player_reading,
    process_reading,
    stream_reading,
)

numbers = st.floats(allow_nan=True, allow_infinity=True)
times = st.floats(min_value=-1e9, max_value=1e10)
counts = st.integers(min_value=0, max_value=1 << 40)
shares = st.none() | numbers
texts = st.text(max_size=300)
PHASES = ("connect", "login", "keep_alive", "stream", "media", "another")


@st.composite
def players(draw: st.DrawFn) -> PlayerReading:
    return player_reading(
        draw(st.integers(1, 4)),
        units_dropped=draw(counts),
        loss=draw(shares),
        is_playing=draw(st.booleans()),
        moves_down=draw(st.integers(0, 3)),
    )


@st.composite
def streams(draw: st.DrawFn) -> StreamReading:
    gaps = draw(st.lists(counts, min_size=len(GAP_BOUNDS) + 1, max_size=len(GAP_BOUNDS) + 1))
    reading = stream_reading(
        kind=draw(st.sampled_from(StreamKind)),
        state=draw(st.sampled_from(DemandState)),
        state_for_s=draw(numbers),
        nominal_fps=draw(shares),
        fps=draw(numbers),
        pictures=draw(counts),
        audio_frames=draw(counts),
        last_picture_age_s=draw(shares),
        last_key_frame_age_s=draw(shares),
        gop_s=draw(shares),
        frame_gaps=histogram(GAP_BOUNDS, gaps),
        av_drift_s=draw(shares),
        stalls=draw(counts),
        damages=draw(counts),
        sink_failures=draw(counts),
        players=tuple(draw(st.lists(players(), max_size=3))),
    )
    return reading if draw(st.booleans()) else replace(reading, presentation=None)


@st.composite
def cameras(draw: st.DrawFn) -> CameraReading:
    return camera_reading(
        draw(st.sampled_from(["porch", "garden", "{gate}"])),
        is_enabled=draw(st.booleans()),
        is_battery=draw(st.booleans()),
        state=draw(st.sampled_from(CameraState)),
        state_for_s=draw(times),
        refusal=draw(st.none() | st.sampled_from(LoginRefusal)),
        last_error=draw(texts),
        next_attempt_in_s=draw(shares),
        connects=draw(counts),
        errors=draw(st.dictionaries(st.sampled_from(PHASES), counts)),
        battery_percent=draw(st.none() | st.integers(0, 100)),
        missed_pings=draw(st.integers(0, 7)),
        streams=tuple(draw(st.lists(streams(), max_size=3, unique_by=lambda one: one.kind))),
    )


@st.composite
def bridges(draw: st.DrawFn) -> BridgeReading:
    process = process_reading(
        loop_lag_s=draw(numbers),
        open_descriptors=draw(counts),
        max_descriptors=draw(counts),
        queued_bytes=draw(counts),
        max_queued_bytes=draw(counts),
        restarts=draw(st.dictionaries(texts, counts, max_size=3)),
        is_ready=draw(st.booleans()),
    )
    given = tuple(draw(st.lists(cameras(), max_size=3, unique_by=lambda one: one.name)))
    reading = bridge_reading(cameras=len(given), given=given, process=process)
    return replace(reading, monotonic_s=draw(times), unix_s=draw(times))


def sinces(health: BridgeHealth) -> dict[tuple[str, StreamKind | None], Health]:
    found: dict[tuple[str, StreamKind | None], Health] = {}
    for camera in health.cameras:
        found[camera.name, None] = camera.health
        found |= {(camera.name, kind): one for kind, one in camera.streams.items()}
    return found


@given(st.lists(bridges(), max_size=8))
def test_any_sequence_of_readings_is_judged_and_since_never_goes_back(
    readings: list[BridgeReading],
) -> None:
    watch = HealthWatch()
    before: dict[tuple[str, StreamKind | None], Health] = {}
    for reading in readings:
        health = watch.update(reading)
        assert [one.name for one in health.cameras] == [one.name for one in reading.cameras]
        assert "\n" not in summary(health)
        now = sinces(health)
        for key, one in now.items():
            assert all(one.reasons)
            if key not in before:
                continue
            assert one.since_unix_s >= before[key].since_unix_s
            if one.state is before[key].state:
                assert one.since_unix_s == before[key].since_unix_s
        before = now


@given(st.lists(st.tuples(times, counts), max_size=400))
def test_what_is_remembered_is_bounded(steps: list[tuple[float, int]]) -> None:
    watch = HealthWatch()
    for at_s, count in steps:
        stream = stream_reading(damages=count, stalls=count, sink_failures=count)
        camera = camera_reading(streams=(stream,), errors={"keep_alive": count})
        reading = bridge_reading(cameras=1, given=(camera,))
        watch.update(replace(reading, monotonic_s=at_s, unix_s=at_s))
    judge = watch._cameras.get("porch")
    if judge is not None:
        assert len(judge._streams[StreamKind.MAIN]._damages._growth) <= 120
        assert len(judge._connection._losses._growth) <= 120
