"""The clip: encoded pictures that loop, as a value, as a file, and as a recipe for making one.

No file access here. A clip file is one line of JSON (format, codec, width, height, frame_rate,
gop, and ``sizes``, the bytes of each access unit), then the access units one after another:
``tail -n +2 FILE`` is a stream that players open.
"""

import json
from dataclasses import dataclass
from itertools import accumulate, pairwise

from neolink.media.tracks import VideoCodec

__all__ = ["FORMAT", "Clip", "Recipe", "parse", "serialize"]

FORMAT = 1
"""Raised when the files or the pictures change, so that old ones are not taken for new."""

_HEADER_LIMIT = 1 << 20


@dataclass(frozen=True, slots=True)
class Clip:
    """Encoded pictures that loop: Annex B, one access unit each, no B-frames, closed GOPs.

    Access unit ``n`` shows frame counter ``n``. Each ``gop``-th is an IDR picture with its
    parameter sets in front; the clip is a whole number of GOPs.
    """

    codec: VideoCodec
    width: int
    height: int
    frame_rate: int
    gop: int
    access_units: tuple[bytes, ...]

    def is_key(self, index: int) -> bool:
        """Tell whether access unit ``index`` is a random access point."""
        return index % self.gop == 0

    @property
    def keys(self) -> tuple[int, ...]:
        """Indexes of the random access points."""
        return tuple(range(0, len(self.access_units), self.gop))

    @property
    def duration_s(self) -> float:
        """Seconds of one loop."""
        return len(self.access_units) / self.frame_rate

    @property
    def bitrate_kbps(self) -> float:
        """Mean bit rate in units of 1000 bits per second."""
        return sum(map(len, self.access_units)) / 125 / self.duration_s


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to draw and how to encode it.

    ``frames`` is a multiple of ``gop``. ``grain`` is the deviation of camera noise in levels, 0
    for clean pictures. ``slices`` is the number of slices of each picture.
    """

    codec: VideoCodec
    width: int
    height: int
    frame_rate: int
    gop: int
    frames: int
    bitrate_kbps: int
    title: str
    preset: str
    slices: int = 1
    grain: float = 0.0


def serialize(clip: Clip) -> bytes:
    """Return the clip file."""
    header = {
        "format": FORMAT,
        "codec": clip.codec.value,
        "width": clip.width,
        "height": clip.height,
        "frame_rate": clip.frame_rate,
        "gop": clip.gop,
        "sizes": [len(unit) for unit in clip.access_units],
    }
    line = json.dumps(header, separators=(",", ":")).encode() + b"\n"
    return line + b"".join(clip.access_units)


def parse(data: bytes) -> Clip:
    """Read a clip file. Raises ValueError where it is not one of this format, or not whole."""
    line, newline, body = data.partition(b"\n")
    if not newline or len(line) > _HEADER_LIMIT:
        raise ValueError("a clip file begins with one line of JSON")
    try:
        header = json.loads(line)
        found, sizes = header["format"], [int(size) for size in header["sizes"]]
        codec = VideoCodec(header["codec"])
        width, height = int(header["width"]), int(header["height"])
        frame_rate, gop = int(header["frame_rate"]), int(header["gop"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"the first line of a clip file lacks something: {error!r}") from error
    if found != FORMAT:
        raise ValueError(f"clip file format {FORMAT} expected, not {found!r}")
    if min(width, height, frame_rate, gop, *sizes) < 1 or not sizes or len(sizes) % gop:
        raise ValueError("a clip has whole GOPs of pictures that are not empty")
    if sum(sizes) != len(body):
        raise ValueError(f"the pictures should have {sum(sizes)} bytes, not {len(body)}")
    units = tuple(body[start:end] for start, end in pairwise(accumulate(sizes, initial=0)))
    return Clip(codec, width, height, frame_rate, gop, units)
