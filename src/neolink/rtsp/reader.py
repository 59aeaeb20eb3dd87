"""Cuts the byte stream of an RTSP connection into messages, in either direction.

Hot path: :meth:`RtspReader.feed` for interleaved frames (one reception report per player and
second on a server, every media packet on a client). Bytes are copied once into the reader's
buffer and once into the frame; no byte is looked at twice.
"""

from enum import Enum, auto
from typing import Final, Literal

from neolink.errors import LocalProtocolError
from neolink.rtsp.errors import (
    HttpTunnelRequested,
    MessageError,
    TlsClientHello,
    VersionNotSupported,
)
from neolink.rtsp.fields import Headers
from neolink.rtsp.grammar import (
    DEFAULT_LIMITS,
    Limits,
    RequestLine,
    StatusLine,
    check_header_value,
    content_length,
    parse_header_line,
    parse_request_line,
    parse_status_line,
)
from neolink.rtsp.message import VERSION, InterleavedFrame, Message, Request, Response

__all__ = ["DEFAULT_LIMITS", "Limits", "RtspReader"]


class _Phase(Enum):
    BOUNDARY = auto()
    HEAD = auto()
    BODY = auto()
    SKIP = auto()


_DOLLAR: Final = 0x24
_HTTP_BEGINNINGS: Final = (b"GET ", b"POST")


