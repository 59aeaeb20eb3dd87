"""The document about simulated cameras and its example say what is true."""

import re
import tomllib
from dataclasses import fields
from itertools import pairwise
from pathlib import Path

import pytest

from neolink.simulator.faults import FAULTS
from neolink.simulator.scenario import Scenario
from support.camera_link import Bench, assert_well

REPOSITORY = Path(__file__).parents[2]
DOCUMENT = REPOSITORY / "docs" / "simulator.md"
EXAMPLE = REPOSITORY / "examples" / "rehearsal.toml"
ROW = re.compile(r"^\| `(\w+)` \| ([\d.]+|inf) \|([^|]*)\| .+ \|$", re.MULTILINE)
OPTION = re.compile(r"`(\w+ = [^`]+)`")

ROWS = {name: (seconds, options) for name, seconds, options in ROW.findall(DOCUMENT.read_text())}


def test_every_fault_is_in_the_document_and_no_other() -> None:
    assert set(ROWS) == set(FAULTS)


@pytest.mark.parametrize("name", sorted(ROWS))
def test_durations_and_options_are_told_as_they_are(name: str) -> None:
    seconds, options = ROWS[name]
    assert float(seconds) == FAULTS[name].DEFAULT_DURATION_S
    told = tomllib.loads("\n".join(OPTION.findall(options)))
    there = {one.name: one.default for one in fields(FAULTS[name]) if one.init}
    del there["stream"]
    assert told == there


def test_scenario_in_the_document_is_part_of_the_example() -> None:
    (text,) = re.findall(r"(?ms)^```toml\n(\[\[fault\]\].*?)```", DOCUMENT.read_text())
    assert set(Scenario.parse(text).faults) < set(Scenario.load(EXAMPLE).faults)


async def test_example_plays_to_its_end_and_leaves_the_camera_well(bench: Bench) -> None:
    device = bench.device()
    scenario = Scenario.load(EXAMPLE)
    for timed in scenario.faults:
        device.later(timed.at_s, lambda one=timed: device.begin_for(one.make(), one.duration_s))  # type: ignore[misc]  # bound now
    link = bench.link(device)
    for _ in range(480):
        if link.transport.is_closing() or not link.packets:
            link.lose()
            link = bench.link(device)
            link.client.start_login()
            link.exchange()
            if link.client.is_logged_in:
                link.start()
        link.run(1.0, step_s=0.25)
    link.lose()
    assert device.stats.faults.total() == len(scenario.faults)
    assert device.stats.refused_logins > 3
    assert_well(bench, device)


def test_faults_of_the_example_leave_time_to_recover() -> None:
    ordered = sorted(Scenario.load(EXAMPLE).faults, key=lambda timed: timed.at_s)
    names = [timed.name for timed in ordered]
    assert len(set(names)) > 12
    for before, after in pairwise(ordered):
        is_pair = (before.name, after.name) == ("session_limit", "cut")
        assert is_pair or after.at_s >= before.at_s + before.duration_s + 8
