from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neolink.media.assembler import MAX_ENHANCEMENT, MAX_PARAMETER_SET, VideoAssembler
from neolink.media.nal import join_annex_b, split_annex_b
from neolink.media.tracks import VideoCodec
from neolink.media.units import AccessUnit

SPS = bytes.fromhex("6742001eda0280f640")  # 640x480 Baseline 3.0
SPS_320X240 = bytes.fromhex("6742001eda0507e4")
SPS_25_FPS = bytes.fromhex("6742001eda0280f684000003000400000300ca")
PPS = b"\x68\xce\x3c\x80"
PPS_1 = b"\x68\x4e\x3c\x80"
IDR = b"\x65\x88\x84\x00\x10"
P_SLICE = b"\x41\x9a\x02\x03\x04"
I_SLICE = b"\x41\x88\x84\x00\x10"
SEI = b"\x06\x05\x03abc\x80"
RECOVERY_POINT = b"\x06\x06\x01\xc4\x80"
DELIMITER = b"\x09\x10"
FILLER = b"\x0c\xff\xff\x80"


def _unit(*nal_units: bytes) -> bytes:
    return join_annex_b(nal_units)


def _kept(access_unit: AccessUnit | None) -> list[bytes]:
    assert access_unit is not None
    return [bytes(nal) for nal in access_unit.nal_units]


@pytest.fixture
def assembler() -> VideoAssembler:
    return VideoAssembler(VideoCodec.H264)


@pytest.fixture
def running() -> VideoAssembler:
    assembler = VideoAssembler(VideoCodec.H264)
    assert assembler.assemble(_unit(SPS, PPS, IDR), 0)
    return assembler


def test_captured_stream_becomes_access_units(
    assembler: VideoAssembler, captured_iframe: bytes, captured_pframe: bytes
) -> None:
    first = assembler.assemble(captured_iframe, 0)
    second = assembler.assemble(captured_pframe, 5580)
    assert first is not None
    assert second is not None
    assert (first.is_random_access, second.is_random_access) == (True, False)
    assert (first.pts, second.pts) == (0, 5580)
    assert [nal[0] for nal in first.nal_units] == 4 * [0x65]
    assert [nal[0] for nal in second.nal_units] == 4 * [0x41]
    assert first.track is second.track is assembler.track
    assert (first.track.width, first.track.height) == (2560, 1440)
    assert first.track.profile == "High"
    sets = [bytes(nal) for nal in split_annex_b(captured_iframe)[:2]]
    assert list(first.track.parameter_sets.nal_units) == sets
    assert assembler.rejected == 0


def test_captured_h265_start_has_its_track(captured_hevc_start: bytes) -> None:
    assembler = VideoAssembler(VideoCodec.H265, nominal_frame_rate=20.0)
    access_unit = assembler.assemble(captured_hevc_start, 0)
    assert access_unit is not None
    assert access_unit.is_random_access
    track = access_unit.track
    assert (track.codec, track.width, track.height) == (VideoCodec.H265, 3840, 2160)
    assert [nal[0] for nal in track.parameter_sets.nal_units] == [0x40, 0x42, 0x44]


def test_h265_without_vps_is_not_complete(captured_hevc_start: bytes) -> None:
    units = split_annex_b(captured_hevc_start)
    assembler = VideoAssembler(VideoCodec.H265)
    assert assembler.assemble(join_annex_b(units[1:]), 0) is None
    assert assembler.track is None
    assert assembler.assemble(join_annex_b(units), 1) is not None


def test_nothing_comes_before_parameter_sets(assembler: VideoAssembler) -> None:
    assert assembler.assemble(_unit(P_SLICE), 0) is None
    assert assembler.assemble(_unit(IDR), 1) is None
    assert assembler.assemble(_unit(SPS, IDR), 2) is None
    assert assembler.track is None
    assert assembler.rejected == 0


