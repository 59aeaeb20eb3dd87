"""The command itself, as it runs in a shell: its parts do not show that they go together."""

from pathlib import Path

import pytest

from support.codecs import needs_codecs
from support.processes import need_programs, python, run_for

TESTS = str(Path(__file__).parents[1])


@needs_codecs
@pytest.mark.foreign
async def test_one_player_plays_in_one_way() -> None:
    need_programs("ffmpeg")
    ended = await run_for(
        [python(), "-m", "interop", "--only", "ffmpeg/tcp", "--dry"],
        seconds=0,
        deadline_s=60,
        environment={"PYTHONPATH": TESTS},
    )
    assert ended.exit_code == 0, ended.stdout + ended.stderr
    assert "1 of 1 play" in ended.stdout
    assert " pictures 0 were damaged and 0 missing" in ended.stdout
