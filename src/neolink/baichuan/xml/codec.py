"""Maps frozen dataclasses to XML elements and back, guided by their annotations.

A field's wire name is its name in camelCase unless `Wire` says otherwise. Its type decides the
form: ``int``, ``str``, ``float``, ``bool`` (0 or 1), a nested `Element`, or a tuple of those for
an element that repeats; ``Wire(comma=...)`` makes a tuple one comma list. No bodies here.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from math import inf, isfinite
from types import NoneType
from typing import Annotated, Any, ClassVar, Self, TypeVar, get_args, get_origin
from xml.etree import ElementTree as ET

from neolink.baichuan.xml.document import Node, node_of, parse_document, serialize_document

__all__ = [
    "Body",
    "BodyPart",
    "Document",
    "Element",
    "Wire",
    "parse_body",
    "read",
    "serialize_body",
    "write",
]

_INTEGER = re.compile(r"\s*[+-]?[0-9]{1,20}\s*")
_DECIMAL = re.compile(r"\s*[+-]?[0-9]{1,20}(\.[0-9]{0,20})?([eE][+-]?[0-9]{1,3})?\s*")
_BOOLEANS = {"0": False, "1": True, "false": False, "true": True}
_VERSION = (("version", "1.1"),)


@dataclass(frozen=True, slots=True)
class Wire:
    """How a field looks on the wire where the rule does not give it.

    ``name`` replaces the camelCase name. ``comma`` is the separator of a comma list; when reading,
    blanks around the members never matter.
    """

    name: str = ""
    comma: str = ""


@dataclass(frozen=True, slots=True)
class Element:
    """Base of all typed elements. ``TAG`` is the element's name, also where it is nested.

    A missing or malformed child leaves its field at the default (None, as a rule); that is no
    error. ``extra`` keeps the children that no field could express, so that reading, replacing
    a field and writing loses nothing. Only a second copy of a child that should not repeat is lost.
    """

    TAG: ClassVar[str] = ""
    VERSIONED: ClassVar[bool] = False  # carries the attribute even where it is nested

    extra: tuple[Node, ...] = field(default=(), kw_only=True, repr=False)


class BodyPart(Element):
    """Base of the elements that stand directly below ``<body>``."""

    __slots__ = ()
    NAMES: ClassVar[set[str]] = set()

    def __init_subclass__(cls) -> None:
        BodyPart.NAMES.add(cls.TAG)


E = TypeVar("E", bound=Element)


class Body:
    """A parsed ``<body>``: typed access to the parts one cares for."""

    __slots__ = ("_parts",)

    def __init__(self, root: ET.Element) -> None:
        self._parts = tuple(root)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parts, in wire order."""
        return tuple(part.tag for part in self._parts)

    @property
    def unknown(self) -> tuple[Node, ...]:
        """The parts that no `BodyPart` describes, of those whose modules are imported."""
        return tuple(node_of(part) for part in self._parts if part.tag not in BodyPart.NAMES)

    def get(self, cls: type[E]) -> E | None:
        """Return the first part that is a ``cls``, or None."""
        for part in self._parts:
            if part.tag == cls.TAG:
                return read(cls, part)
        return None

    def __repr__(self) -> str:
        return f"Body({', '.join(self.names)})"


def parse_body(data: bytes | memoryview) -> Body:
    """Parse a ``<body>`` document. Raises RemoteProtocolError (see `parse_document`)."""
    return Body(parse_document(data, root="body"))


def serialize_body(*parts: BodyPart | Node) -> bytes:
    """Write a ``<body>`` document with ``parts`` in this order."""
    children = tuple(
        part if isinstance(part, Node) else write(part, versioned=True) for part in parts
    )
    return serialize_document(Node("body", children=children))


def read(cls: type[E], element: ET.Element) -> E:
    """Return ``element`` as a ``cls``; its name is not checked. Raises nothing."""
    slots = _slots(cls)
    values: dict[str, Any] = {}
    extra: list[Node] = []
    for child in element:
        slot = slots.get(child.tag)
        value = None if slot is None else slot.read(child)
        if slot is None or value is None:
            extra.append(node_of(child))
        elif slot.repeats:
            values.setdefault(slot.attribute, []).append(value)
        else:
            values.setdefault(slot.attribute, value)
    for name, value in values.items():
        if type(value) is list:
            values[name] = tuple(value)
    return cls(**values, extra=tuple(extra))


