"""What a camera notices: asked for only while somebody reads, told once for each change."""

import pytest

from neolink.clock import ManualClock
from neolink.hub.events import ALWAYS_TOLD, Events
from neolink.media.events import EventKind, EventState

MOTION, PERSON, FACE = EventKind.MOTION, EventKind.PERSON, EventKind.FACE


class Scene:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.events = Events("porch/main", self.clock)
        self.asked: list[bool] = []
        self.events.on_demand = self.asked.append
        self.told: list[tuple[tuple[EventKind, bool], ...]] = []

    def read(self, states: tuple[EventState, ...]) -> None:
        self.told.append(tuple((state.kind, state.is_active) for state in states))

    def publish(self, *kinds: EventKind) -> None:
        self.events.publish(frozenset(kinds))

    def is_on(self, kind: EventKind) -> bool | None:
        states = {state.kind: state.is_active for state in self.events.states}
        return states.get(kind)


def test_a_camera_is_asked_from_the_first_reader_to_the_last() -> None:
    scene, other = Scene(), Scene()
    assert scene.asked == []
    scene.events.subscribe(scene.read)
    scene.events.subscribe(other.read)
    assert scene.asked == [True]
    scene.events.unsubscribe(scene.read)
    assert scene.asked == [True]
    scene.events.unsubscribe(other.read)
    scene.events.unsubscribe(other.read)
    assert scene.asked == [True, False]


def test_each_change_is_told_once_to_every_reader() -> None:
    scene, other = Scene(), Scene()
    scene.events.subscribe(scene.read)
    scene.events.subscribe(other.read)
    for kinds in ((MOTION,), (MOTION,), (MOTION, PERSON), (), ()):
        scene.publish(*kinds)
    expected = [
        ((MOTION, True),),
        ((PERSON, True),),
        ((MOTION, False), (PERSON, False)),
    ]
    assert scene.told == other.told == expected


def test_states_are_of_the_usual_kinds_and_of_those_that_were_seen() -> None:
    scene = Scene()
    assert tuple(state.kind for state in scene.events.states) == ALWAYS_TOLD
    assert not any(state.is_active for state in scene.events.states)
    scene.publish(MOTION, FACE)
    assert scene.is_on(FACE) is scene.is_on(MOTION) is True
    scene.publish()
    assert scene.is_on(FACE) is False
    assert scene.is_on(EventKind.PACKAGE) is None


def test_a_state_tells_since_when() -> None:
    scene = Scene()
    began_s = scene.clock.unix_s()
    scene.clock.advance(5)
    scene.publish(MOTION)
    since = {state.kind: state.unix_s - began_s for state in scene.events.states}
    assert since[MOTION] == 5
    assert since[PERSON] == 0


def test_nothing_goes_on_for_ever_because_nobody_listened_to_its_end() -> None:
    scene = Scene()
    scene.events.subscribe(scene.read)
    scene.publish(MOTION)
    scene.events.unsubscribe(scene.read)
    assert scene.is_on(MOTION) is False
    scene.events.subscribe(scene.read)
    scene.publish(MOTION)
    assert scene.told == [((MOTION, True),)] * 2


def test_a_reader_that_fails_takes_nothing_from_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    scene = Scene()

    def fail(states: tuple[EventState, ...]) -> None:
        raise ValueError(states)

    scene.events.subscribe(fail)
    scene.events.subscribe(scene.read)
    scene.publish(MOTION)
    scene.publish()
    assert len(scene.told) == scene.events.reader_failures == 2
    assert caplog.text.count("a reader of events failed") == 1
