"""``kill -TERM`` while many players are served: all are told, the camera is logged out of.

Real players and strict ones, over TCP and UDP, one of them stuck; the bridge is a process of its
own, as its users run it.
"""

import asyncio
import signal
import socket
import time
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from neolink.baichuan.ids import MessageId
from neolink.media.tracks import StreamKind
from neolink.simulator.profile import CameraProfile
from neolink.simulator.server import SimulatedCamera
from support.attached import Attached, ffmpeg_recorder, gstreamer_viewer, show
from support.program import program
from support.rtsp_client import RtspClient
from support.scenario import until_soon

pytestmark = pytest.mark.foreign

HOST = "127.0.0.1"
PASSWORD = "sesame-9c2e"
PROFILE = CameraProfile(name="porch", password=PASSWORD)
MAIN = StreamKind.MAIN
TCP_PLAYERS = 9
UDP_PLAYERS = 8
"""Besides one that is stuck, ffmpeg and GStreamer: twenty in all."""

LOAD_S = 3.0
END_S = 10.0
PLAYERS_END_S = 40.0
"""GStreamer waits up to 20 s for answers of a server that has gone."""


def config(folder: Path, camera_port: int) -> Path:
    with socket.create_server((HOST, 0)) as sock:
        port = int(sock.getsockname()[1])
    path = folder / "neolink.toml"
    path.write_text(
        f'bind = "{HOST}"\nbind_port = {port}\n[rtsp]\nrtp_port = 0\n[state]\nenabled = false\n'
        f'[[cameras]]\nname = "porch"\naddress = "{HOST}:{camera_port}"\n'
        f'username = "admin"\npassword = "{PASSWORD}"\n'
    )
    return path


async def test_sigterm_ends_twenty_players_in_time_and_logs_out_of_the_camera(
    tmp_path: Path,
) -> None:
    async with AsyncExitStack() as stack:
        camera = await stack.enter_async_context(SimulatedCamera(PROFILE))
        file = config(tmp_path, camera.port)
        bridge = await stack.enter_async_context(program("rtsp", "--config", str(file)))
        await bridge.until_printed("/porch/main")
        (url,) = [url for url in bridge.urls if url.endswith("/main")]
        clip = PROFILE.clip(MAIN)
        recorder = await stack.enter_async_context(ffmpeg_recorder(url, tmp_path / "tcp.nut"))
        viewer = await stack.enter_async_context(gstreamer_viewer(url, tmp_path / "udp.mkv", clip))
        stuck, *players = [
            await stack.enter_async_context(
                RtspClient(url, receive_buffer=None if number else 4096)
            )
            for number in range(1 + TCP_PLAYERS + UDP_PLAYERS)
        ]
        await stuck.watch(0)
        for number, player in enumerate(players):
            await player.watch(transport="tcp" if number < TCP_PLAYERS else "udp")
        for player in (stuck, *players):
            await player.until(lambda: len(player.tracks[0].packets) > 5)  # noqa: B023 - used now
        stuck.stop_reading()
        await asyncio.sleep(LOAD_S)
        assert (recorder.is_running, recorder.troubles) == (True, [])
        assert (viewer.is_running, viewer.troubles) == (True, [])

        bridge.process.send_signal(signal.SIGTERM)
        began_s = time.monotonic()
        assert await bridge.until_ended(END_S) == 0
        took_s = time.monotonic() - began_s
        assert took_s < END_S

        for player in players:
            await player.until_closed()
        for player in players[TCP_PLAYERS:]:
            assert player.tracks[0].has_ended, "a player over UDP was not told"
        await _end_by_themselves(recorder, viewer)
        stats = camera.stats
        await camera.wait_for(lambda stats: not stats.open_connections)
        assert stats.video_stops == stats.video_starts == {(0, MAIN): 1}
        assert stats.requests[MessageId.LOGOUT] == 1
        assert (stats.connections, stats.logins, stats.protocol_troubles) == (1, 1, 0)
    assert "Traceback" not in bridge.stderr
    assert "never awaited" not in bridge.stderr
    assert "ending without it" not in bridge.stderr
    print(f"\nended {took_s:.2f} s after SIGTERM\n{recorder.said}\n{viewer.said}")  # noqa: T201
    recorded = await show(recorder.output)
    assert None not in recorded.counters
    assert len(recorded.counters) > LOAD_S * clip.frame_rate / 2


async def _end_by_themselves(recorder: Attached, viewer: Attached) -> None:
    await until_soon(lambda: not recorder.is_running, lambda: recorder.said, PLAYERS_END_S)
    await until_soon(lambda: not viewer.is_running, lambda: viewer.said, PLAYERS_END_S)
    assert recorder.process.returncode == 0, recorder.said
