"""T8: the configuration file changes while players watch.

Sessions that a change concerns end cleanly and soon; all others lose no picture; what is new is
served at once.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from neolink.app import Bridge, BridgeSettings
from neolink.cli.settings import bridge_settings
from neolink.config.load import load
from neolink.media.tracks import StreamKind, VideoCodec
from neolink.simulator.faults import Refuse
from neolink.simulator.server import SimulatedCamera
from support.bridge import HOST
from support.camera_bench import PASSWORD, PROFILE
from support.rtsp_client import RtspClient
from support.scenario import Pace, Viewer, hurry, lost_between, until_soon, watching

MAIN, SUB = StreamKind.MAIN, StreamKind.SUB
END_S = 5.0
SOON = Pace(lost_hold_s=0.2, interval_s=0.1, grace_s=0.2)
GARDEN = replace(PROFILE, name="garden")
NEW_PORCH = replace(PROFILE, codec=VideoCodec.H265)


@dataclass
class Desk:
    """The file, the bridge that follows it, and the cameras behind."""

    path: Path
    bridge: Bridge
    porch: SimulatedCamera
    garden: SimulatedCamera
    new_porch: SimulatedCamera
    keys: dict[str, str] = field(default_factory=dict)
    users: str = ""

    async def change(self, *, users: str = "", **keys: str) -> None:
        """Write other values for the camera ``porch`` and have them read."""
        self.keys |= keys
        self.users = users or self.users
        await self.bridge.reload(_read(self._written()))
        hurry(self.bridge, SOON)

    def url(self, camera: str, stream: str, login: str = "") -> str:
        return f"rtsp://{login}{HOST}:{self.bridge.rtsp.port}/{camera}/{stream}"

    def _written(self) -> Path:
        _write(self.path, self.porch, self.garden, self.keys, self.users)
        return self.path


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    path = tmp_path / "neolink.toml"
    async with (
        SimulatedCamera(PROFILE) as porch,
        SimulatedCamera(GARDEN) as garden,
        SimulatedCamera(NEW_PORCH) as new_porch,
    ):
        _write(path, porch, garden, {}, "")
        async with _running(_read(path)) as bridge:
            yield Desk(path, bridge, porch, garden, new_porch)


@asynccontextmanager
async def _running(settings: BridgeSettings) -> AsyncIterator[Bridge]:
    rtsp = replace(settings.rtsp, port=0, rtp_port=0)
    bridge = Bridge(replace(settings, rtsp=rtsp))
    hurry(bridge, SOON)
    ready = asyncio.Event()
    running = asyncio.create_task(bridge.run(on_ready=ready.set), name="bridge")
    await ready.wait()
    try:
        yield bridge
        assert not running.done()
    finally:
        running.cancel()
        await asyncio.wait([running])


def _write(
    path: Path,
    porch: SimulatedCamera,
    garden: SimulatedCamera,
    keys: dict[str, str],
    users: str,
) -> None:
    own = {"address": f'"{HOST}:{porch.port}"', "stream": '"all"'} | keys
    path.write_text(
        f'bind = "{HOST}"\n{users}\n[state]\nenabled = false\n'
        + _camera("porch", own)
        + _camera(
            "garden", {"address": f'"{HOST}:{garden.port}"', "permitted_users": '["anonymous"]'}
        )
    )


def _camera(name: str, keys: dict[str, str]) -> str:
    lines = "".join(f"{key} = {value}\n" for key, value in keys.items())
    login = f'username = "{PROFILE.username}"\npassword = "{PASSWORD}"\n'
    return f'\n[[cameras]]\nname = "{name}"\n{login}{lines}'


def _read(path: Path) -> BridgeSettings:
    return bridge_settings(load(path).config)


@asynccontextmanager
async def _undisturbed(desk: Desk) -> AsyncIterator[None]:
    """Watch another camera over both transports meanwhile: no picture may be lost."""
    url, clip = desk.url("garden", "sub"), GARDEN.clip(SUB)
    async with watching(url, clip) as tcp, watching(url, clip, "udp") as udp:
        for viewer in (tcp, udp):
            await viewer.until_more(2)
        yield
        for viewer in (tcp, udp):
            await viewer.until_more(3)
            assert lost_between(viewer.numbers, clip) == 0
            assert viewer.track.gaps == 0
        assert desk.garden.stats.logins == 1
        assert desk.garden.stats.video_starts == {(0, SUB): 1}


async def _ends(*viewers: Viewer) -> None:
    """Each session ends cleanly: BYE, then the connection."""
    began_s = time.monotonic()
    for viewer in viewers:
        await viewer.client.until_closed()
        assert viewer.track.has_ended, "no BYE"
        assert viewer.track.gaps == 0
    assert time.monotonic() - began_s < END_S


async def _status(url: str) -> int:
    async with RtspClient(url) as client:
        return (await client.describe()).status


async def test_another_stream(desk: Desk) -> None:
    main, sub = desk.url("porch", "main"), desk.url("porch", "sub")
    async with _undisturbed(desk):
        async with (
            watching(main, PROFILE.clip(MAIN)) as tcp,
            watching(main, PROFILE.clip(MAIN), "udp") as udp,
            watching(sub, PROFILE.clip(SUB)) as stays,
        ):
            for viewer in (tcp, udp, stays):
                await viewer.until_more(2)
            await desk.change(stream='"subStream"')
            await _ends(tcp, udp)
            assert await _status(main) == 404
            await stays.until_more(3)
            assert lost_between(stays.numbers, PROFILE.clip(SUB)) == 0
        await desk.porch.wait_for(lambda stats: not stats.active_streams[0, MAIN])
        assert desk.porch.stats.logins == 1


async def test_other_users(desk: Desk) -> None:
    url, login = desk.url("porch", "sub"), ("anna", "open")
    async with _undisturbed(desk):
        async with watching(url, PROFILE.clip(SUB)) as viewer:
            await viewer.until_more(2)
            await desk.change(
                users='[[users]]\nname = "anna"\npass = "open"\n', permitted_users='["anna"]'
            )
            await _ends(viewer)
        assert await _status(url) == 401
        async with RtspClient(url, user=login[0], password=login[1]) as anna:
            assert (await anna.describe()).status == 200
            await anna.watch(0)
            await anna.until(lambda: len(anna.tracks[0].timestamps) > 3)
            await desk.change(use_splash="false")  # what does not concern her does not end hers
            seen = len(anna.tracks[0].timestamps)
            await anna.until(lambda: len(anna.tracks[0].timestamps) > seen + 3)
            assert anna.tracks[0].gaps == 0
        assert desk.porch.stats.logins == 1


async def test_another_splash(desk: Desk) -> None:
    """The sessions go on; when the camera is lost, the new setting counts."""
    async with (
        _undisturbed(desk),
        watching(desk.url("porch", "sub"), PROFILE.clip(SUB)) as viewer,
    ):
        await viewer.until_more(2)
        await desk.change(use_splash="false")
        await viewer.until_more(3)
        assert lost_between(viewer.numbers, PROFILE.clip(SUB)) == 0
        desk.porch.begin(Refuse())
        desk.porch.cut()
        await _ends(viewer)


async def test_another_address(desk: Desk) -> None:
    url = desk.url("porch", "sub")
    async with _undisturbed(desk):
        async with (
            watching(url, PROFILE.clip(SUB)) as tcp,
            watching(url, PROFILE.clip(SUB), "udp") as udp,
        ):
            for viewer in (tcp, udp):
                await viewer.until_more(2)
            await desk.change(address=f'"{HOST}:{desk.new_porch.port}"')
            await _ends(tcp, udp)
        await desk.porch.wait_for(lambda stats: not stats.open_connections)
        assert desk.porch.stats.video_starts == desk.porch.stats.video_stops
        async with watching(url, NEW_PORCH.clip(SUB)) as moved:
            await moved.until_more(3)
            assert lost_between(moved.numbers, NEW_PORCH.clip(SUB)) == 0
        await until_soon(lambda: desk.new_porch.stats.logins == 1)
        assert desk.porch.stats.logins == 1


async def test_a_file_that_changes_nothing_ends_nothing(desk: Desk) -> None:
    async with (
        _undisturbed(desk),
        watching(desk.url("porch", "main"), PROFILE.clip(MAIN)) as viewer,
    ):
        await viewer.until_more(2)
        for _ in range(5):
            await desk.change()
        await viewer.until_more(5)
        assert lost_between(viewer.numbers, PROFILE.clip(MAIN)) == 0
    assert desk.porch.stats.logins == 1
