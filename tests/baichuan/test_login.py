"""The client's side of the login, answer by answer, and the legacy body."""

from hashlib import md5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neolink.baichuan.crypto import AesCipher, Encryption, session_key, xor
from neolink.baichuan.events import LoggedIn, LoginRefused
from neolink.baichuan.header import Header
from neolink.baichuan.ids import MessageClass, MessageId
from neolink.baichuan.login import Credentials, LegacyLogin, LoginExchange
from neolink.baichuan.message import Message
from neolink.baichuan.xml import parse_body, serialize_body
from neolink.baichuan.xml.login import DeviceInfo, EncryptionBody, LoginNet, LoginUser
from neolink.errors import LocalProtocolError, LoginRefusal, RemoteProtocolError

NONCE = "9E6D1FCB9E69846D"
CREDENTIALS = Credentials("admin", "123456")
DEVICE = serialize_body(DeviceInfo(type="ipc"))


def greeting_reply(
    code: int = 0xDD12, nonce: str | None = NONCE, *, is_clear: bool = False, channel: int = 0
) -> Message:
    text = serialize_body(EncryptionBody("md5", nonce))
    return Message.compose(
        Header(1, channel=channel, status=code, message_class=MessageClass.LEGACY_REPLY),
        payload=text if is_clear else xor(text, channel),
    )


def verdict(status: int = 200, body: bytes = xor(DEVICE, 0)) -> Message:
    return Message.compose(Header(1, status=status, message_class=MessageClass.REPLY), payload=body)


def begun(max_encryption: Encryption = Encryption.FULL_AES) -> LoginExchange:
    exchange = LoginExchange(CREDENTIALS, max_encryption)
    exchange.start()
    return exchange


def halfway(code: int = 0xDD12) -> LoginExchange:
    exchange = begun()
    assert isinstance(exchange.receive(greeting_reply(code)), Message)
    return exchange


def test_the_password_stays_out_of_the_repr() -> None:
    assert "123456" not in repr(CREDENTIALS)
    assert md5(b"123456").hexdigest().upper()[:31] not in repr(LegacyLogin.of(CREDENTIALS))


@pytest.mark.parametrize(
    ("level", "wire"),
    [
        (Encryption.NONE, "00dc"),
        (Encryption.BC, "01dc"),
        (Encryption.AES, "02dc"),
        (Encryption.FULL_AES, "12dc"),
    ],
)
def test_the_greeting_is_an_empty_legacy_login(level: Encryption, wire: str) -> None:
    data = LoginExchange(CREDENTIALS, level, number=5).start().serialize()
    assert data.hex() == "f0debc0a010000000000000000000500" + wire + "1465"


def test_a_login_begins_once() -> None:
    exchange = begun()
    with pytest.raises(LocalProtocolError):
        exchange.start()


@pytest.mark.parametrize("code", [0xDD01, 0xDD02, 0xDD03, 0xDD12])
def test_credentials_are_hashed_and_never_stronger_than_bc(code: int) -> None:
    message = begun().receive(greeting_reply(code, channel=250))
    assert isinstance(message, Message)
    assert message.header.message_class == MessageClass.REQUEST
    body = parse_body(xor(message.payload, message.header.channel))
    assert body.get(LoginUser) == LoginUser(
        "9F07915E819A076E2E14169830769D6", "75F8E580FB8E40537064BBB9729970F", 1
    )
    assert body.get(LoginNet) == LoginNet("LAN", 0)


def test_credentials_are_clear_where_the_camera_wants_no_encryption() -> None:
    message = begun().receive(greeting_reply(0xDD00, is_clear=True))
    assert isinstance(message, Message)
    assert parse_body(message.payload).get(LoginUser) is not None


@pytest.mark.parametrize(
    ("code", "level"),
    [
        (0xDD00, Encryption.NONE),
        (0xDD01, Encryption.BC),
        (0xDD02, Encryption.AES),
        (0xDD03, Encryption.AES),
        (0xDD12, Encryption.FULL_AES),
    ],
)
def test_the_camera_chooses_the_level(code: int, level: Encryption) -> None:
    exchange = halfway(code)
    event = exchange.receive(verdict())
    assert isinstance(event, LoggedIn)
    assert event.encryption is level
    assert event.body.get(DeviceInfo) == DeviceInfo(type="ipc")
    assert exchange.has_ended
    section = exchange.sections.encrypt(DEVICE, 9)
    if level.has_aes:
        assert section == AesCipher(session_key(NONCE, "123456")).encrypt(DEVICE)
    else:
        assert section == (xor(DEVICE, 9) if level else DEVICE)


