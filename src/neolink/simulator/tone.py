"""The sound of the simulated camera: a steady tone. Generated, never recorded; no file access.

1 kHz at -12 dBFS, mono, as long as one likes: one period is a whole number of samples at 8 and
16 kHz, and so is a frame of periods, so that any run of frames joins any other without a click.
"""

import math
import struct
from collections.abc import Sequence
from functools import cache

from neolink.media.adpcm import AdpcmEncoder

__all__ = [
    "ADPCM_BLOCK_SAMPLES",
    "ADPCM_RATE",
    "TONE_HZ",
    "adpcm_blocks",
    "dominant_frequency",
    "tone",
    "tone_pcm",
]

TONE_HZ = 1000
ADPCM_RATE = 8000
ADPCM_BLOCK_SAMPLES = 480
_PEAK = 32768 * 10 ** (-12 / 20)
_RUN_IN_BLOCKS = 8
_LOOP_BLOCKS = 64


def tone(rate: int, count: int) -> list[int]:
    """Return ``count`` signed 16-bit samples of the tone at ``rate`` Hz, from its zero."""
    turn = 2 * math.pi * TONE_HZ / rate
    return [round(_PEAK * math.sin(turn * index)) for index in range(count)]


def tone_pcm(rate: int, count: int) -> bytes:
    """Return the same samples as bytes, signed 16 bit, big-endian."""
    return struct.pack(f">{count}h", *tone(rate, count))


@cache
def adpcm_blocks() -> tuple[bytes, ...]:
    """Return ADPCM blocks of 480 samples at 8 kHz, to be repeated (protocol reference, 4.5).

    The encoder runs until it has settled; where its state comes back exactly, the loop ends
    there, so that each block's state continues the one before even where the loop joins.
    """
    encoder = AdpcmEncoder(ADPCM_BLOCK_SAMPLES)
    pcm = tone_pcm(ADPCM_RATE, ADPCM_BLOCK_SAMPLES)
    blocks = [bytes(encoder.encode(pcm)) for _ in range(_RUN_IN_BLOCKS + _LOOP_BLOCKS)]
    settled = blocks[_RUN_IN_BLOCKS:]
    for length in range(1, len(settled)):
        if settled[length][:4] == settled[0][:4]:
            return tuple(settled[:length])
    return tuple(settled)


def dominant_frequency(samples: Sequence[float], rate: int) -> float:
    """Return the strongest frequency in Hz, between the steps of the spectrum. Needs numpy."""
    import numpy as np  # noqa: PLC0415 - an extra; the sound itself is made without it

    levels = np.asarray(samples, np.float64)
    spectrum = np.log(np.abs(np.fft.rfft(levels * np.hanning(len(levels)))) + 1e-12)
    peak = int(np.argmax(spectrum[1:-1])) + 1
    before, top, after = (float(level) for level in spectrum[peak - 1 : peak + 2])
    shift = (before - after) / (2 * (before - 2 * top + after))
    return (peak + shift) * rate / len(levels)
