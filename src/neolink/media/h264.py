"""H.264: NAL unit types, their roles, and the sequence parameter set (ISO 14496-10).

Nothing about RTP and nothing that lasts longer than one NAL unit.
"""

from neolink.errors import RemoteProtocolError
from neolink.media.bits import BitReader
from neolink.media.nal import NalRole, rbsp
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
    "NAL_END_OF_SEQUENCE",
    "NAL_END_OF_STREAM",
    "NAL_FILLER",
    "NAL_IDR_SLICE",
    "NAL_PPS",
    "NAL_SEI",
    "NAL_SLICE",
    "NAL_SPS",
    "ROLES",
    "is_disposable",
    "is_parameter_set",
    "is_random_access",
    "nal_type",
    "parse_pps_id",
    "parse_sps",
]

NAL_SLICE = 1
NAL_IDR_SLICE = 5
NAL_SEI = 6
NAL_SPS = 7
NAL_PPS = 8
NAL_ACCESS_UNIT_DELIMITER = 9
NAL_END_OF_SEQUENCE = 10
NAL_END_OF_STREAM = 11
NAL_FILLER = 12

_HEADER_LENGTH = 1
_SEI_RECOVERY_POINT = 6
_I_SLICE_TYPES = frozenset({2, 4, 7, 9})  # I and SI
_SLICE_HEADER_PREFIX = 16  # bytes that surely hold first_mb_in_slice and slice_type
_MAX_SEI_SCANNED = 1024

_MB = 16
_HIGH_PROFILES = frozenset({44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244})
_PROFILE_NAMES = {
    44: "CAVLC 4:4:4 Intra",
    66: "Baseline",
    77: "Main",
    88: "Extended",
    100: "High",
    110: "High 10",
    118: "Multiview High",
    122: "High 4:2:2",
    128: "Stereo High",
    244: "High 4:4:4 Predictive",
}
_CONSTRAINT_SET_1 = 0x40
_CONSTRAINT_SET_3 = 0x10
_LEVEL_1B = 9


def _role(first_byte: int) -> NalRole:
    """Tell the role by the first byte.

    Types 0 and 24-31 are unspecified, and RTP gives them another meaning (RFC 6184 section 5.2);
    a set forbidden_zero_bit marks a damaged NAL unit. Neither may reach a packetizer.
    """
    kind = first_byte & 0x1F
    if first_byte & 0x80 or kind == 0 or kind >= 24:
        return NalRole.DISPOSABLE
    match kind:
        case 1 | 2 | 3 | 4:
            return NalRole.SLICE
        case 5:
            return NalRole.RANDOM_ACCESS_SLICE
        case 6:
            return NalRole.ENHANCEMENT
        case 7 | 8:
            return NalRole.PARAMETER_SET
        case 9 | 10 | 11 | 12:
            return NalRole.DISPOSABLE
        case _:
            return NalRole.OTHER


ROLES: tuple[NalRole, ...] = tuple(map(_role, range(256)))
"""The role of a NAL unit by its first byte."""


def nal_type(nal: bytes | memoryview) -> int:
    """Return nal_unit_type. The NAL unit has at least one byte."""
    return nal[0] & 0x1F


def is_parameter_set(nal: bytes | memoryview) -> bool:
    """Tell whether this is an SPS or a PPS."""
    return ROLES[nal[0]] is NalRole.PARAMETER_SET


def is_disposable(nal: bytes | memoryview) -> bool:
    """Tell whether no player needs it: delimiter, end of sequence or stream, filler, unusable."""
    return ROLES[nal[0]] is NalRole.DISPOSABLE


def is_random_access(nal_units: tuple[memoryview, ...] | list[memoryview]) -> bool:
    """Tell whether decoding can start with these NAL units of one access unit.

    An IDR slice, or a recovery point SEI together with nothing but I slices: some cameras never
    send IDR pictures.
    """
    kinds = [nal_type(nal) for nal in nal_units]
    if NAL_IDR_SLICE in kinds:
        return True
    slices = [nal for nal, kind in zip(nal_units, kinds, strict=True) if kind == NAL_SLICE]
    return (
        bool(slices)
        and any(map(_announces_recovery_point, nal_units))
        and all(map(_is_i_slice, slices))
    )


def parse_pps_id(nal: bytes | memoryview) -> int:
    """Return pic_parameter_set_id of a PPS. Raises RemoteProtocolError when it has none."""
    return parameter_set_reader(nal, _HEADER_LENGTH).ue(255)


