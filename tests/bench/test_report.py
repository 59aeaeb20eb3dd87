"""The report: every aim with its verdict, merging by name, and the block of a document."""

import pytest
from bench.figures import Beside, Chart, Figure, Reach, Section, spread

from bench import report

MACHINE = {"processor": "two cores"}


def section(key: str, *runs: float, floor: float = 2.0, title: str = "") -> Section:
    return Section(
        key=key,
        title=title or f"About {key}",
        method="As one does.",
        figures=(
            Figure(
                key=f"{key}/1",
                what=f"cost of {key}",
                unit="µs",
                spread=spread(runs),
                beside=(Beside("floor", spread([floor])),),
                reach=(Reach(most=1.6, beside="floor"),),
            ),
        ),
        charts=(Chart(f"{key}-chart", "A chart", "players", "s", ()),),
    )


def row(text: str, words: str) -> str:
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {words} ")]
    return line


def test_an_aim_is_shown_with_what_was_measured_and_the_verdict() -> None:
    text = "\n".join(report.targets_table([section("a", 1, 3, 5), section("b", 3.3)]))
    assert "3.00 (1.00 to 5.00) µs" in row(text, "cost of a")
    assert "≤ 1.6 times the floor" in row(text, "cost of a")
    assert row(text, "cost of a").endswith("| reached |")
    assert row(text, "cost of b").endswith("| **not reached** |")


def test_the_ratio_is_told_as_how_many_times_the_dearer_one_costs() -> None:
    assert "floor 2.00 (ours 1.50 times)" in report.render([section("a", 3)], MACHINE)
    assert "floor 30.0 (it 10.0 times)" in report.render([section("a", 3, floor=30)], MACHINE)


def test_a_chart_is_shown_below_its_figures() -> None:
    assert "![A chart](a-chart.svg)" in report.render([section("a", 1)], MACHINE)


def test_new_sections_take_the_place_of_old_ones_in_the_order_of_the_suite() -> None:
    old = [section("b", 1, title="old"), section("a", 1, title="old")]
    merged = report.merge(old, [section("b", 2, title="new")], ["a", "b", "c"])
    assert [(one.key, one.title) for one in merged] == [("a", "old"), ("b", "new")]


def test_json_gives_back_sections_and_machine() -> None:
    sections = [section("a", 1, 2), section("b", 3)]
    assert report.parse(report.serialize(sections, MACHINE)) == (sections, MACHINE)


def test_json_of_another_format_is_refused() -> None:
    with pytest.raises(ValueError, match="format 0"):
        report.parse('{"format": 0}')


def test_a_document_keeps_everything_but_what_is_between_the_markers() -> None:
    document = f"before\n{report.BEGIN}\nold figures\n{report.END}\nafter\n"
    once = report.fill_in(document, [section("a", 1)], MACHINE)
    assert once.startswith(f"before\n{report.BEGIN}\n")
    assert once.endswith(f"{report.END}\nafter\n")
    assert "old figures" not in once
    assert "cost of a" in once
    assert "(../bench/a-chart.svg)" in once
    assert report.fill_in(once, [section("a", 1)], MACHINE) == once


def test_a_document_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="bench:begin"):
        report.fill_in("nothing here", [], {})


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.000351, "0.000351"), (0.5, "0.5"), (1.234, "1.23"), (12.34, "12.3"), (1234.5, "1234")],
)
def test_numbers_have_three_digits_that_mean_something(value: float, text: str) -> None:
    assert f"| {text} | {text} | {text} |" in report.render([section("a", value)], MACHINE)
