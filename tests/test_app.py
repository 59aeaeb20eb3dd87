"""The bridge as a whole: who shares a login, who survives whose failure, how it ends."""

import asyncio
import logging
import socket
import time
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest

from neolink import app as app_module
from neolink.app import Bridge, BridgeSettings
from neolink.baichuan.crypto import Encryption
from neolink.baichuan.ids import MessageId
from neolink.camera import supervisor as supervisor_module
from neolink.camera.settings import CameraSettings
from neolink.camera.status import CameraState
from neolink.camera.supervisor import Camera
from neolink.errors import ConfigError
from neolink.media.tracks import StreamKind
from neolink.media.units import MediaUnit
from neolink.rtsp_server.settings import MountSettings, RtspSettings
from neolink.simulator.profile import CameraProfile
from neolink.simulator.server import SimulatedCamera
from support.bridge import HOST, running_bridge
from support.camera_bench import Recorder, eventually
from support.rtsp_client import RtspClient

MAIN, SUB = StreamKind.MAIN, StreamKind.SUB
PORCH = CameraProfile(name="porch")
GARDEN = CameraProfile(name="garden", uid="SIM0000000000002")


class Reader(Recorder):
    """A sink of a stream."""

    def push(self, unit: MediaUnit) -> None:
        self.publish(unit)

    def presentation_changed(self, presentation: object) -> None:
        del presentation

    def source_stopped(self) -> None:
        self.lost()

    def source_ended(self) -> None:
        self.lost()


def bridge_of(*cameras: CameraSettings, rtsp: RtspSettings | None = None) -> Bridge:
    mounts = [MountSettings(camera=camera.name) for camera in cameras]
    rtsp = rtsp or RtspSettings(bind=HOST, port=0, rtp_port=0)
    return Bridge(BridgeSettings(cameras, mounts, rtsp))


def has_packets(player: RtspClient, count: int) -> bool:
    return len(player.tracks[0].packets) > count


def camera(name: str, **changes: object) -> CameraSettings:
    settings = CameraSettings(name=name, host="192.0.2.1", password="p")
    return replace(settings, **changes)  # type: ignore[arg-type]  # checked where they are used


# ---------------------------------------------------------------- logins
async def test_channels_of_one_device_share_a_login_and_other_devices_do_not() -> None:
    bridge = bridge_of(
        camera("a0"),
        camera("b", host="192.0.2.2"),
        camera("a1", channel_id=1),
        camera("c", port=9001),
        camera("d", username="other"),
        camera("e", password="other"),
    )
    names = [{stream._log.context["camera"] for stream in one.streams} for one in bridge.cameras]
    assert names == [{"a0", "a1"}, {"b"}, {"c"}, {"d"}, {"e"}]
    assert set(bridge.mounts) == {
        (one.name, kind) for one in bridge.settings.cameras for kind in StreamKind
    }


async def test_a_stream_configured_twice_is_never_started_twice_on_one_login() -> None:
    bridge = bridge_of(
        camera("main", streams=(MAIN,)),
        camera("sub", streams=(SUB,)),
        camera("again", streams=(SUB, MAIN)),
        camera("other", streams=(MAIN,), channel_id=1),
    )
    names = [[stream._log.context["camera"] for stream in one.streams] for one in bridge.cameras]
    assert names == [["main", "sub", "other"], ["again", "again"]]


async def test_a_shared_login_does_what_any_of_its_channels_needs() -> None:
    bridge = bridge_of(
        camera("a", idle_disconnect=True, idle_grace_s=10, max_encryption=Encryption.FULL_AES),
        camera("b", channel_id=1, update_time=True, max_encryption=Encryption.BC, debug=True),
    )
    (device,) = bridge.cameras
    settings = device.settings
    assert not settings.idle_disconnect
    assert settings.update_time
    assert settings.debug
    assert settings.max_encryption is Encryption.BC
    assert settings.idle_grace_s == 30


async def test_two_channels_of_a_recorder_play_through_one_login() -> None:
    recorder = CameraProfile(name="nvr", channels=2)
    async with running_bridge(recorder) as running:
        for channel in range(2):
            async with RtspClient(running.url(f"nvr-{channel}", "sub")) as player:
                await player.watch(0)
                await player.until(partial(has_packets, player, 5))
        assert (running.camera.stats.connections, running.camera.stats.logins) == (1, 1)
        assert running.camera.stats.video_starts == {(0, SUB): 1, (1, SUB): 1}


