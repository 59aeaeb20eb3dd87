"""Real players over TLS decode everything; the command that the documents give is right."""

import asyncio
import re
import ssl
from pathlib import Path

import pytest

from neolink.media.tracks import StreamKind, VideoCodec
from neolink.rtsp_server.settings import Access, MountSettings, RtspSettings
from neolink.rtsp_server.wires.certificate import load_context
from neolink.simulator.profile import CameraProfile
from support.bridge import RunningBridge, running_bridge
from support.players import Playback, play
from support.processes import need_programs
from support.tls import make_identity

pytestmark = pytest.mark.foreign

DOCUMENT = Path(__file__).parents[2] / "docs" / "configuration.md"
SIZE = (640, 360)
LOGIN = ("viewer", "sesame")
MOUNT = MountSettings(camera="", access=Access(anonymous=False, users=frozenset({"viewer"})))
PROFILES = {
    VideoCodec.H264: CameraProfile(name="porch", codec=VideoCodec.H264, audio="aac"),
    VideoCodec.H265: CameraProfile(name="porch", codec=VideoCodec.H265, audio="adpcm"),
}


@pytest.fixture(scope="module")
def rtsp(tmp_path_factory: pytest.TempPathFactory) -> RtspSettings:
    """Return settings of a server with a certificate and a user."""
    file = make_identity().write(tmp_path_factory.mktemp("tls") / "server.pem")
    return RtspSettings(certificate=file, users=dict([LOGIN]))


async def played(bridge: RunningBridge, player: str) -> Playback:
    url = bridge.url("porch", "sub", login=LOGIN)
    assert url.startswith("rtsps://")
    return await play(player, url, seconds=2.0, size=SIZE)


@pytest.mark.parametrize("codec", PROFILES)
@pytest.mark.parametrize("player", ["ffmpeg", "gstreamer", "mpv", "pyav", "opencv"])
async def test_a_player_decodes_everything_over_tls(
    rtsp: RtspSettings, player: str, codec: VideoCodec
) -> None:
    profile = PROFILES[codec]
    async with running_bridge(profile, mount=MOUNT, rtsp=rtsp) as bridge:
        playback = await played(bridge, player)
        assert bridge.bridge.rtsp.refused["tls_handshake"] == 0
    assert playback.errors == ()
    assert None not in playback.frames
    assert playback.missing(len(profile.clip(StreamKind.SUB).access_units)) == 0
    assert len(playback.frames) >= 25


async def test_a_player_in_clear_is_told_in_the_log_what_to_do(
    rtsp: RtspSettings, caplog: pytest.LogCaptureFixture
) -> None:
    async with running_bridge(PROFILES[VideoCodec.H264], rtsp=rtsp) as bridge:
        url = bridge.url("porch", "sub").replace("rtsps:", "rtsp:")
        playback = await play("ffmpeg", url, seconds=1.0, size=SIZE)
        assert bridge.bridge.rtsp.refused["tls_handshake"] >= 1
    assert playback.frames == ()
    assert "use rtsps:// in its URL" in caplog.text


async def test_the_documented_command_makes_a_certificate_that_is_served(tmp_path: Path) -> None:
    need_programs("openssl")
    found = re.search(r"^openssl req .*$", DOCUMENT.read_text(), re.MULTILINE)
    assert found is not None
    process = await asyncio.create_subprocess_shell(
        found[0], cwd=tmp_path, stderr=asyncio.subprocess.DEVNULL
    )
    assert await process.wait() == 0
    file = tmp_path / "neolink.pem"
    assert file.stat().st_mode & 0o077 == 0
    context = load_context(RtspSettings(certificate=file))
    assert isinstance(context, ssl.SSLContext)
