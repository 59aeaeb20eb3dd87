"""Cutting the byte stream of a connection into messages, and finding back after damage.

Raw sections only: what they are encrypted with and what they mean is the business of the two
engines. Protocol reference, sections 1.1, 1.2 and 1.4. Hot path: ``MessageReader.feed`` sees every
byte a camera sends. A message that one read brings is cut right out of the receive buffer, and its
payload may stay there for who decrypts it at once; only what a read leaves incomplete is kept, and
copied once more when the rest of it has come.
"""

import re
from dataclasses import dataclass, field, replace
from typing import Self

from neolink.baichuan.header import LONG_HEADER, Header
from neolink.baichuan.ids import MAGIC, MAGIC_SWAPPED, MAX_BODY_LENGTH
from neolink.errors import RemoteProtocolError

__all__ = ["Message", "MessageReader", "Resynchronized"]

_MAX_BELIEVABLE_ID = 0xFFFF  # the known ones end below 1000
_ANY_MAGIC = re.compile(re.escape(MAGIC) + b"|" + re.escape(MAGIC_SWAPPED))


@dataclass(frozen=True, slots=True)
class Message:
    """A header and its two raw sections, each encrypted on its own.

    ``offset`` is where the message begins in the peer's byte stream. ``payload`` is bytes, unless
    its reader lends it.
    """

    header: Header
    extension: bytes = field(default=b"", repr=False)
    payload: bytes | memoryview = field(default=b"", repr=False)
    offset: int = field(default=0, compare=False)

    @classmethod
    def compose(cls, header: Header, extension: bytes = b"", payload: bytes = b"") -> Self:
        """Join a header and two encrypted sections; the header's lengths are filled in."""
        length, offset = len(extension) + len(payload), len(extension)
        header = replace(header, body_length=length, payload_offset=offset)
        return cls(header, extension, payload)

    def serialize(self) -> bytes:
        """Give the bytes on the wire. The header's lengths must agree with the sections."""
        return b"".join((self.header.serialize(), self.extension, self.payload))


@dataclass(frozen=True, slots=True)
class Resynchronized:
    """Damage was skipped: ``discarded`` bytes from stream position ``offset`` on."""

    offset: int
    discarded: int
    reason: str


class MessageReader:
    """Cuts a byte stream into messages; keeps what is not complete yet.

    After damage it scans for the next magic with a plausible header and reports one
    :class:`Resynchronized` per episode. With ``strict`` it raises :class:`RemoteProtocolError`
    instead, and the connection is of no further use. ``max_body_length`` may be changed between
    messages. Memory: one incomplete message and one read.

    With ``lends`` a payload may be a view of what was fed, which is good until that is used for
    something else; without it messages own their bytes.
    """

    def __init__(
        self, *, strict: bool = False, max_body_length: int = MAX_BODY_LENGTH, lends: bool = False
    ) -> None:
        self.max_body_length = max_body_length
        self.messages_received = 0
        self.resynchronizations = 0
        self.discarded_bytes = 0
        self._strict = strict
        self._lends = lends
        self._buffer = bytearray()
        self._position = 0  # of the buffer's first byte in the stream
        self._cursor = 0  # of the first unread byte in the buffer
        self._header: Header | None = None  # of the incomplete message the buffer begins with
        self._needed = 0  # bytes of that message with its header; 0 while there is none
        self._damage: tuple[int, str] | None = None  # where and why the scan began

    def feed(self, data: bytes | bytearray | memoryview) -> list[Message | Resynchronized]:
        """Take the next bytes of the stream; give the messages they complete, in order."""
        if not self._buffer:
            with memoryview(data) as view:
                results = self._read(view)
                self._buffer += view[self._cursor :]
            self._position += self._cursor
            self._cursor = 0
            return results
        self._buffer += data
        if len(self._buffer) < self._needed:
            return []
        with memoryview(self._buffer) as view:
            results = self._read(view)
        self._forget(self._cursor)
        return results

    def receive_eof(self) -> list[Resynchronized]:
        """Tell what the end of the stream cut off. Strict: raises for it."""
        if not self._buffer and self._damage is None:
            return []
        offset, reason = self._damage or (self._position, "the stream ended inside a message")
        if self._strict:
            raise RemoteProtocolError(reason, offset=offset)
        self._header, self._needed = None, 0
        self._forget(len(self._buffer))
        return [self._recover(offset, reason)]

    def _read(self, view: memoryview) -> list[Message | Resynchronized]:
        """Move the cursor over all that is complete."""
        results: list[Message | Resynchronized] = []
        while self._cursor < len(view):
            result = self._scan(view) if self._damage else self._cut(view)
            if result is None:
                break
            results.append(result)
        return results

    def _cut(self, view: memoryview) -> Message | Resynchronized | None:
        """Cut out the message at the cursor; None when more bytes are needed."""
        try:
            header = self._header or self._parse_header(view)
        except RemoteProtocolError as error:
            return self._begin_scan(view, str(error))
        if header is None:
            return None
        start = self._cursor
        body = start + header.size
        end = body + header.body_length
        if end > len(view):
            self._header, self._needed = header, end - start
            return None
        middle = body + header.payload_offset
        self._header, self._needed = None, 0
        self._cursor = end
        self.messages_received += 1
        payload = view[middle:end]
        is_lent = self._lends and not self._buffer
        return Message(
            header,
            bytes(view[body:middle]),
            payload if is_lent else bytes(payload),
            self._position + start,
        )

    def _parse_header(self, view: memoryview) -> Header | None:
        start = bytes(view[self._cursor : self._cursor + LONG_HEADER])
        return Header.parse(start, max_body_length=self.max_body_length)

    def _begin_scan(self, view: memoryview, reason: str) -> Resynchronized | None:
        """There is no message at the cursor."""
        offset = self._position + self._cursor
        if self._strict:
            raise RemoteProtocolError(reason, offset=offset)
        self._damage = offset, reason
        self._cursor += 1
        return self._scan(view)

    def _scan(self, view: memoryview) -> Resynchronized | None:
        """Move the cursor to the next believable header; None when more bytes are needed."""
        assert self._damage is not None
        while found := _ANY_MAGIC.search(view, self._cursor):
            self._cursor = found.start()
            believable = self._is_believable(view)
            if believable is None:
                return None
            if believable:
                return self._recover(*self._damage)
            self._cursor += 1
        self._cursor = max(self._cursor, len(view) - len(MAGIC) + 1)
        return None

    def _is_believable(self, view: memoryview) -> bool | None:
        """Judge the header at the cursor harder than within an intact stream."""
        try:
            header = self._parse_header(view)
        except RemoteProtocolError:
            return False
        if header is None:
            return None
        return header.has_known_class and header.message_id <= _MAX_BELIEVABLE_ID

    def _recover(self, offset: int, reason: str) -> Resynchronized:
        """End the episode of damage at the cursor."""
        discarded = self._position + self._cursor - offset
        self._damage = None
        self.resynchronizations += 1
        self.discarded_bytes += discarded
        return Resynchronized(offset, discarded, reason)

    def _forget(self, length: int) -> None:
        """Drop the first bytes of the buffer."""
        del self._buffer[:length]
        self._position += length
        self._cursor = 0
