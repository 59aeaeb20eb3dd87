"""Real players over IPv6: a listener on ``::`` serves them over TCP and UDP, and IPv4 beside."""

import pytest

from neolink.media.tracks import StreamKind
from neolink.rtsp_server.settings import RtspSettings
from neolink.simulator.profile import CameraProfile
from support.bridge import HOST, running_bridge
from support.players import Transport, play

pytestmark = pytest.mark.foreign

SUB = StreamKind.SUB
SECONDS = 1.5


@pytest.mark.parametrize("host", ["[::1]", HOST])
@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("player", ["ffmpeg", "gstreamer"])
async def test_players_of_both_families_are_served(
    player: str, transport: Transport, host: str
) -> None:
    profile = CameraProfile(name="porch", streams=(SUB,))
    clip = profile.clip(SUB)
    async with running_bridge(profile, rtsp=RtspSettings(bind="::")) as bridge:
        playback = await play(
            player,
            bridge.url("porch", SUB).replace(HOST, host),
            seconds=SECONDS,
            transport=transport,
            size=(clip.width, clip.height),
        )
    assert playback.errors == ()
    assert playback.frames[0] == 0
    assert None not in playback.frames
    assert playback.missing(len(clip.access_units)) == 0
    assert len(playback.frames) >= 0.9 * SECONDS * clip.frame_rate
    assert playback.sound
