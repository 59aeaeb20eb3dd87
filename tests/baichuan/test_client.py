"""The client's engine against hand-made cameras: events, numbers, and what it survives."""

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neolink.baichuan.client import ClientProtocol
from neolink.baichuan.crypto import AesCipher, Encryption, session_key, xor
from neolink.baichuan.events import (
    Event,
    LoggedIn,
    LoginRefused,
    MediaBytes,
    ProtocolTrouble,
    Pushed,
    Reply,
    Resynchronized,
)
from neolink.baichuan.header import Header
from neolink.baichuan.ids import (
    MAX_CLIENT_BODY_LENGTH,
    MAX_XML_LENGTH,
    MessageClass,
    MessageId,
    Status,
)
from neolink.baichuan.login import Credentials
from neolink.baichuan.message import Message, MessageReader
from neolink.baichuan.sections import Sections
from neolink.baichuan.xml import Extension, parse_body, serialize_body
from neolink.baichuan.xml.login import DeviceInfo, EncryptionBody
from neolink.baichuan.xml.streams import Preview
from neolink.errors import LocalProtocolError, LoginRefusal, RemoteProtocolError

NONCE = "0-AhnEZyUg6eKrJFIWgXPF"
CREDENTIALS = Credentials("admin", "123456")
SECTIONS = Sections(Encryption.FULL_AES, AesCipher(session_key(NONCE, "123456")))
BODY = serialize_body(Preview(0, 0, "mainStream"))
TEXT = BODY.strip()
MARK = Extension(binary_data=True)
PICTURE = b"00dcH264" + bytes(range(256)) * 4


def sent(
    message_id: int,
    body: bytes = b"",
    *,
    extension: Extension | None = None,
    number: int = 0,
    status: int = 200,
    channel: int = 0,
    is_clear: bool = False,
) -> bytes:
    """Give a camera's message: XML encrypted at FULL_AES, ``is_clear`` for binary."""
    header = Header(
        message_id, channel=channel, number=number, status=status, message_class=MessageClass.REPLY
    )
    text = SECTIONS.encrypt(extension.serialize(), channel) if extension else b""
    payload = body if is_clear or not body else SECTIONS.encrypt(body, channel)
    return Message.compose(header, text, payload).serialize()


def greeting() -> bytes:
    header = Header(1, status=0xDD12, message_class=MessageClass.LEGACY_REPLY)
    body = serialize_body(EncryptionBody("md5", NONCE))
    return Message.compose(header, payload=xor(body, 0)).serialize()


def acceptance() -> bytes:
    body = xor(serialize_body(DeviceInfo(type="ipc")), 0)
    return sent(1, body, is_clear=True)


def logged_in(*, strict: bool = False) -> ClientProtocol:
    client = ClientProtocol(CREDENTIALS, strict=strict)
    client.start_login()
    client.receive_data(greeting())
    (event,) = client.receive_data(acceptance())
    assert isinstance(event, LoggedIn)
    client.data_to_send()
    return client


def messages(data: bytes) -> list[Message]:
    found = MessageReader(strict=True).feed(data)
    return [message for message in found if isinstance(message, Message)]


def previewing() -> tuple[ClientProtocol, int]:
    client = logged_in()
    number = client.request(MessageId.PREVIEW_START, body=BODY)
    client.receive_data(sent(3, b"1002info", extension=MARK, number=number, is_clear=True))
    return client, number


def test_the_login_goes_greeting_nonce_credentials_verdict() -> None:
    client = ClientProtocol(CREDENTIALS)
    client.start_login()
    (first,) = messages(client.data_to_send())
    assert (first.header.status, first.header.message_class) == (0xDC12, 0x6514)
    assert client.receive_data(greeting()) == []
    (second,) = messages(client.data_to_send())
    assert (second.header.number, second.header.message_class) == (first.header.number, 0x6414)
    assert (client.is_logged_in, client.encryption) == (False, Encryption.NONE)
    (event,) = client.receive_data(acceptance())
    assert isinstance(event, LoggedIn)
    assert event.body.get(DeviceInfo) == DeviceInfo(type="ipc")
    assert (client.is_logged_in, client.encryption) == (True, Encryption.FULL_AES)


def test_a_refusal_is_an_event() -> None:
    client = ClientProtocol(CREDENTIALS)
    client.start_login()
    client.receive_data(greeting())
    assert client.receive_data(sent(1, status=401)) == [
        LoginRefused(LoginRefusal.WRONG_CREDENTIALS, 401)
    ]
    assert not client.is_logged_in


