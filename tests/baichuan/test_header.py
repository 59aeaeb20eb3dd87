"""The header: layout, sizes by class, and what is refused before memory is taken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neolink.baichuan.header import LONG_HEADER, SHORT_HEADER, Header
from neolink.baichuan.ids import MAGIC_SWAPPED, MAX_XML_LENGTH, MessageClass, MessageId
from neolink.errors import RemoteProtocolError

PING = bytes.fromhex("f0debc0a 5d000000 05000000 fb010200 c800 0000 05000000")
U8 = st.integers(0, 0xFF)
U16 = st.integers(0, 0xFFFF)


@st.composite
def headers(draw: st.DrawFn) -> Header:
    message_class = draw(st.sampled_from([0x6514, 0x6614, 0x6414, 0x0000, 0x6482]))
    body_length = draw(st.integers(0, MAX_XML_LENGTH))
    is_short = message_class in {0x6514, 0x6614}
    return Header(
        draw(st.integers(0, 0xFFFFFFFF)),
        body_length,
        draw(U8),
        draw(U8),
        draw(U16),
        draw(U16),
        message_class,
        0 if is_short else draw(st.integers(0, body_length)),
    )


def test_fields_are_where_the_reference_puts_them() -> None:
    header = Header.parse(PING)
    assert header == Header(MessageId.PING, 5, 0xFB, 1, 2, 200, MessageClass.REPLY, 5)
    assert header.size == LONG_HEADER
    assert header.serialize() == PING


def test_routing_is_the_word_of_bytes_12_to_15() -> None:
    header = Header.parse(PING)
    assert header is not None
    assert header.routing == int.from_bytes(PING[12:16], "little")


@given(headers())
def test_parse_undoes_serialize(header: Header) -> None:
    data = header.serialize()
    assert len(data) == header.size
    assert Header.parse(data) == header
    assert Header.parse(data + b"\xff" * 30) == header
    assert Header.parse(memoryview(data)) == header


@given(headers(), st.data())
def test_an_incomplete_header_asks_for_more(header: Header, data: st.DataObject) -> None:
    whole = header.serialize()
    assert Header.parse(whole[: data.draw(st.integers(0, len(whole) - 1))]) is None


def test_the_swapped_magic_is_read_and_never_written() -> None:
    header = Header.parse(MAGIC_SWAPPED + PING[4:])
    assert header is not None
    assert header.serialize() == PING


@pytest.mark.parametrize(
    ("message_class", "size"),
    [
        (MessageClass.LEGACY_REQUEST, SHORT_HEADER),
        (MessageClass.LEGACY_REPLY, SHORT_HEADER),
        (MessageClass.REQUEST, LONG_HEADER),
        (MessageClass.REPLY, LONG_HEADER),
        (MessageClass.FILE, LONG_HEADER),
        (MessageClass.BARE, LONG_HEADER),
    ],
)
def test_the_class_decides_the_size(message_class: MessageClass, size: int) -> None:
    header = Header(1, message_class=message_class)
    assert header.size == size
    assert len(header.serialize()) == size
    assert header.has_known_class


def test_another_magic_is_refused_as_soon_as_it_is_seen() -> None:
    assert Header.parse(b"\xf0\xde\xbc") is None
    with pytest.raises(RemoteProtocolError, match="f0 de bc 0b"):
        Header.parse(b"\xf0\xde\xbc\x0b")


def test_a_body_of_4_gib_is_refused() -> None:
    with pytest.raises(RemoteProtocolError, match="4294967295"):
        Header.parse(Header(3, 0xFFFFFFFF).serialize())


def test_the_cap_is_inclusive() -> None:
    assert Header.parse(Header(3, 100).serialize(), max_body_length=100) is not None
    with pytest.raises(RemoteProtocolError, match="at most 100"):
        Header.parse(Header(3, 101).serialize(), max_body_length=100)


def test_an_extension_beyond_the_body_is_refused() -> None:
    with pytest.raises(RemoteProtocolError, match="offset of 11"):
        Header.parse(Header(3, 10, payload_offset=11).serialize())


def test_an_extension_longer_than_any_xml_is_refused() -> None:
    header = Header(3, MAX_XML_LENGTH + 1, payload_offset=MAX_XML_LENGTH + 1)
    with pytest.raises(RemoteProtocolError, match="at most 65536"):
        Header.parse(header.serialize())


def test_an_unknown_class_has_24_bytes_if_the_offset_fits() -> None:
    header = Header.parse(Header(5, 10, message_class=0x6512, payload_offset=4).serialize())
    assert header is not None
    assert (header.size, header.payload_offset, header.has_known_class) == (LONG_HEADER, 4, False)


def test_an_unknown_class_has_20_bytes_if_the_offset_does_not_fit() -> None:
    data = Header(5, 10, message_class=0x6512, payload_offset=11).serialize()
    header = Header.parse(data)
    assert header is not None
    assert (header.size, header.payload_offset) == (SHORT_HEADER, 0)
    assert header.serialize() == data[:SHORT_HEADER]


def test_the_offset_of_a_bare_message_is_not_believed() -> None:
    header = Header.parse(Header(124, message_class=0xFFFF, payload_offset=0xDEAD).serialize())
    assert header is not None
    assert (header.size, header.payload_offset) == (LONG_HEADER, 0)
