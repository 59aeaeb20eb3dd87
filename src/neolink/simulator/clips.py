"""Where clips come from: the bundled ones, and those made to measure and kept in a cache.

The bundled ones need nothing but the standard library. Others are drawn and encoded (extras
``media`` and ``speed``) and kept in ``$XDG_CACHE_HOME/neolink/clips``. When a picture is sent is
decided in ``source``, what is on it in ``scenes``.

``python -m neolink.simulator.clips --rebuild`` makes the bundled files anew.
"""

import argparse
import contextlib
import math
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from neolink.errors import ConfigError, Unsupported
from neolink.media.tracks import StreamKind, VideoCodec
from neolink.simulator.clipfile import FORMAT, Clip, Recipe, parse, serialize

__all__ = [
    "AAC_FRAME_SAMPLES",
    "AAC_RATE",
    "Clip",
    "aac_tone",
    "choose",
    "generate",
    "load",
    "rebuild",
]

AAC_RATE = 16_000
AAC_FRAME_SAMPLES = 1024

_FOLDER = Path(__file__).with_suffix("")
_BUNDLED_S = 10
_TONE_FRAMES = 64
_NEEDS_EXTRAS = "making test pictures needs the media extra: pip install 'neolink[media]'"


@dataclass(frozen=True, slots=True)
class _Bundled:
    """How a bundled clip is made; the bit rates keep all files together below 3 MB."""

    width: int
    height: int
    frame_rate: int
    gop: int
    kbps: dict[VideoCodec, int]
    slices: int = 1


_BUNDLED = {
    StreamKind.MAIN: _Bundled(1280, 720, 25, 50, {VideoCodec.H264: 800, VideoCodec.H265: 500}),
    StreamKind.SUB: _Bundled(640, 360, 15, 30, {VideoCodec.H264: 192, VideoCodec.H265: 144}),
    StreamKind.EXTERN: _Bundled(896, 512, 20, 40, {VideoCodec.H264: 320, VideoCodec.H265: 240}, 4),
}
_TITLES = {VideoCodec.H264: "DRIVEWAY", VideoCodec.H265: "COTTAGE BY NIGHT"}
_PRESETS = {VideoCodec.H264: "veryfast", VideoCodec.H265: "superfast"}


@cache
def load(codec: VideoCodec, kind: StreamKind) -> Clip:
    """Return a bundled clip of 10 s.

    Main is 1280x720 at 25 pictures per second, sub 640x360 at 15, extern 896x512 at 20 with four
    slices in each picture; a GOP is 2 s.
    """
    return parse(_bundled_path(codec, kind).read_bytes())


def choose(
    codec: VideoCodec,
    kind: StreamKind,
    *,
    fps: int | None = None,
    gop: int | None = None,
    bitrate_kbps: int | None = None,
) -> Clip:
    """Return the bundled clip, or where anything is asked for, one of its size made to order.

    What is left out is as in the bundled clip: its speed, a GOP of 2 s, its bit rate. Raises as
    :func:`generate` does.
    """
    if (fps, gop, bitrate_kbps) == (None, None, None):
        return load(codec, kind)
    made = _BUNDLED[kind]
    rate = fps or made.frame_rate
    return generate(
        codec,
        made.width,
        made.height,
        fps=rate,
        gop=gop or 2 * rate,
        bitrate_kbps=bitrate_kbps or made.kbps[codec],
    )


@cache
def aac_tone() -> tuple[bytes, ...]:
    """Return the bundled tone as ADTS frames, 16 kHz mono LC, which repeat without a click."""
    data = (_FOLDER / "tone.aac").read_bytes()
    frames: list[bytes] = []
    while data:
        length = int.from_bytes(data[3:6], "big") >> 5 & 0x1FFF  # ISO 13818-7 section 6.2.1
        if not 7 <= length <= len(data):
            raise ValueError(f"tone.aac: frame {len(frames)} has a length of {length}")
        frames.append(data[:length])
        data = data[length:]
    return tuple(frames)


