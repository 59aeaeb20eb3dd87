"""The camera's clock: when it is set, and to what."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from neolink.baichuan.ids import MessageId, Status
from neolink.baichuan.xml.system import SystemGeneral
from neolink.camera import session as session_module
from neolink.camera.commands.clock import local_time, set_clock_if_needed
from neolink.camera.session import CameraSession
from neolink.camera.status import CameraState
from neolink.clock import SystemClock
from neolink.log import RepeatLimiter, bind
from neolink.simulator.faults import Busy
from neolink.simulator.server import SimulatedCamera
from support.camera_bench import PROFILE, Peer, eventually, rigged, scripted, settings_for

NOW = datetime(2024, 2, 29, 23, 30, 15, tzinfo=UTC)
YEARS_S = 10 * 365 * 86400.0


def zone(hours: float) -> timezone:
    return timezone(timedelta(hours=hours))


@asynccontextmanager
async def logged_in(camera: SimulatedCamera) -> AsyncIterator[CameraSession]:
    log = bind(logging.getLogger(__name__), camera="porch")
    limiter = RepeatLimiter(SystemClock())
    async with CameraSession.open(settings_for(camera), log, limiter) as session:
        yield session


@pytest.mark.parametrize(
    ("hours", "zone_s", "day", "time"),
    [
        (0, 0, 29, (23, 30, 15)),
        (7, -25200, 1, (6, 30, 15)),
        (-8, 28800, 29, (15, 30, 15)),
        (5.5, -19800, 1, (5, 0, 15)),
        (-3.5, 12600, 29, (20, 0, 15)),
        (5.75, -20700, 1, (5, 15, 15)),
    ],
)
def test_the_zone_is_written_with_its_sign_inverted_and_the_time_is_local(
    hours: float, zone_s: int, day: int, time: tuple[int, int, int]
) -> None:
    general = local_time(SystemGeneral(), NOW.astimezone(zone(hours)))
    assert general.time_zone == zone_s
    assert general.day == day
    assert (general.hour, general.minute, general.second) == time


def test_what_else_belongs_to_the_display_is_kept_and_the_name_is_not_sent_back() -> None:
    before = SystemGeneral(osd_format="DMY", time_format=1, device_name="Porch", language="English")
    general = local_time(before, NOW)
    assert (general.osd_format, general.time_format) == ("DMY", 1)
    assert (general.device_name, general.language) == (None, None)


@pytest.mark.parametrize("hours", [0, 7, -3.5])
async def test_a_clock_that_was_never_set_is_set_to_local_time(hours: float) -> None:
    """The simulated camera reckons UTC from zone and wall time, as a real one."""
    profile = replace(PROFILE, clock_error_s=-YEARS_S)
    async with SimulatedCamera(profile) as camera, logged_in(camera) as session:
        unix_s = SystemClock().unix_s()
        assert await set_clock_if_needed(session, unix_s=unix_s, always=False, zone=zone(hours))
        assert camera.stats.time_sets == 1
        assert camera._device.settings.time_zone_s == -hours * 3600
        assert abs(camera._device.settings.clock_error_s) < 3


async def test_a_clock_that_is_set_is_left_alone_unless_asked_for() -> None:
    async with SimulatedCamera(PROFILE) as camera, logged_in(camera) as session:
        unix_s = SystemClock().unix_s()
        assert not await set_clock_if_needed(session, unix_s=unix_s, always=False)
        assert camera.stats.time_sets == 0
        assert await set_clock_if_needed(session, unix_s=unix_s, always=True)
        assert camera.stats.time_sets == 1


@pytest.mark.parametrize(("error_s", "update_time", "sets"), [(-YEARS_S, False, 1), (60, True, 1)])
async def test_each_login_looks_at_the_clock(error_s: float, update_time: bool, sets: int) -> None:
    profile = replace(PROFILE, clock_error_s=error_s)
    async with SimulatedCamera(profile) as camera:
        async with rigged(camera, wanted=False, update_time=update_time):
            await camera.wait_for(lambda stats: stats.time_sets == sets)
        assert abs(camera._device.settings.clock_error_s) < 3


async def test_a_camera_that_refuses_to_tell_its_time_stays_connected_with_a_debug_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    async with SimulatedCamera(PROFILE) as camera:
        camera.begin(Busy())
        async with rigged(camera, wanted=False, busy_delay_s=0.001, ping_interval_s=0.02) as rig:
            await eventually(lambda: "clock was not checked" in caplog.text)
            await camera.wait_for(lambda stats: stats.pings >= 3)
            assert rig.camera.status.state is CameraState.CONNECTED
            assert camera.stats.requests[MessageId.GENERAL_GET] == 6
            assert camera.stats.connections == 1
    (record,) = [one for one in caplog.records if "clock was not checked" in one.message]
    assert record.levelno == logging.DEBUG


async def test_a_camera_that_never_answers_about_its_time_stays_connected(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "COMMAND_TIMEOUT_S", 0.05)
    caplog.set_level(logging.DEBUG)
    logins = 0

    async def camera(peer: Peer) -> None:
        nonlocal logins
        await peer.admit()
        logins += 1
        await peer.serve(MessageId.GENERAL_GET)

    async with scripted(camera) as port, rigged(port, wanted=False) as rig:
        await eventually(lambda: "clock was not checked" in caplog.text)
        await asyncio.sleep(0)
        assert rig.camera.status.state is CameraState.CONNECTED
        assert logins == 1


async def test_an_answer_without_a_time_is_no_more_than_a_debug_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)

    async def camera(peer: Peer) -> None:
        await peer.admit()
        await peer.serve(statuses={MessageId.GENERAL_GET: Status.OK})

    async with scripted(camera) as port, rigged(port, wanted=False) as rig:
        await eventually(lambda: "does not tell its time" in caplog.text)
        assert rig.camera.status.state is CameraState.CONNECTED
