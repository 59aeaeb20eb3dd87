"""H.264 in MP4: its decoder configuration record and its name (ISO 14496-15 section 5.3)."""

from neolink.errors import RemoteProtocolError
from neolink.media.bits import BitReader
from neolink.media.sps import parameter_set_reader
from neolink.media.tracks import ParameterSets
from neolink.mp4.boxes import box

__all__ = ["avc_codec_string", "avc_configuration"]

_NAL_HEADER_LENGTH = 1
_LENGTH_BYTES = 4
_PROFILES_WITH_FORMAT = frozenset({100, 110, 122, 144})
_CHROMA_444 = 3


def avc_codec_string(sets: ParameterSets) -> str:
    """Return ``avc1.`` with profile, constraints and level (RFC 6381 section 3.3)."""
    return f"avc1.{_profile_and_level(sets.sps).hex()}"


def avc_configuration(sets: ParameterSets) -> bytes:
    """Return the ``avcC`` box. Raises RemoteProtocolError for an SPS cut short."""
    record = [
        b"\x01",
        _profile_and_level(sets.sps),
        bytes((0b1111_1100 | _LENGTH_BYTES - 1, 0b1110_0000 | 1)),
        _with_length(sets.sps),
        bytes((len(sets.pps),)),
        *map(_with_length, sets.pps),
    ]
    if sets.sps[1] in _PROFILES_WITH_FORMAT:
        record.append(_format(parameter_set_reader(sets.sps, _NAL_HEADER_LENGTH)))
    return box(b"avcC", *record)


def _profile_and_level(sps: bytes) -> bytes:
    if len(sps) < 4:
        raise RemoteProtocolError(f"expected an SPS of 4 bytes or more, got {len(sps)}")
    return sps[1:4]


def _with_length(nal: bytes) -> bytes:
    return len(nal).to_bytes(2) + nal


def _format(reader: BitReader) -> bytes:
    """Return chroma format and bit depths, and that no SPS extension follows."""
    reader.skip(24)  # profile, constraints, level
    reader.ue(31)  # seq_parameter_set_id
    chroma = reader.ue(3)
    if chroma == _CHROMA_444:
        reader.skip(1)
    luma_depth, chroma_depth = reader.ue(6), reader.ue(6)
    return bytes((0xFC | chroma, 0xF8 | luma_depth, 0xF8 | chroma_depth, 0))
