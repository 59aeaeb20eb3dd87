"""The client's end of a connection to a camera: requests out, events in. Bytes only, no sockets.

It owns the login, the numbering of requests and the matching of replies. What XML bodies mean is
the caller's. Protocol reference, sections 1.4 to 1.8, 2 and 6. Hot path: a media message becomes
one :class:`MediaBytes`, without parsing XML.
"""

from dataclasses import replace

from neolink.baichuan.crypto import Encryption
from neolink.baichuan.events import (
    Event,
    LoggedIn,
    MediaBytes,
    ProtocolTrouble,
    Pushed,
    Reply,
)
from neolink.baichuan.header import Header
from neolink.baichuan.ids import (
    BINARY_IDS,
    MAX_BODY_LENGTH,
    MAX_CLIENT_BODY_LENGTH,
    PUSHES,
    MessageClass,
    MessageId,
    Status,
)
from neolink.baichuan.login import Credentials, LoginExchange
from neolink.baichuan.message import Message, MessageReader
from neolink.baichuan.payloads import Content, PayloadReader
from neolink.baichuan.sections import Sections
from neolink.baichuan.xml import Extension
from neolink.errors import LocalProtocolError, RemoteProtocolError

__all__ = ["ClientProtocol"]

_LAST_NUMBER = 0xFFFF
_ENDS_TRANSFER = frozenset({Status.LAST, Status.FINISHED})
_LOGIN, _BAD_REQUEST = MessageId.LOGIN, Status.BAD_REQUEST  # found 10 times sooner than members
_ASKS = frozenset({Status.REQUEST, Status.OK})  # cameras push with either


