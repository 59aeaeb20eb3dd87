"""The parts of the page that touch no browser, tested by ``node --test``.

Node takes files for modules only if a ``package.json`` says so, which has no place among the files
that are served; hence the copies.
"""

import shutil
import subprocess
from pathlib import Path

import pytest

from neolink import web
from support.processes import need_programs

pytestmark = pytest.mark.foreign

PAGE = Path(web.__file__).parent / "static" / "js"
TESTS = Path(__file__).parent / "js"


def test_words_decisions_and_parsers_of_the_page(tmp_path: Path) -> None:
    need_programs("node")
    shutil.copytree(PAGE, tmp_path / "page")
    shutil.copytree(TESTS, tmp_path / "tests")
    (tmp_path / "package.json").write_text('{"type": "module"}')
    tests = sorted(map(str, (tmp_path / "tests").glob("*.test.js")))
    ended = subprocess.run(
        ["node", "--test", "--test-reporter=spec", *tests],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert f"tests {len(tests)}" not in ended.stdout, "files, not tests, were counted"
