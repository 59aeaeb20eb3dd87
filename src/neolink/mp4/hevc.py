"""H.265 in MP4: decoder configuration and codec string (ISO 14496-15 section 8.3, annex E)."""

from dataclasses import dataclass

from neolink.media.nal import rbsp
from neolink.media.sps import MAX_DIMENSION, parameter_set_reader
from neolink.media.tracks import ParameterSets
from neolink.mp4.boxes import box

__all__ = ["hevc_codec_string", "hevc_configuration"]

_NAL_HEADER_LENGTH = 2
_LENGTH_BYTES = 4
_VPS, _SPS, _PPS = 32, 33, 34
_COMPLETE = 0x80  # no set of this kind is anywhere else
_SUB_LAYER_PROFILE_BITS = 88
_SUB_LAYER_LEVEL_BITS = 8
_CHROMA_444 = 3


@dataclass(frozen=True, slots=True)
class _Sps:
    """What the record repeats of a sequence parameter set."""

    general: bytes
    """general_profile_space to general_level_idc: 12 bytes."""
    sub_layers: int
    is_nested: bool
    chroma: int
    luma_depth: int
    chroma_depth: int


def hevc_codec_string(sets: ParameterSets) -> str:
    """Return ``hvc1.`` with profile, compatibility, tier, level and constraints (annex E.3).

    Raises RemoteProtocolError for an SPS cut short.
    """
    general = _parse(sets.sps).general
    profile = general[0]
    compatibility = int(f"{int.from_bytes(general[1:5]):032b}"[::-1], 2)
    constraints = general[5:11].rstrip(b"\x00")
    space = ("", "A", "B", "C")[profile >> 6]
    tier = "H" if profile & 0x20 else "L"
    parts = [f"hvc1.{space}{profile & 0x1F}", f"{compatibility:X}", f"{tier}{general[11]}"]
    return ".".join((*parts, *(f"{byte:X}" for byte in constraints)))


def hevc_configuration(sets: ParameterSets) -> bytes:
    """Return the ``hvcC`` box. Raises RemoteProtocolError for an SPS cut short."""
    sps = _parse(sets.sps)
    temporal = sps.sub_layers << 3 | sps.is_nested << 2 | _LENGTH_BYTES - 1
    return box(
        b"hvcC",
        b"\x01",
        sps.general,
        b"\xf0\x00",  # segmentation and parallelism are not told
        bytes((0xFC, 0xFC | sps.chroma, 0xF8 | sps.luma_depth, 0xF8 | sps.chroma_depth)),
        b"\x00\x00",  # neither is the frame rate
        bytes((temporal, 3)),
        _array(_VPS, sets.vps),
        _array(_SPS, sets.sps),
        _array(_PPS, *sets.pps),
    )


def _array(kind: int, *nal_units: bytes) -> bytes:
    with_lengths = b"".join(len(nal).to_bytes(2) + nal for nal in nal_units)
    return bytes((_COMPLETE | kind,)) + len(nal_units).to_bytes(2) + with_lengths


def _parse(nal: bytes) -> _Sps:
    """Read a sequence parameter set up to its bit depths (ISO 23008-2 section 7.3.2.2.1)."""
    reader = parameter_set_reader(nal, _NAL_HEADER_LENGTH)
    reader.skip(4)
    sub_layers_minus_1 = reader.u(3)
    is_nested = reader.flag()
    reader.skip(96)  # taken as bytes below
    present = [(reader.flag(), reader.flag()) for _ in range(sub_layers_minus_1)]
    if present:
        reader.skip(2 * (8 - sub_layers_minus_1))
    for has_profile, has_level in present:
        reader.skip(_SUB_LAYER_PROFILE_BITS * has_profile + _SUB_LAYER_LEVEL_BITS * has_level)
    reader.ue(15)  # sps_seq_parameter_set_id
    chroma = reader.ue(3)
    if chroma == _CHROMA_444:
        reader.skip(1)
    reader.ue(MAX_DIMENSION), reader.ue(MAX_DIMENSION)
    if reader.flag():
        reader.ue(), reader.ue(), reader.ue(), reader.ue()
    return _Sps(
        general=rbsp(nal[_NAL_HEADER_LENGTH:])[1:13],
        sub_layers=sub_layers_minus_1 + 1,
        is_nested=is_nested,
        chroma=chroma,
        luma_depth=reader.ue(8),
        chroma_depth=reader.ue(8),
    )
