"""Which mount a path means: every spelling, in any case, however a player writes the URL."""

import pytest

from neolink.media.tracks import StreamKind
from neolink.rtsp.url import Target
from neolink.rtsp_server.mounts.paths import MountTable

MAIN, SUB, EXTERN = StreamKind.MAIN, StreamKind.SUB, StreamKind.EXTERN


def table(*names: str, kinds: tuple[StreamKind, ...] = (MAIN, SUB, EXTERN)) -> MountTable[str]:
    return MountTable({(name, kind): f"{name}/{kind}" for name in names for kind in kinds})


def find(mounts: MountTable[str], url: str) -> str | None:
    return mounts.find(Target.parse(url).path)


@pytest.mark.parametrize("kind", [MAIN, SUB, EXTERN])
@pytest.mark.parametrize("form", ["{0}", "{1}", "{0}Stream", "{1}Stream", "{1}stream", "{0}stream"])
def test_every_documented_spelling_names_its_stream(kind: StreamKind, form: str) -> None:
    word = form.format(kind.value, kind.value.capitalize())
    assert find(table("porch", "yard"), f"rtsp://h:8554/porch/{word}") == f"porch/{kind}"


@pytest.mark.parametrize(
    ("kinds", "best"),
    [
        ((MAIN, SUB, EXTERN), MAIN),
        ((EXTERN, SUB), SUB),
        ((EXTERN,), EXTERN),
        ((EXTERN, MAIN), MAIN),
    ],
)
def test_the_bare_name_is_the_best_stream_served(
    kinds: tuple[StreamKind, ...], best: StreamKind
) -> None:
    assert find(table("porch", kinds=kinds), "/porch") == f"porch/{best}"


@pytest.mark.parametrize(
    "url",
    [
        "rtsp://h/porch/MAINSTREAM",
        "rtsp://h/PORCH/mainStream",
        "rtsp://h/porch/main/",
        "rtsp://h//porch//main",
        "rtsp://h/porch/main?start=live",
        "rtsp://h/porch/main/?start=live/trackID=0",
        "rtsp://u:p@h/porch/main/trackID=1",
        "/porch/main",
        "rtsp://h/p%6Frch/m%61in",
        "rtsp://h/porch/",
        "rtsp://h/h264Preview_01_main",
        "rtsp://h/h264preview_01_MAIN",
    ],
)
def test_players_write_one_path_in_many_ways(url: str) -> None:
    assert find(table("porch"), url) == "porch/main"


@pytest.mark.parametrize(
    "url", ["rtsp://h/back%20yard/main", "rtsp://h/Back%20Yard/Main", "rtsp://h/back yard"]
)
def test_a_name_may_have_spaces(url: str) -> None:
    assert find(table("back yard"), url) == "back yard/main"


def test_a_name_may_have_letters_beyond_ascii_and_slashes() -> None:
    mounts = table("Straße", "house/door")
    assert find(mounts, "/Stra%C3%9Fe/sub") == "Straße/sub"
    assert find(mounts, "/STRASSE/sub") == "Straße/sub"
    assert find(mounts, "/house/door") == "house/door/main"
    assert find(mounts, "/house/door/sub") == "house/door/sub"


def test_names_that_differ_in_case_are_told_apart() -> None:
    mounts = table("cam", "Cam")
    assert find(mounts, "/cam/sub") == "cam/sub"
    assert find(mounts, "/Cam/sub") == "Cam/sub"
    assert find(mounts, "/CAM") in {"cam/main", "Cam/main"}


@pytest.mark.parametrize(
    "url",
    [
        "/", "/other", "/porch/mainish", "/porch/main/main", "/main", "/porch/stream",
        "/h264Preview_02_main",
    ],
)  # fmt: skip
def test_other_paths_are_unknown(url: str) -> None:
    assert find(table("porch"), url) is None


@pytest.mark.parametrize("url", ["/porch/auto", "/PORCH/Auto/", "/porch/auto?audio=none", "/porch"])
def test_auto_is_main_and_leaves_the_choice(url: str) -> None:
    mounts, path = table("porch", "yard"), Target.parse(url).path
    choice = mounts.choice(path)
    assert choice is not None
    assert (choice.main, choice.sub) == ("porch/main", "porch/sub")
    assert choice.is_asked_for == ("auto" in url.casefold())
    assert mounts.find(path) == "porch/main"


@pytest.mark.parametrize(
    "url", ["/porch/main", "/porch/sub", "/porch/extern", "/h264Preview_01_main", "/other/auto"]
)
def test_a_path_that_names_a_stream_leaves_no_choice(url: str) -> None:
    assert table("porch").choice(Target.parse(url).path) is None


@pytest.mark.parametrize(
    ("kinds", "best"),
    [((MAIN,), MAIN), ((SUB,), SUB), ((EXTERN, SUB), SUB), ((MAIN, EXTERN), MAIN)],
)
def test_without_main_and_sub_auto_is_the_best_stream(
    kinds: tuple[StreamKind, ...], best: StreamKind
) -> None:
    mounts = table("porch", kinds=kinds)
    assert find(mounts, "/porch/auto") == f"porch/{best}"
    assert mounts.choice("porch/auto") is None


def test_a_table_does_not_change_with_what_it_was_made_of() -> None:
    mounts = {("porch", MAIN): "porch/main"}
    made = MountTable(mounts)
    mounts.clear()
    assert made.find("porch/auto") == "porch/main"


def test_a_stream_that_is_not_served_is_unknown() -> None:
    assert find(table("porch", kinds=(MAIN,)), "/porch/sub") is None


def test_reolink_names_need_a_single_camera() -> None:
    assert find(table("porch", "yard"), "/h264Preview_01_main") is None
