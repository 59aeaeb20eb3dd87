"""The camera's end of a connection: a client's requests in, replies, pushes and media out.

Framing, login and encryption only, for simulated cameras; what a camera answers is the caller's.
Protocol reference, sections 1.4 to 1.8, 2, 3.7 and 8. Only classes 0x6614 and 0x0000 are sent.
"""

from dataclasses import dataclass, field, replace

from neolink.baichuan.admission import Admission, ClientAuthenticated, ClientRefused
from neolink.baichuan.crypto import Encryption
from neolink.baichuan.events import ProtocolTrouble
from neolink.baichuan.header import Header
from neolink.baichuan.ids import (
    MAX_MEDIA_BODY_LENGTH,
    MAX_XML_LENGTH,
    MessageClass,
    MessageId,
    Status,
)
from neolink.baichuan.login import Credentials
from neolink.baichuan.message import Message, MessageReader, Resynchronized
from neolink.baichuan.payloads import PayloadReader
from neolink.baichuan.xml import Extension
from neolink.errors import LocalProtocolError, RemoteProtocolError

__all__ = [
    "BinaryReceived",
    "ClientAuthenticated",
    "ClientRefused",
    "Requested",
    "ServerEvent",
    "ServerProtocol",
]

_EXTENSION_ROOM = 256  # bytes of a media message kept free for its Extension


@dataclass(frozen=True, slots=True)
class Requested:
    """A request of an authenticated client. ``body`` is decrypted XML, or empty.

    A client's answer to a pushed keep-alive (234) looks like a request and comes as one.
    """

    message_id: int
    header: Header
    extension: Extension | None
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class BinaryReceived:
    """Binary data of an authenticated client (talk, firmware)."""

    message_id: int
    header: Header
    extension: Extension | None
    data: bytes = field(repr=False)


ServerEvent = (
    ClientAuthenticated
    | ClientRefused
    | Requested
    | BinaryReceived
    | Resynchronized
    | ProtocolTrouble
)


