"""Readings as StatsD datagrams: names, types, what was added, and how long a datagram is."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neolink.errors import LoginRefusal
from neolink.metrics.catalogue import CATALOGUE
from neolink.metrics.model import MetricType, Scope
from neolink.metrics.statsd import MAX_DATAGRAM, StatsdWriter, pack
from neolink.readings import BridgeReading
from support.readings import (
    bridge_reading,
    camera_reading,
    histogram,
    process_reading,
    stream_reading,
)


def lines_of(
    writer: StatsdWriter, reading: BridgeReading, health: dict[str, str] | None = None
) -> list[str]:
    return [
        line
        for datagram in writer.write(reading, health)
        for line in datagram.decode("ascii").split("\n")
    ]


def one_stream(**changes: object) -> BridgeReading:
    stream = replace(stream_reading(), **changes)  # type: ignore[arg-type]
    return bridge_reading(1, 0, given=(camera_reading(streams=(stream,)),))


def test_paths_are_prefix_name_and_labels_in_order() -> None:
    lines = lines_of(StatsdWriter("home.neo"), one_stream(), {"porch": "ok"})
    for line in (
        "home.neo.camera_connected.porch:1|g",
        "home.neo.frames_total.porch.main.video:90001|c",
        "home.neo.process_resident_memory_bytes:64000000|g",
        "home.neo.pool_bytes.idle:262144|g",
        "home.neo.camera_health.porch.ok:1|g",
        "home.neo.stream_fps.porch.main:24.9|g",
        "home.neo.frame_gap_seconds_count.porch.main:90000|c",
        "home.neo.frame_gap_seconds_sum.porch.main:3600|c",
    ):
        assert line in lines


def test_everything_but_names_and_single_players_is_told_with_its_type() -> None:
    camera = camera_reading(
        battery_percent=50,
        next_attempt_in_s=1.0,
        failures=2,
        refusal=LoginRefusal.ACCOUNT_LOCKED,
        streams=(stream_reading(sink_failures=1),),
    )
    process = process_reading(restarts={"sweep": 1})
    reading = bridge_reading(3, 8, given=(camera,), process=process)
    told = {
        (line.split(":")[0].split(".")[1], line.rpartition("|")[2])
        for line in lines_of(StatsdWriter("n"), reading, {"porch": "ok"})
    }
    for scope, metrics in CATALOGUE:
        for metric in metrics:
            name = metric.name.removeprefix("neolink_")
            kind = "g" if metric.type is MetricType.GAUGE else "c"
            ending = "_count" if metric.type is MetricType.HISTOGRAM else ""
            is_told = (name + ending, kind) in told
            is_left_out = scope is Scope.PLAYER or name.endswith("_info")
            assert is_told is not is_left_out, name


def test_counters_tell_what_was_added_and_nothing_if_that_is_nothing() -> None:
    writer = StatsdWriter("n")
    lines_of(writer, one_stream(pictures=100, frame_gaps=histogram((1.0,), (99, 0), 4.0)))
    later = one_stream(pictures=130, frame_gaps=histogram((1.0,), (128, 1), 7.5))
    lines = [line for line in lines_of(writer, later) if line.endswith("|c")]
    assert lines == [
        "n.frames_total.porch.main.video:30|c",
        "n.frame_gap_seconds_sum.porch.main:3.5|c",
        "n.frame_gap_seconds_count.porch.main:30|c",
    ]
    assert not [line for line in lines_of(writer, later) if line.endswith("|c")]


def test_a_counter_that_began_anew_is_told_from_0() -> None:
    writer = StatsdWriter("n")
    lines_of(writer, one_stream(pictures=100))
    assert "n.frames_total.porch.main.video:7|c" in lines_of(writer, one_stream(pictures=7))


def test_a_subject_that_comes_back_is_told_in_full() -> None:
    writer = StatsdWriter("n")
    for reading in (one_stream(pictures=100), bridge_reading(0)):
        lines_of(writer, reading)
    assert "n.frames_total.porch.main.video:9|c" in lines_of(writer, one_stream(pictures=9))


def test_a_gauge_below_0_is_not_taken_for_a_difference() -> None:
    lines = lines_of(StatsdWriter("n"), one_stream(av_drift_s=-0.25))
    place = lines.index("n.av_drift_seconds.porch.main:-0.25|g")
    assert lines[place - 1] == "n.av_drift_seconds.porch.main:0|g"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Back Door", "Back_Door"),
        ("a.b:c|d@e#f", "a_b_c_d_e_f"),
        ("Haustür", "Haust_r"),
        ("x\ny", "x_y"),
        ("n" * 200, "n" * 80),
    ],
)
def test_names_of_cameras_cannot_break_a_path(name: str, shown: str) -> None:
    lines = lines_of(StatsdWriter("n"), bridge_reading(1, 0, given=(camera_reading(name),)))
    assert f"n.camera_connected.{shown}:1|g" in lines


def test_cameras_whose_names_look_alike_add_up_in_their_common_path() -> None:
    def reading(first: int, second: int) -> BridgeReading:
        cameras = [
            camera_reading(name, connects=connects, streams=())
            for name, connects in (("a b", first), ("a_b", second))
        ]
        return bridge_reading(2, 0, given=tuple(cameras))

    writer = StatsdWriter("n")
    sums: Counter[str] = Counter()
    for counts in ((100, 50), (110, 51), (110, 60)):
        for line in lines_of(writer, reading(*counts)):
            path, _, value = line.removesuffix("|c").partition(":")
            if path == "n.camera_connects_total.a_b":
                sums[path] += int(value)
    assert sums["n.camera_connects_total.a_b"] == 110 + 60


def test_no_datagram_is_longer_than_a_frame_and_nothing_is_lost() -> None:
    reading = bridge_reading(20, 0)
    datagrams = list(StatsdWriter("neolink").write(reading))
    assert max(map(len, datagrams)) <= MAX_DATAGRAM
    assert len(datagrams) > 5
    everything = lines_of(StatsdWriter("neolink"), reading)
    assert len(everything) == sum(data.count(b"\n") + 1 for data in datagrams)
    fullest = sum(map(len, datagrams)) / len(datagrams)
    assert fullest > 0.9 * MAX_DATAGRAM


@given(st.lists(st.text("ab.:|1", min_size=1, max_size=40)), st.integers(10, 80))
def test_datagrams_hold_every_line_that_fits_in_order(lines: list[str], size: int) -> None:
    datagrams = list(pack(lines, size))
    assert all(0 < len(datagram) <= size for datagram in datagrams)
    assert b"\n".join(datagrams).decode().split("\n") == (
        [line for line in lines if len(line) <= size] or [""]
    )


def test_small_and_large_numbers_have_no_exponent() -> None:
    process = process_reading(cpu_s=1e-9, rss_bytes=10**15, loop_lag_s=1e-5)
    lines = lines_of(StatsdWriter("n"), bridge_reading(0, process=process))
    assert "n.process_resident_memory_bytes:1000000000000000|g" in lines
    assert "n.loop_lag_seconds:0.00001|g" in lines
    assert not any("e" in line.partition(":")[2] for line in lines)