def test_a_broken_login_raises_with_the_position() -> None:
    client = ClientProtocol(CREDENTIALS)
    client.start_login()
    with pytest.raises(RemoteProtocolError) as caught:
        client.receive_data(sent(1, b"noise" * 20, status=0xDD12, is_clear=True))
    assert caught.value.offset == 0


def test_requests_before_the_login_are_our_bug() -> None:
    client = ClientProtocol(CREDENTIALS)
    with pytest.raises(LocalProtocolError):
        client.request(MessageId.PING)


def test_a_request_is_encrypted_and_numbered() -> None:
    client = logged_in()
    number = client.request(
        MessageId.PREVIEW_START,
        extension=Extension(channel_id=2),
        body=BODY,
        channel=3,
        stream_type=1,
    )
    (message,) = messages(client.data_to_send())
    header = message.header
    assert (header.message_id, header.channel, header.stream_type) == (3, 3, 1)
    assert (header.number, header.status, header.message_class) == (number, 0, 0x6414)
    assert message.extension == SECTIONS.encrypt(Extension(channel_id=2).serialize(), 3)
    assert message.payload == SECTIONS.encrypt(BODY, 3)
    assert client.data_to_send() == b""


def test_a_body_that_makes_cameras_hang_up_is_our_bug() -> None:
    client = logged_in()
    with pytest.raises(LocalProtocolError, match="40001"):
        client.send_binary(67, 5, bytes(MAX_CLIENT_BODY_LENGTH + 1))


def test_binary_data_of_a_client_is_clear_behind_an_encrypted_extension() -> None:
    client = logged_in()
    client.send_binary(MessageId.TALK_DATA, 8, PICTURE, replace(MARK, channel_id=0))
    (message,) = messages(client.data_to_send())
    assert message.payload == PICTURE
    assert SECTIONS.decrypt_xml(message.extension, 0).startswith(b"<?xml")
    assert message.extension[:5] != b"<?xml"


def test_a_reply_carries_the_decrypted_body() -> None:
    client = logged_in()
    number = client.request(MessageId.PING)
    extension = Extension(channel_id=1)
    data = sent(93, BODY, extension=extension, number=number, channel=7)
    assert client.receive_data(data) == [Reply(93, number, 200, 7, extension, TEXT)]


def test_a_header_only_reply_has_no_body() -> None:
    client = logged_in()
    number = client.request(MessageId.PING)
    assert client.receive_data(sent(93, number=number, status=405)) == [Reply(93, number, 405, 0)]


def test_replies_may_come_in_bc_or_clear() -> None:
    client = logged_in()
    for section in (BODY, xor(BODY, 9)):
        data = sent(93, section, number=2, channel=9, is_clear=True)
        assert client.receive_data(data) == [Reply(93, 2, 200, 9, None, TEXT)]


def test_bodies_stay_out_of_the_repr() -> None:
    assert "secret" not in repr(Reply(116, 1, 200, 0, None, b"<key>secret</key>"))


def test_pushes_are_told_from_replies_by_id_and_number() -> None:
    client = logged_in()
    number = client.request(MessageId.BATTERY_LIST)
    pushed = sent(252, BODY)
    assert client.receive_data(pushed) == [Pushed(252, 0, 200, 0, None, TEXT)]
    assert client.receive_data(sent(252, BODY, number=number)) == [
        Reply(252, number, 200, 0, None, TEXT)
    ]
    assert client.receive_data(sent(252, BODY, number=number)) == [
        Pushed(252, number, 200, 0, None, TEXT)
    ]


@pytest.mark.parametrize("status", [0, 200])
def test_a_keepalive_of_the_camera_is_answered(status: int) -> None:
    client = logged_in()
    assert client.receive_data(sent(234, number=77, status=status)) == [Pushed(234, 77, status, 0)]
    (answer,) = messages(client.data_to_send())
    assert answer.header == Header(234, number=77, status=200)


@pytest.mark.parametrize("status", [200, 405])
def test_the_answer_to_our_keepalive_is_not_answered(status: int) -> None:
    client = logged_in()
    number = client.request(MessageId.UDP_KEEPALIVE)
    client.data_to_send()
    assert client.receive_data(sent(234, number=number, status=status)) == [
        Reply(234, number, status, 0)
    ]
    assert client.data_to_send() == b""


def test_a_refused_keepalive_is_not_answered() -> None:
    client = logged_in()
    client.receive_data(sent(234, number=3, status=405))
    assert client.data_to_send() == b""


