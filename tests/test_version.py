"""The version is known from the first look on."""

import pytest

import neolink


def test_the_version_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look opens a file, which must not fail later, when there are no descriptors left."""
    known = neolink.__version__
    monkeypatch.setattr("importlib.metadata.version", lambda _: 1 / 0)
    assert neolink.__version__ == known


def test_nothing_else_is_made_up() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = neolink.no_such_name
