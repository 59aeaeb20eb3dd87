"""``?audio=`` in the URL decides what sound a player gets, each of them for itself."""

import json

import pytest

from neolink.media.tracks import VideoCodec
from neolink.simulator.profile import CameraProfile
from neolink.simulator.tone import TONE_HZ, dominant_frequency
from support.bridge import running_bridge
from support.players import play
from support.processes import need_programs, run_for

pytestmark = pytest.mark.foreign

SIZE = (640, 360)
AAC = CameraProfile(name="porch", audio="aac")
ADPCM = CameraProfile(name="porch", audio="adpcm", codec=VideoCodec.H265)

CUT = {
    *(("adpcm", "pcmu"), ("adpcm", "aac"), ("adpcm", "opus"), ("adpcm", "l16")),
    *(("aac", "none"), ("aac", "pcmu"), ("aac", "opus")),
}

CHOICES = [
    pytest.param(
        profile,
        choice,
        codec,
        rate,
        id=f"{profile.audio}-{choice}",
        marks=() if (profile.audio, choice) in CUT else pytest.mark.slow,
    )
    for profile, choice, codec, rate in (
        (ADPCM, "l16", "pcm_s16be", 8000),
        (ADPCM, "pcmu", "pcm_mulaw", 8000),
        (ADPCM, "pcma", "pcm_alaw", 8000),
        (ADPCM, "aac", "aac", 16000),
        (ADPCM, "opus", "opus", 48000),
        (ADPCM, "none", None, 0),
        (AAC, "aac", "aac", 16000),
        (AAC, "l16", "pcm_s16be", 16000),
        (AAC, "pcmu", "pcm_mulaw", 8000),
        (AAC, "pcma", "pcm_alaw", 8000),
        (AAC, "opus", "opus", 48000),
        (AAC, "none", None, 0),
    )
]
ENCODINGS = {
    "pcm_s16be": "L16",
    "pcm_mulaw": "PCMU",
    "pcm_alaw": "PCMA",
    "aac": "MPEG4-GENERIC",
    "opus": "OPUS",
}


async def _probe(url: str) -> dict[str, str]:
    """Return what ffprobe finds: codec by kind of track."""
    need_programs("ffprobe")
    command = "ffprobe -v error -rtsp_transport tcp -print_format json -show_streams"
    ended = await run_for([*command.split(), url], seconds=10)
    assert ended.stderr == ""
    return {one["codec_type"]: one["codec_name"] for one in json.loads(ended.stdout)["streams"]}


@pytest.mark.parametrize(("profile", "choice", "codec", "rate"), CHOICES)
async def test_ffmpeg_hears_what_its_url_asks_for(
    profile: CameraProfile, choice: str, codec: str | None, rate: int
) -> None:
    async with running_bridge(profile) as bridge:
        url = bridge.url("porch", "sub", audio=choice)
        tracks = await _probe(url)
        playback = await play("ffmpeg", url, seconds=1, size=SIZE)
    assert tracks.get("audio") == codec
    assert tracks["video"] == {"H264": "h264", "H265": "hevc"}[profile.codec]
    assert playback.errors == ()
    assert playback.frames
    assert playback.rate == (rate or None)
    if playback.samples is not None:
        settled = playback.samples[rate // 4 :].tolist()
        assert dominant_frequency(settled, rate) == pytest.approx(TONE_HZ, rel=0.01)


@pytest.mark.parametrize(("profile", "choice", "codec", "rate"), CHOICES)
async def test_gstreamer_hears_what_its_url_asks_for(
    profile: CameraProfile, choice: str, codec: str | None, rate: int
) -> None:
    async with running_bridge(profile) as bridge:
        url = bridge.url("porch", "sub", audio=choice)
        playback = await play("gstreamer", url, seconds=1, size=SIZE, has_audio=codec is not None)
    assert playback.errors == ()
    assert playback.frames
    assert playback.rate == (rate or None)
    assert playback.audio_encoding == (ENCODINGS[codec] if codec else None)
    if playback.samples is not None:
        settled = playback.samples[rate // 4 :].tolist()
        assert dominant_frequency(settled, rate) == pytest.approx(TONE_HZ, rel=0.01)


async def test_two_players_hear_different_sound_of_one_stream() -> None:
    async with running_bridge(ADPCM) as bridge:
        found = [
            await _probe(bridge.url("porch", "sub", audio=choice)) for choice in ("pcmu", "l16")
        ]
        assert [tracks["audio"] for tracks in found] == ["pcm_mulaw", "pcm_s16be"]
        assert bridge.camera.stats.video_starts.total() == 1
