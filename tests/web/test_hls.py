"""Live video by HLS, over real sockets: playlists that wait, media, sessions, and a player."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from neolink.clock import ManualClock
from neolink.hub.demand import DemandState
from neolink.hub.standin import StandInSettings
from neolink.media.tracks import VIDEO_CLOCK_RATE, VideoCodec
from neolink.readings import Transport
from neolink.rtsp_server.settings import Access
from neolink.web.hls import route, source
from neolink.web.settings import HttpLimits
from support.live_bench import CAMERA, LIVE_PATH, PATH, LiveBench, live_bench
from support.media import AAC, H265, aac_units, clip_units, video_unit
from support.mp4_reader import read_fragments, tracks_of
from support.processes import need_programs
from support.waiting import until
from support.web_bench import LOGIN, OPEN, FakeView

INDEX = f"{PATH}/hls/index.m3u8"
PATIENT = StandInSettings(start_hold_s=60.0, lost_hold_s=60.0)


@pytest.fixture(autouse=True)
def _begins_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a player begin with one segment, at once; what it waits for has tests of its own."""
    monkeypatch.setattr(route, "START_SEGMENTS", 1)
    monkeypatch.setattr(source, "LEARNING_GROUPS", 0)


@pytest.fixture
async def bench() -> AsyncIterator[LiveBench]:
    """Return a server whose stream waits for the camera as long as a test takes."""
    async with live_bench(stand_in=PATIENT) as one:
        one.camera.gop = 50
        yield one


class Player:
    """Asks as a player does."""

    def __init__(self, bench: LiveBench) -> None:
        self.bench = bench
        self.folder = ""

    async def open(self) -> str:
        """Begin a session and return the index; a picture is published once it is waited for."""
        asking = asyncio.create_task(self.get(INDEX))
        await until(self.bench.run.server.players)
        if not self.bench.camera.frames:
            self.bench.camera.picture()
        status, text = await asking
        assert status == 200
        found = re.search(r"^([\w-]+)/stream\.m3u8$", text.decode(), re.MULTILINE)
        assert found is not None
        self.folder = f"{PATH}/hls/{found[1]}"
        return text.decode()

    async def get(self, path: str) -> tuple[int, bytes]:
        """Return status and body of an address."""
        async with self.bench.run.client.get(path) as answer:
            return answer.status, await answer.read()

    async def file(self, name: str) -> bytes:
        """Return a file of the session, which must be there."""
        status, body = await self.get(f"{self.folder}/{name}")
        assert (status, name) == (200, name)
        return body

    async def playlist(self, query: str = "") -> str:
        return (await self.file(f"stream.m3u8{query}")).decode()

    async def until_it_waits(self) -> None:
        """Let a request of ours come to where the server makes it wait."""
        sessions = self.bench.run.server.context.hls._sessions
        await until(lambda: any(session.pending for session in sessions.values()))

    async def refusal(self, name: str) -> tuple[int, str, str]:
        """Return status, code and words of a refused request."""
        async with self.bench.run.client.get(f"{self.folder}/{name}") as answer:
            error = (await answer.json())["error"]
            return answer.status, error["code"], error["message"]


@pytest.fixture
async def player(bench: LiveBench) -> Player:
    """Return a player whose session has begun."""
    one = Player(bench)
    await one.open()
    return one


# ---------------------------------------------------------------- what is played


async def test_index_waits_for_the_first_picture_and_names_the_codecs(bench: LiveBench) -> None:
    bench.camera.audio = AAC
    with bench.stream.hold():
        bench.camera.pictures(30)
        bench.camera.until_key()
        asking = asyncio.create_task(Player(bench).get(INDEX))
        await until(bench.run.server.players)
        assert not asking.done()
        bench.camera.picture()
        status, text = await asking
    assert status == 200
    assert 'CODECS="avc1.64001e,mp4a.40.2",RESOLUTION=640x360' in text.decode()


async def test_stream_that_was_never_seen_begins_when_its_sound_is_known(
    bench: LiveBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "LEARNING_GROUPS", 1)
    asking = asyncio.create_task(Player(bench).get(INDEX))
    await until(bench.run.server.players)
    bench.camera.picture()
    bench.camera.audio = AAC
    bench.camera.until_key()
    bench.camera.picture()
    status, text = await asking
    assert status == 200
    assert 'CODECS="avc1.64001e,mp4a.40.2"' in text.decode()


