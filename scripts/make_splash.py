"""Makes the bundled splash pictures: draws them, encodes them, writes ``src/neolink/hub/splash``.

Run it in the development environment, after a change of words or drawings::

    .venv/bin/python scripts/make_splash.py

It needs the ``media`` extra for encoding and OpenCV, a development tool, for lettering.
How the pieces fit together is told in ``src/neolink/hub/splash/README.md``.
"""

from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt

from neolink.hub import splash
from neolink.hub.splash import PLAIN_PATTERN, SPLASH_PATTERNS, SplashReason
from neolink.media import h264
from neolink.media.bits import BitReader
from neolink.media.nal import join_annex_b, split_annex_b

Picture = npt.NDArray[np.uint8]
"""Height x width x 3, red green blue."""
Plane = npt.NDArray[np.float64]
"""Height x width."""

WIDTH, HEIGHT = 640, 360
BAND = slice(128, 240)
"""Rows of the text: the middle one of three slices of 8, 7 and 8 rows of macroblocks."""
FOLDER = Path(__file__).parent.parent / "src" / "neolink" / "hub" / "splash"

QUANTIZER = 20
COARSE_QUANTIZERS = {"snow": 34, "circular": 30, "zone-plate": 28, "colors": 26, "smpte": 24}

BAND_COLOR = (20, 23, 28)
TEXT_COLOR = (255, 255, 255)
ADVICE_COLOR = (205, 212, 220)
CALM, WARNING, FAULT = (90, 160, 230), (245, 180, 50), (230, 80, 70)
ACCENTS = {
    SplashReason.STARTING: CALM,
    SplashReason.ASLEEP: CALM,
    SplashReason.NO_VIDEO: WARNING,
    SplashReason.TOO_MANY_SESSIONS: WARNING,
}

WHITE, YELLOW, CYAN, GREEN = (255, 255, 255), (255, 255, 0), (0, 255, 255), (0, 255, 0)
MAGENTA, RED, BLUE, BLACK = (255, 0, 255), (255, 0, 0), (0, 0, 255), (0, 0, 0)
BARS = (WHITE, YELLOW, CYAN, GREEN, MAGENTA, RED, BLUE)

Y, X = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float64)
FROM_CENTRE_X, FROM_CENTRE_Y = X - (WIDTH - 1) / 2, Y - (HEIGHT - 1) / 2
DISTANCE = np.hypot(FROM_CENTRE_X, FROM_CENTRE_Y)
ANGLE = np.arctan2(FROM_CENTRE_Y, FROM_CENTRE_X)

# ------------------------------------------------------------------ drawing


def solid(color: tuple[int, int, int]) -> Picture:
    """One color everywhere."""
    return np.full((HEIGHT, WIDTH, 3), color, np.uint8)


def grey(levels: Plane) -> Picture:
    """Levels from 0 to 1 without color."""
    bytes_ = np.clip(levels * 255, 0, 255).astype(np.uint8)
    return np.repeat(bytes_[:, :, None], 3, axis=2)


def paint_row(
    picture: Picture, rows: tuple[float, float], fields: list[tuple[float, tuple[int, ...]]]
) -> None:
    """Paint fields of (relative width, color) side by side; rows are fractions of the height."""
    top, bottom = (round(row * HEIGHT) for row in rows)
    edges = np.cumsum([0.0, *(width for width, _ in fields)])
    columns = np.rint(edges / edges[-1] * WIDTH).astype(int)
    for (_, color), left, right in zip(fields, columns[:-1], columns[1:], strict=True):
        picture[top:bottom, left:right] = color


def scaled(color: tuple[int, int, int], level: float) -> tuple[int, ...]:
    """Return a darker color."""
    return tuple(round(part * level) for part in color)


def bars(level: float) -> Picture:
    """Seven vertical bars."""
    picture = solid(BLACK)
    paint_row(picture, (0, 1), [(1, scaled(color, level)) for color in BARS])
    return picture


