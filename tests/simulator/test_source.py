from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neolink.baichuan.bcmedia import (
    AacPacket,
    AdpcmPacket,
    BcMediaReader,
    Damage,
    InfoPacket,
    Packet,
    VideoPacket,
    VideoTag,
    serialize,
)
from neolink.media.tracks import VideoCodec
from neolink.simulator.clipfile import Clip
from neolink.simulator.source import MediaSource, Sound

CLIP = Clip(VideoCodec.H264, 640, 360, 10, 5, tuple(b"unit %d" % n for n in range(10)))
OTHER = Clip(VideoCodec.H265, 896, 512, 20, 2, tuple(b"other %d" % n for n in range(4)))


def pictures(packets: Sequence[Packet]) -> list[VideoPacket]:
    return [packet for packet in packets if isinstance(packet, VideoPacket)]


def outline(packets: Sequence[Packet]) -> str:
    letters = {InfoPacket: "i", AacPacket: "a", AdpcmPacket: "a"}
    return "".join(
        ("K" if packet.is_key_frame else "p")
        if isinstance(packet, VideoPacket)
        else letters[type(packet)]
        for packet in packets
    )


def test_info_comes_first_and_describes_the_clip() -> None:
    info, picture = MediaSource(CLIP, start_posix_s=1_700_000_000).packets_due(0)
    assert isinstance(info, InfoPacket)
    assert (info.width, info.height, info.frame_rate) == (640, 360, 10)
    assert str(info.start) == str(info.end) == "2023-11-14 22:13:20"
    assert isinstance(picture, VideoPacket)


def test_nothing_is_due_before_the_start() -> None:
    assert MediaSource(CLIP, Sound.AAC).packets_due(-0.001) == []


def test_pictures_are_due_at_the_frame_rate() -> None:
    source = MediaSource(CLIP)
    source.packets_due(0)
    assert [len(source.packets_due(at)) for at in (0.05, 0.099, 0.1, 0.15, 0.3)] == [0, 0, 1, 0, 2]


def test_pictures_carry_clock_codec_and_time_of_day() -> None:
    source = MediaSource(CLIP, start_us=5_000, start_posix_s=1_000)
    sent = pictures(source.packets_due(1.0))
    assert [packet.microseconds for packet in sent] == [5_000 + 100_000 * n for n in range(11)]
    assert [packet.data for packet in sent[:3]] == [b"unit 0", b"unit 1", b"unit 2"]
    assert {packet.codec for packet in sent} == {VideoTag.H264}
    times = [packet.posix_time for packet in sent]
    assert times == [1000, *[None] * 4, 1000, *[None] * 4, 1001]


def test_the_clip_loops() -> None:
    sent = pictures(MediaSource(CLIP).packets_due(2.4))
    assert [packet.data for packet in sent[8:13]] == [
        b"unit 8", b"unit 9", b"unit 0", b"unit 1", b"unit 2"
    ]  # fmt: skip
    assert outline(sent) == "KppppKppppKppppKppppKpppp"


def test_the_camera_clock_wraps_at_32_bits() -> None:
    source = MediaSource(CLIP, start_us=(1 << 32) - 150_000)
    clocks = [packet.microseconds for packet in pictures(source.packets_due(0.3))]
    assert clocks == [(1 << 32) - 150_000, (1 << 32) - 50_000, 50_000, 150_000]


def test_counters_map_to_sent_frames() -> None:
    source = MediaSource(CLIP)
    assert (source.sent_frames, source.last_counter) == (0, None)
    source.packets_due(1.2)
    assert (source.sent_frames, source.last_counter) == (13, 2)
    assert [source.counter_of(frame) for frame in (0, 9, 10, 12)] == [0, 9, 0, 2]


def test_aac_is_interleaved_at_its_content_time() -> None:
    # pictures at 0, 100, 200 ms; sound at 0, 64, 128, 192 ms
    assert outline(MediaSource(CLIP, Sound.AAC).packets_due(0.2)) == "iKaapaap"


def test_adpcm_is_interleaved_at_its_content_time() -> None:
    # pictures at 0, 100, 200, 300 ms; sound at 0, 60, 120, 180, 240, 300 ms
    assert outline(MediaSource(CLIP, Sound.ADPCM).packets_due(0.3)) == "iKaapaapapa"


