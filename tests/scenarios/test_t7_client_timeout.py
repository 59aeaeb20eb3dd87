"""T7: players that vanish without a word: one on UDP, one on TCP whose connection stays half-open.

Their sessions are removed in time, and with the last of them the camera's stream is stopped. The
exact times are checked with a clock that is moved by hand, the whole way with real cameras and
shorter limits.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from neolink.hub.demand import DemandState
from neolink.media.tracks import StreamKind
from neolink.rtsp_server.settings import RtspLimits, RtspSettings
from neolink.simulator.server import SimulatedCamera
from neolink.simulator.stats import CameraStats
from support.camera_bench import PROFILE, settings_for
from support.rtsp_bench import Bench, start_bench, stop_bench
from support.scenario import Pace, Resources, bridged, until_soon, watching

MAIN, SUB = StreamKind.MAIN, StreamKind.SUB
TIMEOUT_S = 20
"""Told to players; a session ends at one and a half times this."""

EARLIEST_S, LATEST_S = 25, 35
STALL_S = 10
FILLING_S = 10
"""How long the buffers of the system may take what the player does not read."""


# ---------------------------------------------------------------- to the second
@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = await start_bench(session_timeout_s=TIMEOUT_S, grace_s=0.01)
    yield made
    await stop_bench(made)


@pytest.mark.parametrize("keeps_connection", [False, True])
async def test_a_silent_udp_player_is_removed_at_thirty_seconds(
    bench: Bench, keeps_connection: bool
) -> None:
    player = await bench.client()
    await player.watch(transport="udp")
    if not keeps_connection:
        await player.close_tcp()
    assert EARLIEST_S <= await _seconds_until_removed(bench) <= LATEST_S
    await until_soon(lambda: bench.camera.stream.state is DemandState.IDLE, "the end of the stream")


async def test_a_half_open_tcp_player_is_removed_when_its_window_has_been_full_for_ten(
    bench: Bench,
) -> None:
    player = await bench.client(receive_buffer=4096)
    await player.watch()
    player.stop_reading()
    bench.camera.key_size = bench.camera.size = 60_000
    assert STALL_S <= await _seconds_until_removed(bench) <= STALL_S + FILLING_S
    await until_soon(lambda: bench.camera.stream.state is DemandState.IDLE, "the end of the stream")


async def test_a_half_open_tcp_player_of_a_camera_that_is_silent_is_removed_at_thirty_seconds(
    bench: Bench,
) -> None:
    player = await bench.client()
    await player.watch()
    player.stop_reading()
    assert EARLIEST_S <= await _seconds_until_removed(bench, pictures=0) <= LATEST_S


async def test_a_player_that_shows_life_is_not_removed(bench: Bench) -> None:
    silent, alive = await bench.client(), await bench.client()
    for player in (silent, alive):
        await player.watch(transport="udp")
    for _ in range(10):
        bench.pass_time(TIMEOUT_S)
        assert (await alive.get_parameter()).status == 200
    assert [one.peer_host for one, _ in bench.server.context.live_sessions()] == ["127.0.0.1"]


async def _seconds_until_removed(bench: Bench, pictures: int = 5) -> int:
    """Let seconds pass, with pictures in each, until the only session is gone."""
    context = bench.server.context
    for second in range(1, 2 * LATEST_S):
        bench.camera.pictures(pictures)
        await asyncio.sleep(0)
        bench.pass_time(1)
        await asyncio.sleep(0.002)  # a connection that is closed ends its sessions in its task
        if not context.players:
            return second
    raise AssertionError("it was never removed")


# ---------------------------------------------------------------- all the way to the camera
async def test_the_last_that_vanishes_stops_the_camera() -> None:
    """With a session time of 1 s (ends after 1.5) and a stall limit of 1 s."""
    limits = RtspLimits(stall_timeout_s=1.0)
    rtsp = RtspSettings(session_timeout_s=1, limits=limits)
    async with AsyncExitStack() as stack:
        camera = await stack.enter_async_context(SimulatedCamera(PROFILE))
        running = await stack.enter_async_context(
            bridged(settings_for(camera), rtsp=rtsp, pace=Pace(grace_s=0.1))
        )
        await camera.wait_for(_is_logged_in)
        before = await Resources.settled()
        context = running.bridge.rtsp.context
        async with (
            watching(running.url("porch", "main"), PROFILE.clip(MAIN), receive_buffer=4096) as tcp,
            watching(running.url("porch", "sub"), PROFILE.clip(SUB), "udp") as udp,
        ):
            await udp.until_more(1)
            tcp.client.stop_reading()
            await udp.client.close_tcp()
            loop = asyncio.get_running_loop()
            silent_s = loop.time()
            await camera.wait_for(_has_stopped_sub, 5)
            assert 1.0 < loop.time() - silent_s < 4.0
            await camera.wait_for(_has_stopped_both, 12)
            assert not context.players
            assert len(context.sessions) == 0
            assert context.budget.used_bytes == 0
        assert camera.stats.video_starts == camera.stats.video_stops
        await before.until_again()


def _is_logged_in(stats: CameraStats) -> bool:
    return stats.open_sessions == 1


def _has_stopped_sub(stats: CameraStats) -> bool:
    return stats.video_stops[0, SUB] == 1


def _has_stopped_both(stats: CameraStats) -> bool:
    return stats.video_stops[0, SUB] == stats.video_stops[0, MAIN] == 1
