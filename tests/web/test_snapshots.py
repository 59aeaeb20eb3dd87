"""Still pictures: from the camera, else from the last key frame; shared and bounded."""

import asyncio
import io
import os
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest

from neolink.clock import ManualClock
from neolink.errors import ConnectionLost, RemoteProtocolError
from neolink.media.tracks import StreamKind, VideoCodec
from neolink.media.units import AccessUnit
from neolink.web import snapshots
from neolink.web.pictures import has_decoder, jpeg_of
from neolink.web.snapshots import MAX_JOBS, Busy, NoPicture, Snapshot, Snapshots, Source
from support.media import clip_units, video_unit
from support.waiting import until
from support.web_bench import FakeView, running_server

MAIN, SUB = StreamKind.MAIN, StreamKind.SUB
JPEG = b"\xff\xd8 a picture \xff\xd9"
KEY = video_unit(0, key=True)
PATH = "/api/v1/cameras/cam1/snapshot.jpg"


class Bench:
    """Snapshots without a server; time passes when told."""

    def __init__(self, **view: Any) -> None:
        self.clock = ManualClock()
        self.view = FakeView(**view)
        self.decoded: list[int | None] = []
        self.snapshots = Snapshots(self.view, self.clock, self._decode)

    def _decode(self, unit: AccessUnit, width: int | None) -> bytes:
        del unit
        self.decoded.append(width)
        return b"decoded"

    async def take(
        self, camera: str = "cam1", kind: StreamKind = SUB, width: int | None = None
    ) -> Snapshot:
        return await self.snapshots.take(camera, kind, width=width, key_frame_age_s=1.5)


class Held:
    """A camera (or decoder) that gives its picture when it is let go."""

    def __init__(self) -> None:
        self.asked = 0
        self.go = asyncio.Event()

    async def snapshot(self, camera: str, kind: StreamKind) -> bytes:
        del camera, kind
        self.asked += 1
        await self.go.wait()
        return JPEG


@pytest.fixture
async def held() -> AsyncIterator[tuple[Bench, threading.Event]]:
    """Return snapshots whose decoder waits until an event is set."""
    bench, go = Bench(key=KEY), threading.Event()

    def decode(unit: AccessUnit, width: int | None) -> bytes:
        bench._decode(unit, width)
        assert go.wait(10)
        return b"decoded"

    bench.snapshots._decode = decode
    yield bench, go
    go.set()
    bench.snapshots.close()


# ---------------------------------------------------------------- where it is from
async def test_the_camera_s_own_picture_comes_first() -> None:
    bench = Bench(jpeg=JPEG, key=KEY)
    assert await bench.take() == Snapshot(JPEG, Source.CAMERA, 0.0)
    assert bench.decoded == []


async def test_a_camera_that_makes_none_is_replaced_by_its_key_frame() -> None:
    bench = Bench(key=KEY)
    assert await bench.take() == Snapshot(b"decoded", Source.KEY_FRAME, 1.5)
    bench.snapshots.close()


async def test_a_camera_that_made_none_is_left_alone_for_a_while() -> None:
    bench = Bench(key=KEY)
    for _ in range(3):
        await bench.take()
        bench.clock.advance(9)
    assert bench.view.asked == 1
    bench.clock.advance(10)
    bench.view.jpeg = JPEG
    assert (await bench.take()).source is Source.CAMERA
    bench.snapshots.close()


async def test_without_any_picture_the_words_say_why() -> None:
    bench = Bench()
    with pytest.raises(NoPicture, match="the camera answered 400; and the stream has not shown"):
        await bench.take()


async def test_who_asks_again_and_again_for_nothing_does_not_disturb_the_camera() -> None:
    bench = Bench()
    for _ in range(5):
        with pytest.raises(NoPicture, match="answered 400"):
            await bench.take()
    assert bench.view.asked == 1
    bench.clock.advance(1)
    with pytest.raises(NoPicture):
        await bench.take()
    assert bench.view.asked == 2


