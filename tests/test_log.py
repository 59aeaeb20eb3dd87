"""Context, filters, repeat limits and redaction."""

import gc
import io
import json
import logging
import weakref
from collections.abc import Iterator
from itertools import pairwise

import pytest

from neolink.cli.logging_setup import JsonFormatter, TextFormatter, filter_from, setup
from neolink.clock import ManualClock
from neolink.log import (
    OFF,
    TRACE,
    LogFilter,
    RepeatLimiter,
    bind,
    bind_stream,
    forget_secrets,
    redact,
    register_secret,
)
from neolink.media.tracks import StreamKind

LOG = logging.getLogger("neolink.test")


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name in ("neolink", "neolink.test", "neolink.rtsp_server", "neolink.camera"):
        logging.getLogger(name).setLevel(logging.NOTSET)
    forget_secrets()


@pytest.fixture
def written() -> io.StringIO:
    """Set up text lines at INFO, and return where they go."""
    stream = io.StringIO()
    setup(LogFilter.parse("info"), stream=stream)
    return stream


def line(stream: io.StringIO) -> str:
    """Return the one line written, without its time stamp."""
    (text,) = stream.getvalue().splitlines()
    return "[" + text.partition(" ")[2]


# ---------------------------------------------------------------- text
def test_text_has_the_shape_of_env_logger() -> None:
    record = logging.LogRecord("neolink.rtsp", logging.INFO, "", 0, "to %s", ("x",), None)
    record.created = 1_738_220_408.5
    assert TextFormatter().format(record) == "[2025-01-30T07:00:08Z INFO  neolink.rtsp] to x"


@pytest.mark.parametrize(
    ("level", "word"),
    [
        (logging.ERROR, "ERROR"),
        (logging.WARNING, "WARN "),
        (logging.DEBUG, "DEBUG"),
        (TRACE, "TRACE"),
    ],
)
def test_levels_are_written_as_in_the_rust_program(level: int, word: str) -> None:
    record = logging.LogRecord("n", level, "", 0, "x", (), None)
    assert f"Z {word} n] x" in TextFormatter().format(record)


def test_camera_and_stream_begin_the_message(written: io.StringIO) -> None:
    bind(LOG, camera="porch", stream=StreamKind.MAIN).info("%d players", 3)
    assert line(written) == "[INFO  neolink.test] porch::mainStream: 3 players"


def test_camera_alone_begins_the_message(written: io.StringIO) -> None:
    bind(LOG, camera="porch").warning("gone")
    assert line(written) == "[WARN  neolink.test] porch: gone"


def test_session_client_and_phase_follow_the_message(written: io.StringIO) -> None:
    bind(LOG, camera="a", session="3f", client="192.0.2.1:5", phase="setup").warning("x")
    assert line(written).endswith("a: x (session=3f client=192.0.2.1:5 phase=setup)")


def test_phase_is_told_only_of_trouble(written: io.StringIO) -> None:
    bind(LOG, camera="a", phase="setup").info("x")
    assert line(written).endswith("a: x")


def test_binding_again_adds_and_replaces(written: io.StringIO) -> None:
    bind(bind(LOG, camera="a", phase="one"), stream=StreamKind.SUB, phase="two").error("x")
    assert line(written).endswith("a::subStream: x (phase=two)")


def test_a_stream_s_name_is_context(written: io.StringIO) -> None:
    bind_stream(LOG, "back yard/sub").warning("gone")
    bind_stream(LOG, "a/b/main").warning("gone")
    bind_stream(LOG, "porch").warning("gone")
    texts = [text.partition("] ")[2] for text in written.getvalue().splitlines()]
    assert texts == ["back yard::subStream: gone", "a/b::mainStream: gone", "porch: gone"]


def test_peer_cannot_forge_lines(written: io.StringIO) -> None:
    LOG.info("agent %s", "x\r\n[forged]")
    assert line(written).endswith(r"agent x\r\n[forged]")


