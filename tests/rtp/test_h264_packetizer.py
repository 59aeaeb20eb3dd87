"""H.264 payloads byte by byte (RFC 6184)."""

import pytest

from neolink.media.tracks import ParameterSets, VideoCodec, VideoTrack
from neolink.media.units import AccessUnit
from neolink.rtp.packetizers.nal_units import Aggregation
from support.payloads import payloads_of

SPS = bytes.fromhex("6764001f")
PPS = bytes.fromhex("68ee3c80")
SEI = bytes.fromhex("06050180")
TRACK = VideoTrack(VideoCodec.H264, ParameterSets(SPS, (PPS,)), 640, 480)


def payloads(
    *nal_units: bytes,
    max_payload: int = 64,
    aggregate: Aggregation = Aggregation.PARAMETER_SETS,
    is_random_access: bool = False,
) -> list[bytes]:
    unit = AccessUnit(TRACK, tuple(map(memoryview, nal_units)), 0, is_random_access)
    return payloads_of(unit, max_payload, aggregate)


def test_nal_unit_that_fits_travels_alone_and_unchanged() -> None:
    slice_ = b"\x41" + bytes(63)
    assert payloads(slice_) == [slice_]


def test_parameter_sets_precede_a_random_access_point_in_one_packet() -> None:
    idr = b"\x65" + bytes(20)
    joined = bytes.fromhex("78 0004 6764001f 0004 68ee3c80 0004 06050180")
    assert payloads(SEI, idr, is_random_access=True) == [joined, idr]


def test_parameter_sets_stay_away_from_other_pictures() -> None:
    assert payloads(b"\x41\x01") == [b"\x41\x01"]


def test_one_supplement_is_not_wrapped() -> None:
    assert payloads(SEI, b"\x41\x01") == [SEI, b"\x41\x01"]


def test_slices_are_joined_only_when_allowed() -> None:
    first, second = b"\x41\x01", b"\x01\x02\x03"
    assert payloads(first, second) == [first, second]
    joined = bytes.fromhex("58 0002 4101 0003 010203")
    assert payloads(first, second, aggregate=Aggregation.ALL) == [joined]


def test_nothing_is_joined_when_aggregation_is_off() -> None:
    got = payloads(b"\x65\x01", aggregate=Aggregation.OFF, is_random_access=True)
    assert got == [SPS, PPS, b"\x65\x01"]


def test_aggregation_packet_takes_importance_and_error_bit_of_its_worst() -> None:
    got = payloads(b"\x86\x01", b"\x26\x02")
    assert got[0][0] == 0x80 | 0x20 | 24


def test_aggregation_packet_is_full_at_max_payload() -> None:
    # 1 + (2 + 4) + (2 + 4) = 13
    assert [len(payload) for payload in payloads(SEI, SEI, SEI, max_payload=18)] == [13, 4]
    assert [len(payload) for payload in payloads(SEI, SEI, SEI, max_payload=19)] == [19]


def test_large_nal_unit_is_cut_into_equal_fragments() -> None:
    nal = b"\x65" + bytes(range(100))
    assert payloads(nal, max_payload=42) == [
        b"\x7c\x85" + bytes(range(40)),
        b"\x7c\x05" + bytes(range(40, 80)),
        b"\x7c\x45" + bytes(range(80, 100)),
    ]


def test_unit_one_byte_too_large_gives_two_fragments() -> None:
    first, last = payloads(b"\x41" + bytes(64))
    assert (first[:2], last[:2]) == (b"\x5c\x81", b"\x5c\x41")
    assert (len(first), len(last)) == (64, 4)


def test_oversized_parameter_set_is_cut_too() -> None:
    big = VideoTrack(VideoCodec.H264, ParameterSets(SPS + bytes(90), (PPS,)), 640, 480)
    unit = AccessUnit(big, (memoryview(b"\x65\x00"),), 0, is_random_access=True)
    got = payloads_of(unit, 64)
    assert [payload[:2] for payload in got] == [b"\x7c\x87", b"\x7c\x47", PPS[:2], b"\x65\x00"]


@pytest.mark.parametrize("aggregate", Aggregation)
def test_empty_nal_units_vanish(aggregate: Aggregation) -> None:
    assert payloads(b"", b"\x41\x01", b"", aggregate=aggregate) == [b"\x41\x01"]
    assert payloads(b"", aggregate=aggregate) == []
