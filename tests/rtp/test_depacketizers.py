"""Depacketizers against senders that lose, repeat, reorder, and lie."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neolink.errors import RemoteProtocolError
from neolink.rtp.depacketizers import nal_units
from neolink.rtp.depacketizers.aac import AacDepacketizer
from neolink.rtp.depacketizers.audio import ReceivedAudio
from neolink.rtp.depacketizers.h264 import H264Depacketizer
from neolink.rtp.depacketizers.h265 import H265Depacketizer
from neolink.rtp.depacketizers.nal_units import ReceivedAccessUnit
from neolink.rtp.depacketizers.pcm import PcmDepacketizer
from neolink.rtp.packet import RtpPacket


def packet(sequence: int, timestamp: int, payload: str, *, marker: bool = False) -> RtpPacket:
    return RtpPacket(marker, 96, sequence, timestamp, 1, bytes.fromhex(payload))


def unit(timestamp: int, *nal: str) -> ReceivedAccessUnit:
    return ReceivedAccessUnit(timestamp, tuple(map(bytes.fromhex, nal)))


def test_marker_ends_the_access_unit() -> None:
    depacketizer = H264Depacketizer()
    assert depacketizer.push(packet(1, 10, "78 0002 6764 0001 68")) == []
    assert depacketizer.push(packet(2, 10, "7c 85 01")) == []
    assert depacketizer.push(packet(3, 10, "7c 45 02", marker=True)) == [
        unit(10, "6764", "68", "650102")
    ]


def test_new_timestamp_ends_an_unmarked_access_unit() -> None:
    depacketizer = H264Depacketizer()
    assert depacketizer.push(packet(1, 10, "41 01")) == []
    assert depacketizer.push(packet(2, 20, "41 02", marker=True)) == [
        unit(10, "4101"),
        unit(20, "4102"),
    ]


def test_gap_drops_the_picture_it_may_have_touched_and_no_other() -> None:
    depacketizer = H264Depacketizer()
    depacketizer.push(packet(1, 10, "41 01"))
    assert depacketizer.push(packet(3, 10, "41 03", marker=True)) == []
    assert depacketizer.push(packet(4, 20, "41 04", marker=True)) == [unit(20, "4104")]
    assert (depacketizer.lost_packets, depacketizer.dropped_packets) == (1, 1)


def test_picture_whose_first_packet_may_be_lost_is_dropped() -> None:
    depacketizer = H264Depacketizer()
    assert depacketizer.push(packet(1, 10, "41 01", marker=True)) == [unit(10, "4101")]
    assert depacketizer.push(packet(3, 20, "41 03", marker=True)) == []


def test_repeated_and_overtaken_packets_are_ignored() -> None:
    depacketizer = H264Depacketizer()
    first = packet(65_535, 10, "41 01")
    depacketizer.push(first)
    assert depacketizer.push(first) == []
    assert depacketizer.push(replace(first, sequence=65_534)) == []
    assert depacketizer.push(packet(0, 10, "41 02", marker=True)) == [unit(10, "4101", "4102")]
    assert depacketizer.lost_packets == 0


def test_picture_with_an_unfinished_fragment_is_dropped() -> None:
    depacketizer = H264Depacketizer()
    depacketizer.push(packet(1, 10, "41 01"))
    assert depacketizer.push(packet(2, 10, "7c 85 01", marker=True)) == []
    assert depacketizer.push(packet(3, 20, "41 03", marker=True)) == [unit(20, "4103")]


def test_h265_forms_are_understood() -> None:
    depacketizer = H265Depacketizer()
    depacketizer.push(packet(1, 10, "6001 0003 40010c 0002 4201"))
    depacketizer.push(packet(2, 10, "6301 93 aa"))
    depacketizer.push(packet(3, 10, "6301 13 bb"))
    assert depacketizer.push(packet(4, 10, "6301 53 cc", marker=True)) == [
        unit(10, "40010c", "4201", "2701aabbcc")
    ]


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param("", id="empty"),
        pytest.param("60 41", id="type 0"),
        pytest.param("79 0000 0001 41", id="STAP-B"),
        pytest.param("7f 41", id="type 31"),
        pytest.param("78", id="STAP-A without a unit"),
        pytest.param("78 00", id="STAP-A ends inside a length"),
        pytest.param("78 0003 6764", id="STAP-A unit beyond the end"),
        pytest.param("78 0001 67 0000", id="STAP-A empty unit"),
        pytest.param("7c", id="FU-A without a header"),
        pytest.param("7c 85", id="FU-A without media"),
        pytest.param("7c c5 01", id="FU-A start and end at once"),
        pytest.param("7c 05 01", id="FU-A middle without a start"),
        pytest.param("7c 45 01", id="FU-A end without a start"),
    ],
)
def test_senseless_h264_payload_costs_only_its_picture(payload: str) -> None:
    depacketizer = H264Depacketizer()
    depacketizer.push(packet(1, 10, "41 01"))
    with pytest.raises(RemoteProtocolError):
        depacketizer.push(packet(2, 10, payload))
    assert depacketizer.push(packet(3, 10, "41 03", marker=True)) == []
    assert depacketizer.push(packet(4, 20, "41 04", marker=True)) == [unit(20, "4104")]


@pytest.mark.parametrize(
    "payload",
    ["", "02", "6001", "6001 0003 4001", "6201", "6201 93", "6201 d3 01", "6201 13 01", "6401 01"],
)
def test_senseless_h265_payload_is_refused(payload: str) -> None:
    with pytest.raises(RemoteProtocolError):
        H265Depacketizer().push(packet(1, 10, payload))


def test_new_nal_unit_inside_a_fragmented_one_is_refused() -> None:
    for payload in ("41 01", "7c 85 02", "78 0001 67"):
        depacketizer = H264Depacketizer()
        depacketizer.push(packet(1, 10, "7c 85 01"))
        with pytest.raises(RemoteProtocolError):
            depacketizer.push(packet(2, 10, payload))


def test_endless_access_unit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nal_units, "MAX_ACCESS_UNIT_LENGTH", 10 * 65)
    depacketizer = H264Depacketizer()
    for sequence in range(10):
        depacketizer.push(packet(sequence, 10, "41"))
    with pytest.raises(RemoteProtocolError, match="650"):
        depacketizer.push(packet(10, 10, "41"))


def test_aac_packet_may_hold_several_units() -> None:
    got = AacDepacketizer().push(packet(1, 0xFFFFFFFF, "0020 0010 0008 0102 03", marker=True))
    assert got == [ReceivedAudio(0xFFFFFFFF, b"\x01\x02"), ReceivedAudio(1023, b"\x03")]


def test_lost_fragment_costs_its_aac_unit_and_no_other() -> None:
    depacketizer = AacDepacketizer()
    assert depacketizer.push(packet(1, 10, "0010 0018 01")) == []
    assert depacketizer.push(packet(3, 10, "0010 0018 03", marker=True)) == []
    assert depacketizer.push(packet(5, 20, "0010 0008 05", marker=True)) == [
        ReceivedAudio(20, b"\x05")
    ]
    assert depacketizer.lost_packets == 2


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param("00", id="no AU headers length"),
        pytest.param("0000 01", id="no AU header"),
        pytest.param("000f 0008 01", id="header of 15 bits"),
        pytest.param("0020 0008", id="headers beyond the end"),
        pytest.param("0010 0009 01", id="interleaved"),
        pytest.param("0010 0000", id="empty unit"),
        pytest.param("0020 0008 0010 01", id="second unit beyond the end"),
        pytest.param("0010 0018", id="fragment without media"),
    ],
)
def test_senseless_aac_payload_is_refused(payload: str) -> None:
    with pytest.raises(RemoteProtocolError):
        AacDepacketizer().push(packet(1, 10, payload))


def test_marked_fragment_that_ends_too_early_is_refused() -> None:
    depacketizer = AacDepacketizer()
    depacketizer.push(packet(1, 10, "0010 0020 01"))
    with pytest.raises(RemoteProtocolError):
        depacketizer.push(packet(2, 10, "0010 0020 02", marker=True))
    assert depacketizer.push(packet(3, 20, "0010 0008 03", marker=True)) == [
        ReceivedAudio(20, b"\x03")
    ]


def test_samples_survive_a_gap_but_not_a_repetition() -> None:
    depacketizer = PcmDepacketizer(2)
    first = packet(1, 10, "0102")
    assert depacketizer.push(first) == [ReceivedAudio(10, b"\x01\x02")]
    assert depacketizer.push(first) == []
    assert depacketizer.push(packet(9, 20, "0304")) == [ReceivedAudio(20, b"\x03\x04")]
    assert depacketizer.lost_packets == 7


def test_half_a_sample_is_refused() -> None:
    with pytest.raises(RemoteProtocolError):
        PcmDepacketizer(2).push(packet(1, 10, "010203"))


@pytest.mark.parametrize(
    "factory", [H264Depacketizer, H265Depacketizer, AacDepacketizer, lambda: PcmDepacketizer(2)]
)
@given(
    steps=st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 1), st.booleans(), st.binary(max_size=12)),
        max_size=20,
    )
)
def test_garbage_raises_only_the_declared_error(
    factory: type[H264Depacketizer], steps: list[tuple[int, int, bool, bytes]]
) -> None:
    depacketizer = factory()
    sequence = timestamp = 0
    for step, tick, marker, payload in steps:
        sequence, timestamp = sequence + step, timestamp + tick
        try:
            depacketizer.push(RtpPacket(marker, 96, sequence, timestamp, 1, payload))
        except RemoteProtocolError:
            continue
