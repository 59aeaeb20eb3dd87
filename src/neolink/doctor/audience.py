"""Who is told what the doctor does and finds, while it does."""

from typing import Protocol

from neolink.doctor.findings import Check, Finding

__all__ = ["Audience"]


class Audience(Protocol):
    """Told in the order of events. Must not wait."""

    def begin(self, check: Check, what: str) -> None:
        """Hear what is done now, which may take a while: "watching main for 5 s"."""

    def take(self, finding: Finding) -> None:
        """Hear what was found."""
