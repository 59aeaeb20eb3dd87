"""Lines of keys, against the standard parser's idea of what keys there are."""

import tomllib
from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from neolink.config.positions import KeyPath, describe_path, line_of, locate_keys

KEYS = st.sampled_from(["a", "b-c", '"d e"', "'f.g'", '"\\u00e4"', "k1"])
SCALARS = st.sampled_from(
    [
        "1",
        "-2.5e3",
        "true",
        "1979-05-27 07:32:00",
        "07:32:00",
        '"x # no comment = [1]"',
        "'it, {x}'",
        '""',
        '"""\nmany\n"lines" \\" """',
        "'''\n[not.a.table]\nx = 1'''",
        '"""ends in quotes"""""',
    ]
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: "[ # open\n" + ",\n".join(items) + "\n]"),
        st.lists(inner, max_size=3).map(lambda items: "[" + ", ".join(items) + "]"),
        st.dictionaries(KEYS, inner.filter(lambda text: "\n" not in text), max_size=3).map(
            lambda items: "{ " + ", ".join(f"{k} = {v}" for k, v in items.items()) + " }"
        ),
    ),
    max_leaves=5,
)
PAIRS = st.dictionaries(KEYS, VALUES, max_size=3).map(
    lambda items: "".join(f"{key} = {value}  # note\n" for key, value in items.items())
)


@st.composite
def documents(draw: st.DrawFn) -> str:
    text = draw(PAIRS)
    for number in range(draw(st.integers(0, 3))):
        header = draw(st.sampled_from([f"[t{number}]", f"[t{number} . x.'y z']", "[[list]]"]))
        text += f"\n{header} # table\n{draw(PAIRS)}"
        if header == "[[list]]" and draw(st.booleans()):
            text += f"[list.inner]\n{draw(PAIRS)}"
    return text


def paths(node: object, path: KeyPath = ()) -> Iterator[KeyPath]:
    items = (
        node.items()
        if isinstance(node, dict)
        else enumerate(node)
        if isinstance(node, list)
        else []
    )
    for key, value in items:
        yield (*path, key)
        yield from paths(value, (*path, key))


@settings(max_examples=300)
@given(documents())
def test_every_key_the_parser_finds_has_a_line(text: str) -> None:
    lines = locate_keys(text)
    assert set(lines) == set(paths(tomllib.loads(text)))
    assert all(1 <= line <= text.count("\n") + 1 for line in lines.values())


def test_lines_are_those_of_the_keys() -> None:
    lines = locate_keys(
        "a = 1\r\n"
        "b.c = [\r\n"
        "  1,\r\n"
        "  2 ]\r\n"
        "[[t]]\r\n"
        'text = """\r\n'
        "x = 1\r\n"
        '"""\r\n'
        "[[t]]\r\n"
        "[t.u]\r\n"
        "v = { w = 1 }\r\n"
    )
    assert lines == {
        ("a",): 1,
        ("b",): 2,
        ("b", "c"): 2,
        ("b", "c", 0): 3,
        ("b", "c", 1): 4,
        ("t",): 5,
        ("t", 0): 5,
        ("t", 0, "text"): 6,
        ("t", 1): 9,
        ("t", 1, "u"): 10,
        ("t", 1, "u", "v"): 11,
        ("t", 1, "u", "v", "w"): 11,
    }


def test_path_that_is_not_in_the_file_has_the_line_of_its_table() -> None:
    assert line_of({("t",): 3, ("t", 0): 4}, ("t", 0, "absent", "deeper")) == 4
    assert line_of({}, ("absent",)) == 1


def test_path_is_written_for_people() -> None:
    assert describe_path(("cameras", 0, "mqtt", "topic")) == "cameras[0].mqtt.topic"
    assert describe_path(("a\nb",)) == "'a\\nb'"
    assert describe_path(()) == "the file"
