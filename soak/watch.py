"""What any steady watcher notes: breaches of the rules, and times without a picture. Pure."""

from dataclasses import dataclass, field

from neolink.media.tracks import StreamKind

__all__ = ["Gap", "Violation", "Watch"]

NOTED_GAP_S = 0.5
MOST_NOTED = 200


@dataclass(frozen=True, slots=True)
class Violation:
    """Something that must not be."""

    at_s: float
    text: str


@dataclass(frozen=True, slots=True)
class Gap:
    """A time without a picture, and whether a random access point ended it."""

    from_s: float
    to_s: float
    resumed_at_random_access: bool

    @property
    def length_s(self) -> float:
        """How long it was."""
        return self.to_s - self.from_s


@dataclass(slots=True)
class Watch:
    """The records of somebody who watches one stream."""

    name: str
    camera: int
    kind: StreamKind
    sessions: int = field(default=0, kw_only=True)
    units: int = field(default=0, kw_only=True)
    """Pictures."""
    sounds: int = field(default=0, kw_only=True)
    largest_gap_s: float = field(default=0.0, kw_only=True)
    window_gap_s: float = field(default=0.0, kw_only=True)
    """Largest gap since the last call of `take_window`."""
    gaps: list[Gap] = field(default_factory=list, kw_only=True)
    violations: list[Violation] = field(default_factory=list, kw_only=True)
    violation_count: int = field(default=0, kw_only=True)
    last_unit_s: float | None = field(default=None, kw_only=True)

    def end_session(self, now_s: float, reason: str) -> None:
        """Note that a session ended although nobody wanted it to."""
        self.violate(now_s, f"the session ended: {reason}")

    def violate(self, now_s: float, text: str) -> None:
        """Note what must not be."""
        self.violation_count += 1
        if len(self.violations) < MOST_NOTED:
            self.violations.append(Violation(now_s, text))

    def take_window(self, now_s: float) -> float:
        """Return the largest gap since the last call; one that still lasts counts so far."""
        lasting = now_s - self.last_unit_s if self.last_unit_s is not None else 0.0
        largest, self.window_gap_s = max(self.window_gap_s, lasting), 0.0
        return largest

    def note_picture(self, now_s: float, *, is_entry: bool) -> None:
        """Note that a picture came, and how long none had come before it."""
        self.units += 1
        before, self.last_unit_s = self.last_unit_s, now_s
        if before is None:
            return
        gap_s = now_s - before
        self.window_gap_s = max(self.window_gap_s, gap_s)
        self.largest_gap_s = max(self.largest_gap_s, gap_s)
        if gap_s >= NOTED_GAP_S and len(self.gaps) < 100 * MOST_NOTED:
            self.gaps.append(Gap(before, now_s, is_entry))
