"""Scenario files."""

import math
from pathlib import Path

import pytest

from neolink.errors import ConfigError
from neolink.media.tracks import StreamKind
from neolink.simulator.faults import FAULTS, Garbage, Stall
from neolink.simulator.scenario import Scenario

TEXT = """
[[fault]]
at_s = 10
name = "stall"
duration_s = 2.5
stream = "sub"

[[fault]]
at_s = 0.5
name = "garbage"
where = "inside"
"""


def test_faults_come_with_time_and_options() -> None:
    stall, garbage = Scenario.parse(TEXT).faults
    assert (stall.at_s, stall.duration_s) == (10.0, 2.5)
    made = stall.make()
    assert isinstance(made, Stall)
    assert made.stream is StreamKind.SUB
    assert garbage.duration_s == Garbage.DEFAULT_DURATION_S
    other = garbage.make()
    assert isinstance(other, Garbage)
    assert other.where == "inside"


def test_each_camera_gets_a_fault_of_its_own() -> None:
    (timed, _) = Scenario.parse(TEXT).faults
    assert timed.make() is not timed.make()


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_every_fault_can_stand_in_a_file(name: str) -> None:
    (timed,) = Scenario.parse(f'[[fault]]\nat_s = 1\nname = "{name}"').faults
    assert timed.name == name
    assert timed.duration_s == FAULTS[name].DEFAULT_DURATION_S


def test_endless_fault() -> None:
    (timed,) = Scenario.parse('[[fault]]\nat_s = 1\nname = "stall"\nduration_s = inf').faults
    assert math.isinf(timed.duration_s)


def test_empty_file_is_a_quiet_day(tmp_path: Path) -> None:
    path = tmp_path / "quiet.toml"
    path.write_text("")
    assert Scenario.load(path) == Scenario()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[fault]\n", "day.toml: Expected"),
        ("[fault]\nat_s = 1", "day.toml: a fault begins with [[fault]], not with [fault]"),
        ("[[faults]]\nat_s = 1", "day.toml: unknown key 'faults'; there is [[fault]]"),
        ("[[fault]]\nat_s = 1", "day.toml: fault 1: name is missing"),
        (
            '[[fault]]\nname = "cut"',
            "fault 1: at_s must be a number of seconds from 0 on, not None",
        ),
        (
            '[[fault]]\nname = "cut"\nat_s = -1',
            "at_s must be a number of seconds from 0 on, not -1",
        ),
        ('[[fault]]\nname = "cut"\nat_s = nan', "at_s must be a number"),
        ('[[fault]]\nname = "cut"\nat_s = true', "at_s must be a number"),
        ('[[fault]]\nname = "flood"\nat_s = 1', "fault 1: unknown fault 'flood'; there are account_locked,"),
        ('[[fault]]\nname = "cut"\nat_s = 1\nfor_s = 2', "fault 1: cut: unknown option 'for_s'"),
        ("fault = [1]", "fault 1: expected a table, not 1"),
    ],
)
def test_mistakes_are_named_with_their_place(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "day.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        Scenario.load(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml"):
        Scenario.load(tmp_path / "none.toml")
