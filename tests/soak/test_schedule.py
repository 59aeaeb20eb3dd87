"""The plan of a soak: the same seed gives the same one, and it can be carried out."""

import pytest
from soak.schedule import FOLLOWERS, LAST_CALM_S, Behaviour, WebBehaviour, make_plan

from neolink.simulator.scenario import TimedFault


def test_the_same_seed_gives_the_same_plan() -> None:
    assert make_plan(7, 4, 1200) == make_plan(7, 4, 1200)
    assert make_plan(7, 4, 1200) != make_plan(8, 4, 1200)


def test_one_more_camera_changes_nothing_for_the_others() -> None:
    few, more = make_plan(7, 2, 1200), make_plan(7, 3, 1200)
    assert [one for one in more.episodes if one.camera < 2] == list(few.episodes)


def test_every_fault_of_a_plan_is_one_that_the_simulator_knows() -> None:
    for one in make_plan(3, 4, 3600).episodes:
        TimedFault(one.at_s, one.name, one.duration_s, one.options).make()


def test_a_long_run_meets_every_behaviour_and_every_kind_of_fault() -> None:
    plan = make_plan(1, 4, 3600)
    assert {visit.behaviour for visit in plan.visits} == set(Behaviour)
    assert {visit.behaviour for visit in plan.web_visits} == set(WebBehaviour)
    assert {one.name for one in plan.episodes} == {
        "cut",
        "refuse",
        "reboot",
        "silence",
        "stall",
        "trickle",
        "garbage",
        "truncate",
        "lose_key_frames",
        "duplicate",
        "busy",
        "clock_jump",
    }


@pytest.mark.parametrize("active_s", [70.0, 125.0, 1150.0, 86_000.0])
def test_all_faults_are_over_before_the_end(active_s: float) -> None:
    plan = make_plan(1, 4, active_s)
    assert plan.episodes
    assert max(one.end_s for one in plan.episodes) <= active_s - LAST_CALM_S
    assert max(visit.at_s + visit.duration_s for visit in plan.visits) <= active_s
    assert max(visit.at_s + visit.duration_s for visit in plan.web_visits) <= active_s


def test_faults_of_one_camera_leave_time_to_recover() -> None:
    for camera in range(4):
        episodes = [one for one in make_plan(5, 4, 7200).episodes if one.camera == camera]
        ends = 0.0
        for one in episodes:
            belongs_to_the_one_before = one.name == "cut" and one.at_s < ends
            assert belongs_to_the_one_before or one.at_s - ends >= 18
            ends = max(ends, one.end_s)


def test_each_clock_wraps_within_ten_minutes() -> None:
    for start_us in make_plan(2, 4, 7200).clock_starts_us:
        assert 0 < (1 << 32) - start_us < 600e6


def test_visitors_come_in_the_order_of_their_times() -> None:
    plan = make_plan(4, 4, 1200)
    for times_s in (
        [visit.at_s for visit in plan.visits],
        [visit.at_s for visit in plan.web_visits],
    ):
        assert times_s == sorted(times_s)
    assert any(visit.behaviour in FOLLOWERS for visit in plan.visits)


def test_some_cameras_are_away_for_longer_than_browsers_wait_for_the_word() -> None:
    episodes = make_plan(1, 4, 3600).episodes
    assert any(one.name == "reboot" and one.duration_s > 12 for one in episodes)
