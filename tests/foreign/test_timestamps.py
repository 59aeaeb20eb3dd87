"""RTP timestamps wrap every 13 h 15 min: players must not notice, however they get there."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise

import av
import pytest

from neolink.media.tracks import VIDEO_CLOCK_RATE, StreamKind, VideoCodec
from neolink.media.units import AccessUnit
from neolink.rtp.formats import AudioChoice
from neolink.rtsp_server.mounts.numbers import Numbers
from neolink.rtsp_server.mounts.parcel import AUDIO, VIDEO
from neolink.rtsp_server.mounts.replay import Replay
from neolink.rtsp_server.mounts.seat import Seat
from neolink.simulator.profile import CameraProfile
from support.bridge import running_bridge
from support.media import clip_units
from support.players import Transport, play
from support.rtsp_bench import Bench, start_bench, stop_bench
from support.waiting import until

pytestmark = pytest.mark.foreign

WRAP = 1 << 32
HOUR_S = 3600.0
RATES: Mapping[int, int] = {VIDEO: VIDEO_CLOCK_RATE, AUDIO: 16_000}
STEP_S = 1 / 15
MOST_OFF_S: Mapping[str, float] = {"ffmpeg": 0.5, "pyav": 0.5, "gstreamer": 3.0}
"""GStreamer's clock goes by when packets come, and they may come late; a wrap is 13 hours."""


def begin_before_the_wrap(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Have every track's timestamps wrap some seconds after its first unit."""

    def offset(self: Numbers, track: int, choice: AudioChoice, first_ticks: int) -> int:
        del choice
        known = self._offsets.setdefault((track, AudioChoice.AUTO), first_ticks)
        return WRAP - round(seconds * RATES[track]) - known

    monkeypatch.setattr(Numbers, "timestamp_offset", offset)


@pytest.mark.parametrize(
    ("player", "transport"),
    [
        ("ffmpeg", "tcp"),
        ("pyav", "udp"),
        ("gstreamer", "tcp"),
        pytest.param("ffmpeg", "udp", marks=pytest.mark.slow),
        pytest.param("pyav", "tcp", marks=pytest.mark.slow),
        pytest.param("gstreamer", "udp", marks=pytest.mark.slow),
    ],
)
async def test_a_player_shows_pictures_and_sound_across_the_wrap(
    player: str, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin_before_the_wrap(monkeypatch, 2.5)
    profile = CameraProfile(name="porch", audio="aac", streams=(StreamKind.SUB,))
    clip = profile.clip(StreamKind.SUB)
    async with running_bridge(profile) as bridge:
        playback = await play(
            player,
            bridge.url("porch", "sub"),
            seconds=5.0,
            transport=transport,
            size=(clip.width, clip.height),
        )
        (mount,) = bridge.bridge.mounts.values()
        sender = mount._senders.pictures[0].sender
        assert sender.timestamp(mount._reports.last_pts[VIDEO][0]) < WRAP // 2, "it never wrapped"
    assert playback.errors == ()
    assert None not in playback.frames
    assert playback.missing(len(clip.access_units)) == 0
    shown = [pts for pts in playback.video_pts if pts is not None]
    heard = [pts for pts, _ in playback.sound]
    for times in (shown, heard):
        steps = [after - before for before, after in pairwise(times)]
        assert min(steps) >= 0 if player == "gstreamer" else min(steps) > 0
        assert max(steps) < MOST_OFF_S[player]
        assert 4 < times[-1] - times[0] < 10
    assert abs(shown[-1] - heard[-1]) < MOST_OFF_S[player]


# ---------------------------------------------------------------- faster than time


class Source:
    """A camera that sends in real time, and whose clock may be put on."""

    def __init__(self, bench: Bench) -> None:
        self._stream = bench.mount.stream
        self._units: Iterator[AccessUnit] = clip_units(VideoCodec.H264)
        self._ahead = 0
        self.sent = 0

    def jump(self, seconds: float) -> None:
        """Have the next picture be so much later."""
        self._ahead += round(seconds * VIDEO_CLOCK_RATE)

    async def run(self, jumps: tuple[float, ...]) -> None:
        """Send until cancelled, with a jump after every fifteen pictures."""
        waiting = list(jumps)
        with self._stream.hold():
            for unit in self._units:
                self._stream.publish(replace(unit, pts=unit.pts + self._ahead))
                self.sent += 1
                if self.sent % 15 == 0 and self.sent > 15 and waiting:
                    self.jump(waiting.pop(0))
                await asyncio.sleep(STEP_S / 2)


def read_times(url: str, number: int) -> list[float]:
    """Return the times of so many video packets, as ffmpeg gives them to those that have one."""
    times: list[float] = []
    with av.open(url, options={"rtsp_transport": "tcp"}, timeout=10.0) as container:
        for packet in container.demux(video=0):
            if packet.pts is not None and packet.time_base is not None:
                times.append(float(packet.pts * packet.time_base))
            if len(times) >= number:
                break
    return times


async def watch_source(path: str, number: int, jumps: tuple[float, ...] = ()) -> list[float]:
    bench = await start_bench(described=False, setup_timeout_s=5.0)
    running = asyncio.create_task(Source(bench).run(jumps))
    try:
        times = await asyncio.to_thread(read_times, bench.url(path), number)
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        await until(lambda: not bench.mount.player_count)
        await stop_bench(bench)
    return times


@pytest.mark.parametrize(
    ("jumps", "is_near_wrap"),
    [((20.0,), True), ((5 * HOUR_S,) * 3, False), ((5 * HOUR_S,) * 3, True)],
    ids=["20 s over the wrap", "15 h", "15 h from the wrap on"],
)
async def test_hours_of_a_session_go_by(
    jumps: tuple[float, ...], is_near_wrap: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if is_near_wrap:
        begin_before_the_wrap(monkeypatch, 3.0)
    times = await watch_source("porch", 30 + 15 * len(jumps), jumps)
    steps = [after - before for before, after in pairwise(times)]
    large = [step for step in steps if step > 1]
    assert min(steps) > 0
    assert large == pytest.approx([jump + STEP_S for jump in jumps], abs=0.02)
    assert -0.1 < times[0] < 10


@pytest.mark.parametrize("query", ["", "?audio=none", "?start=gop&x=a/b", "?audio=none/"])
async def test_ffmpeg_starts_where_rtp_info_says(
    query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The start that it is told of is one second early here: who heeds it begins at 1.0 s."""
    real = Replay._start_pts

    def early(self: Replay, seat: Seat) -> int:
        return real(self, seat) - VIDEO_CLOCK_RATE

    monkeypatch.setattr(Replay, "_start_pts", early)
    second_s, third_s = await watch_source(f"porch{query}", 2)  # of the first it tells no time
    assert 2 * second_s - third_s == pytest.approx(1.0, abs=0.02)
