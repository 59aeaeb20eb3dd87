"""The plots: well-formed, to scale, and no peak is lost."""

import math
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from soak.plot import Series, line_plot, thin_out, ticks

SVG = "{http://www.w3.org/2000/svg}"


def lines_of(svg: str) -> list[list[tuple[float, float]]]:
    root = ET.fromstring(svg)
    return [
        [tuple(map(float, pair.split(","))) for pair in line.attrib["points"].split()]  # type: ignore[misc]
        for line in root.iter(f"{SVG}polyline")
    ]


def test_a_higher_value_is_drawn_higher_and_a_later_one_further_right() -> None:
    ((first, last),) = lines_of(line_plot("t", [Series("a", [(0, 1), (60, 5)])]))
    assert last[0] > first[0]
    assert last[1] < first[1]


def test_text_of_names_cannot_break_the_document() -> None:
    svg = line_plot("a < b & c", [Series("<x>", [(0, 1), (1, 2)])], marks=[0.5])
    texts = [element.text for element in ET.fromstring(svg).iter(f"{SVG}text")]
    assert "a < b & c" in texts
    assert "<x>" in texts


def test_nothing_to_draw_is_still_a_document() -> None:
    ET.fromstring(line_plot("empty", [Series("a", [])]))
    ET.fromstring(line_plot("none", []))


def test_thinning_keeps_the_extremes_and_the_order() -> None:
    points = [(float(i), math.sin(i / 50)) for i in range(20_000)]
    points[7777] = (7777.0, 99.0)
    kept = thin_out(points)
    assert len(kept) <= 1300
    assert (7777.0, 99.0) in kept
    assert kept == sorted(kept)


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_ticks_span_the_values(low: float, extent: float) -> None:
    found = ticks(low, low + extent)
    assert 2 <= len(found) <= 12
    assert found == sorted(set(found))
    step = found[1] - found[0]
    assert found[0] <= low + step * 1e-6
    assert found[-1] >= low + extent - step * 1e-6


@pytest.mark.parametrize("high", [0.0, 1.0, 7.3, 1234.5])
def test_ticks_from_zero_are_few(high: float) -> None:
    assert len(ticks(0.0, high)) <= 8
