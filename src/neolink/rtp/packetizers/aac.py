"""AAC access units to RTP payloads: MPEG4-GENERIC in mode AAC-hbr (RFC 3640 section 3.3.6).

One access unit a packet for low latency. ADTS headers are gone before a unit gets here.
"""

import struct

from neolink.errors import RemoteProtocolError
from neolink.media.units import AudioFrame
from neolink.rtp.payload import DEFAULT_MAX_PAYLOAD, Payload

__all__ = ["packetize"]

_MAX_ACCESS_UNIT = 0x1FFF  # sizelength=13
_AU_HEADER_BITS = 16
_AU_HEADERS = struct.Struct(">HH")


def packetize(unit: AudioFrame, max_payload: int = DEFAULT_MAX_PAYLOAD) -> list[Payload]:
    """Return the payload of one AAC frame, or its fragments, each told the size of the whole.

    Raises RemoteProtocolError for a frame that the 13-bit size cannot describe.
    """
    length = len(unit.data)
    if length > _MAX_ACCESS_UNIT:
        raise RemoteProtocolError(f"AAC frame of {length} bytes, at most {_MAX_ACCESS_UNIT} fit")
    prefix = _AU_HEADERS.pack(_AU_HEADER_BITS, length << 3)
    size = max_payload - _AU_HEADERS.size
    if length <= size:
        return [(prefix, unit.data)] if length else []
    view = memoryview(unit.data)
    return [(prefix, view[start : start + size]) for start in range(0, length, size)]
