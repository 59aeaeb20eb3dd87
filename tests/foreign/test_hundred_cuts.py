"""A recorder and a player stay attached while the camera is cut, again and again.

ffmpeg records over TCP, GStreamer decodes what comes over UDP. The camera is cut in every way that
it offers, at random moments, and stays away for up to 12 s. Neither player notices more than that
its pictures stand still: one session each from the first to the last second, every picture whole,
time running on, and nothing left behind in the bridge.
"""

import asyncio
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from itertools import accumulate, cycle, pairwise
from pathlib import Path
from random import Random

import pytest

from neolink.hub.stream import Stream
from neolink.media.tracks import Presentation, StreamKind, VideoCodec
from neolink.media.units import AccessUnit, MediaUnit
from neolink.rtsp_server.context import Context
from neolink.simulator.clips import Clip
from neolink.simulator.faults import Cut, Reboot, Refuse, Truncate
from neolink.simulator.profile import CameraProfile
from neolink.simulator.server import SimulatedCamera
from support.attached import Attached, Shown, ffmpeg_recorder, gstreamer_viewer, pictures_of, show
from support.camera_bench import PROFILE, settings_for
from support.scenario import MIB, PRODUCT, Resources, bridged, numbers_of, until_soon
from support.steady import stood_still_s

pytestmark = [pytest.mark.foreign, pytest.mark.alone]

SUB = StreamKind.SUB
KEY = (0, SUB)
CLIP = PROFILE.clip(SUB)
"""Both codings have as many pictures in a clip and in a GOP."""

H265_PROFILE = replace(PROFILE, codec=VideoCodec.H265, audio="adpcm")
SLOW = pytest.mark.slow
BACKOFF_MAX_S = 0.5
"""Else most cuts would find a camera that the bridge has not even called yet."""

RETURN_S = 0.6
"""What a return takes besides, about."""

LONGEST_OUTAGE_S = 12.0
LOST_PER_CUT = 2
"""Pictures that may be under way when a connection is reset."""

MOST_LATE_S = 2.0
"""How far behind a player may be that stands still just now."""

MOST_LATER = 0.8 * len(CLIP.access_units)
"""Pictures after the mark; of a whole turn of the clip nothing could be told."""

CUTS = ("now", "in_frame", "between_frames", "in_header", "before_login", "truncate", "reboot")


# ---------------------------------------------------------------- what is done to the camera
@dataclass(frozen=True, slots=True)
class Blow:
    """The camera is cut ``at_s`` after the beginning, and away for ``outage_s``."""

    at_s: float
    how: str
    outage_s: float

    def strike(self, camera: SimulatedCamera) -> None:
        if self.outage_s:
            camera.inject(Refuse(), self.outage_s)
        match self.how:
            case "reboot":
                camera.inject(Reboot(), max(0.1, self.outage_s))
            case "truncate":
                camera.inject(Truncate())
            case "before_login":
                camera.cut()
                camera.inject(Cut(where=self.how))
            case _:
                camera.inject(Cut(where=self.how))


