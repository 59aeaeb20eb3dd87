"""Mapping between elements and dataclasses: tolerance, and that nothing is lost."""

import pkgutil
from dataclasses import dataclass, fields, replace
from importlib import import_module
from types import NoneType
from typing import Annotated, Any, ClassVar, get_args, get_origin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neolink.baichuan import xml
from neolink.baichuan.xml.codec import (
    BodyPart,
    Document,
    Element,
    Wire,
    parse_body,
    serialize_body,
)
from neolink.baichuan.xml.document import Node
from neolink.baichuan.xml.extension import Extension
from neolink.baichuan.xml.network import LinkType
from neolink.baichuan.xml.ptz import PtzControl
from neolink.baichuan.xml.streams import Preview
from neolink.errors import RemoteProtocolError


@dataclass(frozen=True, slots=True)
class Inner(Element):
    TAG: ClassVar[str] = "inner"

    value: int | None = None


@dataclass(frozen=True, slots=True)
class Sample(BodyPart):
    TAG: ClassVar[str] = "Sample"

    some_number: int | None = None
    some_text: str | None = None
    ratio: float | None = None
    enable: bool | None = None
    odd: Annotated[int | None, Wire("ODD_name")] = None
    numbers: Annotated[tuple[int, ...], Wire(comma=",")] = ()
    words: tuple[str, ...] = ()
    nested: Inner | None = None
    with_default: str = "none"


def sample(inner: str) -> Sample:
    found = parse_body(f"<body><Sample>{inner}</Sample></body>".encode()).get(Sample)
    assert found is not None
    return found


def test_fields_are_found_by_their_wire_names() -> None:
    found = sample(
        "<someNumber> -7\n</someNumber><someText> a &amp; b </someText><ratio>2.5</ratio>"
        "<enable>1</enable><ODD_name>3</ODD_name><numbers>25, 22,20</numbers><words>x</words>"
        "<words>y</words><inner><value>9</value></inner><withDefault>MD</withDefault>"
    )
    assert found == Sample(-7, " a & b ", 2.5, True, 3, (25, 22, 20), ("x", "y"), Inner(9), "MD")


def test_missing_children_leave_the_defaults() -> None:
    assert sample("") == Sample()
    assert sample("<someText/>") == Sample(some_text="")


@pytest.mark.parametrize(
    "child",
    [
        "<someNumber>1_000</someNumber>",
        "<someNumber>12a</someNumber>",
        "<someNumber></someNumber>",
        "<someNumber>٣</someNumber>",
        f"<someNumber>{'9' * 5000}</someNumber>",
        "<someNumber><deep>1</deep></someNumber>",
        "<someText><deep>1</deep></someText>",
        "<ratio>nan</ratio>",
        "<ratio>inf</ratio>",
        "<ratio>1e999</ratio>",
        "<enable>2</enable>",
        "<numbers>1,x</numbers>",
        "<numbers></numbers>",
        "<unheardOf><of>1</of><them>2</them></unheardOf>",
    ],
)
def test_what_no_field_can_express_is_kept_and_written_back(child: str) -> None:
    found = sample(child)
    assert replace(found, extra=()) == Sample()
    assert len(found.extra) == 1
    again = parse_body(serialize_body(found)).get(Sample)
    assert again == found


def test_replacing_a_malformed_field_supersedes_what_was_kept() -> None:
    found = replace(sample("<someNumber>x</someNumber><other>1</other>"), some_number=4)
    data = serialize_body(found)
    assert data.count(b"<someNumber>") == 1
    assert b"<someNumber>4</someNumber>" in data
    assert b"<other>1</other>" in data


def test_parts_are_found_by_name_and_others_stay_visible() -> None:
    body = parse_body(b"<body><Sample/><Novelty a='1'><b>2</b></Novelty></body>")
    assert body.names == ("Sample", "Novelty")
    assert body.get(Preview) is None
    assert body.unknown == (Node("Novelty", "", (("a", "1"),), (Node("b", "2"),)),)
    assert repr(body) == "Body(Sample, Novelty)"
    assert parse_body(serialize_body(*body.unknown)).unknown == body.unknown


