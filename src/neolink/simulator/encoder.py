"""Encoding a scene with PyAV, for clip generation. The only module here that imports it.

Needs the extras ``media`` (PyAV) and ``speed`` (numpy). Encoded pictures are cut down to what a
camera sends: parameter sets and slices, four-byte start codes, no text of the encoder.
"""

import math
import struct
from collections.abc import Iterator, Sequence
from fractions import Fraction

import av
from av.video.reformatter import ColorRange, Colorspace

from neolink.media import h264, h265
from neolink.media.nal import NalRole, join_annex_b, split_annex_b
from neolink.media.tracks import VideoCodec
from neolink.simulator.clipfile import Recipe
from neolink.simulator.scenes import DUSK, NIGHT, Scene, ScenePlan

__all__ = ["encode_aac", "encode_scene"]

AAC_RATE = 16_000
_AAC_BIT_RATE = 32_000
_AAC_RUN_IN = 8
_TOLERANCE = 0.1  # as a power of two, 7 %
_TRIALS = 6
_ATTEMPTS = _TRIALS + 3
_QUALITIES = (1.0, 51.0)  # below 1 H.264 turns lossless, in a profile few players know
_SENT = frozenset({NalRole.SLICE, NalRole.RANDOM_ACCESS_SLICE, NalRole.PARAMETER_SET})


def encode_scene(recipe: Recipe) -> list[bytes]:
    """Return the access units of all frames, in order, the first of each GOP an IDR picture.

    The quality is constant, and searched so that the mean bit rate is the recipe's: first on one
    GOP alone, then on all. What the last of the attempts gave is returned, near enough or not.
    """
    units: list[bytes] = []
    search = _QualitySearch()
    is_trial = recipe.gop < recipe.frames
    for attempt in range(_ATTEMPTS):
        is_trial = is_trial and attempt < _TRIALS
        frames = recipe.gop if is_trial else recipe.frames
        units = list(_encode_once(recipe, search.quality, frames))
        wanted_bytes = recipe.bitrate_kbps * 125 * frames / recipe.frame_rate
        excess = math.log2(sum(map(len, units)) / wanted_bytes)
        if abs(excess) > _TOLERANCE:
            search.correct(excess)
        elif is_trial:
            is_trial, search = False, _QualitySearch(search.quality, search.slope)
        else:
            break
    return units


class _QualitySearch:
    """Finds the quality (constant rate factor, higher is smaller) that gives a wanted size.

    A size is told as its ``excess`` over the wanted one, in powers of two. Once there is a size
    on either side, the search goes on between them; it halves the gap where noise, which is
    coded or not, makes the curve steep.
    """

    def __init__(self, quality: float = 26.0, slope: float = 3.0) -> None:
        self.quality = quality
        self.slope = slope
        self._large: tuple[float, float] | None = None
        self._small: tuple[float, float] | None = None
        self._last: tuple[float, float] | None = None

    def correct(self, excess: float) -> None:
        """Choose the next quality after the present one has shown its excess."""
        if self._last and self._last[1] != excess:
            slope = (self.quality - self._last[0]) / (self._last[1] - excess)
            self.slope = min(8.0, max(0.2, slope))
        self._last = self.quality, excess
        if excess > 0:
            self._large = self.quality, excess
        else:
            self._small = self.quality, excess
        wanted = self.quality + excess * self.slope
        if self._large and self._small:
            (near, above), (far, below) = self._large, self._small
            self.slope = max(0.2, (far - near) / (above - below))
            margin = (far - near) * 0.2
            wanted = min(far - margin, max(near + margin, near + above * self.slope))
        self.quality = round(min(_QUALITIES[1], max(_QUALITIES[0], wanted)), 2)


