import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neolink.errors import RemoteProtocolError
from neolink.media.bits import MAX_BIT_STRING, BitReader


def _reader(bits: str) -> BitReader:
    bits += "0" * (-len(bits) % 8)
    return BitReader(int(bits, 2).to_bytes(len(bits) // 8))


@pytest.mark.parametrize(
    ("bits", "unsigned", "signed"),
    [
        ("1", 0, 0),
        ("010", 1, 1),
        ("011", 2, -1),
        ("00100", 3, 2),
        ("00101", 4, -2),
        ("0001000", 7, 4),
        ("0" * 31 + "1" * 32, 2**32 - 2, -(2**31 - 1)),
    ],
)
def test_exp_golomb_codes_are_those_of_the_standard(bits: str, unsigned: int, signed: int) -> None:
    assert _reader(bits).ue() == unsigned
    assert _reader(bits).se() == signed


def test_fields_are_read_from_the_most_significant_bit_on() -> None:
    reader = BitReader(b"\xa5\x0f")
    assert (reader.u(3), reader.flag(), reader.u(0), reader.u(8)) == (5, False, 0, 0x50)
    assert reader.bits_left == 4
    reader.skip(4)
    assert reader.bits_left == 0


@pytest.mark.parametrize("read", [BitReader.flag, BitReader.ue, BitReader.se])
def test_reading_past_the_end_is_a_declared_error(read: object) -> None:
    assert callable(read)
    with pytest.raises(RemoteProtocolError, match="more bits"):
        read(BitReader(b""))
    with pytest.raises(RemoteProtocolError):
        BitReader(b"\x00").u(9)


def test_too_many_leading_zeros_are_refused() -> None:
    with pytest.raises(RemoteProtocolError, match="leading zeros"):
        BitReader(bytes(20)).ue()


def test_a_value_above_the_maximum_is_refused() -> None:
    assert _reader("00101").ue(4) == 4
    with pytest.raises(RemoteProtocolError, match="at most 3, got 4"):
        _reader("00101").ue(3)


def test_a_huge_bit_string_is_refused() -> None:
    with pytest.raises(RemoteProtocolError, match="at most 8192 bytes"):
        BitReader(bytes(MAX_BIT_STRING + 1))


@given(st.integers(0, 2**32 - 2))
@settings(max_examples=50)
def test_any_number_survives_exp_golomb(number: int) -> None:
    code = f"{number + 1:b}"
    assert _reader("0" * (len(code) - 1) + code).ue() == number
