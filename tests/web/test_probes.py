"""What machines ask: alive, ready, healthy, all numbers."""

from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from neolink.camera.status import CameraState
from neolink.readings import BridgeReading
from support.readings import (
    bridge_reading,
    camera_reading,
    player_reading,
    process_reading,
    stream_reading,
)
from support.web_bench import BEARER, LOGIN, FakeView, running_server


def with_process(**changes: object) -> FakeView:
    return FakeView(bridge_reading(process=process_reading(**changes)))


def offline() -> BridgeReading:
    lost = camera_reading(
        "porch",
        state=CameraState.WAITING,
        state_for_s=60.0,
        last_error="no answer from 192.0.2.7:9000",
        last_error_age_s=60.0,
        failures=5,
        next_attempt_in_s=4.0,
        streams=(stream_reading(fps=0.0, bitrate_bps=0.0, last_picture_age_s=61.0),),
    )
    return bridge_reading(2, given=(lost,))


@pytest.mark.parametrize(
    ("path", "view", "status", "words"),
    [
        ("/healthz", with_process(loop_lag_s=0.99), 200, "ok\n"),
        ("/healthz", with_process(loop_lag_s=1.74), 503, "everything is late by 1.7 s\n"),
        ("/healthz", FakeView(offline()), 200, "ok\n"),
        ("/healthz", with_process(is_ready=False), 200, "ok\n"),
        ("/readyz", with_process(), 200, "ready\n"),
        ("/readyz", with_process(is_ready=False), 503, "not ready: the ports are not open yet\n"),
        ("/readyz", FakeView(offline()), 200, "ready\n"),
    ],
)
async def test_probes_say_what_the_process_is_and_nothing_of_cameras(
    path: str, view: FakeView, status: int, words: str
) -> None:
    async with running_server(view, LOGIN) as bridge:
        async with bridge.client.get(path) as answer:
            assert (answer.status, await answer.text()) == (status, words)
        async with bridge.client.head(path) as answer:
            assert (answer.status, await answer.text()) == (status, "")


async def test_health_of_a_bridge_that_is_well() -> None:
    async with running_server() as bridge, bridge.client.get("/health") as answer:
        assert answer.status == 200
        told = await answer.json()
    assert (told["state"], told["reasons"]) == ("ok", [])
    stream = told["cameras"][0]["streams"][0]
    assert (stream["kind"], stream["state"], stream["last_picture_age_s"]) == ("main", "ok", 0.03)


async def test_a_camera_that_is_away_is_told_with_reason_time_and_what_is_done() -> None:
    async with (
        running_server(FakeView(offline())) as bridge,
        bridge.client.get("/health") as answer,
    ):
        assert answer.status == 503
        told = await answer.json()
    assert told["state"] == "offline"
    assert "porch: " in told["reasons"][0]
    camera = told["cameras"][0]
    assert "192.0.2.7:9000" in camera["reasons"][0]
    assert camera["since"].endswith("Z")
    assert "trying again" in camera["doing"]
    assert camera["streams"][0]["last_picture_age_s"] == 61.0
    assert told["cameras"][1]["state"] == "ok"


async def test_a_sleeping_battery_camera_is_healthy() -> None:
    asleep = camera_reading("yard", is_battery=True, state=CameraState.IDLE, state_for_s=900.0)
    view = FakeView(bridge_reading(1, 0, given=(asleep,)))
    async with running_server(view) as bridge, bridge.client.get("/health") as answer:
        assert answer.status == 200
        told = await answer.json()
    assert told["state"] == "ok"
    assert told["cameras"][0]["state"] == "asleep"


async def test_metrics_are_read_by_a_scraper_in_pieces() -> None:
    view = FakeView(bridge_reading(cameras=100, players=400))
    async with running_server(view, LOGIN) as bridge:
        async with bridge.client.get("/metrics", headers=BEARER) as answer:
            assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
            assert answer.headers["Transfer-Encoding"] == "chunked"
            text = await answer.text()
        async with bridge.client.head("/metrics", headers=BEARER) as answer:
            assert (answer.status, await answer.read()) == (200, b"")
        assert await bridge.status("/metrics") == 401
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert len(families["neolink_camera_health"].samples) >= 100


async def test_names_that_players_give_themselves_break_no_answer() -> None:
    rude = player_reading(agent='\udcff"\n\\ </script>\x00', user="\ud800")
    porch = camera_reading(streams=(stream_reading(players=(rude,)),))
    view = FakeView(replace(bridge_reading(0, 0), cameras=(porch,)))
    async with running_server(view) as bridge:
        for path in ("/metrics", "/health", "/api/v1/cameras"):
            assert await bridge.status(path) == 200
        told = await bridge.json("/api/v1/players")
    assert told["players"][0]["agent"] == '?"\n\\ </script>\x00'


async def test_reading_the_bridge_costs_the_same_however_often_it_is_asked() -> None:
    view = FakeView()
    read, count = view.read, 0

    def counted() -> BridgeReading:
        nonlocal count
        count += 1
        return read()

    view.act(read=counted)
    async with running_server(view) as bridge:
        for _ in range(50):
            assert await bridge.status("/healthz") == 200
    assert count < 10
