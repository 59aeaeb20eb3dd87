"""Headless Chromium under measurement: how it is started, and the processor time of its processes.

It decodes and draws without a graphics processor here, as in the tests.
"""

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from playwright.async_api import Page, async_playwright

from bench import procfs

__all__ = ["cpu_s_by_kind", "find", "opened_page"]

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)
"""Nothing leaves the machine, and everything plays."""

LOAD_S = 30.0
"""How long a page may take to load."""

CLOSE_S = 10.0
"""How long the browser may take to end; then it is killed."""

_KIND = re.compile(r"--type=([a-z-]+)")


def find() -> str | None:
    """Return where Chromium is installed, or None."""
    return shutil.which("chromium")


@asynccontextmanager
async def opened_page(url: str, width: int, height: int) -> AsyncIterator[Page]:
    """Run a browser with one page. Raises playwright's errors where it does not load."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find(), args=ARGUMENTS)
        try:
            page = await browser.new_page(viewport={"width": width, "height": height})
            await page.goto(url, timeout=1000 * LOAD_S)
            yield page
        finally:
            async with asyncio.timeout(CLOSE_S):
                await browser.close()


def cpu_s_by_kind() -> dict[str, float]:
    """Return the seconds so far of the Chromium that this process started, by kind of process."""
    spent: dict[str, float] = {}
    for pid, kind in _processes():
        with suppress(OSError):  # it may just have ended
            spent[kind] = spent.get(kind, 0.0) + procfs.cpu_s(pid)
    return spent


def _processes() -> Iterator[tuple[int, str]]:
    children = _children()
    family = [os.getpid()]
    for parent in family:  # it grows meanwhile
        family += children.get(parent, [])
    for pid in family:
        with suppress(OSError):
            if Path(f"/proc/{pid}/exe").readlink().name == "chromium":
                found = _KIND.search(Path(f"/proc/{pid}/cmdline").read_text(errors="replace"))
                yield pid, found[1] if found else "browser"


def _children() -> dict[int, list[int]]:
    """Return the children of each process that has some."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parent = int(path.read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(path.parent.name))
    return children
