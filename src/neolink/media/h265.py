"""H.265: NAL unit types, their roles, and the sequence parameter set (ISO 23008-2).

Nothing about RTP and nothing that lasts longer than one NAL unit.
"""

from neolink.errors import RemoteProtocolError
from neolink.media.bits import BitReader
from neolink.media.nal import NalRole
from neolink.media.sps import (
    CROP_UNITS,
    MAX_DIMENSION,
    SpsInfo,
    displayed_size,
    parameter_set_reader,
    read_frame_rate,
    skip_vui_head,
)

__all__ = [
    "NAL_ACCESS_UNIT_DELIMITER",
    "NAL_END_OF_BITSTREAM",
    "NAL_END_OF_SEQUENCE",
    "NAL_FILLER",
    "NAL_FIRST_RANDOM_ACCESS",
    "NAL_LAST_RANDOM_ACCESS",
    "NAL_PPS",
    "NAL_PREFIX_SEI",
    "NAL_SPS",
    "NAL_SUFFIX_SEI",
    "NAL_VPS",
    "ROLES",
    "is_disposable",
    "is_parameter_set",
    "is_random_access",
    "nal_type",
    "parse_pps_id",
    "parse_sps",
]

NAL_FIRST_RANDOM_ACCESS = 16
NAL_LAST_RANDOM_ACCESS = 21
NAL_VPS = 32
NAL_SPS = 33
NAL_PPS = 34
NAL_ACCESS_UNIT_DELIMITER = 35
NAL_END_OF_SEQUENCE = 36
NAL_END_OF_BITSTREAM = 37
NAL_FILLER = 38
NAL_PREFIX_SEI = 39
NAL_SUFFIX_SEI = 40

_HEADER_LENGTH = 2
_MAX_SUB_LAYERS_MINUS_1 = 6
_MAX_PICTURES = 16
_PROFILE_NAMES = {
    1: "Main",
    2: "Main 10",
    3: "Main Still Picture",
    4: "Range Extensions",
    5: "High Throughput",
    9: "Screen Content",
}


def _role(first_byte: int) -> NalRole:
    """Tell the role by the first byte.

    Types 48-63 are unspecified, and RTP gives them another meaning (RFC 7798 section 4.4); a set
    forbidden_zero_bit marks a damaged NAL unit. Neither may reach a packetizer.
    """
    kind = first_byte >> 1 & 0x3F
    if first_byte & 0x80 or kind >= 48 or 35 <= kind <= 38:
        return NalRole.DISPOSABLE
    if NAL_FIRST_RANDOM_ACCESS <= kind <= NAL_LAST_RANDOM_ACCESS:
        return NalRole.RANDOM_ACCESS_SLICE
    if kind in (NAL_VPS, NAL_SPS, NAL_PPS):
        return NalRole.PARAMETER_SET
    if kind in (NAL_PREFIX_SEI, NAL_SUFFIX_SEI):
        return NalRole.ENHANCEMENT
    return NalRole.SLICE if kind <= 9 else NalRole.OTHER


ROLES: tuple[NalRole, ...] = tuple(map(_role, range(256)))
"""The role of a NAL unit by its first byte."""


def nal_type(nal: bytes | memoryview) -> int:
    """Return nal_unit_type. The NAL unit has at least one byte."""
    return nal[0] >> 1 & 0x3F


def is_parameter_set(nal: bytes | memoryview) -> bool:
    """Tell whether this is a VPS, an SPS or a PPS."""
    return ROLES[nal[0]] is NalRole.PARAMETER_SET


def is_disposable(nal: bytes | memoryview) -> bool:
    """Tell whether no player needs it: delimiter, end of sequence, filler, unusable types."""
    return ROLES[nal[0]] is NalRole.DISPOSABLE


def is_random_access(nal_units: tuple[memoryview, ...] | list[memoryview]) -> bool:
    """Tell whether decoding can start with these NAL units: one is BLA, IDR or CRA."""
    return any(ROLES[nal[0]] is NalRole.RANDOM_ACCESS_SLICE for nal in nal_units)


def parse_pps_id(nal: bytes | memoryview) -> int:
    """Return pps_pic_parameter_set_id of a PPS. Raises RemoteProtocolError when it has none."""
    return parameter_set_reader(nal, _HEADER_LENGTH).ue(63)


