"""Motion on a channel: what counts, how long it holds, and who is told on which login."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neolink.baichuan.ids import MessageId, Status
from neolink.baichuan.server import Requested
from neolink.baichuan.xml import serialize_body
from neolink.baichuan.xml.events import AlarmEvent, AlarmEventList
from neolink.camera import motion as motion_module
from neolink.camera import supervisor as supervisor_module
from neolink.camera.commands.motion import MotionFollower
from neolink.camera.motion import DOUBT_S, MotionState
from neolink.camera.status import CameraState
from neolink.media.tracks import StreamKind
from neolink.simulator.server import SimulatedCamera
from neolink.simulator.stats import CameraStats
from support.camera_bench import PROFILE, Peer, Rig, eventually, rigged, scripted

SUB = StreamKind.SUB
KEY = (0, SUB)
HOLD_S = 1.0


def alarm(status: str = "MD", ai_type: str | None = "none", channel: int | None = 0) -> AlarmEvent:
    return AlarmEvent(channel, status, ai_type, recording=0, time_stamp=0)


def alarms(*events: AlarmEvent) -> AlarmEventList:
    return AlarmEventList(events)


START, END = alarms(alarm()), alarms(alarm("none"))


# ---------------------------------------------------------------- the state
@pytest.mark.parametrize(
    ("status", "ai_type", "is_motion"),
    [
        ("MD", "none", True),
        ("PIR", None, True),
        ("visitor", "none", True),
        ("MD,visitor", "none", True),
        ("none", "people", True),
        ("none", "other,dog_cat", True),
        ("none", "none", False),
        ("none", None, False),
        ("", "", False),
    ],
)
def test_any_kind_of_alarm_is_motion(status: str, ai_type: str | None, is_motion: bool) -> None:
    state = MotionState(0, HOLD_S)
    state.handle(alarms(alarm(status, ai_type)), 10.0)
    assert state.is_on(10.0) is is_motion


def test_motion_lasts_until_its_end_is_told_and_then_for_the_hold() -> None:
    state = MotionState(0, HOLD_S)
    assert not state.is_on(0.0)
    state.handle(START, 10.0)
    assert state.until_s == inf
    assert state.is_on(1e9)
    state.handle(END, 20.0)
    assert state.until_s == 20.0 + HOLD_S
    assert state.is_on(20.999)
    assert not state.is_on(21.0)


def test_motion_within_the_hold_begins_anew_and_a_repeated_end_does_not_prolong() -> None:
    state = MotionState(0, HOLD_S)
    state.handle(START, 10.0)
    state.handle(END, 11.0)
    state.handle(START, 11.5)
    state.handle(END, 20.0)
    state.handle(END, 20.9)
    assert state.until_s == 20.0 + HOLD_S


def test_an_end_without_a_beginning_is_no_motion() -> None:
    state = MotionState(0, HOLD_S)
    state.handle(END, 10.0)
    assert not state.is_on(10.0)


def test_other_channels_and_empty_lists_change_nothing() -> None:
    state = MotionState(2, HOLD_S)
    state.handle(alarms(alarm(channel=0), alarm(channel=None)), 1.0)
    assert not state.is_on(1.0)
    state.handle(alarms(alarm(channel=2), alarm("none", channel=1)), 2.0)
    state.handle(alarms(alarm("none", channel=0)), 3.0)
    state.handle(alarms(), 4.0)
    assert state.until_s == inf


def test_one_of_several_events_of_a_channel_suffices() -> None:
    state = MotionState(0, HOLD_S)
    state.handle(alarms(alarm(), alarm("none")), 1.0)
    assert state.is_on(1.0)


def test_an_event_without_a_channel_is_of_the_first() -> None:
    state = MotionState(0, HOLD_S)
    state.handle(alarms(alarm(channel=None)), 1.0)
    assert state.is_on(1.0)


def test_what_an_earlier_login_told_is_believed_for_a_while() -> None:
    state = MotionState(0, HOLD_S)
    state.handle(START, 10.0)
    state.doubt(50.0)
    assert state.until_s == 50.0 + DOUBT_S
    state.handle(START, 60.0)
    assert state.until_s == inf
    state.doubt(70.0)
    state.handle(END, 75.0)
    assert state.until_s == 75.0 + HOLD_S
    state.doubt(75.5)
    assert state.until_s == 75.0 + HOLD_S


@given(
    st.floats(0, 100),
    st.lists(st.tuples(st.floats(0, 10), st.sampled_from(["start", "end", "ask"])), max_size=30),
)
def test_the_hold_is_never_shorter_than_configured(
    hold_s: float, steps: list[tuple[float, str]]
) -> None:
    """Model: whether an alarm is present, and when the last one ended."""
    state, now_s, is_present, ended_s = MotionState(0, hold_s), 0.0, False, -inf
    for pause_s, step in steps:
        now_s += pause_s
        if step == "start":
            state.handle(START, now_s)
            is_present = True
        elif step == "end":
            state.handle(END, now_s)
            ended_s = now_s if is_present else ended_s
            is_present = False
        assert state.is_on(now_s) is (is_present or now_s < ended_s + hold_s)


# ---------------------------------------------------------------- on a login
def follow(rig: Rig, channel: int = 0, hold_s: float = 0.0) -> list[bool]:
    """Follow motion; return what is told, a list that grows."""
    told: list[bool] = []
    rig.camera.motion.follow([MotionFollower(channel, hold_s, told.append)])
    return told


def has_subscribed(count: int = 1) -> Callable[[CameraStats], bool]:
    return lambda stats: stats.requests[MessageId.ALARM_SUBSCRIBE] == count


async def test_a_camera_that_nobody_follows_is_not_asked_for_alarms() -> None:
    async with SimulatedCamera(PROFILE) as camera, rigged(camera, SUB) as rig:
        await rig.main.until_pictures(3)
        camera.push_motion()
        assert not camera.stats.requests[MessageId.ALARM_SUBSCRIBE]
        follow(rig)  # also later, on the login that is there
        await camera.wait_for(has_subscribed())


async def test_begin_and_end_are_told_once_each() -> None:
    async with SimulatedCamera(PROFILE) as camera, rigged(camera, wanted=False) as rig:
        told = follow(rig)
        await camera.wait_for(has_subscribed())
        for status, ai_type in (("MD", "none"), ("MD", "people"), ("none", "people")):
            camera.push_motion(0, status, ai_type)
        await eventually(lambda: told == [True])
        for _ in range(2):
            camera.push_motion(0, "none", "none")
        await eventually(lambda: told == [True, False])
        assert camera.stats.requests[MessageId.ALARM_SUBSCRIBE] == 1


async def test_the_end_is_told_after_the_hold_and_not_before() -> None:
    loop = asyncio.get_running_loop()
    async with SimulatedCamera(PROFILE) as camera, rigged(camera, wanted=False) as rig:
        told = follow(rig, hold_s=0.2)
        await camera.wait_for(has_subscribed())
        camera.push_motion()
        await eventually(lambda: told == [True])
        began_s = loop.time()
        camera.push_motion(0, "none", "none")
        await eventually(lambda: told == [True, False])
        assert loop.time() - began_s >= 0.2


async def test_each_channel_has_its_followers() -> None:
    profile = replace(PROFILE, channels=3)
    async with SimulatedCamera(profile) as camera, rigged(camera, wanted=False) as rig:
        first: list[bool] = []
        third: list[bool] = []
        rig.camera.motion.follow(
            [MotionFollower(0, 0.0, first.append), MotionFollower(2, 0.0, third.append)]
        )
        await camera.wait_for(has_subscribed())
        camera.push_motion(1)
        camera.push_motion(2)
        await eventually(lambda: third == [True])
        assert first == []


async def test_who_goes_on_following_is_told_nothing_twice_and_who_stops_nothing() -> None:
    async with SimulatedCamera(PROFILE) as camera, rigged(camera, wanted=False) as rig:
        stays: list[bool] = []
        goes: list[bool] = []
        rig.camera.motion.follow(MotionFollower(0, 0.0, one.append) for one in (stays, goes))
        await camera.wait_for(has_subscribed())
        camera.push_motion()
        await eventually(lambda: stays == goes == [True])
        rig.camera.motion.follow([MotionFollower(0, 0.01, stays.append)])
        camera.push_motion(0, "none", "none")
        await eventually(lambda: stays == [True, False])
        assert goes == [True]


@pytest.mark.parametrize("status", [Status.BAD_REQUEST, Status.NOT_ALLOWED])
async def test_a_camera_that_refuses_the_subscription_may_tell_all_the_same(
    status: Status, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    requests = 0

    async def camera(peer: Peer) -> None:
        nonlocal requests
        await peer.admit()
        while True:
            request = await peer.request()
            is_ours = request.message_id == MessageId.ALARM_SUBSCRIBE
            peer.protocol.reply(request.header, status=status if is_ours else Status.OK)
            if is_ours:
                requests += 1
                peer.protocol.push(MessageId.ALARM_EVENTS, body=serialize_body(START))
            peer.send()

    async with (
        scripted(camera) as port,
        rigged(port, wanted=False, busy_retries=2, busy_delay_s=0.01) as rig,
    ):
        told = follow(rig)
        await eventually(lambda: told == [True])
        await eventually(lambda: "may not tell of motion" in caplog.text)
        assert requests == (3 if status is Status.BAD_REQUEST else 1)
        assert rig.camera.status.state is CameraState.CONNECTED
        assert rig.camera.status.failures == 0


async def test_what_makes_no_sense_or_tells_of_something_else_is_passed_over() -> None:
    bodies = (
        b"",
        b"<?xml",
        b"\xff" * 40,
        b'<?xml version="1.0" encoding="UTF-8" ?><body><DayNightEventList/></body>',
        serialize_body(START),
    )

    async def camera(peer: Peer) -> None:
        await peer.admit()
        await peer.serve(on_request=partial(tell, peer))

    def tell(peer: Peer, request: Requested) -> None:
        for body in bodies if request.message_id == MessageId.ALARM_SUBSCRIBE else ():
            peer.protocol.push(MessageId.ALARM_EVENTS, body=body)

    async with scripted(camera) as port, rigged(port, wanted=False) as rig:
        told = follow(rig)
        await eventually(lambda: told == [True])
        assert rig.camera.status.failures == 0


async def test_each_login_is_subscribed_and_motion_outlives_a_short_loss() -> None:
    async with (
        SimulatedCamera(PROFILE) as camera,
        rigged(camera, wanted=False, backoff_initial_s=0.01) as rig,
    ):
        told = follow(rig)
        for turn in range(1, 4):
            await camera.wait_for(has_subscribed(turn))
            camera.push_motion()
            await eventually(lambda: told == [True])
            camera.cut()
        await camera.wait_for(has_subscribed(4))
        assert told == [True]
        camera.push_motion(0, "none", "none")
        await eventually(lambda: told == [True, False])


async def test_motion_whose_end_was_missed_is_not_believed_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(motion_module, "DOUBT_S", 0.1)
    async with (
        SimulatedCamera(PROFILE) as camera,
        rigged(camera, wanted=False, backoff_initial_s=0.01) as rig,
    ):
        told = follow(rig)
        await camera.wait_for(has_subscribed())
        camera.push_motion()
        await eventually(lambda: told == [True])
        camera.cut()
        await eventually(lambda: told == [True, False])
        assert camera.stats.logins == 2


# ---------------------------------------------------------------- a paused stream
@pytest.fixture
def quick_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor_module, "IDLE_CHECK_S", 0.01)


async def test_a_pause_stops_the_video_and_its_end_starts_it_once() -> None:
    async with SimulatedCamera(PROFILE) as camera, rigged(camera, SUB) as rig:
        for turn in range(1, 4):
            await rig.main.until_pictures(3)
            assert camera.stats.video_starts == {KEY: turn}
            rig.stream.pause(True)
            await camera.wait_for(lambda stats: not stats.active_streams)
            assert camera.stats.video_stops == {KEY: turn}
            before = len(rig.main.pictures)
            await asyncio.sleep(0.05)
            assert len(rig.main.pictures) == before
            rig.stream.pause(False)
            await rig.main.until_pictures(1)
            assert rig.main.pictures[before].is_random_access
        assert rig.main.losses == 0
        assert camera.stats.logins == 1


async def test_a_paused_stream_keeps_the_login_or_motion_would_never_be_told(
    quick_idle: None,
) -> None:
    async with (
        SimulatedCamera(PROFILE) as camera,
        rigged(camera, SUB, idle_disconnect=True, idle_grace_s=0.05) as rig,
    ):
        told = follow(rig)
        await rig.main.until_pictures(1)
        rig.stream.pause(True)
        await camera.wait_for(lambda stats: not stats.active_streams)
        await asyncio.sleep(0.2)
        assert rig.camera.status.state is CameraState.CONNECTED
        camera.push_motion()
        await eventually(lambda: told == [True])
        rig.stream.pause(True)
        rig.stream.request(False)
        await rig.until_state(CameraState.IDLE)
        assert camera.stats.video_starts == {KEY: 1}


async def test_a_stream_wanted_anew_is_not_paused() -> None:
    async with SimulatedCamera(PROFILE) as camera, rigged(camera, SUB) as rig:
        await rig.main.until_pictures(1)
        rig.stream.pause(True)
        rig.stream.request(False)
        rig.stream.pause(False)  # of no account: nobody wants it
        await camera.wait_for(lambda stats: not stats.active_streams)
        await asyncio.sleep(0.02)
        assert camera.stats.video_starts == {KEY: 1}
        rig.stream.request(True)
        await rig.main.until_pictures(1)


async def test_a_camera_lost_in_a_pause_is_subscribed_again_and_not_started() -> None:
    async with (
        SimulatedCamera(PROFILE) as camera,
        rigged(camera, SUB, backoff_initial_s=0.01) as rig,
    ):
        told = follow(rig)
        await rig.main.until_pictures(1)
        rig.stream.pause(True)
        await camera.wait_for(lambda stats: not stats.active_streams)
        camera.cut()
        await camera.wait_for(has_subscribed(2))
        camera.push_motion()
        await eventually(lambda: told == [True])
        assert camera.stats.video_starts == {KEY: 1}
        assert rig.main.losses == 0
