"""The test picture: a calm landscape with a road, drawn anew for each frame number.

Pure: the same scene and number give the same pixels. Along the foot runs the machine-readable
frame counter (``counter``); in the corners a person reads the title, the time in the loop and the
frame number. At each full second the porch lamp and the dot in the upper right corner light up
for a moment. The last frame joins the first: the scene loops without a jump.

Needs numpy, as does everything in ``painting``; only clip generation and tests import this.
"""

import math
from dataclasses import dataclass

import numpy as np

from neolink.simulator.counter import cell_edges, counter_cells, read_counter, strip_height
from neolink.simulator.painting import Canvas, Floats, Pixels
from neolink.simulator.palettes import DUSK, NIGHT, Color, Palette, Point

__all__ = ["DUSK", "NIGHT", "Palette", "Scene", "ScenePlan", "read_counter"]

_WHITE: Color = (244, 244, 240)
_GLASS: Color = (158, 186, 206)
_SCENERY = 7919  # the same trees and stars at every size
_LAP_S = 10.0
_FLASH_S = 0.08
_CLOUDS = ((0.14, 0.21, 1.0, 1.0), (0.47, 0.14, 1.3, -0.7), (0.87, 0.28, 0.8, 1.3))
_CLOUD_ROWS = ((-0.06, 0.09), (-0.15, 0.05), (-0.11, 0.16))  # each row's ends; rows lie stacked
_FLOCK = ((0.0, 0.0), (-0.05, -0.022), (-0.055, 0.02), (-0.10, -0.04))
_GRAIN_TOP, _GRAIN_FOOT = 0.3, 2.2  # the sky is clean, the dark ground is not
_GRAIN_MARGIN = 61  # prime, so that the grain's offsets do not repeat with the scene


@dataclass(frozen=True, slots=True)
class ScenePlan:
    """What to draw: size in pixels, frames per second, frames in the loop, text and noise.

    ``grain`` is the deviation of camera noise in levels, about the middle of the picture; 0 draws
    clean pictures.
    """

    width: int
    height: int
    frame_rate: int
    frames: int
    title: str
    palette: Palette = DUSK
    grain: float = 0.0


