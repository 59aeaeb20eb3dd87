"""A document in one packet or in many: its bytes, timestamps and marker."""

import pytest

from neolink.media.units import MetadataDocument
from neolink.rtp.formats import METADATA_FORMAT
from neolink.rtp.packet import RtpPacket
from neolink.rtp.sender import RtpSender

MAX_PAYLOAD = 100


def packets(size: int) -> list[RtpPacket]:
    sender = RtpSender(
        METADATA_FORMAT,
        ssrc=7,
        first_sequence=65_535,
        timestamp_offset=1000,
        cname="c",
        max_payload=MAX_PAYLOAD,
    )
    document = MetadataDocument(bytes(range(1, 251))[:size], 90_000)
    return [RtpPacket.parse(one) for one in sender.packetize(document).datagrams()]


@pytest.mark.parametrize(("size", "lengths"), [(99, [99]), (100, [100]), (250, [100, 100, 50])])
def test_a_document_is_cut_where_a_packet_is_full(size: int, lengths: list[int]) -> None:
    found = packets(size)
    assert [len(packet.payload) for packet in found] == lengths
    assert b"".join(bytes(packet.payload) for packet in found) == bytes(range(1, 251))[:size]


def test_only_the_last_packet_is_marked_and_all_have_one_timestamp() -> None:
    found = packets(250)
    assert [packet.marker for packet in found] == [False, False, True]
    assert {packet.timestamp for packet in found} == {91_000}
    assert {packet.payload_type for packet in found} == {98}
    assert [packet.sequence for packet in found] == [65_535, 0, 1]