async def test_everything_that_a_playlist_names_can_be_fetched(
    bench: LiveBench, player: Player
) -> None:
    bench.camera.pictures(130)  # two segments, and a part of the next one
    text = await player.playlist()
    assert tracks_of(await player.file("init-1.mp4")) == {1: (b"vide", 90_000)}
    whole = [await player.file(name) for name in re.findall(r"^segment.*$", text, re.MULTILINE)]
    parts = [await player.file(name) for name in re.findall(r'PART:.*URI="([^"]+)"', text)]
    assert len(whole) == 2
    assert b"".join(parts).startswith(b"".join(whole))
    samples = [one for fragment in read_fragments(b"".join(parts)) for one in fragment.samples]
    assert [one.dts + one.shift for one in samples] == [
        unit.pts for unit in bench.camera.sent[: len(samples)]
    ]


async def test_first_playlist_has_what_a_player_holds_back(
    bench: LiveBench, player: Player, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(route, "START_SEGMENTS", 3)
    asking = asyncio.create_task(player.playlist())
    await player.until_it_waits()
    bench.camera.pictures(149)
    await asyncio.sleep(0.02)  # nothing comes of it
    assert not asking.done()
    bench.camera.pictures(1)
    assert (await asking).count("#EXTINF") == 3


async def test_first_playlist_is_not_waited_for_longer_than_it_takes(
    bench: LiveBench, player: Player, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(route, "START_SEGMENTS", 3)
    monkeypatch.setattr(route, "FIRST_S", 0.02)
    bench.camera.pictures(60)  # groups of pictures that are too long for three of them
    assert (await player.playlist()).count("#EXTINF") == 1


async def test_media_and_playlists_say_what_they_are(bench: LiveBench, player: Player) -> None:
    bench.camera.pictures(60)
    for name, kind in (
        ("stream.m3u8", "application/vnd.apple.mpegurl"),
        ("init-1.mp4", "video/mp4"),
        ("segment-0.m4s", "video/mp4"),
    ):
        async with bench.run.client.get(f"{player.folder}/{name}") as answer:
            assert answer.headers["Content-Type"] == kind
            assert answer.headers["Cache-Control"] == "no-store"


async def test_playlist_that_was_asked_for_early_comes_with_the_part(
    bench: LiveBench, player: Player
) -> None:
    bench.camera.pictures(70)
    asking = asyncio.create_task(player.playlist("?_HLS_msn=1&_HLS_part=1"))
    await player.until_it_waits()
    bench.camera.pictures(1)
    await asyncio.sleep(0.02)  # nothing comes of it
    assert not asking.done()
    bench.camera.pictures(4)
    assert re.search('PART:DURATION=.*,URI="part-1-1.m4s"', await asking)


async def test_playlist_of_a_segment_comes_when_it_is_complete(
    bench: LiveBench, player: Player
) -> None:
    bench.camera.pictures(48)
    asking = asyncio.create_task(player.playlist("?_HLS_msn=0"))
    await player.until_it_waits()
    bench.camera.pictures(1)
    await asyncio.sleep(0.02)  # nothing comes of it
    assert not asking.done()
    bench.camera.pictures(1)
    assert "segment-0.m4s" in await asking


async def test_part_that_was_promised_is_waited_for(bench: LiveBench, player: Player) -> None:
    bench.camera.pictures(65)
    text = await player.playlist()
    (hinted,) = re.findall(r'PRELOAD-HINT:TYPE=PART,URI="([^"]+)"', text)
    asking = asyncio.create_task(player.file(hinted))
    await player.until_it_waits()
    await asyncio.sleep(0.02)  # nothing comes of it
    assert not asking.done()
    bench.camera.pictures(15)
    assert read_fragments(await asking)


async def test_other_codec_begins_anew_in_the_same_playlist(
    bench: LiveBench, player: Player
) -> None:
    bench.camera.pictures(30)
    hevc = next(clip_units(VideoCodec.H265))
    for number in range(20):
        bench.stream.publish(replace(hevc, pts=bench.camera.pts + number * 6000))
    text = await player.playlist()
    assert "#EXT-X-DISCONTINUITY\n" in text
    assert b"hvcC" in await player.file("init-2.mp4")


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("?_HLS_part=1", "`_HLS_part` needs `_HLS_msn`"),
        ("?_HLS_msn=3", "`_HLS_msn` is too far ahead"),
        ("?_HLS_msn=x", "`_HLS_msn` is wrong; allowed: a number"),
        ("?_HLS_msn=0&_HLS_part=-1", "`_HLS_part` is wrong; allowed: a number"),
    ],
)
async def test_wish_that_makes_no_sense_is_refused(player: Player, query: str, words: str) -> None:
    assert await player.refusal(f"stream.m3u8{query}") == (400, "bad_request", words)


