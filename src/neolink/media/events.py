"""What a camera notices in front of it, whatever its protocol calls that. Values only."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["EventKind", "EventState"]


class EventKind(StrEnum):
    """What may be noticed. Each goes on for a while, or is over."""

    MOTION = "motion"
    """Anything at all: it goes on while any other does."""

    PERSON = "person"
    VEHICLE = "vehicle"
    ANIMAL = "animal"
    FACE = "face"
    PACKAGE = "package"
    VISITOR = "visitor"
    """The button of a doorbell."""

    TAMPER = "tamper"


@dataclass(frozen=True, slots=True)
class EventState:
    """Whether one kind goes on, since ``unix_s`` (seconds since 1970, by our clock)."""

    kind: EventKind
    is_active: bool
    unix_s: float
