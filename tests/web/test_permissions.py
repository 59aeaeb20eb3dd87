"""Who may not watch a camera does not learn that it exists, whatever is asked."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Final

import pytest

from neolink.media.tracks import StreamKind
from neolink.readings import BridgeReading
from neolink.rtsp_server.settings import Access
from neolink.web.routes import ROUTES
from support.readings import (
    bridge_reading,
    camera_reading,
    player_reading,
    process_reading,
    stream_reading,
)
from support.web_bench import (
    BEARER,
    LOGIN,
    OWN,
    FakeLine,
    FakeView,
    RunningServer,
    next_event,
    running_server,
)

SECRET: Final = "vault"
"""Name of the camera that only ``guest`` may watch. The name is in nothing else."""

STREAM: Final = f"/api/v1/cameras/{SECRET}/streams/main"
OF_ONE_CAMERA: Final = {
    "/api/v1/cameras/{name}": f"/api/v1/cameras/{SECRET}",
    "/api/v1/cameras/{name}/log": f"/api/v1/cameras/{SECRET}/log",
    "/api/v1/cameras/{name}/snapshot.jpg": f"/api/v1/cameras/{SECRET}/snapshot.jpg",
    "/api/v1/cameras/{name}/streams/{kind}/history": f"{STREAM}/history",
    "/api/v1/cameras/{name}/streams/{kind}/live": f"{STREAM}/live",
    "/api/v1/cameras/{name}/streams/{kind}/hls/index.m3u8": f"{STREAM}/hls/index.m3u8",
    "/api/v1/cameras/{name}/streams/{kind}/hls/{session}/{file}": f"{STREAM}/hls/x/stream.m3u8",
    "/api/v1/players/{number}": "/api/v1/players/2",
}
"""What names one camera: answered 404."""

OF_ALL_CAMERAS: Final = (
    "/health",
    "/metrics",
    "/api/v1/cameras",
    "/api/v1/players",
    "/api/v1/process",
)
"""What tells of all cameras: this one is left out."""

OF_NO_CAMERA: Final = ("/", "/static/{file:.+}", "/healthz", "/readyz", "/api/v1/openapi.json")
TESTED_BY_THEMSELVES: Final = ("/api/v1/session", "/api/v1/events")


def reading() -> BridgeReading:
    ill = camera_reading(
        SECRET,
        last_error=f"{SECRET}: no answer",
        streams=(
            stream_reading(
                SECRET,
                fps=3.0,
                players=(player_reading(2, SECRET, agent=f"spy on {SECRET}", user=SECRET),),
            ),
        ),
    )
    porch = camera_reading(
        streams=(stream_reading(players=(player_reading(1),)), stream_reading(kind=StreamKind.SUB))
    )
    process = process_reading(restarts={f"camera {SECRET}": 7, "camera porch": 2, "rtsp": 1})
    return replace(bridge_reading(0, 0, process=process), cameras=(porch, ill))


@pytest.fixture
async def bridge() -> AsyncIterator[RunningServer]:
    """Return a server with two cameras, as ``viewer``, who may not watch the secret one."""
    view = FakeView(reading())
    view.access_by_camera = {
        "porch": Access(anonymous=False, users=frozenset({"viewer", "guest"})),
        SECRET: Access(anonymous=False, users=frozenset({"guest"})),
    }
    view.log = {SECRET: [FakeLine(1.7e9, f"{SECRET} was opened")]}
    view.jpeg = b"\xff\xd8 a picture \xff\xd9"
    async with running_server(view, LOGIN) as running:
        assert await running.log_in("viewer") == 204
        yield running


def test_every_route_is_in_one_of_the_groups_of_these_tests() -> None:
    grouped = {*OF_ONE_CAMERA, *OF_ALL_CAMERAS, *OF_NO_CAMERA, *TESTED_BY_THEMSELVES}
    assert {route.path for route in ROUTES} == grouped


def test_whatever_tells_of_a_camera_needs_a_login() -> None:
    for route in ROUTES:
        is_open = route.path in {*OF_NO_CAMERA, "/api/v1/session"}
        assert route.is_open is is_open, route.path


@pytest.mark.parametrize("path", [*OF_ONE_CAMERA.values(), *OF_ALL_CAMERAS, "/api/v1/events"])
async def test_without_a_login_nothing_is_told(bridge: RunningServer, path: str) -> None:
    method = "DELETE" if "players/" in path else "GET"
    bridge.client.cookie_jar.clear()
    async with bridge.client.request(method, path, headers=OWN) as answer:
        assert answer.status == 401
        assert SECRET not in await answer.text()
    assert (bridge.view.kicked, bridge.view.asked) == ([], 0)


@pytest.mark.parametrize("path", OF_ONE_CAMERA.values())
async def test_what_names_a_camera_of_others_is_not_found(bridge: RunningServer, path: str) -> None:
    method = "DELETE" if "players/" in path else "GET"
    async with bridge.client.request(method, path, headers=OWN) as answer:
        assert answer.status == 404
        told = await answer.json()
    missing = path.replace(SECRET, "no-such").replace("players/2", "players/999")
    async with bridge.client.request(method, missing, headers=OWN) as answer:
        assert answer.status == 404
        assert await answer.json() == told, "it must look as if the camera did not exist"
    assert bridge.view.kicked == []
    assert bridge.view.asked == 0


@pytest.mark.parametrize("path", OF_ALL_CAMERAS)
async def test_what_tells_of_all_cameras_leaves_those_of_others_out(
    bridge: RunningServer, path: str
) -> None:
    async with bridge.client.get(path) as answer:
        text = await answer.text()
        assert SECRET not in text
        if path != "/api/v1/process":
            assert "porch" in text
    async with bridge.client.get(path, headers=BEARER) as answer:
        assert SECRET in await answer.text(), "the token sees it"
    assert await bridge.log_in("guest") == 204
    async with bridge.client.get(path) as answer:
        assert SECRET in await answer.text(), "who may watch it sees it"


async def test_health_is_that_of_the_cameras_that_are_seen(bridge: RunningServer) -> None:
    seen = await bridge.json("/health")
    assert (seen["state"], seen["reasons"]) == ("ok", [])
    everything = await bridge.json("/health", BEARER)
    assert everything["state"] == "degraded"
    assert everything["reasons"][0].startswith(f"{SECRET}: ")


async def test_restarts_of_own_cameras_and_of_shared_parts_are_told(bridge: RunningServer) -> None:
    assert (await bridge.json("/api/v1/process"))["restarts"] == {"camera porch": 2, "rtsp": 1}


async def test_players_of_own_cameras_can_be_ended_and_no_others(bridge: RunningServer) -> None:
    assert await bridge.status("/api/v1/players/1", "DELETE", OWN) == 204
    assert await bridge.status("/api/v1/players/2", "DELETE", OWN) == 404
    for odd in ("01", "+1", "1.0", "0x1", "-1", "one", "9" * 30):
        assert await bridge.status(f"/api/v1/players/{odd}", "DELETE", OWN) == 404
    assert bridge.view.kicked == [1]


async def test_events_leave_cameras_of_others_out(bridge: RunningServer, quick: None) -> None:
    async with bridge.client.get("/api/v1/events") as stream:
        _, told = await next_event(stream, "cameras")
        assert [camera["name"] for camera in told["cameras"]] == ["porch"]
        bridge.view.log[SECRET].append(FakeLine(1.7e9 + 1, "of others"))
        bridge.view.log["porch"] = [FakeLine(1.7e9 + 2, "of ours")]
        _, told = await next_event(stream, "log")
        assert told["camera"] == "porch"


async def test_a_camera_that_everybody_may_watch_needs_a_login_here(bridge: RunningServer) -> None:
    bridge.view.access_by_camera[SECRET] = Access(anonymous=True)
    assert await bridge.status(f"/api/v1/cameras/{SECRET}") == 200
    bridge.client.cookie_jar.clear()
    assert await bridge.status(f"/api/v1/cameras/{SECRET}") == 401


async def test_permission_counts_from_the_moment_it_changes(bridge: RunningServer) -> None:
    assert await bridge.status("/api/v1/cameras/porch") == 200
    bridge.view.access_by_camera["porch"] = Access(anonymous=False, users=frozenset({"guest"}))
    assert await bridge.status("/api/v1/cameras/porch") == 404
    assert (await bridge.json("/api/v1/cameras"))["cameras"] == []


async def test_a_camera_that_is_served_nowhere_is_seen_by_the_token_alone() -> None:
    class Nowhere(FakeView):
        def access(self, camera: str) -> None:
            return None

    async with running_server(Nowhere(reading()), LOGIN) as bridge:
        await bridge.log_in("guest")
        assert (await bridge.json("/api/v1/cameras"))["cameras"] == []
        assert len((await bridge.json("/api/v1/cameras", BEARER))["cameras"]) == 2
