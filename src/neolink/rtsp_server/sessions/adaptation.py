"""When a player goes to the sub stream and when back: one table, with any clock. Pure.

Nothing is moved here. The owner tells how the player fares and what became of a move; it is told
where the player should be. What the evidence is, of TCP or of UDP, is in :class:`Symptoms`.

=============  =========  ==============================  ==============
place          condition  for at least                    becomes
=============  =========  ==============================  ==============
main           behind     1 s (at once on a trial)        going down
going down     clear      at once                         main
sub            clear      the wait                        going up
going up       behind     at once                         sub
=============  =========  ==============================  ==============

A move that does not arrive within 10 s is given up. Nothing but main's own pictures proves that
main fits, so going up is a *trial* for the first 10 s. The *wait* before it is 6 s at first. Every
move down doubles it and every minute on main halves it again, and a move that did not arrive
doubles it too: up to 5 min, because a trial that fails costs its viewer a second or two of picture.
While the player seems to have headroom it is 24 s at most, so that main is back soon; while nothing
tells of any it is 24 s at least.
"""

from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

__all__ = ["Adaptation", "Condition", "Place", "Symptoms"]

SUSTAINED_S: Final = 1.0
"""A network that hiccups is no reason to move."""

TRIAL_S: Final = 10.0
PATIENCE_S: Final = 10.0
"""A camera that has not sent the other stream by then does not send it."""

FIRST_WAIT_S: Final = 6.0
LONGEST_WAIT_S: Final = 300.0
HEADROOM_WAIT_S: Final = 24.0
"""With headroom no wait is longer, without none is shorter."""

FORGIVING_S: Final = 60.0
"""So long on main halves the wait."""

BEHIND_S: Final = 1.0
"""Media that waits in our queue; the system holds some more."""

CLEAR_S: Final = 0.25
EPISODES: Final = 2
EPISODES_WITHIN_S: Final = 10.0
HEAVY_LOSS: Final = 0.2
"""Share of packets; one report of it is enough."""

LOSS: Final = 0.05
"""Two reports in a row tell that it lasts."""

CLEAR_LOSS: Final = 0.01
REPORT_LIFE_S: Final = 30.0
"""An older report says nothing. Players report every 5 s, but ffmpeg by how much it receives:
every 14 s while that is a small stream."""


class Place(StrEnum):
    """Which stream a player is sent, and where it is on its way to."""

    MAIN = "main"
    GOING_DOWN = "main, until the sub stream's next key frame"
    SUB = "sub"
    GOING_UP = "sub, until the main stream's next key frame"


class Condition(StrEnum):
    """How a player fares with what it is sent."""

    BEHIND = "behind"
    CLEAR = "clear"
    UNSURE = "unsure"
    """Neither, or nothing tells."""


@dataclass(frozen=True, slots=True)
class _Rule:
    condition: Condition
    becomes: Place
    given_up: Place | None = None
    """Where a move leads that does not arrive."""
    arrives: Place | None = None


_RULES: Final = {
    Place.MAIN: _Rule(Condition.BEHIND, Place.GOING_DOWN),
    Place.GOING_DOWN: _Rule(Condition.CLEAR, Place.MAIN, Place.MAIN, Place.SUB),
    Place.SUB: _Rule(Condition.CLEAR, Place.GOING_UP),
    Place.GOING_UP: _Rule(Condition.BEHIND, Place.SUB, Place.SUB, Place.MAIN),
}


