"""Boxes bit by bit, by ISO 14496-12."""

from neolink.mp4.boxes import UNITY_MATRIX, box, full_box, words


def test_box_is_its_length_its_kind_and_its_contents() -> None:
    assert box(b"free") == bytes.fromhex("00000008 66726565")
    assert box(b"mdat", b"ab", b"c") == bytes.fromhex("0000000b 6d646174 616263")


def test_full_box_begins_with_version_and_flags() -> None:
    assert full_box(b"trun", 1, 0xF01, b"x") == bytes.fromhex("0000000d 7472756e 01 000f01 78")


def test_words_are_32_bit_big_endian() -> None:
    assert words(1, 0xFFFFFFFF) == bytes.fromhex("00000001 ffffffff")


def test_matrix_changes_nothing() -> None:
    one, zero = "00010000", "00000000"
    expected = f"{one}{zero}{zero}{zero}{one}{zero}{zero}{zero}40000000"
    assert bytes.fromhex(expected) == UNITY_MATRIX
