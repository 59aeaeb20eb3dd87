"""Lines of keys in a TOML text. The standard parser gives values without places; this gives places.

Works on text that ``tomllib`` has accepted, so it does not check anything. No values here.
"""

import re
import tomllib
from bisect import bisect_right
from collections.abc import Iterator, Mapping

__all__ = ["KeyPath", "describe_path", "line_of", "locate_keys"]

KeyPath = tuple[str | int, ...]
"""Keys from the top of the document; an int counts the tables of an array from 0."""

SPACE = re.compile(r"[ \t]*")
FILLER = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
FILLER_AND_COMMA = re.compile(r"(?:[ \t\r\n,]|#[^\n]*)*")
KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:\\.|[^"\\])*"|'[^']*'""")
STRING = re.compile(
    r'''"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?'{3,5}|"(?:\\.|[^"\\])*"|'[^']*\'''', re.DOTALL
)
DATE_AND_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:[^\s,\]}#]*")
SCALAR = re.compile(r"[^\s,\]}#]+")
BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def locate_keys(text: str) -> dict[KeyPath, int]:
    """Map the path of every table, key and array element in ``text`` to its line, from 1."""
    return _Scanner(text.replace("\r\n", "\n")).scan()


def line_of(lines: Mapping[KeyPath, int], path: KeyPath) -> int:
    """Line of ``path``, or of the innermost table around it that is in the file."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def describe_path(path: KeyPath) -> str:
    """Write a path for people: ``cameras[0].mqtt.discovery``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += "." + (part if BARE_KEY.fullmatch(part) else ascii(part))
    return text.removeprefix(".") or "the file"


class _Scanner:
    """One pass over a valid document."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line_starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self._lines: dict[KeyPath, int] = {}
        self._last_index: dict[KeyPath, int] = {}

    def scan(self) -> dict[KeyPath, int]:
        table: KeyPath = ()
        self._skip(FILLER)
        while self._at < len(self._text):
            if self._text.startswith("[", self._at):
                table = self._header()
            else:
                self._pair(table)
            self._skip(FILLER)
        return self._lines

    def _header(self) -> KeyPath:
        is_array = self._text.startswith("[[", self._at)
        start = self._at
        self._at += 2 if is_array else 1
        *parents, last = self._key()
        self._at += 2 if is_array else 1
        path: KeyPath = ()
        for name in parents:
            path = self._enter((*path, name), start)
        path = (*path, last)
        if is_array:
            self._note(path, start)
            self._last_index[path] = self._last_index.get(path, -1) + 1
        return self._enter(path, start)

    def _enter(self, path: KeyPath, start: int) -> KeyPath:
        """Note a table on the way; of an array of tables the last one is meant."""
        self._note(path, start)
        if path in self._last_index:
            path = (*path, self._last_index[path])
            self._note(path, start)
        return path

    def _pair(self, table: KeyPath) -> None:
        start = self._at
        path = table
        for name in self._key():
            path = (*path, name)
            self._note(path, start)
        self._skip(SPACE)
        self._at += 1  # the equals sign
        self._skip(SPACE)
        self._value(path)

    def _value(self, path: KeyPath) -> None:
        opening = self._text[self._at : self._at + 1]
        if opening == "[":
            for index in self._items("]"):
                self._note((*path, index), self._at)
                self._value((*path, index))
        elif opening == "{":
            for _ in self._items("}"):
                self._pair(path)
        elif opening in {'"', "'"}:
            self._skip(STRING)
        elif not self._skip(DATE_AND_TIME):
            self._skip(SCALAR)

    def _items(self, closing: str) -> Iterator[int]:
        """Stop at every item of an array or inline table; the caller moves over it."""
        self._at += 1
        self._skip(FILLER_AND_COMMA)
        index = 0
        while self._at < len(self._text) and not self._text.startswith(closing, self._at):
            yield index
            index += 1
            self._skip(FILLER_AND_COMMA)
        self._at += 1

    def _key(self) -> list[str]:
        names: list[str] = []
        while True:
            self._skip(SPACE)
            names.append(_unquote(self._skip(KEY)))
            self._skip(SPACE)
            if not self._text.startswith(".", self._at):
                return names
            self._at += 1

    def _skip(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        if match is None:
            return ""
        self._at = match.end()
        return match[0]

    def _note(self, path: KeyPath, offset: int) -> None:
        self._lines.setdefault(path, bisect_right(self._line_starts, offset))


def _unquote(raw: str) -> str:
    if raw.startswith("'"):
        return raw[1:-1]
    if raw.startswith('"'):
        return str(tomllib.loads(f"text = {raw}")["text"])
    return raw
