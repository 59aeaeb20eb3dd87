"""A stream's bytes to units: order, time, damage, and changes of format."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import pytest

from neolink.baichuan.bcmedia import AdpcmPacket, InfoPacket, Packet, VideoPacket, serialize
from neolink.camera.video import Demuxer
from neolink.clock import ManualClock
from neolink.log import RepeatLimiter, bind
from neolink.media.tracks import VIDEO_CLOCK_RATE, AudioCodec, StreamKind, VideoCodec
from neolink.media.units import AccessUnit
from neolink.simulator import clips
from neolink.simulator.source import MediaSource, Sound
from neolink.simulator.tone import ADPCM_BLOCK_SAMPLES, ADPCM_RATE
from support.camera_bench import Recorder

SUB = StreamKind.SUB
STEP_S = 0.01


class Bench:
    """A demuxer fed from a simulated source, on a clock moved by hand."""

    def __init__(self, *, strict: bool = False) -> None:
        self.clock = ManualClock()
        self.out = Recorder()
        self.failures: list[Exception] = []
        self.elapsed_s = 0.0
        self.demuxer = Demuxer(
            self.out.publish,
            clock=self.clock,
            log=bind(logging.getLogger("test"), camera="porch"),
            limiter=RepeatLimiter(self.clock),
            strict=strict,
            max_packet_length=1 << 20,
            on_failure=self.failures.append,
        )

    def feed(self, packets: Sequence[Packet], chunk: int = 40_000) -> None:
        data = b"".join(map(serialize, packets))
        for start in range(0, len(data), chunk):
            self.demuxer.feed(data[start : start + chunk])

    def play(self, source: MediaSource, seconds: float) -> None:
        """Feed what a source sends within so many seconds more, as it is due."""
        for packets in self.due(source, seconds):
            self.feed(packets)

    def due(self, source: MediaSource, seconds: float) -> Iterator[list[Packet]]:
        """Yield what is due in each step of time."""
        for _ in range(round(seconds / STEP_S)):
            self.clock.advance(STEP_S)
            self.elapsed_s += STEP_S
            yield source.packets_due(self.elapsed_s)


def source(
    codec: VideoCodec = VideoCodec.H264, sound: Sound | None = Sound.AAC, start_us: int = 0
) -> MediaSource:
    return MediaSource(clips.load(codec, SUB), sound, start_us=start_us)


def packets(count_s: float, sound: Sound | None = None) -> list[Packet]:
    return source(sound=sound).packets_due(count_s)


def positions_of_keys(units: Sequence[AccessUnit]) -> list[int]:
    return [index for index, unit in enumerate(units) if unit.is_random_access]


def strictly_increasing(values: Sequence[int]) -> bool:
    return all(later > earlier for earlier, later in pairwise(values))


@pytest.mark.parametrize("codec", list(VideoCodec))
@pytest.mark.parametrize("sound", list(Sound))
def test_all_pictures_and_sounds_come_in_order_and_in_step(codec: VideoCodec, sound: Sound) -> None:
    bench, camera = Bench(), source(codec, sound)
    bench.play(camera, 6.0)
    pictures, sounds = bench.out.pictures, bench.out.sounds
    rate = camera.clip.frame_rate
    assert abs(len(pictures) - 6 * rate) <= 1
    assert strictly_increasing([unit.pts for unit in pictures])
    assert strictly_increasing([unit.pts for unit in sounds])
    # Both are placed where their content belongs: the tone's sample 0 lies under picture 0.
    video_s = [unit.pts / VIDEO_CLOCK_RATE - n / rate for n, unit in enumerate(pictures)]
    counted = 0
    audio_s = []
    for unit in sounds:
        audio_s.append((unit.pts - counted) / unit.track.clock_rate)
        counted += unit.samples
    assert max(video_s) - min(video_s) < 0.001
    assert max(abs(each - video_s[0]) for each in audio_s) < 0.040


def test_the_audio_track_is_one_object_for_all_frames() -> None:
    for sound, codec in ((Sound.AAC, AudioCodec.AAC), (Sound.ADPCM, AudioCodec.L16)):
        bench = Bench()
        camera = source(sound=sound)
        bench.play(camera, 1.0)
        bench.demuxer.restart()
        bench.play(camera, 1.0)
        tracks = {id(unit.track) for unit in bench.out.sounds}
        assert len(tracks) == 1
        assert bench.out.sounds[0].track.codec is codec


def test_adpcm_comes_out_as_pcm_of_its_rate() -> None:
    bench = Bench()
    bench.play(source(sound=Sound.ADPCM), 1.0)
    frame = bench.out.sounds[0]
    assert frame.track.clock_rate == ADPCM_RATE
    assert frame.samples == ADPCM_BLOCK_SAMPLES
    assert len(frame.data) == 2 * ADPCM_BLOCK_SAMPLES


@pytest.mark.parametrize("chunk", [1, 7, 1000, 1 << 20])
def test_any_chunking_gives_the_same_units(chunk: int) -> None:
    due = packets(0.5, Sound.AAC)
    whole, cut = Bench(), Bench()
    whole.feed(due, 1 << 30)
    cut.feed(due, chunk)
    assert [bytes(b"".join(unit.nal_units)) for unit in cut.out.pictures] == [
        bytes(b"".join(unit.nal_units)) for unit in whole.out.pictures
    ]
    assert [unit.pts for unit in cut.out.units] == [unit.pts for unit in whole.out.units]
    assert len(cut.out.pictures) > 3


def test_pictures_before_the_first_key_frame_are_held_back() -> None:
    bench = Bench()
    due = [one for one in packets(5.0) if isinstance(one, VideoPacket)]
    keys = [index for index, one in enumerate(due) if one.is_key_frame]
    bench.feed(due[1:])
    assert bench.out.pictures[0].is_random_access
    assert len(bench.out.pictures) == len(due) - keys[1]


def test_after_damage_no_picture_comes_before_the_next_random_access_point(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench = Bench()
    due = [one for one in packets(5.0) if isinstance(one, VideoPacket)]
    keys = [index for index, one in enumerate(due) if one.is_key_frame]
    data = [serialize(one) for one in due]
    data[3] = b"\x55" * len(data[3])
    for one in data:
        bench.demuxer.feed(one)
    assert positions_of_keys(bench.out.pictures)[:2] == [0, 3]
    assert len(bench.out.pictures) == len(due) - keys[1] + 3
    assert bench.demuxer.damages == 1
    (record,) = [one for one in caplog.records if "damaged media" in one.message]
    assert record.levelno == logging.WARNING
    assert f"at byte {sum(map(len, data[:3]))}" in record.message
    assert record.__dict__["camera"] == "porch"


def test_a_picture_with_damaged_parameter_sets_is_counted_and_the_rest_of_its_group_dropped() -> (
    None
):
    bench = Bench()
    due = [one for one in packets(5.0) if isinstance(one, VideoPacket)]
    keys = [index for index, one in enumerate(due) if one.is_key_frame]
    broken = replace(due[2], data=b"\0\0\0\1\x67" + b"\x11" * 5000)
    bench.feed([*due[:2], broken, *due[3:]])
    assert bench.demuxer.damages == 1
    assert positions_of_keys(bench.out.pictures)[:2] == [0, 2]
    assert len(bench.out.pictures) == len(due) - keys[1] + 2


def test_strict_damage_is_reported_and_nothing_depends_on_what_was_lost() -> None:
    bench = Bench(strict=True)
    due = [one for one in packets(5.0) if isinstance(one, VideoPacket)]
    data = [serialize(one) for one in due]
    bench.demuxer.feed(b"".join(data[:3]))
    bench.demuxer.feed(b"\x55" * 100)
    assert len(bench.failures) == 1
    for one in data[4:]:
        bench.demuxer.feed(one)
    assert len(bench.failures) == 1
    assert positions_of_keys(bench.out.pictures)[:2] == [0, 3]


@pytest.mark.parametrize("data", [b"", bytes(3), bytes(4), b"\0\0\xff\0" + bytes(20)])
def test_an_absurd_sound_is_counted_and_the_rest_goes_on(data: bytes) -> None:
    bench = Bench()
    bench.demuxer._take(AdpcmPacket(data), bench.clock.monotonic_s())
    bench.play(source(sound=Sound.ADPCM), 0.5)
    assert bench.demuxer.damages == 1
    assert len(bench.out.sounds) > 3
    assert bench.out.pictures


def test_a_change_of_codec_gives_a_new_track_on_the_same_timeline() -> None:
    bench, camera = Bench(), source(VideoCodec.H264)
    bench.play(camera, 1.0)
    before = len(bench.out.pictures)
    camera.change_clip(clips.load(VideoCodec.H265, SUB))
    bench.play(camera, 1.0)
    first = bench.out.pictures[before]
    assert first.is_random_access
    assert [unit.track.codec for unit in (bench.out.pictures[before - 1], first)] == [
        VideoCodec.H264,
        VideoCodec.H265,
    ]
    assert strictly_increasing([unit.pts for unit in bench.out.pictures])
    gap = first.pts - bench.out.pictures[before - 1].pts
    assert gap < VIDEO_CLOCK_RATE / 2


def test_a_new_size_gives_a_new_track_from_a_random_access_point() -> None:
    bench, camera = Bench(), source()
    bench.play(camera, 1.0)
    before = bench.out.pictures[-1].track
    camera.change_clip(clips.load(VideoCodec.H264, StreamKind.EXTERN))
    bench.play(camera, 1.0)
    after = bench.out.pictures[-1].track
    assert (before.width, before.height) != (after.width, after.height)
    (first, *_) = [unit for unit in bench.out.pictures if unit.track is after]
    assert first.is_random_access


@pytest.mark.parametrize("away_s", [0.05, 3.0, 400.0])
@pytest.mark.parametrize("start_us", [0, 4_000_000_000])
def test_after_a_restart_units_go_on_by_the_time_that_really_passed(
    away_s: float, start_us: int
) -> None:
    bench = Bench()
    bench.play(source(), 1.0)
    last, last_sound = bench.out.pictures[-1].pts, bench.out.sounds[-1].pts
    before = len(bench.out.units)
    bench.clock.advance(away_s)
    bench.demuxer.restart()
    again = source(start_us=start_us)
    bench.elapsed_s = 0.0
    bench.play(again, 1.0)
    fresh = [unit for unit in bench.out.units[before:] if isinstance(unit, AccessUnit)]
    assert fresh[0].is_random_access
    assert (fresh[0].pts - last) / VIDEO_CLOCK_RATE == pytest.approx(away_s, abs=0.1)
    assert strictly_increasing([unit.pts for unit in bench.out.pictures])
    assert strictly_increasing([unit.pts for unit in bench.out.sounds])
    rate = bench.out.sounds[0].track.clock_rate
    sounds = bench.out.sounds[-1].pts - last_sound
    assert sounds / rate == pytest.approx(away_s + 1.0, abs=0.15)


def test_a_packet_cut_off_by_a_restart_leaves_no_trace() -> None:
    bench = Bench()
    due = packets(3.0)
    whole = b"".join(map(serialize, due))
    bench.demuxer.feed(whole[: len(whole) // 2 - 7])
    bench.demuxer.restart()
    before = len(bench.out.pictures)
    bench.feed(packets(3.0))
    assert bench.out.pictures[before].is_random_access
    assert bench.demuxer.damages == 0


def test_after_a_restart_pictures_wait_for_a_random_access_point() -> None:
    bench = Bench()
    due = packets(5.0)
    bench.feed(due[:5])
    before = len(bench.out.pictures)
    bench.demuxer.restart()
    bench.feed(due[5:])
    assert bench.out.pictures[before].is_random_access


def test_a_frame_longer_than_allowed_is_damage_and_takes_no_memory() -> None:
    bench = Bench()
    (key,) = [one for one in packets(0.01) if isinstance(one, VideoPacket)]
    data = bytearray(serialize(key))
    data[8:12] = (0xFFFFFFFF).to_bytes(4, "little")
    bench.demuxer.feed(bytes(data))
    bench.feed(packets(1.0))
    assert bench.demuxer.damages == 1
    assert bench.demuxer._reader.retained_bytes < 1000
    assert bench.out.pictures


def test_the_frame_rate_that_the_camera_tells_later_counts() -> None:
    bench = Bench()
    camera = source()
    bench.play(camera, 0.5)
    camera.change_clip(camera.clip, frame_rate=5)
    bench.play(camera, 0.5)
    assert bench.demuxer._video_time.frame_rate.nominal == 5


@pytest.mark.parametrize(
    ("written", "meant"),
    [(2, 10), (20, 20), (7, 6), (0, 20), (200, None)],
    ids=["index", "value", "last index", "index of the first", "absurd"],
)
def test_a_frame_rate_may_be_an_index_into_the_table_of_its_resolution(
    written: int, meant: float | None
) -> None:
    bench = Bench()
    bench.demuxer.frame_rate_tables = {(640, 360): (20, 15, 10, 9, 8, 12, 11, 6)}
    bench.feed([InfoPacket(640, 360, written)])
    assert bench.demuxer._nominal_frame_rate == meant


def test_a_frame_rate_of_another_resolution_is_taken_as_it_is() -> None:
    bench = Bench()
    bench.demuxer.frame_rate_tables = {(640, 360): (20, 15, 10)}
    bench.feed([InfoPacket(1280, 720, 2)])
    assert bench.demuxer._nominal_frame_rate == 2


def test_a_picture_that_the_camera_repeats_is_shown_once() -> None:
    bench, sent = Bench(), [one for one in packets(0.5) if isinstance(one, VideoPacket)]
    bench.feed([twice for one in sent for twice in (one, one)])
    assert len(bench.out.pictures) == len(sent)
    assert bench.demuxer.duplicates == len(sent)