class ClientProtocol:
    """One connection, from the login on.

    Feed ``receive_data`` with what the transport delivers and act on the events; after every call
    send what ``data_to_send`` gives. ``strict`` raises :class:`RemoteProtocolError` where the
    tolerant reading would skip damage. A message that breaks the login always raises it.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        max_encryption: Encryption = Encryption.FULL_AES,
        strict: bool = False,
        max_body_length: int = MAX_BODY_LENGTH,
    ) -> None:
        self._strict = strict
        self._reader = MessageReader(strict=strict, max_body_length=max_body_length, lends=True)
        self._payloads = PayloadReader(Sections(Encryption.BC), binary_ids=BINARY_IDS)
        self._login = LoginExchange(credentials, max_encryption)
        self._is_logged_in = False
        self._number = 0
        self._unanswered: set[tuple[int, int]] = set()
        self._extension: tuple[bytes, Extension | None] = b"", None  # the last one parsed
        self._output: list[bytes] = []

    @property
    def is_logged_in(self) -> bool:
        """Whether the camera accepted the login."""
        return self._is_logged_in

    @property
    def encryption(self) -> Encryption:
        """The level the camera chose; NONE before it did."""
        return self._payloads.sections.encryption if self._is_logged_in else Encryption.NONE

    @property
    def messages_received(self) -> int:
        """Complete messages so far."""
        return self._reader.messages_received

    @property
    def resynchronizations(self) -> int:
        """Episodes of damage so far."""
        return self._reader.resynchronizations

    @property
    def discarded_bytes(self) -> int:
        """Bytes skipped in those episodes."""
        return self._reader.discarded_bytes

    def start_login(self) -> None:
        """Queue the greeting. The verdict comes as :class:`LoggedIn` or :class:`LoginRefused`."""
        self._output.append(self._login.start().serialize())

    def request(
        self,
        message_id: int,
        *,
        extension: Extension | None = None,
        body: bytes = b"",
        channel: int = 0,
        stream_type: int = 0,
        number: int | None = None,
    ) -> int:
        """Queue a request and give its message number, which its replies carry.

        ``number`` continues an operation (a preview is stopped under its own number). A request
        whose answer is no longer waited for, and every binary transfer, is ended with ``release``.
        """
        if number is None:
            number = self._next_number()
        sections = self._payloads.sections
        payload = sections.encrypt(body, channel) if body else b""
        self._send(
            Header(message_id, channel=channel, stream_type=stream_type, number=number),
            extension,
            payload,
        )
        self._unanswered.add((message_id, number))
        return number

    def send_binary(
        self,
        message_id: int,
        number: int,
        payload: bytes,
        extension: Extension | None = None,
        *,
        channel: int = 0,
    ) -> None:
        """Queue binary data under a number of ours; a client's binary data is never encrypted."""
        self._send(Header(message_id, channel=channel, number=number), extension, payload)

    def reserve(self, message_id: int) -> int:
        """Return a number for binary data of ours, in use until ``release``."""
        number = self._next_number()
        self._payloads.mark(message_id, number)
        return number

    def release(self, message_id: int, number: int) -> None:
        """Forget an operation: its binary mode, and that an answer is missing."""
        self._payloads.forget(message_id, number)
        self._unanswered.discard((message_id, number))

    def data_to_send(self) -> bytes:
        """Take the bytes that are to be sent; whole messages."""
        output, self._output = self._output, []
        return b"".join(output)

    def receive_data(self, data: bytes | bytearray | memoryview) -> list[Event]:
        """Take bytes from the camera; give what they mean.

        Raises :class:`RemoteProtocolError` for a broken login and, if strict, for any damage.
        """
        events: list[Event] = []
        for item in self._reader.feed(data):
            if isinstance(item, Message):
                self._receive(item, events)
            else:
                events.append(item)
        return events

    def receive_eof(self) -> list[Event]:
        """Take the end of the camera's stream; a message it cut off is reported."""
        return list(self._reader.receive_eof())

    def _next_number(self) -> int:
        """Count on, past numbers in use and past 0, under which cameras push."""
        in_use = {number for _, number in self._unanswered} | self._payloads.binary_numbers
        for _ in range(_LAST_NUMBER):
            self._number = self._number % _LAST_NUMBER + 1
            if self._number not in in_use:
                return self._number
        raise LocalProtocolError(f"all {_LAST_NUMBER} message numbers are in use")

    def _send(self, header: Header, extension: Extension | None, payload: bytes) -> None:
        if not self._is_logged_in:
            raise LocalProtocolError(f"message {header.message_id} before the login")
        text = b""
        if extension is not None:
            text = self._payloads.sections.encrypt(extension.serialize(), header.channel)
        length = len(text) + len(payload)
        if length > MAX_CLIENT_BODY_LENGTH:
            raise LocalProtocolError(
                f"message {header.message_id}: a body of {length} bytes, "
                f"but cameras take at most {MAX_CLIENT_BODY_LENGTH}"
            )
        self._output.append(Message.compose(header, text, payload).serialize())

    def _receive(self, message: Message, events: list[Event]) -> None:
        header = message.header
        if header.message_id == _LOGIN and not self._login.has_ended:
            self._receive_login(message, events)
            return
        try:
            content = self._payloads.read(message)
            if content.is_binary:
                self._receive_binary(header, content, events)
            else:
                self._receive_xml(header, content, events)
        except RemoteProtocolError as error:
            if self._strict:
                raise RemoteProtocolError(str(error), offset=message.offset) from None
            events.append(ProtocolTrouble(header.message_id, message.offset, str(error)))

    def _receive_login(self, message: Message, events: list[Event]) -> None:
        try:
            step = self._login.receive(message)
        except RemoteProtocolError as error:
            raise RemoteProtocolError(str(error), offset=message.offset) from None
        if isinstance(step, Message):
            self._output.append(step.serialize())
            return
        if isinstance(step, LoggedIn):
            self._payloads.sections = self._login.sections
            self._is_logged_in = True
        events.append(step)

    def _receive_binary(self, header: Header, content: Content, events: list[Event]) -> None:
        """Report data, and a reply where it is the first answer, the end, or without data."""
        key = header.message_id, header.number
        is_answer = key in self._unanswered
        is_end = header.status in _ENDS_TRANSFER
        if is_answer and not is_end:
            events.append(self._reply(header, content.extension))
        has_data = bool(content.body) and header.status < _BAD_REQUEST
        if has_data:
            events.append(MediaBytes(*key, content.body))
        if is_end or not (is_answer or has_data):
            events.append(self._reply(header, content.extension))

    def _receive_xml(self, header: Header, content: Content, events: list[Event]) -> None:
        is_answer = (header.message_id, header.number) in self._unanswered
        if is_answer or header.message_id not in PUSHES:
            events.append(self._reply(header, content.extension, content.body))
            return
        if header.message_id == MessageId.UDP_KEEPALIVE and header.status in _ASKS:
            self._answer_keepalive(header)
        extension = self._parse_extension(content.extension)
        events.append(
            Pushed(
                header.message_id,
                header.number,
                header.status,
                header.channel,
                extension,
                content.body,
            )
        )

    def _reply(self, header: Header, extension: bytes, body: bytes = b"") -> Reply:
        key = header.message_id, header.number
        parsed = self._parse_extension(extension)
        self._unanswered.discard(key)
        if header.status in _ENDS_TRANSFER:
            self._payloads.forget(*key)
        return Reply(*key, header.status, header.channel, parsed, body)

    def _parse_extension(self, text: bytes) -> Extension | None:
        if text != self._extension[0]:
            self._extension = text, Extension.parse(text) if text else None
        return self._extension[1]

    def _answer_keepalive(self, header: Header) -> None:
        answer = replace(header, status=Status.OK, message_class=MessageClass.REQUEST)
        self._output.append(Message.compose(answer).serialize())
