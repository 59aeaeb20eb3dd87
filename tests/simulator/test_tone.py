import math
import struct
from itertools import pairwise

import pytest

from neolink.media.adpcm import AdpcmDecoder
from neolink.simulator.tone import (
    ADPCM_BLOCK_SAMPLES,
    ADPCM_RATE,
    TONE_HZ,
    adpcm_blocks,
    dominant_frequency,
    tone,
    tone_pcm,
)


def level_dbfs(samples: list[int]) -> float:
    """Return the level of a sine, 0 being one that just fills 16 bits."""
    mean_square = sum(sample * sample for sample in samples) / len(samples)
    return 10 * math.log10(2 * mean_square / 32768**2)


@pytest.mark.parametrize("rate", [8000, 16_000])
def test_the_tone_has_its_frequency_and_level(rate: int) -> None:
    samples = tone(rate, rate)
    assert dominant_frequency(samples, rate) == pytest.approx(TONE_HZ, abs=1)
    assert level_dbfs(samples) == pytest.approx(-12, abs=0.1)


@pytest.mark.parametrize("rate", [8000, 16_000])
def test_the_tone_repeats_after_each_period(rate: int) -> None:
    period = rate // TONE_HZ
    samples = tone(rate, 5 * period)
    assert samples[:period] * 5 == samples


def test_pcm_is_big_endian() -> None:
    samples = tone(8000, 16)
    assert tone_pcm(8000, 16) == struct.pack(">16h", *samples)


@pytest.mark.parametrize("frequency", [440.0, 1003.7, 3000.0])
def test_dominant_frequency_finds_a_tone_between_the_steps(frequency: float) -> None:
    samples = [math.sin(2 * math.pi * frequency * index / 16_000) for index in range(4096)]
    assert dominant_frequency(samples, 16_000) == pytest.approx(frequency, abs=1)


def test_adpcm_blocks_have_the_size_cameras_send() -> None:
    assert {len(block) for block in adpcm_blocks()} == {4 + ADPCM_BLOCK_SAMPLES // 2}  # 248 - 4


def test_adpcm_blocks_continue_each_other_in_a_loop() -> None:
    decoder = AdpcmDecoder()
    for block in adpcm_blocks() * 3:
        decoder.decode(block)
    assert decoder.gaps == 0


def test_adpcm_decodes_to_the_tone_without_a_click() -> None:
    decoder = AdpcmDecoder()
    loops = 30 // len(adpcm_blocks()) + 1
    pcm = b"".join(decoder.decode(block) for block in adpcm_blocks() * loops)
    samples = list(struct.unpack(f">{len(pcm) // 2}h", pcm))
    assert dominant_frequency(samples, ADPCM_RATE) == pytest.approx(TONE_HZ, abs=5)
    assert level_dbfs(samples) == pytest.approx(-12, abs=0.5)
    steepest = max(abs(later - earlier) for earlier, later in pairwise(tone(ADPCM_RATE, 9)))
    assert max(abs(later - earlier) for earlier, later in pairwise(samples)) < 1.3 * steepest
