import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from neolink.simulator.counter import (
    CELLS,
    COUNTER_LIMIT,
    cell_edges,
    counter_cells,
    read_counter,
    strip_height,
)

COUNTERS = st.integers(0, COUNTER_LIMIT - 1)


def picture_of(counter: int, width: int = 640, height: int = 360) -> NDArray[np.uint8]:
    luma = np.full((height, width), 90, np.uint8)
    edges = cell_edges(width)
    for index, is_white in enumerate(counter_cells(counter)):
        luma[-strip_height(width) :, edges[index] : edges[index + 1]] = 235 if is_white else 16
    return luma


@given(COUNTERS, st.sampled_from([(640, 360), (898, 512), (2560, 1440), (352, 288)]))
def test_every_counter_is_read_back_at_every_size(counter: int, size: tuple[int, int]) -> None:
    assert read_counter(picture_of(counter, *size)) == counter


@given(COUNTERS, st.integers(0, 100))
def test_noise_and_loss_of_contrast_do_no_harm(counter: int, seed: int) -> None:
    noise = np.random.default_rng(seed).normal(0, 25, (360, 640))
    faded = picture_of(counter) * 0.6 + 30 + noise
    assert read_counter(np.clip(faded, 0, 255).astype(np.uint8)) == counter


@given(COUNTERS, st.integers(0, CELLS - 1))
def test_one_wrong_cell_is_noticed(counter: int, cell: int) -> None:
    luma = picture_of(counter)
    edges = cell_edges(640)
    strip = luma[-strip_height(640) :, edges[cell] : edges[cell + 1]]
    strip[:] = 251 - strip
    assert read_counter(luma) is None


def test_a_grey_cell_is_not_guessed() -> None:
    luma = picture_of(77)
    edges = cell_edges(640)
    luma[-strip_height(640) :, edges[9] : edges[10]] = 125
    assert read_counter(luma) is None


@pytest.mark.parametrize("level", [0, 16, 128, 255])
def test_a_plain_picture_has_no_counter(level: int) -> None:
    assert read_counter(np.full((360, 640), level, np.uint8)) is None


def test_a_picture_too_small_for_a_strip_has_no_counter() -> None:
    assert read_counter(np.zeros((1, 64), np.uint8)) is None
    assert read_counter(np.zeros((40, 20), np.uint8)) is None


@pytest.mark.parametrize("counter", [-1, COUNTER_LIMIT])
def test_counters_beyond_24_bits_are_refused(counter: int) -> None:
    with pytest.raises(ValueError, match="24 bits"):
        counter_cells(counter)


def test_cells_are_at_least_sixteen_pixels_at_640() -> None:
    assert strip_height(640) >= 16
    assert min(np.diff(cell_edges(640))) >= 16
