"""Spreads, ratios, aims and percentiles, and that a report survives being written and read."""

import pytest
from bench.figures import Beside, Chart, Curve, Figure, Reach, Section, percentile, spread


def figure(*runs: float, beside: float | None = None, reach: Reach | None = None) -> Figure:
    return Figure(
        key="k",
        what="w",
        unit="s",
        spread=spread(runs),
        beside=() if beside is None else (Beside("floor", spread([beside])),),
        reach=() if reach is None else (reach,),
    )


def test_a_spread_tells_least_median_and_most_in_any_order() -> None:
    found = spread([5, 1, 3, 2])
    assert (found.least, found.middle, found.most) == (1, 2.5, 5)


def test_no_runs_are_no_spread() -> None:
    with pytest.raises(ValueError, match="at least one run"):
        spread([])


@pytest.mark.parametrize(
    ("share", "value"), [(0.0, 1), (0.5, 50), (0.505, 51), (0.99, 99), (1.0, 100)]
)
def test_a_percentile_is_the_nearest_rank(share: float, value: int) -> None:
    assert percentile(list(range(100, 0, -1)), share) == value


def test_a_percentile_of_one_value_is_that_value() -> None:
    assert percentile([7], 0.5) == percentile([7], 0.99) == 7


def test_a_ratio_is_of_the_medians() -> None:
    assert figure(1, 3, 100, beside=2).ratio("floor") == 1.5


def test_there_is_no_ratio_to_what_was_not_measured_or_is_nothing() -> None:
    assert figure(1).ratio("floor") is None
    assert figure(1, beside=0).ratio("floor") is None


@pytest.mark.parametrize(
    ("reach", "is_reached"),
    [
        (Reach(most=3), True),
        (Reach(most=2.9), False),
        (Reach(most=1.5, beside="floor"), True),
        (Reach(most=1.4, beside="floor"), False),
        (Reach(most=1.4, beside="peer"), None),
    ],
)
def test_an_aim_is_held_against_the_median_or_the_ratio(
    reach: Reach, is_reached: bool | None
) -> None:
    assert figure(1, 3, 100, beside=2, reach=reach).has_reached(reach) is is_reached


@pytest.mark.parametrize(("peer", "is_reached"), [(45.0, True), (44.0, False)])
def test_times_cheaper_is_the_ratio_turned_round(peer: float, is_reached: bool) -> None:
    reach = Reach(least=15, beside="floor")
    assert figure(3, beside=peer, reach=reach).has_reached(reach) is is_reached


def test_a_section_survives_json() -> None:
    section = Section(
        key="s",
        title="t",
        method="m",
        figures=(figure(1, 2, beside=3, reach=Reach(least=15, beside="floor")),),
        charts=(
            Chart("c", "t", "players", "s", (Curve("ours", ((1.0, 2.0),)),), is_logarithmic=True),
        ),
        notes=("n",),
        conditions={"Taken": "now"},
    )
    assert Section.from_json(section.to_json()) == section
