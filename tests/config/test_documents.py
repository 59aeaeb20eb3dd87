"""The sample file and the reference for users tell all keys and nothing wrong."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from neolink.config.keys import NOT_YET
from neolink.config.load import loads
from neolink.config.model import Config
from neolink.config.schema import Key, all_keys

REPOSITORY = Path(__file__).parents[2]
SAMPLE = (REPOSITORY / "neolink.sample.toml").read_text()
REFERENCE = (REPOSITORY / "docs" / "configuration.md").read_text()
NAME = re.compile(r"`(\w+)`")
WITH_EVERY_KEY = re.sub(r"^#(?=\S)", "", SAMPLE, flags=re.MULTILINE)

TABLES = {
    "Top level": "",
    **{f"`[{name}]`": name for name, key in all_keys() if key.table},
    **{f"`[[{name}]]`": name for name in ("users", "cameras")},
}


def dotted_keys(node: object, prefix: str = "") -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from dotted_keys(item, prefix)
    elif isinstance(node, dict):
        for key, value in node.items():
            yield prefix + key
            yield from dotted_keys(value, f"{prefix}{key}.")


def reference_rows() -> Iterator[tuple[str, str, list[str]]]:
    """Rows of the reference: table, key, cells."""
    for section in REFERENCE.split("\n## ")[1:]:
        title = section.partition("\n")[0]
        for line in section.splitlines() if title in TABLES else []:
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            if cells and cells[0].startswith("`"):
                yield TABLES[title], cells[0], cells


def test_sample_loads_without_a_word() -> None:
    assert loads(SAMPLE, environ={}).diagnostics == ()


def test_sample_has_every_key_in_its_usual_spelling() -> None:
    written = set(dotted_keys(tomllib.loads(WITH_EVERY_KEY)))
    assert written == {name for name, _ in all_keys()}


def test_sample_with_every_key_loads_without_a_warning() -> None:
    without_files = re.sub(r"^\w+_file = .*$", "", WITH_EVERY_KEY, flags=re.MULTILINE)
    files = r"^(certificate|tls_client_ca) = .*$"
    without_files = re.sub(files, "", without_files, flags=re.MULTILINE)
    complete = without_files.replace('name = "recorder"\n', 'name = "recorder"\npass = "x"\n')
    complete = complete.replace('shed.example:9000"\n', 'shed.example:9000"\npassword = "x"\n')
    assert loads(complete, environ={}).warnings == ()


def test_reference_has_a_row_for_every_key_that_is_true() -> None:
    rows = {}
    for table, names, cells in reference_rows():
        spellings = tuple(NAME.findall(names))
        rows[".".join(filter(None, [table, spellings[0]]))] = (spellings, names, cells)
    known: dict[str, Key] = dict(all_keys())
    assert rows.keys() == known.keys()
    for name, (spellings, names, cells) in rows.items():
        assert spellings == known[name].spellings
        assert names.endswith("¹") == (name in NOT_YET and known[name].table is None)
        assert known[name].table or cells[2] == known[name].allowed
        assert len(cells[3]) > 5


@pytest.mark.parametrize("table", sorted({*TABLES.values()} - {"users"}))
def test_defaults_in_the_reference_are_the_defaults(table: str) -> None:
    """A file that writes all documented defaults means the same as one that writes none."""
    pairs = [
        f"{NAME.findall(names)[0]} = {cells[1].strip('`')}\n"
        for row_table, names, cells in reference_rows()
        if row_table == table and cells[1].startswith("`")
    ]
    camera = '[[cameras]]\nname = "a"\naddress = "h"\nusername = "u"\npassword = "p"\n'
    needed = {
        "mqtt": 'server = "s"\nport = 1\n',
        "cameras.mqtt.discovery": 'topic = "t"\nfeatures = []\n',
    }.get(table, "")

    def config(written: str) -> Config:
        body = needed + written
        if not table:
            return loads(body + camera, environ={}).config
        return loads(camera + ("" if table == "cameras" else f"[{table}]\n") + body).config

    assert config("".join(pairs)) == config("")