# ---------------------------------------------------------------- siblings
async def test_no_picture_of_one_camera_is_lost_whatever_another_does() -> None:
    async with running_bridge(PORCH, GARDEN) as running:
        porch, garden = running.cameras
        stream = running.bridge.streams["garden", SUB]
        reader = Reader()
        stream.subscribe(reader)
        bad = running.bridge.streams["porch", SUB]
        with stream.hold(), bad.hold():
            await reader.until_pictures(2)
            await porch.wait_for(lambda stats: stats.frames_sent[0, SUB] > 2)
            for junk in (b"\x55" * 100_000, b"\xf0\xde\xbc\x0a" + b"\xff" * 20, b"<!DOCTYPE a>"):
                for client in tuple(porch._device.clients):
                    client._outlet.send(junk)  # type: ignore[attr-defined]  # between messages
                await reader.until_pictures(3)
                porch.cut()
                await reader.until_pictures(3)
            times = [unit.pts / 90_000 for unit in reader.pictures]
            rate = garden.profile.frame_rate_of(SUB)
        gaps = [later - earlier for earlier, later in pairwise(times)]
        assert max(gaps) < 1.5 / rate
        assert reader.losses == 0
        assert garden.stats.logins == 1


async def test_a_camera_that_fails_inside_is_told_and_started_again_and_others_go_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    attempts: list[float] = []
    attend = Camera._attend

    async def broken(self: Camera) -> None:
        if self.settings.name == "porch":
            attempts.append(time.monotonic())
            raise ZeroDivisionError("ours")
        await attend(self)

    monkeypatch.setattr(Camera, "_attend", broken)
    monkeypatch.setattr(app_module, "RESTART_PAUSE_S", 0.05)
    began_s = time.process_time()
    async with running_bridge(PORCH, GARDEN) as running:
        async with RtspClient(running.url("garden", "sub")) as player:
            await player.watch(0)
            await player.until(lambda: len(player.tracks[0].packets) > 20 and len(attempts) > 4)
        status = running.bridge.cameras[0].status
        assert status.failures == len(attempts)
        assert "ours" in status.last_error
    assert time.process_time() - began_s < 3
    gaps = [later - earlier for earlier, later in pairwise(attempts)]
    assert min(gaps) > 0.045
    (record,) = [one for one in caplog.records if one.exc_info]  # the same at most every 10 s
    assert record.message.startswith("camera porch: failed, starting again in 0.05 s")
    assert record.levelno == logging.ERROR


def test_no_part_is_started_again_faster_than_once_a_second() -> None:
    assert app_module.RESTART_PAUSE_S >= 1.0


async def test_a_server_that_fails_inside_is_started_again_and_cameras_go_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(app_module, "RESTART_PAUSE_S", 0.01)
    async with running_bridge(PORCH) as running:
        await running.camera.wait_for(lambda stats: stats.logins == 1)
        with monkeypatch.context() as patch:
            patch.setattr("neolink.rtsp_server.server.SWEEP_S", None)  # no time to sleep for
            await eventually(lambda: "rtsp server: failed" in caplog.text, timeout_s=3)
        await eventually(lambda: running.bridge.rtsp.door.is_open)
        async with RtspClient(running.url("porch", "sub")) as player:
            assert (await player.describe()).status == 200
        assert running.camera.stats.logins == 1


