"""What tests of the HTTP server share: time that passes quickly, and nothing left behind."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from neolink.web import events, server, stream_events


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what the server does by itself, again and again, happen every 10 ms."""
    monkeypatch.setattr(events, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(stream_events, "CHECK_S", 0.01)
    monkeypatch.setattr(server, "SWEEP_S", 0.01)


@pytest.fixture(autouse=True)
async def _nothing_is_left() -> AsyncIterator[None]:
    before = _sockets()
    yield
    await asyncio.sleep(0)  # closed transports let go of their sockets
    assert _sockets() == before, "sockets were left"


def _sockets() -> int:
    """Return how many sockets this process has open."""
    count = 0
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the listing's own descriptor
            count += link.readlink().name.startswith("socket:")
    return count
