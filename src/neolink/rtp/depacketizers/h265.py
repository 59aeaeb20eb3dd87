"""RTP payloads to H.265 access units: single NAL unit, AP, FU (RFC 7798 section 4.4).

Streams with decoding order numbers are not understood.
"""

from neolink.errors import RemoteProtocolError
from neolink.rtp.depacketizers.nal_units import (
    AccessUnitAssembly,
    NalDepacketizer,
    split_aggregate,
)

__all__ = ["H265Depacketizer"]

_HEADER_LENGTH = 2
_LAST_SINGLE = 47
_AGGREGATION_PACKET = 48
_FRAGMENTATION_UNIT = 49


class H265Depacketizer(NalDepacketizer):
    """Packets of one H.265 source in, whole access units out."""

    def __init__(self) -> None:
        super().__init__(_read)


def _read(payload: bytes, assembly: AccessUnitAssembly) -> None:
    if len(payload) < _HEADER_LENGTH:
        raise RemoteProtocolError(f"H.265 payload of {len(payload)} bytes, at least 2 expected")
    kind = payload[0] >> 1 & 0x3F
    if kind <= _LAST_SINGLE:
        assembly.append(payload)
    elif kind == _AGGREGATION_PACKET:
        split_aggregate(payload, _HEADER_LENGTH, assembly)
    elif kind == _FRAGMENTATION_UNIT and len(payload) > _HEADER_LENGTH:
        header = bytes((payload[0] & 0x81 | (payload[2] & 0x3F) << 1, payload[1]))
        assembly.append_fragment(payload[2], header, payload[3:])
    else:
        raise RemoteProtocolError(f"H.265 payload of {len(payload)} bytes and type {kind}")
