"""What counts as playing, and what of an old report is kept."""

from dataclasses import replace

import pytest
from interop.cells import Cell, Verdict, merge

GOOD = Cell(player="mpv", way="udp", pictures=30, first_picture_s=1.0, connections=1)


def test_whole_pictures_in_order_are_playing() -> None:
    assert GOOD.verdict is Verdict.PLAYS
    assert GOOD.trouble == ""
    assert replace(GOOD, complaints=("hm",)).verdict is Verdict.PLAYS


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"pictures": 19}, "only 19 pictures"),
        ({"pictures": 0, "complaints": ("401 Unauthorized",)}, "0 pictures: 401 Unauthorized"),
        ({"damaged": 1}, "1 damaged, 0 missing of 30 pictures"),
        ({"missing": 2}, "0 damaged, 2 missing of 30 pictures"),
        ({"strayed": "it took TCP"}, "it took TCP"),
    ],
)
def test_everything_else_fails_and_is_told(change: dict[str, object], words: str) -> None:
    cell = replace(GOOD, **change)  # type: ignore[arg-type]  # one value each
    assert cell.verdict is Verdict.FAILS
    assert words in cell.trouble


def test_what_a_player_does_not_know_is_no_failure() -> None:
    assert Cell(player="mpv", way="udp", footnote="knows no UDP").verdict is Verdict.CANNOT


def test_json_gives_back_a_cell() -> None:
    cell = replace(GOOD, complaints=("a", "b"), asked=("OPTIONS → 200",))
    assert Cell.from_json(cell.to_json()) == cell


def test_new_cells_take_the_place_of_old_ones_in_the_order_of_the_table() -> None:
    other = replace(GOOD, way="tcp")
    gone = replace(GOOD, way="pigeon")
    new = replace(GOOD, pictures=99)
    assert merge([GOOD, gone, other], [new], ["mpv"], ["tcp", "udp"]) == [other, new]
