"""What is said on a live WebSocket, as complete frames (RFC 6455 section 5.2). Pure.

A server's frames are not masked, so that all viewers can be given the same bytes. ``docs/live.md``
describes the messages.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from neolink.media.tracks import AudioTrack
from neolink.mp4.movie import Initialization
from neolink.mp4.samples import Buffer

__all__ = [
    "LIVE",
    "SKIPPED",
    "Chunk",
    "binary_frame",
    "end_frame",
    "opening",
    "stand_in_frame",
    "text_frame",
]

_TEXT, _BINARY = 0x81, 0x82  # the first and last frame of a message
_LONGEST_7_BIT = 125
_LONGEST_16_BIT = 0xFFFF


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """One fragment in its frame. The same object waits for every viewer."""

    data: bytes
    size: int
    media_s: float
    pts: int
    """Ticks of 90 kHz."""
    is_random_access: bool
    """Whether a viewer can start here; false for sound alone."""
    is_video: bool
    opening: bytes
    """What a viewer must have been given before: see :func:`opening`."""


def text_frame(type_: str, **values: object) -> bytes:
    """Return a message of text."""
    body = json.dumps({"type": type_, **values}, ensure_ascii=False).encode()
    return _header(_TEXT, len(body)) + body


def binary_frame(parts: Iterable[Buffer]) -> bytes:
    """Return a message of bytes."""
    body = tuple(parts)
    return b"".join((_header(_BINARY, sum(map(len, body))), *body))


def opening(made: Initialization) -> bytes:
    """Return the two messages that tell a viewer what follows."""
    said = text_frame("init", mime=made.mime, audio=_audio_words(made.audio))
    return said + binary_frame((made.data,))


def stand_in_frame(reason: str) -> bytes:
    """Say that what is shown is not the camera's live picture."""
    return text_frame("stand_in", reason=reason)


def end_frame(reason: str) -> bytes:
    """Say that nothing more comes."""
    return text_frame("end", reason=reason)


def _audio_words(track: AudioTrack | None) -> dict[str, object] | None:
    if track is None:
        return None
    return {
        "codec": track.codec.value,
        "clock_rate": track.clock_rate,
        "channels": track.channels,
    }


def _header(first: int, length: int) -> bytes:
    if length <= _LONGEST_7_BIT:
        return bytes((first, length))
    if length <= _LONGEST_16_BIT:
        return bytes((first, 126)) + length.to_bytes(2)
    return bytes((first, 127)) + length.to_bytes(8)


LIVE: Final = text_frame("live")
SKIPPED: Final = text_frame("skipped")
