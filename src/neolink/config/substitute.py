"""``${NAME}`` from the environment and secrets from files, put into a parsed document.

Reads the files that ``*_file`` keys name; nothing else. Values are not judged and never shown.
"""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from neolink.config.diagnostics import Diagnostic, Severity, is_secret
from neolink.config.positions import KeyPath

__all__ = ["find_file", "secrets_in", "substitute"]

VARIABLE = re.compile(r"\$(\$)?\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}")

FILE_KEYS = {
    "password_file": "password",
    "pass_file": "password",
    "token_file": "token",
    "credentials_file": "credentials",
}
"""Key that names a file, and the key whose value the file holds."""

SAME_AS = {"password": ("password", "pass")}

LONGEST_SECRET = 4096

UNREAD = "?"
"""Stands for a secret whose file has been complained about, so that nobody misses it again."""


def substitute(
    document: dict[str, object], environ: Mapping[str, str], folder: Path
) -> list[Diagnostic]:
    """Fill in variables and files in place; return what could not be filled in.

    ``$${NAME}`` stands for the text ``${NAME}``. A relative file name is looked for in the working
    directory and then in ``folder``, where the configuration file is.
    """
    problems: list[Diagnostic] = []
    _fill_in_variables(document, (), environ, problems)
    for path, table in _tables(document, ()):
        problems += _fill_in_files(table, path, folder)
    return [*problems, *_find_certificates(document, folder)]


def secrets_in(document: object, path: KeyPath = ()) -> Iterator[str]:
    """Every text under a secret's key, wherever it is."""
    match document:
        case dict():
            for key, value in document.items():
                yield from secrets_in(value, (*path, key))
        case list():
            # of the pair of user name and password only the password is secret
            for item in document[1:] if path[-1:] == ("credentials",) else document:
                yield from secrets_in(item, path)
        case str() if is_secret(path):
            yield document


def find_file(name: Path, folder: Path) -> Path:
    """Where a file named in the configuration is: as named, or else beside the configuration."""
    return name if name.is_absolute() or name.exists() else folder / name


def _fill_in_variables(
    node: object, path: KeyPath, environ: Mapping[str, str], problems: list[Diagnostic]
) -> None:
    if not isinstance(node, (dict, list)):
        return
    for key, value in list(node.items() if isinstance(node, dict) else enumerate(node)):
        here = (*path, key)
        if isinstance(value, str):
            node[key] = _expand(value, here, environ, problems)
        else:
            _fill_in_variables(value, here, environ, problems)


def _expand(
    text: str, path: KeyPath, environ: Mapping[str, str], problems: list[Diagnostic]
) -> str:
    def value_of(match: re.Match[str]) -> str:
        if match[1]:
            return match[0][1:]
        value = environ.get(match["name"]) or match["default"]
        if value is not None:
            return value
        reason = (
            f"the environment has no variable {match['name']}; "
            f"allowed: set it, give a default as ${{{match['name']}:-default}}, "
            f"or write $${{...}} for that text itself"
        )
        problems.append(Diagnostic(Severity.ERROR, path, reason))
        return ""

    return VARIABLE.sub(value_of, text)


def _tables(node: object, path: KeyPath) -> Iterator[tuple[KeyPath, dict[str, object]]]:
    if isinstance(node, dict):
        yield path, node
        for key, value in node.items():
            yield from _tables(value, (*path, key))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _tables(value, (*path, index))


def _fill_in_files(table: dict[str, object], path: KeyPath, folder: Path) -> Iterator[Diagnostic]:
    for file_key, key in FILE_KEYS.items():
        name = table.get(file_key)
        if not isinstance(name, str) or not name.strip():
            continue
        if any(other in table for other in SAME_AS.get(key, (key,))):
            text = f"`{key}` is given too; keep one of them"
            yield Diagnostic(Severity.ERROR, (*path, file_key), text)
            continue
        try:
            secret = _read_secret(find_file(Path(name), folder))
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            yield Diagnostic(Severity.ERROR, (*path, file_key), f"cannot be read: {reason}")
            secret = UNREAD
        table[key] = secret.split("\n") if key == "credentials" else secret


def _find_certificates(document: dict[str, object], folder: Path) -> Iterator[Diagnostic]:
    for key in ("certificate", "tls_client_ca"):
        name = document.get(key)
        if not isinstance(name, str) or not name.strip():
            continue
        file = find_file(Path(name), folder)
        document[key] = str(file)
        if not os.access(file, os.R_OK):
            text = "this file cannot be read, and the server does not start without it"
            yield Diagnostic(Severity.WARNING, (key,), text)


def _read_secret(file: Path) -> str:
    with file.open("rb") as stream:
        data = stream.read(LONGEST_SECRET + 1)
    if len(data) > LONGEST_SECRET:
        raise ValueError(f"longer than {LONGEST_SECRET} bytes")
    return data.decode("utf-8-sig").replace("\r\n", "\n").removesuffix("\n")
