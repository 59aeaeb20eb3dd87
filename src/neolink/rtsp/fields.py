"""Header fields as a value, and the splitting that list-type and quoted values need.

The meaning of single headers lives in ``headers.py``; bytes on the wire in ``grammar.py``.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

__all__ = ["LIST_HEADERS", "Headers", "split_quoted", "unquote_string"]

LIST_HEADERS: Final = frozenset(
    {
        "accept",
        "accept-encoding",
        "accept-language",
        "allow",
        "proxy-require",
        "public",
        "require",
        "rtp-info",
        "supported",
        "transport",
        "unsupported",
        "via",
    }
)
"""Headers, in lower case, whose repetition means one longer list (RFC 2326 section 12)."""

_SECRET_HEADERS: Final = frozenset({"authorization", "proxy-authorization"})


class Headers:
    """Header fields in the order they came; names compare without regard to case. Immutable.

    Values are text in which each character is one byte (ISO 8859-1), so that nothing is lost
    of what a peer sent, whatever its encoding.
    """

    __slots__ = ("_items",)

    def __init__(self, items: Iterable[tuple[str, str]] | Mapping[str, str] = ()) -> None:
        pairs = items.items() if isinstance(items, Mapping) else items
        self._items: tuple[tuple[str, str], ...] = tuple(pairs)

    def get(self, name: str) -> str | None:
        """Value of a header, ``None`` when absent.

        Repeated list-type headers are joined with a comma; of other repeated ones it is the first.
        """
        values = self.get_all(name)
        if not values:
            return None
        return ", ".join(values) if name.lower() in LIST_HEADERS else values[0]

    def get_all(self, name: str) -> list[str]:
        """Every value of a header, in order, one per field."""
        wanted = name.lower()
        return [value for key, value in self._items if key.lower() == wanted]

    def added(self, *pairs: tuple[str, str]) -> "Headers":
        """Return these headers followed by ``pairs``."""
        return Headers((*self._items, *pairs))

    def __contains__(self, name: str) -> bool:
        wanted = name.lower()
        return any(key.lower() == wanted for key, _ in self._items)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Headers):
            return NotImplemented
        return self._comparable() == other._comparable()

    def __hash__(self) -> int:
        return hash(self._comparable())

    def __repr__(self) -> str:
        shown = [
            (name, "***" if name.lower() in _SECRET_HEADERS else value)
            for name, value in self._items
        ]
        return f"Headers({shown!r})"

    def _comparable(self) -> tuple[tuple[str, str], ...]:
        return tuple((name.lower(), value) for name, value in self._items)


def split_quoted(text: str, separator: str) -> list[str]:
    r"""Split at ``separator`` outside of double quotes, and strip the parts.

    Inside quotes a backslash protects the next character. Empty parts are left out; an
    unfinished quotation ends with the text.
    """
    if '"' not in text:
        return [part for piece in text.split(separator) if (part := piece.strip())]
    parts: list[str] = []
    start = 0
    is_quoted = is_escaped = False
    for index, character in enumerate(text):
        if is_escaped:
            is_escaped = False
        elif is_quoted and character == "\\":
            is_escaped = True
        elif character == '"':
            is_quoted = not is_quoted
        elif character == separator and not is_quoted:
            parts.append(text[start:index].strip())
            start = index + 1
    parts.append(text[start:].strip())
    return [part for part in parts if part]


def unquote_string(text: str) -> str:
    r"""Return the meaning of a quoted-string (RFC 2616 section 2.2); other text as it is."""
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        return text
    inner = text[1:-1]
    if "\\" not in inner:
        return inner
    characters = iter(inner)
    return "".join(
        next(characters, "") if character == "\\" else character for character in characters
    )
