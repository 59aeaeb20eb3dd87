import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neolink.errors import RemoteProtocolError
from neolink.media.nal import MAX_NAL_UNITS, join_annex_b, rbsp, split_annex_b


def _escaped(body: bytes) -> bytes:
    """Make a NAL unit that no start code emulates and that does not end in zero."""
    body = b"\x41" + body + b"\x80"
    while (position := body.find(b"\x00\x00")) >= 0:
        body = body[: position + 1] + b"\x05" + body[position + 1 :]
    return body


nal_units = st.lists(st.binary(max_size=60).map(_escaped), max_size=12)


@given(nal_units)
@settings(max_examples=100)
def test_split_undoes_join(units: list[bytes]) -> None:
    assert [bytes(unit) for unit in split_annex_b(join_annex_b(units))] == units


@given(nal_units, st.lists(st.sampled_from([3, 4, 5, 9]), min_size=12, max_size=12))
@settings(max_examples=100)
def test_any_mix_of_start_codes_and_padding_gives_the_same(
    units: list[bytes], code_lengths: list[int]
) -> None:
    stream = b"".join(
        bytes(length - 1) + b"\x01" + unit
        for unit, length in zip(units, code_lengths, strict=False)
    )
    assert [bytes(unit) for unit in split_annex_b(stream + bytes(7))] == units


@given(st.binary(max_size=400).map(lambda data: bytes(byte & 1 for byte in data)))
@settings(max_examples=200)
def test_no_unit_is_empty_or_contains_a_start_code(data: bytes) -> None:
    for unit in split_annex_b(data):
        assert len(unit)
        assert unit[-1] != 0
        assert b"\x00\x00\x01" not in bytes(unit)


@pytest.mark.parametrize(
    "data", [b"", b"\x00", bytes(1000), b"\x00\x00\x01", b"\x00\x00\x00\x01\x00\x00", b"\x41\x9a"]
)
def test_nothing_comes_of_a_stream_without_content(data: bytes) -> None:
    assert split_annex_b(data) == []


def test_bytes_before_the_first_start_code_are_dropped() -> None:
    assert [bytes(u) for u in split_annex_b(b"junk\x00\x00\x01\x41\x9a")] == [b"\x41\x9a"]


def test_views_of_bytes_are_not_copied() -> None:
    data = b"\xff\xff\x00\x00\x00\x01\x41\x9a"
    (whole,) = split_annex_b(data)
    (part,) = split_annex_b(memoryview(data)[2:])
    assert whole.obj is data
    assert part.obj is data


def test_a_receive_buffer_is_copied() -> None:
    buffer = bytearray(b"\x00\x00\x01\x41\x9a")
    (unit,) = split_annex_b(memoryview(buffer).toreadonly())
    buffer[3] = 0xFF
    assert bytes(unit) == b"\x41\x9a"


def test_a_flood_of_nal_units_is_refused() -> None:
    assert len(split_annex_b(b"\x00\x00\x01\x41" * MAX_NAL_UNITS)) == MAX_NAL_UNITS
    with pytest.raises(RemoteProtocolError, match="at most 4096 NAL units"):
        split_annex_b(b"\x00\x00\x01\x41" * (MAX_NAL_UNITS + 1))


def test_captured_pictures_have_the_documented_units(
    captured_iframe: bytes, captured_pframe: bytes
) -> None:
    assert [unit[0] for unit in split_annex_b(captured_iframe)] == [0x67, 0x68, *4 * [0x65]]
    assert [unit[0] for unit in split_annex_b(captured_pframe)] == 4 * [0x41]


@pytest.mark.parametrize(
    ("nal", "expected"),
    [
        ("0000030000030001", "000000000001"),  # one after the other
        ("00000303", "000003"),  # only the first is an insertion
        ("0000000301", "00000001"),  # damaged, yet bounded
        ("67000003", "670000"),
        ("010203", "010203"),
    ],
)
def test_emulation_prevention_is_removed(nal: str, expected: str) -> None:
    assert rbsp(memoryview(bytes.fromhex(nal))).hex() == expected
