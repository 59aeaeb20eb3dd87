"""What is said on a live WebSocket, as complete frames that all viewers share. Pure.

``docs/live.md`` describes the messages.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from neolink.media.tracks import AudioTrack
from neolink.mp4.movie import Initialization
from neolink.mp4.samples import Buffer
from neolink.websocket import Opcode, frame_header

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
    return frame_header(Opcode.TEXT, len(body)) + body


def binary_frame(parts: Iterable[Buffer]) -> bytes:
    """Return a message of bytes."""
    body = tuple(parts)
    return b"".join((frame_header(Opcode.BINARY, sum(map(len, body))), *body))


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


LIVE: Final = text_frame("live")
SKIPPED: Final = text_frame("skipped")
