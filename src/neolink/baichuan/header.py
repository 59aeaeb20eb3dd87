"""The header in front of every message: 20 or 24 bytes, little-endian.

One value with ``parse`` and ``serialize`` (protocol reference, sections 1.1 to 1.3). Cutting the
byte stream into messages is in :mod:`neolink.baichuan.message`; nothing here looks at a body.
Hot path: ``Header.parse`` runs once per media message.
"""

from dataclasses import dataclass
from struct import Struct
from typing import Self

from neolink.baichuan.ids import (
    MAGIC,
    MAGIC_SWAPPED,
    MAX_BODY_LENGTH,
    MAX_XML_LENGTH,
    MessageClass,
)
from neolink.errors import RemoteProtocolError

__all__ = ["LONG_HEADER", "SHORT_HEADER", "Header"]

SHORT_HEADER = 20
LONG_HEADER = 24

_FIXED = Struct("<4sIIBBHHH")
_OFFSET = Struct("<I")
_MAGICS = (MAGIC, MAGIC_SWAPPED)
_SHORT_CLASSES = frozenset({MessageClass.LEGACY_REQUEST, MessageClass.LEGACY_REPLY})
_KNOWN_CLASSES = frozenset(MessageClass)


@dataclass(frozen=True, slots=True)
class Header:
    """Everything a message says about itself.

    ``channel`` is byte 12, also the offset of the BC cipher. ``number`` ties replies to a
    request. ``status`` is 0 in requests, a response code in replies and the encryption
    negotiation code during the login. ``payload_offset`` is the length of the Extension at the
    start of the body. ``lacks_payload_offset`` marks a message of a class nobody documented whose
    header turned out to have 20 bytes.
    """

    message_id: int
    body_length: int = 0
    channel: int = 0
    stream_type: int = 0
    number: int = 0
    status: int = 0
    message_class: int = MessageClass.REQUEST
    payload_offset: int = 0
    lacks_payload_offset: bool = False

    @property
    def size(self) -> int:
        """Length of the header itself in bytes: 20 or 24."""
        is_short = self.lacks_payload_offset or self.message_class in _SHORT_CLASSES
        return SHORT_HEADER if is_short else LONG_HEADER

    @property
    def routing(self) -> int:
        """Bytes 12 to 15 as one little-endian word, which some clients match replies on."""
        return self.channel | self.stream_type << 8 | self.number << 16

    @property
    def has_known_class(self) -> bool:
        """Whether the class is one of the documented ones."""
        return self.message_class in _KNOWN_CLASSES

    @classmethod
    def parse(
        cls, buffer: bytes | bytearray | memoryview, *, max_body_length: int = MAX_BODY_LENGTH
    ) -> Self | None:
        """Read the header at the start of ``buffer``; None when more bytes are needed.

        Both magics are accepted. Raises :class:`RemoteProtocolError` for another magic, a body
        over ``max_body_length`` and an Extension that is longer than its body or than any XML may
        be. Nothing is allocated for the body.
        """
        if len(buffer) >= 4 and bytes(buffer[:4]) not in _MAGICS:
            start = bytes(buffer[:4]).hex(" ")
            raise RemoteProtocolError(f"expected the start of a message, got {start}")
        if len(buffer) < SHORT_HEADER:
            return None
        _, message_id, body_length, channel, stream_type, number, status, message_class = (
            _FIXED.unpack_from(buffer)
        )
        if body_length > max_body_length:
            raise RemoteProtocolError(
                f"message {message_id}: expected a body of at most {max_body_length} bytes, "
                f"got a length of {body_length}"
            )
        offset, is_short = 0, message_class in _SHORT_CLASSES
        if not is_short:
            if len(buffer) < LONG_HEADER:
                return None
            (word,) = _OFFSET.unpack_from(buffer, SHORT_HEADER)
            offset, is_short = _payload_offset(message_id, message_class, word, body_length)
        return cls(
            message_id,
            body_length,
            channel,
            stream_type,
            number,
            status,
            message_class,
            offset,
            is_short and message_class not in _SHORT_CLASSES,
        )

    def serialize(self) -> bytes:
        """20 or 24 bytes, always with the first magic."""
        fixed = _FIXED.pack(
            MAGIC,
            self.message_id,
            self.body_length,
            self.channel,
            self.stream_type,
            self.number,
            self.status,
            self.message_class,
        )
        return fixed if self.size == SHORT_HEADER else fixed + _OFFSET.pack(self.payload_offset)


def _payload_offset(
    message_id: int, message_class: int, word: int, body_length: int
) -> tuple[int, bool]:
    """Judge the word at 20: the payload offset, and whether the header ends before the word."""
    if message_class == MessageClass.BARE:
        return 0, False  # its word at 20 was never a usable offset
    if word <= min(body_length, MAX_XML_LENGTH):
        return word, False
    if message_class not in _KNOWN_CLASSES:
        return 0, True
    raise RemoteProtocolError(
        f"message {message_id}: expected an Extension inside the body of {body_length} bytes "
        f"and of at most {MAX_XML_LENGTH}, got an offset of {word}"
    )
