"""What the command line names, and that the ways are complete."""

import pytest
from interop.ways import CANNOT, PLAYERS, WAYS, chosen

from support.players import PLAYERS as FOREIGN


def test_nothing_named_is_everything_by_way() -> None:
    cells = chosen([])
    assert len(cells) == len(PLAYERS) * len(WAYS)
    assert [way for _, way in cells] == sorted((w for _, w in cells), key=list(WAYS).index)


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        (["mpv/udp"], [("mpv", "udp")]),
        (["/websocket"], [(player, "websocket") for player in PLAYERS]),
        (["mpv"], [("mpv", way) for way in WAYS]),
        (["mpv/udp", "mpv/tcp", "mpv/udp"], [("mpv", "tcp"), ("mpv", "udp")]),
    ],
)
def test_a_cell_a_row_or_a_column_is_chosen(
    only: list[str], expected: list[tuple[str, str]]
) -> None:
    assert chosen(only) == expected


@pytest.mark.parametrize("words", ["vlc/tcp", "mpv/pigeon", "mpv/tcp/udp"])
def test_what_is_not_in_the_table_is_named_with_what_is(words: str) -> None:
    with pytest.raises(ValueError, match=r"no PLAYER/WAY: players are ffmpeg, .* ways are tcp,"):
        chosen([words])


def test_every_player_of_the_tests_is_in_the_table() -> None:
    assert set(FOREIGN) < set(PLAYERS)


def test_what_a_player_cannot_is_in_the_table_and_short_enough() -> None:
    for (player, way), footnote in CANNOT.items():
        assert player in PLAYERS
        assert way in WAYS
        assert 0 < len(footnote) < 100
