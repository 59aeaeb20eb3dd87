"""The loop's lateness, and what players counted before they left."""

import pytest

from neolink.observe.drops import Outlasting
from neolink.observe.lag import LAG_BOUNDS_S, LoopLag

NOW_S = 1000.0


# ---------------------------------------------------------------- lateness
def test_the_worst_of_ten_seconds_is_told_and_then_forgotten() -> None:
    lag = LoopLag()
    assert lag.worst_s(NOW_S) == 0
    for at_s, late_s in ((0, 0.01), (1, 0.3), (2, 0.02), (3, 0.05)):
        lag.note(NOW_S + at_s, late_s)
    assert lag.worst_s(NOW_S + 3) == 0.3
    assert lag.worst_s(NOW_S + 11) == 0.3
    assert lag.worst_s(NOW_S + 11.5) == 0.05
    assert lag.worst_s(NOW_S + 14) == 0


def test_every_look_is_in_the_distribution() -> None:
    lag = LoopLag()
    for late_s in (-0.001, 0.0, 0.0005, 0.03, 7.0):
        lag.note(NOW_S, late_s)
    found = dict(zip((*LAG_BOUNDS_S, "more"), lag.lags.counts, strict=True))
    assert {bound: count for bound, count in found.items() if count} == {
        0.001: 3,
        0.05: 1,
        "more": 1,
    }
    assert lag.lags.total == pytest.approx(7.0305)


def test_an_hour_of_looks_keeps_little() -> None:
    lag = LoopLag()
    for number in range(4 * 3600):
        lag.note(NOW_S + number / 4, (number * 7919 % 1000) / 1000)
    assert len(lag._recent) <= 41


# ---------------------------------------------------------------- what outlasts
def test_a_sum_stays_when_somebody_leaves() -> None:
    sums: Outlasting[str] = Outlasting()
    for looks in ([(1, "porch", 0), (2, "porch", 3)], [(1, "porch", 4), (2, "porch", 5)], []):
        sums.note(looks)
    assert sums.of("porch") == 9
    sums.note([(3, "porch", 2)])
    assert sums.of("porch") == 11
    assert sums.of("attic") == 0


def test_what_is_counted_after_a_move_belongs_to_the_new_subject() -> None:
    sums: Outlasting[str] = Outlasting()
    sums.note([(1, "main", 10)])
    sums.note([(1, "sub", 12)])
    assert (sums.of("main"), sums.of("sub")) == (10, 2)


def test_a_sum_never_goes_back() -> None:
    sums: Outlasting[str] = Outlasting()
    for count in (10, 4, 6):
        sums.note([(1, "main", count)])
    assert sums.of("main") == 12


def test_a_subject_that_is_gone_is_forgotten() -> None:
    sums: Outlasting[str] = Outlasting()
    sums.note([(1, "main", 10), (2, "sub", 1)])
    sums.forget_others({"sub"})
    assert (sums.of("main"), sums.of("sub")) == (0, 1)
