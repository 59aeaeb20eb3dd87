import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neolink.errors import RemoteProtocolError
from neolink.media import h264
from neolink.media.nal import NalRole, split_annex_b
from neolink.media.sps import SpsInfo

RECOVERY_POINT = b"\x06\x06\x01\xc4\x80"
USER_DATA = b"\x06\x05\x03abc\x80"
I_SLICE = b"\x41\x88\x84\x00\x10"  # first_mb 0, slice_type 7
P_SLICE = b"\x41\x9a\x02\x03\x04"  # first_mb 0, slice_type 5
IDR_SLICE = b"\x65\x88\x84\x00\x10"


def _u(value: int, width: int) -> str:
    return f"{value:0{width}b}"


def _ue(*values: int) -> str:
    codes = [f"{value + 1:b}" for value in values]
    return "".join("0" * (len(code) - 1) + code for code in codes)


def _nal(header: int, bits: str) -> bytes:
    bits += "1"
    bits += "0" * (-len(bits) % 8)
    body = int(bits, 2).to_bytes(len(bits) // 8)
    return bytes([header]) + body.replace(b"\x00\x00", b"\x00\x00\x03")


def _sps(
    head: bytes = b"\x42\x00\x1e",
    chroma: str = "",
    order: str = _ue(2),
    size: tuple[int, int] = (40, 30),
    flags: str = "11",
    crop: str = "0",
    vui: str = "0",
) -> bytes:
    """Build an SPS of 640x480 Baseline 3.0 unless told otherwise."""
    numbers = int.from_bytes(head)
    width, height = size
    return _nal(
        0x67,
        _u(numbers, 24)
        + _ue(0)
        + chroma
        + _ue(0)
        + order
        + _ue(1)
        + "0"
        + _ue(width - 1, height - 1)
        + flags
        + crop
        + vui,
    )


def _timing(units_in_tick: int, time_scale: int) -> str:
    return "1" + "0000" + "1" + _u(units_in_tick, 32) + _u(time_scale, 32)


def test_captured_sps_is_high_2560x1440_level_5_1(captured_iframe: bytes) -> None:
    sps = split_annex_b(captured_iframe)[0]
    info = h264.parse_sps(sps)
    assert (info.width, info.height, info.profile, info.level) == (2560, 1440, "High", "5.1")


@pytest.mark.parametrize(
    ("sps", "expected"),
    [
        (_sps(), SpsInfo(640, 480, "Baseline", "3.0")),
        (_sps(head=b"\x42\xc0\x0b"), SpsInfo(640, 480, "Constrained Baseline", "1.1")),
        (_sps(head=b"\x42\x10\x0b"), SpsInfo(640, 480, "Baseline", "1b")),
        (_sps(head=b"\x99\x00\x28"), SpsInfo(640, 480, "profile 153", "4.0")),
        (
            _sps(head=b"\x4d\x00\x28", size=(120, 68), crop="1" + _ue(0, 0, 0, 4)),
            SpsInfo(1920, 1080, "Main", "4.0"),
        ),
        (  # interlaced: heights count in pairs, so do crop units
            _sps(head=b"\x4d\x00\x28", size=(120, 34), flags="001", crop="1" + _ue(0, 0, 0, 2)),
            SpsInfo(1920, 1080, "Main", "4.0"),
        ),
        (_sps(order=_ue(0, 4)), SpsInfo(640, 480, "Baseline", "3.0")),
        (
            _sps(order=_ue(1) + "0" + _ue(3, 3, 2, 5, 5)),
            SpsInfo(640, 480, "Baseline", "3.0"),
        ),
        (  # 4:2:2 crops two columns at a time, one row
            _sps(
                head=b"\x7a\x00\x29",
                chroma=_ue(2, 2, 2) + "00",
                crop="1" + _ue(1, 0, 0, 1),
            ),
            SpsInfo(638, 479, "High 4:2:2", "4.1"),
        ),
        (  # 4:4:4 with separate planes: single pixels
            _sps(
                head=b"\xf4\x00\x29",
                chroma=_ue(3) + "1" + _ue(0, 0) + "00",
                crop="1" + _ue(1, 0, 0, 1),
            ),
            SpsInfo(639, 479, "High 4:4:4 Predictive", "4.1"),
        ),
        (  # scaling lists: the second ends early, the seventh has all its 64 numbers
            _sps(
                head=b"\x64\x00\x33",
                chroma=_ue(1, 0, 0) + "01" + "01" + _ue(16) + "0000" + "1" + _ue(0) * 64 + "0",
            ),
            SpsInfo(640, 480, "High", "5.1"),
        ),
        (_sps(vui=_timing(1, 50)), SpsInfo(640, 480, "Baseline", "3.0", 25.0)),
        (_sps(vui=_timing(0, 50)), SpsInfo(640, 480, "Baseline", "3.0")),
        (_sps(vui=_timing(1, 0)), SpsInfo(640, 480, "Baseline", "3.0")),
        (
            _sps(
                vui="1"
                + ("1" + _u(255, 8) + _u(1, 32))
                + "11"
                + ("1" + "1010" + "1" + _u(0, 24))
                + ("1" + _ue(0, 0))
                + ("1" + _u(1001, 32) + _u(60000, 32))
            ),
            SpsInfo(640, 480, "Baseline", "3.0", 60000 / 2002),
        ),
        (_sps(vui="1" + "0000" + "1" + _u(1, 32)), SpsInfo(640, 480, "Baseline", "3.0")),
    ],
)
def test_sps_fields_are_read(sps: bytes, expected: SpsInfo) -> None:
    assert h264.parse_sps(sps) == expected


@pytest.mark.parametrize(
    ("sps", "message"),
    [
        (b"", "got 0"),
        (b"\x67", "got 1"),
        (b"\x68\xce\x3c\x80", "expected an H.264 SPS"),
        (_sps()[:5], "more bits"),
        (_sps(size=(1100, 30)), "17600x480 coded"),
        (_sps(size=(16385, 30)), "1 to 16384"),
        (_sps(crop="1" + _ue(160, 160, 0, 0)), "0x480 displayed"),
        (_sps(crop="1" + _ue(0, 0, 0, 2**31)), "displayed"),
        (_sps(order=_ue(1) + "0" + _ue(0, 0, 256)), "at most 255, got 256"),
        (b"\x67" + bytes(9000), "2 to 8192 bytes, got 9001"),
    ],
)
def test_an_unbelievable_sps_is_refused(sps: bytes, message: str) -> None:
    with pytest.raises(RemoteProtocolError) as refusal:
        h264.parse_sps(sps)
    assert message in str(refusal.value)


@given(st.binary(max_size=80), st.booleans())
@settings(max_examples=300)
def test_any_bytes_raise_only_the_declared_error(data: bytes, is_headed: bool) -> None:
    data = (b"\x67\x64\x00\x33" if is_headed else b"") + data
    try:
        info = h264.parse_sps(data)
    except RemoteProtocolError:
        return
    assert 0 < info.width <= 16384
    assert 0 < info.height <= 16384


@given(st.data())
@settings(max_examples=60)
def test_a_cut_sps_raises_only_the_declared_error(data: st.DataObject) -> None:
    sps = _sps(vui=_timing(1, 50))
    cut = sps[: data.draw(st.integers(0, len(sps)))]
    try:
        assert h264.parse_sps(cut).width == 640
    except RemoteProtocolError:
        assert len(cut) < len(sps)


@pytest.mark.parametrize(
    ("nal_units", "expected"),
    [
        ([IDR_SLICE], True),
        ([USER_DATA, IDR_SLICE, IDR_SLICE], True),
        ([P_SLICE], False),
        ([I_SLICE], False),
        ([USER_DATA, I_SLICE], False),
        ([RECOVERY_POINT, I_SLICE, I_SLICE], True),
        ([RECOVERY_POINT, I_SLICE, P_SLICE], False),
        ([RECOVERY_POINT, P_SLICE], False),
        ([RECOVERY_POINT], False),
        ([b"\x06\x05\x02ab\x06\x01\xc4\x80", I_SLICE], True),  # the second message counts
        ([b"\x06\x05\xff\x06", I_SLICE], False),  # a length that points past the end
        ([RECOVERY_POINT, b"\x41"], False),
        ([], False),
    ],
)
def test_random_access_is_idr_or_recovery_point_with_i_slices(
    nal_units: list[bytes], expected: bool
) -> None:
    assert h264.is_random_access([memoryview(nal) for nal in nal_units]) is expected


def test_roles_follow_the_type() -> None:
    assert h264.ROLES[0x41] is h264.ROLES[0x01] is NalRole.SLICE
    assert h264.ROLES[0x65] is NalRole.RANDOM_ACCESS_SLICE
    assert h264.ROLES[0x06] is NalRole.ENHANCEMENT
    assert all(map(h264.is_parameter_set, (b"\x67", b"\x68", b"\x27")))
    assert all(map(h264.is_disposable, (b"\x09", b"\x0a", b"\x0b", b"\x0c")))
    assert h264.ROLES[0x0E] is NalRole.OTHER


@pytest.mark.parametrize("first_byte", [0x00, 0x18, 0x1C, 0x7F, 0xC1, 0xE5])
def test_types_that_mean_something_else_in_rtp_are_disposable(first_byte: int) -> None:
    assert h264.is_disposable(bytes([first_byte]))


def test_pps_id_is_read() -> None:
    assert h264.parse_pps_id(b"\x68\xce\x3c\x80") == 0
    assert h264.parse_pps_id(b"\x68\x28\x80") == 4
    with pytest.raises(RemoteProtocolError):
        h264.parse_pps_id(b"\x68")
