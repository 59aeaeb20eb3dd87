"""H.264 access units to RTP payloads: single NAL unit, STAP-A, FU-A (RFC 6184 section 5).

Hot path. Interleaved mode (STAP-B, MTAP, FU-B) is never used: players rarely support it.
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

_STAP_A = 24
_FU_A = 28
_START = 0x80
_END = 0x40
_SUPPLEMENTS = frozenset({6, 7, 8})  # SEI, SPS, PPS
_LENGTH = struct.Struct(">H")


def packetize(
    unit: AccessUnit,
    max_payload: int = DEFAULT_MAX_PAYLOAD,
    aggregate: Aggregation = Aggregation.PARAMETER_SETS,
) -> list[Payload | Fragments]:
    """Return the payloads of one access unit, parameter sets first at a random access point."""
    return packetize_nal_units(in_band(unit), max_payload, _SCHEME, aggregate)


def _is_supplement(nal: NalUnit) -> bool:
    return nal[0] & 0x1F in _SUPPLEMENTS


def _join(nal_units: list[NalUnit]) -> Payload:
    """STAP-A: the worst F bit and the highest importance of its NAL units (section 5.7)."""
    forbidden = max(nal[0] & 0x80 for nal in nal_units)
    importance = max(nal[0] & 0x60 for nal in nal_units)
    parts: list[NalUnit] = []
    for nal in nal_units:
        parts += (_LENGTH.pack(len(nal)), nal)
    return bytes((forbidden | importance | _STAP_A,)), b"".join(parts)


def _cut(nal: NalUnit, max_payload: int) -> Fragments:
    """FU-A: equal sizes except the last, so that a kernel can segment them (section 5.8)."""
    return Fragments(memoryview(nal)[1:], max_payload - 2, _prefixes(nal[0]))


@lru_cache(maxsize=64)
def _prefixes(header: int) -> tuple[bytes, bytes, bytes]:
    indicator = header & 0xE0 | _FU_A
    kind = header & 0x1F
    return (
        bytes((indicator, kind | _START)),
        bytes((indicator, kind)),
        bytes((indicator, kind | _END)),
    )


_SCHEME = NalScheme(header_length=1, is_supplement=_is_supplement, join=_join, cut=_cut)
