"""Fixtures that every test folder shares."""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent


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
