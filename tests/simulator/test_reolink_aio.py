"""reolink-aio, a client written by others, against the simulated camera.

It always uses AES for what it sends after the login, and cannot log in without encryption.
"""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import av
import pytest
from reolink_aio.api import Host
from reolink_aio.enums import ConnectionEnum
from reolink_aio.exceptions import CredentialsInvalidError

from neolink.baichuan.crypto import Encryption
from neolink.baichuan.ids import MessageId
from neolink.media.tracks import VideoCodec
from neolink.simulator.profile import CameraProfile
from neolink.simulator.server import SimulatedCamera

pytestmark = pytest.mark.foreign

LEVELS = [Encryption.BC, Encryption.AES, Encryption.FULL_AES]


@asynccontextmanager
async def host_of(camera: SimulatedCamera, password: str = "secret") -> AsyncIterator[Host]:
    host = Host(
        "127.0.0.1",
        "admin",
        password,
        bc_port=camera.port,
        bc_only=True,
        bc_connection=ConnectionEnum.tcp,
    )
    try:
        yield host
    finally:
        await host.baichuan.unsubscribe_events()
        await host.logout()


@pytest.mark.parametrize("level", LEVELS)
async def test_host_data_is_read(level: Encryption) -> None:
    profile = CameraProfile(
        name="Porch", password="secret", encryption=level, codec=VideoCodec.H265, model="SIM9"
    )
    async with SimulatedCamera(profile) as camera:
        async with host_of(camera) as host:
            await host.get_host_data()
            await host.get_states()
            assert host.model == "SIM9"
            assert host.uid == profile.uid
            assert host.camera_name(0) == "Porch"
            assert host.sw_version == profile.firmware
            assert host.channels == [0]
        await camera.wait_for(lambda stats: stats.open_connections == 0)
        assert camera.stats.logins == 1
        assert camera.stats.requests[MessageId.LOGOUT] == 1
        assert camera.stats.protocol_troubles == 0


@pytest.mark.parametrize("level", LEVELS)
async def test_snapshot_is_a_picture(level: Encryption) -> None:
    profile = CameraProfile(password="secret", encryption=level)
    async with SimulatedCamera(profile) as camera, host_of(camera) as host:
        await host.get_host_data()
        picture = await host.get_snapshot(0)
        with av.open(io.BytesIO(picture)) as file:
            (frame,) = file.decode(video=0)
        assert (frame.width, frame.height) == (1280, 720)


@pytest.mark.parametrize("level", LEVELS)
async def test_motion_is_noticed_and_its_end(level: Encryption) -> None:
    profile = CameraProfile(password="secret", encryption=level)
    async with SimulatedCamera(profile) as camera, host_of(camera) as host:
        await host.get_host_data()
        await host.baichuan.subscribe_events()
        noticed = asyncio.Event()
        host.baichuan.register_callback("test", noticed.set)
        camera.push_motion(0, "MD", "people")
        async with asyncio.timeout(5):
            await noticed.wait()
        assert host.motion_detected(0)
        assert host.ai_detected(0, "person")
        noticed.clear()
        camera.push_motion(0, "none", "none")
        async with asyncio.timeout(5):
            await noticed.wait()
        assert not host.motion_detected(0)
        host.baichuan.unregister_callback("test")


async def test_all_channels_are_found() -> None:
    profile = CameraProfile(password="secret", channels=3)
    async with SimulatedCamera(profile) as camera, host_of(camera) as host:
        await host.get_host_data()
        assert host.channels == [0, 1, 2]


async def test_wrong_password_is_reported_as_such() -> None:
    async with (
        SimulatedCamera(CameraProfile(password="secret")) as camera,
        host_of(camera, "guess") as host,
    ):
        with pytest.raises(CredentialsInvalidError):
            await host.get_host_data()
        assert camera.stats.refused_logins >= 1
        assert camera.stats.logins == 0
