"""T4: the camera is lost a hundred times while a TCP and a UDP player watch.

Their sessions live on, time never goes back, nothing is missing but what the camera never sent,
nothing grows, and the pauses between the attempts follow the rule.
"""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from itertools import pairwise

import pytest

from neolink.camera.backoff import Backoff
from neolink.camera.settings import CameraSettings
from neolink.errors import ConnectionLost
from neolink.hub.demand import TRANSITIONS, Demand, DemandEvent, DemandState
from neolink.media.tracks import VIDEO_CLOCK_RATE, StreamKind
from neolink.simulator.server import SimulatedCamera
from neolink.simulator.stats import CameraStats
from support.camera_bench import PROFILE, settings_for
from support.scenario import MIB, Resources, Viewer, bridged, until_soon, watching

MAIN = StreamKind.MAIN
QUICK = replace(PROFILE, frame_rate=100, info_delay_s=0.01)
CLIP = QUICK.clip(MAIN)
LOSSES = 100
WARM_UP = 10
INITIAL_S = 0.01
MAX_S = 0.04
LATE_S = 0.5
"""How much longer than its pause a reconnect may take on a busy machine."""

_S, _E = DemandState, DemandEvent


class RecordedDemand(Demand):
    """Keeps each step of the stream's life."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[tuple[DemandState, DemandEvent, DemandState]] = []

    def handle(self, event: DemandEvent) -> DemandState:
        before = self.state
        self.steps.append((before, event, super().handle(event)))
        return self.state


async def test_a_hundred_losses_of_the_camera_end_no_session() -> None:
    async with AsyncExitStack() as stack:
        camera = await stack.enter_async_context(SimulatedCamera(QUICK))
        settings = settings_for(camera, backoff_initial_s=INITIAL_S, backoff_max_s=MAX_S)
        running = await stack.enter_async_context(bridged(settings))
        demand = running.bridge.streams["porch", MAIN]._demand = RecordedDemand()
        url = running.url("porch", "main")
        viewers = [
            await stack.enter_async_context(watching(url, CLIP, transport, tracks=(0, 1)))
            for transport in ("tcp", "udp")
        ]
        loop = asyncio.get_running_loop()
        began_s, ticks = loop.time(), None
        before, starts = None, [0, 0]
        for count in range(1, LOSSES + 1):
            await _see_camera(viewers, starts)
            if ticks is None:
                began_s, ticks = loop.time(), viewers[0].ticks[-1]
            if count == WARM_UP:
                before = await Resources.settled()
            starts = [len(viewer.pictures) for viewer in viewers]
            pause_s = await _lose(camera, count)
            least_s = min(INITIAL_S * 2 ** (count - 1), MAX_S)
            assert least_s * 0.95 < pause_s < least_s + LATE_S, f"loss {count}"
        await _see_camera(viewers, starts)
        assert ticks is not None
        assert before is not None

        passed_s = loop.time() - began_s
        assert (viewers[0].ticks[-1] - ticks) / VIDEO_CLOCK_RATE == pytest.approx(passed_s, abs=0.5)
        for viewer in viewers:
            _check_time_and_sequence(viewer)
            assert (await viewer.client.get_parameter()).status == 200
            assert not viewer.client.is_closed
        assert len(running.bridge.rtsp.context.sessions) == 2
        _check_life(demand)
        await before.until_again()
        assert Resources.now().rss_bytes - before.rss_bytes < 24 * MIB
        assert camera.stats.logins == LOSSES + 1
        assert camera.stats.video_starts == {(0, MAIN): LOSSES + 1}


async def _see_camera(viewers: list[Viewer], starts: list[int]) -> None:
    """Wait until each player is shown moving pictures, after those it had seen."""
    for viewer, start in zip(viewers, starts, strict=True):
        await until_soon(partial(_is_live, viewer, start), partial(_shown, viewer, start))


def _is_live(viewer: Viewer, start: int) -> bool:
    return {0, 1, 2} <= {picture.number for picture in viewer.pictures[start:]}


def _shown(viewer: Viewer, start: int) -> str:
    return f"live video, there is {viewer.numbers[start:]}"


async def _lose(camera: SimulatedCamera, count: int) -> float:
    """Cut the camera off; return how long it took until somebody connected again."""

    def is_connected(stats: CameraStats) -> bool:
        return stats.connections > count

    assert camera.stats.connections == count
    loop = asyncio.get_running_loop()
    cut_s = loop.time()
    camera.cut()
    await camera.wait_for(is_connected)
    return loop.time() - cut_s


def _check_time_and_sequence(viewer: Viewer) -> None:
    for track in viewer.client.tracks.values():
        assert track.gaps == 0
        assert len({packet.ssrc for packet in track.packets}) == 1
        steps = [(b - a) % (1 << 32) for a, b in pairwise(track.timestamps)]
        assert all(0 < step < 1 << 31 for step in steps), "time went back"
    assert None not in viewer.numbers, "a picture that the camera never sent"
    for earlier, later in pairwise(viewer.numbers):
        assert earlier is not None
        is_next = later == (earlier + 1) % len(CLIP.access_units)
        assert is_next or later == 0, "live video begins at a key frame"


def _check_life(demand: RecordedDemand) -> None:
    """Every step is one of the table, and each loss was held through, without a stand-in."""
    for before, event, after in demand.steps:
        assert TRANSITIONS[before][event] is after
    assert demand.steps.count((_S.LIVE, _E.SOURCE_LOST, _S.HOLDING)) == LOSSES
    assert demand.steps.count((_S.HOLDING, _E.UNIT_CAME, _S.LIVE)) == LOSSES
    assert demand.state is _S.LIVE


def test_a_hundred_losses_pause_from_50_ms_to_5_s() -> None:
    backoff = Backoff(CameraSettings(name="porch", host="192.0.2.1"))
    pauses = [backoff.pause_s(ConnectionLost("cut"), 1.0) for _ in range(LOSSES)]
    assert pauses[:7] == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2]
    assert set(pauses[7:]) == {5.0}
