"""A stream that is watched: bytes of the simulated camera in, facts out, with times made up."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neolink.baichuan.bcmedia import AacPacket, InfoPacket, Packet, VideoPacket, serialize
from neolink.doctor.media_facts import MediaFacts
from neolink.doctor.watch import StreamWatch
from neolink.media.tracks import StreamKind, VideoCodec
from neolink.simulator import clips
from neolink.simulator.source import MediaSource, Sound

SUB_FPS = 15
ASKED_S = 100.0
START_UP_S = 0.5

Change = Callable[[list[Packet]], Sequence[Packet]]


def source(sound: Sound | None = Sound.AAC, start_us: int = 0) -> MediaSource:
    return MediaSource(clips.load(VideoCodec.H264, StreamKind.SUB), sound, start_us=start_us)


def watched(
    media: MediaSource, seconds: float = 5.0, change: Change = lambda packets: packets
) -> MediaFacts:
    """Feed what is due every hundredth of a second; the first comes half a second after asking."""
    watch = StreamWatch(ASKED_S, {(640, 360): (25, 15, 10)})
    for tick in range(round(seconds * 100) + 1):
        now_s = tick / 100
        for packet in change(media.packets_due(now_s)):
            watch.feed(serialize(packet), ASKED_S + START_UP_S + now_s)
    return watch.facts(ASKED_S + START_UP_S + seconds)


def videos(packets: Iterable[Packet]) -> list[VideoPacket]:
    return [packet for packet in packets if isinstance(packet, VideoPacket)]


def test_healthy_stream_is_measured() -> None:
    facts = watched(source())
    assert facts.watched_s == pytest.approx(5.5)
    assert facts.first_byte_s == facts.first_picture_s == START_UP_S
    assert facts.pictures == facts.video_packets == 5 * SUB_FPS + 1
    assert facts.fps == pytest.approx(SUB_FPS, rel=0.01)
    assert facts.announced_fps == SUB_FPS
    assert facts.key_frames == facts.key_packets == 3
    assert facts.longest_gop_s == pytest.approx(2.0, abs=0.1)
    assert facts.lag_s == pytest.approx(0.0, abs=0.02)
    assert facts.longest_gap_s < 0.1
    assert facts.track
    assert (facts.track.width, facts.track.height) == (640, 360)
    assert (facts.clock_jumps, facts.clock_stands, facts.repeated, facts.damages) == (0, 0, 0, 0)
    assert facts.audio
    assert (facts.audio.codec, facts.audio.sample_rate) == ("AAC", 16000)
    assert facts.audio.sound_s == pytest.approx(facts.audio.span_s, abs=0.1)


def test_bit_rate_leaves_the_first_picture_out() -> None:
    sizes: list[int] = []

    def note(packets: list[Packet]) -> list[Packet]:
        sizes.extend(len(packet.data) for packet in packets if not isinstance(packet, InfoPacket))
        return packets

    facts = watched(source(None), change=note)
    assert facts.bitrate_bps == pytest.approx(sum(sizes[1:]) * 8 / facts.playing_s)


def test_nothing_at_all_gives_facts_as_well() -> None:
    facts = StreamWatch(ASKED_S).facts(ASKED_S + 3)
    assert facts == MediaFacts(watched_s=3.0)
    assert (facts.fps, facts.silent_s, facts.playing_s) == (None, None, 0.0)


def test_frame_clock_that_wraps_does_not_jump() -> None:
    facts = watched(source(start_us=(1 << 32) - 2_000_000))
    assert facts.clock_jumps == 0
    assert facts.media_s == pytest.approx(5.0, abs=0.1)


def test_frame_clock_that_jumps_or_stands_is_noticed() -> None:
    def shifted(packets: list[Packet], by_us: int) -> list[Packet]:
        return [
            replace(packet, microseconds=packet.microseconds + by_us)
            if isinstance(packet, VideoPacket) and packet.microseconds > 2_000_000
            else packet
            for packet in packets
        ]

    assert watched(source(), change=lambda due: shifted(due, 3_600_000_000)).clock_jumps == 1
    assert watched(source(), change=lambda due: shifted(due, -1_000_000)).clock_jumps == 1

    def frozen(packets: list[Packet]) -> list[Packet]:
        return [
            replace(packet, microseconds=7) if isinstance(packet, VideoPacket) else packet
            for packet in packets
        ]

    facts = watched(source(), change=frozen)
    assert facts.clock_stands == facts.pictures - 1
    assert facts.lag_s is None


def test_pause_that_really_was_is_no_jump_of_the_clock() -> None:
    def paused(packets: list[Packet]) -> list[Packet]:
        # a camera that stops for three seconds, and whose clock runs on meanwhile
        return [one for one in packets if not _is_between(one, 1_000_000, 4_000_000)]

    facts = watched(source(None), change=paused)
    assert facts.clock_jumps == 0
    assert facts.longest_gap_s == pytest.approx(3.0, abs=0.2)


def _is_between(packet: Packet, begin_us: int, end_us: int) -> bool:
    return isinstance(packet, VideoPacket) and begin_us < packet.microseconds < end_us


def test_picture_that_comes_twice_counts_once() -> None:
    facts = watched(
        source(), change=lambda due: [one for packet in due for one in (packet, packet)]
    )
    assert facts.pictures == 5 * SUB_FPS + 1
    assert facts.repeated == facts.pictures
    assert facts.clock_stands == 0


def test_without_a_key_frame_there_is_no_picture() -> None:
    facts = watched(
        source(),
        change=lambda due: [
            one for one in due if not (isinstance(one, VideoPacket) and one.is_key_frame)
        ],
    )
    assert (facts.pictures, facts.key_packets) == (0, 0)
    assert facts.video_packets > 60
    assert facts.first_picture_s is None


def test_index_of_a_frame_rate_is_looked_up() -> None:
    def indexed(packets: list[Packet]) -> list[Packet]:
        return [
            replace(one, frame_rate=2) if isinstance(one, InfoPacket) else one for one in packets
        ]

    assert watched(source(), change=indexed).announced_fps == 10


def test_adpcm_is_counted_in_samples() -> None:
    audio = watched(source(Sound.ADPCM)).audio
    assert audio
    assert (audio.codec, audio.sample_rate, audio.errors) == ("ADPCM", 8000, 0)
    assert audio.sound_s == pytest.approx(audio.span_s, abs=0.1)


def test_sound_that_makes_no_sense_is_counted() -> None:
    def broken(packets: list[Packet]) -> list[Packet]:
        return [AacPacket(b"\x00" * 40) if isinstance(one, AacPacket) else one for one in packets]

    facts = watched(source(), change=broken)
    assert facts.audio
    assert facts.audio.frames == 0
    assert facts.audio.errors > 50
    assert facts.pictures > 70


def test_damage_is_counted_and_told() -> None:
    media, watch = source(), StreamWatch(ASKED_S)
    for packet in media.packets_due(1.0):
        watch.feed(b"\xaa" * 16 + serialize(packet), ASKED_S)
    facts = watch.facts(ASKED_S + 1)
    assert facts.damages > 5
    assert "bytes skipped" in facts.last_damage


@settings(max_examples=50, deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=20))
def test_any_bytes_are_taken(pieces: list[bytes]) -> None:
    watch = StreamWatch(ASKED_S)
    for piece in pieces:
        watch.feed(piece, ASKED_S + 1)
    assert watch.facts(ASKED_S + 2).received_bytes == sum(map(len, pieces))
