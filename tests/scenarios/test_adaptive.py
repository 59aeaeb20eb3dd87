"""A player of ``/NAME/auto`` that cannot follow: sub while it must, and not one bad picture.

The camera is asked for each stream only while it is shown. What the player gets is decoded.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame

from neolink.media.tracks import StreamKind, VideoCodec
from neolink.rtsp_server.mounts.parcel import AUDIO, VIDEO
from neolink.simulator.clips import Clip
from neolink.simulator.counter import read_counter
from neolink.simulator.server import SimulatedCamera
from support.camera_bench import PROFILE, settings_for
from support.rtsp_client import RtspClient
from support.scenario import Pace, bridged, until_soon

MAIN, SUB = StreamKind.MAIN, StreamKind.SUB
MAIN_FPS = 100
"""Four times as fast as the clip was made for: the system's own buffers are full in a moment."""

SMALL_BUFFER = 4096
_WRAP = 1 << 32


@dataclass(frozen=True, slots=True)
class Seen:
    """A decoded picture: its width, and the counter that it shows."""

    width: int
    counter: int | None


def decoded(client: RtspClient, codec: VideoCodec) -> list[Seen]:
    """Decode what came, with a decoder that forgives nothing."""
    name = {VideoCodec.H264: "h264", VideoCodec.H265: "hevc"}[codec]
    decoder = av.CodecContext.create(name, "r")
    decoder.options = {"err_detect": "explode"}
    units = client.tracks[VIDEO].video_units()
    packets = [av.Packet(b"".join(b"\0\0\0\1" + nal for nal in unit.nal_units)) for unit in units]
    seen: list[Seen] = []
    for packet in (*packets, None):
        for frame in decoder.decode(packet):
            assert isinstance(frame, VideoFrame)
            luma = frame.to_ndarray(format="gray").astype(np.uint8, copy=False)
            seen.append(Seen(frame.width, read_counter(luma)))
    assert len(seen) == len(units)
    return seen


def check_stretch(seen: Sequence[Seen], clip: Clip) -> None:
    """Expect pictures without a hole, from a key frame on."""
    counters = [one.counter for one in seen]
    assert counters[0] is not None
    assert clip.is_key(counters[0])
    length = len(clip.access_units)
    assert counters == [(counters[0] + n) % length for n in range(len(counters))]


@pytest.mark.parametrize(
    "codec", [VideoCodec.H264, pytest.param(VideoCodec.H265, marks=pytest.mark.slow)]
)
async def test_a_player_that_falls_behind_sees_sub_whole_and_then_main_whole(
    codec: VideoCodec, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "neolink")
    profile = replace(PROFILE, codec=codec, frame_rate=MAIN_FPS)
    async with SimulatedCamera(profile) as camera:
        pace = Pace(grace_s=0.2)
        async with bridged(settings_for(camera), pace=pace) as running:
            url = running.url("porch", "auto")
            async with RtspClient(url, receive_buffer=SMALL_BUFFER) as client:
                await client.watch()
                (player,) = running.bridge.rtsp.players()
                active = camera.stats.active_streams
                await client.until(lambda: len(client.tracks[VIDEO].timestamps) > MAIN_FPS)
                assert (active[0, MAIN], active[0, SUB]) == (1, 0)

                client.stop_reading()
                await until_soon(lambda: player.kind is SUB, "sub")
                client.resume_reading()
                await until_soon(lambda: not active[0, MAIN], "the end of main")
                assert active[0, SUB] == 1

                await until_soon(lambda: player.kind is MAIN, "main", 30)
                await until_soon(lambda: not active[0, SUB], "the end of sub")
                stamps = client.tracks[VIDEO].timestamps
                await client.until(
                    lambda: len(client.tracks[VIDEO].timestamps) > len(stamps) + MAIN_FPS
                )
                assert (player.moves_down, player.moves_up) == (1, 1)
                assert list(running.bridge.rtsp.players()) == [player]
            stretches = [list(g) for _, g in groupby(decoded(client, codec), lambda s: s.width)]
            clips = [profile.clip(kind) for kind in (MAIN, SUB, MAIN)]
            assert [one[0].width for one in stretches] == [clip.width for clip in clips]
            for stretch, clip in zip(stretches, clips, strict=True):
                check_stretch(stretch, clip)
            assert len(stretches[1]) > 5 * profile.clip(SUB).frame_rate
            for track in client.tracks.values():
                assert track.gaps == 0
                check_times(track.timestamps)
            sound = client.tracks[AUDIO].timestamps
            frames = {(b - a) % _WRAP for a, b in pairwise(sound)}
            assert max(frames) < 3 * 1024, "the sound has a hole"
    moves = [record for record in caplog.records if "moved to the" in record.getMessage()]
    assert len(moves) == 2


def check_times(timestamps: Sequence[int]) -> None:
    assert all(0 < (b - a) % _WRAP < _WRAP // 2 for a, b in pairwise(timestamps))
