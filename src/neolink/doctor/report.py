"""The report as JSON, for programs. Its shape is promised in ``docs/doctor.md``."""

import json

from neolink.doctor.findings import Finding
from neolink.doctor.verdict import Report

__all__ = ["as_document", "as_json"]


def as_json(report: Report) -> str:
    """Return the report as JSON text of several lines."""
    return json.dumps(as_document(report), indent=2, ensure_ascii=False)


def as_document(report: Report) -> dict[str, object]:
    """Return the report as plain values."""
    return {
        "camera": report.camera,
        "address": report.address or None,
        "can_be_watched": report.can_be_watched,
        "cause": report.cause,
        "summary": report.summary,
        "advice": report.advice,
        "took_s": round(report.took_s, 1),
        "findings": [_finding(one) for one in report.findings],
    }


def _finding(finding: Finding) -> dict[str, object]:
    return {
        "check": finding.check,
        "severity": finding.severity,
        "cause": finding.cause,
        "stream": finding.stream,
        "text": finding.text,
        "advice": finding.advice,
        "figures": dict(finding.figures),
    }
