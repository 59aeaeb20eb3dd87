"""What a player reports, and what is made of it."""

from dataclasses import replace

import pytest

from neolink.rtp.rtcp import ReportBlock
from neolink.rtsp_server.mounts.feedback import MOST_SENT, Feedback, SentReports
from neolink.rtsp_server.mounts.parcel import AUDIO, VIDEO

REPORT = ReportBlock(
    ssrc=1,
    fraction_lost=0,
    cumulative_lost=0,
    highest_sequence=0,
    jitter=0,
    last_sr=0x00030002,
    delay_since_last_sr=0,
)
NTP = 0x0001000300020001  # its middle is what REPORT answers to


def lossy(share: float) -> ReportBlock:
    return replace(REPORT, fraction_lost=round(share * 256))


def test_round_trip_is_what_passed_but_for_the_receivers_delay() -> None:
    sent = SentReports()
    sent.note(NTP, 100.0)
    assert sent.round_trip_s(REPORT, 100.5) == 0.5
    assert sent.round_trip_s(replace(REPORT, delay_since_last_sr=0x4000), 100.5) == 0.25
    assert sent.round_trip_s(replace(REPORT, delay_since_last_sr=0x10000), 100.5) == 0.0


@pytest.mark.parametrize(
    ("report", "now_s"), [(replace(REPORT, last_sr=0), 100.5), (REPORT, 200.0)]
)
def test_an_answer_to_nothing_known_tells_no_round_trip(report: ReportBlock, now_s: float) -> None:
    sent = SentReports()
    sent.note(NTP, 100.0)
    assert sent.round_trip_s(report, now_s) is None


def test_reports_that_nobody_answers_are_forgotten() -> None:
    sent = SentReports()
    sent.note(NTP, 100.0)
    for number in range(MOST_SENT):
        sent.note(number << 16, 101.0)
    assert sent.round_trip_s(REPORT, 101.0) is None
    assert sent.round_trip_s(replace(REPORT, last_sr=MOST_SENT - 1), 101.0) == 0.0


def test_lasting_loss_is_told_once() -> None:
    feedback = Feedback()
    told = []
    for _ in range(5):
        feedback.take(VIDEO, lossy(0.25), None)
        told.append(feedback.take_lasting_loss())
    assert told == [None, None, 0.25, None, None]


@pytest.mark.parametrize("shares", [[0.25, 0.25, 0.05, 0.25, 0.25], [0.09] * 5, [0.05] * 9])
def test_passing_or_small_loss_is_not_told(shares: list[float]) -> None:
    feedback = Feedback()
    for share in shares:
        feedback.take(VIDEO, lossy(share), None)
        assert feedback.take_lasting_loss() is None


def test_tracks_are_counted_apart() -> None:
    feedback = Feedback()
    for track in (VIDEO, AUDIO, VIDEO, AUDIO):
        feedback.take(track, lossy(0.5), None)
    assert feedback.take_lasting_loss() is None
    feedback.forget(VIDEO)
    feedback.take(VIDEO, lossy(0.5), None)
    assert feedback.take_lasting_loss() is None
    assert feedback.reports.keys() == {VIDEO, AUDIO}


def test_the_last_round_trip_stays_until_another_is_known() -> None:
    feedback = Feedback()
    for known in (None, 0.02, None):
        feedback.take(VIDEO, REPORT, known)
    assert feedback.round_trip_s == 0.02