class Adaptation:
    """Where one player should be. Times are seconds of any monotonic clock."""

    def __init__(self, now_s: float) -> None:
        self.place = Place.MAIN
        self.wait_s = FIRST_WAIT_S / 2
        """How long all must have been clear on sub before main is tried."""
        self.lasted_s = 0.0
        """How long the condition had lasted that led to this place."""
        self._since_s = now_s
        """When the place was reached."""
        self._condition_since_s: float | None = None
        self._is_trial = False
        self._main_since_s = now_s
        self._not_before_s = now_s
        """No move begins earlier."""

    def look(self, now_s: float, condition: Condition, *, has_headroom: bool = False) -> Place:
        """Take a look at how the player fares; return where it should be from now on.

        ``has_headroom`` tells that more could be sent to it than the sub stream, as far as is seen.
        """
        rule = _RULES[self.place]
        if rule.given_up is not None and now_s - self._since_s >= PATIENCE_S:
            self.give_up(now_s)
            return self.place
        if condition is not rule.condition:
            self._condition_since_s = None
            return self.place
        if self._condition_since_s is None:
            self._condition_since_s = now_s
        lasted_s = now_s - self._condition_since_s
        if lasted_s >= self._needed_s(now_s, has_headroom) and now_s >= self._not_before_s:
            self.lasted_s = lasted_s
            self._reach(rule.becomes, now_s)
        return self.place

    def arrived(self, now_s: float) -> None:
        """Learn that the move is done. Ignored when none was under way."""
        place = _RULES[self.place].arrives
        if place is Place.SUB:
            on_main_s = now_s - self._main_since_s
            self._set_wait(self.wait_s * 2 ** (1 - on_main_s / FORGIVING_S))
        elif place is Place.MAIN:
            self._main_since_s = now_s
        if place is not None:
            self._reach(place, now_s)
            self._is_trial = place is Place.MAIN

    def give_up(self, now_s: float) -> None:
        """Learn that the move that is under way cannot arrive. Ignored when none is."""
        place = _RULES[self.place].given_up
        if place is not None:
            self._set_wait(2 * self.wait_s)
            self._not_before_s = now_s + min(self.wait_s, HEADROOM_WAIT_S)
            self._reach(place, now_s)

    def restart(self, now_s: float) -> None:
        """Learn that the player begins again on main."""
        self._main_since_s = now_s
        self._is_trial = False
        self._reach(Place.MAIN, now_s)

    def _needed_s(self, now_s: float, has_headroom: bool) -> float:  # noqa: FBT001 - private, one caller
        """How long the condition must have lasted."""
        if self.place is Place.SUB:
            bound = min if has_headroom else max
            return bound(self.wait_s, HEADROOM_WAIT_S)
        is_trial = self._is_trial and now_s - self._since_s < TRIAL_S
        return SUSTAINED_S if self.place is Place.MAIN and not is_trial else 0.0

    def _set_wait(self, wait_s: float) -> None:
        self.wait_s = min(max(wait_s, FIRST_WAIT_S), LONGEST_WAIT_S)

    def _reach(self, place: Place, now_s: float) -> None:
        self.place = place
        self._since_s = now_s
        self._condition_since_s = None


class Symptoms:
    """The evidence of one player: what waits for it and is lost, and what it reports itself.

    By TCP a player is behind when a second of media waits for it, or a third of what may, or when
    it lost pictures twice within 10 s. By UDP nothing waits: there it is behind by its receiver
    reports (RFC 3550 section 6.4.2). One that never reports is neither behind nor clear.
    """

    def __init__(self, *, is_udp: bool, max_delay_s: float) -> None:
        self._is_udp = is_udp
        self._behind_s = min(BEHIND_S, max_delay_s / 3)
        self._episodes = 0
        self._losses_s: deque[float] = deque(maxlen=EPISODES)
        self._reports: deque[tuple[float, float]] = deque(maxlen=2)
        self._delay_s = 0.0

    def reported(self, now_s: float, loss: float) -> None:
        """Take a receiver report: ``loss`` is the share of packets lost since the one before."""
        self._reports.append((now_s, loss))

    def forget(self) -> None:
        """Learn that the player was moved: what it showed was about another stream."""
        self._losses_s.clear()
        self._reports.clear()

    def condition(self, now_s: float, *, delay_s: float, episodes: int) -> Condition:
        """Judge: ``delay_s`` of media wait, and units began to be lost ``episodes`` times."""
        self._delay_s = delay_s
        if episodes > self._episodes:
            self._losses_s.append(now_s)
        self._episodes = episodes
        while self._losses_s and now_s - self._losses_s[0] > EPISODES_WITHIN_S:
            self._losses_s.popleft()
        if self._is_behind(now_s):
            return Condition.BEHIND
        return Condition.CLEAR if self._is_clear(now_s) else Condition.UNSURE

    @property
    def words(self) -> str:
        """What is wrong, for the log."""
        if len(self._losses_s) == EPISODES:
            return f"pictures were dropped {EPISODES} times within {EPISODES_WITHIN_S:g} s"
        if self._is_udp and self._reports:
            return f"{self._reports[-1][1]:.0%} of its packets are lost"
        return f"{self._delay_s:.1f} s behind"

    def _is_behind(self, now_s: float) -> bool:
        if len(self._losses_s) == EPISODES or self._delay_s >= self._behind_s:
            return True
        losses = [loss for at_s, loss in self._reports if now_s - at_s <= REPORT_LIFE_S]
        is_heavy = bool(losses) and losses[-1] >= HEAVY_LOSS
        return self._is_udp and (is_heavy or (len(losses) > 1 and min(losses) >= LOSS))

    def _is_clear(self, now_s: float) -> bool:
        if self._losses_s or self._delay_s > min(CLEAR_S, self._behind_s / 2):
            return False
        if not self._is_udp:
            return True
        at_s, loss = self._reports[-1] if self._reports else (0.0, 1.0)
        return now_s - at_s <= REPORT_LIFE_S and loss <= CLEAR_LOSS
