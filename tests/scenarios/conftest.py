"""Every scenario fails for an exception that was merely logged, and for a task nobody awaited."""

import gc
import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _nothing_fails_inside(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Look for tracebacks in the log; a test that provokes one on purpose checks and clears it."""
    caplog.set_level(logging.INFO)
    yield
    gc.collect()  # a task whose exception was never read complains when it is collected
    told = [
        record.getMessage()
        for record in caplog.get_records("call")
        if record.exc_info or (record.name == "asyncio" and record.levelno >= logging.ERROR)
    ]
    assert not told, told
