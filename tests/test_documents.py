"""What documents point at is there: files, headings, and the places in the code of quirks."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("bench/*.md")])
CODE = re.compile(r"```.*?```", re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
PLACE = re.compile(r"`([^`]+)`")
MARKUP = re.compile(r"[^\w\- ]")


def anchors(document: Path) -> set[str]:
    """Return the anchors of the headings, as they are made where documents are shown."""
    headings = HEADING.findall(CODE.sub("", document.read_text()))
    return {MARKUP.sub("", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(document: Path) -> Iterator[str]:
    for link in LINK.findall(CODE.sub("", document.read_text())):
        path, _, anchor = link.partition("#")
        target = document.parent / path if path else document
        is_elsewhere = "://" in link or link.startswith("mailto:")
        if is_elsewhere:
            continue
        if not target.exists() or (anchor and anchor not in anchors(target)):
            yield link


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_relative_links_lead_somewhere(document: Path) -> None:
    assert list(broken_links(document)) == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    document = tmp_path / "a.md"
    document.write_text("# A `b`\n[x](#a-b) [x](#c) [x](b.md) [x](https://h/)\n```\n[x](d)\n```\n")
    assert list(broken_links(document)) == ["#c", "b.md"]


def missing_places(row: str, source: Path) -> Iterator[str]:
    """Yield what the last cell of a row names and the code has not: files, and names in them."""
    file = source
    for place in PLACE.findall(row.split("|")[-2]):
        if not place.endswith((".py", ".js", "/")):
            if file.is_file() and not re.search(rf"\b{place}\b", file.read_text()):
                yield f"{place} in {file.relative_to(source)}"
            continue
        beside = file.parent / place
        file = beside if beside.exists() else source / place
        if not file.exists():
            yield place


def test_the_places_of_quirks_are_there() -> None:
    rows = [row for row in (ROOT / "docs/quirks.md").read_text().splitlines() if "`" in row]
    tables = [row for row in rows if row.startswith("|")]
    assert len(tables) > 50
    source = ROOT / "src" / "neolink"
    assert [gone for row in tables for gone in missing_places(row, source)] == []


def test_a_place_that_has_gone_is_found(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.py").write_text("def found(): ...")
    row = "| `x` | | `a/b.py` `found`, `lost`, `a/c.py`, `b.py` |"
    assert list(missing_places(row, tmp_path)) == ["lost in a/b.py", "a/c.py"]
