"""The server that recorded players talk to."""

from collections.abc import AsyncIterator

import pytest

from neolink.rtsp_server.settings import Access
from support.media import AAC
from support.recorded import Recorded
from support.rtsp_bench import Bench, StartServer

MINE = Access(anonymous=False, users=frozenset({"me"}))


@pytest.fixture
async def bench(start: StartServer) -> Bench:
    """Start a camera ``porch`` with pictures and sound that everybody may watch."""
    return await start(audio=AAC)


@pytest.fixture
async def guarded(start: StartServer) -> Bench:
    """Start the same for one user, who has a password."""
    return await start(audio=AAC, users={"me": "sesame"}, access=MINE)


@pytest.fixture
async def player(bench: Bench) -> AsyncIterator[Recorded]:
    """Connect to ``bench``."""
    async with Recorded(bench.server.port) as recorded:
        yield recorded


@pytest.fixture
async def stranger(guarded: Bench) -> AsyncIterator[Recorded]:
    """Connect to ``guarded``, without a login so far."""
    async with Recorded(guarded.server.port) as recorded:
        yield recorded
