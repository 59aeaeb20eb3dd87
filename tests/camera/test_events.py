"""Events of a channel: which words mean what, who is told on which login, and what is doubted."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neolink.baichuan.ids import MessageId
from neolink.baichuan.xml.events import AlarmEvent, AlarmEventList
from neolink.camera.commands import motion as motion_module
from neolink.camera.commands.motion import EventFollower, MotionFollower
from neolink.camera.motion import MAX_CHANNELS, Noticed, kinds_of
from neolink.media.events import EventKind
from neolink.simulator.server import SimulatedCamera
from support.camera_bench import PROFILE, Rig, eventually, rigged

MOTION, PERSON, VISITOR = EventKind.MOTION, EventKind.PERSON, EventKind.VISITOR
NOTHING: frozenset[EventKind] = frozenset()


def alarm(status: str = "MD", ai_type: str | None = "none", channel: int | None = 0) -> AlarmEvent:
    return AlarmEvent(channel, status, ai_type, recording=0, time_stamp=0)


# ---------------------------------------------------------------- words
@pytest.mark.parametrize(
    ("status", "ai_type", "kinds"),
    [
        ("MD", "none", {MOTION}),
        ("PIR", None, {MOTION}),
        ("none", "other", {MOTION}),
        ("none", "people", {MOTION, PERSON}),
        ("MD", "people,vehicle", {MOTION, PERSON, EventKind.VEHICLE}),
        ("MD", "dog_cat, face", {MOTION, EventKind.ANIMAL, EventKind.FACE}),
        ("none", "package", {MOTION, EventKind.PACKAGE}),
        ("MD,visitor", "none", {MOTION, VISITOR}),
        ("tamper", "none", {MOTION, EventKind.TAMPER}),
        ("none", "a word of next year", {MOTION}),
        ("none", "none", set()),
        ("", "", set()),
    ],
)
def test_words_of_an_alarm_are_kinds_and_each_is_motion_too(
    status: str, ai_type: str | None, kinds: set[EventKind]
) -> None:
    assert kinds_of(alarm(status, ai_type)) == kinds


def test_what_was_told_last_of_a_channel_counts() -> None:
    noticed = Noticed()
    noticed.handle(AlarmEventList((alarm(), alarm("visitor"), alarm(channel=2))))
    assert noticed.on(0) == {MOTION, VISITOR}  # two events of one channel at once add up
    assert noticed.on(2) == {MOTION}
    noticed.handle(AlarmEventList((alarm("none", channel=None),)))
    assert noticed.on(0) == NOTHING
    assert noticed.on(2) == {MOTION}
    assert noticed.on(7) == NOTHING


def test_what_was_doubted_ends_unless_it_is_told_again() -> None:
    noticed = Noticed()
    noticed.handle(AlarmEventList((alarm(), alarm(channel=1))))
    noticed.doubt()
    noticed.handle(AlarmEventList((alarm(),)))
    assert noticed.on(1) == {MOTION}
    noticed.end_doubted()
    assert noticed.on(0) == {MOTION}
    assert noticed.on(1) == NOTHING


@given(st.lists(st.integers(-5, 1 << 31)))
def test_a_device_cannot_fill_the_memory_with_channels(channels: list[int]) -> None:
    noticed = Noticed()
    for channel in channels:
        noticed.handle(AlarmEventList((alarm(channel=channel),)))
    assert all(0 <= channel < MAX_CHANNELS for channel in noticed._active)


# ---------------------------------------------------------------- on a login
def follow(rig: Rig, channel: int = 0) -> tuple[list[frozenset[EventKind]], EventFollower]:
    """Follow events; return what is told, a list that grows, and the follower."""
    told: list[frozenset[EventKind]] = []
    follower = EventFollower(channel, told.append)
    rig.camera.motion.follow_events(follower)
    return told, follower


async def test_kinds_come_and_go_and_no_short_one_is_passed_over() -> None:
    async with SimulatedCamera(PROFILE) as camera, rigged(camera, wanted=False) as rig:
        told, _ = follow(rig)
        await camera.wait_for(lambda stats: stats.requests[MessageId.ALARM_SUBSCRIBE] == 1)
        for status, ai_type in (("MD", "none"), ("MD", "people"), ("visitor", "none")):
            camera.push_motion(0, status, ai_type)
        camera.push_motion(0, "none", "none")
        await eventually(lambda: len(told) == 4)
        assert told == [{MOTION}, {MOTION, PERSON}, {MOTION, VISITOR}, NOTHING]


async def test_a_camera_is_asked_only_when_somebody_follows_and_then_once() -> None:
    async with SimulatedCamera(PROFILE) as camera, rigged(camera) as rig:
        await rig.main.until_pictures(3)
        assert not camera.stats.requests[MessageId.ALARM_SUBSCRIBE]
        follow(rig)
        await camera.wait_for(lambda stats: stats.requests[MessageId.ALARM_SUBSCRIBE] == 1)
        rig.camera.motion.follow([MotionFollower(0, 0.0, lambda _: None)])
        follow(rig, 1)
        await rig.main.until_pictures(3)
        assert camera.stats.requests[MessageId.ALARM_SUBSCRIBE] == 1


async def test_who_comes_while_motion_is_watched_learns_what_goes_on() -> None:
    async with SimulatedCamera(PROFILE) as camera, rigged(camera, wanted=False) as rig:
        motion: list[bool] = []
        rig.camera.motion.follow([MotionFollower(0, 0.0, motion.append)])
        await camera.wait_for(lambda stats: stats.requests[MessageId.ALARM_SUBSCRIBE] == 1)
        camera.push_motion(0, "MD", "people")
        await eventually(lambda: motion == [True])
        told, follower = follow(rig)
        assert told == [{MOTION, PERSON}]
        rig.camera.motion.unfollow_events(follower)
        camera.push_motion(0, "none", "none")
        await eventually(lambda: motion == [True, False])
        assert told == [{MOTION, PERSON}]


async def test_an_event_outlives_a_short_loss_but_no_long_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with (
        SimulatedCamera(PROFILE) as camera,
        rigged(camera, wanted=False, backoff_initial_s=0.01) as rig,
    ):
        told, _ = follow(rig)
        await camera.wait_for(lambda stats: stats.requests[MessageId.ALARM_SUBSCRIBE] == 1)
        camera.push_motion()
        await eventually(lambda: told == [{MOTION}])
        camera.cut()
        await camera.wait_for(lambda stats: stats.requests[MessageId.ALARM_SUBSCRIBE] == 2)
        await asyncio.sleep(0.02)
        assert told == [{MOTION}]
        monkeypatch.setattr(motion_module, "DOUBT_S", 0.05)
        camera.cut()
        await eventually(lambda: told == [{MOTION}, NOTHING])
