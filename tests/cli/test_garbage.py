"""When garbage is collected: not while the program starts, and always while it serves."""

import gc
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from neolink.cli import garbage
from support.program import program

TELL_AT_THE_END = """
import atexit, gc
from neolink.cli.main import main
atexit.register(lambda: print(f"enabled={gc.isenabled()} frozen={gc.get_freeze_count() > 0}"))
main()
"""


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    threshold = gc.get_threshold()
    yield
    gc.set_threshold(*threshold)
    gc.enable()
    gc.unfreeze()


def test_what_is_made_while_it_is_held_is_left_out_of_collections() -> None:
    garbage.hold()
    assert not gc.isenabled()
    garbage.resume()
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0


def test_packets_of_large_pictures_bring_no_collection() -> None:
    garbage.hold()
    garbage.resume()
    before = gc.get_stats()[0]["collections"]
    packets = [[number] for number in range(5000)]
    assert gc.get_stats()[0]["collections"] == before, f"{len(packets)} lists"


def test_resuming_what_was_not_held_changes_nothing() -> None:
    before = gc.get_freeze_count()
    garbage.resume()
    assert gc.isenabled()
    assert gc.get_freeze_count() == before


def test_garbage_of_the_start_is_collected_before_the_rest_is_left_out() -> None:
    class Knot:
        ends = 0

        def __init__(self) -> None:
            self.self = self

        def __del__(self) -> None:
            Knot.ends += 1

    garbage.hold()
    Knot()
    garbage.resume()
    assert Knot.ends == 0
    garbage.leave_out_of_collections()
    assert Knot.ends == 1
    assert gc.get_freeze_count() > 0


async def test_a_bridge_that_serves_collects_garbage(tmp_path: Path) -> None:
    file = tmp_path / "neolink.toml"
    file.write_text('bind = "127.0.0.1"\nbind_port = 0\nrtsp = { udp = false }\ncameras = []\n')
    async with program("rtsp", "--config", str(file), code=TELL_AT_THE_END) as running:
        await running.until_printed("Ready")
        running.process.send_signal(signal.SIGTERM)
        assert await running.until_ended() == 0
    assert running.stdout.endswith("enabled=True frozen=True\n")
