"""What tests of the simulated camera share."""

from collections.abc import AsyncIterator

import pytest

from support.camera_link import Bench


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    yield made
    for link in made.links:
        link.lose()