def draw(cuts: int, duration_s: float, seed: str) -> list[Blow]:
    """Draw moments and outages: one in ten longer than the hold, three in ten short, or none."""
    chance = Random(seed)
    longs, shorts = max(1, cuts // 10), max(1, 3 * cuts // 10)
    outages = [chance.uniform(9.0, LONGEST_OUTAGE_S) for _ in range(longs)]
    outages += [chance.uniform(0.0, 4.0) for _ in range(shorts)]
    outages += [0.0] * (cuts - len(outages))
    chance.shuffle(outages)
    hows = [how for how, _ in zip(cycle(CUTS), range(cuts), strict=False)]
    chance.shuffle(hows)
    live_s = duration_s - sum(outages) - cuts * RETURN_S
    assert live_s > 0
    ends = sorted(chance.uniform(0.0, live_s) for _ in range(cuts))
    away = accumulate((outage + RETURN_S for outage in outages), initial=0.0)
    return [
        Blow(end + before, how, outage)
        for end, before, how, outage in zip(ends, away, hows, outages, strict=False)
    ]


async def strike_all(camera: SimulatedCamera, blows: Sequence[Blow], duration_s: float) -> None:
    """Cut at the moments drawn, or when the camera is streaming again if that is later."""
    began_s = time.monotonic()
    for blow in blows:
        await asyncio.sleep(max(0.0, began_s + blow.at_s - time.monotonic()))
        await camera.wait_for(lambda stats: stats.active_streams[KEY] == 1, 20)
        before = camera.stats.connections
        blow.strike(camera)
        await camera.wait_for(
            lambda stats: not stats.open_connections or stats.connections > before,  # noqa: B023 - used now
            5,
        )
    await camera.wait_for(lambda stats: stats.active_streams[KEY] == 1, 20)
    sent = camera.stats.frames_sent[KEY]
    await camera.wait_for(lambda stats: stats.frames_sent[KEY] > sent + 2 * CLIP.frame_rate, 10)
    await asyncio.sleep(max(0.0, began_s + duration_s - time.monotonic()))


# ---------------------------------------------------------------- what was shown
@dataclass(slots=True)
class Story:
    """What a player saw of the camera: pictures that follow, stand-ins, and returns.

    Where the last key frame is the clip's first picture a stand-in cannot be told from a return;
    it is counted as one.
    """

    pictures: int = 0
    stand_ins: int = 0
    returns: int = 0

    @classmethod
    def of(cls, counters: Sequence[int | None], clip: Clip) -> "Story":
        """Read the counters; fail where one is none of these."""
        story, length = cls(), len(clip.access_units)
        expected = last_key = counters[0] or 0
        assert clip.is_key(expected), "it begins within a group of pictures"
        for at, number in enumerate(counters):
            assert number is not None, f"picture {at} cannot be read"
            if number == expected:
                story.pictures += 1
            elif number == 0:
                story.returns += 1
            elif number == last_key:
                story.stand_ins += 1
                expected = 0  # the camera begins its clip anew
                continue
            else:
                before = counters[max(0, at - 5) : at]
                raise AssertionError(f"picture {at} shows {number} behind {before}, key {last_key}")
            expected = (number + 1) % length
            last_key = number if clip.is_key(number) else last_key
        return story


def test_story_tells_stand_ins_and_returns_and_refuses_a_gap() -> None:
    story = Story.of([0, 1, 2, 0, 1, *range(2, 33), 30, 30, 0, 1], CLIP)
    assert (story.returns, story.stand_ins) == (1, 2)
    for wrong in ([0, 1, 3], [1], [*range(32), 31], [*range(32), 30, 32], [0, None]):
        with pytest.raises(AssertionError, match="picture"):
            Story.of(wrong, CLIP)


def test_the_hundred_cuts_are_of_every_kind_and_fit_into_their_time() -> None:
    for cuts, duration_s in ((5, 40.0), (100, 600.0)):
        blows = draw(cuts, duration_s, "any")
        assert len(blows) == cuts
        assert max(blow.outage_s for blow in blows) > PRODUCT.lost_hold_s
        assert len({blow.how for blow in blows}) == min(cuts, len(CUTS))
        assert all(b.at_s - a.at_s >= a.outage_s for a, b in pairwise(blows))
        assert blows[-1].at_s + blows[-1].outage_s < duration_s


# ---------------------------------------------------------------- the proof
class Newest:
    """A reader of the stream that knows which of the clip's pictures came last."""

    def __init__(self, clip: Clip) -> None:
        self.number: int | None = None
        self._number_of = numbers_of(clip)

    def push(self, unit: MediaUnit) -> None:
        if isinstance(unit, AccessUnit):
            self.number = self._number_of(unit.nal_units)

    def presentation_changed(self, presentation: Presentation) -> None:
        raise AssertionError(presentation)

    def source_stopped(self) -> None:
        pass

    def source_ended(self) -> None:
        pass


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment behind the last cut: pictures published so far, and which one came last."""

    published: int
    number: int | None
    at_s: float


@dataclass(frozen=True, slots=True)
class Span:
    """Between which moments a player came, and between which it left."""

    started_s: float
    playing_s: float
    marked_s: float
    ended_s: float


class Sessions:
    """Counts the sessions that are ever made, and the PLAYs."""

    def __init__(self, context: Context, patch: pytest.MonkeyPatch) -> None:
        self.context = context
        self.made = 0
        self._new_id = context.sessions._new_id
        patch.setattr(context.sessions, "_new_id", self._count)

    def _count(self) -> str:
        self.made += 1
        return self._new_id()

    @property
    def playing(self) -> list[str]:
        """The sessions that play now."""
        return [session.id for session, player in self.context.live_sessions() if player.is_playing]


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Give what the bridge logs; an exception in it fails the test."""
    caplog.set_level(logging.INFO, "neolink")
    yield caplog
    failures = [one.getMessage() for one in caplog.get_records("call") if one.exc_info]
    assert not failures, failures


@pytest.mark.parametrize(
    ("cuts", "duration_s", "profile"),
    [
        pytest.param(5, 40.0, PROFILE, id="5", marks=pytest.mark.timeout(180)),
        pytest.param(9, 50.0, H265_PROFILE, id="9-h265", marks=(SLOW, pytest.mark.timeout(180))),
        pytest.param(100, 600.0, PROFILE, id="100", marks=(SLOW, pytest.mark.timeout(1200))),
    ],
)
async def test_players_outlive_every_cut_of_the_camera(
    cuts: int,
    duration_s: float,
    profile: CameraProfile,
    tmp_path: Path,
    told: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    blows, clip = draw(cuts, duration_s, f"{cuts} cuts"), profile.clip(SUB)
    async with AsyncExitStack() as stack:
        camera = await stack.enter_async_context(SimulatedCamera(profile))
        settings = settings_for(camera, backoff_max_s=BACKOFF_MAX_S)
        running = await stack.enter_async_context(bridged(settings, pace=PRODUCT))
        stream = running.bridge.streams["porch", SUB]
        sessions = Sessions(running.bridge.rtsp.context, monkeypatch)
        still_before_s, newest = stood_still_s(), Newest(clip)
        stream.subscribe(newest)
        await camera.wait_for(lambda stats: stats.logins == 1)
        alone = await Resources.settled()
        url, started_s = running.url("porch", "sub"), time.monotonic()
        recorder = await stack.enter_async_context(ffmpeg_recorder(url, tmp_path / "tcp.nut"))
        await camera.wait_for(lambda stats: stats.frames_sent[KEY] > 0, 15)
        recorder_s = time.monotonic()
        viewer = await stack.enter_async_context(gstreamer_viewer(url, tmp_path / "udp.mkv", clip))
        await until_soon(lambda: len(sessions.playing) == 2, "the player", 15)
        viewer_s, at_first = time.monotonic(), sessions.playing
        await camera.wait_for(lambda stats: stats.frames_sent[KEY] > 2 * CLIP.frame_rate)
        before = await Resources.settled()

        await strike_all(camera, blows, duration_s)

        assert recorder.is_running, recorder.said
        assert viewer.is_running, viewer.said
        mark = await _mark(camera, stream, newest)
        await before.until_again()
        grown = Resources.now().rss_bytes - before.rss_bytes
        assert (sessions.playing, sessions.made) == (at_first, 2)
        assert sum(record.getMessage().startswith("playing") for record in told.records) == 2
        assert (recorder.troubles, viewer.troubles) == ([], [])
        codes = await asyncio.gather(recorder.stop(), viewer.stop())
        assert tuple(codes) == (255, 0)  # ffmpeg tells so that it was asked to end
        ended_s = time.monotonic()
        await until_soon(lambda: not len(running.bridge.rtsp.context.sessions), "their TEARDOWN")
        await alone.until_again(5.0)
        assert (stream.sink_failures, camera.stats.protocol_troubles) == (0, 0)
        assert grown < 32 * MIB
    assert camera.stats.connections > cuts
    recorded = await show(recorder.output)
    viewed = await show(viewer.output, may_squeeze=True)
    same = pictures_of(clip)
    assert recorded.checksums == [same[number or 0] for number in recorded.counters]
    still_s = stood_still_s() - still_before_s
    for player, shown, playing_s in ((recorder, recorded, recorder_s), (viewer, viewed, viewer_s)):
        _report(player, shown, ended_s - playing_s, grown)
        _check_story(shown, camera, stream, cuts)
        _check_loss(shown, camera, mark, still_s)
        _check_rising(shown, may_squeeze=player.is_gstreamer)
        _check_time(shown, Span(started_s, playing_s, mark.at_s, ended_s), still_s)
    print(f"{camera.stats.describe()}; {stream.stand_ins} stand-ins")  # noqa: T201
    assert len(recorded.packet_s["video"]) == len(recorded.counters)
    assert recorded.packet_s["audio"][-1] == pytest.approx(recorded.packet_s["video"][-1], abs=0.5)


async def _mark(camera: SimulatedCamera, stream: Stream, newest: Newest) -> Mark:
    """Set the mark, and let so much follow it that every player reaches it."""
    sent = camera.stats.frames_sent[KEY]
    mark = Mark(sent + stream.stand_ins, newest.number, time.monotonic())
    more = sent + round(MOST_LATE_S * CLIP.frame_rate)
    await camera.wait_for(lambda stats: stats.frames_sent[KEY] > more, 15)
    return mark


def _check_story(shown: Shown, camera: SimulatedCamera, stream: Stream, cuts: int) -> None:
    """Expect the camera's pictures in their order, with a break or a stand-in for each cut."""
    story, stats = Story.of(shown.counters, CLIP), camera.stats
    assert story.stand_ins <= stream.stand_ins
    most_breaks = stats.video_starts[KEY] - 1 + stream.stand_ins
    assert cuts // 2 <= story.returns + story.stand_ins <= most_breaks
    assert len(shown.counters) <= stats.frames_sent[KEY] + stream.stand_ins


def _check_loss(shown: Shown, camera: SimulatedCamera, mark: Mark, still_s: float) -> None:
    """Expect all that was published from its first picture to the mark, but what a cut took.

    Where the camera stood still before it was cut, all of that time was under way at once. What is
    sent while players end does not count: one may take a second more than the other. But it is
    known how many of these it had seen, because nothing is missing among them.
    """
    first, last = shown.counters[0], shown.counters[-1]
    assert first is not None
    assert last is not None
    assert mark.number is not None
    seen_later = (last - mark.number) % len(CLIP.access_units)
    assert seen_later < MOST_LATER, "it has not even seen what was marked"
    lost = mark.published - first + seen_later - len(shown.counters)
    most = LOST_PER_CUT * camera.stats.connections + still_s * CLIP.frame_rate
    assert lost <= most


def _check_rising(shown: Shown, *, may_squeeze: bool) -> None:
    """Expect that time never goes back, nor stands still but for pictures that are squeezed."""
    for times in (*shown.packet_s.values(), shown.picture_s):
        falls = [(a, b) for a, b in pairwise(times) if b < a or (b == a and not may_squeeze)]
        assert not falls, f"timestamps that do not rise: {falls}"


def _check_time(shown: Shown, span: Span, still_s: float) -> None:
    """Expect as much media as time went by; ``still_s`` of it the camera stood still."""
    shortest_s, longest_s = span.marked_s - span.playing_s, span.ended_s - span.started_s
    slack_s = max(1.0, 0.02 * shortest_s)
    for times in (*shown.packet_s.values(), shown.picture_s):
        length_s = times[-1] - times[0]
        assert shortest_s - slack_s - still_s < length_s < longest_s + slack_s
    silences = [b - a for a, b in pairwise(shown.picture_s)]
    assert max(silences) < PRODUCT.lost_hold_s + 1.5 + still_s


def _report(player: Attached, shown: Shown, media_s: float, grown: int) -> None:
    story = Story.of(shown.counters, CLIP)
    silence_s = max(b - a for a, b in pairwise(shown.picture_s))
    size = player.output.stat().st_size
    print(  # noqa: T201 - the figures of a proof, shown with -s or when it fails
        f"\n{player.output.name}: {story} in {len(shown.counters)} pictures, "
        f"{shown.picture_s[-1]:.1f} s of media in {media_s:.1f} s, "
        f"longest silence {silence_s:.1f} s, file {size} bytes, memory {grown / MIB:+.1f} MiB\n"
        f"{player.said}"
    )