def parse_sps(nal: bytes | memoryview) -> SpsInfo:
    """Read a sequence parameter set (ISO 14496-10 section 7.3.2.1.1).

    Raises RemoteProtocolError for anything else, a cut one, or an unbelievable picture size.
    A VUI that makes no sense costs only the frame rate.
    """
    reader = parameter_set_reader(nal, _HEADER_LENGTH)
    if nal_type(nal) != NAL_SPS:
        raise RemoteProtocolError(f"expected an H.264 SPS (type 7), got type {nal_type(nal)}")
    profile_idc, constraints, level_idc = reader.u(8), reader.u(8), reader.u(8)
    reader.ue(31)  # seq_parameter_set_id
    chroma = _read_chroma_array_type(reader) if profile_idc in _HIGH_PROFILES else 1
    reader.ue(12)  # log2_max_frame_num_minus4
    _skip_picture_order(reader)
    reader.ue(16)  # max_num_ref_frames
    reader.skip(1)
    width, height = _read_size(reader, chroma)
    return SpsInfo(
        width=width,
        height=height,
        profile=_profile_name(profile_idc, constraints),
        level=_level_name(profile_idc, constraints, level_idc),
        frame_rate=_read_vui_frame_rate(reader),
    )


def _read_chroma_array_type(reader: BitReader) -> int:
    chroma_format = reader.ue(3)
    separate_planes = chroma_format == 3 and reader.flag()
    reader.ue(6)  # bit_depth_luma_minus8
    reader.ue(6)
    reader.skip(1)
    if reader.flag():
        for position in range(8 if chroma_format != 3 else 12):
            if reader.flag():
                _skip_scaling_list(reader, 16 if position < 6 else 64)
    return 0 if separate_planes else chroma_format


def _skip_scaling_list(reader: BitReader, length: int) -> None:
    last = upcoming = 8
    for _ in range(length):
        if upcoming:
            upcoming = (last + reader.se()) % 256
        last = upcoming or last


def _skip_picture_order(reader: BitReader) -> None:
    match reader.ue(2):
        case 0:
            reader.ue(12)
        case 1:
            reader.skip(1)
            reader.se()
            reader.se()
            for _ in range(reader.ue(255)):
                reader.se()
        case _:
            pass


def _read_size(reader: BitReader, chroma: int) -> tuple[int, int]:
    width_mbs = reader.ue(MAX_DIMENSION) + 1
    height_units = reader.ue(MAX_DIMENSION) + 1
    frames_only = reader.flag()
    field_factor = 1 if frames_only else 2
    if not frames_only:
        reader.skip(1)  # mb_adaptive_frame_field_flag
    reader.skip(1)  # direct_8x8_inference_flag
    crop = (reader.ue(), reader.ue(), reader.ue(), reader.ue()) if reader.flag() else (0, 0, 0, 0)
    horizontal, vertical = CROP_UNITS[chroma]
    return displayed_size(
        (width_mbs * _MB, height_units * _MB * field_factor),
        (horizontal, vertical * field_factor),
        crop,
    )


def _read_vui_frame_rate(reader: BitReader) -> float | None:
    try:
        if not reader.flag():
            return None
        skip_vui_head(reader)
        return read_frame_rate(reader, ticks_per_frame=2)
    except RemoteProtocolError:
        return None  # the picture is described already; cameras do send broken VUIs


def _profile_name(profile_idc: int, constraints: int) -> str:
    name = _PROFILE_NAMES.get(profile_idc, f"profile {profile_idc}")
    if profile_idc == 66 and constraints & _CONSTRAINT_SET_1:
        return "Constrained Baseline"
    return name


def _level_name(profile_idc: int, constraints: int, level_idc: int) -> str:
    is_1b = level_idc == 11 and profile_idc in (66, 77, 88) and constraints & _CONSTRAINT_SET_3
    if level_idc == _LEVEL_1B or is_1b:
        return "1b"
    return f"{level_idc // 10}.{level_idc % 10}"


def _is_i_slice(nal: memoryview) -> bool:
    try:
        reader = BitReader(rbsp(nal[_HEADER_LENGTH : _HEADER_LENGTH + _SLICE_HEADER_PREFIX]))
        reader.ue()  # first_mb_in_slice
        return reader.ue() in _I_SLICE_TYPES
    except RemoteProtocolError:
        return False


def _announces_recovery_point(nal: memoryview) -> bool:
    """Walk the messages of an SEI NAL unit (ISO 14496-10 section 7.3.2.3.1)."""
    if nal_type(nal) != NAL_SEI:
        return False
    payload = rbsp(nal[_HEADER_LENGTH : _HEADER_LENGTH + _MAX_SEI_SCANNED])
    position = 0
    while position + 2 < len(payload):
        kind, position = _read_sei_number(payload, position)
        if kind == _SEI_RECOVERY_POINT:
            return True
        length, position = _read_sei_number(payload, position)
        position += length
    return False


def _read_sei_number(payload: bytes, position: int) -> tuple[int, int]:
    """Read a number written as a run of 255s and a last byte; return it and what follows."""
    total = 0
    while position < len(payload) and payload[position] == 0xFF:
        total += 0xFF
        position += 1
    last = payload[position] if position < len(payload) else 0
    return total + last, position + 1
