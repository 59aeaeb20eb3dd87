"""The pictures that a simulated camera gives as snapshots: bundled JPEGs of its clips.

Reading them needs the standard library only. ``python -m neolink.simulator.snapshots`` makes them
anew from the bundled clips (extra ``media``).
"""

import sys
from fractions import Fraction
from functools import cache
from pathlib import Path

from neolink.media.tracks import StreamKind, VideoCodec
from neolink.simulator import clips

__all__ = ["render", "snapshot_of"]

_FOLDER = Path(__file__).with_name("clips")
_QUALITY = 4  # of the encoder's scale from 2, the best, to 31


@cache
def snapshot_of(codec: VideoCodec, kind: StreamKind) -> bytes:
    """Return a JPEG of the size of the bundled clip."""
    return _path(codec, kind).read_bytes()


def render(codec: VideoCodec, kind: StreamKind) -> bytes:
    """Make the JPEG from the first picture of the bundled clip. Needs PyAV."""
    import av  # noqa: PLC0415 - an extra
    from av.video.codeccontext import VideoCodecContext  # noqa: PLC0415

    clip = clips.load(codec, kind)
    decoder = av.CodecContext.create({VideoCodec.H264: "h264", VideoCodec.H265: "hevc"}[codec], "r")
    assert isinstance(decoder, VideoCodecContext)
    picture = [*decoder.decode(av.Packet(clip.access_units[0])), *decoder.decode(None)][0]
    encoder = av.CodecContext.create("mjpeg", "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height = clip.width, clip.height
    encoder.pix_fmt = "yuvj420p"
    encoder.sample_aspect_ratio = Fraction(1)  # makes it a JFIF file, as cameras send
    encoder.time_base = Fraction(1, clip.frame_rate)
    encoder.options = {"flags": "+qscale+bitexact", "global_quality": str(118 * _QUALITY)}
    frame = picture.reformat(format="yuvj420p", dst_color_range="JPEG")
    frame.pts = 0
    return b"".join(bytes(packet) for packet in (*encoder.encode(frame), *encoder.encode(None)))


def main() -> int:
    """Write the bundled files; return the exit code."""
    for codec in VideoCodec:
        for kind in StreamKind:
            path = _path(codec, kind)
            path.write_bytes(render(codec, kind))
            sys.stdout.write(f"{path.name}: {path.stat().st_size} bytes\n")
    return 0


def _path(codec: VideoCodec, kind: StreamKind) -> Path:
    return _FOLDER / f"{kind}.{codec.lower()}.jpg"


if __name__ == "__main__":
    sys.exit(main())
