"""Charts: well-formed, to scale, one place for each number of players."""

from xml.etree import ElementTree as ET

import pytest
from bench.chart import draw, log_ticks
from bench.figures import Chart, Curve

SVG = "{http://www.w3.org/2000/svg}"


def chart(*curves: Curve) -> Chart:
    return Chart("k", "a < b & c", "players", "CPU s/GB", curves)


def lines_of(svg: str) -> list[list[tuple[float, ...]]]:
    return [
        [tuple(map(float, pair.split(","))) for pair in line.attrib["points"].split()]
        for line in ET.fromstring(svg).iter(f"{SVG}polyline")
    ]


def test_a_higher_value_is_drawn_higher_and_more_players_further_right() -> None:
    ((first, last),) = lines_of(draw(chart(Curve("ours", ((1, 1), (400, 5))))))
    assert last[0] > first[0]
    assert last[1] < first[1]


def test_every_number_of_players_has_the_same_room() -> None:
    (points,) = lines_of(draw(chart(Curve("ours", ((1, 1), (10, 1), (400, 1))))))
    left, middle, right = (x for x, _ in points)
    assert abs((right - middle) - (middle - left)) < 0.2


def test_curves_that_lack_a_number_are_drawn_where_the_others_have_it() -> None:
    ours, floor = lines_of(
        draw(chart(Curve("ours", ((1, 1), (10, 1))), Curve("floor", ((10, 1),))))
    )
    assert floor[0][0] == ours[1][0]


def test_text_of_names_cannot_break_the_document() -> None:
    texts = [
        one.text for one in ET.fromstring(draw(chart(Curve("<x>", ((1, 1),))))).iter(f"{SVG}text")
    ]
    assert {"a < b & c", "<x>", "players", "CPU s/GB", "1"} <= set(texts)


@pytest.mark.parametrize(
    ("low", "high", "first", "last"),
    [(0.38, 13.2, 0.2, 20), (1, 10, 1, 10), (3, 3, 2, 5), (2, 2, 2, 5), (0.011, 0.4, 0.01, 0.5)],
)
def test_a_logarithmic_axis_spans_the_values_with_round_ones(
    low: float, high: float, first: float, last: float
) -> None:
    found = log_ticks(low, high)
    assert (found[0], found[-1]) == (first, last)
    assert found == sorted(found)


def test_on_a_logarithmic_axis_equal_ratios_have_equal_heights() -> None:
    curve = Curve("ours", ((1, 10), (10, 5), (50, 2.5)))
    (points,) = lines_of(draw(Chart("k", "t", "players", "s", (curve,), is_logarithmic=True)))
    first, second, third = (y for _, y in points)
    assert abs((third - second) - (second - first)) < 0.2


def test_nothing_to_draw_is_still_a_document() -> None:
    ET.fromstring(draw(chart()))
