"""When a player goes down and up: every row of the table, and that nothing makes it flap."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neolink.rtsp_server.sessions.adaptation import (
    BEHIND_S,
    EPISODES_WITHIN_S,
    FIRST_WAIT_S,
    HEADROOM_WAIT_S,
    LONGEST_WAIT_S,
    PATIENCE_S,
    REPORT_LIFE_S,
    SUSTAINED_S,
    TRIAL_S,
    Adaptation,
    Condition,
    Place,
    Symptoms,
)

BEHIND, CLEAR, UNSURE = Condition.BEHIND, Condition.CLEAR, Condition.UNSURE
TICK_S = 0.25


class Player:
    """An adaptation, looked at as often as the server does; its moves arrive after ``delay_s``."""

    def __init__(self, delay_s: float = 0.5, *, has_headroom: bool = True) -> None:
        self.now_s = 100.0
        self.delay_s = delay_s
        self.has_headroom = has_headroom
        self.adaptation = Adaptation(self.now_s)
        self.began_s: float | None = None
        self.moves: list[tuple[float, Place]] = []
        """When each move arrived, and where."""

    @property
    def place(self) -> Place:
        return self.adaptation.place

    def fare(self, condition: Condition, seconds: float) -> Place:
        """Let so much time pass, in which the player always fares like this."""
        return self.fare_by(lambda _: condition, seconds)

    def fare_by(self, judge: Callable[[Place], Condition], seconds: float) -> Place:
        """Let time pass in which it fares by where it is."""
        end_s = self.now_s + seconds
        while self.now_s < end_s:
            self.now_s += TICK_S
            self._tick(judge(self.place))
        return self.place

    def fare_until(self, condition: Condition, place: Place, limit_s: float = 1000.0) -> float:
        """Fare like this until the place is reached; return how long that took."""
        began_s = self.now_s
        while self.place is not place:
            assert self.now_s - began_s < limit_s, f"still {self.place}"
            self.fare(condition, TICK_S)
        return self.now_s - began_s

    def go(self, place: Place) -> None:
        """Have it arrive there."""
        self.fare_until(BEHIND if place is Place.SUB else CLEAR, place)

    def _tick(self, condition: Condition) -> None:
        before = self.place
        place = self.adaptation.look(self.now_s, condition, has_headroom=self.has_headroom)
        if place in {Place.GOING_DOWN, Place.GOING_UP}:
            if place is not before:
                self.began_s = self.now_s
            assert self.began_s is not None
            if self.now_s - self.began_s >= self.delay_s:
                self.adaptation.arrived(self.now_s)
                self.moves.append((self.now_s, self.place))


# ---------------------------------------------------------------- the table, row by row
def test_a_player_behind_for_a_while_goes_down_and_one_that_hiccups_does_not() -> None:
    player = Player()
    for _ in range(5):
        assert player.fare(BEHIND, SUSTAINED_S) is Place.MAIN
        assert player.fare(UNSURE, TICK_S) is Place.MAIN
    assert player.fare(BEHIND, SUSTAINED_S + TICK_S) is Place.GOING_DOWN


def test_who_has_caught_up_before_the_key_frame_came_stays() -> None:
    player = Player(delay_s=2.0)
    player.fare_until(BEHIND, Place.GOING_DOWN)
    assert player.fare(UNSURE, TICK_S) is Place.GOING_DOWN
    assert player.fare(CLEAR, TICK_S) is Place.MAIN
    assert player.moves == []


def test_a_player_on_sub_goes_up_only_after_it_was_clear_without_a_break() -> None:
    player = Player()
    player.go(Place.SUB)
    for condition in (UNSURE, BEHIND):
        assert player.fare(CLEAR, FIRST_WAIT_S - TICK_S) is Place.SUB
        assert player.fare(condition, TICK_S) is Place.SUB
    assert player.fare(CLEAR, FIRST_WAIT_S) is Place.SUB
    assert player.fare(CLEAR, TICK_S) is Place.GOING_UP


def test_going_up_is_broken_off_by_trouble_on_sub() -> None:
    player = Player(delay_s=3.0)
    player.go(Place.SUB)
    player.fare_until(CLEAR, Place.GOING_UP)
    assert player.fare(BEHIND, TICK_S) is Place.SUB
    assert [place for _, place in player.moves] == [Place.SUB]


@pytest.mark.parametrize(
    ("start", "condition", "moving"),
    [(Place.MAIN, BEHIND, Place.GOING_DOWN), (Place.SUB, CLEAR, Place.GOING_UP)],
)
def test_a_move_that_never_arrives_is_given_up_and_not_tried_again_at_once(
    start: Place, condition: Condition, moving: Place
) -> None:
    player = Player()
    player.go(start)
    player.delay_s = 1e9
    waits: list[float] = []
    for _ in range(5):
        waits.append(player.fare_until(condition, moving))
        assert player.fare_until(condition, start) == pytest.approx(PATIENCE_S, abs=TICK_S)
    assert waits[1] >= FIRST_WAIT_S
    assert waits[1:] == sorted(waits[1:])
    assert waits[-1] <= HEADROOM_WAIT_S + TICK_S, "main must not be out of reach for long"


def test_what_arrives_that_nobody_waits_for_is_ignored() -> None:
    player = Player()
    places: list[Place] = []
    for place in (Place.MAIN, Place.SUB):
        player.go(place)
        player.adaptation.arrived(player.now_s)
        player.adaptation.give_up(player.now_s)
        places.append(player.place)
    assert places == [Place.MAIN, Place.SUB]


def test_a_player_that_begins_again_begins_on_main() -> None:
    player = Player()
    player.go(Place.SUB)
    player.adaptation.restart(player.now_s)
    assert player.place is Place.MAIN
    assert player.fare(BEHIND, SUSTAINED_S) is Place.MAIN, "that is no trial"


# ---------------------------------------------------------------- the waits
def test_a_trial_that_fails_ends_at_the_first_sign() -> None:
    player = Player()
    player.go(Place.SUB)
    player.go(Place.MAIN)
    player.fare(CLEAR, TRIAL_S - 2 * TICK_S)
    assert player.fare(BEHIND, TICK_S) is Place.GOING_DOWN


def test_after_the_trial_a_hiccup_is_forgiven_again() -> None:
    player = Player()
    player.go(Place.SUB)
    player.go(Place.MAIN)
    player.fare(CLEAR, TRIAL_S)
    assert player.fare(BEHIND, SUSTAINED_S) is Place.MAIN


def waits_of(player: Player, trials: int) -> list[float]:
    """Let a player that can never follow main try so often; return the waits in between."""
    waits: list[float] = []
    for _ in range(trials):
        player.go(Place.SUB)
        waits.append(player.fare_until(CLEAR, Place.GOING_UP))
        player.go(Place.MAIN)
    return waits


def test_without_headroom_each_trial_that_fails_doubles_the_wait_up_to_its_limit() -> None:
    waits = waits_of(Player(has_headroom=False), 8)
    assert waits[0] == pytest.approx(HEADROOM_WAIT_S, abs=TICK_S)
    assert all(a <= b <= 2 * a + TICK_S for a, b in pairwise(waits))
    assert waits[-1] == pytest.approx(LONGEST_WAIT_S, abs=TICK_S)


def test_with_headroom_main_is_tried_within_half_a_minute_however_often_it_failed() -> None:
    waits = waits_of(Player(has_headroom=True), 8)
    assert waits[0] == pytest.approx(FIRST_WAIT_S, abs=TICK_S)
    assert waits == sorted(waits)
    assert waits[-1] == pytest.approx(HEADROOM_WAIT_S, abs=TICK_S)


def test_time_on_main_is_rewarded() -> None:
    player = Player(has_headroom=True)
    waits_of(player, 8)
    player.fare(CLEAR, 15 * 60)
    player.go(Place.SUB)
    assert player.adaptation.wait_s == FIRST_WAIT_S


# ---------------------------------------------------------------- what never happens
CONDITIONS = st.lists(
    st.tuples(st.sampled_from(Condition), st.integers(1, 200), st.booleans()), max_size=60
)


@settings(max_examples=200, deadline=None)
@given(CONDITIONS, st.floats(0.0, 15.0))
def test_no_sequence_of_conditions_makes_a_player_flap(
    steps: Sequence[tuple[Condition, int, bool]], delay_s: float
) -> None:
    player = Player(delay_s)
    for condition, ticks, has_headroom in steps:
        player.has_headroom = has_headroom
        player.fare(condition, ticks * TICK_S)
    for (before_s, before), (at_s, place) in pairwise(player.moves):
        assert before is not place
        if place is Place.MAIN:
            assert at_s - before_s >= FIRST_WAIT_S
    assert FIRST_WAIT_S / 2 <= player.adaptation.wait_s <= LONGEST_WAIT_S


@settings(max_examples=50, deadline=None)
@given(st.floats(0.0, 3.0), st.booleans())
def test_a_player_that_can_never_follow_is_disturbed_seldom(
    delay_s: float, has_headroom: bool
) -> None:
    player = Player(delay_s, has_headroom=has_headroom)
    player.fare_by(lambda place: CLEAR if place in SENDS_SUB else BEHIND, 3600)
    ups = [at_s for at_s, place in player.moves if place is Place.MAIN]
    assert len(ups) <= 3600 / (HEADROOM_WAIT_S if has_headroom else LONGEST_WAIT_S / 2) + 5
    spent = sum(b - a for (a, place), (b, _) in pairwise(player.moves) if place is Place.SUB)
    assert spent > 0.8 * 3600


SENDS_SUB = {Place.SUB, Place.GOING_UP}


@settings(max_examples=50, deadline=None)
@given(st.floats(0.0, 3.0), st.integers(1, 600))
def test_main_is_back_within_thirty_seconds_of_the_end_of_any_trouble(
    delay_s: float, trouble_s: int
) -> None:
    """With headroom seen from then on; a key frame of main comes within ``delay_s``."""
    player = Player(delay_s, has_headroom=False)
    player.fare_by(lambda place: CLEAR if place in SENDS_SUB else BEHIND, trouble_s)
    player.has_headroom = True
    ended_s = player.now_s
    player.fare(CLEAR, 30)
    assert player.place is Place.MAIN
    assert not player.moves or player.moves[-1][0] - ended_s <= 30


# ---------------------------------------------------------------- the evidence
def tcp(max_delay_s: float = 3.0) -> Symptoms:
    return Symptoms(is_udp=False, max_delay_s=max_delay_s)


def udp() -> Symptoms:
    return Symptoms(is_udp=True, max_delay_s=3.0)


@pytest.mark.parametrize(
    ("delay_s", "condition"),
    [(0.0, CLEAR), (0.25, CLEAR), (0.3, UNSURE), (0.99, UNSURE), (BEHIND_S, BEHIND), (9.0, BEHIND)],
)
def test_by_tcp_the_queue_tells(delay_s: float, condition: Condition) -> None:
    assert tcp().condition(0.0, delay_s=delay_s, episodes=0) is condition


def test_a_short_queue_is_full_sooner() -> None:
    symptoms = tcp(max_delay_s=0.6)
    assert symptoms.condition(0.0, delay_s=0.2, episodes=0) is BEHIND
    assert symptoms.condition(0.0, delay_s=0.15, episodes=0) is UNSURE
    assert symptoms.condition(0.0, delay_s=0.09, episodes=0) is CLEAR


def test_pictures_dropped_twice_in_a_short_time_are_trouble_and_once_is_none() -> None:
    symptoms = tcp()
    assert symptoms.condition(0.0, delay_s=0.0, episodes=1) is UNSURE
    assert symptoms.condition(EPISODES_WITHIN_S - 1, delay_s=0.0, episodes=2) is BEHIND
    assert symptoms.words == "pictures were dropped 2 times within 10 s"
    assert symptoms.condition(EPISODES_WITHIN_S + 1, delay_s=0.0, episodes=2) is UNSURE
    assert symptoms.condition(2 * EPISODES_WITHIN_S + 1, delay_s=0.0, episodes=2) is CLEAR


def test_by_udp_only_reports_tell_that_all_is_well() -> None:
    symptoms = udp()
    assert symptoms.condition(0.0, delay_s=0.0, episodes=0) is UNSURE
    symptoms.reported(1.0, 0.0)
    assert symptoms.condition(1.0, delay_s=0.0, episodes=0) is CLEAR
    assert symptoms.condition(1.5 + REPORT_LIFE_S, delay_s=0.0, episodes=0) is UNSURE


@pytest.mark.parametrize(
    ("losses", "condition"),
    [
        ([0.25], BEHIND),
        ([0.06], UNSURE),
        ([0.06, 0.06], BEHIND),
        ([0.06, 0.04], UNSURE),
        ([0.25, 0.0], CLEAR),
        ([0.06, 0.06, 0.005], CLEAR),
        ([0.0, 0.02], UNSURE),
    ],
)
def test_by_udp_heavy_loss_or_loss_that_lasts_is_trouble(
    losses: list[float], condition: Condition
) -> None:
    symptoms = udp()
    for number, loss in enumerate(losses):
        symptoms.reported(5.0 * number, loss)
    now_s = 5.0 * len(losses) - 4.0
    assert symptoms.condition(now_s, delay_s=0.0, episodes=0) is condition


def test_what_was_seen_of_one_stream_says_nothing_of_the_other() -> None:
    symptoms = udp()
    symptoms.reported(0.0, 0.5)
    assert symptoms.condition(0.0, delay_s=0.0, episodes=1) is BEHIND
    assert symptoms.words == "50% of its packets are lost"
    symptoms.forget()
    assert symptoms.condition(1.0, delay_s=0.0, episodes=1) is UNSURE


def test_the_log_is_told_how_far_behind_a_player_is() -> None:
    symptoms = tcp()
    symptoms.condition(0.0, delay_s=2.14, episodes=0)
    assert symptoms.words == "2.1 s behind"
