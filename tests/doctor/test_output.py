"""The report in words, on a terminal and as JSON."""

import json
from dataclasses import replace

import pytest

from neolink.doctor.findings import Cause, Check, Finding, failure, fine, skipped, warning
from neolink.doctor.judge_login import judge_refusal
from neolink.doctor.layout import NARROWEST, Style, show_finding, show_progress, show_verdict
from neolink.doctor.report import as_document, as_json
from neolink.doctor.verdict import Report
from neolink.doctor.words import and_join, foreign, place, printable, rate, span
from neolink.errors import LoginRefusal
from neolink.log import forget_secrets, register_secret
from neolink.media.tracks import StreamKind

MAIN, SUB, _ = StreamKind
PLAIN = Style(width=60)
CLOCK = warning(Check.DEVICE, Cause.CLOCK_WRONG, "its clock is 9 d behind", "Set it.")
PLAYS = replace(fine(Check.PLAY, "H.264"), stream=MAIN)
SLOW = replace(warning(Check.PLAY, Cause.SLOW_NETWORK, "late", "Use a cable."), stream=SUB)
SILENT = replace(failure(Check.PLAY, Cause.SILENT_STREAM, "no picture", "Restart."), stream=SUB)
REFUSED = failure(Check.LOGIN, Cause.WRONG_PASSWORD, "refused", "Correct it.")


def report(*findings: Finding) -> Report:
    return Report(camera="porch", address="192.0.2.7:9000", findings=findings, took_s=1.26)


# ---------------------------------------------------------------- verdict
@pytest.mark.parametrize(
    ("findings", "cause", "summary"),
    [
        ((PLAYS,), None, "porch: all is well."),
        (
            (CLOCK, PLAYS),
            Cause.CLOCK_WRONG,
            "porch can be watched, but its clock is 9 d behind.",
        ),
        (
            (CLOCK, PLAYS, SLOW),
            Cause.SLOW_NETWORK,
            "porch can be watched, but sub stream: late (and 1 more thing, see above).",
        ),
        ((REFUSED,), Cause.WRONG_PASSWORD, "porch cannot be watched: refused."),
        (
            (CLOCK, PLAYS, SILENT),
            Cause.SILENT_STREAM,
            "porch can be watched only in part: sub stream: no picture.",
        ),
    ],
)
def test_verdict_names_what_to_act_on_first(
    findings: tuple[Finding, ...], cause: Cause | None, summary: str
) -> None:
    found = report(*findings)
    assert found.cause is cause
    assert found.summary == summary
    assert found.can_be_watched == all(one.severity != "failure" for one in findings)
    assert found.advice == (found.main_finding.advice if found.main_finding else "")


# ---------------------------------------------------------------- terminal
def test_finding_is_a_line_with_its_advice_below() -> None:
    assert show_finding(REFUSED, PLAIN) == (
        "  FAIL  login          refused\n                       > Correct it."
    )
    assert show_finding(PLAYS, PLAIN) == "  ok    play           main: H.264"
    assert show_finding(skipped(Check.PLAY, "not tried"), PLAIN).startswith("  -     play ")


def test_long_lines_are_broken_between_words_and_never_before_a_unit() -> None:
    text = "twenty words or so that go over some lines 25 fps 2.0 s " * 3
    shown = show_finding(fine(Check.STREAMS, text), PLAIN)
    lines = shown.splitlines()
    assert len(lines) > 3
    assert all(len(line) < PLAIN.width for line in lines)
    assert all(line.startswith(" " * 23) for line in lines[1:])
    assert not any(line.strip().startswith(("fps", "s ")) for line in lines)
    assert shown.split()[2:] == text.split()


def test_narrow_terminal_keeps_some_room() -> None:
    lines = show_finding(REFUSED, Style(width=5)).splitlines()
    assert max(map(len, lines)) < NARROWEST


def test_colours_only_repeat_what_words_say() -> None:
    coloured = show_finding(REFUSED, replace(PLAIN, has_colours=True))
    assert coloured.replace("\x1b[1;31m", "").replace("\x1b[0m", "") == show_finding(REFUSED, PLAIN)
    assert "\x1b" not in show_finding(REFUSED, PLAIN) + show_verdict(report(REFUSED), PLAIN)
    for findings, colour in (((REFUSED,), "31"), ((CLOCK,), "33"), ((PLAYS,), "32")):
        assert f"{colour}m" in show_verdict(report(*findings), replace(PLAIN, has_colours=True))


def test_progress_is_one_line_that_fits() -> None:
    line = show_progress(Check.NAME, "looking up " + "x" * 300, PLAIN)
    assert line.startswith("  ...   name           looking up xxx")
    assert len(line) == PLAIN.width - 1


# ---------------------------------------------------------------- JSON
def test_document_has_the_promised_shape() -> None:
    found = report(PLAYS, replace(SLOW, figures={"fps": 12.5, "codec": None}))
    assert json.loads(as_json(found)) == {
        "camera": "porch",
        "address": "192.0.2.7:9000",
        "can_be_watched": True,
        "cause": "slow_network",
        "summary": "porch can be watched, but sub stream: late.",
        "advice": "Use a cable.",
        "took_s": 1.3,
        "findings": [
            {
                "check": "play",
                "severity": "ok",
                "cause": None,
                "stream": "main",
                "text": "H.264",
                "advice": "",
                "figures": {},
            },
            {
                "check": "play",
                "severity": "warning",
                "cause": "slow_network",
                "stream": "sub",
                "text": "late",
                "advice": "Use a cable.",
                "figures": {"fps": 12.5, "codec": None},
            },
        ],
    }
    assert as_document(replace(found, address=""))["address"] is None


# ---------------------------------------------------------------- words
def test_words_are_joined_as_people_do() -> None:
    assert and_join([]) == ""
    assert and_join(["a"]) == "a"
    assert and_join(["a", "b", "c"], "or") == "a, b or c"


def test_places_of_ipv6_have_brackets() -> None:
    assert place("2001:db8::7", 9000) == "[2001:db8::7]:9000"
    assert place("porch", 9000) == "porch:9000"


def test_secrets_are_blanked_out_of_foreign_text_alone() -> None:
    register_secret("wrong")
    try:
        assert foreign("said wrong") == "said ***"
        # else the blank would tell the password
        assert "wrong passwords" in judge_refusal(LoginRefusal.WRONG_CREDENTIALS, 401).advice
        assert "***" not in as_json(report(judge_refusal(LoginRefusal.ACCOUNT_LOCKED, 421)))
    finally:
        forget_secrets()


def test_foreign_text_is_made_one_harmless_line() -> None:
    assert printable("a\r\n\x1b[2Jb\x00  c") == "a [2Jb c"
    assert printable("x" * 100) == "x" * 57 + "..."


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0001, "1 ms"),
        (0.05, "50 ms"),
        (0.0997, "0.1 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (119, "119 s"),
        (130, "2 min"),
        (3700, "1 h 1 min"),
        (90_000, "1 d 1 h"),
        (86400 * 800, "2 years"),
    ],
)
def test_durations_have_two_units_at_most(seconds: float, words: str) -> None:
    assert span(seconds) == words


def test_bit_rates() -> None:
    assert rate(779.4) == "779 kbit/s"
    assert rate(4096) == "4.1 Mbit/s"