@pytest.mark.parametrize(
    "name",
    [
        "segment-0.m4s",
        "segment-7.m4s",
        "init-2.mp4",
        "part-0-9.m4s",
        "part-3-0.m4s",
        "index.html",
        "segment-.m4s",
        "segment-\u0661.m4s",
    ],
)
async def test_what_is_not_there_is_not_found(player: Player, name: str) -> None:
    status, code, words = await player.refusal(name)
    assert (status, code) == (404, "not_found")
    assert "stream.m3u8" in words


async def test_session_that_is_not_there_is_not_found(player: Player) -> None:
    player.folder = f"{PATH}/hls/nobody"
    status, _, words = await player.refusal("stream.m3u8")
    assert status == 404
    assert "index.m3u8" in words


async def test_waiting_has_an_end_with_words(
    bench: LiveBench, player: Player, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(route, "BLOCK_S", 0.02)
    monkeypatch.setattr(route, "FIRST_S", 0.02)
    status, code, words = await player.refusal("stream.m3u8")  # nothing but one picture yet
    assert (status, code) == (503, "no_picture")
    bench.stream.source_lost()
    assert (await player.refusal("stream.m3u8?_HLS_msn=1"))[0] == 503
    assert words.startswith("Starting: ")


async def test_video_that_cannot_be_written_is_refused_in_words(bench: LiveBench) -> None:
    asking = asyncio.create_task(Player(bench).get(INDEX))
    await until(bench.run.server.players)
    bench.stream.publish(video_unit(0, key=True, track=H265))  # its parameter sets are nonsense
    status, body = await asking
    assert status == 503
    assert b"this video cannot be shown: " in body
    bench.run.server.sweep()
    assert bench.run.server.players() == []
    await until(lambda: bench.stream.state is DemandState.IDLE)


# ---------------------------------------------------------------- sessions


async def test_player_is_one_session_however_often_it_asks(
    bench: LiveBench, player: Player
) -> None:
    folder = player.folder
    await player.open()
    assert player.folder == folder
    bench.camera.pictures(60)
    body = await player.file("segment-0.m4s")
    (found,) = bench.run.server.players()
    assert (found.camera, found.kind, found.path) == (CAMERA, "sub", INDEX)
    assert (found.transport, found.number) == (Transport.HLS, 1)
    assert found.bytes_sent > len(body)
    async with bench.run.client.get(INDEX, headers={"User-Agent": "another"}) as answer:
        assert answer.status == 200
    assert len(bench.run.server.players()) == 2


async def test_stream_is_let_go_when_nobody_asks_any_more() -> None:
    clock = ManualClock()
    async with live_bench(stand_in=PATIENT, clock=clock) as bench:
        player = Player(bench)
        await player.open()
        for _ in range(3):
            clock.advance(9.0)
            bench.run.server.sweep()
            assert bench.stream.state is not DemandState.IDLE
            await player.file("init-1.mp4")
        clock.advance(10.0)
        bench.run.server.sweep()
        assert bench.run.server.players() == []
        await until(lambda: bench.stream.state is DemandState.IDLE)
        assert (await player.refusal("stream.m3u8"))[0] == 404


async def test_who_waits_is_not_gone() -> None:
    clock = ManualClock()
    async with live_bench(stand_in=PATIENT, clock=clock) as bench:
        player = Player(bench)
        await player.open()
        asking = asyncio.create_task(player.playlist())
        await player.until_it_waits()
        clock.advance(11.0)
        bench.run.server.sweep()
        bench.camera.pictures(60)
        assert "#EXTINF" in await asking


async def test_kicked_player_must_begin_anew(bench: LiveBench, player: Player) -> None:
    asking = asyncio.create_task(player.refusal("stream.m3u8"))
    await player.until_it_waits()
    assert bench.run.server.kick(1)
    assert not bench.run.server.kick(1)
    assert await asking == (503, "no_picture", "ended by an operator")
    assert (await player.refusal("stream.m3u8"))[0] == 404
    await until(lambda: bench.stream.state is DemandState.IDLE)


async def test_viewers_of_both_ways_share_the_limit() -> None:
    settings = replace(OPEN, limits=HttpLimits(max_viewers=1))
    async with live_bench(settings, stand_in=PATIENT) as bench:
        async with bench.run.client.ws_connect(LIVE_PATH):
            await until(bench.run.server.players)
            status, body = await Player(bench).get(INDEX)
            assert status == 503
            assert b'"busy"' in body
        await until(lambda: not bench.run.server.players())
        await Player(bench).open()


async def test_permission_that_is_withdrawn_ends_the_session() -> None:
    view = FakeView(access_by_camera={CAMERA: Access(anonymous=False, users=frozenset({"viewer"}))})
    async with live_bench(LOGIN, stand_in=PATIENT, view=view) as bench:
        player = Player(bench)
        assert (await player.get(INDEX))[0] == 401
        assert await bench.run.log_in("viewer") == 204
        await player.open()
        asking = asyncio.create_task(player.get(f"{player.folder}/stream.m3u8"))
        await player.until_it_waits()
        view.access_by_camera[CAMERA] = Access(anonymous=False)
        bench.camera.pictures(60)
        assert (await asking)[0] == 404  # also for who waited
        assert (await player.get(f"{player.folder}/stream.m3u8"))[0] == 404
        bench.run.server.sweep()
        assert bench.run.server.players() == []


async def test_session_ends_with_its_stream(bench: LiveBench, player: Player) -> None:
    bench.run.view.streams.clear()
    bench.run.server.sweep()
    assert bench.run.server.players() == []
    assert (await player.get(INDEX))[0] == 503


async def test_camera_that_comes_back_goes_on_in_the_same_session(
    bench: LiveBench, player: Player
) -> None:
    bench.camera.pictures(60)
    bench.stream.source_lost()
    text = await player.playlist()
    assert text.count("#EXTINF") == 2  # what was begun is complete
    bench.camera.until_key()
    bench.camera.pts += 5 * VIDEO_CLOCK_RATE
    bench.camera.pictures(60)
    assert "#EXT-X-DISCONTINUITY\n" in await player.playlist()


# ---------------------------------------------------------------- a player of others


@pytest.mark.foreign
async def test_ffmpeg_plays_the_playlist(bench: LiveBench) -> None:
    need_programs("ffmpeg")
    feeding = asyncio.create_task(_feed(bench))
    try:
        process = await asyncio.create_subprocess_exec(
            *("ffmpeg", "-v", "warning", "-i", f"{bench.run.url}{INDEX}", "-t", "5"),
            *("-f", "framemd5", "-"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(40):
            out, complaints = await process.communicate()
    finally:
        feeding.cancel()
    assert process.returncode == 0, complaints.decode()
    lines = [line.split(",") for line in out.decode().splitlines() if line[0] != "#"]
    pictures = [line for line in lines if line[0].strip() == "0"]
    sound = [line for line in lines if line[0].strip() == "1"]
    assert 70 <= len(pictures) <= 80  # 15 a second
    assert len({line[5] for line in pictures}) > 60  # and they move
    assert len(sound) > 70
    assert b"error" not in complaints.lower(), complaints.decode()


async def _feed(bench: LiveBench) -> None:
    """Publish a clip with sound as a camera does, four times as fast."""
    loop, frames = asyncio.get_running_loop(), aac_units()
    frame = next(frames)
    begin_s = loop.time()
    for unit in clip_units(VideoCodec.H264):
        due_s = (unit.pts - 90_000) / VIDEO_CLOCK_RATE
        await asyncio.sleep(max(0.0, begin_s + due_s / 4 - loop.time()))
        bench.stream.publish(unit)
        while frame.pts / 16_000 - 1 <= due_s:
            bench.stream.publish(frame)
            frame = next(frames)
