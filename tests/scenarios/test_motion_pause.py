"""A stream that flows only while there is motion: the camera rests, the sessions stay.

Players are shown a stand-in while the camera rests, and its pictures again, in the session they
have, as soon as there is motion.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from itertools import pairwise
from typing import Literal

import pytest

from neolink.baichuan.ids import MessageId
from neolink.hub.demand import DemandState
from neolink.hub.pause import PauseMode, PauseSettings
from neolink.media.tracks import VIDEO_CLOCK_RATE, StreamKind
from neolink.rtsp_server.settings import MountSettings
from neolink.simulator.server import SimulatedCamera
from neolink.simulator.stats import CameraStats
from support.bridge import RunningBridge
from support.camera_bench import PROFILE, settings_for
from support.scenario import (
    Pace,
    Resources,
    Viewer,
    before_live,
    bridged,
    until_soon,
    watching,
)

SUB = StreamKind.SUB
KEY = (0, SUB)
CLIP = PROFILE.clip(SUB)
PACE = Pace(start_hold_s=3.0, lost_hold_s=8.0, interval_s=0.1, grace_s=0.2)
START_S = 1.5
"""Motion, start-video, the first key frame: far below the hold of a lost camera."""

PAUSE = PauseSettings(on_motion=True, motion_timeout_s=0.1, first_look_s=0.5)


@asynccontextmanager
async def pausing(pause: PauseSettings) -> AsyncIterator[tuple[SimulatedCamera, RunningBridge]]:
    """Run a camera and a bridge that pauses its streams."""
    async with AsyncExitStack() as stack:
        camera = await stack.enter_async_context(SimulatedCamera(PROFILE))
        mount = MountSettings(camera="", pause=pause)
        running = await stack.enter_async_context(
            bridged(settings_for(camera), mount=mount, pace=PACE)
        )
        await camera.wait_for(lambda stats: stats.requests[MessageId.ALARM_SUBSCRIBE] > 0)
        yield camera, running


def counts(stats: CameraStats) -> Mapping[str, int]:
    """Return how often the stream was started and stopped, and whether it runs."""
    return {
        "starts": stats.video_starts[KEY],
        "stops": stats.video_stops[KEY],
        "runs": stats.active_streams[KEY],
    }


def at_rest_after(turns: int) -> Callable[[CameraStats], bool]:
    return lambda stats: counts(stats) == {"starts": turns, "stops": turns, "runs": 0}


async def see_pause(viewer: Viewer, number: int | None) -> None:
    """Be shown one picture again and again, in step."""
    start = len(viewer.pictures)
    await viewer.until_more(5)
    shown = viewer.pictures[start + 1 :]  # the camera's last one may still be on its way
    assert {picture.number for picture in shown} == {number}
    for earlier, later in pairwise(shown):
        assert PACE.interval_s * 0.9 < (later.ticks - earlier.ticks) / VIDEO_CLOCK_RATE < 1.0


async def see_motion(viewer: Viewer, start: int) -> None:
    """Be shown live pictures that begin at a key frame."""
    await until_soon(
        lambda: before_live(viewer.numbers[start:], 5) is not None,
        lambda: f"live video; {viewer.numbers[start:]}",
        START_S,
    )
    shown = viewer.numbers[start:][: before_live(viewer.numbers[start:], 5)]
    assert len(set(shown)) <= 1, "live video begins at a key frame"


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("mode", list(PauseMode))
async def test_a_session_outlives_pauses_and_is_shown_motion(
    transport: Literal["tcp", "udp"], mode: PauseMode
) -> None:
    async with (
        pausing(replace(PAUSE, mode=mode)) as (camera, running),
        watching(running.url("porch", "sub"), CLIP, transport) as viewer,
    ):
        await viewer.until_more(5)
        assert viewer.numbers[:5] == [0, 1, 2, 3, 4], "a first look without motion"
        await camera.wait_for(at_rest_after(1))
        before = Resources.now()
        for turn in (2, 3):
            last_key = next(one for one in reversed(viewer.pictures) if viewer.is_key(one)).number
            await see_pause(viewer, last_key if mode.pattern is None else None)
            start = len(viewer.pictures)
            camera.push_motion(0, "none", "people")
            await see_motion(viewer, start)
            assert counts(camera.stats) == {"starts": turn, "stops": turn - 1, "runs": 1}
            camera.push_motion(0, "none", "none")
            await camera.wait_for(at_rest_after(turn))
        await before.until_again()
        assert viewer.track.gaps == 0
        assert all(earlier < later for earlier, later in pairwise(viewer.ticks))
        silences = [
            (later - earlier) / VIDEO_CLOCK_RATE for earlier, later in pairwise(viewer.ticks)
        ]
        assert max(silences) < START_S
        assert (await viewer.client.get_parameter()).status == 200  # the session it began with
        assert camera.stats.logins == 1


async def test_who_comes_during_a_pause_has_a_picture_at_once_and_wakes_nobody() -> None:
    async with (
        pausing(PAUSE) as (camera, running),
        watching(running.url("porch", "sub"), CLIP) as first,
    ):
        await first.until_more(1)
        await camera.wait_for(at_rest_after(1))
        async with watching(running.url("porch", "sub"), CLIP) as second:
            await second.until_more(1)
            assert second.is_key(second.pictures[0])
            camera.push_motion()
            await see_motion(first, len(first.pictures))
            await see_motion(second, 0)
        assert camera.stats.video_starts == {KEY: 2}


async def test_motion_that_nobody_watches_starts_nothing() -> None:
    async with pausing(PAUSE) as (camera, running):
        stream = running.bridge.streams["porch", SUB]
        async with watching(running.url("porch", "sub"), CLIP) as viewer:
            await viewer.until_more(1)
            await camera.wait_for(at_rest_after(1))
        await until_soon(lambda: stream.state is DemandState.IDLE)
        camera.push_motion()
        await until_soon(lambda: stream._pause.is_motion, "motion")
        assert camera.stats.video_starts == {KEY: 1}
        async with watching(running.url("porch", "sub"), CLIP) as viewer:
            await viewer.until_more(20)  # longer than the first look
            assert counts(camera.stats) == {"starts": 2, "stops": 1, "runs": 1}


async def test_a_pause_that_is_configured_away_ends_and_the_session_stays() -> None:
    async with (
        pausing(PAUSE) as (camera, running),
        watching(running.url("porch", "sub"), CLIP) as viewer,
    ):
        await viewer.until_more(1)
        await camera.wait_for(at_rest_after(1))
        bridge = running.bridge
        (mount,) = bridge.settings.mounts
        always = replace(mount, pause=PauseSettings())
        await bridge.reload(replace(bridge.settings, mounts=[always]))
        await see_motion(viewer, len(viewer.pictures))
        camera.push_motion()
        await bridge.reload(replace(bridge.settings, mounts=[mount]))
        await camera.wait_for(at_rest_after(2))  # that motion was told to nobody
        assert (await viewer.client.get_parameter()).status == 200
        assert viewer.track.gaps == 0
        assert camera.stats.logins == 1