def test_nothing_comes_before_a_random_access_point(assembler: VideoAssembler) -> None:
    assert assembler.assemble(_unit(SPS, PPS), 0) is None
    assert assembler.track is not None
    assert assembler.assemble(_unit(P_SLICE), 1) is None
    assert _kept(assembler.assemble(_unit(IDR), 2)) == [IDR]
    assert _kept(assembler.assemble(_unit(P_SLICE), 3)) == [P_SLICE]


def test_parameter_sets_may_come_in_parts(assembler: VideoAssembler) -> None:
    assembler.assemble(_unit(SPS), 0)
    assembler.assemble(_unit(PPS), 0)
    assert _kept(assembler.assemble(_unit(IDR), 0)) == [IDR]


def test_delimiters_filler_and_parameter_sets_are_removed(assembler: VideoAssembler) -> None:
    stream = _unit(DELIMITER, SPS, PPS, SEI, IDR, IDR, FILLER, b"\x0a", b"\x0b", b"\x78\x00\x01")
    assert _kept(assembler.assemble(stream, 0)) == [SEI, IDR, IDR]


def test_a_unit_without_picture_is_no_access_unit(running: VideoAssembler) -> None:
    for stream in (
        b"",
        b"garbage",
        _unit(SEI),
        _unit(DELIMITER),
        _unit(SPS, PPS),
        _unit(b"\x0e\x80"),
    ):
        assert running.assemble(stream, 1) is None
    assert running.rejected == 0
    assert _kept(running.assemble(_unit(P_SLICE), 2)) == [P_SLICE]


def test_an_oversized_sei_is_dropped(running: VideoAssembler) -> None:
    large = b"\x06\x05" + b"\xff" * MAX_ENHANCEMENT
    assert _kept(running.assemble(_unit(large, P_SLICE), 1)) == [P_SLICE]


def test_a_recovery_point_with_i_slices_begins_a_stream(assembler: VideoAssembler) -> None:
    assert assembler.assemble(_unit(SPS, PPS, I_SLICE), 0) is None
    access_unit = assembler.assemble(_unit(RECOVERY_POINT, I_SLICE), 1)
    assert access_unit is not None
    assert access_unit.is_random_access


def test_repeated_parameter_sets_keep_the_track(running: VideoAssembler) -> None:
    track = running.track
    for stream in (_unit(SPS, PPS, IDR), _unit(SPS, SPS, PPS, PPS, IDR), _unit(PPS, P_SLICE)):
        access_unit = running.assemble(stream, 1)
        assert access_unit is not None
        assert access_unit.track is track


@pytest.mark.parametrize(
    "changed", [(SPS_320X240, PPS), (SPS, PPS + b"\x80"), (SPS, PPS, PPS_1), (SPS, PPS_1)]
)
def test_changed_parameter_sets_make_a_new_track(
    running: VideoAssembler, changed: tuple[bytes, ...]
) -> None:
    before = running.track
    access_unit = running.assemble(_unit(*changed, IDR), 1)
    assert access_unit is not None
    assert access_unit.track is running.track
    assert access_unit.track != before
    assert access_unit.track.parameter_sets.nal_units == changed


def test_changed_parameter_sets_need_a_random_access_point(running: VideoAssembler) -> None:
    assert running.assemble(_unit(SPS_320X240, PPS, P_SLICE), 1) is None
    assert running.assemble(_unit(P_SLICE), 2) is None
    assert running.assemble(_unit(IDR), 3) is not None


def test_a_pps_alone_joins_the_known_ones(running: VideoAssembler) -> None:
    running.assemble(_unit(PPS_1, IDR), 1)
    assert running.track is not None
    assert running.track.parameter_sets.pps == (PPS, PPS_1)


def test_an_sps_alone_ends_the_validity_of_old_pps(running: VideoAssembler) -> None:
    assert running.assemble(_unit(SPS_320X240, IDR), 1) is None
    assert running.track is None
    assert running.assemble(_unit(PPS, IDR), 2) is not None


