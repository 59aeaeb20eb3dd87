"""Plain PCM: byte order, silence, and a change of sample rate. Signed 16 bit, mono.

Codings of PCM live in ``adpcm`` and ``g711``. Hot path: :meth:`Resampler.resample`.
"""

import sys
from array import array
from math import cos, gcd, pi, sin
from operator import mul

from neolink.errors import LocalProtocolError, Unsupported

__all__ = ["Resampler", "pcm_from_samples", "samples_from_pcm", "silence", "swap_bytes"]

_MAX_RATIO = 6
_TAPS_PER_RATIO = 8
_UNITY_BITS = 15
_PASS_BAND = 0.9
"""Cut-off as a part of the lower rate's Nyquist frequency: a short filter has to start early."""


def samples_from_pcm(pcm: bytes | memoryview) -> "array[int]":
    """Return big-endian PCM as numbers. Raises LocalProtocolError for half a sample."""
    if len(pcm) % 2:
        raise LocalProtocolError(f"expected PCM of whole 16-bit samples, got {len(pcm)} bytes")
    samples = array("h", bytes(pcm))
    if sys.byteorder == "little":
        samples.byteswap()
    return samples


def pcm_from_samples(samples: "array[int]") -> bytes:
    """Return 16-bit numbers as big-endian PCM."""
    if sys.byteorder == "little":
        samples = samples[:]
        samples.byteswap()
    return samples.tobytes()


def swap_bytes(pcm: bytes | memoryview) -> bytes:
    """Swap the bytes of every sample. Raises LocalProtocolError for half a sample."""
    if len(pcm) % 2:
        raise LocalProtocolError(f"expected PCM of whole 16-bit samples, got {len(pcm)} bytes")
    samples = array("H", bytes(pcm))
    samples.byteswap()
    return samples.tobytes()


def silence(samples: int) -> bytes:
    """Return that many samples of silence."""
    return bytes(2 * samples)


class Resampler:
    """Changes the sample rate of big-endian mono PCM by a whole factor, up or down.

    A short windowed-sinc low-pass (8 taps per factor and one) keeps what the lower rate can not
    carry from folding back; it delays by half its length. Stateful: frames of any length join
    without a seam, and over any time exactly ``to_rate / from_rate`` samples come out for one
    that goes in. Raises Unsupported for a ratio that is not whole or above 6.
    """

    def __init__(self, from_rate: int, to_rate: int) -> None:
        common = gcd(from_rate, to_rate) or 1
        self._down, self._up = from_rate // common, to_rate // common
        if min(self._down, self._up) != 1 or max(self._down, self._up) > _MAX_RATIO:
            raise Unsupported(f"resampling from {from_rate} to {to_rate} Hz")
        self.from_rate = from_rate
        self.to_rate = to_rate
        self._phases = _filter_phases(self._down, self._up)
        self._history = array("h", bytes(2 * (len(self._phases[0]) - 1)))
        self._skip = 0  # input samples until the next output one

    def resample(self, pcm: bytes | memoryview) -> bytes:
        """Return the next samples at the new rate; none may come of a very short frame.

        Raises LocalProtocolError for half a sample.
        """
        if self._down == self._up:
            return bytes(pcm)
        samples = self._history + samples_from_pcm(pcm)
        taps = len(self._phases[0])
        fresh = len(samples) - taps + 1
        output = array("h")
        for begin in range(self._skip, fresh, self._down):
            window = samples[begin : begin + taps]
            for phase in self._phases:
                value = sum(map(mul, phase, window)) >> _UNITY_BITS
                output.append(min(32767, max(-32768, value)))
        self._skip = (self._skip - fresh) % self._down
        self._history = samples[fresh:]
        return pcm_from_samples(output)


def _filter_phases(down: int, up: int) -> tuple[tuple[int, ...], ...]:
    """Return the filter's taps, dealt out to the output samples that one input sample makes.

    Each phase has a gain of exactly one, so that a constant stays the same constant.
    """
    ratio = max(down, up)
    half = _TAPS_PER_RATIO * ratio // 2
    shape = [_windowed_sinc(tap, half, _PASS_BAND / ratio) for tap in range(-half, half + 1)]
    padded = shape + [0.0] * (-len(shape) % up)
    # Newest sample last in a window, so a phase runs backwards through the taps.
    return tuple(_normalized(padded[phase::up][::-1]) for phase in range(up))


def _windowed_sinc(tap: int, half: int, cut_off: float) -> float:
    sinc = sin(pi * cut_off * tap) / (pi * tap) if tap else cut_off
    return sinc * (0.54 + 0.46 * cos(pi * tap / (half + 1)))


def _normalized(taps: list[float]) -> tuple[int, ...]:
    unity = 1 << _UNITY_BITS
    scaled = [round(tap * unity / sum(taps)) for tap in taps]
    scaled[len(scaled) // 2] += unity - sum(scaled)
    return tuple(scaled)
