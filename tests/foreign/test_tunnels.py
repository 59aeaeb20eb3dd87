"""Players inside HTTP: ffmpeg, GStreamer and mpv, with a login too, in clear and inside TLS."""

from pathlib import Path

import pytest

from neolink.media.tracks import StreamKind, VideoCodec
from neolink.rtsp_server.settings import Access, MountSettings, RtspSettings
from neolink.simulator.profile import CameraProfile
from support.bridge import running_bridge
from support.players import Playback, Transport, Tunnel, play
from support.tls import make_identity

pytestmark = pytest.mark.foreign

SECONDS = 2.0
USERS = {"viewer": "sesame"}
MOUNT = MountSettings(camera="", access=Access(anonymous=False, users=frozenset(USERS)))
LOGIN = ("viewer", USERS["viewer"])


async def watch(
    player: str,
    tunnel: Transport | Tunnel,
    *,
    certificate: Path | None = None,
    has_login: bool = False,
    codec: VideoCodec = VideoCodec.H264,
) -> Playback:
    """Play the small stream of a camera with sound; no picture is missing, all came by tunnel."""
    profile = CameraProfile(
        name="porch", codec=codec, audio="aac", streams=(StreamKind.SUB,), password="sesame"
    )
    clip = profile.clip(StreamKind.SUB)
    rtsp = RtspSettings(users=USERS if has_login else {}, certificate=certificate)
    mount = MOUNT if has_login else MountSettings(camera="")
    async with running_bridge(profile, rtsp=rtsp, mount=mount) as bridge:
        url = bridge.url("porch", "sub", login=LOGIN if has_login else None)
        if player == "gstreamer":  # its URL tells of the tunnel, and of TCP inside
            tunnel = "tcp"
            url = url.replace("://", "h://")
        size = (clip.width, clip.height)
        playback = await play(player, url, seconds=SECONDS, transport=tunnel, size=size)
        server = bridge.bridge.rtsp
        assert server.context.tunnels.pairing.opened >= 1, "it did not come through a tunnel"
        assert server.refused["tunnel"] == 0
    assert playback.missing(len(clip.access_units)) == 0
    return playback


def check(playback: Playback) -> None:
    assert playback.errors == ()
    assert None not in playback.frames
    assert len(playback.frames) >= 20
    assert playback.samples is not None
    assert len(playback.samples) > 8000


@pytest.mark.parametrize("player", ["ffmpeg", "gstreamer", "mpv", "pyav"])
async def test_get_and_post_carry_pictures_and_sound(player: str) -> None:
    check(await watch(player, "http"))


@pytest.mark.parametrize("player", ["ffmpeg", "gstreamer"])
async def test_a_login_works_inside(player: str) -> None:
    check(await watch(player, "http", has_login=True, codec=VideoCodec.H265))


@pytest.mark.parametrize(("player", "tunnel"), [("ffmpeg", "https"), ("gstreamer", "http")])
async def test_a_tunnel_may_be_inside_tls(player: str, tunnel: Tunnel, tmp_path: Path) -> None:
    certificate = make_identity().write(tmp_path / "neolink.pem")
    check(await watch(player, tunnel, certificate=certificate, has_login=True))
