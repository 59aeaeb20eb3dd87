"""T3: 200 pictures a second, a player that reads a byte now and then, and a normal one.

The slow one loses whole groups of pictures, within the bounds of memory that are set; the normal
one loses nothing; the camera is answered at once all the while.
"""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from itertools import pairwise

import pytest

from neolink.baichuan.ids import MessageId
from neolink.media.tracks import VIDEO_CLOCK_RATE, Presentation, StreamKind
from neolink.media.units import MediaUnit
from neolink.rtsp_server.context import Context
from neolink.rtsp_server.settings import RtspLimits, RtspSettings
from neolink.simulator.server import SimulatedCamera
from support.camera_bench import PROFILE, settings_for
from support.scenario import Viewer, bridged, lost_between, watching

MAIN = StreamKind.MAIN
FRAME_RATE = 200
PROFILE_200 = replace(PROFILE, frame_rate=FRAME_RATE)
CLIP = PROFILE_200.clip(MAIN)
SLOW_WINDOW = 4096
STAP_A = 24
KEEP_ALIVE_S = 1.0
STALLED_S = 8.0
"""A player whose window stays shut for longer is given up, rightly."""

MAX_BYTES = 400_000
"""Of one player's queue: about two groups of pictures."""

MAX_BYTES_IN_ALL = 500_000


class Gauge:
    """A reader of the stream that weighs what waits for players, each time they got a unit."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.most_of_one = 0
        self.most_in_all = 0

    def push(self, unit: MediaUnit) -> None:
        del unit
        players = self._context.players.values()
        sizes = [sum(backlog.size for backlog in player.backlogs) for player in players]
        assert sum(sizes) == self._context.budget.used_bytes
        self.most_of_one = max(self.most_of_one, *sizes)
        self.most_in_all = max(self.most_in_all, sum(sizes))

    def presentation_changed(self, presentation: Presentation) -> None:
        raise AssertionError(presentation)

    def source_stopped(self) -> None:
        pass

    def source_ended(self) -> None:
        raise AssertionError


@pytest.mark.parametrize("watch_s", [4.5, pytest.param(60.0, marks=pytest.mark.slow)])
async def test_a_slow_player_loses_whole_groups_and_nobody_else_anything(
    watch_s: float, caplog: pytest.LogCaptureFixture
) -> None:
    limits = RtspLimits(
        max_bytes_per_client=MAX_BYTES, max_bytes=MAX_BYTES_IN_ALL, stall_timeout_s=watch_s
    )
    async with AsyncExitStack() as stack:
        camera = await stack.enter_async_context(SimulatedCamera(PROFILE_200))
        running = await stack.enter_async_context(
            bridged(settings_for(camera), rtsp=RtspSettings(limits=limits))
        )
        context = running.bridge.rtsp.context
        url = running.url("porch", "main")
        slow = await stack.enter_async_context(watching(url, CLIP, receive_buffer=SLOW_WINDOW))
        normal = await stack.enter_async_context(watching(url, CLIP))
        gauge = Gauge(context)
        stream = running.bridge.streams["porch", MAIN]
        stream.subscribe(gauge)
        await normal.until_more(1)

        slow.client.stop_reading()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_answers_at_once(camera, watch_s))
            tasks.create_task(_read_little(slow, watch_s))
        backlogs = [one for _, player in context.live_sessions() for one in player.backlogs]
        assert len(backlogs) == 2
        assert min(backlog.dropped for backlog in backlogs) == 0
        assert max(backlog.dropped for backlog in backlogs) > CLIP.gop

        slow.client.resume_reading()
        await slow.until_more(2 * CLIP.gop)
        behind_s = (normal.ticks[-1] - slow.ticks[-1]) / VIDEO_CLOCK_RATE
        assert abs(behind_s) < 1.0, "it does not catch up"
        _check_entries(slow)
        assert (lost_between(normal.numbers, CLIP), normal.track.gaps) == (0, 0)
        assert len(normal.pictures) > 0.9 * FRAME_RATE * watch_s
        assert camera.stats.frames_dropped.total() == 0
        assert (camera.stats.logins, stream.sink_failures) == (1, 0)
        assert MAX_BYTES / 2 < gauge.most_of_one <= MAX_BYTES
        assert gauge.most_in_all <= MAX_BYTES_IN_ALL
        told = [one for one in caplog.records if "reads too slowly" in one.getMessage()]
        assert 1 <= len(told) <= sum(backlog.episodes for backlog in backlogs)


async def _read_little(slow: Viewer, watch_s: float) -> None:
    """Read a byte a second for a while, then half of what comes."""
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    while loop.time() - began_s < min(watch_s / 3, STALLED_S):
        await asyncio.sleep(1.0)
        await _read(slow, 1)
    while loop.time() - began_s < watch_s:
        await asyncio.sleep(0.01)
        await _read(slow, 2 * SLOW_WINDOW)


async def _read(slow: Viewer, most: int) -> None:
    client = slow.client
    assert client._sock is not None
    loop = asyncio.get_running_loop()
    data = await asyncio.wait_for(loop.sock_recv(client._sock, most), 5)
    assert data, "the slow player was thrown out"
    with client._noting_faults():
        for message in client._reader.feed(data):
            client._take(message)


async def _answers_at_once(camera: SimulatedCamera, watch_s: float) -> None:
    """Ask the bridge, as cameras do, whether it lives; each time it must say so soon."""
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    count = 0
    while loop.time() - began_s < watch_s:
        camera.push(MessageId.UDP_KEEPALIVE, b"")
        count += 1
        await camera.wait_for(
            lambda stats: stats.requests[MessageId.UDP_KEEPALIVE] == count,  # noqa: B023 - used now
            KEEP_ALIVE_S,
        )
        await asyncio.sleep(0.1)


def _check_entries(slow: Viewer) -> None:
    """Expect whole pictures before a gap, and a random access point with its sets behind it."""
    length = len(CLIP.access_units)
    entries = [
        later.number
        for earlier, later in pairwise(slow.pictures)
        if later.number != ((earlier.number or 0) + 1) % length
    ]
    assert len(entries) >= 2, "too little was lost to tell"
    assert all(number is not None and CLIP.is_key(number) for number in entries), entries
    gaps = 0
    for before, packet in pairwise(slow.track.packets):
        if packet.sequence != before.sequence + 1 & 0xFFFF:
            gaps += 1
            assert before.marker, "a picture was cut"
            assert packet.payload[0] & 0x1F == STAP_A, "no parameter sets after a gap"
    assert gaps == len(entries)
