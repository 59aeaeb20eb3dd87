"""The text that Prometheus scrapes: byte for byte, as its own parser reads it, and in pieces."""

from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from neolink.camera.status import CameraState
from neolink.errors import LoginRefusal
from neolink.media.tracks import Presentation
from neolink.metrics.catalogue import CATALOGUE, HEALTH_STATES
from neolink.metrics.model import MAX_PLAYERS
from neolink.metrics.text import PIECE_LINES, render
from neolink.readings import BridgeReading, Transport
from support.media import AAC, H265
from support.readings import (
    bridge_reading,
    camera_reading,
    histogram,
    player_reading,
    process_reading,
    stream_reading,
)

GOLDEN = """
# HELP neolink_camera_connected 1 while the bridge is logged in to the camera.
# TYPE neolink_camera_connected gauge
neolink_camera_connected{camera="porch"} 1

# HELP neolink_ready 1 while players can connect.
# TYPE neolink_ready gauge
neolink_ready 1

# HELP neolink_frames_total Pictures and audio frames that the camera sent.
# TYPE neolink_frames_total counter
neolink_frames_total{camera="porch",stream="main",media="video"} 90001
neolink_frames_total{camera="porch",stream="main",media="audio"} 56250

# HELP neolink_frame_gap_seconds Time between pictures while they flow.
# TYPE neolink_frame_gap_seconds histogram
neolink_frame_gap_seconds_bucket{camera="porch",stream="main",le="0.05"} 7
neolink_frame_gap_seconds_bucket{camera="porch",stream="main",le="1.0"} 9
neolink_frame_gap_seconds_bucket{camera="porch",stream="main",le="+Inf"} 10
neolink_frame_gap_seconds_sum{camera="porch",stream="main"} 4.25
neolink_frame_gap_seconds_count{camera="porch",stream="main"} 10

# HELP neolink_camera_health 1 for the health of the camera as /health tells it, 0 for the others.
# TYPE neolink_camera_health gauge
neolink_camera_health{camera="porch",state="ok"} 1
neolink_camera_health{camera="porch",state="degraded"} 0

neolink_stream_info{camera="porch",stream="main",codec="H265",width="640",height="9",audio="AAC"} 1

neolink_camera_login_refused{camera="porch",reason="account_locked"} 1
"""
"""Parts of the text; a blank line stands for what is left out."""


def text_of(reading: BridgeReading, **health: str) -> str:
    return "".join(render(reading, health))


def samples_of(reading: BridgeReading, **health: str) -> list[Sample]:
    families = text_string_to_metric_families(text_of(reading, **health))
    return [sample for family in families for sample in family.samples]


def values_of(reading: BridgeReading, name: str, **labels: str) -> list[float]:
    """Return the values of all samples of this name with these labels among theirs."""
    return [
        sample.value
        for sample in samples_of(reading)
        if sample.name == name and labels.items() <= sample.labels.items()
    ]


def with_player(**changes: object) -> BridgeReading:
    player = replace(player_reading(3), **changes)  # type: ignore[arg-type]
    stream = stream_reading(players=(player,))
    return bridge_reading(1, 0, given=(camera_reading(streams=(stream,)),))


def test_text_is_as_the_format_says() -> None:
    presentation = Presentation(replace(H265, height=9), AAC)
    gaps = histogram((0.05, 1.0), (7, 2, 1), 4.25)
    stream = stream_reading(presentation=presentation, frame_gaps=gaps)
    camera = camera_reading(refusal=LoginRefusal.ACCOUNT_LOCKED, streams=(stream,))
    reading = bridge_reading(1, 0, given=(camera,))
    text = text_of(reading, porch="ok")
    for part in GOLDEN.strip("\n").split("\n\n"):
        assert part + "\n" in text, part
    assert text.endswith("\n")


def test_every_metric_is_named_typed_and_explained_even_without_cameras() -> None:
    families = {
        family.name: family for family in text_string_to_metric_families(text_of(bridge_reading(0)))
    }
    for _, metrics in CATALOGUE:
        for metric in metrics:
            family = families[metric.name.removesuffix("_total")]
            assert family.documentation == metric.help
            assert family.type == metric.type


