"""``docs/health.md`` tells every cause and threshold as it is, and no other."""

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from neolink.health.causes import REFUSALS, RULES, Cause
from neolink.health.thresholds import THRESHOLDS
from neolink.health.values import HealthState

DOCUMENT = (Path(__file__).parents[2] / "docs" / "health.md").read_text()
CAUSES, LIMITS = "causes: ", "thresholds"


def rows(marker: str) -> Iterator[list[str]]:
    """Give the cells of every table behind such a comment."""
    for table in re.findall(rf"<!-- {marker}.*?-->\n(.*?)<!-- end -->", DOCUMENT, re.DOTALL):
        for line in table.splitlines()[2:]:
            yield [cell.strip() for cell in line.strip("|").split("|")]


def test_every_cause_is_told_with_its_state_and_words() -> None:
    told = {cause: (state, words) for cause, state, words, _ in rows(CAUSES)}
    is_so = {
        cause.value: (rule.state.value, f"{rule.says}: {rule.advice}" if rule.advice else rule.says)
        for cause, rule in RULES.items()
    }
    assert told == is_so
    assert set(RULES) == set(Cause)


def test_every_cause_that_is_not_well_says_what_to_do_or_what_it_is() -> None:
    meanings = {cause: meaning for cause, *_, meaning in rows(CAUSES)}
    for cause, rule in RULES.items():
        assert rule.advice or meanings[cause.value], cause
    assert set(REFUSALS.values()) <= set(RULES)


def test_every_threshold_is_told_with_its_value() -> None:
    told = {name.strip("`"): float(value) for name, value, _ in rows(LIMITS)}
    assert told == {one.name: getattr(THRESHOLDS, one.name) for one in fields(THRESHOLDS)}


def test_every_state_is_told() -> None:
    told = dict(re.findall(r"^\| `(\w+)` \| .* \| (yes|no) \|$", DOCUMENT, re.MULTILINE))
    assert told == {state.value: "yes" if state.is_healthy else "no" for state in HealthState}
