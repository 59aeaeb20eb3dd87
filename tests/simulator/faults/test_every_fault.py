"""What is true of every fault: it ends, and then the camera is well."""

import pytest

from neolink.baichuan.ids import MessageId, StreamType
from neolink.errors import RemoteProtocolError
from neolink.simulator.faults import CUT_PLACES, FAULTS, make_fault
from neolink.simulator.scenario import Scenario
from support.camera_link import Bench, Link, assert_well

VARIANTS: list[tuple[str, dict[str, object]]] = [
    *((name, {}) for name in sorted(FAULTS)),
    *(("cut", {"where": place, "times": 0}) for place in CUT_PLACES),
    ("garbage", {"where": "inside", "every": 1}),
    ("garbage", {"where": "between", "every": 1}),
    ("duplicate", {"what": "messages"}),
    ("missing", {"what": "all", "every": 2}),
    ("busy", {"requests": 1}),
    ("burst", {"sound_first": True}),
    ("privacy", {"status": 0}),
    ("clock_jump", {"seconds": -7200}),
    ("posix_jump", {"seconds": -2_000_000_000}),
    ("doctype", {"message_id": 1}),
    ("trickle", {"bytes_per_s": 100}),
]


def visit(bench: Bench, link: Link) -> None:
    """Do what clients do, and be surprised by nothing."""
    try:
        link.client.start_login()
        link.exchange()
        if link.client.is_logged_in:
            link.client.request(MessageId.VERSION)
            link.start(StreamType.SUB)
    except (RemoteProtocolError, StopIteration):
        pass  # the login was broken, or no answer came


@pytest.mark.parametrize(("name", "options"), VARIANTS)
async def test_camera_is_well_after_it(bench: Bench, name: str, options: dict[str, object]) -> None:
    watching = bench.logged_in()
    watching.start()
    watching.run(0.5)
    device = watching.device
    device.begin_for(make_fault(name, **options), 1.5)
    visitor = bench.link(device)
    visit(bench, visitor)
    for link in (watching, visitor) * 2:
        link.run(0.4)
    assert device.stats.faults == {name: 1}
    for link in (watching, visitor):
        if link.transport.is_closing():
            link.lose()
    assert_well(bench, device)


@pytest.mark.parametrize("name", sorted(FAULTS))
async def test_connection_that_outlives_it_is_well_too(bench: Bench, name: str) -> None:
    link = bench.logged_in(audio=None)
    link.start()
    link.run(0.5)
    link.device.begin_for(make_fault(name), 1.0)
    link.run(3.5)  # a whole GOP more
    if link.transport.is_closing():
        assert name in ("cut", "reboot", "truncate")
        return
    damages, resynchronizations = link.damages, link.client.resynchronizations
    times = [one.microseconds for one in link.run(1.0) if hasattr(one, "microseconds")]
    assert len(times) in (24, 25, 26)
    assert link.ask(MessageId.PING).status == 200
    assert (link.damages, link.client.resynchronizations) == (damages, resynchronizations)


@pytest.mark.parametrize("seed", range(3))
async def test_random_day_leaves_the_camera_well(bench: Bench, seed: int) -> None:
    device = bench.device()
    scenario = Scenario.random(seed, 80.0, mean_pause_s=0.5)
    for timed in scenario.faults:
        fault, duration_s = timed.make(), timed.duration_s
        device.later(timed.at_s, lambda f=fault, d=duration_s: device.begin_for(f, d))  # type: ignore[misc]  # bound now
    link = bench.link(device)
    for _ in range(160):
        if link.transport.is_closing() or not link.packets:
            link.lose()
            link = bench.link(device)
            visit(bench, link)
        link.run(0.5, step_s=0.05)
    link.lose()
    assert device.stats.faults.total() == len(scenario.faults) > 5
    assert device.stats.logins > 1
    assert_well(bench, device)
