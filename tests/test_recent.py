"""The last log lines of each camera: whose they are, how many, and what is never in them."""

import logging
import threading
from collections.abc import Iterator

import pytest

from neolink.log import bind, bind_stream, forget_secrets, register_secret
from neolink.media.tracks import StreamKind
from neolink.recent import LINES_PER_CAMERA, LONGEST_LINE, MOST_CAMERAS, RecentLines
from neolink.web.view import LogLine

LOG = logging.getLogger("neolink.test_recent")
PORCH = bind(LOG, camera="porch")


@pytest.fixture
def recent() -> Iterator[RecentLines]:
    """Listen to the logger of this file alone."""
    handler = RecentLines()
    LOG.addHandler(handler)
    LOG.setLevel(logging.DEBUG)
    yield handler
    LOG.removeHandler(handler)
    LOG.setLevel(logging.NOTSET)
    forget_secrets()


def texts(recent: RecentLines, camera: str = "porch", limit: int = 100) -> list[str]:
    return [line.text for line in recent.lines(camera, limit)]


def test_a_line_has_its_fields(recent: RecentLines) -> None:
    log = bind(LOG, camera="porch", stream=StreamKind.MAIN, client="192.0.2.9:4", phase="setup")
    log.warning("%d frames\nlost", 3)
    line: LogLine
    (line,) = recent.lines("porch", 10)
    assert (line.level, line.logger, line.text) == ("WARNING", LOG.name, "3 frames lost")
    assert (line.stream, line.client, line.phase) == ("mainStream", "192.0.2.9:4", "setup")
    assert line.unix_s > 1_700_000_000


def test_lines_belong_to_the_camera_that_is_bound_or_named_in_the_call(
    recent: RecentLines,
) -> None:
    PORCH.info("one")
    LOG.info("two", extra={"camera": "porch"})
    bind_stream(LOG, "porch/sub").info("three")
    bind(LOG, camera="garden").info("of another")
    LOG.info("porch: of nobody")
    LOG.info("neither", extra={"camera": 7})
    assert texts(recent) == ["one", "two", "three"]
    assert texts(recent, "garden") == ["of another"]
    assert texts(recent, "nobody") == []


def test_what_is_below_info_is_neither_kept_nor_formatted(recent: RecentLines) -> None:
    class Unprintable:
        def __str__(self) -> str:
            raise AssertionError("formatted")

    logging.getLogger().setLevel(logging.DEBUG)
    handlers, LOG.propagate = LOG.handlers[:], False  # pytest's own handler formats everything
    try:
        PORCH.debug("%s", Unprintable())
    finally:
        LOG.propagate = True
        logging.getLogger().setLevel(logging.WARNING)
    assert handlers == [recent]
    assert texts(recent) == []


def test_the_last_lines_are_kept_the_oldest_first(recent: RecentLines) -> None:
    for number in range(LINES_PER_CAMERA + 5):
        PORCH.info("%d", number)
    assert texts(recent, limit=3) == ["202", "203", "204"]
    assert len(texts(recent, limit=10_000)) == LINES_PER_CAMERA
    assert texts(recent, limit=10_000)[0] == "5"
    assert texts(recent, limit=0) == []
    assert texts(recent, limit=-1) == []


def test_a_line_is_cut(recent: RecentLines) -> None:
    bind(LOG, camera="porch", client="c" * 5000).info("x" * 5000)
    (line,) = recent.lines("porch", 1)
    assert len(line.text) == LONGEST_LINE
    assert line.text.endswith("x…")
    assert line.client is not None
    assert len(line.client) == LONGEST_LINE


def test_the_camera_not_heard_of_for_longest_makes_room(recent: RecentLines) -> None:
    for number in range(MOST_CAMERAS):
        bind(LOG, camera=f"camera {number}").info("hello")
    bind(LOG, camera="camera 0").info("again")
    bind(LOG, camera="one more").info("hello")
    assert texts(recent, "camera 1") == []
    assert texts(recent, "camera 0") == ["hello", "again"]
    assert len(recent._lines) == MOST_CAMERAS


def test_secrets_are_blanked_out_everywhere(recent: RecentLines) -> None:
    register_secret("hush-hush")
    log = bind(LOG, camera="porch", client="hush-hush@192.0.2.1")
    try:
        raise ValueError("not hush-hush")  # noqa: TRY301 - a real traceback is wanted
    except ValueError:
        log.exception("rtsp://me:%s@host", "hush-hush")
    (line,) = recent.lines("porch", 1)
    assert line.text == "rtsp://me:***@host: ValueError: not ***"
    assert line.client == "***@192.0.2.1"


def test_a_secret_that_a_cut_would_halve_is_gone_before(recent: RecentLines) -> None:
    register_secret("hush-hush")
    PORCH.info("%shush-hush", "x" * (LONGEST_LINE - 5))
    assert "hush" not in texts(recent)[0]


def test_a_call_that_cannot_be_formatted_harms_nobody(
    recent: RecentLines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    LOG.propagate = False
    try:
        PORCH.info("%d", "no number")
    finally:
        LOG.propagate = True
    PORCH.info("after")
    assert texts(recent) == ["after"]


def test_threads_may_log_while_lines_are_read(recent: RecentLines) -> None:
    def write() -> None:
        for number in range(500):
            PORCH.info("%d", number)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert len(recent.lines("porch", 500)) <= LINES_PER_CAMERA
    for thread in threads:
        thread.join()
    assert len(recent.lines("porch", 500)) == LINES_PER_CAMERA
