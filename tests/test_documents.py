"""Every relative link in a document leads to a file that exists, and to a heading that it has."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("bench/*.md")])
CODE = re.compile(r"```.*?```", re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
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
