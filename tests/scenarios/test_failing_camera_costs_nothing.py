"""Cameras that fail in every way cost next to nothing, and no account is ever locked by us."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import pytest

from neolink.camera.backoff import Backoff
from neolink.camera.settings import CameraSettings
from neolink.camera.status import CameraState
from neolink.camera.supervisor import Camera
from neolink.clock import ManualClock
from neolink.errors import AuthenticationFailed, LoginRefusal
from neolink.media.tracks import StreamKind
from neolink.rtsp_server.settings import MountSettings
from neolink.simulator.faults import Silence
from neolink.simulator.server import SimulatedCamera
from support.camera_bench import PROFILE, settings_for
from support.rtsp_client import RtspClient
from support.scenario import Pace, bridged, until_soon

HOST = "127.0.0.1"
SUB = StreamKind.SUB
MOST_CPU = 0.05
MOST_LOGINS = 5
FIVE_MINUTES_S = 300
SCALE = 100
"""How much faster than in life the pauses after a refused login go by."""


class Slammed:
    """A port whose connections are closed as soon as they are accepted."""

    def __init__(self) -> None:
        self.connections = 0
        self.port = 0

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del reader
        self.connections += 1
        writer.close()


@asynccontextmanager
async def slammed() -> AsyncIterator[Slammed]:
    door = Slammed()
    async with await asyncio.start_server(door.accept, HOST, 0) as server:
        door.port = server.sockets[0].getsockname()[1]
        yield door


def closed_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server((HOST, 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


@pytest.mark.parametrize("watch_s", [3.0, pytest.param(30.0, marks=pytest.mark.slow)])
async def test_cameras_that_fail_at_once_cost_no_cpu(
    watch_s: float, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Dead, slamming the door, mute, with another password, and with a fault of ours inside."""
    crashes = _break_inside(monkeypatch, "broken")
    async with AsyncExitStack() as stack:
        door = await stack.enter_async_context(slammed())
        mute = await stack.enter_async_context(SimulatedCamera(PROFILE))
        locked = await stack.enter_async_context(SimulatedCamera(PROFILE))
        mute.begin(Silence())
        cameras = [
            _settings("dead", closed_port()),
            _settings("door", door.port),
            _settings("mute", mute.port),
            _settings("locked", locked.port, password="another"),
            _settings("broken", closed_port()),
        ]
        running = await stack.enter_async_context(
            bridged(
                *cameras,
                mount=MountSettings(camera="", setup_timeout_s=0.2),
                pace=Pace(start_hold_s=0.2, interval_s=1.0),
            )
        )
        player = await stack.enter_async_context(RtspClient(running.url("dead", "sub")))
        await player.watch(0)
        await player.until(lambda: bool(player.tracks[0].timestamps))  # drawn once

        loop = asyncio.get_running_loop()
        began_s, began_cpu_s = loop.time(), time.process_time()
        await asyncio.sleep(watch_s)
        passed_s = loop.time() - began_s
        share = (time.process_time() - began_cpu_s) / passed_s
        assert share < MOST_CPU, f"{share:.1%} of a CPU"

        total_s = passed_s + 3
        assert 2 <= len(crashes) <= total_s + 1, "restarted more often than once a second"
        assert 4 <= door.connections <= _attempts_within(total_s)
        assert locked.stats.connections == (1 if total_s < 30 else 2)
        assert len(player.tracks[0].timestamps) >= 0.7 * passed_s, "no stand-in"
    assert sum(record.exc_info is not None for record in caplog.records) <= 1 + total_s / 10
    caplog.clear()  # the fault inside was ours


async def test_a_wrong_password_is_tried_five_times_in_five_minutes_at_most() -> None:
    """A hundred times faster than in life, while players come and go."""
    async with AsyncExitStack() as stack:
        camera = await stack.enter_async_context(SimulatedCamera(PROFILE))
        defaults = CameraSettings(name="porch", host=HOST)
        settings = _settings(
            "porch",
            camera.port,
            password="another",
            auth_backoff_initial_s=defaults.auth_backoff_initial_s / SCALE,
            auth_backoff_max_s=defaults.auth_backoff_max_s / SCALE,
        )
        mount = MountSettings(camera="", setup_timeout_s=0.1)
        running = await stack.enter_async_context(
            bridged(settings, mount=mount, pace=Pace(start_hold_s=0.1, grace_s=0.05))
        )
        status = running.bridge.cameras[0].status
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        while loop.time() - began_s < FIVE_MINUTES_S / SCALE:
            async with RtspClient(running.url("porch", "sub")) as player:
                await player.watch(0)
                await player.until(lambda: bool(player.tracks[0].timestamps))
        assert 2 <= camera.stats.refused_logins <= MOST_LOGINS
        assert camera.stats.connections == camera.stats.refused_logins
        assert status.state is CameraState.AUTH_FAILED
        assert status.refusal is LoginRefusal.WRONG_CREDENTIALS  # never "account locked"


def test_the_pauses_after_a_wrong_password_spare_the_account_for_hours() -> None:
    clock = ManualClock()
    backoff = Backoff(CameraSettings(name="porch", host=HOST))
    logins: list[float] = []
    while clock.monotonic_s() < 1000 + 6 * 3600:
        logins.append(clock.monotonic_s())
        refused = AuthenticationFailed(LoginRefusal.WRONG_CREDENTIALS)
        clock.advance(backoff.pause_s(refused, 0.0))
    for first in logins:
        window = [at_s for at_s in logins if first <= at_s < first + FIVE_MINUTES_S]
        assert len(window) <= MOST_LOGINS
    assert len(logins) >= 6 * 4, "it is never given up"


async def test_a_wrong_password_of_one_camera_costs_another_no_picture() -> None:
    async with AsyncExitStack() as stack:
        camera = await stack.enter_async_context(SimulatedCamera(PROFILE))
        other = await stack.enter_async_context(SimulatedCamera(PROFILE))
        wrong = _settings("wrong", other.port, password="another", auth_backoff_initial_s=0.02)
        running = await stack.enter_async_context(bridged(settings_for(camera), wrong))
        player = await stack.enter_async_context(RtspClient(running.url("porch", "sub")))
        await player.watch(0)
        await until_soon(lambda: other.stats.refused_logins >= 3)
        seen = len(player.tracks[0].timestamps)
        await player.until(lambda: len(player.tracks[0].timestamps) >= seen + 5)
        assert player.tracks[0].gaps == 0


def _settings(name: str, port: int, **changes: object) -> CameraSettings:
    return replace(settings_for(port, streams=(SUB,), **changes), name=name)


def _break_inside(monkeypatch: pytest.MonkeyPatch, name: str) -> list[float]:
    """Let one camera's life end by a fault of ours each time it begins; return when it did."""
    crashes: list[float] = []
    run = Camera.run

    async def broken(self: Camera) -> None:
        if self.settings.name == name:
            crashes.append(time.monotonic())
            raise ZeroDivisionError("ours")
        await run(self)

    monkeypatch.setattr(Camera, "run", broken)
    return crashes


def _attempts_within(seconds: float) -> int:
    """Return how often a camera may be connected to, by the rule of the pauses."""
    pause_s, at_s, count = 0.05, 0.0, 1
    while at_s + pause_s <= seconds:
        at_s, count = at_s + pause_s, count + 1
        pause_s = min(2 * pause_s, 5.0)
    return count
