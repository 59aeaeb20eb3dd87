"""What goes wrong when: a list of timed faults, and the TOML file that holds it.

::

    [[fault]]
    at_s = 10
    name = "silence"
    duration_s = 8

    [[fault]]
    at_s = 30
    name = "garbage"
    where = "inside"        # an option of this fault
    stream = "main"

Times count from the camera's start. Which faults there are and what they do is in ``faults``.
"""

import math
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from neolink.errors import ConfigError
from neolink.simulator.faults import FAULTS, Fault, make_fault

__all__ = ["Scenario", "TimedFault"]


@dataclass(frozen=True, slots=True)
class TimedFault:
    """A fault by name, from ``at_s`` on for ``duration_s`` (infinite: to the end)."""

    at_s: float
    name: str
    duration_s: float
    options: tuple[tuple[str, object], ...] = ()

    def make(self) -> Fault:
        """Return a fresh fault, for one camera."""
        return make_fault(self.name, **dict(self.options))


@dataclass(frozen=True, slots=True)
class Scenario:
    """Timed faults, in any order; they may overlap."""

    faults: tuple[TimedFault, ...] = ()

    @classmethod
    def parse(cls, text: str, name: str = "scenario") -> Self:
        """Read the TOML text. Raises ConfigError that says where ``name`` is wrong."""
        try:
            table = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"{name}: {error}") from None
        if unknown := sorted(set(table) - {"fault"}):
            raise ConfigError(f"{name}: unknown key {unknown[0]!r}; there is [[fault]]")
        entries = table.get("fault", [])
        if not isinstance(entries, list):
            raise ConfigError(f"{name}: a fault begins with [[fault]], not with [fault]")
        return cls(tuple(_parse(entry, f"{name}: fault {n}") for n, entry in enumerate(entries, 1)))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a file. Raises ConfigError, also for a file that cannot be read."""
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: {error}") from None
        return cls.parse(text, str(path))


def _parse(entry: object, where: str) -> TimedFault:
    if not isinstance(entry, dict):
        raise ConfigError(f"{where}: expected a table, not {entry!r}")
    options = dict(entry)
    name, at_s = options.pop("name", None), options.pop("at_s", None)
    if not isinstance(name, str):
        raise ConfigError(f"{where}: name is missing; there are {', '.join(sorted(FAULTS))}")
    if name not in FAULTS:
        raise ConfigError(f"{where}: unknown fault {name!r}; there are {', '.join(sorted(FAULTS))}")
    duration_s = options.pop("duration_s", FAULTS[name].DEFAULT_DURATION_S)
    timed = TimedFault(
        _seconds(at_s, "at_s", where),
        name,
        _seconds(duration_s, "duration_s", where),
        tuple(options.items()),
    )
    try:
        timed.make()
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None
    return timed


def _seconds(value: object, key: str, where: str) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or math.isnan(float(value)) or float(value) < 0:  # type: ignore[arg-type]  # a number
        raise ConfigError(f"{where}: {key} must be a number of seconds from 0 on, not {value!r}")
    return float(value)  # type: ignore[arg-type]  # a number
