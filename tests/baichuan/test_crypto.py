"""The ciphers against the published vectors, and the fast forms against the plain ones."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neolink.baichuan import crypto
from neolink.baichuan.crypto import (
    AesCipher,
    Encryption,
    legacy_hash,
    login_hash,
    session_key,
    xor,
)
from neolink.baichuan.xml import Extension

NONCE = "9E6D1FCB9E69846D"
KEY = b"0D119EB629684BDF"
TEXT = b'<?xml version="1.0"'
BC_VECTORS = {
    0: "2312442636490e9a6d5e552434545ace311d1e",
    1: "100232360459887b5e4e23340644dc2f020d68",
    138: "8afea88e9e55e3c2c4b2b98c9c48b79698f1f2",
    250: "fa8ed8feee2593b2b4c2c9fcec38c7e6e88182",
}
AES_VECTOR = bytes.fromhex(
    "c640e9ad98c8769f3cdb1a55cfd4985710bee2e828f6d0d6cd7b76bc8c7cc3fe19a62165915a813b8fd3982c5f89c2"
    "af15522d4636680f88be315457a82b18b6034d190661f1c905b7a5aa5df5bdd72afe56e622f46df9640e2546bd2118"
    "10fefdfd4211a3f0f03c4e0e"
)
LENGTHS = [0, 1, 15, 16, 17, 2047, 2048, 2049, 4095, 4096, 4097, 40_000, 65_536, 65_537, 300_001]


def data_of(length: int) -> bytes:
    return bytes(index * 7 & 0xFF for index in range(length))


def plain_xor(data: bytes, offset: int) -> bytes:
    key = bytes.fromhex("1f2d3c4b5a6978ff")
    return bytes(byte ^ key[(offset + i) % 8] ^ offset for i, byte in enumerate(data))


@pytest.fixture(params=["numpy", "no numpy"])
def wide(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "numpy":
        pytest.importorskip("numpy")
    else:
        monkeypatch.setattr(crypto, "_numpy", lambda: None)
        monkeypatch.setattr(crypto, "_workspaces", [])


@pytest.mark.parametrize(("offset", "cipher_text"), BC_VECTORS.items())
def test_bc_cipher_gives_the_published_vectors(offset: int, cipher_text: str) -> None:
    assert xor(TEXT, offset).hex() == cipher_text
    assert xor(bytes.fromhex(cipher_text), offset) == TEXT


@given(st.binary(max_size=100), st.integers(0, 255))
def test_bc_cipher_is_the_formula_and_its_own_inverse(data: bytes, offset: int) -> None:
    assert xor(data, offset) == plain_xor(data, offset)
    assert xor(xor(data, offset), offset) == data


@pytest.mark.parametrize("length", LENGTHS)
def test_bc_cipher_is_the_formula_at_any_length(length: int, wide: None) -> None:
    data = data_of(length)
    assert xor(memoryview(data), 200) == plain_xor(data, 200)


def test_aes_gives_the_published_vector() -> None:
    text = Extension(binary_data=True).serialize()
    assert len(text) == 106
    assert AesCipher(KEY).encrypt(text) == AES_VECTOR
    assert AesCipher(KEY).decrypt(AES_VECTOR) == text


@pytest.mark.parametrize("length", LENGTHS)
def test_aes_decryption_is_the_same_at_any_length_and_form(length: int, wide: None) -> None:
    cipher, data = AesCipher(KEY), data_of(length)
    for _ in range(2):  # every section starts afresh
        assert cipher.decrypt(cipher.encrypt(data)) == data
        assert cipher.decrypt(memoryview(cipher.encrypt(data))) == data


def test_a_long_section_leaves_nothing_behind_for_a_shorter_one(wide: None) -> None:
    cipher = AesCipher(KEY)
    for length in (50_000, 2_050, 33_333, 2_048):
        data = data_of(length)
        assert cipher.decrypt(cipher.encrypt(data)) == data


def test_keys_share_memory_but_no_bytes_also_between_threads(wide: None) -> None:
    def decrypts(number: int) -> bool:
        cipher = AesCipher(bytes((number,)) * 16)
        sections = [data_of(length + number) for length in (2_048, 33_333, 10, 60_000)] * 8
        return all(cipher.decrypt(cipher.encrypt(one)) == one for one in sections)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(decrypts, range(16)))


def test_what_was_decrypted_keeps_its_bytes(wide: None) -> None:
    cipher, data = AesCipher(KEY), data_of(5_000)
    received = bytearray(cipher.encrypt(data))
    plain = cipher.decrypt(memoryview(received))
    received[:] = bytes(5_000)
    cipher.decrypt(bytes(5_000))
    assert plain == data


def test_numpy_is_not_needed_for_short_sections(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        pytest.fail("numpy was asked for")

    monkeypatch.setattr(crypto, "_numpy", fail)
    monkeypatch.setattr(crypto, "_workspaces", [])
    cipher = AesCipher(KEY)
    assert cipher.decrypt(cipher.encrypt(TEXT * 50)) == TEXT * 50
    assert xor(xor(TEXT * 50, 3), 3) == TEXT * 50


@pytest.mark.parametrize(
    ("password", "key"),
    [("", b"A763AB622CEF5890"), ("123456", KEY), ("admin", b"F44320FBBE091C47")],
)
def test_session_keys_are_the_published_ones(password: str, key: bytes) -> None:
    assert session_key(NONCE, password) == key


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        ("admin", "9F07915E819A076E2E14169830769D6"),
        ("", "8EFECD610524A98390F118D2789BE3B"),
        ("123456", "75F8E580FB8E40537064BBB9729970F"),
    ],
)
def test_login_hashes_are_the_published_ones(text: str, digest: str) -> None:
    assert login_hash(text, NONCE) == digest


def test_legacy_hashes_drop_the_last_digit() -> None:
    assert legacy_hash("admin") == "21232F297A57A5A743894A0E4A801FC"
    assert legacy_hash("123456") == "E10ADC3949BA59ABBE56E057F20F883"
    assert legacy_hash("") == ""


def test_hashes_are_over_utf8() -> None:
    assert len(login_hash("pässwörd<&>", NONCE)) == 31


@pytest.mark.parametrize(
    ("level", "request_code", "reply_code"),
    [
        (Encryption.NONE, 0xDC00, 0xDD00),
        (Encryption.BC, 0xDC01, 0xDD01),
        (Encryption.AES, 0xDC02, 0xDD02),
        (Encryption.FULL_AES, 0xDC12, 0xDD12),
    ],
)
def test_levels_have_their_codes(level: Encryption, request_code: int, reply_code: int) -> None:
    assert (level.request_code, level.reply_code) == (request_code, reply_code)
    assert Encryption.from_request(request_code) is level
    assert Encryption.from_reply(reply_code) is level


def test_old_spellings_of_aes_are_read() -> None:
    assert Encryption.from_request(0xDC03) is Encryption.AES
    assert Encryption.from_reply(0xDD03) is Encryption.AES


def test_unknown_codes_are_none() -> None:
    assert Encryption.from_request(0) is None
    assert Encryption.from_reply(0xDD04) is None


def test_levels_are_ordered_by_strength() -> None:
    assert list(Encryption) == sorted(Encryption)
    assert [level.has_aes for level in Encryption] == [False, False, True, True]
