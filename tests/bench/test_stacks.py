"""A profiler's samples: read, shortened to what is ours, counted, drawn."""

from xml.etree import ElementTree as ET

import pytest
from bench.stacks import EVENT_LOOP, Stack, counts_of, parse, shares_with, shorten, waits

from bench import flame

START = "<module> (neolink/__main__.py:1);Runner.run (asyncio/runners.py:86);uv_run (core.c:452)"
PUBLISH = f"{START};Stream.publish (neolink/hub/stream.py:172)"
SAMPLES = f"""\
{PUBLISH};Lane.push (neolink/rtsp_server/delivery/outbox.py:180);send (libc.so.6) 6
{PUBLISH};_PyEval (ceval.c:1) 1
{PUBLISH} 1
{START};epoll_pwait (libc.so.6) 2
"""


def test_counts_are_read_with_their_stacks() -> None:
    found = parse(SAMPLES)
    assert sum(found.values()) == 10
    assert max(len(stack) for stack in found) == 6


def test_what_is_no_collapsed_stack_is_refused() -> None:
    with pytest.raises(ValueError, match="no collapsed stack"):
        parse("main;send many")


def test_python_inside_the_loop_and_the_innermost_frame_are_kept() -> None:
    first, second, third, _ = parse(SAMPLES)
    assert shorten(first) == (
        EVENT_LOOP,
        "Stream.publish (hub/stream.py)",
        "Lane.push (rtsp_server/delivery/outbox.py)",
        "send (libc.so.6)",
    )
    assert shorten(second)[-1] == "_PyEval (ceval.c)"
    assert shorten(third) == (EVENT_LOOP, "Stream.publish (hub/stream.py)")


def test_names_say_nothing_of_lines_and_addresses() -> None:
    assert shorten(("__create_fn__.<locals>.__init__ (<string>:2)",))[-1] == "init of a dataclass"
    assert shorten(("0x7f5552e4524a (libc.so.6)",))[-1] == "somewhere in libc.so.6"


def test_waiting_is_told_from_work() -> None:
    assert [waits(stack) for stack in parse(SAMPLES)] == [False, False, False, True]


def test_a_recursion_counts_once() -> None:
    stacks = {("loop", "walk", "walk"): 3, ("loop",): 1}
    assert counts_of(stacks) == {"walk": 3, "loop": 1}
    assert shares_with(stacks) == {"walk": 3, "loop": 4}


def test_the_graph_has_a_box_for_each_function_as_wide_as_its_share() -> None:
    stacks: dict[Stack, int] = {("loop", "send (libc.so.6)"): 3, ("loop", "a <b> (c.py)"): 1}
    root = ET.fromstring(flame.draw("Fan-out & more", stacks))
    space = "{http://www.w3.org/2000/svg}"
    widths = {
        str(group.findtext(f"{space}title")): float(group.find(f"{space}rect").get("width", "0"))  # type: ignore[union-attr]
        for group in root.iter(f"{space}g")
    }
    assert set(widths) == {"loop: 100.0 %", "send (libc.so.6): 75.0 %", "a <b> (c.py): 25.0 %"}
    assert widths["send (libc.so.6): 75.0 %"] == pytest.approx(
        3 * widths["a <b> (c.py): 25.0 %"], abs=2
    )


def test_without_samples_there_is_no_graph() -> None:
    with pytest.raises(ValueError, match="no samples"):
        flame.draw("nothing", {})