def test_a_preview_begins_with_a_reply_and_goes_on_with_media() -> None:
    client = logged_in()
    number = client.request(MessageId.PREVIEW_START, body=BODY)
    first = sent(3, b"1002info", extension=MARK, number=number, is_clear=True)
    assert client.receive_data(first) == [
        Reply(3, number, 200, 0, MARK),
        MediaBytes(3, number, b"1002info"),
    ]
    assert client.receive_data(sent(3, PICTURE, number=number, is_clear=True)) == [
        MediaBytes(3, number, PICTURE)
    ]


def test_an_extension_alone_begins_a_preview_too() -> None:
    client = logged_in()
    number = client.request(MessageId.PREVIEW_START, body=BODY)
    assert client.receive_data(sent(3, extension=MARK, number=number)) == [
        Reply(3, number, 200, 0, MARK)
    ]


@pytest.mark.parametrize("encrypted_length", [16, 1024, len(PICTURE)])
def test_encrypted_media_is_decrypted(encrypted_length: int) -> None:
    client, number = previewing()
    payload = SECTIONS.encrypt_binary(PICTURE[:encrypted_length]) + PICTURE[encrypted_length:]
    extension = replace(MARK, encrypt_len=encrypted_length, check_pos=0, check_value=1667510320)
    data = sent(3, payload, extension=extension, number=number, is_clear=True)
    assert client.receive_data(data) == [MediaBytes(3, number, PICTURE)]


def test_a_refused_preview_is_a_reply() -> None:
    client = logged_in()
    number = client.request(MessageId.PREVIEW_START, body=BODY)
    assert client.receive_data(sent(3, number=number, status=400)) == [Reply(3, number, 400, 0)]


def test_xml_on_a_preview_number_is_a_reply() -> None:
    client, number = previewing()
    assert client.receive_data(sent(3, BODY, number=number)) == [
        Reply(3, number, 200, 0, None, TEXT)
    ]
    assert client.receive_data(sent(3, PICTURE, number=number, status=400, is_clear=True)) == [
        Reply(3, number, 400, 0)
    ]


def test_media_behind_a_released_preview_is_still_media() -> None:
    client, number = previewing()
    client.release(3, number)
    assert client.receive_data(sent(3, PICTURE, number=number, is_clear=True)) == [
        MediaBytes(3, number, PICTURE)
    ]


def test_a_preview_is_stopped_under_its_number() -> None:
    client, number = previewing()
    client.data_to_send()
    assert client.request(MessageId.PREVIEW_STOP, body=BODY, number=number) == number
    assert client.receive_data(sent(4, number=number)) == [Reply(4, number, 200, 0)]


def test_a_snapshot_under_a_foreign_number_is_media_of_that_number() -> None:
    client = logged_in()
    number = client.request(MessageId.SNAPSHOT, body=BODY)
    foreign = number + 1000
    events = client.receive_data(
        sent(109, BODY, number=number)
        + sent(109, b"\xff\xd8 one", extension=MARK, number=foreign, is_clear=True)
        + sent(109, b" two", number=foreign, is_clear=True)
        + sent(109, b" end", extension=MARK, number=foreign, status=201, is_clear=True)
    )
    assert events == [
        Reply(109, number, 200, 0, None, TEXT),
        MediaBytes(109, foreign, b"\xff\xd8 one"),
        MediaBytes(109, foreign, b" two"),
        MediaBytes(109, foreign, b" end"),
        Reply(109, foreign, 201, 0, MARK),
    ]


def test_an_empty_last_part_is_a_reply() -> None:
    client = logged_in()
    client.request(MessageId.SNAPSHOT, body=BODY)
    assert client.receive_data(sent(109, extension=MARK, number=1, status=201)) == [
        Reply(109, 1, 201, 0, MARK)
    ]


def test_the_end_of_a_transfer_ends_binary_mode() -> None:
    client = logged_in()
    client.receive_data(
        sent(202, PICTURE, extension=MARK, number=6, is_clear=True)
        + sent(202, extension=MARK, number=6, status=Status.FINISHED)
    )
    (event,) = client.receive_data(sent(202, PICTURE, number=6, is_clear=True))
    assert isinstance(event, ProtocolTrouble)


def test_numbers_count_on_wrap_and_skip_those_in_use() -> None:
    client, number = previewing()
    assert number == 1
    client._number = 0xFFFE
    held = client.request(MessageId.ALARM_SUBSCRIBE)
    assert held == 0xFFFF
    assert client.request(MessageId.PING) == 2
    client._number = 0xFFFE
    assert client.request(MessageId.PING) == 3
    client.release(MessageId.ALARM_SUBSCRIBE, held)
    client._number = 0xFFFE
    assert client.request(MessageId.PING) == held


