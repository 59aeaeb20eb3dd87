"""T8: the configuration changes while players watch.

Sessions that a change concerns end cleanly and at once, the others lose no picture, and what the
file says now is what is served: through the program and its file, and through the bridge itself.
"""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from neolink import app
from neolink.app import BridgeSettings
from neolink.baichuan.ids import MessageId
from neolink.camera.settings import CameraSettings
from neolink.camera.status import CameraState
from neolink.hub.demand import DemandState
from neolink.media.tracks import StreamKind
from neolink.rtsp_server.settings import Access, AudioChoice, MountSettings, StartMode
from neolink.simulator.faults import Refuse
from neolink.simulator.server import SimulatedCamera
from support.bridge import HOST, RunningBridge
from support.camera_bench import PASSWORD, PROFILE, settings_for
from support.program import Program, program
from support.rtsp_client import RtspClient
from support.scenario import (
    MIB,
    Pace,
    Resources,
    Viewer,
    bridged,
    hurry,
    lost_between,
    until_soon,
    watching,
)

MAIN, SUB = StreamKind.MAIN, StreamKind.SUB
CLIP, MAIN_CLIP = PROFILE.clip(SUB), PROFILE.clip(MAIN)
GARDEN = replace(PROFILE, name="garden", uid="SIM0000000000002")
RECORDER = replace(PROFILE, name="recorder", channels=4)
END_S = 5.0
"""Sessions that are concerned end within."""


# ---------------------------------------------------------------- what the tests do
async def go_over(
    running: RunningBridge, *cameras: CameraSettings, rtsp: Any = None, **mount: Any
) -> None:
    """Reload with these cameras; ``mount`` is changed for each of them."""
    bridge = running.bridge
    before = {one.camera: one for one in bridge.settings.mounts}
    mounts = [
        replace(before.get(camera.name, MountSettings(camera=camera.name)), **mount)
        for camera in cameras
    ]
    settings = BridgeSettings(cameras, mounts, rtsp or bridge.settings.rtsp)
    await bridge.reload(settings)
    hurry(bridge, Pace())


async def status_of(running: RunningBridge, camera: str, stream: str = "sub") -> int:
    async with RtspClient(running.url(camera, stream)) as client:
        return (await client.describe()).status


async def ends_cleanly(viewer: Viewer) -> None:
    """BYE and the end of the connection, without a gap before."""
    async with asyncio.timeout(END_S):
        await viewer.client.until(lambda: viewer.track.has_ended, "BYE")
        await viewer.client.until_closed()
    assert viewer.track.gaps == 0
    assert lost_between(viewer.numbers, viewer.clip) == 0


async def goes_on(*viewers: Viewer) -> None:
    """More pictures in the same session, and none is missing."""
    for viewer in viewers:
        await viewer.until_more(5)
        assert viewer.track.gaps == 0
        assert lost_between(viewer.numbers, viewer.clip) == 0
        assert all(earlier < later for earlier, later in pairwise(viewer.ticks))
        assert (await viewer.client.get_parameter()).status == 200


@asynccontextmanager
async def two_cameras() -> AsyncIterator[tuple[SimulatedCamera, SimulatedCamera]]:
    async with SimulatedCamera(PROFILE) as porch, SimulatedCamera(GARDEN) as garden:
        yield porch, garden


def channels_of(recorder: SimulatedCamera, *numbers: int) -> list[CameraSettings]:
    return [settings_for(recorder, name=f"nvr-{n}", channel_id=n) for n in numbers]


