"""``neolink rtsp`` as a process: what it prints, how it ends, what the camera sees of it."""

import asyncio
import signal
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from neolink.app import Bridge, BridgeSettings
from neolink.baichuan.ids import MessageId
from neolink.camera.settings import CameraSettings
from neolink.cli.banner import banner
from neolink.cli.run import CLOSING_S
from neolink.media.tracks import StreamKind
from neolink.rtsp_server.settings import MountSettings, RtspSettings
from neolink.simulator.faults import Silence
from neolink.simulator.profile import CameraProfile
from neolink.simulator.server import SimulatedCamera
from support.program import program
from support.rtsp_client import RtspClient
from support.tls import make_identity

HOST = "127.0.0.1"
PASSWORD = "sesame-51d0"
PROFILE = CameraProfile(name="porch", password=PASSWORD)
SUB = StreamKind.SUB


def free_port() -> int:
    with socket.create_server((HOST, 0)) as sock:
        return int(sock.getsockname()[1])


def config(folder: Path, camera: str, port: int | None = None) -> tuple[str, str]:
    """Write a file; return the options that name it."""
    path = folder / "neolink.toml"
    path.write_text(
        f'bind = "{HOST}"\n'
        f"bind_port = {port or free_port()}\n"
        f"[rtsp]\nrtp_port = 0\n"
        f"[state]\nenabled = false\n"
        f'[[cameras]]\nname = "porch"\naddress = "{camera}"\n'
        f'username = "admin"\npassword = "{PASSWORD}"\n'
    )
    return "--config", str(path)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_cleanly_while_a_player_is_attached(
    number: signal.Signals, tmp_path: Path
) -> None:
    async with SimulatedCamera(PROFILE) as camera:
        options = config(tmp_path, f"{HOST}:{camera.port}")
        async with program("rtsp", *options) as bridge:
            await bridge.until_printed("/porch/sub")
            (url,) = [url for url in bridge.urls if url.endswith("/sub")]
            async with RtspClient(url) as player:
                await player.watch(0)
                await player.until(lambda: len(player.tracks[0].packets) > 5)
                began_s = time.monotonic()
                bridge.process.send_signal(number)
                assert await bridge.until_ended() == 0
                assert time.monotonic() - began_s < 5
                await player.until_closed()
        stats = camera.stats
        assert stats.requests[MessageId.PREVIEW_STOP] == stats.requests[MessageId.PREVIEW_START]
        assert stats.video_stops == {(0, SUB): 1}
        assert stats.requests[MessageId.LOGOUT] == 1
        assert stats.connections == 1
    assert "Traceback" not in bridge.stderr
    assert PASSWORD not in bridge.stderr + bridge.stdout


async def test_it_ends_in_time_although_the_camera_is_silent_and_a_signal_comes_twice(
    tmp_path: Path,
) -> None:
    async with (
        SimulatedCamera(PROFILE) as camera,
        program("rtsp", *config(tmp_path, f"{HOST}:{camera.port}")) as bridge,
    ):
        await bridge.until_printed("/porch/sub")
        async with RtspClient(bridge.urls[0]) as player:
            await player.watch(0)
            await player.until(lambda: len(player.tracks[0].packets) > 5)
            camera.begin(Silence())
            began_s = time.monotonic()
            bridge.process.send_signal(signal.SIGTERM)
            await player.until_closed()
            bridge.process.send_signal(signal.SIGTERM)
            assert await bridge.until_ended() == 0
            assert time.monotonic() - began_s < 8
    assert "Traceback" not in bridge.stderr
    assert "ending without it" not in bridge.stderr


HANGING = """
import socket, sys, time
import neolink.cli.run
from neolink.cli.main import main
def look_up(*_, **__):
    print("looking up", flush=True)
    time.sleep(60)
socket.getaddrinfo = look_up
neolink.cli.run.CLOSING_S = 0.3
sys.modules["uvloop"] = None  # it looks names up by itself
main(sys.argv[1:])
"""


async def test_a_look_up_that_hangs_does_not_hold_up_the_end(tmp_path: Path) -> None:
    async with program("rtsp", *config(tmp_path, "camera.invalid"), code=HANGING) as bridge:
        await bridge.until_printed("looking up")
        bridge.process.send_signal(signal.SIGTERM)
        assert await bridge.until_ended(5) == 0
    assert "ending without it" in bridge.stderr
    assert CLOSING_S < 10


