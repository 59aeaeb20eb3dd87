"""The strict player: what it accepts, and that each rule is kept."""

from collections.abc import Iterable

import pytest
from soak.witness import Witness

from neolink.media.tracks import StreamKind
from neolink.rtp.packet import RtpPacket
from neolink.rtp.rtcp import Bye, SenderReport
from neolink.rtsp.sdp import MediaDescription

VIDEO = MediaDescription("video", 96, "H264", 90_000, "trackID=0")
AUDIO = MediaDescription("audio", 97, "L16", 8000, "trackID=1", channels=1)
IDR, SPS, PPS, SLICE = b"\x65abc", b"\x67abc", b"\x68abc", b"\x41abc"


def picture(sequence: int, timestamp: int, *nals: bytes) -> list[bytes]:
    return [
        RtpPacket(
            marker=index == len(nals) - 1,
            payload_type=96,
            sequence=sequence + index & 0xFFFF,
            timestamp=timestamp & 0xFFFFFFFF,
            ssrc=5,
            payload=nal,
        ).serialize()
        for index, nal in enumerate(nals)
    ]


def witness_of(packets: Iterable[bytes], *, is_udp: bool = False, step_s: float = 0.01) -> Witness:
    witness = Witness("w", 0, StreamKind.MAIN, is_udp)
    witness.begin_session([VIDEO, AUDIO], 0.0)
    for index, packet in enumerate(packets):
        witness.take_rtp(0, packet, index * step_s)
    return witness


def texts(witness: Witness) -> list[str]:
    return [violation.text for violation in witness.violations]


def test_a_right_stream_violates_nothing_over_both_wraps() -> None:
    packets = picture(65_533, -100, SPS, PPS, IDR)
    for index in range(10):
        packets += picture(index, 3500 + 3600 * index, SLICE)
    witness = witness_of(packets)
    assert texts(witness) == []
    assert witness.units == 11
    assert witness.wraps == 1


def test_a_gap_in_the_sequence_is_seen_over_tcp_and_counted_over_udp() -> None:
    packets = [*picture(10, 0, SPS, PPS, IDR), *picture(15, 3600, SPS, PPS, IDR)]
    assert "sequence 15 after 12" in texts(witness_of(packets))[0]
    over_udp = witness_of(packets, is_udp=True)
    assert texts(over_udp) == []
    assert over_udp.lost_packets == 2


@pytest.mark.parametrize("timestamp", [0, -1])
def test_time_must_move_on(timestamp: int) -> None:
    packets = [*picture(1, 0, SPS, PPS, IDR), *picture(4, timestamp, SPS, PPS, IDR)]
    # the same timestamp behind a marker is another picture at the same time
    assert any("timestamp" in text for text in texts(witness_of(packets)))


@pytest.mark.parametrize("nals", [(SLICE,), (IDR,), (SPS, IDR)])
def test_the_first_picture_must_be_an_entry(nals: tuple[bytes, ...]) -> None:
    assert texts(witness_of(picture(1, 0, *nals))) == ["a picture that no decoder can begin with"]


def test_after_a_loss_pictures_count_as_undecodable_until_an_entry() -> None:
    packets = picture(1, 0, SPS, PPS, IDR)
    packets += picture(5, 3600, SLICE) + picture(6, 7200, SLICE) + picture(7, 10_800, SPS, PPS, IDR)
    witness = witness_of(packets, is_udp=True)
    assert witness.undecodable == 1  # the picture that the loss touched is not given out at all
    assert witness.units == 3


@pytest.mark.parametrize(
    ("nals", "is_wrong"), [((SPS, PPS, IDR), False), ((SLICE,), True), ((IDR,), True)]
)
def test_who_reads_slowly_may_lose_whole_groups_only(
    nals: tuple[bytes, ...], is_wrong: bool
) -> None:
    witness = Witness("w", 0, StreamKind.MAIN, is_udp=False, may_lose_groups=True)
    witness.begin_session([VIDEO], 0.0)
    for packet in (*picture(1, 0, SPS, PPS, IDR), *picture(9, 7200, *nals)):
        witness.take_rtp(0, packet, 0.0)
    assert bool(witness.violations) is is_wrong
    assert witness.units == 2
    assert witness.lost_packets == 5


def test_another_ssrc_or_payload_type_is_seen() -> None:
    packets = picture(1, 0, SPS, PPS, IDR)
    changed = RtpPacket(True, 98, 4, 3600, 6, SLICE).serialize()
    assert texts(witness_of([*packets, changed])) == ["payload type 98", "another SSRC"]


def test_bye_and_reports_of_others_are_seen() -> None:
    witness = witness_of(picture(1, 0, SPS, PPS, IDR))
    witness.take_rtcp(0, SenderReport(5, 0, 0, 1, 1).serialize(), 1.0)
    assert texts(witness) == []
    witness.take_rtcp(0, SenderReport(6, 0, 0, 1, 1).serialize(), 1.0)
    witness.take_rtcp(0, Bye((5,)).serialize(), 1.0)
    assert texts(witness) == ["a sender report of another source on track 0", "BYE on track 0"]


def test_gaps_are_measured_between_pictures() -> None:
    packets = [*picture(1, 0, SPS, PPS, IDR), *picture(4, 3600, SLICE), *picture(5, 7200, SLICE)]
    witness = witness_of(packets, step_s=0.6)
    assert [round(gap.length_s, 3) for gap in witness.gaps] == [0.6, 0.6]
    assert witness.take_window(2.4) == pytest.approx(0.6)
    assert witness.take_window(5.4) == pytest.approx(3.0)  # one that lasts counts so far


def test_garbage_is_a_violation_and_no_crash() -> None:
    witness = witness_of([b"", b"\x00" * 20, *picture(1, 0, b"\x1f")])
    assert witness.violation_count == 3
    witness.take_rtcp(0, b"\x00", 0.0)
    assert witness.violation_count == 4


def test_drift_is_media_time_minus_wall_time() -> None:
    packets = picture(1, 0, SPS, PPS, IDR)
    for index in range(1, 11):
        packets += picture(3 + index, 99_000 * index, SLICE)  # 1.1 s of media
    witness = witness_of(packets, step_s=1.0)  # in 1 s each
    assert witness.drift_s == pytest.approx(0.1 * 9, abs=0.2)