def encode_aac(frame_samples: Sequence[int], count: int) -> list[bytes]:
    """Return ``count`` ADTS frames (16 kHz mono LC), each of the same 1024 signed samples.

    The encoder's run-in is left out, so that any frame may follow any other.
    """
    context = av.CodecContext.create("aac", "w")
    context.sample_rate = AAC_RATE
    context.format = "fltp"
    context.layout = "mono"
    context.bit_rate = _AAC_BIT_RATE
    context.time_base = Fraction(1, AAC_RATE)
    plane = struct.pack(f"={len(frame_samples)}f", *(level / 32768 for level in frame_samples))
    raw: list[bytes] = []
    for number in range(_AAC_RUN_IN + count + 1):
        frame = av.AudioFrame(format="fltp", layout="mono", samples=len(frame_samples))
        frame.sample_rate = AAC_RATE
        frame.pts = number * len(frame_samples)
        frame.planes[0].update(plane)
        raw += [bytes(packet) for packet in context.encode(frame)]
    return [_adts_header(len(unit)) + unit for unit in raw[_AAC_RUN_IN : _AAC_RUN_IN + count]]


def _encode_once(recipe: Recipe, quality: float, frames: int) -> Iterator[bytes]:
    context = _open_encoder(recipe, quality)
    scene = Scene(_plan(recipe))
    for number in range(frames):
        picture = av.VideoFrame.from_ndarray(scene.draw(number), format="rgb24")
        frame = picture.reformat(
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
        )
        frame.pict_type = 0  # the encoder decides, not the picture's origin
        frame.pts = number
        for packet in context.encode(frame):
            yield _clean(bytes(packet), recipe.codec)
    for packet in context.encode(None):
        yield _clean(bytes(packet), recipe.codec)


def _plan(recipe: Recipe) -> ScenePlan:
    return ScenePlan(
        width=recipe.width,
        height=recipe.height,
        frame_rate=recipe.frame_rate,
        frames=recipe.frames,
        title=recipe.title,
        palette=DUSK if recipe.codec is VideoCodec.H264 else NIGHT,
        grain=recipe.grain,
    )


def _open_encoder(recipe: Recipe, quality: float) -> av.VideoCodecContext:
    names = {VideoCodec.H264: "libx264", VideoCodec.H265: "libx265"}
    context = av.CodecContext.create(names[recipe.codec], "w")
    context.width, context.height = recipe.width, recipe.height
    context.pix_fmt = "yuv420p"
    context.framerate = Fraction(recipe.frame_rate)
    context.time_base = Fraction(1, recipe.frame_rate)
    context.gop_size = recipe.gop
    context.max_b_frames = 0
    context.color_range = 1  # limited
    context.colorspace = context.color_primaries = context.color_trc = 1  # BT.709
    context.options = {
        "preset": recipe.preset,
        "crf": str(quality),
        **_private_options(recipe),
    }
    return context


def _private_options(recipe: Recipe) -> dict[str, str]:
    """Return encoder settings; fixed thread counts give the same output on every machine."""
    common = {
        "keyint": recipe.gop,
        "min-keyint": recipe.gop,
        "scenecut": 0,
        "bframes": 0,
        "open-gop": 0,
        "slices": recipe.slices,
    }
    match recipe.codec:
        case VideoCodec.H264:
            own = {"threads": 2, "sliced-threads": 0, "rc-lookahead": 20}
        case VideoCodec.H265:
            own = {"pools": 2, "frame-threads": 1, "info": 0, "log-level": 0, "repeat-headers": 1}
    text = ":".join(f"{key}={value}" for key, value in {**common, **own}.items())
    return {"x264-params" if recipe.codec is VideoCodec.H264 else "x265-params": text}


def _clean(unit: bytes, codec: VideoCodec) -> bytes:
    """Keep slices and parameter sets, each after a four-byte start code."""
    roles = h264.ROLES if codec is VideoCodec.H264 else h265.ROLES
    nal_units = split_annex_b(unit)
    return join_annex_b([nal for nal in nal_units if roles[nal[0]] in _SENT])


def _adts_header(payload_bytes: int) -> bytes:
    """ADTS header for 16 kHz (index 8) mono LC without checksum (ISO 13818-7 section 6.2)."""
    fields = 0xFFF1 << 40 | 1 << 38 | 8 << 34 | 1 << 30 | (payload_bytes + 7) << 13 | 0x7FF << 2
    return fields.to_bytes(7, "big")
