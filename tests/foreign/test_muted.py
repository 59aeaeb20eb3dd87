"""A camera whose sound stops while a recorder writes: the file has both tracks in full length.

Without anything in its place a recorder holds the pictures back, or writes a sound track that ends
early, and what comes after the pause is heard at the wrong time.
"""

import asyncio
import io
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import av
import numpy as np
import pytest

from neolink.hub.counters import StreamCounters
from neolink.media.tracks import StreamKind, VideoCodec
from neolink.simulator.faults.media import Mute
from neolink.simulator.profile import CameraProfile
from neolink.simulator.tone import TONE_HZ, dominant_frequency
from support.bridge import RunningBridge, running_bridge
from support.players import play
from support.processes import need_programs, run_for
from support.waiting import until

pytestmark = pytest.mark.foreign

RECORD_S = 20
RATE = 15
"""Pictures a second of the stream that is recorded."""

AAC = CameraProfile(name="porch", audio="aac")
ADPCM = CameraProfile(name="porch", audio="adpcm", codec=VideoCodec.H265)
CHOICES = [
    pytest.param(AAC, "auto", id="aac-auto"),
    pytest.param(AAC, "opus", id="aac-opus", marks=pytest.mark.slow),
    pytest.param(AAC, "pcma", id="aac-pcma", marks=pytest.mark.slow),
    pytest.param(ADPCM, "auto", id="adpcm-auto", marks=pytest.mark.slow),
    pytest.param(ADPCM, "pcmu", id="adpcm-pcmu", marks=pytest.mark.slow),
    pytest.param(ADPCM, "aac", id="adpcm-aac"),
]


@dataclass(frozen=True, slots=True)
class Track:
    """When a track's packets begin and end, in seconds."""

    begins: list[float]
    ends: list[float]

    @property
    def length_s(self) -> float:
        return self.ends[-1] - self.begins[0]

    @property
    def most_hole_s(self) -> float:
        return max(after - end for end, after in zip(self.ends, self.begins[1:], strict=False))

    def assert_times_rise(self) -> None:
        assert all(after > before for before, after in pairwise(self.begins))


@dataclass(frozen=True, slots=True)
class Recording:
    """What a recorder wrote: both tracks, and the sound as it is heard."""

    video: Track
    audio: Track
    samples: "np.ndarray[tuple[int], np.dtype[np.float64]]"
    rate: int


async def record(url: str) -> Recording:
    """Record as recorders do, without decoding."""
    need_programs("ffmpeg")
    command = (
        f"ffmpeg -hide_banner -nostdin -v warning -rtsp_transport tcp -i {url} -c copy"
        " -flush_packets 1 -f matroska pipe:{0}"
    )
    ended = await run_for(command.split(), seconds=RECORD_S)
    assert "Non-monoton" not in ended.stderr
    tracks: dict[str, Track] = {"video": Track([], []), "audio": Track([], [])}
    samples: list[np.ndarray[tuple[int], np.dtype[np.float64]]] = []
    with av.open(io.BytesIO(ended.outputs[0]), format="matroska") as container:
        rate = container.streams.audio[0].rate
        resampler = av.AudioResampler("s16", "mono", rate)
        for packet in container.demux():
            if packet.pts is None:
                continue
            begin_s = float(packet.pts * packet.time_base)
            track = tracks[packet.stream.type]
            track.begins.append(begin_s)
            track.ends.append(begin_s + float((packet.duration or 0) * packet.time_base))
            if packet.stream.type == "audio":
                for frame in packet.decode():
                    samples += [one.to_ndarray().ravel() for one in resampler.resample(frame)]
    return Recording(tracks["video"], tracks["audio"], np.concatenate(samples), rate)


async def mute_for_a_while(bridge: RunningBridge) -> None:
    """Let the camera be silent from 3 s after the recorder came, for 8 s."""
    mount = bridge.bridge.mounts["porch", StreamKind.SUB]
    counters = mount.stream.counters
    await until(lambda: mount.player_count, 15)
    await until(past(counters, 3 * RATE), 30)
    bridge.camera.begin(Mute())
    await until(past(counters, 8 * RATE), 30)
    bridge.camera.resume()


def past(counters: StreamCounters, more: int) -> Callable[[], bool]:
    """Tell whether so many pictures more than now have come."""
    goal = counters.pictures + more
    return lambda: counters.pictures >= goal


@pytest.mark.parametrize(("profile", "choice"), CHOICES)
async def test_a_recording_of_a_camera_that_mutes_has_both_tracks_in_full(
    profile: CameraProfile, choice: str
) -> None:
    async with running_bridge(profile) as bridge:
        url = bridge.url("porch", "sub", audio=choice)
        muting = asyncio.create_task(mute_for_a_while(bridge))
        recording = await record(url)
        await muting
        mount = bridge.bridge.mounts["porch", StreamKind.SUB]
        assert mount.silence.episodes == 1
    assert recording.video.length_s > RECORD_S - 1.5
    assert recording.audio.length_s == pytest.approx(recording.video.length_s, abs=0.5)
    recording.audio.assert_times_rise()
    assert recording.audio.most_hole_s < 0.1
    rate, levels = recording.rate, recording.samples
    quiet = np.abs(levels[rate * 6 : rate * 9].astype(float))
    assert quiet.max() < 200
    settled = levels[-3 * rate : -rate].tolist()
    assert dominant_frequency(settled, rate) == pytest.approx(TONE_HZ, rel=0.01)


async def test_a_camera_that_was_muted_before_is_recorded_with_silence() -> None:
    async with running_bridge(AAC) as bridge:
        url = bridge.url("porch", "sub")
        await play("pyav", url, seconds=1)
        bridge.camera.begin(Mute())
        recording = await record(url)
    assert recording.audio.length_s == pytest.approx(recording.video.length_s, abs=1.5)
    assert recording.audio.most_hole_s < 0.1
    assert np.abs(recording.samples.astype(float)).max() < 200
