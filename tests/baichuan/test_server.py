"""The camera's engine against hand-made clients: negotiation, echo, media marking, tolerance."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neolink.baichuan.crypto import AesCipher, Encryption, login_hash, session_key, xor
from neolink.baichuan.events import ProtocolTrouble, Resynchronized
from neolink.baichuan.header import Header
from neolink.baichuan.ids import MAX_MEDIA_BODY_LENGTH, MessageClass, MessageId
from neolink.baichuan.login import Credentials, LegacyLogin
from neolink.baichuan.message import Message, MessageReader
from neolink.baichuan.sections import Sections
from neolink.baichuan.server import (
    BinaryReceived,
    ClientAuthenticated,
    ClientRefused,
    Requested,
    ServerProtocol,
)
from neolink.baichuan.xml import Extension, parse_body, serialize_body
from neolink.baichuan.xml.login import DeviceInfo, EncryptionBody, LoginUser
from neolink.baichuan.xml.streams import Preview
from neolink.errors import LocalProtocolError

NONCE = "9E6D1FCB9E69846D"
CREDENTIALS = Credentials("admin", "123456")
AES = AesCipher(session_key(NONCE, "123456"))
BODY = serialize_body(Preview(0, 0, "mainStream"))
TEXT = BODY.strip()
DEVICE = serialize_body(DeviceInfo(type="ipc"))


def routed(message_id: int, status: int = 0, message_class: int = MessageClass.REQUEST) -> Header:
    return Header(message_id, 0, 250, 1, 0x0102, status, message_class)


def server(encryption: Encryption = Encryption.FULL_AES, **options: object) -> ServerProtocol:
    return ServerProtocol(CREDENTIALS, nonce=NONCE, encryption=encryption, **options)  # type: ignore[arg-type]  # options of one test each


def greeting(code: int = 0xDC12, body: bytes = b"") -> bytes:
    header = routed(1, code, MessageClass.LEGACY_REQUEST)
    return Message.compose(header, payload=body).serialize()


def login(user: str = "admin", password: str = "123456", *, is_clear: bool = False) -> bytes:
    body = serialize_body(LoginUser(login_hash(user, NONCE), login_hash(password, NONCE), 1))
    payload = body if is_clear else xor(body, 250)
    return Message.compose(routed(1), payload=payload).serialize()


def sent(peer: ServerProtocol) -> list[Message]:
    found = MessageReader(strict=True).feed(peer.data_to_send())
    return [message for message in found if isinstance(message, Message)]


def authenticated(encryption: Encryption = Encryption.FULL_AES) -> ServerProtocol:
    peer = server(encryption)
    peer.receive_data(greeting())
    (event,) = peer.receive_data(login())
    assert isinstance(event, ClientAuthenticated)
    peer.accept_login(event.request, DEVICE)
    peer.data_to_send()
    return peer


def request(message_id: int, payload: bytes = b"", extension: bytes = b"") -> bytes:
    return Message.compose(routed(message_id), extension, payload).serialize()


@pytest.mark.parametrize(
    ("code", "limit", "answer"),
    [
        (0xDC12, Encryption.FULL_AES, 0xDD12),
        (0xDC12, Encryption.AES, 0xDD02),
        (0xDC12, Encryption.BC, 0xDD01),
        (0xDC12, Encryption.NONE, 0xDD00),
        (0xDC03, Encryption.FULL_AES, 0xDD02),
        (0xDC02, Encryption.FULL_AES, 0xDD02),
        (0xDC01, Encryption.FULL_AES, 0xDD01),
        (0xDC00, Encryption.FULL_AES, 0xDD00),
        (0x0000, Encryption.FULL_AES, 0xDD01),
    ],
)
def test_the_best_common_level_is_chosen(code: int, limit: Encryption, answer: int) -> None:
    peer = server(limit)
    assert peer.receive_data(greeting(code)) == []
    (message,) = sent(peer)
    header = message.header
    assert (header.status, header.message_class) == (answer, MessageClass.LEGACY_REPLY)
    assert header.routing == routed(1).routing
    text = message.payload if answer == 0xDD00 else xor(message.payload, 250)
    assert parse_body(text).get(EncryptionBody) == EncryptionBody("md5", NONCE)
    assert peer.encryption.reply_code == answer


@pytest.mark.parametrize("code", [0, 0xDC01, 0xDC12])
def test_a_full_legacy_login_gets_the_nonce(code: int) -> None:
    peer = server()
    body = LegacyLogin.of(Credentials("someone", "else")).serialize()
    assert peer.receive_data(greeting(code, body)) == []
    assert sent(peer)[0].header.message_class == MessageClass.LEGACY_REPLY


def test_a_full_legacy_login_can_be_refused() -> None:
    peer = server(accept_legacy=False)
    body = LegacyLogin.of(CREDENTIALS).serialize()
    assert peer.receive_data(greeting(0xDC01, body)) == [ClientRefused(400)]
    assert sent(peer)[0].header.status == 400


def test_right_credentials_are_reported_and_answered_with_bc() -> None:
    peer = server()
    peer.receive_data(greeting())
    (event,) = peer.receive_data(login())
    assert isinstance(event, ClientAuthenticated)
    assert event.encryption is Encryption.FULL_AES
    assert peer.is_authenticated
    peer.data_to_send()
    peer.accept_login(event.request, DEVICE)
    (message,) = sent(peer)
    assert (message.header.status, message.header.message_class) == (200, MessageClass.REPLY)
    assert message.payload == xor(DEVICE, 250)


def test_without_encryption_the_login_is_clear() -> None:
    peer = server(Encryption.NONE)
    peer.receive_data(greeting())
    (event,) = peer.receive_data(login(is_clear=True))
    assert isinstance(event, ClientAuthenticated)
    peer.data_to_send()
    peer.accept_login(event.request, DEVICE)
    assert sent(peer)[0].payload == DEVICE


@pytest.mark.parametrize(("user", "password"), [("admin", "wrong"), ("root", "123456"), ("", "")])
@pytest.mark.parametrize("status", [400, 401])
def test_wrong_credentials_are_refused(user: str, password: str, status: int) -> None:
    peer = server(wrong_credentials_status=status)
    peer.receive_data(greeting())
    peer.data_to_send()
    assert peer.receive_data(login(user, password)) == [ClientRefused(status)]
    (message,) = sent(peer)
    assert (message.header.status, message.payload) == (status, b"")
    assert not peer.is_authenticated


def test_every_login_can_be_refused() -> None:
    peer = server(refuse=406)
    peer.receive_data(greeting())
    assert peer.receive_data(login()) == [ClientRefused(406)]
    assert not peer.is_authenticated


def test_credentials_without_a_greeting_are_refused() -> None:
    assert server().receive_data(login()) == [ClientRefused(400)]


def test_a_login_that_makes_no_sense_is_refused() -> None:
    peer = server()
    peer.receive_data(greeting())
    assert peer.receive_data(request(1, b"noise" * 9)) == [ClientRefused(400)]
    assert peer.receive_data(request(1, xor(BODY, 250))) == [ClientRefused(400)]


def test_requests_before_the_login_are_answered_401() -> None:
    peer = server()
    assert peer.receive_data(request(MessageId.VERSION)) == []
    assert sent(peer)[0].header.status == 401


@pytest.mark.parametrize("level", Encryption)
@pytest.mark.parametrize("sender", Encryption)
def test_requests_are_understood_with_any_cipher(level: Encryption, sender: Encryption) -> None:
    peer = authenticated(level)
    sections = Sections(sender, AES)
    extension = Extension(channel_id=1)
    data = request(
        109, sections.encrypt(b"\n" + BODY, 250), sections.encrypt(extension.serialize(), 250)
    )
    (event,) = peer.receive_data(data)
    assert isinstance(event, Requested)
    assert (event.message_id, event.extension, event.body) == (109, extension, TEXT)


@pytest.mark.parametrize("level", Encryption)
def test_replies_echo_the_routing_and_are_encrypted(level: Encryption) -> None:
    peer = authenticated(level)
    (event,) = peer.receive_data(request(MessageId.VERSION))
    assert isinstance(event, Requested)
    peer.reply(event.header, body=BODY, extension=Extension(channel_id=1))
    (message,) = sent(peer)
    assert message.header.routing == event.header.routing
    assert (message.header.status, message.header.message_class) == (200, MessageClass.REPLY)
    sections = Sections(level, AES)
    assert message.payload == sections.encrypt(BODY, 250)
    assert message.extension == sections.encrypt(Extension(channel_id=1).serialize(), 250)


def test_a_reply_without_a_body_is_header_only() -> None:
    peer = authenticated()
    peer.reply(routed(18), status=405)
    (message,) = sent(peer)
    assert (message.header.status, message.header.body_length) == (405, 0)


def test_pushes_have_the_routing_they_are_given() -> None:
    peer = authenticated()
    peer.push(MessageId.ALARM_EVENTS, BODY, channel=251, number=4)
    (message,) = sent(peer)
    assert (message.header.channel, message.header.number, message.header.status) == (251, 4, 200)
    assert message.payload == AES.encrypt(BODY)


def test_full_aes_marks_and_encrypts_the_first_message_of_each_packet() -> None:
    peer, preview = authenticated(), routed(3)
    picture = b"00dc" + bytes(range(256)) * 400
    for _ in range(2):
        peer.send_media(preview, picture, starts_packet=True)
        first, *rest = sent(peer)
        extension = Extension.parse(AES.decrypt(first.extension))
        assert extension == Extension(
            encrypt_len=len(first.payload), binary_data=True, check_pos=0, check_value=1667510320
        )
        assert [message.extension for message in rest] == [b"", b""]
        data = AES.decrypt(first.payload) + b"".join(message.payload for message in rest)
        assert data == picture
        assert max(m.header.body_length for m in [first, *rest]) <= MAX_MEDIA_BODY_LENGTH
        assert {m.header.routing for m in [first, *rest]} == {preview.routing}


@pytest.mark.parametrize("level", [Encryption.NONE, Encryption.BC, Encryption.AES])
def test_other_levels_mark_the_first_message_only_and_send_clear(level: Encryption) -> None:
    peer, preview = authenticated(level), routed(3)
    peer.send_media(preview, b"1002info", starts_packet=True)
    peer.send_media(preview, b"00dc" + bytes(50_000), starts_packet=True)
    first, *rest = sent(peer)
    text = Sections(level, AES).decrypt_xml(first.extension, 250)
    assert Extension.parse(text) == Extension(binary_data=True)
    assert first.payload == b"1002info"
    assert [message.extension for message in rest] == [b"", b""]
    assert [len(message.payload) for message in rest] == [40_000, 10_004]


def test_continued_packets_are_clear_and_unmarked() -> None:
    peer, preview = authenticated(), routed(3)
    peer.send_media(preview, b"00dc", starts_packet=True)
    peer.data_to_send()
    peer.send_media(preview, memoryview(b"more"), starts_packet=False)
    (message,) = sent(peer)
    assert (message.extension, message.payload) == (b"", b"more")


def test_a_preview_that_starts_again_is_marked_again() -> None:
    peer = authenticated(Encryption.BC)
    for _ in range(2):
        (event,) = peer.receive_data(request(3, xor(BODY, 250)))
        assert isinstance(event, Requested)
        peer.send_media(event.header, b"1002", starts_packet=True)
        assert sent(peer)[0].extension != b""


@pytest.mark.parametrize("level", Encryption)
def test_every_part_of_a_snapshot_is_marked(level: Encryption) -> None:
    peer, snapshot = authenticated(level), routed(109)
    sections = Sections(level, AES)
    for data, status in ((b"one", 200), (b"two", 200), (b"", 201)):
        peer.send_binary_part(snapshot, data, status=status)
        (message,) = sent(peer)
        extension = Extension.parse(sections.decrypt_xml(message.extension, 250))
        assert extension.binary_data
        assert message.header.status == status
        length = extension.encrypt_len or 0
        assert sections.decrypt_binary(message.payload, length) == data
        assert (length > 0) == (level is Encryption.FULL_AES and data != b"")


def test_a_part_beyond_what_cameras_send_is_our_bug() -> None:
    with pytest.raises(LocalProtocolError, match="40001"):
        authenticated().send_binary_part(Header(109), bytes(40_001))


@pytest.mark.parametrize("level", Encryption)
def test_talk_is_binary_also_without_a_second_mark(level: Encryption) -> None:
    peer = authenticated(level)
    extension = Extension(binary_data=True, channel_id=0)
    marked = Sections(level, AES).encrypt(extension.serialize(), 250)
    events = peer.receive_data(request(202, b"01wb", marked) + request(202, b"more"))
    header = Message.compose(routed(202), marked, b"01wb").header
    assert events[0] == BinaryReceived(202, header, extension, b"01wb")
    assert isinstance(events[1], BinaryReceived)
    assert events[1].data == b"more"


def test_undecipherable_requests_are_answered_400() -> None:
    peer = authenticated()
    (event,) = peer.receive_data(request(80, b"noise" * 9))
    assert isinstance(event, ProtocolTrouble)
    assert sent(peer)[0].header.status == 400


def test_damage_is_reported() -> None:
    peer = authenticated()
    events = peer.receive_data(b"garbage" + Header(80, 0xFFFFFFFF).serialize() + request(80))
    assert [type(event) for event in events] == [Resynchronized, Requested]


def test_bodies_stay_out_of_the_repr() -> None:
    assert "secret" not in repr(Requested(117, Header(117), None, b"<key>secret</key>"))


@settings(max_examples=100)
@given(st.data())
def test_nothing_a_client_sends_raises(data: st.DataObject) -> None:
    session = greeting() + login() + request(3, xor(BODY, 250)) + request(80) + request(93)
    stream = bytearray(session)
    for position in data.draw(st.lists(st.integers(0, len(stream) - 1), max_size=8)):
        stream[position] = data.draw(st.integers(0, 255))
    whole, pieces = server(), server()
    size = data.draw(st.integers(1, 300))
    expected = whole.receive_data(stream)
    events = [
        event
        for start in range(0, len(stream), size)
        for event in pieces.receive_data(stream[start : start + size])
    ]
    assert events == expected
    assert pieces.data_to_send() == whole.data_to_send()
