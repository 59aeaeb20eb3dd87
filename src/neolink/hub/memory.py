"""What is known of a stream beyond this run: its tracks and its last key frame, in one file each.

So a player is answered at once after a restart, a sleeping camera is not woken by DESCRIBE, and the
stand-in is the camera's own picture. Files have mode 0600: they show what the camera saw.
"""

import json
import logging
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from neolink.errors import RemoteProtocolError
from neolink.log import bind_stream
from neolink.media.tracks import (
    AudioCodec,
    AudioTrack,
    ParameterSets,
    Presentation,
    VideoCodec,
    VideoTrack,
)
from neolink.media.units import AccessUnit

__all__ = ["FileMemory", "Memory", "NoMemory", "Remembered"]

_LOG = logging.getLogger(__name__)

FORMAT = "neolink stream 1"
MAX_FILE = 16 << 20


@dataclass(frozen=True, slots=True)
class Remembered:
    """A stream as it was last seen; ``key`` is its last key frame."""

    presentation: Presentation
    key: AccessUnit


class Memory(Protocol):
    """Where streams are remembered."""

    def load(self, name: str) -> Remembered | None:
        """Return what is known of a stream, None if nothing (usable) is. Never raises."""

    def save(self, name: str, remembered: Remembered) -> None:
        """Remember a stream. Never raises: a full disk must not end a stream."""


class NoMemory:
    """Remembers nothing."""

    def load(self, name: str) -> Remembered | None:
        """Return None."""
        del name
        return None

    def save(self, name: str, remembered: Remembered) -> None:
        """Do nothing."""
        del name, remembered


class FileMemory:
    """One file per stream in a folder that is made when first needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._has_failed = False

    def load(self, name: str) -> Remembered | None:
        """Return what the file says; a damaged one is ignored and said so."""
        path = self._path(name)
        try:
            with path.open("rb") as file:
                return parse(file.read(MAX_FILE + 1))
        except FileNotFoundError:
            return None
        except (OSError, RemoteProtocolError) as error:
            text = "what was remembered in %s is not used: %s"
            bind_stream(_LOG, name).warning(text, path, error)
            return None

    def save(self, name: str, remembered: Remembered) -> None:
        """Write the file at once and whole; the first failure is logged."""
        path = self._path(name)
        part = path.with_suffix(".part")
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(file, "wb") as out:
                out.write(serialize(remembered))
            part.replace(path)
        except OSError as error:
            if not self._has_failed:
                _LOG.warning("streams cannot be remembered in %s: %s", self._folder, error)
            self._has_failed = True

    def _path(self, name: str) -> Path:
        return self._folder / f"{quote(name, safe='')}.stream"


def serialize(remembered: Remembered) -> bytes:
    """Return the bytes of a file: a line of JSON, then the NAL units of the key frame."""
    key, presentation = remembered.key, remembered.presentation
    head = {
        "format": FORMAT,
        "video": _hexed(asdict(key.track)),
        "audio": _hexed(asdict(presentation.audio)) if presentation.audio else None,
        "nal_units": [len(nal) for nal in key.nal_units],
    }
    return b"\n".join((json.dumps(head).encode(), b"".join(key.nal_units)))


def parse(data: bytes) -> Remembered:
    """Read a file. Raises RemoteProtocolError for anything that this module did not write."""
    line, _, body = data.partition(b"\n")
    try:
        head = json.loads(line)
        if head["format"] != FORMAT:
            raise RemoteProtocolError(f"expected {FORMAT!r}")
        video = _video(head["video"])
        audio = _audio(head["audio"]) if head["audio"] else None
        lengths = [int(length) for length in head["nal_units"]]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RemoteProtocolError(f"not a remembered stream: {error!r}") from None
    if sum(lengths) != len(body) or not lengths or min(lengths) < 1:
        raise RemoteProtocolError(f"expected {sum(lengths)} bytes of picture, got {len(body)}")
    view, ends = memoryview(body), [sum(lengths[: i + 1]) for i in range(len(lengths))]
    nal_units = tuple(view[end - length : end] for end, length in zip(ends, lengths, strict=True))
    key = AccessUnit(video, nal_units, 0, is_random_access=True)
    return Remembered(Presentation(video, audio), key)


def _hexed(value: Any) -> Any:  # Any: what json takes
    """Write bytes as hexadecimal digits, all the way down."""
    match value:
        case bytes():
            return value.hex()
        case dict():
            return {name: _hexed(inner) for name, inner in value.items()}
        case list() | tuple():
            return [_hexed(inner) for inner in value]
        case _:
            return value


def _video(fields: dict[str, Any]) -> VideoTrack:
    sets = fields["parameter_sets"]
    rate = fields["frame_rate"]
    return VideoTrack(
        codec=VideoCodec(fields["codec"]),
        parameter_sets=ParameterSets(
            sps=bytes.fromhex(sets["sps"]),
            pps=tuple(bytes.fromhex(pps) for pps in sets["pps"]),
            vps=bytes.fromhex(sets["vps"]),
        ),
        width=int(fields["width"]),
        height=int(fields["height"]),
        frame_rate=float(rate) if rate is not None else None,
        profile=str(fields["profile"]),
    )


def _audio(fields: dict[str, Any]) -> AudioTrack:
    return AudioTrack(
        codec=AudioCodec(fields["codec"]),
        clock_rate=int(fields["clock_rate"]),
        channels=int(fields["channels"]),
        config=bytes.fromhex(fields["config"]),
    )