@pytest.mark.parametrize(("sound", "packets"), [(Sound.AAC, 938), (Sound.ADPCM, 1000)])
def test_sound_keeps_its_rate_over_a_minute(sound: Sound, packets: int) -> None:
    sent = MediaSource(CLIP, sound).packets_due(59.999)
    assert outline(sent).count("a") == packets  # 16000/1024 and 8000/480 a second, rounded up
    assert len(pictures(sent)) == 600


def test_sound_packets_are_those_of_the_codec() -> None:
    kinds = {
        sound: {type(packet) for packet in MediaSource(CLIP, sound).packets_due(5)}
        for sound in Sound
    }
    assert AacPacket in kinds[Sound.AAC]
    assert AdpcmPacket not in kinds[Sound.AAC]
    assert AdpcmPacket in kinds[Sound.ADPCM]
    assert AacPacket not in kinds[Sound.ADPCM]


def test_another_frame_rate_plays_the_same_pictures_faster() -> None:
    info, *rest = MediaSource(CLIP, frame_rate=25).packets_due(0.12)
    assert isinstance(info, InfoPacket)
    assert info.frame_rate == 25
    assert [packet.microseconds for packet in pictures(rest)] == [0, 40_000, 80_000, 120_000]


def test_uneven_frame_rates_do_not_drift() -> None:
    sent = pictures(MediaSource(CLIP, frame_rate=15).packets_due(600))
    assert len(sent) == 9001
    assert sent[-1].microseconds == 600_000_000
    steps = {later.microseconds - earlier.microseconds for earlier, later in pairwise(sent)}
    assert steps == {66_666, 66_667}


def test_next_due_tells_how_long_to_wait() -> None:
    source = MediaSource(CLIP, Sound.AAC)
    assert source.next_due_s(0) == 0
    source.packets_due(0)
    assert source.next_due_s(0) == pytest.approx(0.064)
    assert source.next_due_s(0.050) == pytest.approx(0.014)
    source.packets_due(0.064)
    assert source.next_due_s(0.070) == pytest.approx(0.030)
    assert source.next_due_s(0.5) == 0


@given(st.lists(st.floats(0, 0.5), max_size=30), st.sampled_from([None, *Sound]))
def test_the_pace_of_asking_changes_nothing(steps: list[float], sound: Sound | None) -> None:
    stepwise, source, now = [], MediaSource(CLIP, sound), 0.0
    for step in steps:
        now += step
        stepwise += source.packets_due(now)
    assert stepwise == (MediaSource(CLIP, sound).packets_due(now) if steps else [])


@given(st.integers(1, 60), st.sampled_from([None, *Sound]))
def test_waiting_as_told_always_finds_something(frame_rate: int, sound: Sound | None) -> None:
    source, now = MediaSource(CLIP, sound, frame_rate=frame_rate), 0.0
    for _ in range(100):
        now += source.next_due_s(now)
        assert source.packets_due(now)


def test_another_clip_is_announced_and_starts_with_its_key_picture() -> None:
    source = MediaSource(CLIP, start_us=7)
    source.packets_due(0.7)
    source.change_clip(OTHER)
    assert source.last_counter is None
    info, *rest = source.packets_due(1.05)
    assert isinstance(info, InfoPacket)
    assert (info.width, info.height, info.frame_rate) == (896, 512, 20)
    sent = pictures(rest)
    assert [packet.data for packet in sent[:5]] == [
        b"other 0", b"other 1", b"other 2", b"other 3", b"other 0"
    ]  # fmt: skip
    assert [packet.microseconds for packet in sent[:2]] == [800_007, 850_007]
    assert sent[0].codec is VideoTag.H265
    assert source.sent_frames == 8 + len(sent)
    assert source.last_counter == (len(sent) - 1) % 4


def test_sound_runs_on_through_another_clip() -> None:
    source = MediaSource(CLIP, Sound.ADPCM)
    first = source.packets_due(0.71)
    source.change_clip(OTHER)
    assert outline(first + source.packets_due(5.99)).count("a") == 100


def test_everything_sent_can_be_read_back() -> None:
    source = MediaSource(CLIP, Sound.ADPCM)
    sent = source.packets_due(1)
    reader = BcMediaReader(strict=True)
    found = reader.feed(b"".join(map(serialize, sent)))
    received = [packet for packet in found if not isinstance(packet, Damage)]
    assert outline(received) == outline(sent)
    assert [bytes(p.data) for p in pictures(received)] == [p.data for p in pictures(sent)]
