"""When a stream that is watched rests for want of motion, and what its readers see then. Pure.

The rule has two inputs, motion and the first look, and no level: queues of players neither pause
nor resume a stream, so there are no thresholds and no hysteresis between them. What could flap is
motion, and whoever tells of it holds it for a while after its end.
"""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["PauseMode", "PauseRule", "PauseSettings"]


class PauseMode(StrEnum):
    """What readers of a resting stream see, once a second, so that they stay."""

    NONE = "none"
    """Nothing new: the last key frame, as in ``still``. Players leave a stream without pictures."""

    STILL = "still"
    """The last key frame."""

    BLACK = "black"
    """A black picture; the last key frame where the camera sends H.265, for which none is drawn."""

    TEST = "test"
    """Colour bars, under the same condition."""

    @property
    def pattern(self) -> str | None:
        """Name of the drawn picture; None for the camera's own."""
        return {PauseMode.BLACK: "black", PauseMode.TEST: "smpte"}.get(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseSettings:
    """When a stream rests although somebody watches. Without a reader it always does."""

    on_motion: bool = False
    """Whether it flows only while there is motion."""

    motion_timeout_s: float = 1.0
    """How long motion counts as going on after its end; for who tells of motion."""

    mode: PauseMode = PauseMode.NONE

    first_look_s: float = 5.0
    """How long it flows in any case from the first picture after somebody came."""


class PauseRule:
    """Whether one stream should rest. Times are monotonic seconds."""

    def __init__(self, settings: PauseSettings) -> None:
        self.settings = settings
        self.is_motion = False
        """What was told last; no motion while nothing was."""
        self._look_ends_s: float | None = None

    def joined(self) -> None:
        """Learn that a first reader came: the look begins with the next picture."""
        self._look_ends_s = None

    def picture_came(self, now_s: float) -> None:
        """Learn of a picture of the camera."""
        if self._look_ends_s is None:
            self._look_ends_s = now_s + self.settings.first_look_s

    def should_rest(self, now_s: float) -> bool:
        """Tell whether nothing is lost if the camera stops now."""
        if not self.settings.on_motion or self.is_motion or self._look_ends_s is None:
            return False
        return now_s >= self._look_ends_s
