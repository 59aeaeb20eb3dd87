"""When a run of ``bench.wall`` counts as good. The measurement itself needs a quiet machine."""

from dataclasses import replace
from typing import Any

import pytest
from bench.tiles import Tile
from bench.wall import Run, is_good

SECONDS = 30.0

TILE = Tile(
    name="cam1",
    decoded=450,
    dropped=0,
    speed=1.0,
    lag_s=0.7,
    most_lag_s=0.8,
    least_lag_s=0.4,
    stalls=0,
    seeks=0,
    lags_at_drops_s=(),
    is_same=True,
)
RUN = Run(
    tiles=(TILE, TILE),
    bridge=12.0,
    unwatched=9.0,
    alone=0.3,
    cameras=10.0,
    chromium={},
    others=0.0,
    load=0.1,
)


def test_a_wall_that_plays_all_pictures_is_good() -> None:
    assert is_good(RUN, SECONDS)


@pytest.mark.parametrize(
    "change",
    [{"dropped": 1}, {"stalls": 1}, {"decoded": 400}, {"decoded": 0}, {"is_same": False}],
)
def test_one_tile_with_a_fault_is_enough_to_miss_the_goal(change: dict[str, Any]) -> None:
    assert not is_good(replace(RUN, tiles=(TILE, replace(TILE, **change))), SECONDS)


def test_a_bridge_that_takes_too_much_misses_the_goal() -> None:
    assert not is_good(replace(RUN, bridge=31.0), SECONDS)
