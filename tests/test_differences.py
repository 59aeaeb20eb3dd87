"""What pytest says of two values that differ."""

import os
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parent

SUITE = """
import random
import pytest

NOISE = random.Random(1).randbytes(190_000)
CUT = NOISE[:9_000] + NOISE[10_387:]

@pytest.mark.parametrize("got, sent", [(CUT, NOISE), ([b"head", CUT], [b"head", NOISE])])
def test_pictures(got, sent):
    assert got == sent

def test_words():
    assert "one\\ntwo\\nthree\\n" == "one\\ntwo\\ndrei\\n"
"""


def test_pictures_that_differ_hold_up_nobody(tmp_path: Path) -> None:
    """They did: a run of CI stopped, because one datagram had been lost."""
    file = tmp_path / "test_suite.py"
    file.write_text(SUITE)
    options = ("-p", "support.differences", "-p", "no:cacheprovider", "-p", "no:xdist")
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(file)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(TESTS), "CI": "true"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "3 failed" in ended.stdout
    assert "(cut: " in ended.stdout
    assert "- drei" in ended.stdout  # what is small is compared as ever
    assert len(ended.stdout.splitlines()) < 2000