def test_all_that_can_be_told_is_read_by_the_parser_of_others() -> None:
    players = tuple(
        player_reading(
            number,
            transport=transport,
            loss=0.25,
            lost_packets=4,
            jitter_s=0.002,
            round_trip_s=0.03,
        )
        for number, transport in enumerate(Transport, 1)
    )
    camera = camera_reading(
        state=CameraState.AUTH_FAILED,
        refusal=LoginRefusal.WRONG_CREDENTIALS,
        next_attempt_in_s=12.5,
        battery_percent=80,
        streams=(stream_reading(players=players),),
    )
    samples = samples_of(bridge_reading(1, 0, given=(camera,)), porch="auth_failed")
    told = {sample.name for sample in samples}
    for _, metrics in CATALOGUE:
        for metric in metrics:
            ending = "_bucket" if metric.type == "histogram" else ""
            assert metric.name + ending in told, f"{metric.name} has no sample"


def test_buckets_are_cumulative_and_end_with_the_count() -> None:
    reading = bridge_reading(1, 0)
    found = [one for one in samples_of(reading) if one.name == "neolink_frame_gap_seconds_bucket"]
    main = [one for one in found if one.labels["stream"] == "main"]
    assert [one.value for one in main] == sorted(one.value for one in main)
    assert main[-1].labels["le"] == "+Inf"
    count = values_of(reading, "neolink_frame_gap_seconds_count", stream="main")
    assert [main[-1].value] == count == [90_000]


@pytest.mark.parametrize(
    "name", ['a"b', "a\\b", "line\nbreak", "Haustür", "{x=1}", "tab\there", "\u2028", "a,b"]
)
def test_any_name_of_a_camera_arrives_as_it_is(name: str) -> None:
    reading = bridge_reading(1, 0, given=(camera_reading(name),))
    assert values_of(reading, "neolink_camera_connected", camera=name) == [1]


def test_what_a_camera_says_of_itself_is_cut() -> None:
    camera = camera_reading(model="m" * 1000, firmware="f" * 1000)
    reading = bridge_reading(1, 0, given=(camera,))
    (info,) = [one for one in samples_of(reading) if one.name == "neolink_camera_info"]
    assert (len(info.labels["model"]), len(info.labels["firmware"])) == (64, 64)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("neolink_player_loss_ratio", {"loss": None}),
        ("neolink_player_jitter_seconds", {"jitter_s": None}),
        ("neolink_player_lost_packets", {"lost_packets": None}),
        ("neolink_player_round_trip_seconds", {"round_trip_s": None}),
    ],
)
def test_what_a_player_does_not_report_has_no_line(name: str, changes: dict[str, None]) -> None:
    assert values_of(with_player(**changes), name) == []
    assert values_of(with_player(**dict.fromkeys(changes, 0)), name) == [0]


def test_without_a_limit_there_is_none_to_compare_with() -> None:
    boundless = process_reading(max_descriptors=0, max_queued_bytes=0)
    for name in ("process_max_fds", "neolink_queue_limit_bytes"):
        assert values_of(bridge_reading(0, process=boundless), name) == []
        assert len(values_of(bridge_reading(0), name)) == 1


def test_a_player_that_left_has_no_series_any_more() -> None:
    labels = {"player": "3", "camera": "porch", "stream": "main", "transport": "tcp"}
    assert values_of(with_player(), "neolink_player_playing", **labels) == [1]
    assert values_of(bridge_reading(1, 0), "neolink_player_playing") == []


def test_the_number_of_players_with_series_is_bounded_and_all_are_counted() -> None:
    reading = bridge_reading(2, MAX_PLAYERS + 50)
    numbers = {
        int(one.labels["player"])
        for one in samples_of(reading)
        if one.name == "neolink_player_sent_bytes_total"
    }
    assert numbers == set(range(1, MAX_PLAYERS + 1))
    assert sum(values_of(reading, "neolink_clients")) == MAX_PLAYERS + 50


def test_no_label_tells_who_or_where_somebody_is() -> None:
    text = text_of(with_player(user="somebody", agent="Spy/1.0", address="198.51.100.9:4711"))
    for secret in ("somebody", "Spy", "198.51.100.9", "4711", "192.0.2.7"):
        assert secret not in text


def test_every_state_of_health_has_a_line_and_one_of_them_is_1() -> None:
    found = [
        one
        for one in samples_of(bridge_reading(1, 0), cam1="asleep")
        if one.name == "neolink_camera_health"
    ]
    assert {one.labels["state"] for one in found} == set(HEALTH_STATES)
    assert [one.labels["state"] for one in found if one.value] == ["asleep"]


def test_text_comes_in_pieces_of_whole_lines_and_bounded_length() -> None:
    pieces = list(render(bridge_reading(30, 100)))
    assert len(pieces) > 3
    for piece in pieces:
        assert piece.endswith("\n")
        assert piece.count("\n") < PIECE_LINES + 50
    names = [one.name for one in text_string_to_metric_families("".join(pieces))]
    assert len(names) == len(set(names)), "a metric must not be torn apart"