def write(value: Element, tag: str = "", *, versioned: bool = False) -> Node:
    """Return ``value`` as a node: its fields in their order, then ``extra``."""
    children: list[Node] = []
    written: set[str] = set()
    for slot in _slots(type(value)).values():
        content = getattr(value, slot.attribute)
        if content is None or content == ():
            continue
        written.add(slot.tag)
        for item in content if slot.repeats else (content,):
            children.append(slot.write(item))  # noqa: PERF401 - the plain form reads better
    children.extend(node for node in value.extra if node.tag not in written)
    attributes = _VERSION if versioned or value.VERSIONED else ()
    return Node(tag or value.TAG, attributes=attributes, children=tuple(children))


@dataclass(frozen=True, slots=True)
class _Slot:
    """How one field travels. ``read`` returns None for what the field cannot express."""

    attribute: str
    tag: str
    repeats: bool
    read: Callable[[ET.Element], Any]
    write: Callable[[Any], Node]


_SLOTS: dict[type[Element], dict[str, _Slot]] = {}


def _slots(cls: type[Element]) -> dict[str, _Slot]:
    """Map wire names to the fields of ``cls``; worked out once per class."""
    slots = _SLOTS.get(cls)
    if slots is None:
        found = [_slot(one.name, one.type) for one in fields(cls) if one.name != "extra"]
        slots = _SLOTS[cls] = {slot.tag: slot for slot in found}
    return slots


def _slot(attribute: str, annotation: Any) -> _Slot:
    wire = Wire()
    if get_origin(annotation) is Annotated:
        annotation, wire = get_args(annotation)
    kind = _without_none(annotation)
    is_tuple = get_origin(kind) is tuple
    if is_tuple:
        kind = get_args(kind)[0]
    if issubclass(kind, Element):
        tag = wire.name or kind.TAG or _camel(attribute)
        return _Slot(
            attribute, tag, is_tuple, lambda child: read(kind, child), lambda v: write(v, tag)
        )
    tag = wire.name or _camel(attribute)
    parse = _SCALARS[kind]
    if wire.comma:
        parse = _comma_reader(parse)
    return _Slot(
        attribute,
        tag,
        is_tuple and not wire.comma,
        lambda child: None if len(child) else parse(child.text or ""),
        lambda v: Node(tag, wire.comma.join(map(_text, v)) if wire.comma else _text(v)),
    )


def _without_none(annotation: Any) -> Any:
    members = [member for member in get_args(annotation) if member is not NoneType]
    is_optional = NoneType in get_args(annotation)
    return members[0] if is_optional else annotation


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(map(str.capitalize, tail))


def _integer(text: str) -> int | None:
    return int(text) if _INTEGER.fullmatch(text) else None


def _decimal(text: str) -> float | None:
    value = float(text) if _DECIMAL.fullmatch(text) else inf
    return value if isfinite(value) else None


def _boolean(text: str) -> bool | None:
    return _BOOLEANS.get(text.strip())


_SCALARS: dict[type, Callable[[str], Any]] = {
    int: _integer,
    float: _decimal,
    bool: _boolean,
    str: str,
}


def _comma_reader(parse: Callable[[str], Any]) -> Callable[[str], tuple[Any, ...] | None]:
    """Return a reader for which an empty list or a malformed member is not expressible."""

    def read_list(text: str) -> tuple[Any, ...] | None:
        members = tuple(parse(member.strip()) for member in text.split(",") if member.strip())
        return None if None in members else members or None

    return read_list


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(int(value))
    return str(value).removesuffix(".0") if isinstance(value, float) else str(value)


class Document(Element):
    """Base of elements that are a document of their own."""

    __slots__ = ()

    @classmethod
    def parse(cls, data: bytes | memoryview) -> Self:
        """Parse one document. Raises RemoteProtocolError."""
        return read(cls, parse_document(data, root=cls.TAG))

    def serialize(self) -> bytes:
        """Write the document."""
        return serialize_document(write(self, versioned=True))
