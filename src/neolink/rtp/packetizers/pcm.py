"""PCM samples to RTP payloads: L16, and PCMU or PCMA through an encoder (RFC 3551 section 4.5).

The payloads of one frame have different timestamps: the bytes before a payload, divided by the
format's ``bytes_per_tick``, are its distance in ticks from the frame. No filters or tables here.
"""

from collections.abc import Callable

from neolink.media.pcm import Resampler
from neolink.media.units import AudioFrame
from neolink.rtp.payload import DEFAULT_MAX_PAYLOAD, Payload

__all__ = [
    "G711_BYTES_PER_TICK",
    "G711_CLOCK_RATE",
    "L16_BYTES_PER_TICK",
    "PcmEncoder",
    "ResampledG711",
    "packetize_g711",
    "packetize_l16",
]

L16_BYTES_PER_TICK = 2
G711_BYTES_PER_TICK = 1
G711_CLOCK_RATE = 8000

_LONGEST_PACKET_MS = 40
_MAX_RECENT = 400  # frames; a replay goes back a few seconds of 32 or 64 ms each

PcmEncoder = Callable[[bytes | memoryview], bytes]
"""Big-endian 16-bit samples in, one byte for each sample out."""


def packetize_l16(unit: AudioFrame, max_payload: int = DEFAULT_MAX_PAYLOAD) -> list[Payload]:
    """Return the samples as they are, in packets of equal length up to 40 ms."""
    return _split(_samples(unit), L16_BYTES_PER_TICK, unit.track.clock_rate, max_payload)


def packetize_g711(
    unit: AudioFrame, max_payload: int = DEFAULT_MAX_PAYLOAD, *, encode: PcmEncoder
) -> list[Payload]:
    """Return 8 kHz samples through ``encode``, in packets of equal length up to 40 ms."""
    return _split(encode(_samples(unit)), G711_BYTES_PER_TICK, G711_CLOCK_RATE, max_payload)


class ResampledG711:
    """Samples of another rate as G.711: the one packetizer with a memory.

    The filter runs over consecutive frames. What it made of the recent ones is kept, so that a
    replay gets the same payloads, costs nothing and does not disturb the filter.
    """

    def __init__(self, encode: PcmEncoder, from_rate: int) -> None:
        """Raise Unsupported for a rate that cannot be brought to 8 kHz."""
        self._encode = encode
        self._resampler = Resampler(from_rate, G711_CLOCK_RATE)
        self._recent: dict[AudioFrame, bytes] = {}

    def packetize(self, unit: AudioFrame, max_payload: int) -> list[Payload]:
        """Return the payloads of the next frame."""
        encoded = self._encode(self._resampler.resample(_samples(unit)))
        if len(self._recent) >= _MAX_RECENT:
            del self._recent[next(iter(self._recent))]
        self._recent[unit] = encoded
        return _split(encoded, G711_BYTES_PER_TICK, G711_CLOCK_RATE, max_payload)

    def repacketize(self, unit: AudioFrame, max_payload: int) -> list[Payload]:
        """Return the payloads of any frame; of one long gone, or not yet seen, on its own."""
        encoded = self._recent.get(unit)
        if encoded is None:
            resampler = Resampler(self._resampler.from_rate, G711_CLOCK_RATE)
            encoded = self._encode(resampler.resample(_samples(unit)))
        return _split(encoded, G711_BYTES_PER_TICK, G711_CLOCK_RATE, max_payload)


def _samples(unit: AudioFrame) -> bytes | memoryview:
    """Half a sample at the end would shift all that follow it: drop it."""
    return unit.data[:-1] if len(unit.data) % 2 else unit.data


def _split(
    data: bytes | memoryview, bytes_per_tick: int, clock_rate: int, max_payload: int
) -> list[Payload]:
    """Cut into the fewest packets allowed, all of one length except the last."""
    ticks = len(data) // bytes_per_tick
    if not ticks:
        return []
    most = min(max_payload // bytes_per_tick, clock_rate * _LONGEST_PACKET_MS // 1000)
    packets = -(-ticks // most)
    if packets == 1:
        return [(b"", data)]
    size = -(-ticks // packets) * bytes_per_tick
    view = memoryview(data)
    return [(b"", view[start : start + size]) for start in range(0, len(view), size)]
