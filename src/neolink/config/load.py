"""From the file to a :class:`LoadedConfig`, or to an error that names file, line, key and remedy.

The steps are modules of their own: positions, migration, substitution, keys, model, checks. No
defaults here and no meaning.
"""

import copy
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from neolink.config.checks import check
from neolink.config.diagnostics import ConfigFileError, Diagnostic, Severity, from_pydantic
from neolink.config.keys import check_keys
from neolink.config.migrate import migrate
from neolink.config.model import Config
from neolink.config.positions import KeyPath, locate_keys
from neolink.config.substitute import secrets_in, substitute
from neolink.log import register_secret

__all__ = ["LoadedConfig", "load", "loads"]

LONGEST_FILE = 4 * 1024 * 1024

PLACE = re.compile(r" ?\(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$")


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """A configuration that can be used, and what is to be said about it."""

    config: Config
    diagnostics: tuple[Diagnostic, ...]
    """Warnings and notices in the order of their lines."""

    name: str
    """The file's name, as messages show it."""

    folder: Path
    """Where the file is: relative names in it are also looked for there."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings as ``FILE:LINE: key: text``."""
        return self._described(Severity.WARNING)

    @property
    def notices(self) -> tuple[str, ...]:
        """Notices as ``FILE:LINE: key: text``."""
        return self._described(Severity.NOTICE)

    def _described(self, severity: Severity) -> tuple[str, ...]:
        chosen = (item for item in self.diagnostics if item.severity is severity)
        return tuple(item.describe(self.name) for item in chosen)


def load(path: Path, environ: Mapping[str, str] | None = None) -> LoadedConfig:
    """Read a configuration file.

    Registers its secrets with :func:`neolink.log.register_secret`. Raises
    :class:`ConfigFileError` (a :class:`~neolink.errors.ConfigError`) with one line per problem.
    """
    context = f"Failed to read the {path} config file"
    try:
        with path.open("rb") as stream:
            data = stream.read(LONGEST_FILE + 1)
        if len(data) > LONGEST_FILE:
            raise ConfigFileError(context, [f"{path}: longer than {LONGEST_FILE} bytes"])
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise ConfigFileError(context, [f"{path}: {error.strerror}"]) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigFileError(context, [f"{path}:{line}: not UTF-8 text"]) from None
    return loads(text, str(path), folder=path.parent, environ=environ)


def loads(
    text: str,
    name: str = "neolink.toml",
    *,
    folder: Path = Path(),
    environ: Mapping[str, str] | None = None,
) -> LoadedConfig:
    """Read the text of a configuration file called ``name``; otherwise as :func:`load`."""
    document = _parse(text, name)
    lines = locate_keys(text)
    found = migrate(document, lines)
    as_written = copy.deepcopy(document)  # values of variables and files are never shown
    found += substitute(document, os.environ if environ is None else environ, folder)
    for secret in secrets_in(document):
        register_secret(secret)
    found += check_keys(document)
    config = _validate(document, as_written, found)
    if config is not None:
        found += check(config)
    placed = sorted((item.at(lines) for item in found), key=lambda item: item.line)
    if config is None or any(item.severity is Severity.ERROR for item in placed):
        # warnings too: a misspelt key often explains the one that is missing
        problems = [item.describe(name) for item in placed if item.severity is not Severity.NOTICE]
        raise ConfigFileError(f"Failed to validate the {name} config file", problems)
    return LoadedConfig(config, tuple(placed), name, folder)


def _parse(text: str, name: str) -> dict[str, object]:
    context = f"Failed to parse the {name} config file"
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        place = PLACE.search(message)
        line = place["line"] if place and place["line"] else str(text.rstrip().count("\n") + 1)
        where = f"{name}:{line}:{place['column'] if place and place['column'] else 1}"
        reason = PLACE.sub("", message)
        raise ConfigFileError(context, [f"{where}: not TOML: {reason}"]) from None
    except ValueError:
        raise ConfigFileError(context, [f"{name}: a number has too many digits"]) from None
    except RecursionError:
        raise ConfigFileError(context, [f"{name}: nested too deeply"]) from None


def _validate(
    document: dict[str, object], as_written: dict[str, object], found: list[Diagnostic]
) -> Config | None:
    """Build the model; its problems are added to ``found``, unless their key has one already."""
    try:
        return Config.model_validate(document)
    except ValidationError as error:
        known: set[KeyPath] = {item.path for item in found if item.severity is Severity.ERROR}
        found += [
            from_pydantic(details, as_written)
            for details in error.errors(include_url=False)
            if details["loc"] not in known
        ]
    return None