@pytest.mark.parametrize("jpeg", [b"", b"\xff\xd8 cut", JPEG + bytes(2000)])
async def test_a_cut_picture_of_the_camera_is_not_shown(jpeg: bytes) -> None:
    bench = Bench(jpeg=jpeg, key=KEY)
    assert (await bench.take()).source is Source.KEY_FRAME
    bench.snapshots.close()


async def test_a_slow_camera_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "CAMERA_TIMEOUT_S", 0.01)
    monkeypatch.setattr(snapshots, "SLOW_CAMERA_TIMEOUT_S", 0.02)
    bench = Bench(key=KEY)
    bench.view.act(snapshot=Held().snapshot)
    assert (await bench.take()).source is Source.KEY_FRAME
    bench.view.key = None
    with pytest.raises(NoPicture, match=r"sent none within 0.02 s"):
        await bench.take("cam2")
    bench.snapshots.close()


async def test_a_connection_that_is_lost_meanwhile_is_a_reason_like_others() -> None:
    bench = Bench(key=KEY)

    async def lost(camera: str, kind: StreamKind) -> bytes:
        raise ConnectionLost("no answer for 10 s")

    bench.view.act(snapshot=lost)
    assert (await bench.take()).source is Source.KEY_FRAME
    bench.snapshots.close()


# ---------------------------------------------------------------- sharing
async def test_many_who_ask_at_once_share_one_picture_of_the_camera() -> None:
    bench, camera = Bench(), Held()
    bench.view.act(snapshot=camera.snapshot)
    asking = [asyncio.create_task(bench.take(width=width)) for width in (None, 160, 640, 3840)]
    await until(lambda: camera.asked)
    camera.go.set()
    assert {taken.jpeg for taken in await asyncio.gather(*asking)} == {JPEG}
    assert camera.asked == 1


async def test_a_picture_is_shown_again_for_a_second_and_then_forgotten() -> None:
    bench = Bench(jpeg=JPEG)
    await bench.take()
    bench.clock.advance(0.9)
    assert (await bench.take(width=640)).age_s == pytest.approx(0.9)
    assert bench.view.asked == 1
    bench.clock.advance(0.2)
    bench.snapshots.sweep()
    assert not bench.snapshots._taken, "megabytes that nobody asks for are let go"
    await bench.take()
    assert bench.view.asked == 2


async def test_wishes_of_a_like_width_share_one_decoded_picture() -> None:
    bench = Bench(key=KEY)
    for width in (500, 640, 601, 641, 5000, None):
        await bench.take(width=width)
    assert bench.decoded == [640, 960, None]
    bench.snapshots.close()


async def test_one_who_leaves_does_not_take_the_picture_from_the_others() -> None:
    bench, camera = Bench(key=KEY), Held()
    bench.view.act(snapshot=camera.snapshot)
    first = asyncio.create_task(bench.take())
    await until(lambda: camera.asked)
    second = asyncio.create_task(bench.take())
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).source is Source.KEY_FRAME
    with pytest.raises(asyncio.CancelledError):
        await first
    bench.snapshots.close()


# ---------------------------------------------------------------- bounds
async def test_one_stream_is_decoded_by_one_thread_at_a_time(
    held: tuple[Bench, threading.Event],
) -> None:
    bench, go = held
    asking = [asyncio.create_task(bench.take(width=width)) for width in (160, 320, 640)]
    await until(lambda: len(bench.decoded) == 1)
    other = asyncio.create_task(bench.take("cam2"))
    await until(lambda: len(bench.decoded) == 2)
    assert bench.decoded == [160, None]
    go.set()
    await asyncio.gather(*asking, other)


async def test_too_many_pictures_at_once_are_refused(held: tuple[Bench, threading.Event]) -> None:
    bench, go = held
    asking = [asyncio.create_task(bench.take(f"cam{n}")) for n in range(MAX_JOBS)]
    await until(lambda: bench.snapshots._jobs == MAX_JOBS)
    with pytest.raises(Busy, match="ask again"):
        await bench.take("one too many")
    go.set()
    await asyncio.gather(*asking)
    await until(lambda: bench.snapshots._jobs == 0)


