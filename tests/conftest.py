"""Fixtures that every test folder shares."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent


@pytest.fixture(scope="session", autouse=True)
def _state_of_this_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what bridges remember of streams out of the home folder of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


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
