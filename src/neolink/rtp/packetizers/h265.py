"""H.265 access units to RTP payloads: single NAL unit, AP, FU (RFC 7798 section 4.4).

Hot path. Decoding order numbers and PACI packets are never used.
"""

import struct

from neolink.media.units import AccessUnit
from neolink.rtp.packetizers.nal_units import (
    Aggregation,
    NalScheme,
    NalUnit,
    in_band,
    packetize_nal_units,
)
from neolink.rtp.payload import DEFAULT_MAX_PAYLOAD, Payload

__all__ = ["packetize"]

_AGGREGATION_PACKET = 48
_FRAGMENTATION_UNIT = 49
_START = 0x80
_END = 0x40
_SUPPLEMENTS = frozenset({32, 33, 34, 39, 40})  # VPS, SPS, PPS, prefix SEI, suffix SEI
_HEADER = struct.Struct(">H")
_LENGTH = struct.Struct(">H")


def packetize(
    unit: AccessUnit,
    max_payload: int = DEFAULT_MAX_PAYLOAD,
    aggregate: Aggregation = Aggregation.PARAMETER_SETS,
) -> list[Payload]:
    """Return the payloads of one access unit, parameter sets first at a random access point."""
    return packetize_nal_units(in_band(unit), max_payload, _SCHEME, aggregate)


def _is_supplement(nal: NalUnit) -> bool:
    return nal[0] >> 1 & 0x3F in _SUPPLEMENTS


def _join(nal_units: list[NalUnit]) -> Payload:
    """AP: the worst F bit, the lowest layer and temporal id of its NAL units (section 4.4.2)."""
    headers = [_HEADER.unpack_from(nal)[0] for nal in nal_units]
    forbidden = max(header & 0x8000 for header in headers)
    layer = min(header & 0x01F8 for header in headers)
    temporal_id = min(header & 0x0007 for header in headers)
    parts: list[NalUnit] = []
    for nal in nal_units:
        parts += (_LENGTH.pack(len(nal)), nal)
    header = forbidden | _AGGREGATION_PACKET << 9 | layer | temporal_id
    return _HEADER.pack(header), b"".join(parts)


def _cut(nal: NalUnit, max_payload: int) -> list[Payload]:
    """FU: equal sizes except the last, so that a kernel can segment them (section 4.4.3)."""
    view = memoryview(nal)
    kind = view[0] >> 1 & 0x3F
    header = bytes((view[0] & 0x81 | _FRAGMENTATION_UNIT << 1, view[1]))
    size = max_payload - 3
    middle = header + bytes((kind,))
    payloads: list[Payload] = [
        (middle, view[start : start + size]) for start in range(2, len(view), size)
    ]
    payloads[0] = (header + bytes((kind | _START,)), payloads[0][1])
    payloads[-1] = (header + bytes((kind | _END,)), payloads[-1][1])
    return payloads


_SCHEME = NalScheme(header_length=2, is_supplement=_is_supplement, join=_join, cut=_cut)
