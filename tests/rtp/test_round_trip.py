"""What goes through packetizer, sender, wire and depacketizer comes out unchanged."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neolink.media.tracks import AudioCodec, AudioTrack, ParameterSets, VideoCodec, VideoTrack
from neolink.media.units import AccessUnit, AudioFrame
from neolink.rtp.depacketizers.aac import AacDepacketizer
from neolink.rtp.depacketizers.h264 import H264Depacketizer
from neolink.rtp.depacketizers.h265 import H265Depacketizer
from neolink.rtp.depacketizers.nal_units import NalDepacketizer, ReceivedAccessUnit
from neolink.rtp.depacketizers.pcm import PcmDepacketizer
from neolink.rtp.formats import AudioChoice, audio_format, video_format
from neolink.rtp.packet import RtpPacket
from neolink.rtp.packetizers.nal_units import Aggregation
from neolink.rtp.sender import RtpSender

TRACKS = {
    VideoCodec.H264: VideoTrack(
        VideoCodec.H264, ParameterSets(b"\x67\x64\x00", (b"\x68\xee", b"\x68\xef")), 640, 480
    ),
    VideoCodec.H265: VideoTrack(
        VideoCodec.H265, ParameterSets(b"\x42\x01\x01", (b"\x44\x01\xc1",), b"\x40\x01"), 640, 480
    ),
}
DEPACKETIZERS: dict[VideoCodec, Callable[[], NalDepacketizer]] = {
    VideoCodec.H264: H264Depacketizer,
    VideoCodec.H265: H265Depacketizer,
}
FILLER = bytes(range(251)) * 1200

lengths = st.one_of(
    st.integers(1, 40), st.integers(41, 3000), st.integers(1, 130_000), st.integers(1, 300_000)
)
max_payloads = st.one_of(st.integers(64, 3000), st.integers(64, 60_000))


def h264_nal(kind: int, importance: int, length: int) -> memoryview:
    return memoryview(bytes((importance << 5 | kind,)) + FILLER[: length - 1])


def h265_nal(kind: int, layer: int, length: int) -> memoryview:
    header = bytes((kind << 1 | layer >> 5, (layer & 0x1F) << 3 | 1))
    return memoryview(header + FILLER[: max(0, length - 2)])


nal_units = {
    VideoCodec.H264: st.builds(h264_nal, st.integers(1, 23), st.integers(0, 3), lengths),
    VideoCodec.H265: st.builds(h265_nal, st.integers(0, 47), st.integers(0, 63), lengths),
}


def access_units(codec: VideoCodec) -> st.SearchStrategy[list[AccessUnit]]:
    unit = st.builds(
        AccessUnit,
        st.just(TRACKS[codec]),
        st.lists(nal_units[codec], min_size=1, max_size=4).map(tuple),
        st.just(0),
        st.booleans(),
    )
    return st.lists(unit, min_size=1, max_size=3)


def datagrams(
    units: Sequence[AccessUnit], max_payload: int, aggregate: Aggregation
) -> list[memoryview]:
    sender = RtpSender(
        video_format(units[0].track, aggregate),
        ssrc=1,
        first_sequence=65_500,
        timestamp_offset=0,
        cname="x",
        max_payload=max_payload,
    )
    batches = [
        sender.packetize(
            AccessUnit(unit.track, unit.nal_units, 3000 * index, unit.is_random_access)
        )
        for index, unit in enumerate(units, 1)
    ]
    return [datagram for batch in batches for datagram in batch.datagrams()]


def expected(units: Sequence[AccessUnit]) -> list[ReceivedAccessUnit]:
    return [
        ReceivedAccessUnit(
            3000 * index,
            (unit.track.parameter_sets.nal_units if unit.is_random_access else ())
            + tuple(map(bytes, unit.nal_units)),
        )
        for index, unit in enumerate(units, 1)
    ]


@pytest.mark.parametrize("codec", VideoCodec)
@settings(max_examples=100, deadline=None)
@given(data=st.data(), max_payload=max_payloads, aggregate=st.sampled_from(Aggregation))
def test_video_comes_out_as_it_went_in(
    codec: VideoCodec, data: st.DataObject, max_payload: int, aggregate: Aggregation
) -> None:
    units = data.draw(access_units(codec))
    depacketizer = DEPACKETIZERS[codec]()
    received: list[ReceivedAccessUnit] = []
    for datagram in datagrams(units, max_payload, aggregate):
        assert len(datagram) <= 12 + max_payload
        received += depacketizer.push(RtpPacket.parse(datagram))
    assert received == expected(units)
    assert depacketizer.lost_packets == 0


@pytest.mark.parametrize("codec", VideoCodec)
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_lost_packets_cost_whole_pictures_but_never_forge_one(
    codec: VideoCodec, data: st.DataObject
) -> None:
    nal_lengths = st.lists(st.integers(2, 400), min_size=1, max_size=3)
    make = h264_nal if codec is VideoCodec.H264 else h265_nal
    units = [
        AccessUnit(TRACKS[codec], tuple(make(1, 1, length) for length in chosen), 0, False)
        for chosen in data.draw(st.lists(nal_lengths, min_size=2, max_size=6))
    ]
    first, *others = datagrams(units, 64, Aggregation.ALL)
    arrived = [first, *(view for view in others if data.draw(st.booleans()))]
    depacketizer = DEPACKETIZERS[codec]()
    received = [unit for view in arrived for unit in depacketizer.push(RtpPacket.parse(view))]
    whole = iter(expected(units))
    assert all(unit in whole for unit in received)  # a subsequence, in order


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 8191), min_size=1, max_size=5), st.integers(64, 10_000))
def test_aac_comes_out_as_it_went_in(frame_lengths: list[int], max_payload: int) -> None:
    track = AudioTrack(AudioCodec.AAC, 16_000)
    payload_format = audio_format(track, AudioChoice.AAC)
    assert payload_format is not None
    sender = RtpSender(
        payload_format,
        ssrc=1,
        first_sequence=65_535,
        timestamp_offset=1024,
        cname="x",
        max_payload=max_payload,
    )
    depacketizer = AacDepacketizer()
    for index, length in enumerate(frame_lengths):
        batch = sender.packetize(AudioFrame(track, FILLER[:length], 1024 * index, 1024))
        packets = [RtpPacket.parse(view) for view in batch.datagrams()]
        (unit,) = [unit for packet in packets for unit in depacketizer.push(packet)]
        assert (unit.timestamp, unit.data) == (1024 * (index + 1), FILLER[:length])


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 5000), st.integers(64, 3000))
def test_samples_come_out_as_they_went_in(samples: int, max_payload: int) -> None:
    track = AudioTrack(AudioCodec.L16, 16_000)
    payload_format = audio_format(track, AudioChoice.L16)
    assert payload_format is not None
    sender = RtpSender(
        payload_format,
        ssrc=1,
        first_sequence=65_535,
        timestamp_offset=500,
        cname="x",
        max_payload=max_payload,
    )
    data = FILLER[: 2 * samples]
    depacketizer = PcmDepacketizer(2)
    received = b""
    for view in sender.packetize(AudioFrame(track, data, 0, samples)).datagrams():
        (audio,) = depacketizer.push(RtpPacket.parse(view))
        assert audio.timestamp == 500 + len(received) // 2
        received += audio.data
    assert received == data