# ---------------------------------------------------------------- the program and its file
class Folder:
    """A configuration file and the program that follows it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "neolink.toml"
        with socket.create_server((HOST, 0)) as sock:
            self.port = int(sock.getsockname()[1])

    def text(self, cameras: dict[str, int], extra: str = "", **keys: str) -> str:
        """Return a file; ``cameras`` are ports by name, ``keys`` stand in each camera's table."""
        lines = [f'bind = "{HOST}"', f"bind_port = {self.port}", "[rtsp]", "rtp_port = 0"]
        lines += ["[state]", "enabled = false", extra]
        for name, port in cameras.items():
            lines += ["[[cameras]]", f'name = "{name}"', f'address = "{HOST}:{port}"']
            lines += ['username = "admin"', f'password = "{PASSWORD}"']
            lines += [f"{key} = {value}" for key, value in keys.items()]
        return "\n".join(lines) + "\n"

    def write(self, text: str) -> None:
        """Write in place."""
        self.path.write_text(text)

    def replace(self, text: str) -> None:
        """Write another file and rename it, as editors do."""
        other = self.path.with_suffix(".toml~")
        other.write_text(text)
        other.rename(self.path)

    def url(self, name: str, stream: str = "sub") -> str:
        return f"rtsp://{HOST}:{self.port}/{name}/{stream}"


@asynccontextmanager
async def followed(
    tmp_path: Path, cameras: dict[str, int]
) -> AsyncIterator[tuple[Folder, Program]]:
    folder = Folder(tmp_path)
    folder.write(folder.text(cameras))
    async with program("rtsp", "--config", str(folder.path)) as running:
        await running.until_printed("/porch/sub")
        yield folder, running
        if running.process.returncode is None:
            running.process.send_signal(signal.SIGTERM)
        assert await running.until_ended() == 0
    assert "Traceback" not in running.stderr
    assert PASSWORD not in running.stderr


async def logged(running: Program, text: str) -> None:
    await until_soon(lambda: text in running.stderr, lambda: f"{text!r} in {running.stderr}")


@pytest.mark.parametrize("way", ["signal", "rename"])
async def test_the_program_goes_over_to_its_changed_file(tmp_path: Path, way: str) -> None:
    async with AsyncExitStack() as stack:
        porch, garden = await stack.enter_async_context(two_cameras())
        ports = {"porch": porch.port, "garden": garden.port}
        folder, running = await stack.enter_async_context(followed(tmp_path, ports))

        def change(text: str) -> None:
            if way == "rename":
                folder.replace(text)
            else:
                folder.write(text)
                running.process.send_signal(signal.SIGHUP)

        async with watching(folder.url("porch"), CLIP) as stays:
            async with watching(folder.url("garden"), CLIP, "udp") as goes:
                await goes.until_more(5)
                change(folder.text({"porch": porch.port}))
                await ends_cleanly(goes)
            await garden.wait_for(lambda stats: not stats.open_sessions)
            assert garden.stats.requests[MessageId.LOGOUT] == 1
            await goes_on(stays)
            async with RtspClient(folder.url("garden")) as client:
                assert (await client.describe()).status == 404
            change(folder.text({"porch": porch.port, "shed": garden.port}, "# and a shed"))
            await garden.wait_for(lambda stats: stats.logins == 2)
            async with watching(folder.url("shed"), CLIP) as new:
                await new.until_more(5)
            users = '[[users]]\nname = "anna"\npass = "a-8840"\n'
            await goes_on(stays)
            change(folder.text(ports, users))
            await ends_cleanly(stays)
            async with RtspClient(folder.url("porch")) as client:
                assert (await client.describe()).status == 401
        assert porch.stats.logins == 1
        assert porch.stats.video_starts == {(0, SUB): 1}