class Scene:
    """Draws the frames of one plan."""

    def __init__(self, plan: ScenePlan) -> None:
        self.plan = plan
        self._random = np.random.default_rng(_SCENERY)
        self._still = Canvas(np.zeros((plan.height, plan.width, 3), np.float32))
        self._aspect = self._still.aspect
        self._laps = max(1, round(plan.frames / plan.frame_rate / _LAP_S))
        self._paint_still()
        self._grain = self._make_grain()

    def draw(self, number: int) -> Pixels:
        """Return frame ``number`` as RGB, shape (height, width, 3)."""
        plan = self.plan
        canvas = Canvas(self._still.pixels.copy())
        phase = number % plan.frames / plan.frames
        is_flash = number % plan.frame_rate < max(1, round(_FLASH_S * plan.frame_rate))
        self._paint_clouds(canvas, phase)
        self._paint_smoke(canvas, phase)
        self._paint_house(canvas, is_lamp_lit=is_flash)
        self._paint_car(canvas, phase * self._laps % 1)
        if plan.palette.has_birds:
            self._paint_birds(canvas, phase)
        self._add_grain(canvas, number)
        self._write(canvas, number, is_flash=is_flash)
        _paint_counter(canvas, number)
        picture: Pixels = np.clip(canvas.pixels + 0.5, 0, 255).astype(np.uint8)
        return picture

    # ------------------------------------------------------------ what stands still
    def _paint_still(self) -> None:
        canvas, palette, aspect = self._still, self.plan.palette, self._aspect
        top, middle, horizon = palette.sky
        canvas.gradient([(0.0, top), (0.38, middle), (0.60, horizon), (1.0, horizon)])
        for _ in range(palette.stars):
            x, y, size = self._random.random(3)
            canvas.disc((x * aspect, y * 0.5), 0.001 + 0.0015 * size, _WHITE, 0.3 + 0.6 * size)
        orb = (palette.orb_at[0] * aspect, palette.orb_at[1])
        canvas.glow(orb, 0.42, palette.orb_glow, 0.65)
        canvas.disc(orb, 0.062, palette.orb)
        self._paint_land(canvas)
        dither = self._random.uniform(-0.5, 0.5, canvas.pixels.shape[:2])
        canvas.pixels += dither[..., None]  # or the sky shows its 8-bit steps as stripes

    def _paint_land(self, canvas: Canvas) -> None:
        x = (np.arange(canvas.width, dtype=np.float32) + 0.5) / canvas.height
        far, middle, near, meadow = self.plan.palette.hills
        skylines = (
            (0.520 + 0.040 * np.sin(2.1 * x + 0.4) + 0.018 * np.sin(5.3 * x + 1.0), far),
            (0.575 + 0.034 * np.sin(2.9 * x + 2.2) + 0.012 * np.sin(7.1 * x), middle),
            (0.640 + 0.026 * np.sin(2.3 * x + 4.0) + 0.008 * np.sin(9.0 * x + 2.0), near),
        )
        for skyline, color in skylines:
            canvas.land(skyline, color, _shade(color, 0.86), 0.16)
        self._paint_trees(canvas)
        canvas.land(0.705 + 0.014 * np.sin(1.7 * x + 1.2), meadow, _shade(meadow, 0.86), 0.16)
        self._paint_road(canvas)

    def _paint_trees(self, canvas: Canvas) -> None:
        palette = self.plan.palette
        for place in range(26):
            x, y, size = self._random.random(3)
            if 0.06 < place / 26 < 0.40:
                continue  # the house stands there
            foot = 0.70 + 0.015 * y
            left = (place + 0.2 + 0.6 * x) / 26 * self._aspect
            height = 0.075 + 0.075 * size
            color = _shade(palette.trees, 0.9 + 0.5 * y)
            for tier in range(3):
                top = foot - height + tier * height * 0.26
                half = height * (0.15 + 0.07 * tier)
                low = top + height * 0.46
                shape = ((left, top), (left + half, low), (left - half, low))
                canvas.polygon(shape, color)

    def _paint_road(self, canvas: Canvas) -> None:
        palette, aspect = self.plan.palette, self._aspect
        drive = _shade(palette.road, 1.35)
        door = 0.205 * aspect + 0.108
        canvas.polygon(
            ((door - 0.03, 0.745), (door + 0.03, 0.745), (door + 0.20, 0.84), (door + 0.02, 0.84)),
            drive,
        )
        canvas.box((-0.1, 0.83), (aspect + 0.1, 1.05), palette.road)
        canvas.box((-0.1, 0.826), (aspect + 0.1, 0.834), _shade(palette.road, 1.8))
        for dash in range(int(aspect / 0.16) + 1):
            left = 0.03 + dash * 0.16
            canvas.box((left, 0.897), (left + 0.085, 0.903), (214, 206, 180), alpha=0.8)

    # ------------------------------------------------------------ what moves
    def _paint_clouds(self, canvas: Canvas, phase: float) -> None:
        color, sway = self.plan.palette.cloud, 0.02 * math.sin(2 * math.pi * phase)
        for place, y, size, pace in _CLOUDS:
            x, step = place * self._aspect + sway * pace, 0.022 * size
            for row, (left, right) in enumerate(_CLOUD_ROWS):
                low = (x + left * size, y + row * step)
                high = (x + right * size, y + (row + 1) * step)
                canvas.box(low, high, color, corner=step / 2, alpha=0.32)

    def _paint_smoke(self, canvas: Canvas, phase: float) -> None:
        x, y = self._at_house(0.105, -0.165)
        for puff in range(5):
            age = (puff / 5 + phase * self._laps * 2) % 1
            drift = 0.03 * math.sin(3.0 * age) + 0.05 * age * age
            fade = 0.34 * (1 - age) * min(1.0, age * 6)
            canvas.disc((x + drift, y - 0.17 * age), 0.010 + 0.024 * age, (226, 222, 226), fade)

    def _paint_house(self, canvas: Canvas, *, is_lamp_lit: bool) -> None:
        palette = self.plan.palette
        at = self._at_house
        canvas.box(at(0.085, -0.165), at(0.125, -0.06), _shade(palette.roof, 0.8))
        canvas.box(at(-0.15, -0.05), at(0.15, 0.10), palette.walls)
        canvas.box(at(-0.15, 0.085), at(0.15, 0.10), _shade(palette.walls, 0.75))
        eaves = (at(-0.12, -0.145), at(0.12, -0.145), at(0.185, -0.04), at(-0.185, -0.04))
        canvas.polygon(eaves, palette.roof)
        frame = _shade(palette.walls, 0.6)
        for left in (-0.115, 0.0):
            canvas.box(at(left - 0.006, -0.012), at(left + 0.066, 0.052), frame)
            canvas.box(at(left, -0.006), at(left + 0.060, 0.046), palette.window)
            canvas.box(at(left + 0.028, -0.006), at(left + 0.032, 0.046), frame)
        canvas.box(at(0.085, 0.0), at(0.132, 0.10), _shade(palette.roof, 0.75), corner=0.004)
        canvas.disc(at(0.124, 0.055), 0.0035, palette.window)
        lamp = at(0.108, -0.018)
        if is_lamp_lit:
            canvas.glow(lamp, 0.11, (255, 240, 190), 0.8)
        canvas.disc(lamp, 0.009, (255, 250, 225) if is_lamp_lit else _shade(palette.roof, 0.6))

    def _paint_car(self, canvas: Canvas, lap: float) -> None:
        color = self.plan.palette.car
        x, y = -0.52 + lap * (self._aspect + 0.70), 0.885

        def at(dx: float, dy: float) -> Point:
            return x + dx, y + dy

        for step in range(1, 17):  # a beam that thins out
            reach = 0.13 + 0.022 * step
            beam = (at(0.13, -0.012), at(reach, -0.012 - 0.0015 * step), at(reach, 0.045))
            canvas.polygon((*beam, at(0.13, 0.012)), (255, 240, 180), 0.03)
        canvas.box(at(-0.14, 0.030), at(0.14, 0.046), (14, 14, 18), corner=0.008, alpha=0.55)
        cabin = (at(-0.075, -0.075), at(0.045, -0.075), at(0.095, -0.018), at(-0.11, -0.018))
        rear = (at(-0.066, -0.066), at(-0.018, -0.066), at(-0.018, -0.024), at(-0.090, -0.024))
        front = (at(-0.008, -0.066), at(0.040, -0.066), at(0.074, -0.024), at(-0.008, -0.024))
        for shape, tint in ((cabin, color), (rear, _GLASS), (front, _GLASS)):
            canvas.polygon(shape, tint)
        canvas.box(at(-0.14, -0.026), at(0.14, 0.026), color, corner=0.016)
        canvas.box(at(-0.138, 0.008), at(0.138, 0.018), _shade(color, 0.75))
        canvas.disc(at(0.13, -0.006), 0.010, (255, 248, 214))
        canvas.disc(at(-0.133, -0.006), 0.007, (255, 90, 70))
        for wheel in (-0.082, 0.082):
            canvas.disc(at(wheel, 0.026), 0.026, (22, 22, 26))
            canvas.disc(at(wheel, 0.026), 0.012, (150, 152, 158))

    def _paint_birds(self, canvas: Canvas, phase: float) -> None:
        flight = (phase * self._laps + 0.35) % 1
        for index, (dx, dy) in enumerate(_FLOCK):
            x = self._aspect + 0.12 - flight * (self._aspect + 0.3) - dx
            y = 0.30 + dy - 0.05 * math.sin(math.pi * flight)
            wing = 0.010 * math.sin(2 * math.pi * (phase * self._laps * 12 + index * 0.27))
            tip_left, body, tip_right = (x - 0.02, y - wing), (x, y), (x + 0.02, y - wing)
            for left, right in ((tip_left, body), (body, tip_right)):
                under = ((right[0], right[1] + 0.005), (left[0], left[1] + 0.005))
                canvas.polygon((left, right, *under), self.plan.palette.trees)

    def _at_house(self, dx: float, dy: float) -> Point:
        return 0.205 * self._aspect + dx, 0.645 + dy

    # ------------------------------------------------------------ noise and lettering
    def _make_grain(self) -> Floats | None:
        plan = self.plan
        if not plan.grain:
            return None
        shape = (plan.height + _GRAIN_MARGIN, plan.width + _GRAIN_MARGIN)
        noise = self._random.normal(0.0, plan.grain, shape)
        lights_are_cleaner = np.geomspace(_GRAIN_TOP, _GRAIN_FOOT, plan.height + _GRAIN_MARGIN)
        return (noise * lights_are_cleaner[:, None]).astype(np.float32)

    def _add_grain(self, canvas: Canvas, number: int) -> None:
        if self._grain is None:
            return
        top, left = number * 17 % _GRAIN_MARGIN, number * 29 % _GRAIN_MARGIN
        canvas.pixels += self._grain[top : top + canvas.height, left : left + canvas.width, None]

    def _write(self, canvas: Canvas, number: int, *, is_flash: bool) -> None:
        plan = self.plan
        scale = max(1, round(plan.height / 240))
        edge = round(plan.height * 0.035)
        minutes, seconds = divmod(number / plan.frame_rate, 60)
        canvas.text(edge, edge, scale, plan.title, _WHITE)
        clock = f"{int(minutes):02}:{math.floor(seconds * 100) / 100:05.2f}  FRAME {number:05}"
        canvas.text(edge, edge + 10 * scale, scale, clock, _WHITE)
        dot = (self._aspect - 0.055, 0.055)
        canvas.disc(dot, 0.026, (16, 18, 24), 0.45)
        canvas.disc(dot, 0.020, (255, 255, 255) if is_flash else (196, 52, 48))


def _paint_counter(canvas: Canvas, number: int) -> None:
    edges = cell_edges(canvas.width)
    strip = canvas.pixels[canvas.height - strip_height(canvas.width) :]
    for index, is_white in enumerate(counter_cells(number)):
        strip[:, edges[index] : edges[index + 1]] = 236.0 if is_white else 20.0


def _shade(color: Color, factor: float) -> Color:
    red, green, blue = (min(255, round(level * factor)) for level in color)
    return red, green, blue
