"""Players take packets of any size that they can ask for, and slices that share one."""

import pytest

from neolink.media.tracks import StreamKind, VideoCodec
from neolink.rtp.packetizers.nal_units import Aggregation
from neolink.rtsp_server.settings import MountSettings
from neolink.simulator.profile import CameraProfile
from support.bridge import running_bridge
from support.players import Transport, play

pytestmark = pytest.mark.foreign

_H264, _H265 = VideoCodec.H264, VideoCodec.H265
_OFF, _ALL = Aggregation.OFF, Aggregation.ALL

CASES = [
    ("ffmpeg", "tcp", _H265, 60_000, _ALL),
    ("gstreamer", "tcp", _H264, 60_000, _ALL),
    ("pyav", "tcp", _H264, 500, _OFF),
    ("gstreamer", "udp", _H265, 600, _OFF),
]


@pytest.mark.parametrize(
    ("player", "transport", "codec", "size", "aggregate"),
    CASES,
    ids=[f"{case[0]}-{case[1]}-{case[2]}-{case[3]}-{case[4]}" for case in CASES],
)
async def test_player_takes_the_size(
    player: str, transport: Transport, codec: VideoCodec, size: int, aggregate: Aggregation
) -> None:
    profile = CameraProfile(name="porch", codec=codec, audio="adpcm", streams=(StreamKind.MAIN,))
    clip = profile.clip(StreamKind.MAIN)
    usual = size if transport == "udp" else 1400
    mount = MountSettings(camera="", packet_bytes=usual, aggregate=aggregate)
    async with running_bridge(profile, mount=mount) as bridge:
        playback = await play(
            player,
            bridge.url("porch", "main", pkt_size=str(size)),
            transport=transport,
            size=(clip.width, clip.height),
        )
    assert playback.errors == ()
    assert len(playback.frames) >= 0.9 * 3 * clip.frame_rate
    assert None not in playback.frames
    assert playback.missing(len(clip.access_units)) == 0
