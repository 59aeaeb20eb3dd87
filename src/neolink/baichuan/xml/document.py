"""XML documents of cameras: guarded parsing, a plain value for an element, writing.

Everything a peer sends as XML passes through `parse_document`. No knowledge of particular
bodies here, and no mapping to classes (that is `codec`).
"""

import re
from dataclasses import dataclass, field
from typing import NoReturn
from xml.etree import ElementTree as ET

from neolink.errors import LocalProtocolError, RemoteProtocolError

__all__ = ["MAX_DEPTH", "MAX_LENGTH", "Node", "node_of", "parse_document", "serialize_document"]

MAX_LENGTH = 64 * 1024
"""Longest document that is parsed, in bytes."""

MAX_DEPTH = 32
"""Deepest nesting that is accepted; the root has depth 1."""

_DECLARATION = '<?xml version="1.0" encoding="UTF-8" ?>\n'
_PADDING = b"\0 \t\r\n"
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_ATTRIBUTE_ESCAPES = _ESCAPES | str.maketrans({'"': "&quot;", "\n": "&#10;", "\t": "&#9;"})


@dataclass(frozen=True, slots=True)
class Node:
    """One element as it came. An element has either text or children, as in all camera bodies.

    Text, attributes and children stay out of the repr: nobody knows what an unknown element holds.
    """

    tag: str
    text: str = field(default="", repr=False)
    attributes: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    children: tuple["Node", ...] = field(default=(), repr=False)


def parse_document(data: bytes | memoryview, *, root: str) -> ET.Element:
    """Parse one document whose root element is ``root``; NULs and white space around it are fine.

    Text that is not UTF-8 is read with replacement characters (cameras cut names inside a
    character). Name space prefixes are dropped. Raises RemoteProtocolError for anything that is
    too long, too deep, not well-formed, has a document type or another root.
    """
    if len(data) > MAX_LENGTH:
        raise RemoteProtocolError(f"XML <{root}>: {len(data)} bytes, at most {MAX_LENGTH} allowed")
    text = bytes(data).strip(_PADDING).decode("utf-8", "replace")
    # the builder below refuses every document type, so there are no entities to expand
    parser = ET.XMLParser(target=_Builder())  # noqa: S314
    try:
        parser.feed(text)
        element = parser.close()
    except (ET.ParseError, ValueError) as error:
        raise RemoteProtocolError(f"XML <{root}>: not well-formed: {error}") from None
    assert isinstance(element, ET.Element)
    _check_levels(element, root)
    if element.tag != root:
        raise RemoteProtocolError(f"XML: expected <{root}>, got <{element.tag[:40]}>")
    return element


def node_of(element: ET.Element) -> Node:
    """Return ``element`` with all below it as an immutable value."""
    return Node(
        element.tag,
        "" if len(element) else element.text or "",
        tuple((name, value) for name, value in element.items() if not name.startswith("{")),
        tuple(map(node_of, element)),
    )


def serialize_document(root: Node, *, declaration: bool = True) -> bytes:
    """Write ``root`` as UTF-8 with a new-line after every tag, the form of the official client.

    Raises LocalProtocolError for a character that XML cannot carry.
    """
    pieces = [_DECLARATION] if declaration else []
    _write(root, pieces)
    return "".join(pieces).encode()


class _Builder(ET.TreeBuilder):
    """Builds the tree and refuses document types before any entity is declared."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> NoReturn:  # noqa: ARG002
        raise RemoteProtocolError("XML: a document type is refused")


def _check_levels(root_element: ET.Element, root: str) -> None:
    """Walk level by level, so that the check itself needs no recursion."""
    level = [root_element]
    for _ in range(MAX_DEPTH):
        for element in level:
            if element.tag[0] == "{":
                element.tag = element.tag.rpartition("}")[2]
        level = [child for element in level for child in element]
        if not level:
            return
    raise RemoteProtocolError(f"XML <{root}>: nested deeper than {MAX_DEPTH}")


def _write(node: Node, pieces: list[str]) -> None:
    attributes = "".join(
        f' {name}="{_checked(node.tag, value).translate(_ATTRIBUTE_ESCAPES)}"'
        for name, value in node.attributes
    )
    if not node.children:
        text = _checked(node.tag, node.text).translate(_ESCAPES)
        pieces.append(f"<{node.tag}{attributes}>{text}</{node.tag}>\n")
        return
    pieces.append(f"<{node.tag}{attributes}>\n")
    for child in node.children:
        _write(child, pieces)
    pieces.append(f"</{node.tag}>\n")


def _checked(tag: str, text: str) -> str:
    if _NOT_XML.search(text):
        raise LocalProtocolError(f"XML <{tag}>: the text has a character that XML cannot carry")
    return text
