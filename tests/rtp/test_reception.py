from itertools import pairwise

from neolink.rtp.packet import RtpPacket
from neolink.rtp.reception import Reception
from neolink.rtp.rtcp import SenderReport

RATE = 8000
STEP_S = 0.02


def _packet(sequence: int, timestamp: int | None = None) -> RtpPacket:
    stamp = 160 * sequence if timestamp is None else timestamp
    return RtpPacket(False, 0, sequence % 65536, stamp % (1 << 32), 7, b"x")


def _received(*sequences: int, first_s: float = 100.0) -> Reception:
    reception = Reception(_packet(sequences[0]))
    for number in sequences:
        reception.note(_packet(number), RATE, first_s + (number - sequences[0]) * STEP_S)
    return reception


def test_a_source_without_loss_is_reported_so() -> None:
    report = _received(*range(65530, 65540)).report(200.0)
    assert (report.ssrc, report.fraction_lost, report.cumulative_lost) == (7, 0, 0)
    assert report.highest_sequence == 65539, "one wrap in the upper half"
    assert (report.jitter, report.last_sr, report.delay_since_last_sr) == (0, 0, 0)


def test_the_fraction_lost_is_since_the_report_before() -> None:
    reception = _received(1, 2, 4)
    first = reception.report(200.0)
    assert (first.fraction_lost, first.cumulative_lost) == (64, 1)
    for number in (5, 6):
        reception.note(_packet(number), RATE, 101.0)
    second = reception.report(205.0)
    assert (second.fraction_lost, second.cumulative_lost) == (0, 1)


def test_packets_that_came_twice_are_a_negative_loss() -> None:
    report = _received(1, 2, 2, 2).report(200.0)
    assert (report.fraction_lost, report.cumulative_lost) == (0, -2)


def test_jitter_is_smoothed_over_sixteen_packets() -> None:
    reception = Reception(_packet(0))
    arrivals = [0.0, 0.03, 0.04]  # 10 ms late, then in time again
    for number, now_s in enumerate(arrivals):
        reception.note(_packet(number), RATE, now_s)
    expected = 80 / 16
    expected += (80 - expected) / 16
    assert reception.report(1.0).jitter == round(expected)
    assert all(a < b for a, b in pairwise(arrivals))


def test_a_timestamp_that_jumps_is_no_jitter() -> None:
    reception = Reception(_packet(0))
    reception.note(_packet(0), RATE, 0.0)
    reception.note(_packet(1, timestamp=1 << 31), RATE, 0.02)
    assert reception.report(1.0).jitter == 0


def test_a_sequence_that_begins_anew_is_no_loss() -> None:
    reception = _received(50_000, 50_001)
    reception.note(_packet(10), RATE, 101.0)
    reception.note(_packet(11), RATE, 101.02)
    report = reception.report(200.0)
    assert (report.cumulative_lost, report.highest_sequence) == (0, 11)


def test_the_last_sender_report_is_echoed_with_its_age() -> None:
    reception = _received(1)
    reception.note_report(SenderReport(7, 0x1122334455667788, 0, 1, 1), 100.0)
    reception.note_report(SenderReport(8, 1, 0, 1, 1), 100.5)
    report = reception.report(101.5)
    assert report.last_sr == 0x33445566
    assert report.delay_since_last_sr == round(1.5 * 65536)
