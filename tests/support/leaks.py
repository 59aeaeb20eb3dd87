"""A pytest plugin: no test passes while the program writes one of the tests' passwords.

Looked through are the log (as its handlers write it, blanked out and with its fields), what click
prints, what a test's process writes, and what programs write that tests start. Every password that
tests give to cameras and users of their own contains the word below.
"""

import base64
import logging
import os
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from typing import Any

import click
import pytest

from neolink.cli.logging_setup import JsonFormatter

__all__ = ["WATCH", "LeakWatch"]

WORD = "sesame"
WRITTEN = ("Captured stdout", "Captured stderr")
LOGGERS = ("neolink", "asyncio", "aiohttp")


def _dresses(word: str) -> Iterator[str]:
    """Give the word as it is, and as it is within Base64, wherever it begins."""
    yield word
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + word.encode()).decode()
        first = -(-8 * before // 6)  # the character before it depends on what comes before
        yield encoded[first:].rstrip("=")[: 8 * len(word) // 6 - 1]


class LeakWatch(logging.Handler):
    """Finds the word in what is written, and remembers where until it is asked."""

    def __init__(self, word: str = WORD) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter())
        self._needles = tuple(_dresses(word))
        self._found: list[str] = []

    def look(self, where: str, text: str) -> None:
        """Look through what was written somewhere."""
        for needle in self._needles:
            place = text.find(needle)
            if place >= 0:
                shown = text[max(0, place - 80) : place + 80]
                self._found.append(f"{where} has {needle!r}: ...{shown}...")
                return

    def emit(self, record: logging.LogRecord) -> None:
        """Look through a line of the log as it is written, blanked out."""
        with suppress(Exception):  # what cannot be formatted is complained about by others
            self.look(f"the log of {record.name}", self.format(record))

    def take(self) -> list[str]:
        """Return what was found since the last call."""
        found, self._found = self._found, []
        return found


WATCH = LeakWatch()
_patch = pytest.MonkeyPatch()


def pytest_configure() -> None:
    """Begin to listen: a handler of these loggers stays when others are set up."""
    for name in LOGGERS:
        logging.getLogger(name).addHandler(WATCH)
    _patch.setattr(click, "echo", _heard(click.echo))


def pytest_unconfigure() -> None:
    """End that."""
    _patch.undo()
    for name in LOGGERS:
        logging.getLogger(name).removeHandler(WATCH)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail what wrote the word, in the phase that did."""
    report = yield
    for title, text in report.sections:
        if title.startswith(WRITTEN):
            WATCH.look(title.lower(), text)
    found = WATCH.take()
    if found and report.outcome != "failed":
        report.outcome = "failed"
        report.longrepr = "\n".join(["a password was written", *found])
    return report


def _heard(echo: Callable[..., None]) -> Callable[..., None]:
    def echo_and_look(
        message: Any = None,  # Any: the signature of click
        *args: Any,
        **kwargs: Any,
    ) -> None:
        WATCH.look(f"click, process {os.getpid()},", str(message))
        echo(message, *args, **kwargs)

    return echo_and_look
