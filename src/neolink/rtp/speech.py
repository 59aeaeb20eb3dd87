"""Payload formats in which a player may send speech to us: RTP payload → PCM (RFC 3551).

What we send is in ``formats``. PCM is signed 16 bit, big-endian, mono.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from neolink.media.g711 import decode_pcma, decode_pcmu

__all__ = ["SPEECH_FORMATS", "SpeechFormat"]


@dataclass(frozen=True, slots=True)
class SpeechFormat:
    """One format. ``decode`` takes a payload of whole samples."""

    payload_type: int
    encoding_name: str
    clock_rate: int
    bytes_per_sample: int
    decode: Callable[[bytes], bytes] = field(compare=False, repr=False)
    channels: int = 1

    def samples(self, payload: bytes) -> int | None:
        """Return how many samples a payload has; None for half a sample."""
        count, rest = divmod(len(payload), self.bytes_per_sample)
        return None if rest else count


SPEECH_FORMATS: Final = (
    SpeechFormat(0, "PCMU", 8000, 1, decode_pcmu),
    SpeechFormat(8, "PCMA", 8000, 1, decode_pcma),
    SpeechFormat(99, "L16", 16_000, 2, bytes),
)
"""What is offered, the most usual first."""
