"""Sections: writing follows the level, reading takes any cipher, XML is told from binary."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neolink.baichuan.crypto import AesCipher, Encryption, xor
from neolink.baichuan.ids import MAX_XML_LENGTH
from neolink.baichuan.sections import Sections
from neolink.errors import RemoteProtocolError

AES = AesCipher(b"0D119EB629684BDF")
XML = b'<?xml version="1.0" encoding="UTF-8" ?>\n<body>\n</body>'
LEVELS = pytest.mark.parametrize("level", Encryption)


@LEVELS
@pytest.mark.parametrize("sender", Encryption)
def test_a_reader_at_any_level_understands_every_cipher(
    level: Encryption, sender: Encryption
) -> None:
    section = Sections(sender, AES).encrypt(XML, 250)
    reader = Sections(level, AES)
    assert reader.is_xml(section, 250)
    assert reader.decrypt_xml(section, 250) == XML


@LEVELS
def test_padding_around_xml_is_removed(level: Encryption) -> None:
    sections = Sections(level, AES)
    section = sections.encrypt(b"\n \r\n" + XML + b"\n\0\0", 7)
    assert sections.decrypt_xml(section, 7) == XML


def test_writing_follows_the_level() -> None:
    assert Sections(Encryption.NONE, AES).encrypt(XML, 3) == XML
    assert Sections(Encryption.BC, AES).encrypt(XML, 3) == xor(XML, 3)
    assert Sections(Encryption.AES, AES).encrypt(XML, 3) == AES.encrypt(XML)
    assert Sections(Encryption.FULL_AES, AES).encrypt(XML, 3) == AES.encrypt(XML)


def test_aes_needs_a_key() -> None:
    with pytest.raises(ValueError, match="FULL_AES"):
        Sections(Encryption.FULL_AES)


def test_without_a_key_only_aes_is_not_understood() -> None:
    sections = Sections(Encryption.BC)
    assert sections.decrypt_xml(xor(XML, 1), 1) == XML
    with pytest.raises(RemoteProtocolError, match="no cipher"):
        sections.decrypt_xml(AES.encrypt(XML), 1)


@pytest.mark.parametrize("data", [b"", b"<", b"<?xm", b"00dcH264", bytes(100), b"\xff" * 64])
def test_binary_is_not_xml(data: bytes) -> None:
    assert not Sections(Encryption.FULL_AES, AES).is_xml(data, 0)


@given(
    st.sampled_from([lambda data, _: data, xor, lambda data, _: AES.encrypt(data)]),
    st.sampled_from([b"", b"\n", b" \r\n\t", b"\0" * 20, b"<", b"01dc"]),
    st.sampled_from([b"<?xml", b"<body", b"<Extension", b"<bod", b"", b"00dcH264"]),
    st.binary(max_size=20),
    st.integers(0, 255),
)
def test_the_first_byte_only_spares_work(
    cipher: Callable[[bytes, int], bytes], padding: bytes, start: bytes, rest: bytes, offset: int
) -> None:
    sections = Sections(Encryption.FULL_AES, AES)
    section = cipher(padding + start + rest, offset)
    head = section[:16]
    texts = head, xor(head, offset), AES.decrypt(head)
    starts = (b"<?xml", b"<body", b"<Extension")
    expected = any(text.lstrip(b" \t\r\n\0").startswith(starts) for text in texts)
    assert sections.is_xml(section, offset) is expected
    assert sections.is_xml(section, offset) is expected  # the second time from memory
    if expected:
        assert padding.strip(b" \t\r\n\0") + start in sections.decrypt_xml(section, offset)


def test_the_same_bytes_mean_something_else_at_another_offset() -> None:
    sections = Sections(Encryption.BC)
    section = xor(XML, 1)
    assert sections.decrypt_xml(section, 1) == XML
    with pytest.raises(RemoteProtocolError, match="no cipher"):
        sections.decrypt_xml(section, 2)
    assert sections.decrypt_xml(section, 1) == XML


def test_documents_without_a_declaration_are_xml() -> None:
    for text in (b"<body></body>", b'<Extension version="1.1"/>'):
        assert Sections(Encryption.BC).decrypt_xml(xor(text, 0), 0) == text


def test_too_much_xml_is_refused_before_it_is_decrypted() -> None:
    sections = Sections(Encryption.BC)
    longest = XML.ljust(MAX_XML_LENGTH)
    assert sections.decrypt_xml(longest, 0) == XML
    with pytest.raises(RemoteProtocolError, match="at most 65536"):
        sections.decrypt_xml(longest + b" ", 0)


def test_a_document_type_is_refused() -> None:
    text = b'<?xml version="1.0"?><!DOCTYPE body [<!ENTITY a "b">]><body/>'
    with pytest.raises(RemoteProtocolError, match="document type"):
        Sections(Encryption.BC).decrypt_xml(xor(text, 5), 5)


@given(st.binary(max_size=200), st.integers(0, 255))
def test_reading_anything_raises_only_remote_protocol_errors(data: bytes, offset: int) -> None:
    sections = Sections(Encryption.FULL_AES, AES)
    try:
        text = sections.decrypt_xml(data, offset)
    except RemoteProtocolError:
        assert not sections.is_xml(data, offset) or b"<!DOCTYPE" in data
    else:
        assert text.startswith(b"<")


@pytest.mark.parametrize("encrypted_length", [1, 16, 100, 1024, 4999, 5000])
def test_the_clear_rest_of_media_is_appended(encrypted_length: int) -> None:
    data = bytes(range(250)) * 20
    sections = Sections(Encryption.FULL_AES, AES)
    payload = sections.encrypt_binary(data[:encrypted_length]) + data[encrypted_length:]
    assert sections.decrypt_binary(payload, encrypted_length) == data


def test_an_encrypted_length_beyond_the_payload_is_clamped() -> None:
    sections = Sections(Encryption.FULL_AES, AES)
    assert sections.decrypt_binary(sections.encrypt_binary(b"picture"), 4_000_000_000) == b"picture"


def test_media_without_a_key_stays_as_it_is() -> None:
    assert Sections(Encryption.BC).decrypt_binary(b"picture", 7) == b"picture"
    assert Sections(Encryption.FULL_AES, AES).decrypt_binary(b"picture", 0) == b"picture"
