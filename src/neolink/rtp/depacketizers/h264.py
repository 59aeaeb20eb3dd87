"""RTP payloads to H.264 access units: single NAL unit, STAP-A, FU-A (RFC 6184 section 5)."""

from neolink.errors import RemoteProtocolError
from neolink.rtp.depacketizers.nal_units import (
    AccessUnitAssembly,
    NalDepacketizer,
    split_aggregate,
)

__all__ = ["H264Depacketizer"]

_LAST_SINGLE = 23
_STAP_A = 24
_FU_A = 28


class H264Depacketizer(NalDepacketizer):
    """Packets of one H.264 source in, whole access units out."""

    def __init__(self) -> None:
        super().__init__(_read)


def _read(payload: bytes, assembly: AccessUnitAssembly) -> None:
    kind = payload[0] & 0x1F if payload else 0
    if 1 <= kind <= _LAST_SINGLE:
        assembly.append(payload)
    elif kind == _STAP_A:
        split_aggregate(payload, 1, assembly)
    elif kind == _FU_A and len(payload) > 1:
        header = bytes((payload[0] & 0xE0 | payload[1] & 0x1F,))
        assembly.append_fragment(payload[1], header, payload[2:])
    else:
        raise RemoteProtocolError(f"H.264 payload of {len(payload)} bytes and type {kind}")
