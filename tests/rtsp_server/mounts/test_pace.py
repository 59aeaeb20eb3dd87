"""What players may have waiting follows the stream: its rate, and how rare its key frames are."""

import pytest

from neolink.hub.backlog import Allowance, BacklogLimits
from neolink.hub.counters import StreamCounters
from neolink.media.tracks import VIDEO_CLOCK_RATE
from neolink.rtsp_server.mounts.pace import Pace
from support.media import video_unit

FPS = 25
SIZE = 20_000


@pytest.mark.parametrize(("group_s", "room_s"), [(2, 6), (10, 13)])
def test_a_whole_group_that_is_sent_at_once_has_room_beside_what_may_be_late(
    group_s: int, room_s: int
) -> None:
    """Who joins is given up to a group; that alone must not cost it pictures."""
    counters, allowance = StreamCounters(), Allowance(BacklogLimits())
    pace = Pace(counters, allowance)
    counters.asked(0.0)
    for number in range(4 * group_s * FPS):
        is_key = number % (group_s * FPS) == 0
        unit = video_unit(number * VIDEO_CLOCK_RATE // FPS, key=is_key, size=SIZE)
        counters.picture_came(unit, number / FPS)
        if number % FPS == 0:
            pace.look(number / FPS)
    assert allowance.max_items == pytest.approx(room_s * FPS, rel=0.05)
    assert allowance.max_bytes == pytest.approx(2 * room_s * FPS * SIZE, rel=0.05)


def test_while_nothing_flows_the_room_stays_as_it_is() -> None:
    counters, allowance = StreamCounters(), Allowance(BacklogLimits())
    pace = Pace(counters, allowance)
    for now_s in range(10):
        pace.look(float(now_s))
    limits = BacklogLimits()
    assert (allowance.max_items, allowance.max_bytes) == (limits.max_items, limits.max_bytes)
    assert pace.bytes_per_s is None