def generate(
    codec: VideoCodec,
    width: int,
    height: int,
    *,
    fps: int,
    gop: int,
    bitrate_kbps: int,
    seconds: float = 10,
) -> Clip:
    """Return a clip made to measure, from the cache where it was made before.

    It is at least ``seconds`` long, rounded up to whole GOPs, and its mean bit rate is within
    15 % of ``bitrate_kbps``. A large picture takes many seconds to encode: keep this away from an
    event loop. Raises ConfigError for impossible values, Unsupported without the extras.
    """
    limits = (
        ("width", width, 128, 7680),
        ("height", height, 64, 4320),
        ("frames per second", fps, 1, 120),
        ("GOP", gop, 1, 1000),
        ("kbit/s", bitrate_kbps, 16, 200_000),
        ("seconds", seconds, 0.01, 600),
    )
    _check_limits(limits)
    if width % 2 or height % 2:
        raise ConfigError(f"a test clip's size must be even, not {width}x{height}")
    shape = f"{codec.lower()}-{width}x{height}-{fps}fps-gop{gop}-{bitrate_kbps}kbps-{seconds:g}s"
    path = _cache_folder() / f"{shape}-v{FORMAT}.clip"
    with contextlib.suppress(OSError, ValueError):  # absent or damaged: it is made again
        return parse(path.read_bytes())
    recipe = Recipe(
        codec=codec,
        width=width,
        height=height,
        frame_rate=fps,
        gop=gop,
        frames=math.ceil(seconds * fps / gop) * gop,
        bitrate_kbps=bitrate_kbps,
        title=f"SIMULATOR  {codec}  {width}X{height}",
        preset=_PRESETS[codec],
        grain=min(10.0, 30_000 * bitrate_kbps / (width * height * fps)),  # fills the bit rate
    )
    clip = _encode(recipe)
    with contextlib.suppress(OSError):  # a cache that cannot be written only costs time
        _write_whole(path, serialize(clip))
    return clip


def rebuild(folder: Path) -> None:
    """Make all bundled files anew in ``folder``. The same encoders give the same bytes."""
    for kind, made in _BUNDLED.items():
        for codec, kbps in made.kbps.items():
            recipe = Recipe(
                codec=codec,
                width=made.width,
                height=made.height,
                frame_rate=made.frame_rate,
                gop=made.gop,
                frames=_BUNDLED_S * made.frame_rate,
                bitrate_kbps=kbps,
                title=f"{_TITLES[codec]}  {kind.upper()}  {codec}",
                preset="slow",
                slices=made.slices,
            )
            _write_whole(folder / _bundled_path(codec, kind).name, serialize(_encode(recipe)))
    _write_whole(folder / "tone.aac", b"".join(_encode_tone()))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command ``python -m neolink.simulator.clips``; return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m neolink.simulator.clips")
    parser.add_argument("--rebuild", action="store_true", help="make the bundled files anew")
    parser.add_argument("--folder", type=Path, default=_FOLDER, help="where to put them")
    chosen = parser.parse_args(arguments)
    if chosen.rebuild:
        rebuild(chosen.folder)
    for path in sorted(chosen.folder.glob("*.clip")):
        clip = parse(path.read_bytes())
        sys.stdout.write(
            f"{path.name}: {clip.codec} {clip.width}x{clip.height}, {clip.frame_rate} per second, "
            f"{len(clip.access_units)} pictures, {clip.bitrate_kbps:.0f} kbit/s\n"
        )
    return 0


def _bundled_path(codec: VideoCodec, kind: StreamKind) -> Path:
    return _FOLDER / f"{kind}.{codec.lower()}.clip"


def _cache_folder() -> Path:
    root = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(root) if Path(root).is_absolute() else Path.home() / ".cache"
    return base / "neolink" / "clips"


def _check_limits(limits: Sequence[tuple[str, float, float, float]]) -> None:
    for name, value, least, most in limits:
        if not least <= value <= most:
            raise ConfigError(f"a test clip's {name} must be {least} to {most}, not {value}")


def _encode(recipe: Recipe) -> Clip:
    try:
        from neolink.simulator.encoder import encode_scene  # noqa: PLC0415 - needs the extras
    except ImportError as error:
        raise Unsupported(_NEEDS_EXTRAS) from error
    units = tuple(encode_scene(recipe))
    return Clip(recipe.codec, recipe.width, recipe.height, recipe.frame_rate, recipe.gop, units)


def _encode_tone() -> list[bytes]:
    from neolink.simulator.encoder import encode_aac  # noqa: PLC0415 - needs the extras
    from neolink.simulator.tone import tone  # noqa: PLC0415

    return encode_aac(tone(AAC_RATE, AAC_FRAME_SAMPLES), _TONE_FRAMES)


def _write_whole(path: Path, data: bytes) -> None:
    """Write a file so that a reader finds the old one or all of the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


if __name__ == "__main__":
    sys.exit(main())
