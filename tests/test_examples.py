"""The programs of ``examples/`` run, and do what they say."""

import re
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent


def test_a_bridge_can_be_embedded() -> None:
    command = [sys.executable, "-m", "examples.embed_bridge", "3"]
    ran = subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=True
    )
    told = re.search(r"\ncamera connected, stream live, (\d+) pictures\n$", ran.stdout)
    assert told, ran.stdout + ran.stderr
    assert int(told[1]) > 5
    assert ran.stderr == ""
