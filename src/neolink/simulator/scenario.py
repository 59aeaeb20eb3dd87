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

Times count from the camera's start. Which faults there are and what they do is in ``faults``; what
`Scenario.random` draws from is in ``chance``.
"""

import math
import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from neolink.errors import ConfigError
from neolink.simulator.chance import RANDOM_FAULTS, draw
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
        except OSError as error:
            raise ConfigError(f"{path}: {error.strerror or error}") from None
        except UnicodeDecodeError as error:
            raise ConfigError(f"{path}: {error}") from None
        return cls.parse(text, str(path))

    @classmethod
    def random(
        cls,
        seed: int | str,
        duration_s: float,
        *,
        faults: Collection[str] = RANDOM_FAULTS,
        mean_pause_s: float = 30.0,
    ) -> Self:
        """Draw faults, their options and lengths; the same arguments give the same scenario.

        One follows the other after a pause in which the camera is well, ``mean_pause_s`` long on
        average; the last ends before ``duration_s``. All ``faults`` come before one comes again.
        Raises ConfigError for a name that is none and a pause that is not above 0.
        """
        drawn = draw(seed, duration_s, faults, mean_pause_s)
        return cls(tuple(TimedFault(*one) for one in drawn))


def _parse(entry: object, where: str) -> TimedFault:
    if not isinstance(entry, dict):
        raise ConfigError(f"{where}: expected a table, not {entry!r}")
    options = dict(entry)
    name, at_s = options.pop("name", None), options.pop("at_s", None)
    if not isinstance(name, str):
        raise ConfigError(f"{where}: name is missing; there are {', '.join(sorted(FAULTS))}")
    if name not in FAULTS:
        raise ConfigError(f"{where}: unknown fault {name!r}; there are {', '.join(sorted(FAULTS))}")
    start_s = _seconds(at_s, "at_s", where)
    duration_s = options.pop("duration_s", None)
    try:
        fault = make_fault(name, **options)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None
    if duration_s is None:
        duration_s = fault.default_duration_s
    length_s = _seconds(duration_s, "duration_s", where)
    return TimedFault(start_s, name, length_s, tuple(options.items()))


def _seconds(value: object, key: str, where: str) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or math.isnan(float(value)) or float(value) < 0:  # type: ignore[arg-type]  # a number
        raise ConfigError(f"{where}: {key} must be a number of seconds from 0 on, not {value!r}")
    return float(value)  # type: ignore[arg-type]  # a number
