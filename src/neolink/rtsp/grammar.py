"""Lines of an RTSP message head, bytes to values. Which line comes next is the reader's concern.

RFC 2326 sections 4, 6, 7 and 15, with the tolerance that real players and cameras need.
"""

import re
from dataclasses import dataclass
from typing import Final

from neolink.rtsp.errors import MessageError

__all__ = [
    "DEFAULT_LIMITS",
    "Limits",
    "RequestLine",
    "StatusLine",
    "content_length",
    "parse_header_line",
    "parse_request_line",
    "parse_status_line",
]


@dataclass(frozen=True, slots=True)
class Limits:
    """Largest parts of a message that a reader takes, in bytes (counts for ``headers``).

    ``interleaved`` is the largest payload of an interleaved frame that a server keeps; longer
    ones are passed over without being stored. A client keeps every frame.
    """

    method: int = 32
    url: int = 2048
    headers: int = 64
    header_name: int = 128
    header_value: int = 4096
    head: int = 16 * 1024
    body: int = 64 * 1024
    blank: int = 16
    interleaved: int = 2048

    @property
    def start_line(self) -> int:
        """Longest request line: method, URL, version and the two spaces between them."""
        return self.method + self.url + len("  RTSP/1.0")


DEFAULT_LIMITS: Final = Limits()

_METHOD: Final = re.compile(r"[A-Z][A-Za-z0-9_\-]*")
_VERSION: Final = re.compile(r"RTSP/[0-9]{1,3}\.[0-9]{1,3}")
_STATUS_LINE: Final = re.compile(r"RTSP/[0-9]{1,3}\.[0-9]{1,3} +([1-5][0-9]{2})(?: (.*))?")
_NAME: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_LENGTH: Final = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True)
class RequestLine:
    """First line of a request."""

    method: str
    url: str
    version: str


@dataclass(frozen=True, slots=True)
class StatusLine:
    """First line of a response."""

    status: int
    reason: str


def parse_request_line(line: str, limits: Limits) -> RequestLine:
    """Parse ``METHOD URL RTSP/x.y``. Blanks inside the URL are kept: some players send them.

    Raises MessageError: 414 for a long URL, 400 for anything else.
    """
    method, _, rest = line.partition(" ")
    url, _, version = rest.rstrip(" ").rpartition(" ")
    url = url.strip(" ")
    if len(url) > limits.url:
        raise MessageError(414, f"URL of {len(url)} bytes, at most {limits.url} are taken")
    if len(method) > limits.method or not _METHOD.fullmatch(method):
        raise MessageError(400, "request line does not begin with a method")
    if not _VERSION.fullmatch(version):
        raise MessageError(400, "request line does not end with an RTSP version")
    if not url or _CONTROL.search(url) or "\t" in url:
        raise MessageError(400, "request line has no usable URL")
    return RequestLine(method, url, version)


def parse_status_line(line: str) -> StatusLine:
    """Parse ``RTSP/x.y STATUS REASON``. Raises MessageError 400."""
    found = _STATUS_LINE.fullmatch(line)
    if found is None or _CONTROL.search(line):
        raise MessageError(400, "malformed status line")
    return StatusLine(int(found[1]), (found[2] or "").strip(" "))


def parse_header_line(line: str, limits: Limits) -> tuple[str, str]:
    """Parse ``Name: value`` with any white space around the colon. Raises MessageError 400."""
    name, colon, value = line.partition(":")
    name = name.rstrip(" \t")
    if not colon:
        raise MessageError(400, "header line without a colon")
    if len(name) > limits.header_name or not _NAME.fullmatch(name):
        raise MessageError(400, "header name is too long or no token")
    return name, check_header_value(value.strip(" \t"), limits)


def check_header_value(value: str, limits: Limits) -> str:
    """Return ``value`` if it is short enough and clean. Raises MessageError 400."""
    if len(value) > limits.header_value:
        raise MessageError(
            400, f"header value of {len(value)} bytes, at most {limits.header_value} are taken"
        )
    if _CONTROL.search(value):
        raise MessageError(400, "control character in a header value")
    return value


def content_length(values: list[str], limits: Limits) -> int:
    """Length of the body that the ``Content-Length`` fields announce; 0 without one.

    Raises MessageError: 400 for a malformed or contradictory length, 413 for one too large.
    """
    lengths: set[int] = set()
    for value in values:
        if not _LENGTH.fullmatch(value):
            raise MessageError(400, "Content-Length is no decimal number")
        lengths.add(int(value))
    if len(lengths) > 1:
        raise MessageError(400, "Content-Length fields disagree")
    length = lengths.pop() if lengths else 0
    if length > limits.body:
        raise MessageError(413, f"the body is over {limits.body} bytes")
    return length
