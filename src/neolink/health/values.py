"""What a judgement looks like: states, reasons in words, since when, what is being done.

Values only; who judges is in ``watch``, what can be wrong in ``causes``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from neolink.media.tracks import StreamKind

__all__ = ["BridgeHealth", "CameraHealth", "Health", "HealthState", "worst_of"]


class HealthState(StrEnum):
    """How well something does, in one word."""

    OK = "ok"
    DISABLED = "disabled"
    """Switched off on purpose; counts as healthy."""
    ASLEEP = "asleep"
    """Left alone because nobody needs it; counts as healthy."""
    DEGRADED = "degraded"
    """It works, but not as it should."""
    OFFLINE = "offline"
    """There are no pictures, and retrying may help."""
    AUTH_FAILED = "auth_failed"
    """There are no pictures until a person corrects the login."""

    @property
    def severity(self) -> int:
        """0 is best; a higher number is worse."""
        return _SEVERITY[self]

    @property
    def is_healthy(self) -> bool:
        """Whether a container with nothing worse than this needs no restart and no alarm."""
        return self.severity <= _SEVERITY[HealthState.DEGRADED]


_SEVERITY = {state: place for place, state in enumerate(HealthState)}


def worst_of(states: Iterable[HealthState]) -> HealthState:
    """Return the worst of several; ok if there are none."""
    return max(states, key=lambda state: state.severity, default=HealthState.OK)


@dataclass(frozen=True, slots=True)
class Health:
    """How one camera or stream does."""

    state: HealthState
    reasons: tuple[str, ...]
    """What is wrong and what to do, the worst first; empty when all is well."""
    since_unix_s: float
    """When this state began; never goes back."""
    doing: str
    """What the bridge does about it, or with it: ``trying again in 4 s``; may be empty."""


@dataclass(frozen=True, slots=True)
class CameraHealth:
    """How one camera does, and each of its streams."""

    name: str
    health: Health
    """Of the camera with all its streams."""
    streams: Mapping[StreamKind, Health] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BridgeHealth:
    """How everything does."""

    state: HealthState
    """The worst of the process and its cameras; those that sleep or are disabled count as ok."""
    reasons: tuple[str, ...]
    """Those of the process, then one line for each camera that is not well."""
    cameras: tuple[CameraHealth, ...] = ()

    @property
    def is_healthy(self) -> bool:
        """Whether nothing is worse than degraded."""
        return self.state.is_healthy
