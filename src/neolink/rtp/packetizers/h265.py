"""H.265 access units to RTP payloads: single NAL unit, AP, FU (RFC 7798 section 4.4).

Hot path. Decoding order numbers and PACI packets are never used.
"""

import struct
from functools import lru_cache

from neolink.media.units import AccessUnit
from neolink.rtp.packetizers.nal_units import (
    Aggregation,
    NalScheme,
    NalUnit,
    in_band,
    packetize_nal_units,
)
from neolink.rtp.payload import DEFAULT_MAX_PAYLOAD, Fragments, Payload

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
) -> list[Payload | Fragments]:
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


def _cut(nal: NalUnit, max_payload: int) -> Fragments:
    """FU: equal sizes except the last, so that a kernel can segment them (section 4.4.3)."""
    return Fragments(memoryview(nal)[2:], max_payload - 3, _prefixes(nal[0], nal[1]))


@lru_cache(maxsize=64)
def _prefixes(high: int, low: int) -> tuple[bytes, bytes, bytes]:
    """Make them of the two bytes of the NAL unit's header."""
    header = bytes((high & 0x81 | _FRAGMENTATION_UNIT << 1, low))
    kind = high >> 1 & 0x3F
    first, middle, last = (bytes((kind | bit,)) for bit in (_START, 0, _END))
    return header + first, header + middle, header + last


_SCHEME = NalScheme(header_length=2, is_supplement=_is_supplement, join=_join, cut=_cut)