def test_traceback_follows(written: io.StringIO) -> None:
    try:
        raise ValueError("why")  # noqa: TRY301 - a real traceback is wanted
    except ValueError:
        LOG.exception("what")
    assert written.getvalue().splitlines()[-1] == "ValueError: why"


# ---------------------------------------------------------------- JSON
def test_json_has_one_object_per_line_with_the_context() -> None:
    stream = io.StringIO()
    setup(LogFilter(), json_lines=True, stream=stream)
    bind(LOG, camera="porch", stream=StreamKind.MAIN, session="3f").info('a "b"\n%s', "c")
    fields = json.loads(stream.getvalue())
    assert stream.getvalue().count("\n") == 1
    assert fields.pop("time").endswith("Z")
    assert fields == {
        "level": "INFO",
        "logger": "neolink.test",
        "message": 'a "b"\nc',
        "camera": "porch",
        "stream": "mainStream",
        "session": "3f",
    }


def test_json_has_the_traceback() -> None:
    try:
        raise ValueError("why")  # noqa: TRY301 - a real traceback is wanted
    except ValueError as error:
        info = (ValueError, error, error.__traceback__)
    record = logging.LogRecord("n", logging.ERROR, "", 0, "x", (), info)
    assert json.loads(JsonFormatter().format(record))["traceback"].endswith("ValueError: why")


# ---------------------------------------------------------------- filters
@pytest.mark.parametrize(
    ("spec", "level", "parts"),
    [
        ("info", logging.INFO, {}),
        ("WARN", logging.WARNING, {}),
        ("off", OFF, {}),
        ("", logging.INFO, {}),
        ("neolink=debug", logging.INFO, {"neolink": logging.DEBUG}),
        ("neolink::rtsp=trace,warn", logging.WARNING, {"neolink.rtsp_server": TRACE}),
        ("error, neolink.hub = debug", logging.ERROR, {"neolink.hub": logging.DEBUG}),
        ("neolink_core::bc_protocol=debug", logging.INFO, {"neolink.camera": logging.DEBUG}),
        ("neolink::hub::stream", logging.INFO, {"neolink.hub.stream": TRACE}),
        ("neolink.rtsp_server=debug", logging.INFO, {"neolink.rtsp_server": logging.DEBUG}),
        ("debug/some text", logging.DEBUG, {}),
    ],
)
def test_filter_syntax(spec: str, level: int, parts: dict[str, int]) -> None:
    assert LogFilter.parse(spec) == LogFilter(level, tuple(parts.items()))


@pytest.mark.parametrize("spec", ["loud", "neolink=loud", "info,quiet"])
def test_unknown_level_is_refused(spec: str) -> None:
    with pytest.raises(ValueError, match="not a log level"):
        LogFilter.parse(spec)


def test_filter_is_chosen_from_environment_then_file_then_default() -> None:
    assert filter_from({}).level == logging.INFO
    assert filter_from({}, "warn").level == logging.WARNING
    assert filter_from({"RUST_LOG": "error"}, "warn").level == logging.ERROR
    assert filter_from({"RUST_LOG": "error", "NEOLINK_LOG": "debug"}).level == logging.DEBUG


def test_verbosity_raises_the_level_up_to_everything() -> None:
    assert filter_from({}, "warn", 1).level == logging.INFO
    assert filter_from({}, None, 1).level == logging.DEBUG
    assert filter_from({}, None, 9).level == TRACE


def test_levels_of_parts_apply_and_vanish_with_the_next_set_up() -> None:
    stream = io.StringIO()
    setup(LogFilter.parse("warn,neolink.test=debug"), stream=stream)
    LOG.debug("one")
    logging.getLogger("neolink.camera").info("two")
    setup(LogFilter.parse("warn"), stream=stream)
    LOG.debug("three")
    assert line(stream) == "[DEBUG neolink.test] one"