def snow() -> Picture:
    """Coarse noise, always the same, so that it costs a recorder little."""
    levels = np.random.default_rng(1).random((HEIGHT // 4, WIDTH // 4))
    return grey(levels.repeat(4, axis=0).repeat(4, axis=1))


def smpte() -> Picture:
    """Bars, reversed bars, and the fields below them."""
    picture = bars(1)
    castellation = (BLUE, BLACK, MAGENTA, BLACK, CYAN, BLACK, WHITE)
    paint_row(picture, (2 / 3, 3 / 4), [(1, color) for color in castellation])
    paint_row(
        picture,
        (3 / 4, 1),
        [
            (2, (0, 0, 128)),
            (2, WHITE),
            (2, (0, 128, 255)),
            (2, BLACK),
            (1, (19, 19, 19)),
            (3, BLACK),
        ],
    )
    noisy = np.s_[round(HEIGHT * 3 / 4) :, round(WIDTH * 3 / 4) :]
    picture[noisy] = snow()[noisy]
    return picture


def smpte_rp_219() -> Picture:
    """Bars of SMPTE RP 219 with their three rows of reference fields."""
    dark, light = (102, 102, 102), (191, 191, 191)
    picture = solid(BLACK)
    inner = [(3.0 / 7, scaled(color, 0.75)) for color in BARS]
    paint_row(picture, (0, 7 / 12), [(0.5, dark), *inner, (0.5, dark)])
    paint_row(
        picture,
        (7 / 12, 8 / 12),
        [(0.5, CYAN), (3 / 7, (0, 63, 105)), (18 / 7, light), (0.5, BLUE)],
    )
    ramp = [(18 / 7 / 64, (round(255 * min(1, i / 48)),) * 3) for i in range(64)]
    paint_row(picture, (8 / 12, 9 / 12), [(0.5, YELLOW), (3 / 7, (65, 0, 119)), *ramp, (0.5, RED)])
    below = [(0.5, (38, 38, 38)), (9 / 14, BLACK), (6 / 7, WHITE), (5 / 14, BLACK)]
    pluge = [(1 / 7, (level,) * 3) for level in (0, 5, 0, 10, 0)]
    paint_row(picture, (9 / 12, 1), [*below, *pluge, (3 / 7, BLACK), (0.5, (38, 38, 38))])
    return picture


def checkers(size: int) -> Picture:
    """Red and green fields of ``size`` pixels."""
    picture = solid(RED)
    picture[(X // size + Y // size) % 2 == 0] = GREEN
    return picture


def circular() -> Picture:
    """Rings in seven zones, finest inside."""
    zone = np.floor(DISTANCE / WIDTH * 16)
    rings = 100 * np.exp2(-(zone - 1) / 4)
    lit = (zone >= 1) & (zone < 8)
    return grey(np.where(lit, 0.5 - 0.5 * np.cos(2 * np.pi * DISTANCE / WIDTH * rings), 0))


def zone_plate() -> Picture:
    """Rings whose frequency grows with the distance."""
    return grey(0.5 + 0.5 * np.cos(DISTANCE**2 * 2 * np.pi / 5120))


def chroma_zone_plate() -> Picture:
    """Draw the same in two colors of equal brightness."""
    wave = np.cos(DISTANCE**2 * 2 * np.pi / 10240)
    parts = (0.5 + 0.24 * wave, 0.5 - 0.2 * wave, 0.5 + 0.3 * wave)
    return np.stack([grey(part)[:, :, 0] for part in parts], axis=2)


def gamut() -> Picture:
    """Stripes, the upper half of each checked with a shade at the edge of the gamut."""
    picture = solid(BLACK)
    stripes = (
        (BLACK, (24, 24, 24)),
        (WHITE, (228, 228, 228)),
        (RED, (215, 0, 0)),
        (BLUE, (0, 0, 205)),
    )
    checked = (X // 20 + Y // 15) % 2 == 0
    for index, (color, shade) in enumerate(stripes):
        rows = index == Y // (HEIGHT // 4)
        picture[rows] = color
        picture[rows & checked & (Y % (HEIGHT // 4) < HEIGHT // 8)] = shade
    return picture


def ball() -> Picture:
    """Draw a ball, above the text."""
    return grey(np.clip(26.5 - np.hypot(X - 440, Y - 64), 0, 1))


def pinwheel() -> Picture:
    """Nineteen blades."""
    return grey(np.clip(0.5 + np.sin(ANGLE * 19) * DISTANCE / 19, 0, 1))


def spokes() -> Picture:
    """Thirty-eight thin rays."""
    from_ray = np.abs(np.sin(ANGLE * 19)) * DISTANCE / 19
    return grey(np.clip(2 - from_ray, 0, 1))


def colors() -> Picture:
    """Draw a table of colors: red and green inside each field, blue and green between them."""
    red, green, blue = (X // 2.5) % 16, (Y // 22.5) % 16, (X // 40) % 16
    green = (green + (Y // 1.40625) % 16) / 2
    return np.stack([grey(part / 15)[:, :, 0] for part in (red, green, blue)], axis=2)


DRAWINGS = {
    PLAIN_PATTERN: lambda: solid((34, 39, 47)),
    "smpte": smpte,
    "snow": snow,
    "black": lambda: solid(BLACK),
    "white": lambda: solid(WHITE),
    "red": lambda: solid(RED),
    "green": lambda: solid(GREEN),
    "blue": lambda: solid(BLUE),
    "checkers-1": lambda: checkers(1),
    "checkers-2": lambda: checkers(2),
    "checkers-4": lambda: checkers(4),
    "checkers-8": lambda: checkers(8),
    "circular": circular,
    "blink": lambda: solid(WHITE),
    "smpte75": lambda: bars(0.75),
    "zone-plate": zone_plate,
    "gamut": gamut,
    "chroma-zone-plate": chroma_zone_plate,
    "solid-color": lambda: solid(WHITE),
    "ball": ball,
    "smpte100": lambda: bars(1),
    "bar": lambda: grey((X < WIDTH / 7).astype(np.float64)),
    "pinwheel": pinwheel,
    "spokes": spokes,
    "gradient": lambda: grey(Y / (HEIGHT - 1)),
    "colors": colors,
    "smpte-rp-219": smpte_rp_219,
}


def draw_pattern(name: str) -> Picture:
    """Draw a pattern with an empty band."""
    picture = DRAWINGS[name]().copy()
    picture[BAND] = BAND_COLOR
    return picture


def draw_reason(reason: SplashReason) -> Picture:
    """Draw the band of a reason with nothing around it."""
    picture = solid(BLACK)
    picture[BAND] = BAND_COLOR
    picture[BAND.start + 20 : BAND.stop - 20, 28:34] = ACCENTS.get(reason, FAULT)
    write(picture, reason.headline, (52, BAND.start + 57), TEXT_COLOR, size=44, weight=600)
    write(picture, reason.advice, (54, BAND.start + 91), ADVICE_COLOR, size=23, weight=450)
    return picture


def write(
    picture: Picture,
    text: str,
    start: tuple[int, int],
    color: tuple[int, int, int],
    *,
    size: int,
    weight: int,
) -> None:
    """Write a line from ``start`` on, the left end of its base line; refuse what has no room."""
    (end, _), _ = cv2.putText(picture, text, start, color, cv2.FontFace("sans"), size, weight)
    if end > WIDTH - 20:
        raise SystemExit(f"expected at most {WIDTH - 20} pixels, got {end}: {text!r}")


# ------------------------------------------------------------------ encoding

# Headers must not depend on the picture (stitchable) nor filters cross slices (no-deblock).
X264 = (
    "slices=3:no-deblock=1:stitchable=1:threads=1:keyint=1:bframes=0:annexb=1:vfr-input=0"
    ":level=3.0:videoformat=component:range=tv"
    ":colorprim=smpte170m:transfer=smpte170m:colormatrix=smpte170m"
)


def encode(picture: Picture, quantizer: int) -> list[bytes]:
    """Return SPS, PPS and three slices."""
    codec = av.CodecContext.create("libx264", "w")
    codec.width, codec.height, codec.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    codec.framerate, codec.time_base = 1, 1
    codec.options = {
        "preset": "veryslow",
        "profile": "main",
        "x264-params": f"{X264}:qp={quantizer}",
    }
    frame = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(
        format="yuv420p", dst_colorspace="ITU601", dst_color_range="MPEG"
    )
    packets = [*codec.encode(frame), *codec.encode(None)]
    nal_units = split_annex_b(b"".join(bytes(packet) for packet in packets))
    sets = [bytes(nal) for nal in nal_units if h264.is_parameter_set(nal)]
    slices = [with_free_id(bytes(nal)) for nal in nal_units if h264.nal_type(nal) == 5]
    if len(sets) != 2 or len(slices) != 3:
        raise SystemExit(f"expected 2 parameter sets and 3 slices, got {len(sets)}, {len(slices)}")
    return sets + slices


def ue(value: int) -> str:
    """Write an Exp-Golomb number as a string of bits."""
    digits = f"{value + 1:b}"
    return "0" * (len(digits) - 1) + digits


def with_free_id(nal: bytes) -> bytes:
    """Widen idr_pic_id in the slice header and leave its suffix zero, for the loader to fill.

    CABAC data begins at a whole byte, so that only the header moves. Its last byte is never zero
    (it ends in disable_deblocking_filter_idc 1), so emulation prevention behind it stays as it is.
    """
    reader = BitReader(nal[1:17])
    size = reader.bits_left
    bits = f"{nal[0]:08b}" + ue(reader.ue()) + ue(reader.ue()) + ue(reader.ue())
    bits += f"{reader.u(4):04b}"  # frame_num
    reader.ue()  # idr_pic_id as the encoder had it
    bits += ue((1 << splash.ID_FIELD_BITS) - 1)
    bits += f"{reader.u(2):02b}"  # dec_ref_pic_marking
    quantizer_delta = reader.ue()  # signed, but its code is what counts
    bits += ue(quantizer_delta)
    if reader.ue() != 1:
        raise SystemExit("expected a slice without deblocking")
    bits += ue(1)
    body = 1 + (size - reader.bits_left + 7) // 8
    bits += "1" * (-len(bits) % 8)  # cabac_alignment_one_bit
    head = int(bits, 2).to_bytes(len(bits) // 8)
    if b"\0\0" in head or b"\0\0" in nal[:body]:
        raise SystemExit("expected a slice header without emulation prevention")
    return head + nal[body:]


def main() -> None:
    """Write every file and tell the sizes."""
    total = 0
    jobs = [
        *(("patterns", name, draw_pattern(name)) for name in (PLAIN_PATTERN, *SPLASH_PATTERNS)),
        *(("reasons", reason.value, draw_reason(reason)) for reason in SplashReason),
    ]
    for kind, name, picture in jobs:
        data = join_annex_b(encode(picture, COARSE_QUANTIZERS.get(name, QUANTIZER)))
        path = FOLDER / kind / f"{name}.h264"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        total += len(data)
        print(f"{len(data):7d} {kind}/{name}")
    print(f"{total:7d} bytes in {len(jobs)} files")


if __name__ == "__main__":
    main()
