"""H.265 payloads byte by byte (RFC 7798)."""

from neolink.media.tracks import ParameterSets, VideoCodec, VideoTrack
from neolink.media.units import AccessUnit
from neolink.rtp.packetizers.nal_units import Aggregation
from support.payloads import payloads_of

VPS = bytes.fromhex("40010c01")
SPS = bytes.fromhex("42010101")
PPS = bytes.fromhex("4401c1")
PREFIX_SEI = bytes.fromhex("4e010580")
TRACK = VideoTrack(VideoCodec.H265, ParameterSets(SPS, (PPS,), VPS), 640, 480)


def payloads(
    *nal_units: bytes,
    max_payload: int = 64,
    aggregate: Aggregation = Aggregation.PARAMETER_SETS,
    is_random_access: bool = False,
) -> list[bytes]:
    unit = AccessUnit(TRACK, tuple(map(memoryview, nal_units)), 0, is_random_access)
    return payloads_of(unit, max_payload, aggregate)


def test_nal_unit_that_fits_travels_alone_and_unchanged() -> None:
    slice_ = b"\x02\x01" + bytes(62)
    assert payloads(slice_) == [slice_]


def test_parameter_sets_precede_a_random_access_point_in_one_packet() -> None:
    idr = b"\x26\x01" + bytes(20)
    joined = bytes.fromhex("6001 0004 40010c01 0004 42010101 0003 4401c1 0004 4e010580")
    assert payloads(PREFIX_SEI, idr, is_random_access=True) == [joined, idr]


def test_aggregation_packet_takes_lowest_layer_and_temporal_id() -> None:
    high = bytes.fromhex("031a aa")  # trailing picture, layer 35, temporal id 2
    low = bytes.fromhex("020b bb")  # layer 1, temporal id 3
    (joined,) = payloads(high, low, aggregate=Aggregation.ALL)
    assert joined == bytes.fromhex("600a 0003 031aaa 0003 020bbb")


def test_large_nal_unit_is_cut_into_equal_fragments() -> None:
    nal = b"\x26\x01" + bytes(range(100))
    assert payloads(nal, max_payload=43) == [
        b"\x62\x01\x93" + bytes(range(40)),
        b"\x62\x01\x13" + bytes(range(40, 80)),
        b"\x62\x01\x53" + bytes(range(80, 100)),
    ]


def test_fragments_keep_layer_and_temporal_id() -> None:
    first, last = payloads(b"\x03\x1a" + bytes(63))
    assert (first[:3], last[:3]) == (b"\x63\x1a\x81", b"\x63\x1a\x41")
    assert (len(first), len(last)) == (64, 5)


def test_nal_units_shorter_than_their_header_vanish() -> None:
    assert payloads(b"", b"\x40", b"\x02\x01") == [b"\x02\x01"]