def test_filtered_call_formats_nothing(written: io.StringIO) -> None:
    class Unprintable:
        def __str__(self) -> str:
            raise AssertionError("formatted")

    bind(LOG, camera="a").debug("%s", Unprintable())
    assert written.getvalue() == ""


# ---------------------------------------------------------------- repeats
def test_repeats_are_held_back_and_counted(written: io.StringIO) -> None:
    clock = ManualClock()
    limiter = RepeatLimiter(clock)
    log = bind(LOG, camera="a", stream=StreamKind.MAIN)
    for number in range(4):
        limiter.log(log, logging.WARNING, "lost %d", number)
        clock.advance(1)
    clock.advance(6)
    limiter.log(log, logging.WARNING, "lost %d", 9)
    first, second = written.getvalue().splitlines()
    assert first.endswith("a::mainStream: lost 0")
    assert second.endswith("a::mainStream: lost 9 (3 more like this held back)")


def test_the_end_of_a_repetition_is_told_by_a_sweep(written: io.StringIO) -> None:
    clock = ManualClock()
    limiter = RepeatLimiter(clock)
    log = bind(LOG, camera="a", stream=StreamKind.MAIN)
    for number in range(4):
        limiter.log(log, logging.WARNING, "lost %d", number)
        clock.advance(1)
    limiter.sweep()
    assert len(written.getvalue().splitlines()) == 1, "it may go on"
    clock.advance(29)
    limiter.sweep()
    limiter.sweep()
    _, second = written.getvalue().splitlines()
    assert second.endswith("a::mainStream: lost 3 (3 like this held back, the last 30 s ago)")


def test_what_goes_on_for_hours_is_told_ever_more_rarely(written: io.StringIO) -> None:
    clock = ManualClock()
    limiter = RepeatLimiter(clock)
    told_s = []
    for _ in range(1000):
        before = len(written.getvalue())
        limiter.log(LOG, logging.WARNING, "away")
        if len(written.getvalue()) > before:
            told_s.append(clock.monotonic_s())
        clock.advance(5)
        limiter.sweep()
    pauses = [later - earlier for earlier, later in pairwise(told_s)]
    assert pauses == [10, 20, 40, 80, 160, 320, 600, 600, 600, 600, 600, 600, 600]


def test_what_comes_again_after_a_quiet_time_is_told_at_once(written: io.StringIO) -> None:
    clock = ManualClock()
    limiter = RepeatLimiter(clock)
    for pause_s in (5, 5, 5, 31, 5, 5):
        limiter.log(LOG, logging.WARNING, "away")
        clock.advance(pause_s)
    assert [text.partition("] ")[2] for text in written.getvalue().splitlines()] == [
        "away",
        "away (1 more like this held back)",
        "away (1 more like this held back)",
    ]


def test_what_ended_otherwise_is_dropped(written: io.StringIO) -> None:
    clock = ManualClock()
    limiter = RepeatLimiter(clock)
    log = bind(LOG, camera="a")
    for _ in range(3):
        limiter.log(log, logging.WARNING, "away %d", 1)
    limiter.log(bind(LOG, camera="b"), logging.WARNING, "away %d", 1)
    limiter.log(bind(LOG, camera="b"), logging.WARNING, "away %d", 1)
    limiter.drop(log)
    clock.advance(31)
    limiter.sweep()
    limiter.log(log, logging.WARNING, "away %d", 1)
    assert [text.partition("] ")[2] for text in written.getvalue().splitlines()] == [
        "a: away 1",
        "b: away 1",
        "b: away 1 (1 like this held back, the last 31 s ago)",
        "a: away 1",
    ]


def test_the_same_message_about_another_thing_is_told_at_once(written: io.StringIO) -> None:
    limiter = RepeatLimiter(ManualClock())
    for error in ("refused", "silent", "refused"):
        limiter.log(LOG, logging.WARNING, "lost: %s", error, about=error)
    assert [text.partition("] ")[2] for text in written.getvalue().splitlines()] == [
        "lost: refused",
        "lost: silent",
    ]


