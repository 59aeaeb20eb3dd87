"""The RTP packet as a value (RFC 3550 section 5.1), for clients and tests.

The server's hot path does not build these objects: see :mod:`neolink.rtp.sender`.
"""

import struct
from dataclasses import dataclass

from neolink.errors import RemoteProtocolError
from neolink.rtp.payload import HEADER_LENGTH

__all__ = ["RtpPacket"]

_VERSION = 2
_HEADER = struct.Struct(">BBHII")
_EXTENSION = struct.Struct(">HH")


@dataclass(frozen=True, slots=True)
class RtpPacket:
    """One RTP packet. ``timestamp`` counts ticks of the payload type's clock, modulo 2^32.

    Contributing sources, header extension and padding are understood and left out.
    """

    marker: bool
    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes

    @classmethod
    def parse(cls, data: bytes | memoryview) -> "RtpPacket":
        """Parse one whole packet. Raises RemoteProtocolError where it contradicts itself."""
        if len(data) < HEADER_LENGTH:
            raise RemoteProtocolError(f"RTP packet of {len(data)} bytes, at least 12 expected")
        flags, marker_and_type, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
        if flags >> 6 != _VERSION:
            raise RemoteProtocolError(f"RTP version {flags >> 6}, expected 2")
        start = _payload_start(data, flags)
        end = len(data) - _padding_length(data, start) if flags & 0x20 else len(data)
        return cls(
            marker=bool(marker_and_type & 0x80),
            payload_type=marker_and_type & 0x7F,
            sequence=sequence,
            timestamp=timestamp,
            ssrc=ssrc,
            payload=bytes(data[start:end]),
        )

    def serialize(self) -> bytes:
        """Return the packet with the plain 12-byte header."""
        marker_and_type = self.marker << 7 | self.payload_type
        header = _HEADER.pack(
            _VERSION << 6, marker_and_type, self.sequence, self.timestamp, self.ssrc
        )
        return header + self.payload


def _payload_start(data: bytes | memoryview, flags: int) -> int:
    start = HEADER_LENGTH + 4 * (flags & 0x0F)
    if flags & 0x10:
        if start + _EXTENSION.size > len(data):
            raise RemoteProtocolError(f"RTP packet of {len(data)} bytes ends before its extension")
        _, words = _EXTENSION.unpack_from(data, start)
        start += _EXTENSION.size + 4 * words
    if start > len(data):
        raise RemoteProtocolError(f"RTP headers of {start} bytes in a packet of {len(data)}")
    return start


def _padding_length(data: bytes | memoryview, start: int) -> int:
    length = data[-1]
    if not 1 <= length <= len(data) - start:
        raise RemoteProtocolError(f"RTP padding of {length} bytes, payload of {len(data) - start}")
    return length
