import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neolink.errors import RemoteProtocolError
from neolink.media import h265
from neolink.media.nal import NalRole, split_annex_b
from neolink.media.sps import SpsInfo


def _u(value: int, width: int) -> str:
    return f"{value:0{width}b}"


def _ue(*values: int) -> str:
    codes = [f"{value + 1:b}" for value in values]
    return "".join("0" * (len(code) - 1) + code for code in codes)


def _nal(kind: int, bits: str) -> bytes:
    bits += "1"
    bits += "0" * (-len(bits) % 8)
    body = int(bits, 2).to_bytes(len(bits) // 8)
    return bytes([kind << 1, 1]) + body.replace(b"\x00\x00", b"\x00\x00\x03")


def _profile(idc: int = 1, level: int = 153, sub_layers: str = "") -> str:
    return "000" + _u(idc, 5) + _u(1 << 31 >> idc, 32) + _u(0, 48) + _u(level, 8) + sub_layers


MIDDLE = _ue(0, 0, 4) + "1" + _ue(4, 0, 0) + _ue(0, 3, 0, 3, 0, 0)
"""Bit depths, picture order, one sub-layer's ordering, block sizes."""

TIMING = "1" + "0000" + "000" + "0" + "1" + _u(1, 32) + _u(20, 32)


def _sps(
    sub_layers_minus_1: int = 0,
    profile: str | None = None,
    chroma: str = _ue(1),
    size: tuple[int, int] = (3840, 2160),
    crop: str = "0",
    middle: str = MIDDLE,
    tools: str = "0" + "00" + "0",  # no scaling lists, no pcm
    pictures: str = _ue(0) + "0" + "00",
    vui: str = "0",
) -> bytes:
    return _nal(
        33,
        "0000"
        + _u(sub_layers_minus_1, 3)
        + "1"
        + (profile or _profile())
        + _ue(0)
        + chroma
        + _ue(*size)
        + crop
        + middle
        + tools
        + pictures
        + vui,
    )


MAIN = SpsInfo(3840, 2160, "Main", "5.1")
MAIN_20_FPS = SpsInfo(3840, 2160, "Main", "5.1", 20.0)


def test_captured_sps_is_main_3840x2160(captured_hevc_start: bytes) -> None:
    assert len(captured_hevc_start) == 30312
    units = split_annex_b(captured_hevc_start)
    assert [h265.nal_type(unit) for unit in units[:3]] == [
        h265.NAL_VPS, h265.NAL_SPS, h265.NAL_PPS,
    ]  # fmt: skip
    info = h265.parse_sps(units[1])
    assert (info.width, info.height, info.profile) == (3840, 2160, "Main")


@pytest.mark.parametrize(
    ("sps", "expected"),
    [
        (_sps(), MAIN),
        (_sps(profile=_profile(idc=2, level=120)), SpsInfo(3840, 2160, "Main 10", "4.0")),
        (_sps(profile=_profile(idc=20)), SpsInfo(3840, 2160, "profile 20", "5.1")),
        (
            _sps(profile="000" + _u(0, 5) + _u(3 << 29, 32) + _u(0, 48) + _u(93, 8)),
            SpsInfo(3840, 2160, "Main", "3.1"),
        ),
        (
            _sps(size=(1920, 1088), crop="1" + _ue(0, 0, 0, 4)),
            SpsInfo(1920, 1080, "Main", "5.1"),
        ),
        (
            _sps(chroma=_ue(3) + "1", size=(100, 100), crop="1" + _ue(1, 2, 3, 4)),
            SpsInfo(97, 93, "Main", "5.1"),
        ),
        (_sps(vui=TIMING), MAIN_20_FPS),
        (  # two sub-layers more, one with profile and level, one with level only
            _sps(
                sub_layers_minus_1=2,
                profile=_profile(sub_layers="11" + "01" + _u(0, 12) + _u(0, 96) + _u(0, 8)),
                middle=_ue(0, 0, 4) + "1" + _ue(4, 0, 0) * 3 + _ue(0, 3, 0, 3, 0, 0),
                vui=TIMING,
            ),
            MAIN_20_FPS,
        ),
        (  # scaling lists: one predicted, one written out, for every size
            _sps(
                tools="11"
                + ("0" + _ue(0) + "1" + _ue(0) * 16 + ("0" + _ue(0)) * 4)
                + ("0" + _ue(0) + "1" + _ue(0) * 64 + ("0" + _ue(0)) * 4)
                + ("0" + _ue(0) + "1" + _ue(0) * 65 + ("0" + _ue(0)) * 4)
                + ("0" + _ue(0) + "1" + _ue(0) * 65)
                + "00"
                + ("1" + "01110111" + _ue(0, 2) + "1"),
                vui=TIMING,
            ),
            MAIN_20_FPS,
        ),
        (  # a set of two pictures, one predicted from it with three flags, one from that
            _sps(
                pictures=_ue(3)
                + (_ue(1, 1) + _ue(0) + "1" + _ue(0) + "1")
                + ("1" + "0" + _ue(0) + "1" + "01" + "00")
                + ("1" + "0" + _ue(0) + "1" + "1" + "1")
                + ("1" + _ue(1) + _u(0, 9))
                + "00",
                vui=TIMING,
            ),
            MAIN_20_FPS,
        ),
        (  # a default display window before the timing
            _sps(vui="1" + "0000" + "000" + "1" + _ue(0, 0, 0, 8) + "1" + _u(1, 32) + _u(20, 32)),
            MAIN_20_FPS,
        ),
        (_sps(vui="1" + "0000" + "000" + "0" + "0"), MAIN),
        (_sps(pictures=_ue(65)), MAIN),  # nonsense behind the size costs the frame rate only
        (_sps(pictures=_ue(1) + _ue(12, 12), vui=TIMING), MAIN),
    ],
)
def test_sps_fields_are_read(sps: bytes, expected: SpsInfo) -> None:
    assert h265.parse_sps(sps) == expected


@pytest.mark.parametrize(
    ("sps", "message"),
    [
        (b"", "got 0"),
        (b"\x42\x01", "got 2"),
        (b"\x44\x01\xc0", "expected an H.265 SPS"),
        (_sps()[:18], "more bits"),
        (_sps(sub_layers_minus_1=7), "at most 7 temporal sub-layers"),
        (_sps(size=(16385, 16)), "at most 16384, got 16385"),
        (_sps(size=(0, 16)), "0x16 coded"),
        (_sps(crop="1" + _ue(0, 1920, 0, 0)), "0x2160 displayed"),
        (_sps(chroma=_ue(4)), "at most 3, got 4"),
    ],
)
def test_an_unbelievable_sps_is_refused(sps: bytes, message: str) -> None:
    with pytest.raises(RemoteProtocolError) as refusal:
        h265.parse_sps(sps)
    assert message in str(refusal.value)


@given(st.binary(max_size=80), st.sampled_from([b"", b"\x42\x01", _sps()[:20], _sps()[:28]]))
@settings(max_examples=300)
def test_any_bytes_raise_only_the_declared_error(data: bytes, head: bytes) -> None:
    try:
        info = h265.parse_sps(head + data)
    except RemoteProtocolError:
        return
    assert 0 < info.width <= 16384
    assert 0 < info.height <= 16384


@pytest.mark.parametrize(("kind", "expected"), [(1, False), (15, False), (16, True), (19, True),
                                                (21, True), (22, False), (39, False)])  # fmt: skip
def test_random_access_is_type_16_to_21(kind: int, expected: bool) -> None:
    unit = memoryview(bytes([kind << 1, 1, 0xAF]))
    assert h265.is_random_access([memoryview(b"\x4e\x01\x05"), unit]) is expected


def test_roles_follow_the_type() -> None:
    assert h265.ROLES[0x02] is h265.ROLES[0x00] is NalRole.SLICE
    assert h265.ROLES[0x26] is NalRole.RANDOM_ACCESS_SLICE
    assert h265.ROLES[0x4E] is h265.ROLES[0x50] is NalRole.ENHANCEMENT
    assert all(map(h265.is_parameter_set, (b"\x40", b"\x42", b"\x44")))
    assert all(map(h265.is_disposable, (b"\x46", b"\x48", b"\x4a", b"\x4c")))
    assert h265.ROLES[41 << 1] is NalRole.OTHER


@pytest.mark.parametrize("first_byte", [48 << 1, 49 << 1, 63 << 1, 0x82])
def test_types_that_mean_something_else_in_rtp_are_disposable(first_byte: int) -> None:
    assert h265.is_disposable(bytes([first_byte]))


def test_pps_id_is_read() -> None:
    assert h265.parse_pps_id(b"\x44\x01\xc1\x73") == 0
    with pytest.raises(RemoteProtocolError):
        h265.parse_pps_id(b"\x44\x01")
