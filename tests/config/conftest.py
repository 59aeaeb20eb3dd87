"""Fixtures of the configuration's tests."""

from collections.abc import Iterator

import pytest

from neolink.log import forget_secrets


@pytest.fixture(autouse=True)
def _no_secrets_left() -> Iterator[None]:
    yield
    forget_secrets()