def test_running_out_of_numbers_is_told() -> None:
    client = logged_in()
    client._unanswered = {(93, number) for number in range(0x10000)}
    with pytest.raises(LocalProtocolError, match="in use"):
        client.request(MessageId.PING)


DOCTYPE = b'<?xml version="1.0"?><!DOCTYPE body SYSTEM "file:///etc/passwd"><body/>'
BAD = {
    "doctype": sent(80, DOCTYPE),
    "noise": sent(80, bytes(range(100)), is_clear=True),
    "too-long": sent(80, TEXT.ljust(MAX_XML_LENGTH + 1), is_clear=True),
    "bad-extension": Message.compose(
        Header(80, status=200, message_class=0), b'<?xml version="1.0"?><Extension><a>'
    ).serialize(),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_a_single_bad_message_is_skipped(bad: bytes) -> None:
    client = logged_in()
    ping = sent(93, BODY, number=2)
    trouble, reply = client.receive_data(bad + ping)
    assert isinstance(trouble, ProtocolTrouble)
    assert trouble.message_id == 80
    assert trouble.offset == len(greeting()) + len(acceptance())
    assert reply == Reply(93, 2, 200, 0, None, TEXT)


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_strict_raises_for_a_single_bad_message(bad: bytes) -> None:
    client = logged_in(strict=True)
    with pytest.raises(RemoteProtocolError, match="at byte"):
        client.receive_data(bad)


def test_garbage_between_messages_is_counted() -> None:
    client = logged_in()
    ping = sent(93, BODY, number=2)
    events = client.receive_data(ping + b"garbage" + Header(3, 0xFFFFFFFF).serialize() + ping)
    reply = Reply(93, 2, 200, 0, None, TEXT)
    assert [type(event) for event in events] == [Reply, Resynchronized, Reply]
    assert events[0] == events[2] == reply
    assert (client.resynchronizations, client.discarded_bytes) == (1, 7 + 24)
    assert client.messages_received == 4


def test_the_end_of_the_stream_inside_a_message_is_reported() -> None:
    client = logged_in()
    assert client.receive_eof() == []
    client.receive_data(sent(93, BODY)[:-1])
    (event,) = client.receive_eof()
    assert isinstance(event, Resynchronized)


def session_of_a_camera() -> bytes:
    encrypted = replace(MARK, encrypt_len=len(PICTURE))
    return b"".join(
        [
            sent(78, BODY),
            sent(79, BODY),
            sent(3, b"1002info", extension=MARK, number=1, is_clear=True),
            sent(3, SECTIONS.encrypt_binary(PICTURE), extension=encrypted, number=1, is_clear=True),
            sent(33, BODY),
            sent(3, PICTURE, number=1, is_clear=True),
            b"damage",
            sent(109, BODY, number=2),
            sent(109, b"jpeg", extension=MARK, number=9, is_clear=True),
            sent(109, extension=MARK, number=9, status=201),
            sent(80, DOCTYPE, number=3),
            sent(234, number=5),
        ]
    )


def run(pieces: list[bytes]) -> tuple[list[Event], bytes]:
    client = logged_in()
    client.request(MessageId.PREVIEW_START, body=BODY)
    client.request(MessageId.SNAPSHOT, body=BODY)
    events = [event for piece in pieces for event in client.receive_data(piece)]
    return events, client.data_to_send()


@settings(max_examples=50)
@given(st.integers(1, 2000))
def test_any_chunking_of_a_session_gives_the_same_events(size: int) -> None:
    data = session_of_a_camera()
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    assert run(pieces) == run([data])


@settings(max_examples=150)
@given(st.data())
def test_mutated_bytes_raise_only_remote_protocol_errors(data: st.DataObject) -> None:
    stream = bytearray(greeting() + acceptance() + session_of_a_camera())
    for position in data.draw(st.lists(st.integers(0, len(stream) - 1), min_size=1, max_size=8)):
        stream[position] = data.draw(st.integers(0, 255))
    client = ClientProtocol(CREDENTIALS, strict=data.draw(st.booleans()))
    client.start_login()
    with suppress(RemoteProtocolError):
        client.receive_data(bytes(stream))
        client.receive_eof()


def test_events_of_a_session_parse_as_bodies() -> None:
    events, _ = run([session_of_a_camera()])
    pushed = next(event for event in events if isinstance(event, Pushed))
    assert parse_body(pushed.body).get(Preview) == Preview(0, 0, "mainStream")
