"""Whether a stream is wanted, by its table."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neolink.errors import LocalProtocolError
from neolink.hub.demand import TRANSITIONS, Demand, DemandEvent, DemandState


def test_the_table_names_every_state_and_leads_only_to_states() -> None:
    assert set(TRANSITIONS) == set(DemandState)
    for row in TRANSITIONS.values():
        assert set(row) <= set(DemandEvent)
        assert set(row.values()) <= set(DemandState)


@pytest.mark.parametrize("state", DemandState)
@pytest.mark.parametrize("event", DemandEvent)
def test_every_pair_does_what_the_table_says(state: DemandState, event: DemandEvent) -> None:
    demand = Demand()
    demand.state = state
    following = TRANSITIONS[state].get(event)
    if following is None:
        with pytest.raises(LocalProtocolError, match=str(event)):
            demand.handle(event)
        assert demand.state is state
    else:
        assert demand.handle(event) is following is demand.state


@pytest.mark.parametrize("state", DemandState)
def test_a_camera_may_send_or_be_lost_at_any_time(state: DemandState) -> None:
    assert {DemandEvent.UNIT_CAME, DemandEvent.SOURCE_LOST} <= set(TRANSITIONS[state])


def test_one_visit_from_start_to_end() -> None:
    demand = Demand()
    assert not demand.is_wanted
    seen = [
        demand.handle(event)
        for event in (
            DemandEvent.FIRST_JOINED,
            DemandEvent.UNIT_CAME,
            DemandEvent.SOURCE_LOST,
            DemandEvent.HOLD_OVER,
            DemandEvent.SOURCE_LOST,
            DemandEvent.UNIT_CAME,
            DemandEvent.LAST_LEFT,
            DemandEvent.GRACE_OVER,
        )
    ]
    away = ["holding", "placeholder", "placeholder"]
    assert seen == ["starting", "live", *away, "live", "lingering", "idle"]


def test_one_visit_with_pauses() -> None:
    demand = Demand()
    demand.handle(DemandEvent.FIRST_JOINED)
    seen = [
        demand.handle(event)
        for event in (
            *(DemandEvent.UNIT_CAME, DemandEvent.PAUSED, DemandEvent.UNIT_CAME),
            *(DemandEvent.SOURCE_LOST, DemandEvent.RESUMED, DemandEvent.UNIT_CAME),
            *(DemandEvent.PAUSED, DemandEvent.LAST_LEFT),
        )
    ]
    assert seen == ["live", *["paused"] * 3, "starting", "live", "paused", "idle"]


@pytest.mark.parametrize("state", sorted(set(DemandState) - {DemandState.LIVE}))
def test_what_does_not_flow_is_not_paused(state: DemandState) -> None:
    assert DemandEvent.PAUSED not in TRANSITIONS[state]


def test_only_a_pause_can_be_over() -> None:
    rows = [state for state, row in TRANSITIONS.items() if DemandEvent.RESUMED in row]
    assert rows == [DemandState.PAUSED]


EVENTS = ("join", "leave", "unit", "lost", "hold", "grace", "pause", "resume")


@given(st.lists(st.sampled_from(EVENTS), max_size=40))
def test_wanted_exactly_while_somebody_watches_or_grace_runs(events: list[str]) -> None:
    """Model: a count of readers and whether a grace period runs."""
    demand, readers, has_grace = Demand(), 0, False
    for event in events:
        match event:
            case "join":
                readers += 1
                if readers == 1:
                    demand.handle(DemandEvent.FIRST_JOINED)
                    has_grace = False
            case "leave" if readers:
                readers -= 1
                if not readers:
                    has_grace = demand.state is not DemandState.PAUSED
                    demand.handle(DemandEvent.LAST_LEFT)
            case "unit":
                demand.handle(DemandEvent.UNIT_CAME)
            case "lost":
                demand.handle(DemandEvent.SOURCE_LOST)
            case "hold" if demand.state in (DemandState.STARTING, DemandState.HOLDING):
                assert demand.handle(DemandEvent.HOLD_OVER) is DemandState.PLACEHOLDER
            case "pause" if demand.state is DemandState.LIVE:
                assert demand.handle(DemandEvent.PAUSED) is DemandState.PAUSED
            case "resume" if demand.state is DemandState.PAUSED:
                assert demand.handle(DemandEvent.RESUMED) is DemandState.STARTING
            case "grace" if has_grace:
                demand.handle(DemandEvent.GRACE_OVER)
                has_grace = False
        assert demand.is_wanted == (readers > 0 or has_grace)
        assert (demand.state is DemandState.LINGERING) == has_grace