class ServerProtocol:
    """One connection of a client to a camera with the given ``credentials``.

    ``encryption`` is the strongest level the camera wants; ``refuse`` is a status to refuse every
    login with. Requests before the login are answered 401 and not reported. Every reply echoes
    bytes 12 to 15 of its request.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        nonce: str,
        encryption: Encryption = Encryption.FULL_AES,
        refuse: int | None = None,
        wrong_credentials_status: int = Status.UNAUTHORIZED,
        accept_legacy: bool = True,
    ) -> None:
        self._admission = Admission(
            credentials,
            nonce=nonce,
            encryption=encryption,
            refuse=refuse,
            wrong_credentials_status=wrong_credentials_status,
            accept_legacy=accept_legacy,
        )
        self._reader = MessageReader(max_body_length=MAX_XML_LENGTH)
        self._payloads = PayloadReader(self._admission.sections)
        self._marked: set[tuple[int, int]] = set()  # media whose first message went out
        self._output: list[bytes] = []

    @property
    def is_authenticated(self) -> bool:
        """Whether a login with the right credentials was received."""
        return self._admission.is_authenticated

    @property
    def encryption(self) -> Encryption:
        """The level that was negotiated; NONE before the greeting."""
        return self._payloads.sections.encryption

    def data_to_send(self) -> bytes:
        """Take the bytes that are to be sent; whole messages."""
        output, self._output = self._output, []
        return b"".join(output)

    def receive_data(self, data: bytes | bytearray | memoryview) -> list[ServerEvent]:
        """Take bytes from the client; give what they mean. Raises nothing."""
        events: list[ServerEvent] = []
        for item in self._reader.feed(data):
            event = self._receive(item) if isinstance(item, Message) else item
            if event is not None:
                events.append(event)
        return events

    def accept_login(self, request: Header, body: bytes) -> None:
        """Answer a :class:`ClientAuthenticated` with the body that describes the camera."""
        self._output.append(self._admission.acceptance(request, body).serialize())

    def reply(
        self,
        header: Header,
        *,
        status: int = Status.OK,
        body: bytes = b"",
        extension: Extension | None = None,
    ) -> None:
        """Answer the request with this header; without a body, header-only."""
        sections = self._payloads.sections
        payload = sections.encrypt(body, header.channel) if body else b""
        self._send(header, status, extension, payload)

    def push(
        self,
        message_id: int,
        body: bytes,
        *,
        channel: int = 0,
        number: int = 0,
        status: int = Status.OK,
    ) -> None:
        """Send a message nobody asked for."""
        self.reply(Header(message_id, channel=channel, number=number), status=status, body=body)

    def send_media(self, header: Header, data: bytes | memoryview, *, starts_packet: bool) -> None:
        """Send media that belongs to the request with this header, in as many messages as needed.

        The first message ever carries the mark of binary mode. With FULL_AES the first message of
        every BcMedia packet is encrypted and says so; the rest of the packet goes clear.
        """
        is_encrypted = starts_packet and self.encryption is Encryption.FULL_AES
        start = 0
        while start < len(data):
            has_extension = is_encrypted or (header.message_id, header.number) not in self._marked
            room = MAX_MEDIA_BODY_LENGTH - (_EXTENSION_ROOM if has_extension else 0)
            part = bytes(data[start : start + room])
            if has_extension:
                self._send_marked(header, part, Status.OK, is_encrypted=is_encrypted)
            else:
                self._send(header, Status.OK, payload=part)
            is_encrypted = False
            start += room

    def send_binary_part(self, header: Header, data: bytes, *, status: int = Status.OK) -> None:
        """Send one part of a snapshot or a download; every part is marked, also an empty one."""
        if len(data) > MAX_MEDIA_BODY_LENGTH:
            raise LocalProtocolError(
                f"message {header.message_id}: expected a part of at most "
                f"{MAX_MEDIA_BODY_LENGTH} bytes, got {len(data)}"
            )
        is_encrypted = bool(data) and self.encryption is Encryption.FULL_AES
        self._send_marked(header, data, status, is_encrypted=is_encrypted)

    def _receive(self, message: Message) -> ServerEvent | None:
        header = message.header
        if header.message_id == MessageId.LOGIN:
            return self._receive_login(message)
        if not self._admission.is_authenticated:
            self._send(header, Status.UNAUTHORIZED)
            return None
        try:
            content = self._payloads.read(message)
            extension = Extension.parse(content.extension) if content.extension else None
        except RemoteProtocolError as error:
            self._send(header, Status.BAD_REQUEST)
            return ProtocolTrouble(header.message_id, message.offset, str(error))
        if content.is_binary:
            return BinaryReceived(header.message_id, header, extension, content.body)
        self._marked.discard((header.message_id, header.number))
        return Requested(header.message_id, header, extension, content.body)

    def _receive_login(self, message: Message) -> ServerEvent | None:
        step = self._admission.receive(message)
        if isinstance(step, Message):
            self._payloads.sections = self._admission.sections
            self._output.append(step.serialize())
            return None
        if isinstance(step, ClientRefused):
            self._send(message.header, step.status)
        return step

    def _send_marked(self, header: Header, data: bytes, status: int, *, is_encrypted: bool) -> None:
        """Send binary data with the Extension that says so."""
        self._marked.add((header.message_id, header.number))
        extension = Extension(binary_data=True)
        if is_encrypted:
            probe = int.from_bytes(data[:4], "little", signed=True)
            extension = replace(extension, encrypt_len=len(data), check_pos=0, check_value=probe)
            data = self._payloads.sections.encrypt_binary(data)
        self._send(header, status, extension, data)

    def _send(
        self,
        request: Header,
        status: int,
        extension: Extension | None = None,
        payload: bytes = b"",
    ) -> None:
        text = b""
        if extension is not None:
            text = self._payloads.sections.encrypt(extension.serialize(), request.channel)
        header = replace(
            request,
            status=status,
            message_class=MessageClass.REPLY,
            lacks_payload_offset=False,
        )
        self._output.append(Message.compose(header, text, payload).serialize())
