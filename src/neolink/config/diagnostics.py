"""What is said about a configuration file: problems with their place, and never a secret.

Also the translation of pydantic's errors. No file is read and nothing is decided here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

from pydantic_core import ErrorDetails

from neolink.config.positions import KeyPath, describe_path, line_of
from neolink.config.schema import key_at
from neolink.errors import ConfigError
from neolink.log import redact

__all__ = ["ConfigFileError", "Diagnostic", "Severity", "from_pydantic", "is_secret", "quoted"]

SECRET_KEYS = frozenset({"password", "pass", "credentials", "token", "uid"})
LONGEST_VALUE = 60
"""Characters of a text that is shown."""

LONGEST_INT = 64
"""Bits of a number that is shown."""


class Severity(StrEnum):
    """How much a diagnostic matters."""

    ERROR = "error"
    """The file cannot be used."""

    WARNING = "warning"
    """Probably a mistake, or a risk; ``check-config --strict`` fails on it."""

    NOTICE = "notice"
    """Worth knowing: something is old, moved, or has no effect yet."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One thing to say about one key. ``text`` has no secret in it."""

    severity: Severity
    path: KeyPath
    text: str
    line: int = 0

    def at(self, lines: Mapping[KeyPath, int]) -> "Diagnostic":
        """Fill in the line."""
        return Diagnostic(self.severity, self.path, self.text, line_of(lines, self.path))

    def describe(self, file_name: str) -> str:
        """Write ``FILE:LINE: key.path: text``."""
        return f"{file_name}:{self.line}: {describe_path(self.path)}: {self.text}"


class ConfigFileError(ConfigError):
    """A configuration file that cannot be used.

    The text has one line per problem. ``context`` says in one sentence which step failed.
    """

    def __init__(self, context: str, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.context = context
        self.lines = tuple(lines)


def is_secret(path: KeyPath) -> bool:
    """Whether the value at ``path`` must not be shown."""
    return not SECRET_KEYS.isdisjoint(path)


def from_pydantic(error: ErrorDetails, document: object) -> Diagnostic:
    """Say what pydantic found. ``document`` is the file as written: only its values are shown."""
    path: KeyPath = error["loc"]
    key = key_at(path)
    allowed = key.allowed if key else ""
    if error["type"] == "missing":
        reason = f"`{path[-1]}` is missing" if isinstance(path[-1], str) else "too short"
    elif error["type"] == "neolink" and isinstance(error["input"], Mapping):
        return Diagnostic(Severity.ERROR, path, error["msg"])  # a rule of a whole table
    elif error["type"] == "neolink":
        reason = f"{_shown(path, document)}: {error['msg']}"
    else:
        reason = f"{_shown(path, document)} is of the wrong kind"
    if error["type"] == "tuple_type":
        reason += _as_list(path, document)
    elif error["type"] != "missing":
        reason += _suggestion(path, document, allowed)
    return Diagnostic(Severity.ERROR, path, f"{reason}; allowed: {allowed}" if allowed else reason)


def quoted(text: str) -> str:
    """Put a value that is no secret in quotes, safe for a terminal."""
    return redact(f'"{text}"' if text.isprintable() else ascii(text))


def _shown(path: KeyPath, document: object) -> str:
    value = _value_at(path, document)
    # an @ may join a login to an address
    if is_secret(path) or (isinstance(value, str) and ("@" in value or len(value) > LONGEST_VALUE)):
        return "the value (not shown)"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) or (isinstance(value, int) and value.bit_length() <= LONGEST_INT):
        return str(value)
    if isinstance(value, str):
        return quoted(value)
    return "the value"


def _as_list(path: KeyPath, document: object) -> str:
    """Suggest the brackets that are missing around a value that can be shown."""
    value, shown = _value_at(path, document), _shown(path, document)
    return f", did you mean [{shown}]?" if isinstance(value, str) and shown[0] in "\"'" else ""


def _suggestion(path: KeyPath, document: object, allowed: str) -> str:
    value = _value_at(path, document)
    if is_secret(path) or not isinstance(value, str):
        return ""
    words = re.findall(r'"([^"]+)"', allowed)
    close = get_close_matches(value.lower(), [word for word in words if word.isascii()], n=1)
    return f', did you mean "{close[0]}"?' if close else ""


def _value_at(path: KeyPath, document: object) -> object:
    for part in path:
        match document, part:
            case dict(), str() if part in document:
                document = document[part]
            case list(), int() if part < len(document):
                document = document[part]
            case _:
                return None
    return document