async def test_a_port_in_use_is_named_and_ends_it_with_1(tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        async with program("rtsp", *config(tmp_path, "192.0.2.1", port)) as bridge:
            assert await bridge.until_ended() == 1
    assert f"cannot listen on {HOST}:{port}: Address already in use" in bridge.stderr
    assert "bind_port" in bridge.stderr
    assert "Ready" not in bridge.stdout
    assert "Traceback" not in bridge.stderr


# ---------------------------------------------------------------- what is printed
def bridge_with(bind: str, *mounts: MountSettings, **changes: Any) -> Bridge:
    cameras = [CameraSettings(name=mount.camera, host="192.0.2.1") for mount in mounts]
    rtsp = RtspSettings(bind=bind, port=0, rtp_port=0, **changes)
    return Bridge(BridgeSettings(cameras, mounts, rtsp))


def shown(bridge: Bridge) -> str:
    bridge.rtsp.open()
    try:
        return banner(bridge, "Try {url}")
    finally:
        bridge.rtsp.close()


async def test_every_stream_has_a_url_the_best_one_first() -> None:
    bridge = bridge_with(HOST, MountSettings(camera="porch"), MountSettings(camera="back yard"))
    lines = shown(bridge).splitlines()
    base = lines[1].strip().removesuffix("/porch/main")
    assert base.startswith(f"rtsp://{HOST}:")
    assert lines[0].startswith("Ready")
    assert [line.strip() for line in lines[1:7]] == [
        f"{base}/{camera}/{kind}"
        for camera in ("porch", "back%20yard")
        for kind in ("main", "sub", "extern")
    ]
    assert lines[7] == f"Try {base}/porch/main"


async def test_urls_say_where_players_come_with_tls(tmp_path: Path) -> None:
    file = make_identity().write(tmp_path / "server.pem")
    only = bridge_with(HOST, MountSettings(camera="porch"), certificate=file)
    assert f"  rtsps://{HOST}:" in shown(only)
    assert "the same paths" not in shown(only)
    both = bridge_with(HOST, MountSettings(camera="porch"), certificate=file, tls_port=0)
    text = shown(both)
    assert f"  rtsp://{HOST}:" in text
    assert f"With TLS, the same paths: rtsps://{HOST}:{both.rtsp.tls_port}/" in text


@pytest.mark.parametrize("bind", ["0.0.0.0", "::"])
async def test_an_address_that_means_all_is_shown_as_the_name_of_the_host(bind: str) -> None:
    bridge = bridge_with(bind, MountSettings(camera="porch"))
    text = shown(bridge)
    assert f"rtsp://{socket.gethostname()}:" in text
    assert "0.0.0.0" not in text


async def test_a_bridge_without_a_stream_says_so() -> None:
    assert "no camera" in shown(bridge_with(HOST))


async def test_systemd_is_told_when_it_is_ready_how_it_does_and_that_it_stops(
    tmp_path: Path,
) -> None:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(address)
        systemd.setblocking(False)
        async with SimulatedCamera(PROFILE) as camera:
            options = config(tmp_path, f"{HOST}:{camera.port}")
            environment = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "2000000"}
            async with program("rtsp", *options, environment=environment) as bridge:
                await bridge.until_printed("/porch/sub")
                told = await messages(systemd, until=b"WATCHDOG=1")
                bridge.process.send_signal(signal.SIGHUP)
                told += await messages(systemd, until=b"READY=1")
                bridge.process.send_signal(signal.SIGTERM)
                told += await messages(systemd, until=b"STOPPING=1")
                assert await bridge.until_ended() == 0
    assert told[0] == b"READY=1"
    assert any(one.startswith(b"STATUS=1 camera: ") for one in told)
    assert any(one.startswith(b"RELOADING=1") for one in told)


async def messages(receiver: socket.socket, *, until: bytes) -> list[bytes]:
    """Return what was sent up to a message."""
    got: list[bytes] = []
    async with asyncio.timeout(15):
        while until not in got:
            got.append(await asyncio.get_running_loop().sock_recv(receiver, 1024))
    return got
