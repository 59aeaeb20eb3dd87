"""The verdict: what is found fault with, and what is not."""

import random
from dataclasses import replace

import pytest
from soak.bridge import LogSummary, read_log
from soak.inside import Inside
from soak.live_witness import LiveWitness, Word
from soak.processes import Ended
from soak.run import exit_code
from soak.schedule import Episode
from soak.verdict import (
    Check,
    Outcome,
    Record,
    Sample,
    fit_slope,
    judge,
    overall,
    unexplained_gaps,
    warm_up_s,
)
from soak.watch import Gap, Violation
from soak.witness import Witness

from neolink.media.tracks import StreamKind

INSIDE = Inside(
    tasks=40,
    loop_lag_s=0.02,
    connected=4,
    pool_mib=1.0,
    queued_mib=0.0,
    drops={"slow_player": 7, "damaged": 1},
)


def samples(slope_mib_h: float, seconds: int, noise: float = 0.3) -> list[Sample]:
    chance = random.Random(1)
    return [
        Sample(
            at_s=at_s,
            rss_mib=60 + slope_mib_h * at_s / 3600 + chance.gauss(0, noise),
            descriptors=20,
            threads=2,
            cpu_s=at_s / 10,
            inside=INSIDE,
        )
        for at_s in range(5, seconds, 5)
    ]


def good_record(slope_mib_h: float = 0.0, seconds: int = 24 * 3600) -> Record:
    witness = Witness("cam0/main TCP", 0, StreamKind.MAIN, is_udp=False)
    witness.sessions, witness.units = 1, 1000
    return Record(
        samples=samples(slope_mib_h, seconds),
        witnesses=[witness],
        active_s=seconds,
        ended=Ended(0, 1.0, was_killed=False),
    )


def failed(record: Record) -> list[str]:
    return [check.name for check in judge(record) if not check.is_passed]


def test_a_healthy_run_passes() -> None:
    assert failed(good_record()) == []


def test_a_leak_of_2_mib_an_hour_fails_a_day() -> None:
    assert failed(good_record(2.0)) == ["memory does not grow"]


def test_a_leak_of_30_mib_an_hour_fails_20_minutes() -> None:
    assert failed(good_record(30.0, 1200)) == ["memory does not grow"]


@pytest.mark.parametrize(("slope_mib_h", "is_shown"), [(0.0, True), (3.4, False)])
def test_a_slope_that_only_its_noise_excuses_is_said_to_be_unproven(
    slope_mib_h: float, is_shown: bool
) -> None:
    record = good_record(seconds=1200)
    record.samples = samples(slope_mib_h, 1200, noise=0.02)
    memory = next(check for check in judge(record) if check.name == "memory does not grow")
    assert memory.is_passed
    assert memory.outcome is (Outcome.PASS if is_shown else Outcome.NOT_SHOWN)
    assert ("by its noise alone" not in memory.detail) is is_shown
    assert overall([memory]) is memory.outcome


def test_a_failure_outweighs_what_is_not_shown_and_both_are_told_by_the_exit_code() -> None:
    passed = Check("a", is_passed=True, detail="")
    unshown = replace(passed, is_shown=False)
    failed_one = replace(unshown, is_passed=False)
    assert overall([passed, passed]) is Outcome.PASS
    assert overall([passed, unshown]) is Outcome.NOT_SHOWN
    assert overall([unshown, failed_one, passed]) is Outcome.FAIL
    codes = {
        outcome: [exit_code(outcome, is_strict=is_strict) for is_strict in (False, True)]
        for outcome in Outcome
    }
    assert codes == {Outcome.PASS: [0, 0], Outcome.NOT_SHOWN: [0, 1], Outcome.FAIL: [1, 1]}


def test_noise_is_no_leak() -> None:
    record = good_record(seconds=1200)
    record.samples = samples(0.0, 1200, noise=2.0)
    assert failed(record) == []


