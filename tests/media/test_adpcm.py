import math
from array import array
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neolink.errors import LocalProtocolError, RemoteProtocolError
from neolink.media.adpcm import AdpcmDecoder, AdpcmEncoder, AdpcmState
from neolink.media.pcm import pcm_from_samples, samples_from_pcm


def _tone(samples: int) -> "array[int]":
    return array(
        "h", (int(8000 * math.sin(n * 0.1) + 3000 * math.sin(n * 0.013)) for n in range(samples))
    )


def _signal_to_noise_db(signal: "array[int]", decoded: "array[int]") -> float:
    noise = sum((a - b) ** 2 for a, b in zip(signal, decoded, strict=True))
    return 10 * math.log10(sum(a * a for a in signal) / max(1, noise))


def test_captured_blocks_join_exactly(captured_adpcm: list[bytes]) -> None:
    decoder = AdpcmDecoder()
    ends = []
    for block in captured_adpcm:
        pcm = decoder.decode(block)
        assert len(pcm) == 2 * 480
        assert samples_from_pcm(pcm)[-1] == (decoder.state or AdpcmState()).predictor
        ends.append(decoder.state)
    assert captured_adpcm[0][:4].hex() == "22001000"  # (34, 16)
    assert ends == [(-96, 19), (32, 19)]
    assert decoder.gaps == 0


def test_pcm_is_big_endian_and_high_nibble_first() -> None:
    # step 7: nibble 4 adds 7 + 0, nibble 8 subtracts 0 (step 8 after index 2: 9 >> 3 = 1)
    assert AdpcmDecoder().decode(b"\x00\x01\x00\x00\x48").hex() == "01070106"


@pytest.mark.parametrize("predictor", [32767, -32768])
def test_samples_are_clamped(predictor: int) -> None:
    nibbles = b"\x77" if predictor > 0 else b"\xff"
    block = predictor.to_bytes(2, "little", signed=True) + b"\x58\x00" + nibbles * 4
    assert set(samples_from_pcm(AdpcmDecoder().decode(block))) == {predictor}


def test_a_lost_block_costs_that_block_only(captured_adpcm: list[bytes]) -> None:
    whole, lossy = AdpcmDecoder(), AdpcmDecoder()
    expected = [whole.decode(block) for block in captured_adpcm]
    assert lossy.decode(captured_adpcm[1]) == expected[1]
    assert lossy.decode(captured_adpcm[0]) == expected[0]
    assert lossy.gaps == 1


@pytest.mark.parametrize("block", [b"", b"\x00\x00\x00", b"\x00\x00\x59\x00\x77", bytes(0x10000)])
def test_a_malformed_block_is_refused(block: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        AdpcmDecoder().decode(block)


@given(st.binary(max_size=300))
@settings(max_examples=100)
def test_garbage_raises_only_the_declared_error(block: bytes) -> None:
    try:
        assert len(AdpcmDecoder().decode(memoryview(block))) == 4 * (len(block) - 4)
    except RemoteProtocolError:
        assert len(block) < 4 or block[2] > 88


def test_a_tone_survives_encoding() -> None:
    tone = _tone(16 * 480)
    encoder, decoder = AdpcmEncoder(480), AdpcmDecoder()
    blocks = [
        encoder.encode(pcm_from_samples(tone[begin : begin + 480]))
        for begin in range(0, len(tone), 480)
    ]
    decoded = array("h")
    for block in blocks:
        assert len(block) == 4 + 240
        decoded += samples_from_pcm(decoder.decode(block))
        assert decoder.state == (decoded[-1], (decoder.state or AdpcmState()).step_index)
    assert decoder.gaps == 0, "each header is the state before its first nibble"
    assert _signal_to_noise_db(tone, decoded) > 25


def test_encoding_gives_exactly_the_bytes_of_another_encoder() -> None:
    # The nibbles are those of CPython 3.11's audioop.lin2adpcm, which continues its state as well.
    pcm = pcm_from_samples(_tone(32))
    encoder = AdpcmEncoder(16)
    assert encoder.encode(pcm[:32]).hex() == "000000000777777771000000"
    assert encoder.encode(pcm[32:]).hex() == "2621390008888999bacbbcbc"
    assert encoder.state == (1472, 50)


def test_nibble_order_can_be_swapped() -> None:
    pcm = pcm_from_samples(_tone(96))
    high = AdpcmEncoder(96).encode(pcm)
    low = AdpcmEncoder(96, high_nibble_first=False).encode(pcm)
    assert high[:4] == low[:4]
    assert low[4:] == bytes((byte << 4 | byte >> 4) & 0xFF for byte in high[4:])


@given(st.lists(st.integers(-32768, 32767), min_size=8, max_size=8), st.integers(1, 3))
@settings(max_examples=50)
def test_decoder_and_encoder_agree_on_the_state(samples: list[int], blocks: int) -> None:
    encoder, decoder = AdpcmEncoder(8), AdpcmDecoder()
    for _ in range(blocks):
        decoder.decode(encoder.encode(pcm_from_samples(array("h", samples))))
        assert decoder.state == encoder.state
    assert decoder.gaps == 0


@pytest.mark.parametrize("block_samples", [0, 1, 7, -2, 1 << 20])
def test_an_impossible_block_size_is_our_error(block_samples: int) -> None:
    with pytest.raises(LocalProtocolError):
        AdpcmEncoder(block_samples)


@pytest.mark.parametrize("length", [0, 15, 14, 18])
def test_pcm_of_another_length_is_our_error(length: int) -> None:
    with pytest.raises(LocalProtocolError, match="expected 16 bytes"):
        AdpcmEncoder(8).encode(bytes(length))


def test_silence_stays_silence() -> None:
    decoded = samples_from_pcm(AdpcmDecoder().decode(AdpcmEncoder(480).encode(bytes(960))))
    assert all(abs(after - before) <= 1 for before, after in pairwise(decoded))
    assert max(map(abs, decoded)) <= 1
