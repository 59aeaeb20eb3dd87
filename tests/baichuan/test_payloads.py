"""Which messages are binary, and how much of them is encrypted."""

import pytest

from neolink.baichuan.crypto import AesCipher, Encryption
from neolink.baichuan.header import Header
from neolink.baichuan.ids import BINARY_IDS, MessageId
from neolink.baichuan.message import Message
from neolink.baichuan.payloads import PayloadReader
from neolink.baichuan.sections import Sections
from neolink.baichuan.xml import Extension
from neolink.errors import RemoteProtocolError

AES = AesCipher(b"0D119EB629684BDF")
SECTIONS = Sections(Encryption.FULL_AES, AES)
XML = b'<?xml version="1.0" ?>\n<body/>'
PICTURE = b"00dcH264" + bytes(range(200))
START = Extension(binary_data=True)
STOP = Extension(binary_data=False)


def message(
    payload: bytes,
    extension: Extension | None = None,
    *,
    message_id: int = MessageId.TALK_DATA,
    number: int = 4,
) -> Message:
    text = SECTIONS.encrypt(extension.serialize(), 0) if extension else b""
    return Message.compose(Header(message_id, number=number), text, payload)


def reader() -> PayloadReader:
    return PayloadReader(SECTIONS, binary_ids=BINARY_IDS)


def test_a_marked_number_stays_binary_without_a_mark() -> None:
    payloads = reader()
    assert payloads.read(message(PICTURE, START)).body == PICTURE
    content = payloads.read(message(PICTURE))
    assert (content.is_binary, content.extension, content.body) == (True, b"", PICTURE)
    assert payloads.binary_numbers == {4}


def test_binary_mode_belongs_to_id_and_number() -> None:
    payloads = reader()
    payloads.read(message(PICTURE, START))
    for other in (message(PICTURE, number=5), message(PICTURE, message_id=MessageId.PING)):
        with pytest.raises(RemoteProtocolError):
            payloads.read(other)


def test_a_mark_of_zero_leaves_binary_mode() -> None:
    payloads = reader()
    payloads.read(message(PICTURE, START))
    assert not payloads.read(message(SECTIONS.encrypt(XML, 0), STOP)).is_binary
    assert payloads.binary_numbers == set()


def test_forgetting_leaves_binary_mode() -> None:
    payloads = reader()
    payloads.read(message(PICTURE, START))
    payloads.forget(MessageId.TALK_DATA, 4)
    with pytest.raises(RemoteProtocolError):
        payloads.read(message(PICTURE))


@pytest.mark.parametrize("extension", [None, Extension(check_pos=0, check_value=7)])
def test_xml_in_binary_mode_is_xml(extension: Extension | None) -> None:
    payloads = reader()
    payloads.read(message(PICTURE, START))
    for section in (XML, SECTIONS.encrypt(XML, 0)):
        content = payloads.read(message(section, extension))
        assert (content.is_binary, content.body) == (False, XML)
    assert payloads.read(message(PICTURE, extension)).is_binary


def test_preview_data_whose_mark_was_missed_is_binary() -> None:
    content = reader().read(message(PICTURE, message_id=MessageId.PREVIEW_START))
    assert (content.is_binary, content.body) == (True, PICTURE)


@pytest.mark.parametrize("encrypted_length", [8, 100, len(PICTURE), len(PICTURE) + 1])
def test_the_extension_tells_how_much_is_encrypted(encrypted_length: int) -> None:
    extension = Extension(encrypt_len=encrypted_length, binary_data=True)
    payload = AES.encrypt(PICTURE[:encrypted_length]) + PICTURE[encrypted_length:]
    for _ in range(2):  # the second time the Extension is known
        assert reader().read(message(payload, extension)).body == PICTURE


def test_an_extension_is_not_confused_with_an_earlier_one() -> None:
    payloads = reader()
    for length in (8, 16, 8):
        extension = Extension(encrypt_len=length, binary_data=True)
        payload = AES.encrypt(PICTURE[:length]) + PICTURE[length:]
        assert payloads.read(message(payload, extension)).body == PICTURE


def test_a_header_only_message_is_not_binary() -> None:
    payloads = reader()
    payloads.read(message(PICTURE, START))
    content = payloads.read(message(b""))
    assert (content.is_binary, content.body) == (False, b"")


def test_an_extension_alone_can_begin_binary_mode() -> None:
    payloads = reader()
    assert payloads.read(message(b"", START)).is_binary
    assert payloads.read(message(PICTURE)).is_binary


def test_an_undecipherable_extension_is_an_error() -> None:
    header = Header(MessageId.PREVIEW_START, number=1)
    with pytest.raises(RemoteProtocolError, match="no cipher"):
        reader().read(Message.compose(header, b"noise" * 9, PICTURE))


def test_binary_numbers_are_bounded() -> None:
    payloads = reader()
    for number in range(1000):
        payloads.read(message(PICTURE, START, number=number))
    assert payloads.binary_numbers == set(range(1000 - 256, 1000))
