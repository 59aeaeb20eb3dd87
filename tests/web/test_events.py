"""News for listeners: who gets what, who is too slow, and when it ends."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from neolink.clock import ManualClock
from neolink.rtsp_server.settings import Access
from neolink.web import stream_events
from neolink.web.events import LINES_PER_LOOK, MAX_LINES, MAX_TEXTS, Events, Listener
from neolink.web.glance import Glance
from support.readings import bridge_reading
from support.waiting import until
from support.web_bench import (
    BEARER,
    HOST,
    LOGIN,
    OPEN,
    OWN,
    FakeLine,
    FakeView,
    next_event,
    running_server,
)

EVENTS = "/api/v1/events"


def everybody(camera: str) -> bool:
    del camera
    return True


class Bench:
    """Events without a server; time passes when told."""

    def __init__(self, cameras: int = 2) -> None:
        self.clock = ManualClock()
        self.view = FakeView(bridge_reading(cameras))
        self.events = Events(self.view, Glance(self.view, self.clock), self.clock)
        self.written = 0

    def write(self, camera: str = "cam1", text: str = "") -> None:
        self.written += 1
        line = FakeLine(1_700_000_000 + self.written, text or f"line {self.written}")
        self.view.log.setdefault(camera, []).append(line)

    async def look(self, seconds: float = 1.0) -> None:
        self.clock.advance(seconds)
        await self.events.look()


def told(listener: Listener) -> list[tuple[str, Any]]:
    """Take the news and return name and data of each event."""
    blocks = [block for block in listener.take().decode().split("\n\n") if block]
    found = []
    for block in blocks:
        name, data = block.split("\n")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def texts(events: list[tuple[str, Any]]) -> list[str]:
    return [data["line"]["text"] for name, data in events if name == "log"]


# ---------------------------------------------------------------- what is told
async def test_the_first_news_are_there_at_once_and_old_lines_are_none() -> None:
    bench = Bench()
    bench.write()
    listener = await bench.events.join(HOST, everybody)
    assert [name for name, _ in told(listener)] == ["cameras"]
    await bench.look()
    assert told(listener) == []


async def test_cameras_are_told_every_two_seconds_and_lines_every_second() -> None:
    bench = Bench()
    listener = await bench.events.join(HOST, everybody)
    told(listener)
    bench.write(text="one")
    await bench.look()
    assert [name for name, _ in told(listener)] == ["log"]
    await bench.look()
    assert [name for name, _ in told(listener)] == ["cameras"]


async def test_lines_of_all_cameras_come_in_the_order_of_time() -> None:
    bench = Bench()
    listener = await bench.events.join(HOST, everybody)
    for camera in ("cam2", "cam1", "cam2"):
        bench.write(camera)
    await bench.look()
    assert texts(told(listener)) == ["line 1", "line 2", "line 3"]


async def test_lines_are_told_once_even_if_the_clock_of_the_host_goes_back() -> None:
    bench = Bench()
    listener = await bench.events.join(HOST, everybody)
    bench.view.log["cam1"] = [FakeLine(2_000_000_000, "before")]
    await bench.look()
    bench.view.log["cam1"].append(FakeLine(1_000_000_000, "after the clock was set"))
    await bench.look()
    await bench.look()
    assert texts(told(listener)) == ["before", "after the clock was set"]


async def test_more_lines_than_one_look_takes_are_cut_to_the_newest() -> None:
    bench = Bench()
    listener = await bench.events.join(HOST, everybody)
    for _ in range(LINES_PER_LOOK + 20):
        bench.write()
    await bench.look()
    assert texts(told(listener)) == [f"line {n}" for n in range(21, LINES_PER_LOOK + 21)]


async def test_each_listener_is_told_the_name_it_knows_us_by() -> None:
    bench = Bench()
    listeners = [await bench.events.join(name, everybody) for name in ("bridge.lan", "[::1]")]
    urls = []
    for listener in listeners:
        (_, news), *_ = told(listener)
        urls.append(news["cameras"][0]["streams"][0]["rtsp_url"])
    assert urls == ["rtsp://bridge.lan:8554/cam1/main", "rtsp://[::1]:8554/cam1/main"]


async def test_cameras_are_described_once_for_all_listeners() -> None:
    bench = Bench(20)
    described = 0
    lines = bench.view.lines

    def counted(camera: str, limit: int) -> Any:
        nonlocal described
        described += camera == "cam20"
        return lines(camera, limit)

    bench.view.act(lines=counted)
    listeners = [await bench.events.join(f"host{n}", everybody) for n in range(50)]
    assert described <= 2
    news = listeners[0].take()
    assert bench.events._edition is not None
    assert bench.events._edition.text("host0", everybody) == news
    for number in range(500):
        bench.events._edition.text(f"other{number}", everybody)
    assert len(bench.events._edition._texts) <= MAX_TEXTS


# ---------------------------------------------------------------- slow listeners
async def test_a_listener_that_takes_nothing_costs_a_bounded_amount_and_is_told_its_losses() -> (
    None
):
    bench = Bench()
    listener = await bench.events.join(HOST, everybody)
    for _ in range(20):
        for _ in range(30):
            bench.write()
        await bench.look()
    assert listener.lost_lines == 600 - MAX_LINES
    events = told(listener)
    assert [name for name, _ in events].count("cameras") == 1, "only the newest list waits"
    assert ("lost", {"lines": 400}) in events
    assert texts(events) == [f"line {n}" for n in range(401, 601)]
    bench.write()
    await bench.look()
    assert "lost" not in dict(told(listener)), "what was told is not told again"


async def test_lines_of_hidden_cameras_neither_wait_nor_count_as_lost() -> None:
    bench = Bench()
    listener = await bench.events.join(HOST, lambda camera: camera == "cam2")
    bench.write("cam2", "ours")
    for _ in range(10):
        for _ in range(50):
            bench.write("cam1")
        await bench.look()
    assert listener.lost_lines == 0
    assert texts(told(listener)) == ["ours"]


async def test_what_may_not_be_seen_any_more_is_not_told_although_it_waited() -> None:
    bench = Bench()
    hidden: set[str] = set()
    listener = await bench.events.join(HOST, lambda camera: camera not in hidden)
    bench.write("cam1")
    await bench.look(2)
    hidden.add("cam1")
    events = told(listener)
    assert texts(events) == []
    assert [one["name"] for one in dict(events)["cameras"]["cameras"]] == ["cam2"]


async def test_nobody_listens_nothing_is_made() -> None:
    bench = Bench()
    task = asyncio.create_task(bench.events.run())
    listener = await bench.events.join(HOST, everybody)
    bench.events.leave(listener)
    bench.events.leave(listener)
    assert len(bench.events) == 0
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


# ---------------------------------------------------------------- over HTTP
async def test_events_flow_while_the_listener_stays(quick: None) -> None:
    clock = ManualClock()
    async with running_server(settings=OPEN, clock=clock) as bridge:
        async with bridge.client.get(EVENTS) as stream:
            assert stream.content_type == "text/event-stream"
            assert stream.headers["Cache-Control"] == "no-store"
            assert stream.headers["X-Accel-Buffering"] == "no"
            await next_event(stream, "cameras")
            bridge.view.log["cam1"] = [FakeLine(1.7e9, 'a "line" with\nbreaks')]
            _, news = await next_event(stream, "log")
            assert news["line"]["text"] == 'a "line" with\nbreaks'
            clock.advance(2)
            await next_event(stream, "cameras")
        await until(lambda: len(bridge.server.context.events) == 0)


async def test_a_silent_stream_has_a_heartbeat(
    quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neolink.web.events.CAMERAS_EVERY_S", 1e9)
    clock = ManualClock()
    async with (
        running_server(settings=OPEN, clock=clock) as bridge,
        bridge.client.get(EVENTS) as stream,
    ):
        await next_event(stream, "cameras")
        clock.advance(14.9)
        bridge.view.log["cam1"] = [FakeLine(1.7e9, "a line is a sign of life too")]
        assert (await next_event(stream))[0] == "log"
        clock.advance(15)
        assert await next_event(stream) == (":", ": still here\n\n")


@pytest.mark.parametrize("how", ["logout", "password", "removed", "token", "expired"])
async def test_the_stream_ends_with_what_let_the_listener_in(quick: None, how: str) -> None:
    clock = ManualClock()
    async with running_server(settings=LOGIN, clock=clock) as bridge:
        await bridge.log_in()
        headers = BEARER if how == "token" else None
        async with bridge.client.get(EVENTS, headers=headers) as stream:
            await next_event(stream, "cameras")
            match how:
                case "logout":
                    await bridge.status("/api/v1/session", "DELETE", OWN)
                case "password":
                    bridge.server.reload(replace(LOGIN, users={"viewer": "another"}))
                case "removed":
                    bridge.server.reload(replace(LOGIN, users={}))
                case "token":
                    bridge.server.reload(replace(LOGIN, token="another"))
                case "expired":
                    bridge.server.context.gate.sessions.age_s = -1
            async with asyncio.timeout(3):
                await stream.content.read()  # up to the end
        assert len(bridge.server.context.events) == 0


async def test_a_reload_that_changes_others_leaves_a_listener_alone(quick: None) -> None:
    async with running_server(settings=LOGIN, clock=ManualClock()) as bridge:
        await bridge.log_in("viewer")
        async with bridge.client.get(EVENTS) as stream:
            await next_event(stream, "cameras")
            users = {**LOGIN.users, "guest": "another"}
            bridge.server.reload(replace(LOGIN, users=users, token="another"))
            bridge.view.log["cam1"] = [FakeLine(1.7e9, "still told")]
            assert (await next_event(stream, "log"))[1]["line"]["text"] == "still told"


async def test_a_camera_disappears_from_an_open_stream_with_its_permission(quick: None) -> None:
    clock = ManualClock()
    async with running_server(settings=LOGIN, clock=clock) as bridge:
        await bridge.log_in("viewer")
        async with bridge.client.get(EVENTS) as stream:
            _, news = await next_event(stream, "cameras")
            assert len(news["cameras"]) == 2
            bridge.view.access_by_camera["cam1"] = Access(anonymous=False)
            clock.advance(2)
            _, news = await next_event(stream, "cameras")
            assert [one["name"] for one in news["cameras"]] == ["cam2"]


async def test_a_listener_that_does_not_read_is_ended(
    quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_events, "WRITE_TIMEOUT_S", 0.05)
    monkeypatch.setattr("neolink.web.events.CAMERAS_EVERY_S", 0.0)
    async with running_server(FakeView(bridge_reading(200)), OPEN) as bridge:
        reader, writer = await asyncio.open_connection(HOST, bridge.server.port, limit=1024)
        writer.write(b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await until(lambda: len(bridge.server.context.events) == 1)
        assert await bridge.status("/healthz") == 200
        await until(lambda: len(bridge.server.context.events) == 0, 10)
        writer.transport.abort()
        del reader


async def test_one_bad_look_ends_neither_the_server_nor_the_stream(
    quick: None, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        running_server(settings=OPEN, clock=ManualClock()) as bridge,
        bridge.client.get(EVENTS) as stream,
    ):
        await next_event(stream, "cameras")
        bridge.view.act(lines=lambda *_: 1 / 0)
        await until(lambda: "could not be made" in caplog.text)
        del vars(bridge.view)["lines"]
        bridge.view.log["cam1"] = [FakeLine(1.7e9, "goes on")]
        assert (await next_event(stream, "log"))[1]["line"]["text"] == "goes on"
    assert caplog.text.count("could not be made") == 1


async def test_who_comes_at_the_same_time_shares_what_is_made_for_the_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = Bench()
    made = 0
    make = bench.events._make_edition

    async def counted() -> object:
        nonlocal made
        made += 1
        return await make()

    monkeypatch.setattr(bench.events, "_make_edition", counted)
    async with asyncio.TaskGroup() as tasks:
        for _ in range(30):
            tasks.create_task(bench.events.join(HOST, everybody))
    assert len(bench.events) == 30
    assert made == 1
