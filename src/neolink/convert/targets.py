"""What a camera's sound has to become for a player's choice. Values only; nothing is converted."""

import importlib.util
from functools import cache
from typing import Final

from neolink.media.aac import AudioSpecificConfig
from neolink.media.tracks import OPUS_CLOCK_RATE, AudioCodec, AudioTrack
from neolink.rtp.formats import AudioChoice

__all__ = ["has_codecs", "target_of"]

AAC_LC: Final = 2
AAC_RATE: Final = 16_000
"""Of AAC that is made here. Sound of 8 kHz is brought to it: a frame is half as long then, and it
is the rate that cameras use for AAC, so recorders know it."""

G711_RATE: Final = 8000
MOST_OWN_RATIO: Final = 6
"""Up to this whole factor the packetizer of G.711 changes the rate itself."""


@cache
def has_codecs() -> bool:
    """Tell whether the extra ``media`` is installed."""
    return importlib.util.find_spec("av") is not None


def target_of(source: AudioTrack, choice: AudioChoice) -> AudioTrack:
    """Return the track that is to be packetized; ``source`` itself where no codec is needed.

    G.711 is made of PCM by its packetizer, so its target is PCM.
    """
    match choice, source.codec:
        case AudioChoice.OPUS, _:
            return AudioTrack(AudioCodec.OPUS, OPUS_CLOCK_RATE)
        case AudioChoice.AAC, AudioCodec.L16:
            return AudioSpecificConfig(AAC_LC, AAC_RATE, 1).track
        case AudioChoice.L16, AudioCodec.AAC:
            return AudioTrack(AudioCodec.L16, source.clock_rate)
        case ((AudioChoice.PCMU | AudioChoice.PCMA), _):
            is_ready = source.codec is AudioCodec.L16 and _is_own_ratio(source.clock_rate)
            return source if is_ready else AudioTrack(AudioCodec.L16, G711_RATE)
    return source


def _is_own_ratio(rate: int) -> bool:
    return rate % G711_RATE == 0 and rate // G711_RATE <= MOST_OWN_RATIO
