import pytest

from neolink.media.frame_rate import MeasuredFrameRate, plausible_frame_rate


@pytest.mark.parametrize("claim", [0.5, 15, 29.97, 120.0])
def test_a_plausible_claim_counts(claim: float) -> None:
    rate = MeasuredFrameRate(claim)
    for position in range(20):
        rate.observe(position * 9000)
    assert rate.value == claim


@pytest.mark.parametrize("claim", [None, 0, -25, 120.1, 90000.0])
def test_an_absurd_claim_gives_way_to_measuring_and_then_15(claim: float | None) -> None:
    rate = MeasuredFrameRate(claim)
    assert (rate.measured, rate.value) == (None, 15.0)
    for position in range(9):
        assert rate.value == 15.0
        rate.observe(position * 9000)
    assert rate.value == rate.measured == 10.0


def test_a_stall_does_not_change_the_measured_rate() -> None:
    rate = MeasuredFrameRate()
    for position in range(40):
        rate.observe(position * 6000 + (900_000 if position > 20 else 0))
    assert rate.value == 15.0


def test_the_measured_rate_follows_the_stream() -> None:
    rate = MeasuredFrameRate()
    for position in range(40):
        rate.observe(position * 6000)
    for position in range(33):
        rate.observe(240_000 + position * 3000)
    assert rate.value == 30.0
    rate.reset()
    assert rate.measured is None


def test_pictures_at_one_instant_give_no_rate() -> None:
    rate = MeasuredFrameRate()
    for _ in range(20):
        rate.observe(7)
    assert (rate.measured, rate.value) == (None, 15.0)
    for position in range(20):
        rate.observe(8 + position)
    assert rate.value == 15.0


def test_the_first_plausible_claim_is_taken() -> None:
    assert plausible_frame_rate(None, 0, 200, 12.5, 25) == 12.5
    assert plausible_frame_rate() is None
