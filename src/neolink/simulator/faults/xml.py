"""Faults of XML: replies with a document type, without end, or without a body.

With ``message_id`` only that request's replies are touched; 0 is all but the login's.
"""

from dataclasses import dataclass
from typing import ClassVar

from neolink.baichuan.ids import MAX_XML_LENGTH, MessageId
from neolink.errors import ConfigError
from neolink.simulator.faults.base import Fault

__all__ = ["Doctype", "EmptyReplies", "OversizeXml"]

_DOCTYPE = b'<!DOCTYPE body [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>\n'
_MOST_XML = 4 * 1024 * 1024


@dataclass(kw_only=True)
class _XmlFault(Fault):
    """Base: alters the bodies of replies."""

    message_id: int = 0

    def on_body(self, message_id: int, body: bytes) -> bytes:
        """Alter it, if it is of those that are meant."""
        is_all = self.message_id == 0 and message_id != MessageId.LOGIN
        return self._altered(body) if is_all or message_id == self.message_id else body

    def _altered(self, body: bytes) -> bytes:
        return body


@dataclass(kw_only=True)
class Doctype(_XmlFault):
    """Replies have a document type that defines entities."""

    NAME: ClassVar[str] = "doctype"

    def _altered(self, body: bytes) -> bytes:
        return body.replace(b"<body", _DOCTYPE + b"<body", 1)


@dataclass(kw_only=True)
class OversizeXml(_XmlFault):
    """Replies have ``length`` bytes: well-formed, and longer than any should be."""

    NAME: ClassVar[str] = "oversize_xml"

    length: int = 100_000

    def __post_init__(self) -> None:
        if not MAX_XML_LENGTH < self.length <= _MOST_XML:
            raise ConfigError(
                f"oversize_xml: length is above {MAX_XML_LENGTH} and at most {_MOST_XML}, "
                f"not {self.length}"
            )

    def _altered(self, body: bytes) -> bytes:
        opening, comment, closing = body.rpartition(b"</body>")[0], b"<!--%b-->", b"</body>"
        missing = self.length - len(opening) - len(closing) - len(comment % b"")
        return opening + comment % (b"x" * max(0, missing)) + closing


@dataclass(kw_only=True)
class EmptyReplies(_XmlFault):
    """Requests are answered 200 with a header alone."""

    NAME: ClassVar[str] = "empty_replies"

    def _altered(self, body: bytes) -> bytes:
        del body
        return b""
