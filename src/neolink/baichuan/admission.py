"""The camera's side of the login: greet, give the nonce, verify the credentials.

The mirror of :mod:`neolink.baichuan.login`; used by simulated cameras. Messages in, answers and a
verdict out. Protocol reference, sections 2.1 to 2.3 and 8.4.
"""

from dataclasses import dataclass
from hmac import compare_digest

from neolink.baichuan.crypto import AesCipher, Encryption, login_hash, session_key
from neolink.baichuan.header import Header
from neolink.baichuan.ids import MessageClass, MessageId, Status
from neolink.baichuan.login import Credentials, LegacyLogin
from neolink.baichuan.message import Message
from neolink.baichuan.sections import Sections
from neolink.baichuan.xml import parse_body, serialize_body
from neolink.baichuan.xml.login import EncryptionBody, LoginUser
from neolink.errors import RemoteProtocolError

__all__ = ["Admission", "ClientAuthenticated", "ClientRefused"]


@dataclass(frozen=True, slots=True)
class ClientAuthenticated:
    """The credentials were right; the caller answers ``request`` with ``accept_login``."""

    request: Header
    encryption: Encryption


@dataclass(frozen=True, slots=True)
class ClientRefused:
    """A login was refused; the answer with this status is already queued."""

    status: int


class Admission:
    """Decides about the logins of one connection.

    ``sections`` has the ciphers of the session. Until a greeting was received they only read.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        nonce: str,
        encryption: Encryption,
        refuse: int | None,
        wrong_credentials_status: int,
        accept_legacy: bool,
    ) -> None:
        self._credentials = credentials
        self._nonce = nonce
        self._max_encryption = encryption
        self._refusal = refuse
        self._wrong_credentials_status = wrong_credentials_status
        self._accept_legacy = accept_legacy
        # Reading knows the key at any level: some clients use AES whatever was negotiated.
        self._aes = AesCipher(session_key(nonce, credentials.password))
        self.sections = Sections(Encryption.NONE, self._aes)
        self._has_greeted = False
        self._is_authenticated = False

    @property
    def is_authenticated(self) -> bool:
        """Whether right credentials were received."""
        return self._is_authenticated

    def receive(self, message: Message) -> Message | ClientAuthenticated | ClientRefused:
        """Take a message with id 1; a Message is the answer to send.

        After :class:`ClientRefused` the caller answers with its status.
        """
        if message.header.message_class == MessageClass.LEGACY_REQUEST:
            return self._receive_greeting(message)
        if not self._has_greeted:
            return ClientRefused(Status.BAD_REQUEST)
        if self._refusal is not None:
            return ClientRefused(self._refusal)
        try:
            is_right = self._verify(message)
        except RemoteProtocolError:
            return ClientRefused(Status.BAD_REQUEST)
        if not is_right:
            return ClientRefused(self._wrong_credentials_status)
        self._is_authenticated = True
        return ClientAuthenticated(message.header, self.sections.encryption)

    def acceptance(self, request: Header, body: bytes) -> Message:
        """Give the answer that lets the client in."""
        return self._answer(request, Status.OK, MessageClass.REPLY, body)

    def _receive_greeting(self, message: Message) -> Message | ClientRefused:
        if message.payload and not self._is_legacy_login(bytes(message.payload)):
            return ClientRefused(Status.BAD_REQUEST)
        # A code nobody documented gets the level that every client knows.
        wanted = Encryption.from_request(message.header.status)
        level = min(self._max_encryption, Encryption.BC if wanted is None else wanted)
        self.sections = Sections(level, self._aes)
        self._has_greeted = True
        body = serialize_body(EncryptionBody("md5", self._nonce))
        return self._answer(message.header, level.reply_code, MessageClass.LEGACY_REPLY, body)

    def _is_legacy_login(self, payload: bytes) -> bool:
        """Whether this is the full legacy form, whose hashes no camera needs to look at."""
        try:
            LegacyLogin.parse(payload)
        except RemoteProtocolError:
            return False
        return self._accept_legacy

    def _verify(self, message: Message) -> bool:
        text = self.sections.decrypt_xml(message.payload, message.header.channel)
        user = parse_body(text).get(LoginUser)
        if user is None:
            raise RemoteProtocolError("login: expected LoginUser, got none")
        pairs = (
            (user.user_name, self._credentials.username),
            (user.password, self._credentials.password),
        )
        same = [
            compare_digest((got or "").encode(), login_hash(text, self._nonce).encode())
            for got, text in pairs
        ]
        return all(same)

    def _answer(
        self, request: Header, status: int, message_class: MessageClass, body: bytes
    ) -> Message:
        """Echo bytes 12 to 15; no answer of the login is encrypted beyond BC."""
        sections = Sections(min(self.sections.encryption, Encryption.BC))
        header = Header(
            MessageId.LOGIN,
            channel=request.channel,
            stream_type=request.stream_type,
            number=request.number,
            status=status,
            message_class=message_class,
        )
        return Message.compose(header, payload=sections.encrypt(body, request.channel))