async def test_a_decoder_that_hangs_is_given_up_but_its_thread_stays_counted(
    held: tuple[Bench, threading.Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "DECODE_TIMEOUT_S", 0.02)
    bench, go = held
    with pytest.raises(Busy, match="took too long"):
        await bench.take()
    assert bench.snapshots._jobs == 1
    go.set()
    await until(lambda: bench.snapshots._jobs == 0)


# ---------------------------------------------------------------- over HTTP
async def test_a_snapshot_is_a_jpeg_that_nobody_may_store() -> None:
    async with running_server(FakeView(jpeg=JPEG)) as bridge, bridge.client.get(PATH) as answer:
        assert (answer.status, answer.content_type) == (200, "image/jpeg")
        assert answer.headers["X-Neolink-Source"] == "camera"
        assert float(answer.headers["X-Neolink-Age-S"]) == pytest.approx(0, abs=0.1)
        assert answer.headers["Cache-Control"] == "no-store"
        assert await answer.read() == JPEG


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("stream=main", 200),
        ("stream=extern", 404),
        ("stream=MAIN", 400),
        ("stream=", 400),
        ("width=16", 200),
        ("width=15", 400),
        ("width=8193", 400),
        ("width=-640", 400),
        ("width=6e2", 400),
        ("width=\u0663\u0662\u0660", 400),
        ("width=" + "9" * 5000, 400),
    ],
)
async def test_wishes_that_cannot_be_met_are_refused(query: str, status: int) -> None:
    async with running_server(FakeView(jpeg=JPEG)) as bridge:
        assert await bridge.status(f"{PATH}?{query}") == status


async def test_no_picture_is_answered_503_with_a_time_to_come_back() -> None:
    async with running_server() as bridge, bridge.client.get(PATH) as answer:
        assert answer.status == 503
        assert answer.headers["Retry-After"] == "5"
        assert (await answer.json())["error"]["code"] == "no_picture"


async def test_a_decoder_that_is_busy_is_answered_503_with_a_shorter_time() -> None:
    async with running_server(FakeView(key=KEY)) as bridge:
        bridge.server.context.snapshots._jobs = MAX_JOBS
        async with bridge.client.get(PATH) as answer:
            assert answer.status == 503
            assert answer.headers["Retry-After"] == "1"
            assert (await answer.json())["error"]["code"] == "busy"


# ---------------------------------------------------------------- real pictures
@pytest.mark.skipif(
    not has_decoder() and not os.environ.get("CI"), reason="the extra `media` is not installed"
)
@pytest.mark.parametrize("codec", list(VideoCodec))
@pytest.mark.parametrize("kind", [SUB, MAIN])
async def test_key_frames_of_real_clips_become_jpegs_of_the_size_asked_for(
    codec: VideoCodec, kind: StreamKind
) -> None:
    unit = next(clip_units(codec, kind))
    track = unit.track
    async with running_server(FakeView(key=unit)) as bridge:
        async with bridge.client.get(PATH) as answer:
            assert answer.headers["X-Neolink-Source"] == "key-frame"
            assert _size(await answer.read()) == (track.width, track.height)
        async with bridge.client.get(f"{PATH}?width=300") as answer:
            assert _size(await answer.read()) == (320, 320 * track.height // track.width // 2 * 2)


@pytest.mark.skipif(
    not has_decoder() and not os.environ.get("CI"), reason="the extra `media` is not installed"
)
def test_a_key_frame_that_is_none_is_refused_in_words() -> None:
    with pytest.raises(RemoteProtocolError, match="the key frame"):
        jpeg_of(KEY)


def _size(jpeg: bytes) -> tuple[int, int]:
    """Decode a JPEG with a decoder of others and return its width and height."""
    import av

    with av.open(io.BytesIO(jpeg), format="jpeg_pipe") as container:
        frame = next(container.decode(video=0))
        return frame.width, frame.height
