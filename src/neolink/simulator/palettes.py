"""The colors of the test picture at two hours of the day. Values only."""

from dataclasses import dataclass

__all__ = ["DUSK", "NIGHT", "Color", "Palette", "Point"]

Color = tuple[int, int, int]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Palette:
    """The colors of an hour of the day, and where its sun or moon stands."""

    sky: tuple[Color, Color, Color]
    orb: Color
    orb_glow: Color
    orb_at: Point  # parts of the width and the height
    cloud: Color
    hills: tuple[Color, Color, Color, Color]
    trees: Color
    walls: Color
    roof: Color
    window: Color
    road: Color
    car: Color
    stars: int
    has_birds: bool


DUSK = Palette(
    sky=((46, 60, 110), (196, 120, 128), (255, 204, 150)),
    orb=(255, 236, 196),
    orb_glow=(255, 210, 150),
    orb_at=(0.70, 0.47),
    cloud=(250, 190, 170),
    hills=((150, 108, 136), (98, 84, 118), (62, 72, 88), (44, 62, 58)),
    trees=(30, 46, 50),
    walls=(226, 206, 186),
    roof=(112, 62, 62),
    window=(255, 222, 140),
    road=(56, 56, 66),
    car=(206, 62, 54),
    stars=0,
    has_birds=True,
)
NIGHT = Palette(
    sky=((10, 16, 40), (26, 44, 86), (70, 98, 140)),
    orb=(240, 242, 232),
    orb_glow=(150, 176, 214),
    orb_at=(0.76, 0.22),
    cloud=(62, 84, 124),
    hills=((48, 70, 108), (34, 54, 86), (24, 42, 62), (20, 38, 42)),
    trees=(12, 26, 34),
    walls=(112, 122, 142),
    roof=(52, 48, 68),
    window=(255, 214, 120),
    road=(34, 36, 46),
    car=(64, 132, 186),
    stars=90,
    has_birds=False,
)
