"""The sender: golden bytes, numbering, timestamps, replay, reports."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neolink.media.tracks import AudioCodec, AudioTrack, ParameterSets, VideoCodec, VideoTrack
from neolink.media.units import AccessUnit, AudioFrame
from neolink.rtp.formats import AudioChoice, audio_format, video_format
from neolink.rtp.packet import RtpPacket
from neolink.rtp.rtcp import Bye, ReceiverReport, Sdes, SdesChunk, SenderReport, parse_compound
from neolink.rtp.sender import RtpSender, ntp_time

VIDEO = VideoTrack(VideoCodec.H264, ParameterSets(b"\x67\x64", (b"\x68\xee",)), 640, 480)
AAC = AudioTrack(AudioCodec.AAC, 16_000)
L16 = AudioTrack(AudioCodec.L16, 16_000)
SSRC = 0x11223344


def picture(length: int = 3, pts: int = 0, *, is_random_access: bool = False) -> AccessUnit:
    return AccessUnit(VIDEO, (memoryview(b"\x65" * length),), pts, is_random_access)


def video_sender(
    first_sequence: int = 100, timestamp_offset: int = 1000, max_payload: int = 1388
) -> RtpSender[AccessUnit]:
    return RtpSender(
        video_format(VIDEO),
        ssrc=SSRC,
        first_sequence=first_sequence,
        timestamp_offset=timestamp_offset,
        cname="front-door",
        max_payload=max_payload,
    )


def audio_sender(
    track: AudioTrack, timestamp_offset: int = 0, choice: AudioChoice = AudioChoice.AUTO
) -> RtpSender[AudioFrame]:
    payload_format = audio_format(track, choice)
    assert payload_format is not None
    return RtpSender(
        payload_format,
        ssrc=SSRC,
        first_sequence=0,
        timestamp_offset=timestamp_offset,
        cname="front-door",
        channel=2,
    )


def test_one_packet_has_its_bytes() -> None:
    batch = video_sender().packetize(picture(pts=24))
    assert batch.buffer == bytes.fromhex("2400000f 80e00064 00000400 11223344 656565")
    assert (batch.first_sequence, batch.packet_count, batch.timestamp, batch.pts) == (
        100,
        1,
        1024,
        24,
    )


def test_only_the_last_packet_of_a_picture_is_marked() -> None:
    batch = video_sender(max_payload=64).packetize(picture(200, is_random_access=True))
    packets = [RtpPacket.parse(datagram) for datagram in batch.datagrams()]
    assert [packet.marker for packet in packets] == [False] * 4 + [True]
    assert [packet.sequence for packet in packets] == [100, 101, 102, 103, 104]
    assert {packet.timestamp for packet in packets} == {1000}
    assert {packet.ssrc for packet in packets} == {SSRC}
    assert batch.is_random_access
    assert batch.is_video


def test_a_cut_nal_unit_has_its_bytes() -> None:
    nal = memoryview(b"\x65" + bytes(range(32)))
    unit = AccessUnit(VIDEO, (nal, memoryview(b"\x41\x01")), 24, is_random_access=False)
    batch = video_sender(first_sequence=65_535, max_payload=16).packetize(unit)
    assert batch.buffer == bytes.fromhex(
        "2400001c 8060ffff 00000400 11223344 7c85 000102030405060708090a0b0c0d"
        "2400001c 80600000 00000400 11223344 7c05 0e0f101112131415161718191a1b"
        "24000012 80600001 00000400 11223344 7c45 1c1d1e1f"
        "2400000e 80e00002 00000400 11223344 4101"
    )
    assert (batch.packet_count, batch.next_sequence) == (4, 3)


def test_of_several_cut_nal_units_only_the_end_of_the_last_is_marked() -> None:
    nals = memoryview(b"\x65" * 30), memoryview(b"\x65" * 31)
    sender = video_sender(max_payload=16)
    batch = sender.packetize(AccessUnit(VIDEO, nals, 0, is_random_access=False))
    packets = [RtpPacket.parse(datagram) for datagram in batch.datagrams()]
    assert [packet.marker for packet in packets] == [False] * 5 + [True]
    assert [packet.payload[1] for packet in packets] == [0x85, 5, 0x45, 0x85, 5, 0x45]
    assert [len(packet.payload) for packet in packets] == [16, 16, 3, 16, 16, 4]
    assert [packet.sequence for packet in packets] == list(range(100, 106))
    assert (sender.packet_count, sender.octet_count) == (6, sum(map(len, nals)) - 2 + 6 * 2)


def test_sequence_continues_from_unit_to_unit_and_wraps() -> None:
    sender = video_sender(first_sequence=65_534, max_payload=64)
    first = sender.packetize(picture(150))
    assert [RtpPacket.parse(view).sequence for view in first.datagrams()] == [65_534, 65_535, 0]
    assert sender.next_sequence == 1
    assert sender.packetize(picture()).first_sequence == 1


def test_timestamp_wraps_and_is_never_zero() -> None:
    sender = video_sender(timestamp_offset=0xFFFFFFFF)
    assert sender.timestamp(0) == 0xFFFFFFFF
    assert sender.timestamp(1) == 1
    assert sender.timestamp(2) == 1
    assert sender.timestamp(3) == 2
    assert RtpPacket.parse(sender.packetize(picture(pts=1)).datagrams()[0]).timestamp == 1


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**45))
def test_timestamp_follows_pts_modulo_two_to_the_32(offset: int, pts: int) -> None:
    assert video_sender(timestamp_offset=offset).timestamp(pts) in {(offset + pts) % 2**32, 1}


def test_replay_moves_neither_sequence_nor_counters() -> None:
    sender = video_sender(max_payload=64)
    live = sender.packetize(picture(200, pts=90))
    counters = sender.next_sequence, sender.packet_count, sender.octet_count
    replay = sender.repacketize(picture(200, pts=90), first_sequence=65_535, pts=500)
    assert (sender.next_sequence, sender.packet_count, sender.octet_count) == counters
    assert (replay.first_sequence, replay.timestamp, replay.pts) == (65_535, 1500, 500)
    assert [RtpPacket.parse(view).payload for view in replay.datagrams()] == [
        RtpPacket.parse(view).payload for view in live.datagrams()
    ]
    assert replay.next_sequence == 3


def test_counters_count_packets_and_payload_bytes() -> None:
    sender = video_sender(max_payload=64)
    sender.packetize(picture(3))
    sender.packetize(picture(65))
    assert (sender.packet_count, sender.octet_count) == (3, 3 + 64 + 2 * 2)


def test_unit_without_media_gives_no_packets() -> None:
    sender = video_sender()
    batch = sender.packetize(picture(0))
    assert (batch.size, batch.packet_count, batch.datagrams(), batch.segments()) == (0, 0, [], [])
    assert sender.next_sequence == 100


def test_audio_is_built_for_its_own_channel_and_can_be_joined_anywhere() -> None:
    batch = audio_sender(AAC).packetize(AudioFrame(AAC, b"\xaa", 1024, 1024))
    assert batch.buffer == bytes.fromhex("24020011 80e10000 00000400 11223344 0010 0008 aa")
    assert batch.interleaved(2) is batch.buffer
    assert batch.is_random_access
    assert not batch.is_video


def test_fragmented_aac_is_marked_once() -> None:
    batch = audio_sender(AAC).packetize(AudioFrame(AAC, bytes(2000), 0, 1024))
    markers = [RtpPacket.parse(view).marker for view in batch.datagrams()]
    assert markers == [False, True]


def test_time_advances_within_a_frame_of_samples_without_markers() -> None:
    frame = AudioFrame(L16, bytes(2048), 0, 1024)
    batch = audio_sender(L16, timestamp_offset=0xFFFFFF00).packetize(frame)
    packets = [RtpPacket.parse(view) for view in batch.datagrams()]
    assert [packet.timestamp for packet in packets] == [0xFFFFFF00, 0x100]
    assert [packet.sequence for packet in packets] == [0, 1]
    assert not any(packet.marker for packet in packets)
    assert batch.timestamp == 0xFFFFFF00


def test_resampled_audio_has_the_clock_of_its_format() -> None:
    sender = audio_sender(L16, choice=AudioChoice.PCMA, timestamp_offset=500)
    batch = sender.packetize(AudioFrame(L16, bytes(2048), 32_000, 1024))
    packets = [RtpPacket.parse(view) for view in batch.datagrams()]
    assert [(packet.payload_type, packet.timestamp) for packet in packets] == [
        (8, 16_500),
        (8, 16_756),
    ]
    assert batch.pts == 32_000


@pytest.mark.parametrize("max_payload", [15, 65_524])
def test_impossible_max_payload_is_refused(max_payload: int) -> None:
    with pytest.raises(ValueError, match="max_payload"):
        video_sender(max_payload=max_payload)


def test_largest_payload_fits_the_interleaved_length() -> None:
    batch = video_sender(max_payload=65_523).packetize(picture(65_524))
    assert len(batch.datagrams()[0]) == 0xFFFF


def test_default_datagram_holds_1400_bytes() -> None:
    assert len(video_sender().packetize(picture(5000)).datagrams()[0]) == 1400


def test_sender_report_joins_media_clock_and_wall_clock() -> None:
    sender = video_sender(max_payload=64)
    sender.packetize(picture(65))
    report, description = parse_compound(sender.sender_report(pts=90_000, ntp_time=7 << 32))
    assert report == SenderReport(SSRC, 7 << 32, 91_000, 2, 68)
    assert description == Sdes((SdesChunk(SSRC, "front-door"),))


def test_bye_is_a_whole_compound() -> None:
    assert parse_compound(video_sender().bye()) == [
        ReceiverReport(SSRC),
        Sdes((SdesChunk(SSRC, "front-door"),)),
        Bye((SSRC,)),
    ]


def test_ntp_time_counts_from_1900_with_a_binary_fraction() -> None:
    assert ntp_time(0.0) == 2_208_988_800 << 32
    assert ntp_time(0.5) == 2_208_988_800 << 32 | 0x80000000
    assert ntp_time(2**32 - 2_208_988_800.0) == 0  # the next era begins in 2036