@pytest.mark.parametrize(
    "body",
    [DEVICE, xor(DEVICE, 0), AesCipher(session_key(NONCE, "123456")).encrypt(DEVICE)],
    ids=["clear", "bc", "aes"],
)
def test_the_verdict_is_read_with_any_cipher(body: bytes) -> None:
    assert isinstance(halfway().receive(verdict(body=body)), LoggedIn)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, LoginRefusal.WRONG_CREDENTIALS),
        (401, LoginRefusal.WRONG_CREDENTIALS),
        (406, LoginRefusal.DEVICE_BOUND),
        (421, LoginRefusal.ACCOUNT_LOCKED),
        (423, LoginRefusal.ACCOUNT_LOCKED),
        (499, LoginRefusal.UNEXPLAINED),
    ],
)
def test_refusals_keep_their_status_at_either_step(status: int, reason: LoginRefusal) -> None:
    expected = LoginRefused(reason, status)
    for exchange in (begun(), halfway()):
        assert exchange.receive(verdict(status, b"")) == expected
        assert exchange.has_ended


def test_success_without_a_description_is_a_refusal() -> None:
    assert halfway().receive(verdict(body=b"")) == LoginRefused(LoginRefusal.EMPTY_ANSWER, 200)


def test_a_description_instead_of_a_nonce_means_legacy_only() -> None:
    answer = verdict(body=b"some undocumented block")
    assert begun().receive(answer) == LoginRefused(LoginRefusal.LEGACY_ONLY, 200)


def test_an_unknown_level_is_a_refusal() -> None:
    assert begun().receive(greeting_reply(0xDD77)) == LoginRefused(LoginRefusal.ENCRYPTION, 0xDD77)


@pytest.mark.parametrize("nonce", [None, ""])
def test_a_greeting_without_a_nonce_is_an_error(nonce: str | None) -> None:
    with pytest.raises(RemoteProtocolError, match="nonce"):
        begun().receive(greeting_reply(nonce=nonce))


def test_answers_that_nothing_asked_for_are_errors() -> None:
    with pytest.raises(RemoteProtocolError):
        LoginExchange(CREDENTIALS, Encryption.BC).receive(greeting_reply())
    exchange = halfway()
    exchange.receive(verdict())
    with pytest.raises(RemoteProtocolError):
        exchange.receive(verdict())


@given(st.binary(max_size=60), st.integers(0, 0xFFFF), st.booleans())
def test_any_answer_raises_only_remote_protocol_errors(
    payload: bytes, status: int, is_halfway: bool
) -> None:
    exchange = halfway() if is_halfway else begun()
    try:
        exchange.receive(Message.compose(Header(MessageId.LOGIN, status=status), payload=payload))
    except RemoteProtocolError:
        assert not exchange.has_ended


def test_the_legacy_body_has_two_fields_and_zeros() -> None:
    body = LegacyLogin.of(CREDENTIALS).serialize()
    assert len(body) == 1836
    assert body[:32] == b"21232F297A57A5A743894A0E4A801FC\0"
    assert body[32:64] == b"E10ADC3949BA59ABBE56E057F20F883\0"
    assert body[64:] == bytes(1772)
    assert LegacyLogin.parse(body) == LegacyLogin.of(CREDENTIALS)


def test_an_empty_legacy_password_is_32_zeros() -> None:
    body = LegacyLogin.of(Credentials("admin")).serialize()
    assert body[32:64] == bytes(32)
    assert LegacyLogin.parse(body).password_hash == ""


@pytest.mark.parametrize("length", [0, 64, 1835, 1837])
def test_a_legacy_body_of_another_length_is_an_error(length: int) -> None:
    with pytest.raises(RemoteProtocolError, match="1836"):
        LegacyLogin.parse(bytes(length))
