from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from neolink.simulator.lettering import GLYPH_HEIGHT, GLYPH_WIDTH, glyph
from neolink.simulator.scenes import DUSK, NIGHT, Palette, Scene, ScenePlan, read_counter

PLAN = ScenePlan(320, 180, 10, 100, "PORCH 1")


def luma_of(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    luma: NDArray[np.uint8] = (picture @ np.array([0.2126, 0.7152, 0.0722])).astype(np.uint8)
    return luma


@pytest.mark.parametrize("palette", [DUSK, NIGHT])
@pytest.mark.parametrize("size", [(320, 180), (640, 480), (448, 256)])
def test_a_scene_shows_its_counter(palette: Palette, size: tuple[int, int]) -> None:
    plan = replace(PLAN, width=size[0], height=size[1], palette=palette)
    scene = Scene(plan)
    for number in (0, 1, 57, 99):
        picture = scene.draw(number)
        assert picture.shape == (size[1], size[0], 3)
        assert read_counter(luma_of(picture)) == number


def test_the_same_frame_is_the_same_picture_in_any_order() -> None:
    first, second = Scene(PLAN), Scene(PLAN)
    second.draw(8)
    assert np.array_equal(first.draw(7), second.draw(7))


def test_something_moves_between_frames() -> None:
    scene = Scene(PLAN)
    changed = (scene.draw(41) != scene.draw(42)).any(axis=2)
    road = changed[int(180 * 0.78) : 180 - 12]
    assert road.mean() > 0.005


def test_the_loop_joins_without_a_jump() -> None:
    scene = Scene(replace(PLAN, frames=600))
    middle = np.s_[20:165, :300]  # without lettering, dot and strip
    join = np.abs(scene.draw(599).astype(int) - scene.draw(600))[middle].mean()
    step = np.abs(scene.draw(320).astype(int) - scene.draw(321))[middle].mean()
    assert join < 2 * step + 0.5


def test_the_dot_flashes_at_full_seconds_only() -> None:
    scene = Scene(PLAN)
    row, column = round(180 * 0.055), round(320 - 180 * 0.055)
    bright = [n for n in range(30) if scene.draw(n)[row, column].min() > 230]
    assert bright == [0, 10, 20]


def test_grain_is_noise_of_the_asked_strength_outside_the_strip() -> None:
    clean, grainy = Scene(PLAN).draw(3), Scene(replace(PLAN, grain=6.0)).draw(3)
    difference = grainy.astype(int) - clean
    assert 4 < difference[60:100].std() < 8
    assert not difference[-10:].any()


def test_grain_differs_from_frame_to_frame() -> None:
    scene = Scene(replace(PLAN, grain=6.0))
    sky = np.s_[70:74, 100:200]
    assert np.abs(scene.draw(3)[sky].astype(int) - scene.draw(4)[sky]).mean() > 2


@pytest.mark.parametrize("character", "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:-/_")
def test_every_letter_has_its_own_shape(character: str) -> None:
    rows = glyph(character)
    assert len(rows) == GLYPH_HEIGHT
    assert any(rows)
    assert max(rows) < 1 << GLYPH_WIDTH
    others = set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") - {character}
    assert rows not in {glyph(other) for other in others}


def test_small_letters_show_as_capitals_and_unknown_ones_blank() -> None:
    assert glyph("a") == glyph("A")
    assert not any(glyph("ß"))
    assert not any(glyph(" "))
