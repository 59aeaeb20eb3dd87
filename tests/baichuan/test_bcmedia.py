"""BcMedia packets: captured ones, written ones, damaged ones, and what the reader retains."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
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
from neolink.errors import LocalProtocolError, RemoteProtocolError

H264 = VideoTag.H264
KEY = VideoPacket(True, H264, b"\0\0\0\1\x65" + bytes(60), 1, 2)
DELTA = VideoPacket(False, H264, b"\0\0\0\1\x41" + bytes(50), 3)
AAC = AacPacket(b"\xff\xf1" + bytes(20))


def video(*, key: bool, lens: int = 0, tag: bytes = b"H264", length: int = 16) -> bytes:
    magic = b"%d%ddc" % (lens, not key)
    return magic + tag + length.to_bytes(4, "little") + bytes(12) + bytes(length)


def read(
    data: bytes, cuts: Sequence[int] = (), reader: BcMediaReader | None = None
) -> list[Packet | Damage]:
    reader = reader or BcMediaReader()
    edges = [0, *sorted(cuts), len(data)]
    return [packet for start, end in pairwise(edges) for packet in reader.feed(data[start:end])]


def chunkings(data: bytes) -> Iterator[Sequence[int]]:
    random = Random(7)
    yield ()
    yield range(1, len(data))
    for _ in range(20):
        yield [random.randrange(len(data)) for _ in range(random.randrange(1, 12))]


def sample(samples: Path, pattern: str) -> bytes:
    return b"".join(path.read_bytes() for path in sorted((samples / "bcmedia").glob(pattern)))


# ---------------------------------------------------------------- captured packets


def test_captured_info_has_size_rate_and_local_time(samples: Path) -> None:
    data = sample(samples, "info_v1.raw")
    time = datetime.fromisoformat("2021-08-04T23:23:52")
    for cuts in chunkings(data):
        assert read(data, cuts) == [InfoPacket(2560, 1440, 30, time, time, version=1)]


def test_captured_info_of_a_started_stream(samples: Path) -> None:
    message = (samples / "bc" / "modern_video_start1.bin").read_bytes()
    time = datetime.fromisoformat("2020-04-08T20:52:39")
    assert read(message[24 + 106 :]) == [InfoPacket(3840, 2160, 20, time, time, version=2)]
    assert serialize(InfoPacket(3840, 2160, 20, time, time)) == message[24 + 106 :]


def test_captured_key_frame_is_one_packet_however_it_is_cut(samples: Path) -> None:
    data = sample(samples, "iframe_*.raw")
    for cuts in chunkings(data):
        reader = BcMediaReader(strict=True)
        (packet,) = read(data, cuts, reader)
        assert isinstance(packet, VideoPacket)
        assert (packet.is_key_frame, packet.codec, packet.lens) == (True, H264, 0)
        assert (packet.microseconds, packet.posix_time) == (3557705112, 1628085232)
        assert packet.data == data[32 : 32 + 192881]
        assert reader.retained_bytes == 0


def test_captured_delta_frame_follows_the_non_zero_padding_of_the_key_frame(samples: Path) -> None:
    key, delta = sample(samples, "iframe_*.raw"), sample(samples, "pframe_*.raw")
    for cuts in chunkings(key + delta):
        first, second = read(key + delta, cuts, BcMediaReader(strict=True))
        assert isinstance(first, VideoPacket)
        assert isinstance(second, VideoPacket)
        assert (second.is_key_frame, second.microseconds, second.posix_time) == (
            False,
            3557767112,
            None,
        )
        assert second.data == delta[24 : 24 + 45108]


def test_captured_adpcm_is_two_blocks_and_is_written_alike(samples: Path) -> None:
    data = sample(samples, "adpcm_*.raw")
    for cuts in chunkings(data):
        packets = read(data, cuts, BcMediaReader(strict=True))
        assert packets == [AdpcmPacket(data[12:256]), AdpcmPacket(data[268:])]
    first, second = packets
    assert isinstance(first, AdpcmPacket)
    assert isinstance(second, AdpcmPacket)
    assert bytes(first.data[:4]) == (34).to_bytes(2, "little") + bytes((16, 0))
    assert serialize(first) + serialize(second) == data


def test_captured_start_of_a_large_frame_waits_for_more(samples: Path) -> None:
    message = (samples / "bc" / "modern_video_start2.bin").read_bytes()
    reader = BcMediaReader(strict=True)
    assert read(message[24:], reader=reader) == []
    assert reader.retained_bytes == 30344
    (packet,) = reader.feed(bytes(310307 - 30312))
    assert isinstance(packet, VideoPacket)
    assert (packet.codec, packet.microseconds, packet.posix_time) == (
        VideoTag.H265,
        2325342704,
        1586400759,
    )
    assert bytes(packet.data[:30312]) == message[24 + 32 :]


def test_captured_datagram_holds_two_audio_packets_and_a_video_packet(samples: Path) -> None:
    stream = (samples / "bcudp" / "udp_data.bin").read_bytes()[20:]
    bodies = (stream[24 : 24 + 224], stream[272 : 272 + 240], stream[536:])
    kinds = [type(packet) for body in bodies for packet in read(body)]
    assert kinds == [AacPacket, AacPacket, VideoPacket]


# ---------------------------------------------------------------- whole packets, any cut

LENSES = st.integers(0, 9)
U32 = st.integers(0, 2**32 - 1)
FIRST, LAST = map(datetime.fromisoformat, ("1900-01-01", "2155-12-31"))
TIMES = st.none() | st.datetimes(FIRST, LAST).map(lambda time: time.replace(microsecond=0))
PACKETS: st.SearchStrategy[Packet] = st.one_of(
    st.builds(InfoPacket, U32, U32, st.integers(0, 255), TIMES, TIMES, st.sampled_from((1, 2))),
    st.builds(
        VideoPacket,
        st.just(True),
        st.sampled_from(VideoTag),
        st.binary(min_size=1, max_size=3000),
        U32,
        st.none() | U32,
        LENSES,
    ),
    st.builds(
        VideoPacket,
        st.just(False),
        st.sampled_from(VideoTag),
        st.binary(min_size=1),
        U32,
        st.none(),
        LENSES,
    ),
    st.builds(AacPacket, st.binary(), LENSES),
    st.builds(AdpcmPacket, st.binary(), LENSES),
)
CUTS = st.lists(st.integers(0, 10_000), max_size=30)


@settings(max_examples=150, deadline=None)
@given(st.lists(PACKETS, max_size=8), CUTS, st.integers(0, 255))
def test_what_is_written_is_read_again_in_any_cut(
    packets: list[Packet], cuts: list[int], pad_byte: int
) -> None:
    data = b"".join(serialize(packet, pad_byte=pad_byte) for packet in packets)
    inside = [cut % (len(data) + 1) for cut in cuts]
    assert read(data, inside, BcMediaReader(strict=True)) == packets
    assert read(data, range(1, len(data)), BcMediaReader(strict=True)) == packets


def test_frame_within_one_chunk_is_not_copied() -> None:
    chunk = serialize(KEY) + serialize(DELTA)
    packets = BcMediaReader().feed(chunk)
    assert len(packets) == 2
    for packet in packets:
        assert isinstance(packet, VideoPacket)
        assert isinstance(packet.data, memoryview)
        assert packet.data.obj is chunk


def test_frame_is_returned_before_its_padding_comes() -> None:
    data = serialize(DELTA, pad_byte=0x99)
    pad = -len(DELTA.data) % 8
    reader = BcMediaReader(strict=True)
    assert pad
    assert reader.feed(data[:-pad]) == [DELTA]
    assert reader.feed(data[-pad:]) == []
    assert reader.feed(serialize(AAC)) == [AAC]


def test_longer_extra_headers_are_passed_over() -> None:
    data = bytearray(serialize(KEY))
    data[12] = 16
    data[32:32] = bytes(8)
    assert BcMediaReader(strict=True).feed(bytes(data)) == [KEY]


def test_delta_frame_with_extra_header_has_no_wall_clock() -> None:
    data = bytearray(serialize(DELTA))
    data[12] = 8
    data[24:24] = b"\xaa" * 8
    assert BcMediaReader(strict=True).feed(bytes(data)) == [DELTA]


@pytest.mark.parametrize("strict", [False, True])
def test_foreign_codec_and_empty_frame_are_skipped_by_length(strict: bool) -> None:
    data = video(key=True, tag=b"MJPG", length=21) + bytes(3) + video(key=True, length=0)
    reader = BcMediaReader(strict=strict)
    assert read(data + serialize(KEY), reader=reader) == [KEY]
    assert (reader.skipped_packets, reader.packets, reader.damages) == (2, 1, 0)


def test_impossible_date_is_none() -> None:
    data = bytearray(serialize(InfoPacket(1, 2, 3)))
    data[18:24] = bytes((121, 13, 1, 0, 0, 0))
    assert read(bytes(data)) == [InfoPacket(1, 2, 3)]


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("block_length", [244, 248, 252, 516, 241, 243, 247])
@pytest.mark.parametrize("sub_header", [0, 4], ids=["padded by block", "padded by size"])
def test_adpcm_padding_may_be_four_bytes_off(
    strict: bool, block_length: int, sub_header: int
) -> None:
    packet = AdpcmPacket(bytes(block_length))
    pad = -(block_length + sub_header) % 8
    data = (serialize(packet)[: 12 + block_length] + bytes(pad)) * 3 + serialize(KEY)
    for cuts in chunkings(data):
        reader = BcMediaReader(strict=strict)
        assert read(data, cuts, reader) == [packet] * 3 + [KEY]
        assert (reader.damages, reader.discarded_bytes) == (0, 0)


# ---------------------------------------------------------------- damage


def test_damage_is_reported_once_and_delta_frames_wait_for_a_key_frame() -> None:
    noise = b"\xaa" * 100
    data = serialize(KEY) + noise + serialize(DELTA) + serialize(AAC) + serialize(KEY)
    data += serialize(DELTA)
    for cuts in chunkings(data):
        reader = BcMediaReader()
        first, damage, *rest = read(data, cuts, reader)
        assert first == KEY
        assert damage == Damage(len(serialize(KEY)), 100, "expected a packet, got aaaaaaaa")
        assert rest == [AAC, KEY, DELTA]
        counters = (reader.packets, reader.damages, reader.discarded_bytes, reader.dropped_frames)
        assert counters == (4, 1, 100, 1)


def test_each_lens_waits_for_its_own_key_frame() -> None:
    data = b"\xaa" * 8 + video(key=True, lens=1) + video(key=False, lens=0)
    data += video(key=False, lens=1)
    reader = BcMediaReader()
    _, *frames = read(data, reader=reader)
    assert [frame.lens for frame in frames if isinstance(frame, VideoPacket)] == [1, 1]
    assert reader.dropped_frames == 1


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (b"00dcH264" + b"\xff" * 8 + bytes(8), "too long"),
        (b"00dcH264" + bytes(4) + b"\0\0\1\0" + bytes(8), "65536 extra"),
        (b"00dc\0\1\2\3" + bytes(16), "expected a codec, got 00010203"),
        (b"05wb\x08\0\x09\0" + bytes(8), "8 or 9 bytes"),
        (b"01wb\x08\0\x08\0\1\0" + bytes(8), "second magic"),
        (b"01wb\x02\0\x02\0\0\1" + bytes(8), "second magic"),
        (b"1001" + b"\x21\0\0\0" + bytes(24), "got 33"),
    ],
)
def test_implausible_headers_are_damage(head: bytes, reason: str) -> None:
    damage, packet = read(head + serialize(KEY))
    assert isinstance(damage, Damage)
    assert (damage.offset, damage.discarded) == (0, len(head))
    assert reason in damage.reason
    assert packet == KEY
    with pytest.raises(RemoteProtocolError, match=reason):
        read(serialize(AAC) + head, reader=BcMediaReader(strict=True))


def test_next_header_may_overlap_a_false_one() -> None:
    data = b"\xaa" * 4 + b"100" + video(key=True, lens=1)
    damage, packet = read(data)
    assert damage == Damage(0, 7, "expected a packet, got aaaaaaaa")
    assert isinstance(packet, VideoPacket)


def test_strict_reader_names_the_offset_and_refuses_noise_after_adpcm() -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        read(serialize(KEY) + b"noise!", reader=BcMediaReader(strict=True))
    assert caught.value.offset == len(serialize(KEY))
    adpcm = serialize(AdpcmPacket(bytes(244)))
    for noise in (bytes(6), bytes(3)):
        with pytest.raises(RemoteProtocolError):
            read(adpcm + noise + serialize(KEY), reader=BcMediaReader(strict=True))


def test_reset_forgets_the_incomplete_packet_and_the_damage() -> None:
    reader = BcMediaReader()
    reader.feed(serialize(KEY)[:40])
    reader.reset()
    assert reader.feed(serialize(AAC)) == [AAC]
    reader.feed(b"\xaa" * 50)
    reader.reset()
    assert reader.feed(serialize(DELTA)) == [DELTA]
    assert reader.packets == 2


PACKETS_OF_STREAM = (KEY, DELTA, AAC, AdpcmPacket(bytes(100)), DELTA, KEY, AAC)
STREAM = b"".join(serialize(packet) for packet in PACKETS_OF_STREAM)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_mutated_streams_are_survived_alike_in_any_cut(data: st.DataObject) -> None:
    mutated = bytearray(STREAM)
    places = st.integers(0, len(STREAM) - 1)
    for place in data.draw(st.lists(places, min_size=1, max_size=6)):
        mutated[place] = data.draw(st.integers(0, 255))
    for place in data.draw(st.lists(places, max_size=2)):
        mutated[place : place + data.draw(st.integers(0, 20))] = data.draw(st.binary(max_size=20))
    whole, cut = BcMediaReader(), BcMediaReader()
    expected = read(bytes(mutated), reader=whole)
    cuts = data.draw(st.lists(st.integers(0, len(mutated)), max_size=20))
    assert read(bytes(mutated), cuts, cut) == expected
    assert whole.discarded_bytes == cut.discarded_bytes
    try:
        read(bytes(mutated), cuts, BcMediaReader(strict=True))
    except RemoteProtocolError:
        return
    assert not any(isinstance(packet, Damage) for packet in expected)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from((b"00dc", b"01dc", b"H264", b"05wb", b"01wb", b"1001", b"\x10\0", b"\0"))
        | st.binary(max_size=4),
        max_size=60,
    ).map(b"".join),
    CUTS,
)
def test_garbage_with_magics_reads_the_same_in_any_cut(data: bytes, cuts: list[int]) -> None:
    inside = [cut % (len(data) + 1) for cut in cuts]
    assert read(data, inside) == read(data)
    reader = BcMediaReader(max_packet_length=256)
    read(data, inside, reader)
    assert reader.discarded_bytes + reader.retained_bytes <= len(data)


# ---------------------------------------------------------------- memory


@pytest.mark.parametrize("chunk_length", [1, 700, 4096])
def test_lying_length_retains_at_most_the_cap(chunk_length: int) -> None:
    cap = 64 * 1024
    reader = BcMediaReader(max_packet_length=cap)
    lie = video(key=True, length=cap - 24)[:24]
    reader.feed(lie)
    for _ in range(3 * cap // chunk_length):
        reader.feed(bytes(chunk_length))
        held = sum(len(piece) for piece in reader._held)
        assert held == reader.retained_bytes <= cap
        assert len(reader._held) <= 2 + cap // 1024


def test_length_above_the_cap_is_refused_before_anything_is_held() -> None:
    reader = BcMediaReader(max_packet_length=1000)
    reader.feed(video(key=True, length=977)[:24] + bytes(5000))
    assert reader.retained_bytes <= 4


# ---------------------------------------------------------------- writing


@pytest.mark.parametrize(
    "packet",
    [
        InfoPacket(1, 2, 256),
        InfoPacket(1, 2, 3, version=3),
        InfoPacket(1, 2, 3, start=datetime.fromisoformat("2200-01-01")),
        VideoPacket(True, H264, b"", 2**32),
        VideoPacket(True, H264, b"", 0, -1),
        AacPacket(bytes(65536)),
        AdpcmPacket(bytes(65533)),
        AacPacket(b"", lens=10),
    ],
)
def test_values_without_a_place_on_the_wire_are_refused(packet: Packet) -> None:
    with pytest.raises(LocalProtocolError, match=type(packet).__name__):
        serialize(packet)


def test_padding_depends_on_the_content_only() -> None:
    assert serialize(KEY, pad_byte=0xF0) == serialize(KEY)[:-7] + b"\xf0" * 7
    assert len(serialize(KEY)) == 24 + 8 + 65 + 7
