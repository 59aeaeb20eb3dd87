"""Health, HTTP and StatsD beside a real bridge: joined, told, followed, and gone at the end."""

import asyncio
import logging
import socket
from dataclasses import replace

import pytest
from aiohttp import ClientSession, WSMsgType

from neolink.health.values import BridgeHealth, CameraHealth, Health, HealthState
from neolink.media.tracks import StreamKind
from neolink.metrics.settings import StatsdSettings
from neolink.readings import Transport
from neolink.simulator.faults import Stall
from neolink.simulator.profile import CameraProfile
from neolink.web.settings import HttpSettings
from support.bridge import HOST, RunningBridge, running_bridge
from support.rtsp_client import RtspClient
from support.waiting import until

PORCH = CameraProfile(name="porch")
HTTP = HttpSettings()


def health_of(state: HealthState, *reasons: str) -> BridgeHealth:
    camera = CameraHealth("porch", Health(state, reasons, 0.0, ""), {})
    return BridgeHealth(state, reasons, (camera,))


def watching(running: RunningBridge) -> dict[Transport, int]:
    """Return the number of each player of the sub stream, by transport."""
    (camera,) = running.bridge.observer.read().cameras
    (sub,) = [one for one in camera.streams if one.kind is StreamKind.SUB]
    return {one.transport: one.number for one in sub.players}


async def test_a_page_sees_the_players_of_the_bridge_and_ends_one() -> None:
    async with (
        running_bridge(PORCH, http=HTTP) as running,
        ClientSession(running.page_url) as client,
        RtspClient(running.url("porch", "sub")) as player,
    ):
        await player.watch(0)
        await player.until(lambda: len(player.tracks[0].packets) > 5)
        async with client.get("/api/v1/players") as answer:
            (seen,) = (await answer.json())["players"]
        assert (seen["camera"], seen["kind"], seen["is_playing"]) == ("porch", "sub", True)
        async with client.delete(f"/api/v1/players/{seen['number']}") as answer:
            assert answer.status == 204
        await until(lambda: not list(running.bridge.rtsp.players()))


async def test_who_watches_in_a_browser_is_a_player_like_others_and_can_be_ended() -> None:
    async with (
        running_bridge(PORCH, http=HTTP) as running,
        ClientSession(running.page_url) as client,
        client.ws_connect("/api/v1/cameras/porch/streams/sub/live") as socket,
        RtspClient(running.url("porch", "sub")) as player,
    ):
        assert (await socket.receive()).type is WSMsgType.TEXT
        await player.watch(0)
        await player.until(lambda: len(player.tracks[0].packets) > 5)
        await until(lambda: len(watching(running)) == 2)
        transports = watching(running)
        assert set(transports) == {Transport.WEBSOCKET, Transport.TCP}
        assert len(set(transports.values())) == 2
        assert running.bridge.kick(transports[Transport.WEBSOCKET])
        async with asyncio.timeout(5):
            while (await socket.receive()).type not in (WSMsgType.CLOSE, WSMsgType.CLOSED):
                pass
        assert running.camera.stats.video_starts == {(0, StreamKind.SUB): 1}


async def test_a_browser_is_shown_at_once_what_a_recorder_watches() -> None:
    async with (
        running_bridge(PORCH, http=HTTP) as running,
        ClientSession(running.page_url) as client,
        RtspClient(running.url("porch", "sub")) as player,
    ):
        await player.watch(0)
        await player.until(lambda: len(player.tracks[0].packets) > 20)
        running.camera.begin(Stall())  # no key frame will come
        async with (
            asyncio.timeout(2),
            client.ws_connect("/api/v1/cameras/porch/streams/sub/live") as socket,
        ):
            kinds = [(await socket.receive()).type for _ in range(4)]
    assert kinds == [WSMsgType.TEXT, WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.BINARY]


async def test_what_a_camera_is_about_is_among_its_lines(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "neolink")
    async with running_bridge(PORCH, http=HTTP) as running, ClientSession() as client:
        await running.camera.wait_for(lambda stats: stats.logins == 1)
        await until(lambda: running.bridge.onlookers.view.lines("porch", 10))
        async with client.get(f"{running.page_url}api/v1/cameras/porch/log") as answer:
            texts = [line["text"] for line in (await answer.json())["lines"]]
        assert "connected and logged in" in texts


async def test_a_stream_that_was_seen_gives_its_key_frame_to_the_page() -> None:
    async with running_bridge(PORCH, http=HTTP) as running:
        view = running.bridge.onlookers.view
        assert view.key_frame("porch", StreamKind.SUB) is None
        with running.bridge.streams["porch", StreamKind.SUB].hold():
            await until(lambda: view.key_frame("porch", StreamKind.SUB))
        assert view.stream("porch", StreamKind.SUB)
        assert view.stream("nobody", StreamKind.SUB) is None
        assert view.access("nobody") is None


async def test_without_http_there_is_no_port_and_no_page() -> None:
    async with running_bridge(PORCH) as running:
        assert running.bridge.onlookers.web is None
        assert not running.bridge.kick(1)


async def test_other_users_are_taken_at_once_and_the_rest_is_told_to_wait(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with running_bridge(PORCH, http=HTTP) as running, ClientSession() as client:
        settings = running.bridge.settings
        token = "a long enough token"
        http = replace(HTTP, bind=HOST, port=0, needs_login=True, token=token)
        await running.bridge.reload(replace(settings, http=http, statsd=StatsdSettings()))
        url = f"{running.page_url}api/v1/cameras"
        async with client.get(url) as answer:
            assert answer.status == 401
        async with client.get(url, headers={"Authorization": f"Bearer {token}"}) as answer:
            assert answer.status == 200
        await running.bridge.reload(replace(settings, http=None))
    assert "[http]: takes effect after a restart" in caplog.messages
    assert "[statsd]: takes effect after a restart" in caplog.messages


async def test_counters_are_pushed_where_the_settings_say() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind((HOST, 0))
        receiver.setblocking(False)
        port = receiver.getsockname()[1]
        statsd = StatsdSettings(host=HOST, port=port, interval_s=0.05)
        async with running_bridge(PORCH, statsd=statsd):
            loop = asyncio.get_running_loop()
            async with asyncio.timeout(5):
                datagram = await loop.sock_recv(receiver, 2048)
    assert datagram.startswith(b"neolink.")


async def test_each_change_of_health_is_told_once_and_says_why(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "neolink.onlookers")
    async with running_bridge(PORCH) as running:
        tell = running.bridge.onlookers.tell
        for health in (
            health_of(HealthState.OK),
            health_of(HealthState.OFFLINE, "it does not answer"),
            health_of(HealthState.OFFLINE, "it does not answer"),
            health_of(HealthState.OK),
            health_of(HealthState.ASLEEP),
        ):
            tell(health)
    told = [one for one in caplog.records if one.name == "neolink.onlookers"]
    assert [(one.levelname, one.getMessage()) for one in told] == [
        ("WARNING", "offline: it does not answer"),
        ("INFO", "ok again"),
    ]
    assert {vars(one)["camera"] for one in told} == {"porch"}


async def test_nothing_of_it_outlives_the_bridge() -> None:
    before = list(logging.getLogger("neolink").handlers)
    running: RunningBridge
    async with running_bridge(PORCH, http=HTTP, statsd=StatsdSettings()) as running:
        web = running.bridge.onlookers.web
        assert web is not None
        port = web.port
    assert logging.getLogger("neolink").handlers == before
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(HOST, port)