class RtspReader:
    """Turns a connection's bytes into messages, in either direction.

    A ``server`` reads requests, answers to its own requests, and short interleaved frames; it
    insists on ``CSeq``. A ``client`` reads responses and frames of any length. After an error
    with ``close`` nothing more can be read; after one without it the next call goes on (with
    empty data too, if some was left).
    """

    def __init__(
        self, limits: Limits = DEFAULT_LIMITS, *, role: Literal["server", "client"] = "server"
    ) -> None:
        self._limits = limits
        self._is_server = role == "server"
        self._longest_frame = limits.interleaved if self._is_server else 0xFFFF
        self._buffer = bytearray()
        self._position = 0
        self._searched = 0
        self._phase = _Phase.BOUNDARY
        self._is_untouched = self._is_server
        self._is_broken = False
        self._blanks = 0
        self._skip = 0
        self._completed: list[Message] = []
        self._start: RequestLine | StatusLine | None = None
        self._fields: list[tuple[str, str]] = []
        self._headers = Headers()
        self._head_length = 0
        self._body_length = 0
        self.dropped_frames = 0
        self.long_channels: set[int] = set()
        """Channels on which a server takes frames of any length: the peer sends media there."""
        self.completed_before_fault: tuple[Message, ...] = ()
        """Messages that the call which raised had finished first; still to be handled."""

    @property
    def unread(self) -> bytes:
        """Bytes that were fed and belong to no message yet."""
        return bytes(self._buffer)

    def feed(self, data: bytes | bytearray | memoryview) -> list[Message]:
        """Take bytes from the peer and return the messages they complete, in order.

        Raises MessageError, with the messages before the fault in ``completed_before_fault``, and
        LocalProtocolError when called again after an error with ``close``.
        """
        if self._is_broken:
            raise LocalProtocolError("fed after the byte stream was lost")
        self._buffer += data
        try:
            while self._advance():
                pass
        except MessageError as error:
            self._is_broken = error.close
            if error.cseq is None:
                error.cseq = Headers(self._fields).get("CSeq")
            self.completed_before_fault = tuple(self._take_completed())
            raise
        finally:
            del self._buffer[: self._position]
            self._searched = max(self._searched - self._position, 0)
            self._position = 0
        return self._take_completed()

    def _take_completed(self) -> list[Message]:
        completed, self._completed = self._completed, []
        return completed

    def _advance(self) -> bool:
        """Make one step; tell whether another may follow without more bytes."""
        match self._phase:
            case _Phase.BOUNDARY:
                return self._at_boundary()
            case _Phase.HEAD:
                return self._in_head()
            case _Phase.BODY:
                return self._in_body()
            case _Phase.SKIP:
                return self._in_skipped_frame()

    # ------------------------------------------------------------ between messages

    def _at_boundary(self) -> bool:
        if self._position >= len(self._buffer):
            return False
        first = self._buffer[self._position]
        if first == _DOLLAR:
            return self._at_frame()
        if first in b"\r\n":
            return self._at_blank()
        if self._is_untouched and self._awaits_sniffing():
            return False
        if not 0x41 <= first <= 0x5A:
            raise MessageError(400, f"expected a message, got byte 0x{first:02x}")
        self._is_untouched = False
        self._searched = self._position
        self._phase = _Phase.HEAD
        return True

    def _at_blank(self) -> bool:
        self._position += 1
        self._blanks += 1
        if self._blanks > self._limits.blank:
            raise MessageError(400, f"more than {self._limits.blank} line ends between messages")
        return True

    def _awaits_sniffing(self) -> bool:
        """Tell whether more bytes are needed to know the protocol; raise if it is not RTSP."""
        beginning = bytes(self._buffer[self._position : self._position + 4])
        if beginning.startswith(b"\x16\x03"):
            raise TlsClientHello
        if beginning in _HTTP_BEGINNINGS:
            raise HttpTunnelRequested
        return beginning == b"\x16" or any(http.startswith(beginning) for http in _HTTP_BEGINNINGS)

    def _at_frame(self) -> bool:
        buffer, start = self._buffer, self._position + 4
        if len(buffer) < start:
            return False
        length = buffer[start - 2] << 8 | buffer[start - 1]
        if length > self._longest_frame and buffer[start - 3] not in self.long_channels:
            self._is_untouched = False
            self._position, self._skip, self._phase = start, length, _Phase.SKIP
            return True
        end = start + length
        if len(buffer) < end:
            return False
        with memoryview(buffer) as view:
            frame = InterleavedFrame(buffer[start - 3], bytes(view[start:end]))
        self._completed.append(frame)
        self._position = end
        self._is_untouched = False
        self._blanks = 0
        return True

    def _in_skipped_frame(self) -> bool:
        passed = min(self._skip, len(self._buffer) - self._position)
        self._position += passed
        self._skip -= passed
        if self._skip:
            return False
        self.dropped_frames += 1
        self._blanks = 0
        self._phase = _Phase.BOUNDARY
        return True

    # ------------------------------------------------------------ head

    def _in_head(self) -> bool:
        buffer, begin = self._buffer, self._position
        end = buffer.find(b"\n", self._searched)
        if end < 0:
            self._searched = len(buffer)
            self._check_head(len(buffer) - begin, pending=1)
            return False
        line = buffer[begin:end].decode("latin-1").removesuffix("\r")
        self._check_head(len(line), pending=0)
        self._head_length += end + 1 - begin
        self._position = self._searched = end + 1
        self._take_line(line)
        return True

    def _check_head(self, line_length: int, *, pending: int) -> None:
        """Refuse a line that is too long already; ``pending`` allows for a CR without its LF."""
        if self._start is None and line_length > self._limits.start_line + pending:
            raise MessageError(414, f"request line longer than {self._limits.start_line} bytes")
        if self._head_length + line_length > self._limits.head:
            raise MessageError(400, f"message head longer than {self._limits.head} bytes")

    def _take_line(self, line: str) -> None:
        if self._start is None:
            is_response = line.startswith("RTSP/")
            self._start = (
                parse_status_line(line) if is_response else parse_request_line(line, self._limits)
            )
        elif not line:
            self._end_head()
        elif line[0] in " \t":
            self._continue_header(line)
        else:
            if len(self._fields) >= self._limits.headers:
                raise MessageError(400, f"more than {self._limits.headers} headers")
            self._fields.append(parse_header_line(line, self._limits))

    def _continue_header(self, line: str) -> None:
        if not self._fields:
            raise MessageError(400, "continuation line before the first header")
        name, value = self._fields[-1]
        joined = f"{value} {line.strip()}".strip(" ")
        self._fields[-1] = (name, check_header_value(joined, self._limits))

    def _end_head(self) -> None:
        self._headers = Headers(self._fields)
        is_request = isinstance(self._start, RequestLine)
        if self._is_server and is_request and not self._headers.get("CSeq"):
            raise MessageError(400, "request without CSeq")
        lengths = self._headers.get_all("Content-Length")
        self._body_length = content_length(lengths, self._limits)
        self._phase = _Phase.BODY

    # ------------------------------------------------------------ body

    def _in_body(self) -> bool:
        end = self._position + self._body_length
        if len(self._buffer) < end:
            return False
        with memoryview(self._buffer) as view:
            body = bytes(view[self._position : end])
        self._position = end
        start, headers = self._start, self._headers
        self._start, self._fields = None, []
        self._head_length = self._blanks = 0
        self._phase = _Phase.BOUNDARY
        if isinstance(start, StatusLine):
            self._completed.append(Response(start.status, start.reason, headers, body))
            return True
        assert start is not None
        if start.version != VERSION:
            error = VersionNotSupported(start.version)
            error.cseq = headers.get("CSeq")
            raise error
        request = Request(start.method, start.url, start.version, headers, body)
        self._completed.append(request)
        return True
