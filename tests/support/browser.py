"""Chromium as it is installed: how it is started, and what a page must not do.

One browser serves a whole module; each test gets a page of its own, in a profile of its own.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

__all__ = [
    "ARGUMENTS",
    "DESKTOP",
    "PHONE",
    "WAIT_MS",
    "Complaints",
    "Scheme",
    "Size",
    "chromium",
    "opened_page",
]

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]
"""Nothing leaves the machine, and everything plays."""

Size = tuple[int, int]
Scheme = Literal["dark", "light"]

DESKTOP: Size = (1440, 900)
PHONE: Size = (390, 844)

WAIT_MS = 10_000
"""The longest that anything on a page may take."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run a browser; without one the tests are skipped, in CI they fail."""
    path = shutil.which("chromium")
    if path is None:
        message = "not installed: chromium (scripts/install-peers installs it)"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@dataclass(slots=True)
class Complaints:
    """What a page complained about; whoever expects some takes them out."""

    page: Page
    lines: list[str] = field(default_factory=list)

    def note(self, message: ConsoleMessage) -> None:
        """Keep errors and warnings: a violated policy is one too."""
        if message.type in {"error", "warning"}:
            self.lines.append(f"{message.type}: {message.text} ({message.location.get('url')})")

    def expect(self, part: str) -> None:
        """Take out lines that hold a text; there must be one, or one must come soon."""
        if not any(part in line for line in self.lines):
            self.page.wait_for_event("console", lambda message: part in message.text)
        self.lines = [line for line in self.lines if part not in line]


@contextmanager
def opened_page(
    browser: Browser, size: Size = DESKTOP, scheme: Scheme = "dark"
) -> Iterator[tuple[Page, Complaints]]:
    """Open an empty page; when the block ends it must have complained about nothing."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme=scheme,
        accept_downloads=True,
        permissions=["clipboard-read", "clipboard-write"],
    )
    context.set_default_timeout(WAIT_MS)
    page = context.new_page()
    complaints = Complaints(page)
    page.on("console", lambda message: complaints.note(message))  # noqa: PLW0108 - slots
    page.on("pageerror", lambda error: complaints.lines.append(f"exception: {error}"))
    try:
        yield page, complaints
    finally:
        context.close()
    assert not complaints.lines, complaints.lines
