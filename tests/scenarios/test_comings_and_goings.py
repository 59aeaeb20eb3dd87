"""Players of every kind come, stall, vanish and go while cameras fail and settings change.

Everything is in one process, so that what a bridge holds can be counted to the last object: when
the last player has gone, nothing is left of any of them.
"""

import asyncio
import ctypes
import gc
import logging
import weakref
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from neolink.app import BridgeSettings
from neolink.media.tracks import StreamKind
from neolink.rtsp_server import server as server_module
from neolink.rtsp_server.settings import MountSettings, RtspLimits, RtspSettings
from neolink.simulator.loudspeaker import TalkProfile
from neolink.simulator.server import SimulatedCamera
from support.camera_bench import PROFILE, settings_for
from support.codecs import needs_codecs
from support.datagrams import groups_of_our_own
from support.house import KINDS, House
from support.scenario import MIB, Resources, bridged, until_soon
from support.tls import make_identity

PORCH = replace(PROFILE, talk=TalkProfile(), motion_every_s=0.5)
GARDEN = replace(PROFILE, name="garden", uid="SIM0000000000002", audio="adpcm")
MOST_MORE_MIB = 24
"""Of what malloc cannot give back, most is pages that one small thing in use keeps: 9 MiB in 240 s,
with as many bytes in use as before. Players and simulated cameras share the process."""

LENGTHS = [
    pytest.param(10, 3, 5, id="short"),
    pytest.param(20, 30, 300, id="long", marks=(pytest.mark.slow, pytest.mark.timeout(900))),
]


def _give_back() -> None:
    """Give the system what was freed, where malloc can: what it keeps of it is in no object."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _timers() -> int:
    """Return how many timers of the loop will fire."""
    loop: Any = asyncio.get_running_loop()
    return sum(not handle.cancelled() for handle in loop._scheduled)


async def test_a_stream_that_a_login_does_not_serve_any_more_is_forgotten() -> None:
    """A login goes on for months, and pictures are kept with each stream."""
    async with SimulatedCamera(PROFILE) as camera:
        settings = settings_for(camera)
        async with bridged(settings) as running:
            bridge = running.bridge
            (device,) = bridge._devices
            await until_soon(lambda: len(device.camera._serving) == len(StreamKind))
            for kinds in ((StreamKind.MAIN,), tuple(StreamKind), (StreamKind.MAIN,)):
                gone = [weakref.ref(stream) for stream in bridge.streams.values()][1:]
                mounts = [MountSettings(camera=settings.name, streams=kinds)]
                cameras = [replace(settings, streams=kinds)]
                await bridge.reload(BridgeSettings(cameras, mounts, bridge.rtsp.settings))
                await until_soon(lambda: len(device.camera._serving) == len(bridge.streams))
            bridge.observer.read()
            await until_soon(lambda: gc.collect() >= 0 and not any(one() for one in gone))


async def test_a_camera_that_is_configured_no_more_is_forgotten() -> None:
    """Whatever was there when the program began: it waits for its end for months."""
    async with SimulatedCamera(PROFILE) as camera:
        settings = settings_for(camera)
        async with bridged(settings) as running:
            bridge = running.bridge
            gone = weakref.ref(bridge.cameras[0])
            await until_soon(lambda: bridge.cameras[0]._session)
            await bridge.reload(BridgeSettings([], [], bridge.rtsp.settings))
            bridge.observer.read()
            await until_soon(lambda: gc.collect() >= 0 and not gone())


@needs_codecs
@pytest.mark.alone
@pytest.mark.parametrize(("players", "warm_s", "seconds"), LENGTHS)
async def test_nothing_is_left_of_anybody(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    players: int,
    warm_s: float,
    seconds: float,
) -> None:
    caplog.set_level(logging.WARNING)  # what is kept of a long log would look like a leak
    monkeypatch.setattr(server_module, "SWEEP_S", 0.2)
    limits = RtspLimits(
        stall_timeout_s=1.5, first_request_timeout_s=5, max_connections_per_ip=500, max_clients=0
    )
    rtsp = RtspSettings(
        certificate=make_identity().write(tmp_path / "certificate0.pem"),
        tls_port=0,
        multicast=groups_of_our_own(),
        session_timeout_s=2,
        limits=limits,
    )
    async with AsyncExitStack() as stack:
        cameras = {
            one.name: await stack.enter_async_context(SimulatedCamera(one))
            for one in (PORCH, GARDEN)
        }
        settings = [settings_for(camera, name=name) for name, camera in cameras.items()]
        running = await stack.enter_async_context(bridged(*settings, rtsp=rtsp))
        house = House(running, cameras, tmp_path)
        await house.live(players, warm_s)  # threads begin, modules are loaded, caches fill
        await house.calm()
        house.check_nothing_is_left()
        _give_back()
        before, timers = await Resources.settled(), _timers()
        tasks, objects = house.tasks(), house.objects()
        await house.live(players, seconds)
        await house.calm()
        house.check_nothing_is_left()
        _give_back()
        after = await Resources.settled()
        assert after.descriptors == before.descriptors
        assert after.threads <= before.threads  # one of the suite's ends meanwhile
        assert house.tasks() == tasks
        assert not (more := house.objects() - objects), more
        assert _timers() <= timers + 2
        assert after.rss_bytes - before.rss_bytes < MOST_MORE_MIB * MIB
        assert sum(house.done[kind] for kind in KINDS) > players, house.done
