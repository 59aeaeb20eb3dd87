"""What came of one player in one way. Pure; how cells are shown is in ``report``."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any, Self

__all__ = ["LEAST_PICTURES", "Cell", "Verdict", "merge"]

LEAST_PICTURES = 20
"""A player that showed fewer pictures (of 15 a second, in 2 s and the time of a start) failed."""


class Verdict(Enum):
    """Whether a player plays."""

    PLAYS = "plays"
    FAILS = "fails"
    CANNOT = "cannot"
    """It does not know this way at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A playback as the table needs it.

    ``damaged`` pictures show no readable counter, ``missing`` ones were never shown between the
    first and the last. ``strayed`` says why it is no proof of this way, or nothing: another
    transport was used, or another login. ``asked`` are the requests with their answers, a line
    each. ``footnote`` says why a player cannot.
    """

    player: str
    way: str
    pictures: int = 0
    damaged: int = 0
    missing: int = 0
    first_picture_s: float | None = None
    complaints: tuple[str, ...] = ()
    strayed: str = ""
    asked: tuple[str, ...] = ()
    connections: int = 0
    footnote: str = ""

    @property
    def verdict(self) -> Verdict:
        if self.footnote:
            return Verdict.CANNOT
        return Verdict.FAILS if self.trouble else Verdict.PLAYS

    @property
    def trouble(self) -> str:
        """What is wrong, in words; nothing where it plays."""
        if self.strayed:
            return self.strayed
        if self.pictures < LEAST_PICTURES:
            said = f": {self.complaints[0]}" if self.complaints else ""
            return f"only {self.pictures} pictures{said}"
        if self.damaged or self.missing:
            return f"{self.damaged} damaged, {self.missing} missing of {self.pictures} pictures"
        return ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        lists = {name: tuple(data[name]) for name in ("complaints", "asked")}
        return cls(**{**data, **lists})


def merge(
    old: Sequence[Cell], new: Sequence[Cell], players: Sequence[str], ways: Sequence[str]
) -> list[Cell]:
    """Return all cells in the order of the table, new ones in place of old ones."""
    newest = {(cell.way, cell.player): cell for cell in (*old, *new)}
    return [newest[way, one] for way in ways for one in players if (way, one) in newest]
