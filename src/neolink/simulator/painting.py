"""Drawing with numpy: smooth-edged shapes on a canvas whose unit is the picture's height.

What is drawn, and where, is decided in ``scenes``. Needs numpy; only clip generation imports it.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from neolink.simulator.lettering import GLYPH_HEIGHT, GLYPH_WIDTH, glyph
from neolink.simulator.palettes import Color, Point

__all__ = ["Canvas", "Floats", "Pixels"]

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]


class Canvas:
    """An RGB picture of shape (height, width, 3), values 0 to 255.

    Coordinates are (x, y) from the upper left corner in picture heights, so that a drawing keeps
    its shape at every size. Every edge is smoothed over one pixel.
    """

    def __init__(self, pixels: Floats) -> None:
        self.pixels = pixels
        self.height, self.width = pixels.shape[:2]
        self.aspect = self.width / self.height

    def gradient(self, stops: Sequence[tuple[float, Color]]) -> None:
        """Fill everything with a vertical gradient through the (y, color) stops."""
        y = (np.arange(self.height) + 0.5) / self.height
        levels = [stop for stop, _ in stops]
        for channel in range(3):
            column = np.interp(y, levels, [color[channel] for _, color in stops])
            self.pixels[:, :, channel] = column[:, None]

    def disc(self, center: Point, radius: float, color: Color, alpha: float = 1.0) -> None:
        """Draw a filled circle."""
        x, y = center
        rows, columns, gx, gy = self._window((x - radius, y - radius), (x + radius, y + radius))
        self._blend(rows, columns, np.hypot(gx - x, gy - y) - radius, color, alpha)

    def glow(self, center: Point, radius: float, color: Color, alpha: float) -> None:
        """Draw a light that fades from its center to nothing at ``radius``."""
        x, y = center
        rows, columns, gx, gy = self._window((x - radius, y - radius), (x + radius, y + radius))
        fade = np.clip(1 - np.hypot(gx - x, gy - y) / radius, 0, 1) ** 2
        self._cover(rows, columns, fade * alpha, color)

    def box(
        self,
        low: Point,
        high: Point,
        color: Color,
        *,
        corner: float = 0.0,
        alpha: float = 1.0,
    ) -> None:
        """Draw a rectangle from ``low`` to ``high`` with rounded corners."""
        rows, columns, gx, gy = self._window(low, high)
        half_x, half_y = (high[0] - low[0]) / 2 - corner, (high[1] - low[1]) / 2 - corner
        dx = np.abs(gx - (low[0] + high[0]) / 2) - half_x
        dy = np.abs(gy - (low[1] + high[1]) / 2) - half_y
        outside = np.hypot(np.maximum(dx, 0), np.maximum(dy, 0))
        distance = outside + np.minimum(np.maximum(dx, dy), 0) - corner
        self._blend(rows, columns, distance, color, alpha)

    def polygon(self, points: Sequence[Point], color: Color, alpha: float = 1.0) -> None:
        """Draw a convex polygon whose corners go clockwise on the screen."""
        xs, ys = zip(*points, strict=True)
        rows, columns, gx, gy = self._window((min(xs), min(ys)), (max(xs), max(ys)))
        distance = np.full(np.broadcast_shapes(gx.shape, gy.shape), -1e9, np.float32)
        for (ax, ay), (bx, by) in zip(points, [*points[1:], points[0]], strict=True):
            length = float(np.hypot(bx - ax, by - ay))
            edge = ((gx - ax) * (by - ay) - (gy - ay) * (bx - ax)) / length
            distance = np.maximum(distance, edge)
        self._blend(rows, columns, distance, color, alpha)

    def land(self, skyline: Floats, top: Color, bottom: Color, depth: float) -> None:
        """Fill below a skyline (one y per column), fading to ``bottom`` over ``depth``."""
        y = ((np.arange(self.height) + 0.5) / self.height)[:, None]
        below = (y - skyline[None, :]).astype(np.float32)
        mix = np.clip(below / depth, 0, 1)[..., None]
        color = np.asarray(top, np.float32) * (1 - mix) + np.asarray(bottom, np.float32) * mix
        cover = np.clip(below * self.height + 0.5, 0, 1)[..., None]
        self.pixels += (color - self.pixels) * cover

    def text(self, left: int, top: int, scale: int, text: str, color: Color) -> None:
        """Write text at a pixel position, one font dot being ``scale`` pixels, dark-rimmed."""
        dots = _text_dots(text, scale)
        rim = np.zeros((dots.shape[0] + 2, dots.shape[1] + 2), bool)
        for dy in range(3):
            for dx in range(3):
                rim[dy : dy + dots.shape[0], dx : dx + dots.shape[1]] |= dots
        self._stamp(left - 1, top - 1, rim, (16, 18, 24))
        self._stamp(left, top, dots, color)

    def _stamp(self, left: int, top: int, mask: NDArray[np.bool_], color: Color) -> None:
        area = self.pixels[top : top + mask.shape[0], left : left + mask.shape[1]]
        area[mask[: area.shape[0], : area.shape[1]]] = color

    def _window(self, low: Point, high: Point) -> tuple[slice, slice, Floats, Floats]:
        """Rows and columns a shape touches, and their centers' coordinates."""
        left, top = (max(0, int(value * self.height) - 1) for value in low)
        right, bottom = (max(0, int(value * self.height) + 2) for value in high)
        rows = slice(top, min(self.height, bottom))
        columns = slice(left, min(self.width, right))
        gx = (np.arange(columns.start, columns.stop, dtype=np.float32) + 0.5) / self.height
        gy = (np.arange(rows.start, rows.stop, dtype=np.float32) + 0.5) / self.height
        return rows, columns, gx[None, :], gy[:, None]

    def _blend(
        self, rows: slice, columns: slice, distance: Floats, color: Color, alpha: float
    ) -> None:
        """Paint where ``distance`` to the shape's edge is negative."""
        cover = np.clip(0.5 - distance * self.height, 0, 1) * alpha
        self._cover(rows, columns, cover, color)

    def _cover(self, rows: slice, columns: slice, cover: Floats, color: Color) -> None:
        area = self.pixels[rows, columns]
        area += (np.asarray(color, np.float32) - area) * cover[..., None].astype(np.float32)


def _text_dots(text: str, scale: int) -> NDArray[np.bool_]:
    dots = np.zeros((GLYPH_HEIGHT, (GLYPH_WIDTH + 1) * len(text)), bool)
    for index, character in enumerate(text):
        for row, bits in enumerate(glyph(character)):
            for column in range(GLYPH_WIDTH):
                dots[row, index * (GLYPH_WIDTH + 1) + column] = bits >> (4 - column) & 1
    return dots.repeat(scale, 0).repeat(scale, 1)