def test_written_form_is_the_one_of_the_official_client() -> None:
    assert serialize_body(Sample(5, with_default="", enable=False), LinkType("LAN")) == (
        b'<?xml version="1.0" encoding="UTF-8" ?>\n<body>\n'
        b'<Sample version="1.1">\n<someNumber>5</someNumber>\n<enable>0</enable>\n'
        b"<withDefault></withDefault>\n</Sample>\n"
        b'<LinkType version="1.1">\n<type>LAN</type>\n</LinkType>\n</body>\n'
    )


def test_whole_decimals_are_written_like_integers() -> None:
    assert b"<speed>32</speed>" in serialize_body(PtzControl(speed=32.0))
    assert b"<speed>0.5</speed>" in serialize_body(PtzControl(speed=0.5))


# ---------------------------------------------------------------- every typed element

TOPICS = [import_module(f"{xml.__name__}.{one.name}") for one in pkgutil.iter_modules(xml.__path__)]
PARTS = [
    kind
    for topic in TOPICS
    for kind in vars(topic).values()
    if isinstance(kind, type) and issubclass(kind, BodyPart) and kind is not BodyPart
]
CHARACTERS = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")
TEXT = st.text(CHARACTERS | st.sampled_from("\t\n\r"), max_size=8)
WORDS = st.text("abcXYZ019_", min_size=1, max_size=5)
SCALARS: dict[object, st.SearchStrategy[Any]] = {
    int: st.integers(-(10**19), 10**19),
    float: st.floats(-1e15, 1e15),
    bool: st.booleans(),
    str: TEXT,
}
NODES = st.builds(
    Node, st.just("novel"), TEXT, st.just(()) | st.tuples(st.tuples(st.just("a"), TEXT))
)
EXTRA = st.lists(
    NODES | st.builds(lambda child: Node("novelList", children=(child,)), NODES), max_size=2
).map(tuple)


def values_of(annotation: Any) -> st.SearchStrategy[Any]:
    if get_origin(annotation) is Annotated:
        annotation, wire = get_args(annotation)
        if wire.comma:
            (kind, _) = get_args(annotation)
            return st.lists(WORDS if kind is str else SCALARS[kind], max_size=4).map(tuple)
    if get_origin(annotation) is tuple:
        return st.lists(values_of(get_args(annotation)[0]), max_size=2).map(tuple)
    if NoneType in get_args(annotation):
        return st.none() | values_of(get_args(annotation)[0])
    if isinstance(annotation, type) and issubclass(annotation, Element):
        return elements(annotation)
    return SCALARS[annotation]


def elements(kind: type[Element]) -> st.SearchStrategy[Element]:
    members = {one.name: values_of(one.type) for one in fields(kind) if one.name != "extra"}
    return st.builds(kind, **members, extra=EXTRA)


@pytest.mark.parametrize("kind", PARTS, ids=lambda kind: kind.TAG)
def test_every_body_is_written_and_read_alike(kind: type[BodyPart]) -> None:
    @settings(max_examples=10, deadline=None, database=None)
    @given(elements(kind))
    def check(part: Element) -> None:
        assert isinstance(part, BodyPart)
        assert parse_body(serialize_body(part)).get(kind) == part

    check()


@settings(max_examples=50, deadline=None)
@given(elements(Extension))
def test_extension_is_written_and_read_alike(extension: Element) -> None:
    assert isinstance(extension, Document)
    assert Extension.parse(extension.serialize()) == extension


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=200)
    | st.lists(
        st.sampled_from(
            ["<body>", "</body>", "<a>", "</a>", "<a/>", "&lt;", "]]>", "<![CDATA[", "x", "<!--"]
        ),
        max_size=30,
    ).map(lambda pieces: "".join(pieces).encode())
)
def test_garbage_raises_only_the_declared_error(data: bytes) -> None:
    try:
        body = parse_body(data)
    except RemoteProtocolError:
        return
    assert body.names == tuple(node.tag for node in body.unknown)


def test_names_of_bodies_are_unique() -> None:
    tags = [kind.TAG for kind in PARTS]
    assert all(tags)
    assert len(set(tags)) == len(tags)
