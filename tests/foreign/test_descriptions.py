"""Every description says the same to parsers that are not ours: GStreamer's, and two of ffmpeg."""

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import av
import pytest

from neolink.media.tracks import StreamKind, VideoCodec
from neolink.rtp.formats import AudioChoice
from neolink.rtsp.sdp import MediaDescription
from neolink.simulator.profile import CameraProfile
from support.bridge import RunningBridge, running_bridge
from support.processes import need_programs, run_for
from support.rtsp_client import RtspClient

pytestmark = pytest.mark.foreign

Sound = Literal["aac", "adpcm", "none"]

_SYSTEM_PYTHON = "/usr/bin/python3"
_GST_SDP = Path(__file__).parents[1] / "support" / "gst_sdp.py"
_CODECS = {
    "H264": "h264",
    "H265": "hevc",
    "MPEG4-GENERIC": "aac",
    "L16": "pcm_s16be",
    "PCMU": "pcm_mulaw",
    "PCMA": "pcm_alaw",
    "OPUS": "opus",
}
"""How ffmpeg names the encodings of RTP."""

CASES = [
    pytest.param(codec, sound, id=f"{codec}-{sound}")
    for codec in VideoCodec
    for sound in ("aac", "adpcm", "none")
]


def profile_of(codec: VideoCodec, sound: Sound) -> CameraProfile:
    return CameraProfile(
        name="porch",
        codec=codec,
        audio=None if sound == "none" else sound,
        streams=(StreamKind.SUB,),
    )


def need_gst_sdp() -> None:
    """Skip without the bindings of GStreamer; in CI that is a failure."""
    need_programs("gst-launch-1.0")
    command = [_SYSTEM_PYTHON, "-c", "import gi; gi.require_version('GstSdp', '1.0')"]
    if shutil.which(_SYSTEM_PYTHON) and not subprocess.run(command, check=False).returncode:
        return
    message = "not installed: python3-gi, gir1.2-gst-plugins-base-1.0"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


async def described(url: str) -> tuple[str, list[MediaDescription]]:
    async with RtspClient(url) as client:
        response = await client.describe()
        assert response.status == 200
        return response.body.decode(), client.media


async def parsed_by_gstreamer(text: str) -> list[dict[str, Any]]:
    process = await asyncio.create_subprocess_exec(
        _SYSTEM_PYTHON,
        str(_GST_SDP),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, complaints = await process.communicate(text.encode())
    assert process.returncode == 0, complaints.decode()
    sections: list[dict[str, Any]] = json.loads(out)
    return sections


def parameters_of(media: MediaDescription) -> Mapping[str, str]:
    pairs = (parameter.partition("=") for parameter in (media.fmtp or "").split(";") if parameter)
    return {name: value for name, _, value in pairs}


@pytest.mark.parametrize(("codec", "sound"), CASES)
async def test_gstreamer_reads_what_was_written(codec: VideoCodec, sound: Sound) -> None:
    need_gst_sdp()
    profile = profile_of(codec, sound)
    async with running_bridge(profile) as bridge:
        seen = set()
        for choice in AudioChoice:
            url = bridge.url("porch", "sub", audio=choice.value, metadata="1")
            text, ours = await described(url)
            theirs = await parsed_by_gstreamer(text)
            assert len(text.encode()) < 4096
            assert len(theirs) == len(ours) == len({one.payload_type for one in ours})
            for mine, other in zip(ours, theirs, strict=True):
                seen.add(mine.encoding)
                assert other["kind"] == mine.kind
                assert other["payload"] == mine.payload_type
                assert other["encoding-name"] == mine.encoding.upper()
                assert other["clock-rate"] == mine.clock_rate
                assert (other["port"], other["control"]) == (0, mine.control)
                for name, value in parameters_of(mine).items():
                    assert other[name] == value != ""
    assert theirs[0]["bandwidth"] == [round(profile.clip(StreamKind.SUB).bitrate_kbps)]
    if sound != "none":
        assert seen >= {codec.value, "L16", "PCMU", "PCMA"}


@pytest.mark.parametrize(("codec", "sound"), CASES)
async def test_ffmpeg_knows_size_and_sound_from_the_description(
    codec: VideoCodec, sound: Sound
) -> None:
    need_programs("ffprobe")
    profile = profile_of(codec, sound)
    clip = profile.clip(StreamKind.SUB)
    async with running_bridge(profile) as bridge:
        _, ours = await described(bridge.url("porch", "sub"))
        expected = [(_CODECS[one.encoding.upper()], one.kind) for one in ours]
        for find in (_found_by_ffprobe, _found_by_pyav):
            streams = await find(bridge)
            assert [(one["codec_name"], one["codec_type"]) for one in streams] == expected
            video = streams[0]
            assert (video["width"], video["height"]) == (clip.width, clip.height)
            if sound != "none":
                assert int(streams[1]["sample_rate"]) == ours[1].clock_rate


async def _found_by_ffprobe(bridge: RunningBridge) -> list[dict[str, Any]]:
    """Return what ffmpeg 5 to 8, the one of the system, makes of it."""
    command = "ffprobe -v warning -rtsp_transport tcp -show_streams -of json"
    ended = await run_for([*command.split(), bridge.url("porch", "sub")], seconds=0, pipes=1)
    assert ended.stderr == ""
    streams: list[dict[str, Any]] = json.loads(ended.stdout)["streams"]
    return streams


async def _found_by_pyav(bridge: RunningBridge) -> list[dict[str, Any]]:
    """Return what the ffmpeg within PyAV makes of it."""
    return await asyncio.to_thread(_open_with_pyav, bridge.url("porch", "sub"))


def _open_with_pyav(url: str) -> list[dict[str, Any]]:
    with av.open(url, options={"rtsp_transport": "tcp"}, timeout=10.0) as container:
        return [
            {
                "codec_name": stream.codec_context.codec.canonical_name,
                "codec_type": stream.type,
                "width": getattr(stream.codec_context, "width", None),
                "height": getattr(stream.codec_context, "height", None),
                "sample_rate": getattr(stream.codec_context, "sample_rate", None),
            }
            for stream in container.streams
        ]