async def test_a_cancellation_that_nobody_asked_for_does_not_end_a_part(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(app_module, "RESTART_PAUSE_S", 0.01)
    async with running_bridge(PORCH) as running:
        await running.camera.wait_for(lambda stats: stats.logins == 1)
        given_up = asyncio.get_running_loop().create_future()
        given_up.cancel()
        with monkeypatch.context() as patch:
            patch.setattr(Camera, "_attend", lambda _: given_up)
            running.camera.cut()
            await eventually(lambda: "camera porch: failed" in caplog.text, timeout_s=3)
        await running.camera.wait_for(lambda stats: stats.logins == 2)
    assert running.bridge.restarts["camera porch"] >= 1


async def test_cameras_that_change_names_keep_what_is_theirs(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What fails is named as the file names it now, with what was counted of it before."""
    monkeypatch.setattr(app_module, "RESTART_PAUSE_S", 0.01)
    attend = Camera._attend
    fails = False

    async def broken(self: Camera) -> None:
        if fails and self.settings.port == porch.port:
            raise ZeroDivisionError("ours")
        await attend(self)

    monkeypatch.setattr(Camera, "_attend", broken)
    async with running_bridge(PORCH, GARDEN) as running:
        bridge = running.bridge
        await running.camera.wait_for(lambda stats: stats.logins == 1)
        porch, garden = bridge.settings.cameras
        bridge._restarts.update({"camera porch": 3, "camera garden": 5})
        swapped = [replace(porch, name="garden"), replace(garden, name="porch")]
        mounts = [MountSettings(camera=one.name) for one in swapped]
        await bridge.reload(BridgeSettings(swapped, mounts, bridge.rtsp.settings))
        assert bridge.restarts["camera garden"] == 3
        assert bridge.restarts["camera porch"] == 5
        fails = True
        running.camera.cut()
        await eventually(lambda: "camera garden: failed" in caplog.text, timeout_s=3)
        fails = False
    assert "camera porch: failed" not in caplog.text
    assert bridge.restarts["camera garden"] > 3


# ---------------------------------------------------------------- idleness
async def test_a_description_learnt_before_does_not_wake_the_camera(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(supervisor_module, "IDLE_CHECK_S", 0.01)
    async with SimulatedCamera(replace(PORCH, password="p")) as simulated:
        settings = camera(
            "porch", host=HOST, port=simulated.port, idle_disconnect=True, idle_grace_s=0.1
        )
        bridge = bridge_of(settings)
        bridge.streams["porch", SUB]._grace_s = 0.05
        is_ready = asyncio.Event()
        running = asyncio.create_task(bridge.run(on_ready=is_ready.set))
        try:
            await is_ready.wait()
            await asyncio.sleep(0.05)  # nothing happens meanwhile
            url = f"rtsp://{HOST}:{bridge.rtsp.port}/porch/sub"
            assert simulated.stats.connections == 0
            async with RtspClient(url) as player:
                assert (await player.describe()).status == 200
            await simulated.wait_for(lambda stats: stats.logins == 1 and not stats.open_connections)
            for _ in range(3):
                async with RtspClient(url) as player:
                    assert (await player.describe()).status == 200
                    assert (await player.setup(0)).status == 200
            await asyncio.sleep(0.1)  # nothing happens meanwhile
            assert simulated.stats.connections == 1
            assert bridge.cameras[0].status.state is CameraState.IDLE
            async with RtspClient(url) as player:
                await player.watch(0)
                await player.until(lambda: len(player.tracks[0].packets) > 3)
            assert simulated.stats.connections == 2
        finally:
            running.cancel()
            await asyncio.wait([running])


# ---------------------------------------------------------------- beginning and end
async def test_a_port_in_use_is_told_with_its_address_and_leaves_nothing_behind() -> None:
    others = asyncio.all_tasks()
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        bridge = bridge_of(camera("a"), rtsp=RtspSettings(bind=HOST, port=port, rtp_port=0))
        with pytest.raises(ConfigError, match=f"{HOST}:{port}.*in use"):
            await bridge.run()
    assert asyncio.all_tasks() == others


async def test_an_announcement_that_fails_closes_the_ports() -> None:
    bridge = bridge_of(camera("a"))

    def broken() -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        await bridge.run(on_ready=broken)
    assert not bridge.rtsp.door.is_open


async def test_a_certificate_that_cannot_be_used_ends_the_start_with_its_name() -> None:
    rtsp = RtspSettings(bind=HOST, port=0, rtp_port=0, certificate=Path("no-such.pem"))
    with pytest.raises(ConfigError, match=r"certificate: no-such\.pem: cannot be read: No such"):
        await bridge_of(camera("a"), rtsp=rtsp).run()


async def test_the_end_stops_all_streams_and_logs_out_of_all_cameras() -> None:
    async with running_bridge(PORCH, GARDEN) as running:
        players = [RtspClient(running.url(name, "sub")) for name in ("porch", "garden")]
        for player in players:
            await player.connect()
            await player.watch(0)
    for player in players:
        await player.until_closed()
        await player.close()
    for one in running.cameras:
        assert one.stats.requests[MessageId.PREVIEW_STOP] == 1
        assert one.stats.requests[MessageId.LOGOUT] == 1
        assert not one.stats.open_sessions


@pytest.mark.parametrize("moment", ["connecting", "failing"])
async def test_the_end_comes_soon_even_while_a_camera_is_failing(
    moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part that ends by an error when it is cancelled would be started again for ever."""
    failures = [ZeroDivisionError("while it ends")]

    async def stubborn(self: Camera) -> None:
        del self
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            while failures:
                raise failures.pop() from None
            raise

    if moment == "failing":
        monkeypatch.setattr(Camera, "run", stubborn)
    bridge = bridge_of(camera("a", host="192.0.2.1", connect_timeout_s=30))
    ready = asyncio.Event()
    running = asyncio.create_task(bridge.run(on_ready=ready.set))
    await ready.wait()
    await asyncio.sleep(0)
    running.cancel()
    done, _ = await asyncio.wait([running], timeout=2)
    assert done
