import math
from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neolink.errors import LocalProtocolError, Unsupported
from neolink.media.pcm import Resampler, pcm_from_samples, samples_from_pcm, silence, swap_bytes


def _tone(frequency: float, rate: int, samples: int) -> bytes:
    values = (round(10000 * math.sin(2 * math.pi * frequency * n / rate)) for n in range(samples))
    return pcm_from_samples(array("h", values))


def _level_db(pcm: bytes) -> float:
    samples = samples_from_pcm(pcm)[100:-100]
    power = sum(sample * sample for sample in samples) / len(samples)
    return 10 * math.log10(max(power, 1e-3) / (10000**2 / 2))


def test_pcm_is_big_endian() -> None:
    assert list(samples_from_pcm(b"\x01\x02\xff\xfe")) == [0x0102, -2]
    assert pcm_from_samples(array("h", [0x0102, -2])) == b"\x01\x02\xff\xfe"
    assert swap_bytes(b"\x01\x02\xff\xfe") == b"\x02\x01\xfe\xff"
    assert silence(3) == bytes(6)


@given(st.binary(max_size=100).map(lambda data: data * 2))
@settings(max_examples=50)
def test_byte_order_survives_two_swaps(pcm: bytes) -> None:
    assert swap_bytes(swap_bytes(memoryview(pcm))) == pcm
    assert pcm_from_samples(samples_from_pcm(pcm)) == pcm


def test_half_a_sample_is_our_error() -> None:
    for handle in (swap_bytes, samples_from_pcm, Resampler(16000, 8000).resample):
        with pytest.raises(LocalProtocolError, match="got 3 bytes"):
            handle(b"abc")


def test_a_constant_stays_the_same_constant() -> None:
    for rates in ((16000, 8000), (8000, 16000), (48000, 8000), (8000, 24000)):
        pcm = Resampler(*rates).resample(pcm_from_samples(array("h", [12345]) * 900))
        settled = samples_from_pcm(pcm)[100:]
        assert set(settled) <= {12344, 12345}


@pytest.mark.parametrize("frequency", [100, 440, 1000, 2000])
def test_speech_passes(frequency: int) -> None:
    halved = Resampler(16000, 8000).resample(_tone(frequency, 16000, 4000))
    doubled = Resampler(8000, 16000).resample(_tone(frequency, 8000, 4000))
    assert abs(_level_db(halved)) < 1.0
    assert abs(_level_db(doubled)) < 1.0


@pytest.mark.parametrize("frequency", [5500, 6500, 7900])
def test_what_would_fold_back_is_removed(frequency: int) -> None:
    assert _level_db(Resampler(16000, 8000).resample(_tone(frequency, 16000, 4000))) < -30


@given(
    st.sampled_from([(16000, 8000), (48000, 8000), (8000, 16000), (8000, 24000), (8000, 8000)]),
    st.lists(st.integers(0, 40), max_size=12),
)
@settings(max_examples=60)
def test_frames_of_any_length_join_without_a_seam(
    rates: tuple[int, int], lengths: list[int]
) -> None:
    tone = _tone(700, rates[0], sum(lengths))
    whole, parts = Resampler(*rates), Resampler(*rates)
    joined = b""
    position = 0
    for length in lengths:
        joined += parts.resample(tone[2 * position : 2 * (position + length)])
        position += length
    assert joined == whole.resample(tone)
    assert len(joined) // 2 == math.ceil(sum(lengths) * rates[1] / rates[0])


def test_loud_sound_is_clamped_not_wrapped() -> None:
    square = array("h", [32767] * 20 + [-32768] * 20) * 20
    halved = samples_from_pcm(Resampler(16000, 8000).resample(pcm_from_samples(square)))
    assert max(halved) == 32767
    assert min(halved) == -32768


@pytest.mark.parametrize(
    "rates", [(44100, 8000), (16000, 12000), (0, 8000), (8000, 0), (96000, 8000)]
)
def test_other_ratios_are_not_supported(rates: tuple[int, int]) -> None:
    with pytest.raises(Unsupported, match="resampling"):
        Resampler(*rates)
