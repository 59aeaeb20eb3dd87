"""One browser for a module; each test opens pages of its own."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from support.browser import WAIT_MS, chromium
from support.page_bench import Serve, serving


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=WAIT_MS)
    with chromium() as running:
        yield running


@pytest.fixture
def serve(browser: Browser) -> Iterator[Serve]:
    with serving(browser) as begin:
        yield begin
