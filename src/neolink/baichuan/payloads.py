"""Decrypts what a message carries, and knows which message numbers carry binary data.

Used by both engines. Protocol reference, sections 1.4, 1.5 and 2.5. An Extension is returned as
text; parsing it is left to who needs it. Hot path: media arrives with an Extension per frame that
never repeats (it names the frame's length), so its two numbers are searched for, not parsed.
"""

import re
from typing import NamedTuple

from neolink.baichuan.message import Message
from neolink.baichuan.sections import Sections

__all__ = ["Content", "PayloadReader"]

_MARKS = re.compile(rb"<(binaryData|encryptLen)>\s*([0-9]{1,10})\s*<")
_MAX_STREAMS = 256  # a peer that opens more makes us forget the oldest
_NO_MARKS: dict[bytes, bytes] = {}


class Content(NamedTuple):
    """A message's sections, decrypted. ``body`` is XML text or, if ``is_binary``, data."""

    is_binary: bool
    extension: bytes
    body: bytes


class PayloadReader:
    """Reads messages of one connection, in order.

    An Extension with ``binaryData`` 1 puts its (message id, number) into binary mode, in which
    messages need no mark of their own. ``binary_ids`` are message ids whose unmarked payload is
    taken for binary when no cipher makes XML of it, in case the mark was missed.
    """

    def __init__(self, sections: Sections, *, binary_ids: frozenset[int] = frozenset()) -> None:
        self.sections = sections
        self._binary_ids = binary_ids
        self._streams: dict[tuple[int, int], None] = {}  # an ordered set
        self._last_raw: tuple[bytes, int] = b"", 0
        self._last: tuple[bytes, dict[bytes, bytes]] = b"", _NO_MARKS

    @property
    def binary_numbers(self) -> set[int]:
        """Message numbers in binary mode."""
        return {number for _, number in self._streams}

    def mark(self, message_id: int, number: int) -> None:
        """Keep a number from being used for anything else, until it is forgotten."""
        self._switch((message_id, number), is_binary=True)

    def forget(self, message_id: int, number: int) -> None:
        """End binary mode, so that the number can be used again."""
        self._streams.pop((message_id, number), None)

    def read(self, message: Message) -> Content:
        """Decrypt one message.

        Raises :class:`RemoteProtocolError` for an Extension or a body that should be XML and
        is not.
        """
        header, payload = message.header, message.payload
        key = header.message_id, header.number
        extension, marks = self._read_extension(message)
        mark = marks.get(b"binaryData")
        if mark is None:
            is_binary = self._is_unmarked_binary(key, message)
        else:
            is_binary = int(mark) != 0
            self._switch(key, is_binary=is_binary)
        if is_binary:
            encrypted_length = int(marks.get(b"encryptLen", 0))
            data = self.sections.decrypt_binary(payload, encrypted_length)
            return Content(is_binary=True, extension=extension, body=data)
        body = self.sections.decrypt_xml(payload, header.channel) if payload else b""
        return Content(is_binary=False, extension=extension, body=body)

    def _read_extension(self, message: Message) -> tuple[bytes, dict[bytes, bytes]]:
        if not message.extension:
            return b"", _NO_MARKS
        raw = message.extension, message.header.channel
        if raw != self._last_raw:
            text = self.sections.decrypt_xml(*raw)
            self._last = text, dict(_MARKS.findall(text))
            self._last_raw = raw
        return self._last

    def _is_unmarked_binary(self, key: tuple[int, int], message: Message) -> bool:
        may_be = key in self._streams or key[0] in self._binary_ids
        return (
            may_be
            and len(message.payload) > 0
            and not self.sections.is_xml(message.payload, message.header.channel)
        )

    def _switch(self, key: tuple[int, int], *, is_binary: bool) -> None:
        if not is_binary:
            self._streams.pop(key, None)
            return
        self._streams[key] = None
        if len(self._streams) > _MAX_STREAMS:
            del self._streams[next(iter(self._streams))]
