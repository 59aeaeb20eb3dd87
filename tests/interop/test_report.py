"""The table, its footnotes, and the block of the document."""

import json

import pytest
from interop.cells import Cell
from interop.ways import PLAYERS, WAYS

from interop import report

MACHINE = {"machine": "two cores"}
ASKED = ("OPTIONS → 200", "SETUP → 200", "SETUP → 200", "PLAY → 200")
PLAYING = Cell(
    player="ffmpeg", way="tcp", pictures=30, first_picture_s=0.51, asked=ASKED, connections=1
)
ALIKE = Cell(player="mpv", way="tcp", pictures=30, first_picture_s=2, asked=ASKED, connections=1)
FAILING = Cell(player="mpv", way="udp", pictures=30, damaged=2, complaints=("oh no",))
UNABLE = Cell(player="pyav", way="websocket", footnote="knows no RTSP over WebSocket")
CELLS = [PLAYING, ALIKE, FAILING, UNABLE]


def row(way: str) -> list[str]:
    (line,) = [one for one in report.table(CELLS) if one.startswith(f"| {WAYS[way].title} ")]
    return [text.strip() for text in line.strip("|").split("|")][1:]


def test_every_way_has_a_row_and_every_player_a_column() -> None:
    for way in WAYS:
        assert len(row(way)) == len(PLAYERS)


def test_a_cell_tells_start_and_complaints_or_that_it_does_not_play() -> None:
    columns = list(PLAYERS)
    assert row("tcp")[columns.index("ffmpeg")] == "yes, 0.51 s, 0"
    assert row("udp")[columns.index("mpv")] == "**no**"
    assert row("websocket")[columns.index("pyav")] == "cannot (1)"
    assert row("basic")[0] == "not tried"
    assert "(1) knows no RTSP over WebSocket.  " in report.table(CELLS)


def test_the_summary_counts_what_was_tried() -> None:
    text = "2 of 3 play. Of 90 pictures 2 were damaged and 0 missing; 1 complaint(s)."
    assert report.summary(CELLS) == text


def test_a_document_keeps_everything_but_what_is_between_the_markers() -> None:
    document = f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n"
    once = report.fill_in(document, CELLS, MACHINE)
    assert once.startswith(f"before\n{report.BEGIN}\n")
    assert once.endswith(f"{report.END}\nafter\n")
    assert "old" not in once
    assert "| machine | two cores |" in once
    assert "- mpv, RTP over UDP: 2 damaged, 0 missing of 30 pictures" in once
    assert "- mpv, RTP over UDP: oh no" in once
    assert report.fill_in(once, CELLS, MACHINE) == once


def test_requests_are_shown_once_for_all_who_ask_alike() -> None:
    text = report.fill_in(f"{report.BEGIN}\n{report.END}", CELLS, MACHINE)
    assert "RTP over TCP, ffmpeg, mpv, on one connection:" in text
    assert "SETUP → 200   (2 times)" in text
    assert text.count("PLAY → 200") == 1


def test_a_document_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="interop:begin"):
        report.fill_in("nothing here", [], {})


def test_json_gives_back_the_cells_and_another_format_is_refused() -> None:
    text = report.serialize(CELLS, MACHINE)
    assert report.parse(text) == CELLS
    with pytest.raises(ValueError, match="format 0"):
        report.parse(json.dumps({**json.loads(text), "format": 0}))