def parse_sps(nal: bytes | memoryview) -> SpsInfo:
    """Read a sequence parameter set (ISO 23008-2 section 7.3.2.2.1).

    Raises RemoteProtocolError for anything else, a cut one, or an unbelievable picture size.
    Damage behind the size costs only the frame rate.
    """
    reader = parameter_set_reader(nal, _HEADER_LENGTH)
    if nal_type(nal) != NAL_SPS:
        raise RemoteProtocolError(f"expected an H.265 SPS (type 33), got type {nal_type(nal)}")
    reader.skip(4)  # sps_video_parameter_set_id
    max_sub_layers_minus_1 = reader.u(3)
    if max_sub_layers_minus_1 > _MAX_SUB_LAYERS_MINUS_1:
        raise RemoteProtocolError("expected at most 7 temporal sub-layers, got 8")
    reader.skip(1)
    profile, level = _read_profile_tier_level(reader, max_sub_layers_minus_1)
    reader.ue(15)  # sps_seq_parameter_set_id
    chroma_format = reader.ue(3)
    separate_planes = chroma_format == 3 and reader.flag()
    coded = reader.ue(MAX_DIMENSION), reader.ue(MAX_DIMENSION)
    crop = (reader.ue(), reader.ue(), reader.ue(), reader.ue()) if reader.flag() else (0, 0, 0, 0)
    width, height = displayed_size(coded, CROP_UNITS[0 if separate_planes else chroma_format], crop)
    try:
        frame_rate = _read_vui_frame_rate(reader, max_sub_layers_minus_1)
    except RemoteProtocolError:
        frame_rate = None  # the picture is described already
    return SpsInfo(width, height, profile, level, frame_rate)


def _read_profile_tier_level(reader: BitReader, max_sub_layers_minus_1: int) -> tuple[str, str]:
    reader.skip(3)  # profile space and tier
    profile_idc = reader.u(5)
    compatibility = reader.u(32)
    reader.skip(48)
    level_idc = reader.u(8)
    present = [(reader.flag(), reader.flag()) for _ in range(max_sub_layers_minus_1)]
    if present:
        reader.skip(2 * (8 - max_sub_layers_minus_1))
    for has_profile, has_level in present:
        reader.skip(88 * has_profile + 8 * has_level)
    if profile_idc not in _PROFILE_NAMES and compatibility:
        # The lowest compatible profile says more than a number nobody knows.
        compatible = next(bit for bit in range(32) if compatibility >> (31 - bit) & 1)
        profile_idc = compatible or profile_idc
    profile = _PROFILE_NAMES.get(profile_idc, f"profile {profile_idc}")
    return profile, f"{level_idc // 30}.{level_idc % 30 // 3}"


def _read_vui_frame_rate(reader: BitReader, max_sub_layers_minus_1: int) -> float | None:
    """Walk everything between the conformance window and the VUI's timing information."""
    reader.ue(8)  # bit_depth_luma_minus8
    reader.ue(8)
    order_bits = reader.ue(12) + 4
    for _ in range(max_sub_layers_minus_1 + 1 if reader.flag() else 1):
        reader.ue(), reader.ue(), reader.ue()
    for _ in range(6):  # block and transform sizes and depths
        reader.ue(32)
    if reader.flag() and reader.flag():
        _skip_scaling_lists(reader)
    reader.skip(2)
    if reader.flag():  # pcm_enabled_flag
        reader.skip(8)
        reader.ue(), reader.ue()
        reader.skip(1)
    _skip_short_term_pictures(reader)
    if reader.flag():
        reader.skip(reader.ue(32) * (order_bits + 1))
    reader.skip(2)
    if not reader.flag():
        return None
    skip_vui_head(reader)
    reader.skip(3)
    if reader.flag():  # default display window
        reader.ue(), reader.ue(), reader.ue(), reader.ue()
    return read_frame_rate(reader, ticks_per_frame=1)


def _skip_scaling_lists(reader: BitReader) -> None:
    """Pass over scaling_list_data (ISO 23008-2 section 7.3.4)."""
    for size in range(4):
        for _ in range(0, 6, 3 if size == 3 else 1):
            if not reader.flag():
                reader.ue()
                continue
            if size > 1:
                reader.se()
            for _ in range(min(64, 1 << (4 + (size << 1)))):
                reader.se()


def _skip_short_term_pictures(reader: BitReader) -> None:
    """Pass over the short-term reference picture sets (ISO 23008-2 section 7.3.7).

    Only their sizes matter: a predicted set has one flag group per picture of the set before.
    """
    pictures = 0
    for index in range(reader.ue(64)):
        if index and reader.flag():
            reader.skip(1)
            reader.ue()
            pictures = sum(reader.flag() or reader.flag() for _ in range(pictures + 1))
        else:
            pictures = reader.ue(_MAX_PICTURES) + reader.ue(_MAX_PICTURES)
            for _ in range(pictures):
                reader.ue()
                reader.skip(1)
        if pictures > _MAX_PICTURES:
            raise RemoteProtocolError(
                f"expected at most {_MAX_PICTURES} reference pictures, got {pictures}"
            )
