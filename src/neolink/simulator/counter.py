"""The machine-readable frame counter: a strip of black and white cells along the picture's foot.

The layout and its reader. It must survive strong compression and scaling, so cells are large (a
32nd of the width, square) and only their middles are read. No numpy import: the reader works on
any two-dimensional array that numpy made. Drawing the picture above the strip is in ``scenes``.

Cells from left to right::

    1 0 1 0      sync: shows white and black as this picture has them
    24 cells     the counter, most significant bit first
    4 cells      checksum: the exclusive or of the counter's six nibbles and 0b1001
"""

from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["CELLS", "COUNTER_LIMIT", "cell_edges", "counter_cells", "read_counter", "strip_height"]

CELLS = 32
"""Cells of the strip; together they are as wide as the picture."""

COUNTER_LIMIT = 1 << 24
"""Counters are smaller than this."""

_SYNC = (True, False, True, False)
_CHECK_SEED = 0b1001  # neither an all-black nor an all-white strip is a counter
_LEAST_CONTRAST = 60.0
_UNSURE = 0.2  # a cell this near to the middle, as part of the contrast, is not read


def counter_cells(counter: int) -> tuple[bool, ...]:
    """Return the strip for ``counter``; true is white. ValueError outside 0..COUNTER_LIMIT-1."""
    if not 0 <= counter < COUNTER_LIMIT:
        raise ValueError(f"a frame counter has 24 bits, not {counter}")
    word = counter << 4 | _checksum(counter)
    return (*_SYNC, *(bool(word >> bit & 1) for bit in reversed(range(28))))


def cell_edges(width: int) -> tuple[int, ...]:
    """Return the 33 columns where cells begin and end in a picture ``width`` pixels wide."""
    return tuple(round(index * width / CELLS) for index in range(CELLS + 1))


def strip_height(width: int) -> int:
    """Return the height in pixels of the strip of a picture ``width`` pixels wide."""
    return max(1, round(width / CELLS))


def read_counter(luma: "NDArray[np.uint8]") -> int | None:
    """Read the counter of a picture from its luma plane, shape (height, width).

    None when there is no strip, a cell is neither black nor white, or the checksum is wrong.
    """
    height, width = luma.shape
    if width < 2 * CELLS or height < strip_height(width):
        return None
    levels = _cell_levels(luma, height, width)
    white, black = (levels[0] + levels[2]) / 2, (levels[1] + levels[3]) / 2
    contrast = white - black
    if contrast < _LEAST_CONTRAST:
        return None
    word = 0
    for level in levels:
        offset = (level - black) / contrast - 0.5
        if abs(offset) < _UNSURE:
            return None
        word = word << 1 | (offset > 0)
    counter = word >> 4 & (COUNTER_LIMIT - 1)
    is_whole = word >> 28 == 0b1010 and word & 0xF == _checksum(counter)
    return counter if is_whole else None


def _checksum(counter: int) -> int:
    check = _CHECK_SEED
    while counter:
        check ^= counter & 0xF
        counter >>= 4
    return check


def _cell_levels(luma: "NDArray[np.uint8]", height: int, width: int) -> list[float]:
    """Mean brightness of the middle quarter of each cell."""
    side = strip_height(width)
    top, inset = height - side, side // 4
    rows = luma[top + inset : max(top + inset + 1, height - inset)]
    edges = cell_edges(width)
    return [
        float(rows[:, left + inset : max(left + inset + 1, right - inset)].mean())
        for left, right in pairwise(edges)
    ]
