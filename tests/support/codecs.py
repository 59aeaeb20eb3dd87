"""The extra ``media`` as tests need it: skipped plainly where it is absent, but not in CI."""

import os

import pytest

from neolink.convert.targets import has_codecs

__all__ = ["needs_codecs"]

needs_codecs = pytest.mark.skipif(
    not has_codecs() and not os.environ.get("CI"), reason="the extra `media` is not installed"
)
