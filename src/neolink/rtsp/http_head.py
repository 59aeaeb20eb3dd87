"""The head of the HTTP request with which a tunnel begins: bytes to a value, within limits.

What is wanted with it is decided in ``tunnel.py``. Bodies are never read here.
"""

import re
from dataclasses import dataclass
from typing import Final

from neolink.rtsp.errors import MessageError
from neolink.rtsp.fields import Headers
from neolink.rtsp.grammar import DEFAULT_LIMITS, Limits, parse_header_line

__all__ = ["HttpHeadReader", "HttpRequest"]

_END: Final = re.compile(rb"\n\r?\n")
_REQUEST_LINE: Final = re.compile(r"([A-Z]+) +([\x21-\x7e]+) +(HTTP/1\.[01])")


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request without its body."""

    method: str
    target: str
    version: str
    headers: Headers

    def tokens(self, name: str) -> frozenset[str]:
        """Return the values of a list-type header, in small letters."""
        values = ",".join(self.headers.get_all(name)).split(",")
        return frozenset(value.strip().lower() for value in values) - {""}


class HttpHeadReader:
    """Gathers the bytes of one head; what follows it is in ``rest``."""

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self._limits = limits
        self._buffer = bytearray()
        self._searched = 0
        self.rest = b""

    def feed(self, data: bytes) -> HttpRequest | None:
        """Take bytes from the peer; return the request once its head is complete.

        Raises MessageError: 414 for a long target, 400 for anything else.
        """
        self._buffer += data
        found = _END.search(self._buffer, self._searched)
        length = len(self._buffer) if found is None else found.end()
        if length > self._limits.head:
            raise MessageError(400, f"HTTP head longer than {self._limits.head} bytes")
        if found is None:
            self._searched = max(len(self._buffer) - 2, 0)
            return None
        head = self._buffer[: found.start()].decode("latin-1")
        self.rest = bytes(self._buffer[found.end() :])
        self._buffer.clear()
        return _parse(head, self._limits)


def _parse(head: str, limits: Limits) -> HttpRequest:
    first, *lines = (line.removesuffix("\r") for line in head.split("\n"))
    found = _REQUEST_LINE.fullmatch(first)
    if found is None or len(found[1]) > limits.method:
        raise MessageError(400, "expected a request line of HTTP/1.0 or HTTP/1.1")
    if len(found[2]) > limits.url:
        raise MessageError(414, f"target of {len(found[2])} bytes, at most {limits.url} are taken")
    if len(lines) > limits.headers:
        raise MessageError(400, f"more than {limits.headers} headers")
    headers = Headers(parse_header_line(line, limits) for line in lines)
    return HttpRequest(found[1], found[2], found[3], headers)