def test_the_end_of_a_repetition_is_told_with_the_next_other_line(written: io.StringIO) -> None:
    clock = ManualClock()
    limiter = RepeatLimiter(clock)
    for _ in range(3):
        limiter.log(bind(LOG, camera="a"), logging.INFO, "x")
    clock.advance(31)
    limiter.log(bind(LOG, camera="b"), logging.INFO, "y")
    lines = written.getvalue().splitlines()
    assert [text.partition("] ")[2] for text in lines] == [
        "a: x",
        "b: y",
        "a: x (2 like this held back, the last 31 s ago)",
    ]


def test_what_is_held_back_keeps_nothing_but_text(written: io.StringIO) -> None:
    class Large:
        pass

    limiter = RepeatLimiter(ManualClock())
    large = Large()
    gone = weakref.ref(large)
    limiter.log(LOG, logging.INFO, "%s", "passes, and is kept by pytest")
    limiter.log(LOG, logging.INFO, "%s", large)
    del large
    gc.collect()
    assert gone() is None


def test_a_limiter_that_forgets_a_message_forgets_what_it_held_back(written: io.StringIO) -> None:
    clock = ManualClock()
    limiter = RepeatLimiter(clock, capacity=1)
    for _ in range(2):
        limiter.log(LOG, logging.INFO, "x")
    limiter.log(LOG, logging.INFO, "y")
    clock.advance(20)
    limiter.sweep()
    assert [text[-1] for text in written.getvalue().splitlines()] == ["x", "y"]


def test_other_cameras_and_other_messages_are_not_held_back(written: io.StringIO) -> None:
    limiter = RepeatLimiter(ManualClock())
    limiter.log(bind(LOG, camera="a"), logging.INFO, "x")
    limiter.log(bind(LOG, camera="b"), logging.INFO, "x")
    limiter.log(bind(LOG, camera="a"), logging.INFO, "y")
    limiter.log(LOG, logging.INFO, "x")
    assert len(written.getvalue().splitlines()) == 4


def test_message_below_the_threshold_is_not_counted(written: io.StringIO) -> None:
    limiter = RepeatLimiter(ManualClock())
    limiter.log(LOG, logging.DEBUG, "x")
    LOG.setLevel(logging.DEBUG)
    limiter.log(LOG, logging.DEBUG, "x")
    assert len(written.getvalue().splitlines()) == 1


def test_limiter_forgets_the_oldest_beyond_its_capacity() -> None:
    limiter = RepeatLimiter(ManualClock(), capacity=2)
    assert [limiter.admit(key) for key in "abab"] == [0, 0, None, None]
    assert limiter.admit("c") == 0
    assert limiter.admit("b") is None
    assert limiter.admit("a") == 0


# ---------------------------------------------------------------- secrets
def test_secret_is_blanked_out_in_every_dress(written: io.StringIO) -> None:
    register_secret("p<s> /w")
    LOG.info("%s %s %s", "p<s> /w", "p%3Cs%3E%20%2Fw", "p&lt;s&gt; /w")
    assert line(written) == "[INFO  neolink.test] *** *** ***"


def test_secret_is_blanked_out_in_json_and_tracebacks() -> None:
    register_secret('se"same')
    stream = io.StringIO()
    setup(LogFilter(), json_lines=True, stream=stream)
    try:
        raise ValueError('se"same')  # noqa: TRY301 - a real traceback is wanted
    except ValueError:
        bind(LOG, camera='se"same').exception("x")
    assert "same" not in stream.getvalue()
    assert json.loads(stream.getvalue())["camera"] == "***"


def test_longer_secret_vanishes_as_a_whole() -> None:
    register_secret("1234")
    register_secret("123456")
    assert redact("123456 1234") == "*** ***"


def test_very_short_secret_does_not_blank_out_words() -> None:
    register_secret("a")
    register_secret("")
    assert redact("abc") == "abc"
