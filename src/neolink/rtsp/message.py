"""RTSP messages as values: requests, responses, interleaved frames.

RFC 2326 sections 4 to 7 and 10.12. How they are cut out of a byte stream is in ``reader``; the
meaning of single headers, sessions and answers are elsewhere.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from neolink.errors import LocalProtocolError
from neolink.rtsp.errors import REASONS, RtspError
from neolink.rtsp.fields import Headers
from neolink.rtsp.url import without_credentials

__all__ = [
    "PUBLIC",
    "VERSION",
    "Headers",
    "InterleavedFrame",
    "Message",
    "Method",
    "Request",
    "Response",
    "reply",
    "reply_to_error",
]

VERSION: Final = "RTSP/1.0"


class Method(StrEnum):
    """Methods that are known by name; a request may carry any other."""

    OPTIONS = "OPTIONS"
    DESCRIBE = "DESCRIBE"
    SETUP = "SETUP"
    PLAY = "PLAY"
    PAUSE = "PAUSE"
    TEARDOWN = "TEARDOWN"
    GET_PARAMETER = "GET_PARAMETER"
    SET_PARAMETER = "SET_PARAMETER"
    ANNOUNCE = "ANNOUNCE"
    RECORD = "RECORD"
    REDIRECT = "REDIRECT"


_ANSWERED: Final = (
    Method.OPTIONS,
    Method.DESCRIBE,
    Method.SETUP,
    Method.PLAY,
    Method.PAUSE,
    Method.TEARDOWN,
    Method.GET_PARAMETER,
    Method.SET_PARAMETER,
)
PUBLIC: Final = ", ".join(_ANSWERED)
"""Value of ``Public`` and ``Allow``: the methods that are answered."""

_LINE_BREAKING: Final = re.compile(r"[\r\n\x00]")


def _serialize(start_line: str, headers: Headers, body: bytes) -> bytes:
    lines = [start_line]
    has_length = False
    for name, value in headers:
        if name.lower() != "content-length":
            lines.append(f"{name}: {value}")
        elif not has_length:
            lines.append(f"{name}: {len(body)}")
            has_length = True
    if body and not has_length:
        lines.append(f"Content-Length: {len(body)}")
    if any(map(_LINE_BREAKING.search, lines)):
        raise LocalProtocolError("a header to be sent contains a line break or NUL")
    try:
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
    except UnicodeEncodeError:
        raise LocalProtocolError("a header to be sent has characters beyond U+00FF") from None
    return head + body


@dataclass(frozen=True, slots=True, repr=False)
class Request:
    """A request. ``url`` and header values are the peer's bytes, one character each.

    Neither ``repr`` nor ``str`` shows credentials; ``url`` itself may contain them.
    """

    method: str
    url: str
    version: str = VERSION
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""

    @property
    def cseq(self) -> str | None:
        """Sequence number exactly as it was sent, to be echoed."""
        return self.headers.get("CSeq")

    def serialize(self) -> bytes:
        """Head and body in one piece. ``Content-Length`` is set right where it is needed.

        Raises LocalProtocolError if a header would break the message.
        """
        return _serialize(f"{self.method} {self.url} {self.version}", self.headers, self.body)

    def __repr__(self) -> str:
        url = without_credentials(self.url)
        return f"Request({self.method} {url} {self.headers!r}, body of {len(self.body)} bytes)"


@dataclass(frozen=True, slots=True)
class Response:
    """A response, without its version, which is always RTSP/1.0 when sent."""

    status: int
    reason: str
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""

    @property
    def cseq(self) -> str | None:
        """Sequence number of the request that this answers."""
        return self.headers.get("CSeq")

    def serialize(self) -> bytes:
        """Head and body in one piece. ``Content-Length`` is set right where it is needed.

        Raises LocalProtocolError if a header would break the message.
        """
        return _serialize(f"{VERSION} {self.status} {self.reason}", self.headers, self.body)


@dataclass(frozen=True, slots=True)
class InterleavedFrame:
    """A packet between messages: RTP or RTCP, as its channel was agreed in SETUP."""

    channel: int
    payload: bytes

    def serialize(self) -> bytes:
        """Four bytes of framing and the payload (RFC 2326 section 10.12)."""
        length = len(self.payload).to_bytes(2, "big")
        return b"$" + self.channel.to_bytes(1, "big") + length + self.payload


Message = Request | Response | InterleavedFrame


def reply(
    cseq: str | None,
    status: int,
    headers: Iterable[tuple[str, str]] = (),
    body: bytes = b"",
) -> Response:
    """Response with the reason phrase of ``status`` and ``CSeq``, if there was one, first."""
    first = () if cseq is None else (("CSeq", cseq),)
    return Response(status, REASONS.get(status, "Error"), Headers((*first, *headers)), body)


def reply_to_error(
    error: RtspError, cseq: str | None = None, headers: Iterable[tuple[str, str]] = ()
) -> Response:
    """Response that tells of ``error``, with the error's own headers last."""
    known = error.cseq if cseq is None else cseq
    return reply(known, error.status, (*headers, *error.headers))
