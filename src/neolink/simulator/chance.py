"""Drawing faults at random: which, when, for how long, with which options. Pure, from a seed."""

from collections.abc import Callable, Collection, Iterator, Mapping
from math import inf, isfinite
from random import Random

from neolink.errors import ConfigError
from neolink.simulator.faults import CUT_PLACES, FAULTS, make_fault

__all__ = ["RANDOM_FAULTS", "draw"]

RANDOM_FAULTS: tuple[str, ...] = tuple(
    name
    for name in FAULTS
    if name not in ("wrong_password", "account_locked", "session_limit", "talk_busy")
)
"""All but those after which a careful client stays away for minutes, or that only talk notices."""

_ENDLESS_S = 10.0  # how long on average what has no end by itself lasts
_SPREAD = (0.5, 1.5)  # of the usual length
_JUMPS_S = (-86_400.0, -3600.0, -3.0, -0.5, 0.8, 4.0, 61.0, 2147.0, 4294.967295, 86_400.0)

Options = Mapping[str, object]

_OPTIONS: Mapping[str, Callable[[Random], Options]] = {
    "cut": lambda chance: {"where": chance.choice(CUT_PLACES)},
    "trickle": lambda chance: {"bytes_per_s": chance.choice((2000, 20_000, 60_000))},
    "garbage": lambda chance: {
        "where": chance.choice(("between", "inside")),
        "every": chance.randint(3, 20),
        "seed": chance.randrange(1 << 16),
    },
    "duplicate": lambda chance: {"what": chance.choice(("packets", "messages"))},
    "missing": lambda chance: {"every": chance.randint(5, 50)},
    "wrong_magic": lambda chance: {"every": chance.randint(5, 50)},
    "huge_length": lambda chance: {"every": chance.randint(5, 50)},
    "encrypt_length": lambda chance: {"excess": chance.choice((1, 16, 1 << 20))},
    "wrong_padding": lambda chance: {"byte": chance.randint(1, 255)},
    "burst": lambda chance: {
        "period_s": round(chance.uniform(0.5, 3.0), 3),
        "sound_first": chance.random() < 0.5,
    },
    "info_frame_rate": lambda chance: {"value": chance.choice((0, 1, 2, 255))},
    "clock_jump": lambda chance: {"seconds": chance.choice(_JUMPS_S)},
    "clock_wrap": lambda chance: {"after_s": round(chance.uniform(0.5, 8.0), 3)},
    "posix_jump": lambda chance: {"seconds": round(chance.choice(_JUMPS_S))},
    "busy": lambda chance: {"requests": chance.choice((0, 1, 3))},
    "privacy": lambda chance: {"status": chance.choice((400, 0))},
    "keepalive_flood": lambda chance: {"per_s": chance.choice((20, 100, 500))},
}
"""What is drawn besides the length; the other faults are taken as they are."""

Drawn = tuple[float, str, float, tuple[tuple[str, object], ...]]
"""When, what, how long, options."""


def draw(
    seed: int | str, duration_s: float, faults: Collection[str], mean_pause_s: float
) -> Iterator[Drawn]:
    """Draw faults one after the other, as `Scenario.random` says. Raises ConfigError."""
    if unknown := sorted(set(faults) - set(FAULTS)):
        raise ConfigError(f"unknown fault {unknown[0]!r}; there are {', '.join(sorted(FAULTS))}")
    if not 0 < mean_pause_s < inf:
        raise ConfigError(f"mean_pause_s must be above 0, not {mean_pause_s}")
    if not isfinite(duration_s):
        raise ConfigError(f"a random scenario needs an end, not {duration_s}")
    return _drawn(Random(f"neolink/{seed}"), duration_s, sorted(set(faults)), mean_pause_s)


def _drawn(
    chance: Random, duration_s: float, faults: list[str], mean_pause_s: float
) -> Iterator[Drawn]:
    at_s = 0.0
    for name in _dealt(chance, faults):
        at_s = round(at_s + chance.expovariate(1 / mean_pause_s), 3)
        options = _OPTIONS[name](chance) if name in _OPTIONS else {}
        usual_s = make_fault(name, **options).default_duration_s
        length_s = (usual_s if isfinite(usual_s) else _ENDLESS_S) * chance.uniform(*_SPREAD)
        length_s = round(length_s, 3)
        if at_s + length_s > duration_s:
            return
        yield at_s, name, length_s, tuple(options.items())
        at_s += length_s


def _dealt(chance: Random, names: list[str]) -> Iterator[str]:
    """Deal all names in random order, again and again."""
    while names:
        deck = names.copy()
        chance.shuffle(deck)
        yield from deck
