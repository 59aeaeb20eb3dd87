"""Scenario files."""

import math
from itertools import pairwise
from pathlib import Path
from statistics import mean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neolink.errors import ConfigError
from neolink.media.tracks import StreamKind
from neolink.simulator.chance import RANDOM_FAULTS
from neolink.simulator.faults import FAULTS, Cut, Garbage, Stall
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


def test_cut_that_waits_for_an_occasion_has_time_for_it() -> None:
    (timed,) = Scenario.parse('[[fault]]\nat_s = 1\nname = "cut"\nwhere = "in_frame"').faults
    assert timed.duration_s == Cut.WAITING_DURATION_S


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
        (
            '[[fault]]\nname = "flood"\nat_s = 1',
            "fault 1: unknown fault 'flood'; there are account_locked,",
        ),
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


# ---------------------------------------------------------------- at random
def test_same_seed_gives_the_same_scenario() -> None:
    assert Scenario.random(5, 3600.0) == Scenario.random(5, 3600.0)
    assert Scenario.random(5, 3600.0) != Scenario.random(6, 3600.0)
    longer = Scenario.random(5, 7200.0).faults
    shorter = Scenario.random(5, 3600.0).faults
    assert longer[: len(shorter)] == shorter


@given(
    st.integers(),
    st.floats(0, 2000),
    st.sets(st.sampled_from(sorted(FAULTS)), max_size=5),
    st.floats(0.5, 60),
)
@settings(max_examples=50)
def test_random_faults_follow_one_another_and_end_in_time(
    seed: int, duration_s: float, names: set[str], mean_pause_s: float
) -> None:
    drawn = Scenario.random(seed, duration_s, faults=names, mean_pause_s=mean_pause_s).faults
    assert {timed.name for timed in drawn} <= names
    end_s = 0.0
    for timed in drawn:
        assert timed.at_s >= end_s - 1e-6  # times are rounded
        end_s = timed.at_s + timed.duration_s
        assert timed.name == timed.make().NAME
    assert end_s <= duration_s


def test_random_scenario_meets_every_fault_before_one_comes_again() -> None:
    drawn = [timed.name for timed in Scenario.random(1, 7200.0).faults]
    assert set(drawn[: len(RANDOM_FAULTS)]) == set(RANDOM_FAULTS)
    assert "account_locked" not in drawn


def test_pauses_are_as_long_as_wanted_on_average() -> None:
    drawn = Scenario.random(3, 100_000.0, faults=("cut", "stall"), mean_pause_s=20.0).faults
    pauses = [b.at_s - a.at_s - a.duration_s for a, b in pairwise(drawn)]
    assert len(pauses) > 1000
    assert 17 < mean(pauses) < 23


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"faults": ("flood",)}, "unknown fault 'flood'; there are account_locked"),
        ({"mean_pause_s": 0}, "mean_pause_s must be above 0, not 0"),
        ({"duration_s": math.inf}, "needs an end, not inf"),
    ],
)
def test_impossible_random_scenarios_are_refused(
    arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        Scenario.random(**{"seed": 1, "duration_s": 60.0, **arguments})  # type: ignore[arg-type]  # as given