def test_wandering_makes_the_slope_less_sure() -> None:
    flicker = fit_slope([(i, i % 2) for i in range(100)])
    wander = fit_slope([(i, (i // 25) % 2) for i in range(100)])
    assert flicker is not None
    assert wander is not None
    assert wander.error_mib_per_h > 3 * flicker.error_mib_per_h


def test_slope_is_exact_on_a_line() -> None:
    slope = fit_slope([(3600.0 * i, 5 + 2 * i) for i in range(10)])
    assert slope is not None
    assert slope.mib_per_h == pytest.approx(2)
    assert fit_slope([(0.0, 1.0)] * 3) is None


def test_warm_up_is_a_fifth_but_neither_tiny_nor_endless() -> None:
    assert warm_up_s(120) == 60
    assert warm_up_s(1200) == 240
    assert warm_up_s(86_400) == 1800


def test_descriptors_left_open_fail() -> None:
    record = good_record()
    record.samples[-1] = replace(record.samples[-1], descriptors=26)
    assert failed(record) == ["descriptors come back to the baseline"]


def test_tasks_left_over_fail() -> None:
    record = good_record()
    record.samples[-1] = replace(record.samples[-1], inside=replace(INSIDE, tasks=46))
    assert failed(record) == ["tasks come back to the baseline"]


def late(record: Record, at: int, lag_s: float) -> Sample:
    record.samples[at] = replace(record.samples[at], inside=replace(INSIDE, loop_lag_s=lag_s))
    return record.samples[at]


def test_a_late_loop_fails_unless_nothing_ran_just_then() -> None:
    record = good_record()
    sample = late(record, 50, 1.2)
    assert failed(record) == ["the loop is never late"]
    record.own_pauses = [(sample.at_s - 8, sample.at_s - 6)]
    assert failed(record) == []
    assert any("3 of 17279 looks left out" in check.detail for check in judge(record))
    record.own_pauses = [(sample.at_s - 40, sample.at_s - 38)]
    assert failed(record) == ["the loop is never late"]


def test_on_a_fast_clock_a_loop_may_be_late_by_more_of_its_seconds() -> None:
    record = good_record()
    record.speed = 10.0
    late(record, 50, 9.0)
    assert failed(record) == []
    late(record, 50, 11.0)
    assert failed(record) == ["the loop is never late"]


def test_a_bridge_that_does_not_tell_of_itself_fails() -> None:
    record = good_record()
    record.silences = ["12.0 s: TimeoutError()"]
    assert failed(record) == ["the bridge tells of itself"]
    record.samples = [replace(sample, inside=None) for sample in record.samples]
    assert failed(record) == [
        "tasks come back to the baseline",
        "the loop is never late",
        "the bridge tells of itself",
    ]


@pytest.mark.parametrize(
    "ended",
    [Ended(1, 1.0, was_killed=False), Ended(-9, 10.0, was_killed=True), Ended(0, 11, False), None],
)
def test_an_end_that_is_not_in_order_fails(ended: Ended | None) -> None:
    record = good_record()
    record.ended = ended
    assert failed(record) == ["SIGTERM ends the bridge in order"]


def test_a_violation_and_a_second_session_fail() -> None:
    record = good_record()
    record.witnesses[0].violate(5.0, "BYE on track 0")
    record.witnesses[0].sessions = 2
    assert failed(record) == [
        "every witness kept its one session",
        "sequence, timestamps and entry points are right",
    ]
    assert record.witnesses[0].violations == [Violation(5.0, "BYE on track 0")]


def test_an_interrupted_run_does_not_pass() -> None:
    record = good_record()
    record.was_interrupted = True
    assert failed(record) == ["the run was complete"]


def test_a_run_that_could_not_go_on_does_not_pass() -> None:
    record = Record(failure="cannot go on: the bridge is gone")
    assert "the run was complete" in failed(record)


def test_a_lost_camera_must_come_back_with_a_key_frame() -> None:
    record = good_record()
    record.episodes = [Episode(0, 100.0, "cut", 0.0)]
    record.witnesses[0].gaps = [Gap(100.0, 101.5, resumed_at_random_access=True)]
    assert failed(record) == []
    record.witnesses[0].gaps = [Gap(100.0, 101.5, resumed_at_random_access=False)]
    assert failed(record) == ["a camera that was lost comes back with a key frame"]


def test_what_udp_loses_counts_unless_the_camera_was_not_well() -> None:
    record = good_record()
    witness = Witness("w", 0, StreamKind.MAIN, is_udp=True, packets=10_000)
    witness.sessions, witness.units, witness.losses = 1, 1000, [(105.0, 166)]
    record.witnesses = [witness]
    assert failed(record) == ["UDP loses nearly nothing on loopback"]
    record.episodes = [Episode(0, 95.0, "trickle", 5.0)]
    assert failed(record) == []


def test_on_a_fast_clock_a_gap_may_be_longer() -> None:
    record = good_record()
    record.witnesses[0].gaps = [Gap(50.0, 52.5, resumed_at_random_access=True)]
    assert failed(record) == ["pictures flow while a camera is well"]
    record.speed = 3.0
    assert failed(record) == []


def browser_record(*words: tuple[float, str]) -> Record:
    """Return a run with a browser that was told so, and a power cut from 100 to 120 s."""
    record = good_record(seconds=1200)
    browser = LiveWitness("browser", 0, StreamKind.MAIN, has_sound=False)
    browser.sessions, browser.units = 1, 1000
    browser.words = [Word(at_s, type_) for at_s, type_ in words]
    record.browsers = [browser]
    record.episodes = [Episode(0, 100.0, "reboot", 20.0)]
    return record


TOLD = "browsers are told that a camera is away, and back"


@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        ([(8, "live"), (108, "stand_in"), (123, "live")], Outcome.PASS),
        ([(8, "live"), (103, "stand_in"), (104, "live"), (123, "live")], Outcome.PASS),
        ([(8, "live"), (112, "stand_in"), (123, "live")], Outcome.FAIL),
        ([(8, "live")], Outcome.FAIL),
        ([(8, "live"), (108, "stand_in")], Outcome.FAIL),
        ([(8, "live"), (108, "stand_in"), (151, "live")], Outcome.FAIL),
    ],
)
def test_browsers_must_be_told_in_time(words: list[tuple[float, str]], outcome: Outcome) -> None:
    record = browser_record(*words)
    assert next(check for check in judge(record) if check.name == TOLD).outcome is outcome


def test_nothing_is_shown_where_no_camera_was_away_for_long() -> None:
    record = browser_record((8, "live"))
    record.episodes = [Episode(0, 100.0, "cut", 0.0), Episode(0, 100.0, "duplicate", 9.0)]
    assert next(check for check in judge(record) if check.name == TOLD).outcome is Outcome.NOT_SHOWN
    assert failed(record) == []


def test_a_browser_that_found_something_wrong_or_came_twice_fails() -> None:
    record = browser_record((8, "live"), (108, "stand_in"), (123, "live"))
    record.browsers[0].end_session(5.0, "closed by the server")
    record.browsers[0].sessions = 2
    assert failed(record) == [
        "sequence, timestamps and entry points are right",
        "every steady browser kept its one connection",
    ]


def test_a_part_that_was_started_again_fails() -> None:
    record = good_record()
    sample = record.samples[9]
    record.samples[9] = replace(sample, inside=replace(INSIDE, restarts=1))
    assert failed(record) == ["no part of the bridge failed"]


def test_some_growth_in_a_short_run_says_nothing_but_a_flood_does() -> None:
    for growth_mib_s, outcome in ((0.1, Outcome.NOT_SHOWN), (1.0, Outcome.FAIL)):
        record = good_record(seconds=130)
        record.samples = samples(3600 * growth_mib_s, 130)
        memory = next(check for check in judge(record) if check.name == "memory does not grow")
        assert memory.outcome is outcome


def test_a_gap_is_explained_by_a_fault_of_its_own_camera_only() -> None:
    witness = Witness("w", 1, StreamKind.MAIN, is_udp=False)
    gap = Gap(101.0, 108.0, resumed_at_random_access=True)
    witness.gaps = [gap]
    fault = Episode(1, 100.0, "silence", 5.0)
    assert unexplained_gaps(witness, [fault]) == []
    assert unexplained_gaps(witness, [replace(fault, camera=0)]) == [gap]
    assert unexplained_gaps(witness, [replace(fault, interrupts=False)]) == [gap]
    assert unexplained_gaps(witness, [replace(fault, at_s=60.0)]) == [gap]
    assert unexplained_gaps(witness, [], [(101.0, 107.8)]) == []


def test_tracebacks_and_errors_are_found_in_the_log() -> None:
    text = (
        "[2026-01-01T00:00:00Z INFO  neolink.app] fine\n"
        "[2026-01-01T00:00:00Z WARN  neolink.camera] cam0: Connection Lost: gone\n"
        "[2026-01-01T00:00:00Z ERROR neolink.camera] cam0: login refused: 401\n"
    )
    assert read_log(text) == LogSummary(1, 1, ())
    bad = (
        text + "[2026-01-01T00:00:00Z ERROR neolink.hub] boom\nTraceback (most recent call last):\n"
    )
    assert len(read_log(bad).internal) == 2
    assert read_log("Task exception was never retrieved\n").internal