async def test_the_program_goes_on_when_its_file_cannot_be_used(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        porch = await stack.enter_async_context(SimulatedCamera(PROFILE))
        ports = {"porch": porch.port}
        folder, running = await stack.enter_async_context(followed(tmp_path, ports))
        viewer = await stack.enter_async_context(watching(folder.url("porch"), CLIP))
        folder.replace(folder.text(ports, stream='"wrong"', channel_id="77"))
        await logged(running, "not applied, everything goes on as before")
        problems = [line for line in running.stderr.splitlines() if " ERROR " in line]
        assert len(problems) == 3, problems
        assert all(".toml:" in line for line in problems[:2])
        folder.path.unlink()
        running.process.send_signal(signal.SIGHUP)
        await logged(running, "No such file")
        folder.write(folder.text(ports))
        await logged(running, "are as they were")
        folder.replace(folder.text(ports, '[log]\nlevel = "info"'))
        await goes_on(viewer)


async def test_a_change_of_the_ports_waits_for_a_restart(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        porch = await stack.enter_async_context(SimulatedCamera(PROFILE))
        ports = {"porch": porch.port}
        folder, running = await stack.enter_async_context(followed(tmp_path, ports))
        viewer = await stack.enter_async_context(watching(folder.url("porch"), CLIP))
        text = folder.text(ports).replace(f"bind_port = {folder.port}", "bind_port = 1")
        folder.write(text)
        os.kill(running.process.pid, signal.SIGHUP)
        await logged(running, "bind_port: takes effect after a restart")
        await goes_on(viewer)


# ---------------------------------------------------------------- streams of one camera
async def test_fewer_streams_end_their_sessions_alone() -> None:
    async with AsyncExitStack() as stack:
        camera = await stack.enter_async_context(SimulatedCamera(PROFILE))
        settings = settings_for(camera)
        running = await stack.enter_async_context(bridged(settings))
        tcp, udp = [
            await stack.enter_async_context(watching(running.url("porch", "main"), MAIN_CLIP, how))
            for how in ("tcp", "udp")
        ]
        sub = await stack.enter_async_context(watching(running.url("porch", "sub"), CLIP))
        for viewer in (tcp, udp, sub):
            await viewer.until_more(3)
        await go_over(running, replace(settings, streams=(SUB,)), streams=(SUB,))
        for viewer in (tcp, udp):
            await ends_cleanly(viewer)
        await goes_on(sub)
        assert await status_of(running, "porch", "main") == 404
        assert await status_of(running, "porch", "") == 200  # the best one that is left
        await camera.wait_for(lambda stats: stats.video_stops == {(0, MAIN): 1})
        await go_over(running, settings, streams=tuple(StreamKind))
        async with watching(running.url("porch", "main"), MAIN_CLIP) as again:
            await again.until_more(5)
        await goes_on(sub)
        assert camera.stats.logins == 1
        assert camera.stats.video_starts == {(0, MAIN): 2, (0, SUB): 1}


async def test_what_only_players_notice_ends_no_session(caplog: pytest.LogCaptureFixture) -> None:
    async with AsyncExitStack() as stack:
        camera = await stack.enter_async_context(SimulatedCamera(PROFILE))
        settings = settings_for(camera)
        running = await stack.enter_async_context(bridged(settings))
        viewer = await stack.enter_async_context(watching(running.url("porch", "sub"), CLIP))
        await viewer.until_more(3)
        for change in (
            {"use_splash": False},
            {"use_splash": True, "splash_pattern": "smpte"},
            {"start": StartMode.LIVE},
            {"audio": AudioChoice.PCMU},
            {"buffer_duration_s": 0.5},
            {"max_clients": 1},
        ):
            await go_over(running, settings, **change)
        await goes_on(viewer)
        async with RtspClient(running.url("porch", "sub")) as client:
            await client.describe()
            assert (await client.setup(0)).status == 453
        await go_over(running, settings, max_clients=0, audio=AudioChoice.NONE)
        async with RtspClient(running.url("porch", "sub")) as client:
            await client.describe()
            assert [media.kind for media in client.media] == ["video"]
        await go_over(running, settings, start=StartMode.FAST, access=Access(False))
        await ends_cleanly(viewer)


async def test_a_stand_in_that_is_switched_off_ends_who_looks_at_it() -> None:
    async with AsyncExitStack() as stack:
        camera = await stack.enter_async_context(SimulatedCamera(PROFILE))
        settings = settings_for(camera, backoff_initial_s=0.02, backoff_max_s=0.05)
        running = await stack.enter_async_context(bridged(settings))
        stream = running.bridge.streams["porch", SUB]
        viewer = await stack.enter_async_context(watching(running.url("porch", "sub"), CLIP))
        await viewer.until_more(3)
        camera.begin(Refuse())
        camera.cut()
        await until_soon(lambda: stream.stand_ins >= 2, "the stand-in")
        await go_over(running, settings, use_splash=False)
        await viewer.client.until_closed()
        assert viewer.track.has_ended
        assert not running.bridge.rtsp.context.players
        await until_soon(lambda: stream.state is DemandState.IDLE)


async def test_a_stand_in_is_drawn_with_the_new_pattern() -> None:
    settings = CameraSettings(name="porch", host=HOST, port=1, streams=(SUB,))
    mount = MountSettings(camera="", streams=(SUB,), splash_pattern="black", setup_timeout_s=0.1)
    async with bridged(settings, mount=mount) as running:
        async with RtspClient(running.url("porch", "sub")) as client:
            await client.watch(0)
            await client.until(lambda: len(client.tracks[0].packets) > 3)
            await go_over(running, settings, splash_pattern="white")
            had = len(client.tracks[0].packets)
            await client.until(lambda: len(client.tracks[0].packets) > had + 3)
            assert client.tracks[0].gaps == 0
            await go_over(running, settings, use_splash=False)
            await client.until_closed()
        assert await status_of(running, "porch") == 503


# ---------------------------------------------------------------- cameras
async def test_a_camera_that_moves_is_asked_at_its_new_address() -> None:
    async with AsyncExitStack() as stack:
        old = await stack.enter_async_context(SimulatedCamera(PROFILE))
        new, other = await stack.enter_async_context(two_cameras())
        porch, garden = settings_for(old), settings_for(other, name="garden")
        running = await stack.enter_async_context(bridged(porch, garden))
        goes, stays = [
            await stack.enter_async_context(watching(running.url(name, "sub"), CLIP))
            for name in ("porch", "garden")
        ]
        for viewer in (goes, stays):
            await viewer.until_more(3)
        await go_over(running, settings_for(new), garden)
        await ends_cleanly(goes)
        assert (old.stats.requests[MessageId.LOGOUT], old.stats.open_sessions) == (1, 0)
        async with watching(running.url("porch", "sub"), CLIP) as again:
            await again.until_more(5)
        await goes_on(stays)
        assert (old.stats.logins, new.stats.logins, other.stats.logins) == (1, 1, 1)


async def test_cameras_come_go_and_come_back() -> None:
    async with AsyncExitStack() as stack:
        first, second = await stack.enter_async_context(two_cameras())
        porch, garden = settings_for(first), settings_for(second, name="garden")
        running = await stack.enter_async_context(bridged(porch))
        stays = await stack.enter_async_context(watching(running.url("porch", "sub"), CLIP))
        for round_ in range(1, 4):
            await go_over(running, porch, garden)
            async with watching(running.url("garden", "sub"), CLIP) as viewer:
                await viewer.until_more(3)
                await go_over(running, porch)
                await ends_cleanly(viewer)
            assert await status_of(running, "garden") == 404
            assert second.stats.requests[MessageId.LOGOUT] == round_
        await goes_on(stays)
        assert set(running.bridge.streams) == {("porch", kind) for kind in StreamKind}
        assert (first.stats.logins, second.stats.logins) == (1, 3)


async def test_a_new_name_keeps_the_login_and_ends_the_old_path() -> None:
    async with AsyncExitStack() as stack:
        camera = await stack.enter_async_context(SimulatedCamera(PROFILE))
        settings = settings_for(camera)
        running = await stack.enter_async_context(bridged(settings))
        async with watching(running.url("porch", "sub"), CLIP) as viewer:
            await viewer.until_more(3)
            await go_over(running, replace(settings, name="gate"))
            await ends_cleanly(viewer)
        assert await status_of(running, "porch") == 404
        async with watching(running.url("gate", "sub"), CLIP) as viewer:
            await viewer.until_more(5)
        assert camera.stats.logins == 1
        assert camera.stats.video_starts == {(0, SUB): 2}
        assert running.bridge.cameras[0].settings.name == "gate"


async def test_two_cameras_that_swap_names_swap_paths() -> None:
    async with AsyncExitStack() as stack:
        first, second = await stack.enter_async_context(two_cameras())
        one, two = settings_for(first, name="one"), settings_for(second, name="two")
        running = await stack.enter_async_context(bridged(one, two))
        await go_over(running, replace(one, name="two"), replace(two, name="one"))
        async with watching(running.url("one", "sub"), CLIP) as viewer:
            await viewer.until_more(3)
        assert second.stats.video_starts == {(0, SUB): 1}
        assert not first.stats.video_starts


async def test_a_password_that_was_put_right_is_tried_at_once() -> None:
    async with SimulatedCamera(PROFILE) as camera:
        wrong = settings_for(camera, password="wrong")
        async with bridged(wrong) as running:
            status = running.bridge.cameras[0].status
            await until_soon(lambda: status.state is CameraState.AUTH_FAILED)
            await go_over(running, settings_for(camera))
            await camera.wait_for(lambda stats: stats.logins == 1)  # not after 30 s


@pytest.mark.parametrize("is_idle", [False, True])
async def test_channels_of_a_recorder_change_without_a_new_login(is_idle: bool) -> None:
    async with AsyncExitStack() as stack:
        recorder = await stack.enter_async_context(SimulatedCamera(RECORDER))
        first, second, third = (
            replace(one, idle_disconnect=is_idle) for one in channels_of(recorder, 0, 1, 2)
        )
        running = await stack.enter_async_context(bridged(first, second))
        stays = await stack.enter_async_context(watching(running.url("nvr-1", "sub"), CLIP))
        goes = await stack.enter_async_context(watching(running.url("nvr-0", "sub"), CLIP))
        for viewer in (stays, goes):
            await viewer.until_more(3)
        await go_over(running, first, second, third)
        await goes_on(stays, goes)
        async with watching(running.url("nvr-2", "sub"), CLIP) as added:
            await added.until_more(3)
        await go_over(running, replace(first, channel_id=3), second, third)
        await ends_cleanly(goes)
        async with watching(running.url("nvr-0", "sub"), CLIP) as moved:
            await moved.until_more(3)
        await go_over(running, second)  # the one that gave the login its name is gone
        await goes_on(stays)
        assert recorder.stats.logins == 1
        assert recorder.stats.video_starts == {(n, SUB): 1 for n in range(4)}
        assert running.bridge.cameras[0].settings.name == "nvr-1"


async def test_a_channel_that_comes_while_the_recorder_sleeps_wakes_it_when_it_is_watched() -> None:
    async with SimulatedCamera(RECORDER) as recorder:
        first, second = (replace(one, idle_disconnect=True) for one in channels_of(recorder, 0, 1))
        async with bridged(first) as running:
            (device,) = running.bridge.cameras
            await until_soon(lambda: device.status.state is CameraState.IDLE)
            await go_over(running, first, second)
            assert recorder.stats.connections == 0
            async with watching(running.url("nvr-1", "sub"), CLIP) as viewer:
                await viewer.until_more(3)
            await go_over(running, first)
            assert recorder.stats.logins == 1


async def test_a_stream_is_not_started_again_before_its_stop_was_answered() -> None:
    """The same channel and stream by another name: a camera can wedge if they overlap."""
    async with SimulatedCamera(PROFILE) as camera:
        settings = settings_for(camera)
        async with bridged(settings) as running, AsyncExitStack() as stack:
            for name in ("porch", "a", "b", "c"):
                if name != "porch":
                    await go_over(running, replace(settings, name=name))
                viewer = await stack.enter_async_context(watching(running.url(name, "sub"), CLIP))
                await viewer.until_more(2)
                assert camera.stats.active_streams[0, SUB] == 1
        assert camera.stats.video_starts == {(0, SUB): 4}
        assert camera.stats.protocol_troubles == 0
        assert camera.stats.logins == 1


# ---------------------------------------------------------------- trouble
async def test_a_silent_camera_holds_up_neither_the_ends_nor_the_reload_for_long() -> None:
    async with AsyncExitStack() as stack:
        first, second = await stack.enter_async_context(two_cameras())
        third = await stack.enter_async_context(SimulatedCamera(PROFILE))
        porch, garden = settings_for(first), settings_for(second, name="garden")
        running = await stack.enter_async_context(bridged(porch, garden))
        viewers = [
            await stack.enter_async_context(watching(running.url(name, "sub"), CLIP))
            for name in ("porch", "garden")
        ]
        for viewer in viewers:
            await viewer.until_more(3)
        first.silence()
        second.silence()
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        reloading = asyncio.create_task(go_over(running, settings_for(third)))
        for viewer in viewers:
            await ends_cleanly(viewer)
        assert loop.time() - began_s < 1
        assert await status_of(running, "garden") == 404
        await reloading
        assert loop.time() - began_s < END_S + 0.5
        await third.wait_for(lambda stats: stats.logins == 1)


async def test_a_camera_that_cannot_be_reached_is_changed_at_once() -> None:
    away = settings_for(1)
    async with SimulatedCamera(PROFILE) as camera, bridged(away) as running:
        status = running.bridge.cameras[0].status
        await until_soon(lambda: status.failures > 1)
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        await go_over(running, settings_for(camera))
        assert loop.time() - began_s < 0.5
        async with watching(running.url("porch", "sub"), CLIP) as viewer:
            await viewer.until_more(3)


async def test_a_removed_camera_that_fails_inside_is_not_started_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(app, "RESTART_PAUSE_S", 0.01)
    runs = 0

    async def stubborn(self: object) -> None:
        nonlocal runs
        runs += 1
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            raise ZeroDivisionError from None

    async with bridged(settings_for(1)) as running:
        with monkeypatch.context() as patch:
            patch.setattr(running.bridge.cameras[0].__class__, "run", stubborn)
            await go_over(running, settings_for(2))
            await until_soon(lambda: runs == 1)
            await go_over(running)
            await asyncio.sleep(0.1)
        assert runs == 1
        assert not running.bridge.cameras
    assert [record.exc_info is not None for record in caplog.records].count(True) == 1
    caplog.clear()


async def test_who_describes_while_the_camera_is_changed_is_given_the_new_one() -> None:
    away = settings_for(1)
    mount = MountSettings(camera="", use_splash=False)
    async with SimulatedCamera(PROFILE) as camera, bridged(away, mount=mount) as running:
        old = running.bridge.streams["porch", SUB]
        async with RtspClient(running.url("porch", "sub")) as client:
            describing = asyncio.create_task(client.describe())
            await until_soon(lambda: old.state is DemandState.STARTING)
            await go_over(running, settings_for(camera))
            assert (await describing).status == 200
            await client.setup(0)
            await client.play()
            await client.until(lambda: len(client.tracks[0].packets) > 5)
        assert (old._linger, old._waiting) == (None, None)


async def test_the_path_of_a_camera_that_changes_is_never_missing() -> None:
    async with AsyncExitStack() as stack:
        first, second = await stack.enter_async_context(two_cameras())
        ports = [settings_for(first), settings_for(second)]
        running = await stack.enter_async_context(bridged(ports[0]))
        statuses: list[int] = []

        async def ask() -> None:
            async with RtspClient(running.url("porch", "sub")) as client:
                while True:
                    statuses.append((await client.describe()).status)

        asking = [asyncio.create_task(ask()) for _ in range(3)]
        for count in range(1, 7):
            await go_over(running, ports[count % 2])
            had = len(statuses)
            await until_soon(lambda: len(statuses) > had + 5)  # noqa: B023 - used now
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        assert set(statuses) <= {200, 503}
        assert statuses.count(200) > 20


async def test_reloads_wait_for_each_other_and_the_last_one_holds() -> None:
    async with AsyncExitStack() as stack:
        first, second = await stack.enter_async_context(two_cameras())
        porch, garden = settings_for(first), settings_for(second, name="garden")
        running = await stack.enter_async_context(bridged(porch))
        await first.wait_for(lambda stats: stats.logins == 1)
        first.silence()
        wishes: Sequence[Sequence[CameraSettings]] = ((garden,), (porch, garden))
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        reloads = [asyncio.create_task(go_over(running, *wish)) for wish in wishes]
        await reloads[0]
        assert first.stats.connections == 1, "a login before the other one has ended"
        await asyncio.gather(*reloads)
        assert loop.time() - began_s < len(wishes) * END_S
        assert [camera.settings.name for camera in running.bridge.cameras] == ["porch", "garden"]
        assert [name for name, kind in running.bridge.mounts if kind is SUB] == ["porch", "garden"]
        async with watching(running.url("garden", "sub"), CLIP) as viewer:
            await viewer.until_more(3)


async def test_a_reload_that_is_cancelled_is_complete_all_the_same() -> None:
    async with AsyncExitStack() as stack:
        first, second = await stack.enter_async_context(two_cameras())
        running = await stack.enter_async_context(bridged(settings_for(first)))
        await first.wait_for(lambda stats: stats.logins == 1)
        first.silence()
        reloading = asyncio.create_task(go_over(running, settings_for(second)))
        await until_soon(lambda: running.bridge.settings.cameras[0].port == second.port)
        reloading.cancel()
        await asyncio.gather(reloading, return_exceptions=True)
        async with watching(running.url("porch", "sub"), CLIP) as viewer:
            await viewer.until_more(3)
        assert second.stats.logins == 1


async def test_the_end_during_a_reload_leaves_nothing_behind(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        first, second = await stack.enter_async_context(two_cameras())
        folder, running = await stack.enter_async_context(followed(tmp_path, {"porch": first.port}))
        viewer = await stack.enter_async_context(watching(folder.url("porch"), CLIP))
        await viewer.until_more(3)
        first.silence()
        folder.write(folder.text({"porch": second.port}))
        running.process.send_signal(signal.SIGHUP)
        await viewer.client.until_closed()  # now the program waits for the silent camera
        running.process.send_signal(signal.SIGTERM)
        assert await running.until_ended(8) == 0
        assert second.stats.connections == 0


@pytest.mark.parametrize("count", [50, pytest.param(500, marks=pytest.mark.slow)])
async def test_many_reloads_leave_nothing_behind(count: int) -> None:
    profile = replace(PROFILE, info_delay_s=0.01)
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(SimulatedCamera(profile))
        second = await stack.enter_async_context(SimulatedCamera(profile))
        porch, garden = settings_for(first), settings_for(second, name="garden")
        running = await stack.enter_async_context(bridged(porch, garden))
        stays = await stack.enter_async_context(watching(running.url("porch", "sub"), CLIP))
        await second.wait_for(lambda stats: stats.logins == 1)
        before: Resources | None = None
        for number in range(1, count + 1):
            if number == 11:
                before = await _settled(running, porch, garden)
            async with RtspClient(running.url("garden", "sub")) as client:
                await client.watch(0)
                changed = replace(garden, debug=number % 2 == 1)
                await go_over(running, porch, changed, replace(garden, name=f"new-{number}"))
                await client.until_closed()
        assert before is not None
        after = await _settled(running, porch, garden)
        await before.until_again()
        assert after.rss_bytes - before.rss_bytes < 16 * MIB
        bridge = running.bridge
        keys = {(name, kind) for name in ("porch", "garden") for kind in StreamKind}
        assert set(bridge.streams) == set(bridge.mounts) == keys
        assert len(bridge._devices) == 2
        assert len(bridge.rtsp.context.sessions) == 1
        await goes_on(stays)
        assert first.stats.logins == 1


async def _settled(running: RunningBridge, *cameras: CameraSettings) -> Resources:
    """Return what the process holds with these cameras, all of them connected."""
    await go_over(running, *cameras)
    await until_soon(
        lambda: all(
            camera.status.state is CameraState.CONNECTED for camera in running.bridge.cameras
        ),
        "the logins",
    )
    await until_soon(lambda: not any(map(_is_new, asyncio.all_tasks())), "the clocks are set")
    return Resources.now()


def _is_new(task: asyncio.Task[object]) -> bool:
    return task.get_name().endswith(" clock")
