"""How findings look on a terminal: one line each as they come, then the verdict. Pure.

Words say how bad something is; colour only repeats it. Nothing here prints.
"""

import re
import textwrap
from dataclasses import dataclass

from neolink.doctor.findings import Check, Finding, Severity
from neolink.doctor.verdict import Report
from neolink.doctor.words import printable

__all__ = ["Style", "show_finding", "show_progress", "show_verdict"]

RESET = "\x1b[0m"
GREEN, YELLOW, RED, GREY = "\x1b[32m", "\x1b[33m", "\x1b[1;31m", "\x1b[90m"

MARKS = {
    Severity.OK: ("ok", GREEN),
    Severity.WARNING: ("warn", YELLOW),
    Severity.FAILURE: ("FAIL", RED),
    Severity.SKIPPED: ("-", GREY),
}
MARK_WIDTH = max(len(word) for word, _ in MARKS.values())
CHECK_WIDTH = max(len(check) for check in Check)
MARGIN = 2
INDENT = " " * (MARGIN + MARK_WIDTH + 2 + CHECK_WIDTH + 2)
UNIT, GLUE = re.compile(r"(?<=\d) (?=[a-zA-Z%])"), "\x00"
"""What stands between a number and its unit, and stands in for it while lines are broken."""

NARROWEST = len(INDENT) + 20


@dataclass(frozen=True, slots=True)
class Style:
    """Where it is shown: columns, and whether colours may be used."""

    width: int = 100
    has_colours: bool = False

    def paint(self, text: str, colour: str) -> str:
        """Colour a text, if that is wanted."""
        return f"{colour}{text}{RESET}" if self.has_colours else text


def show_finding(finding: Finding, style: Style) -> str:
    """Return the lines of a finding, and below it what to do."""
    word, colour = MARKS[finding.severity]
    text = f"{finding.stream}: {finding.text}" if finding.stream else finding.text
    lines = _wrap(text, style, INDENT).lstrip()
    mark = style.paint(word.ljust(MARK_WIDTH), colour)
    shown = f"{' ' * MARGIN}{mark}  {finding.check.ljust(CHECK_WIDTH)}  {lines}"
    if not finding.advice:
        return shown
    return f"{shown}\n{_wrap(f'> {finding.advice}', style, INDENT, hang='  ')}"


def show_progress(check: Check, what: str, style: Style) -> str:
    """Return one line, never a longer one, for what goes on now."""
    begin = f"{' ' * MARGIN}{'...'.ljust(MARK_WIDTH)}  {check.ljust(CHECK_WIDTH)}  "
    return style.paint(f"{begin}{printable(what, 200)}"[: style.width - 1], GREY)


def show_verdict(report: Report, style: Style) -> str:
    """Return the sentence that sums it up."""
    colour = RED if not report.can_be_watched else YELLOW if report.cause else GREEN
    return style.paint(_wrap(report.summary, style), colour)


def _wrap(text: str, style: Style, indent: str = "", hang: str = "") -> str:
    kept = UNIT.sub(GLUE, text)
    filled = textwrap.fill(
        kept,
        max(style.width, NARROWEST) - 1,
        initial_indent=indent,
        subsequent_indent=indent + hang,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return filled.replace(GLUE, " ")
