"""The report, and the one sentence that sums it up. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from neolink.doctor.findings import Cause, Check, Finding, Severity
from neolink.media.tracks import StreamKind

__all__ = ["Report"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was found about one camera."""

    camera: str
    address: str
    """``host:port``; empty where none is known."""
    findings: tuple[Finding, ...]
    took_s: float = 0.0

    @property
    def can_be_watched(self) -> bool:
        """Whether nothing that was found keeps the wanted streams from being watched."""
        return not self._of(Severity.FAILURE)

    @property
    def main_finding(self) -> Finding | None:
        """The finding to act on first: the first failure, else the first warning."""
        found = self._of(Severity.FAILURE) or self._of(Severity.WARNING)
        # What the device says of itself comes before the streams, but is rarely why they are odd.
        played = [one for one in found if one.check is Check.PLAY]
        if played and found[0].severity is Severity.WARNING:
            return played[0]
        return next(iter(found), None)

    @property
    def cause(self) -> Cause | None:
        """The main cause; None if all is well."""
        return self.main_finding.cause if self.main_finding else None

    @property
    def plays(self) -> tuple[StreamKind, ...]:
        """Streams of which pictures came."""
        fine = (Severity.OK,)
        found = (one for one in self.findings if one.check is Check.PLAY and one.severity in fine)
        return tuple(one.stream for one in found if one.stream is not None)

    @property
    def summary(self) -> str:
        """One sentence: whether it works, and the main cause if not."""
        finding = self.main_finding
        if finding is None:
            return f"{self.camera}: all is well."
        failures, warnings = self._of(Severity.FAILURE), self._of(Severity.WARNING)
        if failures:
            partly = "can be watched only in part" if self.plays else "cannot be watched"
            return f"{self.camera} {partly}: {_subject(finding)}{finding.text}{_more(failures)}."
        return (
            f"{self.camera} can be watched, but {_subject(finding)}{finding.text}{_more(warnings)}."
        )

    @property
    def advice(self) -> str:
        """What to do about the main cause."""
        return self.main_finding.advice if self.main_finding else ""

    def _of(self, severity: Severity) -> list[Finding]:
        return [one for one in self.findings if one.severity is severity]


def _subject(finding: Finding) -> str:
    return f"{finding.stream} stream: " if finding.stream else ""


def _more(findings: Sequence[Finding]) -> str:
    others = len(findings) - 1
    if not others:
        return ""
    return f" (and {others} more {'thing' if others == 1 else 'things'}, see above)"
