"""The RTP packet as a value: golden bytes, identities, and headers that contradict themselves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neolink.errors import RemoteProtocolError
from neolink.rtp.packet import RtpPacket

PLAIN = bytes.fromhex("80e0 0102 a0b0c0d0 11223344") + b"media"
PACKET = RtpPacket(
    marker=True,
    payload_type=96,
    sequence=0x0102,
    timestamp=0xA0B0C0D0,
    ssrc=0x11223344,
    payload=b"media",
)

packets = st.builds(
    RtpPacket,
    marker=st.booleans(),
    payload_type=st.integers(0, 127),
    sequence=st.integers(0, 0xFFFF),
    timestamp=st.integers(0, 0xFFFFFFFF),
    ssrc=st.integers(0, 0xFFFFFFFF),
    payload=st.binary(max_size=64),
)


def test_plain_packet_has_twelve_header_bytes() -> None:
    assert PACKET.serialize() == PLAIN
    assert RtpPacket.parse(PLAIN) == PACKET


def test_sources_extension_and_padding_are_left_out() -> None:
    sources = bytes(8)
    extension = bytes.fromhex("bede 0001 01020304")
    padding = bytes((0, 0, 3))
    data = b"\xb2" + PLAIN[1:12] + sources + extension + b"media" + padding
    assert RtpPacket.parse(data) == PACKET


@given(packets)
def test_parse_inverts_serialize(packet: RtpPacket) -> None:
    assert RtpPacket.parse(packet.serialize()) == packet
    assert RtpPacket.parse(memoryview(packet.serialize())) == packet


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(PLAIN[:11], id="shorter than a header"),
        pytest.param(b"\x40" + PLAIN[1:], id="version 1"),
        pytest.param(b"\x8f" + PLAIN[1:], id="sources beyond the end"),
        pytest.param(
            b"\x90" + PLAIN[1:12] + b"\xbe\xde\x00", id="ends inside the extension header"
        ),
        pytest.param(b"\x90" + PLAIN[1:12] + b"\xbe\xde\xff\xff", id="extension beyond the end"),
        pytest.param(b"\xa0" + PLAIN[1:12] + b"a\x00", id="padding of nothing"),
        pytest.param(b"\xa0" + PLAIN[1:12] + b"a\x03", id="padding longer than the payload"),
        pytest.param(b"\xa0" + PLAIN[1:12], id="padding without payload"),
    ],
)
def test_contradicting_headers_are_refused(data: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        RtpPacket.parse(data)


@given(st.binary(max_size=80))
def test_garbage_raises_only_the_declared_error(data: bytes) -> None:
    try:
        packet = RtpPacket.parse(data)
    except RemoteProtocolError:
        return
    assert packet.payload in data
