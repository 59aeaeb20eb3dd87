"""RTCP packets as values: golden bytes, identities, compounds, and their truncated twins."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neolink.errors import RemoteProtocolError
from neolink.rtp.rtcp import (
    Bye,
    PictureLossIndication,
    ReceiverReport,
    ReportBlock,
    RtcpPacket,
    Sdes,
    SdesChunk,
    SenderReport,
    interleaved_rtcp,
    parse_compound,
)

REPORT = ReportBlock(
    ssrc=0x01020304,
    fraction_lost=64,
    cumulative_lost=-2,
    highest_sequence=0x0001FFFE,
    jitter=90,
    last_sr=0xAABBCCDD,
    delay_since_last_sr=0x00010000,
)
REPORT_BYTES = bytes.fromhex("01020304 40fffffe 0001fffe 0000005a aabbccdd 00010000")
GOLDEN: list[tuple[RtcpPacket, str]] = [
    (
        SenderReport(0x11223344, 0x0102030405060708, 0xA0B0C0D0, 5, 7000),
        "80c80006 11223344 0102030405060708 a0b0c0d0 00000005 00001b58",
    ),
    (ReceiverReport(0x55667788, (REPORT,)), "81c90007 55667788" + REPORT_BYTES.hex()),
    (ReceiverReport(0x55667788), "80c90001 55667788"),
    (Sdes((SdesChunk(0x11223344, "cam"),)), "81ca0003 11223344 01036361 6d000000"),
    # Four bytes of item fill a word: a whole word of zeros must follow.
    (Sdes((SdesChunk(0x11223344, "ca"),)), "81ca0003 11223344 01026361 00000000"),
    (Bye((0x11223344,)), "81cb0001 11223344"),
    (Bye((1, 2), "gone"), "82cb0004 00000001 00000002 04676f6e 65000000"),
    (PictureLossIndication(1, 2), "81ce0002 00000001 00000002"),
]

uint32 = st.integers(0, 0xFFFFFFFF)
texts = st.text(max_size=60)
report_blocks = st.builds(
    ReportBlock,
    ssrc=uint32,
    fraction_lost=st.integers(0, 255),
    cumulative_lost=st.integers(-(1 << 23), (1 << 23) - 1),
    highest_sequence=uint32,
    jitter=uint32,
    last_sr=uint32,
    delay_since_last_sr=uint32,
)
reports = st.lists(report_blocks, max_size=3).map(tuple)
rtcp_packets: st.SearchStrategy[RtcpPacket] = st.one_of(
    st.builds(SenderReport, uint32, st.integers(0, 2**64 - 1), uint32, uint32, uint32, reports),
    st.builds(ReceiverReport, uint32, reports),
    st.builds(Sdes, st.lists(st.builds(SdesChunk, uint32, texts), max_size=3).map(tuple)),
    st.builds(Bye, st.lists(uint32, max_size=31).map(tuple), texts),
    st.builds(PictureLossIndication, uint32, uint32),
)


@pytest.mark.parametrize(("packet", "data"), GOLDEN)
def test_packet_has_its_bytes(packet: RtcpPacket, data: str) -> None:
    assert packet.serialize() == bytes.fromhex(data)
    assert parse_compound(bytes.fromhex(data)) == [packet]


@pytest.mark.parametrize("data", [data for _, data in GOLDEN])
def test_truncated_twin_is_refused(data: str) -> None:
    whole = bytes.fromhex(data)
    for length in range(1, len(whole)):
        with pytest.raises(RemoteProtocolError):
            parse_compound(whole[:length])


@settings(max_examples=50, deadline=None)
@given(st.lists(rtcp_packets, max_size=3))
def test_compound_inverts_serialize(packets: list[RtcpPacket]) -> None:
    assert parse_compound(b"".join(packet.serialize() for packet in packets)) == packets


def test_compound_of_a_vlc_like_player_is_read() -> None:
    data = bytes.fromhex(
        "81c90007 55667788 01020304 00000000 00000a01 00000002 00000000 00000000"
        "81ca0005 55667788 01076d79 2d686f73 74060250 4c000000"
    )
    receiver, description = parse_compound(memoryview(data))
    assert isinstance(receiver, ReceiverReport)
    assert receiver.reports[0].highest_sequence == 0x0A01
    assert description == Sdes((SdesChunk(0x55667788, "my-host"),))


def test_unknown_kinds_are_left_out() -> None:
    app = bytes.fromhex("80cc0002 00000001 6e616d65")
    extended = bytes.fromhex("80cf0001 00000001")
    nack = bytes.fromhex("81cd0003 00000001 00000002 00010000")
    full_intra = bytes.fromhex("84ce0004 00000001 00000000 00000002 01000000")
    bye = Bye((7,))
    assert parse_compound(app + extended + nack + full_intra + bye.serialize()) == [bye]


def test_padding_and_extensions_are_left_out() -> None:
    padded = bytes.fromhex("a0c90002 55667788 00000004")
    extended = bytes.fromhex("80c90002 55667788 deadbeef")
    assert parse_compound(padded + extended) == [ReceiverReport(0x55667788)] * 2


@pytest.mark.parametrize(
    "data",
    [
        pytest.param("40c90001 55667788", id="version 1"),
        pytest.param("80c90002 55667788", id="length beyond the end"),
        pytest.param("80cc0002 00000001", id="length of a skipped packet beyond the end"),
        pytest.param("81c90001 55667788", id="fewer reports than counted"),
        pytest.param("80c80005 00000000 00000000 00000000 00000000 00000000", id="short SR"),
        pytest.param("80c90000", id="RR without a source"),
        pytest.param("82ca0002 00000001 00000000", id="fewer chunks than counted"),
        pytest.param("81ca0002 00000001 01ff6161", id="item beyond the end"),
        pytest.param("81ca0002 00000001 01026161", id="chunk without its end"),
        pytest.param("81ca0001 00000001", id="chunk without its first zero"),
        pytest.param("82cb0001 00000001", id="fewer sources than counted"),
        pytest.param("81cb0002 00000001 04616161", id="reason beyond the end"),
        pytest.param("81ce0001 00000001", id="feedback without its media source"),
        pytest.param("a0c90001 00000008", id="padding longer than the body"),
        pytest.param("a0c90001 00000000", id="padding of nothing"),
        pytest.param("a0c90000", id="padding without a body"),
        pytest.param("80c90001 55667788" * 65, id="more packets than a peer sends"),
    ],
)
def test_malformed_compound_is_refused(data: str) -> None:
    with pytest.raises(RemoteProtocolError):
        parse_compound(bytes.fromhex(data))


def test_error_tells_where_in_the_compound() -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        parse_compound(Bye((7,)).serialize() + b"\x00\x00\x00\x00")
    assert caught.value.offset == 8


@given(st.binary(max_size=120))
def test_garbage_raises_only_the_declared_error(data: bytes) -> None:
    try:
        packets = parse_compound(data)
    except RemoteProtocolError:
        return
    assert len(packets) <= len(data) // 4


def test_what_does_not_fit_is_our_own_error() -> None:
    with pytest.raises(ValueError, match="256 bytes"):
        Sdes((SdesChunk(1, "x" * 256),)).serialize()
    with pytest.raises(ValueError, match="32 entries"):
        Bye(tuple(range(32))).serialize()


def test_interleaved_frame_has_channel_and_length() -> None:
    assert interleaved_rtcp(1, b"abcd") == b"$\x01\x00\x04abcd"
