"""T2: a dozen players of two streams over two transports come at once and leave in any order.

Each has its first key frame soon and is shown (nearly) every picture; the camera is asked for each
stream once; nothing is left behind.
"""

import asyncio
from contextlib import AsyncExitStack
from itertools import pairwise
from random import Random
from typing import Literal

import pytest

from neolink.baichuan.ids import MessageId
from neolink.media.tracks import StreamKind
from neolink.simulator.server import SimulatedCamera
from support.camera_bench import PROFILE, settings_for
from support.scenario import (
    MIB,
    Resources,
    bridged,
    lost_between,
    until_soon,
    watching,
)

MAIN, SUB = StreamKind.MAIN, StreamKind.SUB
FIRST_KEY_S = 3.0
LEAST_SHARE = 0.95
KINDS: list[tuple[StreamKind, Literal["tcp", "udp"]]] = [
    (MAIN, "tcp"),
    (MAIN, "udp"),
    (SUB, "tcp"),
    (SUB, "udp"),
]


@pytest.mark.parametrize(
    ("per_kind", "watch_s"), [(3, 3.0), pytest.param(10, 15.0, marks=pytest.mark.slow)]
)
async def test_each_sees_every_picture_and_the_camera_sends_once(
    per_kind: int, watch_s: float
) -> None:
    chance, loop = Random(2), asyncio.get_running_loop()
    async with AsyncExitStack() as stack:
        camera = await stack.enter_async_context(SimulatedCamera(PROFILE))
        running = await stack.enter_async_context(bridged(settings_for(camera)))
        await until_soon(lambda: camera.stats.logins == 1)
        before = await Resources.settled()
        everybody = asyncio.Barrier(len(KINDS) * per_kind)

        async def visit(kind: StreamKind, transport: Literal["tcp", "udp"], stay_s: float) -> None:
            """Watch for a while, once all have come; what was missed fails the test."""
            clip = PROFILE.clip(kind)
            came_s = loop.time()
            async with watching(running.url("porch", kind), clip, transport) as viewer:
                await viewer.until_more(1, FIRST_KEY_S)
                assert loop.time() - came_s < FIRST_KEY_S
                assert viewer.is_key(viewer.pictures[0])
                await everybody.wait()  # or a late one would have the camera asked again
                await asyncio.sleep(stay_s)
                numbers = viewer.numbers
                lost = lost_between(numbers, clip)
                rate = PROFILE.frame_rate_of(kind)
                assert len(numbers) >= LEAST_SHARE * stay_s * rate, "pictures stopped coming"
                assert len(numbers) >= LEAST_SHARE * (len(numbers) + lost), f"{lost} lost"
                assert all(earlier < later for earlier, later in pairwise(viewer.ticks))
                if transport == "tcp":
                    assert (lost, viewer.track.gaps) == (0, 0)
                assert (await viewer.client.teardown()).status == 200

        async with asyncio.TaskGroup() as tasks:
            for kind, transport in KINDS * per_kind:
                stay_s = watch_s * chance.uniform(0.5, 1.0)
                tasks.create_task(visit(kind, transport, stay_s))

        starts = {(0, MAIN): 1, (0, SUB): 1}
        await camera.wait_for(lambda stats: stats.video_stops == starts)
        assert camera.stats.video_starts == starts
        assert camera.stats.requests[MessageId.PREVIEW_START] == 2
        assert camera.stats.logins == 1
        assert camera.stats.frames_dropped.total() == 0
        await before.until_again()
        assert len(running.bridge.rtsp.context.sessions) == 0
        assert running.bridge.rtsp.context.budget.used_bytes == 0
        assert Resources.now().rss_bytes - before.rss_bytes < 64 * MIB
