"""A JPEG of one key frame, by PyAV (extra ``media``). Blocking: only for the pool of ``snapshots``.

Hot path of the pool: 2 to 40 ms of CPU per picture, by its size.
"""

import importlib.util
from collections.abc import Iterable
from fractions import Fraction
from typing import TYPE_CHECKING

from neolink.errors import RemoteProtocolError, Unsupported
from neolink.media.tracks import VideoCodec
from neolink.media.units import AccessUnit

if TYPE_CHECKING:
    from av import VideoFrame

__all__ = ["has_decoder", "jpeg_of"]

_DECODERS = {VideoCodec.H264: "h264", VideoCodec.H265: "hevc"}
_START_CODE = b"\x00\x00\x00\x01"
_QUALITY = 5  # of the encoder's scale from 2, the best, to 31
_LAMBDA = 118
MAX_PIXELS = 8192 * 8192


def has_decoder() -> bool:
    """Tell whether the extra ``media`` is installed."""
    return importlib.util.find_spec("av") is not None


def jpeg_of(unit: AccessUnit, width: int | None = None) -> bytes:
    """Decode a key frame and return it as JPEG, at most ``width`` pixels wide.

    Raises RemoteProtocolError for what no decoder takes, Unsupported without the extra.
    """
    if not has_decoder():
        raise Unsupported("the extra `media` is not installed: pip install 'neolink[media]'")
    if unit.track.width * unit.track.height > MAX_PIXELS:
        raise RemoteProtocolError(f"a picture of {unit.track.width}x{unit.track.height}")
    import av  # noqa: PLC0415 - an extra

    try:
        return _encode(_decode(unit), width)
    except av.FFmpegError as error:
        raise RemoteProtocolError(f"the key frame cannot be decoded: {error}") from None


def _decode(unit: AccessUnit) -> "VideoFrame":
    import av  # noqa: PLC0415 - an extra
    from av.video.codeccontext import VideoCodecContext  # noqa: PLC0415

    decoder = av.CodecContext.create(_DECODERS[unit.track.codec], "r")
    assert isinstance(decoder, VideoCodecContext)
    sets: Iterable[bytes | memoryview] = unit.track.parameter_sets.nal_units
    data = b"".join(part for nal in (*sets, *unit.nal_units) for part in (_START_CODE, nal))
    frames = [*decoder.decode(av.Packet(data)), *decoder.decode(None)]
    if not frames:
        raise RemoteProtocolError("the key frame gives no picture")
    return frames[0]


def _encode(frame: "VideoFrame", width: int | None) -> bytes:
    import av  # noqa: PLC0415 - an extra
    from av.video.codeccontext import VideoCodecContext  # noqa: PLC0415

    encoder = av.CodecContext.create("mjpeg", "w")
    assert isinstance(encoder, VideoCodecContext)
    scale = min(1.0, width / frame.width) if width else 1.0
    encoder.width = max(2, round(frame.width * scale / 2) * 2)
    encoder.height = max(2, round(frame.height * scale / 2) * 2)
    encoder.pix_fmt = "yuvj420p"
    encoder.time_base = Fraction(1, 25)
    encoder.options = {"flags": "+qscale", "global_quality": str(_LAMBDA * _QUALITY)}
    picture = frame.reformat(
        width=encoder.width, height=encoder.height, format="yuvj420p", dst_color_range="JPEG"
    )
    picture.pts = 0
    return b"".join(bytes(packet) for packet in (*encoder.encode(picture), *encoder.encode(None)))
