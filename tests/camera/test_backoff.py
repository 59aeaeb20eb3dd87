"""Pauses between attempts, as values."""

from itertools import accumulate

import pytest

from neolink.camera.backoff import Backoff
from neolink.camera.settings import CameraSettings
from neolink.errors import AuthenticationFailed, ConnectionLost, DeadlineExceeded, LoginRefusal

LOST = ConnectionLost("gone")
REFUSED = AuthenticationFailed(LoginRefusal.WRONG_CREDENTIALS, 401)


@pytest.fixture
def backoff() -> Backoff:
    return Backoff(CameraSettings(name="porch", host="h"))


def test_pauses_double_from_50_ms_to_5_s(backoff: Backoff) -> None:
    pauses = [backoff.pause_s(LOST, 0.0) for _ in range(9)]
    assert pauses == pytest.approx([0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0])


def test_every_kind_of_failure_but_a_refusal_counts_alike(backoff: Backoff) -> None:
    errors = [LOST, DeadlineExceeded("late"), LOST]
    assert [backoff.pause_s(error, 0.0) for error in errors] == pytest.approx([0.05, 0.1, 0.2])


def test_a_connection_of_more_than_60_s_makes_the_pauses_start_anew(backoff: Backoff) -> None:
    for _ in range(6):
        backoff.pause_s(LOST, 0.0)
    assert backoff.pause_s(LOST, 60.0) == pytest.approx(3.2)
    assert backoff.pause_s(LOST, 60.1) == pytest.approx(0.05)
    assert backoff.pause_s(LOST, 0.0) == pytest.approx(0.1)


def test_refused_credentials_are_tried_after_30_s_then_ever_later_up_to_15_min(
    backoff: Backoff,
) -> None:
    pauses = [backoff.pause_s(REFUSED, 0.0) for _ in range(7)]
    assert pauses == [30, 60, 120, 240, 480, 900, 900]


def test_refused_credentials_are_never_tried_more_than_4_times_in_5_minutes(
    backoff: Backoff,
) -> None:
    times = [0.0, *accumulate(backoff.pause_s(REFUSED, 0.0) for _ in range(10))]
    most = max(sum(start <= time < start + 300 for time in times) for start in times)
    assert most <= 4


def test_a_lost_connection_does_not_bring_refused_credentials_back_sooner(
    backoff: Backoff,
) -> None:
    assert backoff.pause_s(REFUSED, 0.0) == 30
    backoff.pause_s(LOST, 3600.0)
    assert backoff.pause_s(REFUSED, 0.0) == 60


def test_a_login_forgives_refusals_before_it(backoff: Backoff) -> None:
    backoff.pause_s(REFUSED, 0.0)
    backoff.logged_in()
    assert backoff.pause_s(REFUSED, 0.0) == 30


def test_a_login_alone_does_not_shorten_the_pauses_after_losses(backoff: Backoff) -> None:
    backoff.pause_s(LOST, 0.0)
    backoff.logged_in()
    assert backoff.pause_s(LOST, 1.0) == pytest.approx(0.1)