@pytest.mark.parametrize(
    ("damaged", "reason"),
    [
        (SPS[:5], "more bits"),
        (b"\x67", "got 1"),
        (b"\x67" + b"\x42" * MAX_PARAMETER_SET, "at most 4096 bytes"),
        (b"\x68", "got 1"),
    ],
)
def test_damage_costs_the_unit_and_is_counted(
    running: VideoAssembler, damaged: bytes, reason: str
) -> None:
    track = running.track
    assert running.assemble(_unit(damaged, PPS, IDR), 1) is None
    assert running.rejected == 1
    assert reason in running.last_rejection
    assert running.assemble(_unit(P_SLICE), 2) is None, "it refers to the dropped picture"
    access_unit = running.assemble(_unit(SPS, PPS, IDR), 3)
    assert access_unit is not None
    assert access_unit.track is track


def test_a_flood_of_nal_units_is_rejected(running: VideoAssembler) -> None:
    assert running.assemble(b"\x00\x00\x01\x41" * 5000, 1) is None
    assert "5000" in running.last_rejection


def test_a_loss_is_bridged_to_the_next_random_access_point(running: VideoAssembler) -> None:
    running.await_random_access()
    assert running.assemble(_unit(P_SLICE), 1) is None
    assert running.assemble(_unit(IDR), 2) is not None


def test_access_units_never_hold_a_receive_buffer(running: VideoAssembler) -> None:
    stream = _unit(P_SLICE)
    buffer = bytearray(stream)
    access_unit = running.assemble(memoryview(buffer), 1)
    buffer[:] = bytes(len(buffer))
    assert _kept(access_unit) == [P_SLICE]
    kept = running.assemble(stream, 2)
    assert kept is not None
    assert kept.nal_units[0].obj is stream


@pytest.mark.parametrize(
    ("sps", "nominal", "expected"),
    [
        (SPS_25_FPS, None, 25.0),
        (SPS_25_FPS, 15.0, 25.0),
        (SPS, 12.5, 12.5),
        (SPS, 0.0, None),
        (SPS, 4000.0, None),
        (SPS, None, None),
    ],
)
def test_frame_rate_is_the_vuis_or_the_nominal_one(
    sps: bytes, nominal: float | None, expected: float | None
) -> None:
    assembler = VideoAssembler(VideoCodec.H264, nominal)
    assembler.assemble(_unit(sps, PPS, IDR), 0)
    assert assembler.track is not None
    assert assembler.track.frame_rate == expected
    assert assembler.frame_rate.value == (expected or 15.0)


def test_frame_rate_is_measured_where_nobody_tells(running: VideoAssembler) -> None:
    for position in range(1, 20):
        running.assemble(_unit(P_SLICE), position * 4500)
    assert running.frame_rate.value == 20.0
    assert running.track is not None
    assert running.track.frame_rate is None, "the description does not change under a player"


@given(st.lists(st.sampled_from([SPS, SPS_320X240, PPS, IDR, P_SLICE, SEI, SPS[:4]]), max_size=30))
@settings(max_examples=100)
def test_every_access_unit_is_complete(nal_units: list[bytes]) -> None:
    assembler = VideoAssembler(VideoCodec.H264)
    results = [assembler.assemble(_unit(nal), pts) for pts, nal in enumerate(nal_units)]
    access_units = [result for result in results if result]
    assert all(unit.nal_units and unit.track.parameter_sets.pps for unit in access_units)
    if access_units:
        assert access_units[0].is_random_access
    for before, after in pairwise(access_units):
        assert after.is_random_access or after.track is before.track


@given(st.binary(max_size=200), st.sampled_from(VideoCodec))
@settings(max_examples=200)
def test_garbage_never_raises(data: bytes, codec: VideoCodec) -> None:
    assembler = VideoAssembler(codec)
    assembler.assemble(data, 0)
    assembler.assemble(data.replace(b"\xff", b"\x00\x00\x01"), 1)
