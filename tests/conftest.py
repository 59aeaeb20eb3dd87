"""Fixtures that every test folder shares."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from support import differences, leaks, steady, stuck
from support.leaks import (  # a hook: no test passes while a password of the tests is written
    pytest_runtest_makereport,
)
from support.steady import (  # a hook: while the process stands still, so does its time
    pytest_runtest_protocol,
)
from support.stuck import pytest_runtest_call  # a hook: a test that hangs tells where

__all__ = [
    "pytest_configure",
    "pytest_runtest_call",
    "pytest_runtest_makereport",
    "pytest_runtest_protocol",
    "pytest_unconfigure",
]

# How long an example takes says nothing on a machine that others use too.
settings.register_profile("untimed", deadline=None, suppress_health_check=(HealthCheck.too_slow,))
settings.load_profile("untimed")


def pytest_configure() -> None:
    """Begin to watch all tests."""
    leaks.pytest_configure()
    steady.pytest_configure()
    differences.pytest_configure()
    stuck.listen_for_trouble()


def pytest_unconfigure() -> None:
    """End that."""
    differences.pytest_unconfigure()
    steady.pytest_unconfigure()
    leaks.pytest_unconfigure()


REPOSITORY = Path(__file__).parent.parent


@pytest.fixture(scope="session", autouse=True)
def _state_of_this_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what bridges remember of streams out of the home folder of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """Keep what a command sets up for its log from the tests that follow in this process."""
    names = [None, *logging.root.manager.loggerDict]
    levels = {name: logging.getLogger(name).level for name in names}
    yield
    for name in [None, *logging.root.manager.loggerDict]:
        logging.getLogger(name).setLevel(levels.get(name, logging.NOTSET))


@pytest.fixture(scope="session")
def samples() -> Path:
    """Folder of bytes captured from real cameras; not part of the repository.

    Found through ``NEOLINK_SAMPLES``. Where it is absent the test says so; in CI that is a failure.
    """
    folder = Path(os.environ.get("NEOLINK_SAMPLES", REPOSITORY.parent / "shared" / "samples"))
    if folder.is_dir():
        return folder
    message = f"captured samples are not at {folder}; set NEOLINK_SAMPLES to run this test"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)
