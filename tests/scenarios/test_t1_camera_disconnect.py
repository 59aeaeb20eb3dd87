"""T1: the camera is cut off while three players watch, again and again.

Its tasks end soon; players are shown its last picture until it is back, on the session they have,
or are told goodbye where no stand-in is wanted; nothing is left behind.
"""

from contextlib import AsyncExitStack
from itertools import pairwise

import pytest

from neolink.camera.status import CameraState
from neolink.hub.demand import DemandState
from neolink.hub.standin import StandInSettings
from neolink.media.tracks import VIDEO_CLOCK_RATE, StreamKind
from neolink.rtsp_server.settings import MountSettings
from neolink.simulator.faults import Refuse
from neolink.simulator.server import SimulatedCamera
from support.bridge import RunningBridge
from support.camera_bench import PROFILE, settings_for
from support.scenario import (
    MIB,
    Pace,
    Resources,
    Viewer,
    before_live,
    bridged,
    lost_between,
    tasks_named,
    until_soon,
    watching,
)

SUB = StreamKind.SUB
CLIP = PROFILE.clip(SUB)
PACE = Pace(lost_hold_s=0.3, interval_s=0.15, grace_s=0.2)
PUMPS = ("porch sub", "porch main", "porch extern")
"""Tasks that move a camera's pictures."""

PUMPS_END_S = 2.0
SECOND = VIDEO_CLOCK_RATE


@pytest.mark.parametrize("rounds", [2, pytest.param(10, marks=pytest.mark.slow)])
async def test_players_see_the_last_picture_until_the_camera_is_back(rounds: int) -> None:
    async with AsyncExitStack() as stack:
        camera = await stack.enter_async_context(SimulatedCamera(PROFILE))
        settings = settings_for(camera, backoff_initial_s=0.02, backoff_max_s=0.05)
        running = await stack.enter_async_context(bridged(settings, pace=PACE))
        url = running.url("porch", "sub")
        viewers = [
            await stack.enter_async_context(watching(url, CLIP, transport))
            for transport in ("tcp", "tcp", "udp")
        ]
        for viewer in viewers:
            await viewer.until_more(5)
        before = await Resources.settled()
        for _ in range(rounds):
            await _lose_and_find(camera, running, viewers)
            await before.until_again()
        assert Resources.now().rss_bytes - before.rss_bytes < 16 * MIB
        for viewer in viewers:
            assert viewer.track.gaps == 0
            assert all(earlier < later for earlier, later in pairwise(viewer.ticks))
            assert (await viewer.client.get_parameter()).status == 200  # the session it began with
        assert camera.stats.video_starts == {(0, SUB): rounds + 1}


async def _lose_and_find(
    camera: SimulatedCamera, running: RunningBridge, viewers: list[Viewer]
) -> None:
    """One round: cut, stand-in, return."""
    camera.begin(Refuse())
    camera.cut()
    await until_soon(lambda: not tasks_named(*PUMPS), "the end of the pumps", PUMPS_END_S)
    assert running.bridge.cameras[0].status.state is not CameraState.CONNECTED
    ends = [len(viewer.pictures) for viewer in viewers]
    for viewer, end in zip(viewers, ends, strict=True):
        await until_soon(lambda: len(viewer.pictures) >= end + 3, "three stand-ins")  # noqa: B023 - used now
        _check_stand_ins(viewer, end)
    returned = [len(viewer.pictures) for viewer in viewers]
    camera.resume()
    for viewer, start in zip(viewers, returned, strict=True):
        await until_soon(
            lambda: before_live(viewer.numbers[start:], 6) is not None,  # noqa: B023 - used now
            lambda: f"live video from a key frame on; {viewer.numbers[start:]}",  # noqa: B023
        )
        stand_ins = viewer.numbers[start:][: before_live(viewer.numbers[start:], 6)]
        assert len(set(stand_ins)) <= 1


def _check_stand_ins(viewer: Viewer, end: int) -> None:
    """Expect the last key frame again, after the hold, at a steady pace."""
    seen, stand_ins = viewer.pictures[:end], viewer.pictures[end:]
    last_key = next(picture for picture in reversed(seen) if viewer.is_key(picture))
    assert {picture.number for picture in stand_ins} == {last_key.number}
    silence_s = (stand_ins[0].ticks - seen[-1].ticks) / SECOND
    assert PACE.lost_hold_s * 0.9 < silence_s < PACE.lost_hold_s + 1.5
    for earlier, later in pairwise(stand_ins):
        assert PACE.interval_s * 0.9 < (later.ticks - earlier.ticks) / SECOND < PACE.interval_s + 1


async def test_without_a_stand_in_the_sessions_end_and_players_come_back() -> None:
    async with AsyncExitStack() as stack:
        camera = await stack.enter_async_context(SimulatedCamera(PROFILE))
        settings = settings_for(camera, backoff_initial_s=0.02, backoff_max_s=0.05)
        mount = MountSettings(camera="", use_splash=False)
        running = await stack.enter_async_context(bridged(settings, mount=mount, pace=PACE))
        url = running.url("porch", "sub")
        await until_soon(lambda: camera.stats.logins == 1)
        before = await Resources.settled()
        async with watching(url, CLIP) as first, watching(url, CLIP, "udp") as second:
            viewers = (first, second)
            for viewer in viewers:
                await viewer.until_more(3)
            camera.begin(Refuse())
            camera.cut()
            for viewer in viewers:
                await viewer.client.until(lambda: viewer.track.has_ended, "BYE")  # noqa: B023 - used now
                await viewer.client.until_closed()
                assert lost_between(viewer.numbers, CLIP) == 0
            assert len(running.bridge.rtsp.context.sessions) == 0
        stream = running.bridge.streams["porch", SUB]
        await until_soon(lambda: stream.state is DemandState.IDLE, "the end of the grace period")
        camera.resume()
        await until_soon(lambda: camera.stats.logins == 2, "the camera")
        await before.until_again()
        assert camera.stats.video_starts == {(0, SUB): 1}, "nobody asked for it"
        async with watching(url, CLIP) as again:
            await again.until_more(3)


def test_the_stand_in_comes_after_eight_seconds_once_a_second() -> None:
    settings = StandInSettings()
    assert (settings.lost_hold_s, settings.interval_s) == (8.0, 1.0)
