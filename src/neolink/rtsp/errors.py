"""RTSP status codes and the errors that turn into them. No parsing, no replies here.

Status codes: RFC 2326 section 7.1.1.
"""

from collections.abc import Iterable
from typing import Final

from neolink.errors import RemoteProtocolError

__all__ = [
    "REASONS",
    "HttpTunnelRequested",
    "MessageError",
    "RtspError",
    "TlsClientHello",
    "VersionNotSupported",
]

REASONS: Final[dict[int, str]] = {
    100: "Continue",
    200: "OK",
    201: "Created",
    250: "Low on Storage Space",
    300: "Multiple Choices",
    301: "Moved Permanently",
    302: "Moved Temporarily",
    303: "See Other",
    304: "Not Modified",
    305: "Use Proxy",
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    407: "Proxy Authentication Required",
    408: "Request Time-out",
    410: "Gone",
    411: "Length Required",
    412: "Precondition Failed",
    413: "Request Entity Too Large",
    414: "Request-URI Too Large",
    415: "Unsupported Media Type",
    451: "Parameter Not Understood",
    452: "Conference Not Found",
    453: "Not Enough Bandwidth",
    454: "Session Not Found",
    455: "Method Not Valid in This State",
    456: "Header Field Not Valid for Resource",
    457: "Invalid Range",
    458: "Parameter Is Read-Only",
    459: "Aggregate operation not allowed",
    460: "Only aggregate operation allowed",
    461: "Unsupported transport",
    462: "Destination unreachable",
    463: "Key management Failure",
    500: "Internal Server Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Time-out",
    505: "RTSP Version not supported",
    551: "Option not supported",
}
"""Reason phrase of every status code that this package knows."""


class RtspError(RemoteProtocolError):
    """A request that is answered with ``status``, and what else the answer needs.

    ``close`` tells whether the connection ends after the answer (the byte stream can no longer
    be followed). ``headers`` belong into the answer (``Allow``, ``Unsupported``). ``cseq`` is
    the request's sequence number, where it is known to whoever raised the error.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        close: bool = False,
        headers: Iterable[tuple[str, str]] = (),
    ) -> None:
        super().__init__(f"{status} {REASONS.get(status, 'Error')}: {message}")
        self.status = status
        self.close = close
        self.headers = tuple(headers)
        self.cseq: str | None = None

    @property
    def reason(self) -> str:
        """Reason phrase for the status line."""
        return REASONS.get(self.status, "Error")


class MessageError(RtspError):
    """What :class:`~neolink.rtsp.reader.RtspReader` raises."""

    def __init__(self, status: int, message: str, *, close: bool = True) -> None:
        super().__init__(status, message, close=close)


class VersionNotSupported(MessageError):
    """A whole request of another RTSP version. The reader stands behind it and can go on."""

    def __init__(self, version: str) -> None:
        super().__init__(505, f"expected RTSP/1.0, got {version}", close=False)


class HttpTunnelRequested(MessageError):
    """The connection began with an HTTP request: RTSP over HTTP or WebSocket is wanted."""

    def __init__(self) -> None:
        super().__init__(400, "expected an RTSP request, got an HTTP request (tunnel)")


class TlsClientHello(MessageError):
    """The connection began with a TLS handshake: no answer in clear text makes sense."""

    def __init__(self) -> None:
        super().__init__(
            400, "a TLS handshake, but this port speaks in clear: use rtsp:// in the URL"
        )
