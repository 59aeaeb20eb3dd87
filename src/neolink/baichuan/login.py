"""The client's side of the login: greeting, nonce, credentials, verdict.

Also the legacy login body, which both ends know. Messages in, messages or a verdict out; no stream
of bytes here. Protocol reference, sections 2.1 to 2.3 and 2.6. Everything of message 1 is
encrypted with the BC cipher at most, whatever was negotiated.
"""

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Self

from neolink.baichuan.crypto import (
    AesCipher,
    Encryption,
    legacy_hash,
    login_hash,
    session_key,
)
from neolink.baichuan.events import LoggedIn, LoginRefused
from neolink.baichuan.header import Header
from neolink.baichuan.ids import MessageClass, MessageId, Status
from neolink.baichuan.message import Message
from neolink.baichuan.sections import Sections
from neolink.baichuan.xml import parse_body, serialize_body
from neolink.baichuan.xml.login import EncryptionBody, LoginNet, LoginUser
from neolink.errors import LocalProtocolError, LoginRefusal, RemoteProtocolError

__all__ = ["Credentials", "LegacyLogin", "LoginExchange"]

_REFUSALS = {
    400: LoginRefusal.WRONG_CREDENTIALS,
    401: LoginRefusal.WRONG_CREDENTIALS,
    406: LoginRefusal.DEVICE_BOUND,
    421: LoginRefusal.ACCOUNT_LOCKED,
    422: LoginRefusal.TOO_MANY_SESSIONS,  # elsewhere this status means that a resource is taken
    423: LoginRefusal.ACCOUNT_LOCKED,
}
_FIELD_LENGTH = 32
_LEGACY_LENGTH = 1836


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user name and password of a camera; both are plain text of any characters."""

    username: str
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class LegacyLogin:
    """The body of the full legacy login: two hashes in clear (section 2.2, form 2)."""

    user_hash: str = field(repr=False)
    password_hash: str = field(repr=False)

    @classmethod
    def of(cls, credentials: Credentials) -> Self:
        """Hash the credentials the legacy way."""
        return cls(legacy_hash(credentials.username), legacy_hash(credentials.password))

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the 1836 bytes. Raises :class:`RemoteProtocolError` for anything else."""
        if len(data) != _LEGACY_LENGTH:
            raise RemoteProtocolError(
                f"legacy login: expected {_LEGACY_LENGTH} bytes, got {len(data)}"
            )
        fields = data[:_FIELD_LENGTH], data[_FIELD_LENGTH : 2 * _FIELD_LENGTH]
        return cls(*(one.partition(b"\0")[0].decode("ascii", "replace") for one in fields))

    def serialize(self) -> bytes:
        """Give the 1836 bytes."""
        fields = (self.user_hash, self.password_hash)
        return b"".join(one.encode().ljust(_FIELD_LENGTH, b"\0") for one in fields).ljust(
            _LEGACY_LENGTH, b"\0"
        )


class _State(Enum):
    IDLE = auto()
    AWAITING_NONCE = auto()
    AWAITING_VERDICT = auto()
    ENDED = auto()


class LoginExchange:
    """The client's side of one login.

    ``start`` gives the first message; each message with id 1 then goes to ``receive``, which
    answers with the next message to send or with the verdict. After :class:`LoggedIn`,
    ``sections`` has the ciphers of the session.
    """

    def __init__(
        self, credentials: Credentials, max_encryption: Encryption, number: int = 0
    ) -> None:
        self.sections = Sections(Encryption.BC)
        self._credentials = credentials
        self._max_encryption = max_encryption
        self._number = number
        self._nonce = ""
        self._encryption = Encryption.NONE
        self._state = _State.IDLE

    @property
    def has_ended(self) -> bool:
        """Whether the verdict is known."""
        return self._state is _State.ENDED

    def start(self) -> Message:
        """Give the greeting, which asks for the strongest encryption we want."""
        if self._state is not _State.IDLE:
            raise LocalProtocolError("the login has already begun")
        self._state = _State.AWAITING_NONCE
        return Message(
            Header(
                MessageId.LOGIN,
                number=self._number,
                status=self._max_encryption.request_code,
                message_class=MessageClass.LEGACY_REQUEST,
            )
        )

    def receive(self, message: Message) -> Message | LoggedIn | LoginRefused:
        """Take a message with id 1.

        Raises :class:`RemoteProtocolError` for one that has no place in a login.
        """
        match self._state:
            case _State.AWAITING_NONCE:
                return self._receive_nonce(message)
            case _State.AWAITING_VERDICT:
                return self._receive_verdict(message)
        raise RemoteProtocolError("login: got an answer that nothing asked for")

    def _receive_nonce(self, message: Message) -> Message | LoginRefused:
        status = message.header.status
        if status >> 8 != 0xDD:
            return self._refuse(_greeting_refusal(status), status)
        encryption = Encryption.from_reply(status)
        if encryption is None:
            return self._refuse(LoginRefusal.ENCRYPTION, status)
        text = self.sections.decrypt_xml(message.payload, message.header.channel)
        greeting = parse_body(text).get(EncryptionBody)
        if greeting is None or not greeting.nonce:
            raise RemoteProtocolError("login: expected a nonce in the camera's greeting, got none")
        self._nonce = greeting.nonce
        self._encryption = encryption
        self._state = _State.AWAITING_VERDICT
        return self._credentials_message()

    def _credentials_message(self) -> Message:
        user, password = self._credentials.username, self._credentials.password
        text = serialize_body(
            LoginUser(login_hash(user, self._nonce), login_hash(password, self._nonce), 1),
            LoginNet("LAN", 0),
        )
        level = min(self._encryption, Encryption.BC)
        payload = Sections(level).encrypt(text, 0)
        return Message.compose(Header(MessageId.LOGIN, number=self._number), payload=payload)

    def _receive_verdict(self, message: Message) -> LoggedIn | LoginRefused:
        status = message.header.status
        if status != Status.OK:
            return self._refuse(_REFUSALS.get(status, LoginRefusal.UNEXPLAINED), status)
        if not message.payload:
            return self._refuse(LoginRefusal.EMPTY_ANSWER, status)
        aes = AesCipher(session_key(self._nonce, self._credentials.password))
        self.sections = Sections(self._encryption, aes)
        body = parse_body(self.sections.decrypt_xml(message.payload, message.header.channel))
        self._state = _State.ENDED
        return LoggedIn(body, self._encryption)

    def _refuse(self, reason: LoginRefusal, status: int) -> LoginRefused:
        self._state = _State.ENDED
        return LoginRefused(reason, status)


def _greeting_refusal(status: int) -> LoginRefusal:
    """Why a camera answers the greeting without a nonce: with 200 it describes itself instead."""
    if status == Status.OK:
        return LoginRefusal.LEGACY_ONLY
    return _REFUSALS.get(status, LoginRefusal.UNEXPLAINED)
