"""Figures that documents tell users, as the code has them: who changes one changes both."""

from inspect import signature
from pathlib import Path

import pytest

from neolink.hub.backlog import BacklogLimits, Budget
from neolink.hub.gop import GopCache
from neolink.hub.standin import StandInSettings
from neolink.hub.stream import Stream
from neolink.media.tracks import VIDEO_CLOCK_RATE
from neolink.rtsp_server.mounts.metadata import KEEP_ALIVE_S
from neolink.rtsp_server.mounts.replay import SQUEEZE_TICKS
from neolink.rtsp_server.sessions.lanes import UDP_REPLAY_BYTES
from neolink.rtsp_server.settings import MIB, MountSettings, RtspLimits, RtspSettings

DOCS = Path(__file__).parents[1] / "docs"
CACHE = signature(GopCache).parameters
LIMITS = BacklogLimits()


@pytest.mark.parametrize(
    ("document", "words", "actual", "expected"),
    [
        (
            "decisions/0005-gop-replay-by-repacketizing.md",
            "A group is at most 8 MiB and 12 s",
            (CACHE["max_bytes"].default, CACHE["max_duration_s"].default),
            (8 * MIB, 12.0),
        ),
        (
            "decisions/0005-gop-replay-by-repacketizing.md",
            "the last 150 ms",
            SQUEEZE_TICKS / VIDEO_CLOCK_RATE,
            0.15,
        ),
        (
            "decisions/0005-gop-replay-by-repacketizing.md",
            "a group of more than 1 MiB is not replayed",
            UDP_REPLAY_BYTES,
            MIB,
        ),
        (
            "decisions/0006-grace-period.md",
            "the stream lingers for 5 s",
            signature(Stream).parameters["grace_s"].default,
            5.0,
        ),
        (
            "decisions/0010-buffers.md",
            "500 units, 64 MiB, 3 s",
            (LIMITS.max_items, LIMITS.max_bytes, LIMITS.max_delay_s),
            (500, 64 * MIB, 3.0),
        ),
        ("decisions/0010-buffers.md", "256 MiB", Budget().max_bytes, 256 * MIB),
        (
            "decisions/0011-stand-in.md",
            "8 s of silence (3 s when the stream was only just asked for), then a stand-in once",
            StandInSettings(),
            StandInSettings(start_hold_s=3.0, lost_hold_s=8.0, interval_s=1.0),
        ),
        ("architecture.md", "◄──8 s over── HOLDING", StandInSettings().lost_hold_s, 8.0),
        ("quirks.md", "1.5 times the advertised one", RtspSettings().enforced_timeout_s, 90.0),
        ("configuration.md", "`stall_timeout` | `10.0`", RtspLimits().stall_timeout_s, 10.0),
        ("configuration.md", "an empty document comes every 10 seconds", KEEP_ALIVE_S, 10.0),
        (
            "configuration.md",
            "`setup_timeout` | `9.0`",
            MountSettings(camera="").setup_timeout_s,
            9.0,
        ),
    ],
)
def test_a_figure_is_the_one_that_is_promised(
    document: str, words: str, actual: object, expected: object
) -> None:
    assert actual == expected
    assert words in " ".join((DOCS / document).read_text().split())
