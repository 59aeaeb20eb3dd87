"""Simulated cameras on loopback sockets."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from neolink.baichuan.bcmedia import BcMediaReader, VideoPacket
from neolink.baichuan.client import ClientProtocol
from neolink.baichuan.events import Event, LoggedIn, LoginRefused, MediaBytes, Pushed
from neolink.baichuan.ids import MessageId, StreamType
from neolink.baichuan.login import Credentials
from neolink.baichuan.xml import parse_body, serialize_body
from neolink.baichuan.xml.events import AlarmEventList
from neolink.baichuan.xml.network import LinkType
from neolink.baichuan.xml.streams import Preview
from neolink.errors import ConfigError
from neolink.media.tracks import StreamKind
from neolink.simulator.faults import Refuse
from neolink.simulator.profile import CameraProfile
from neolink.simulator.scenario import Scenario
from neolink.simulator.server import SimulatedCamera, run_cameras

PASSWORD = "secret"
PROFILE = CameraProfile(password=PASSWORD)


class Viewer:
    """A client on a socket; reads only while it waits for something."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._client = ClientProtocol(Credentials("admin", PASSWORD))
        self._media = BcMediaReader(strict=True)
        self.frames = 0

    async def until(self, is_it: Callable[[Event], bool]) -> Event:
        async with asyncio.timeout(5):
            while True:
                found = [one for one in await self._receive() if is_it(one)]
                if found:
                    return found[0]

    async def log_in(self) -> Event:
        self._client.start_login()
        await self._send()
        return await self.until(lambda one: isinstance(one, LoggedIn | LoginRefused))

    async def request(self, message_id: int, body: bytes = b"") -> None:
        self._client.request(message_id, body=body)
        await self._send()

    async def start(self, stream: StreamType = StreamType.MAIN) -> None:
        body = serialize_body(Preview(0, stream.handle, stream.wire_name))
        await self.request(MessageId.PREVIEW_START, body)

    async def watch(self, frames: int) -> None:
        """Read until so many pictures more have come."""
        target = self.frames + frames
        async with asyncio.timeout(5):
            while self.frames < target:
                await self._receive()

    async def see_end(self) -> None:
        """Read to the end of the connection."""
        async with asyncio.timeout(5):
            try:
                while await self._reader.read(65536):
                    pass
            except ConnectionError:
                pass

    async def _receive(self) -> list[Event]:
        data = await self._reader.read(65536)
        if not data:
            raise ConnectionResetError
        events = self._client.receive_data(data)
        await self._send()
        for event in events:
            if isinstance(event, MediaBytes):
                packets = self._media.feed(event.data)
                self.frames += sum(isinstance(one, VideoPacket) for one in packets)
        return events

    async def _send(self) -> None:
        self._writer.write(self._client.data_to_send())
        await self._writer.drain()


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Viewer]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Viewer(reader, writer)
    finally:
        writer.transport.abort()


@asynccontextmanager
async def watching(camera: SimulatedCamera) -> AsyncIterator[Viewer]:
    async with connected(camera.port) as viewer:
        assert isinstance(await viewer.log_in(), LoggedIn)
        await viewer.start()
        await viewer.watch(1)
        yield viewer


async def test_pictures_are_sent_at_the_speed_of_the_clip_and_never_faster() -> None:
    began_s = time.monotonic()
    async with SimulatedCamera(PROFILE) as camera, watching(camera) as viewer:
        await viewer.watch(25)
        sent, lasted_s = camera.stats.frames_sent[0, StreamKind.MAIN], time.monotonic() - began_s
    assert 26 <= sent <= 25 * lasted_s + 1
    assert camera.stats.open_connections == 0


async def test_wait_for_returns_at_the_event() -> None:
    async with SimulatedCamera(PROFILE) as camera, connected(camera.port) as viewer:
        waiting = asyncio.create_task(camera.wait_for(lambda stats: stats.pings == 1))
        await viewer.log_in()
        assert not waiting.done()
        await viewer.request(MessageId.PING)
        await waiting


async def test_wait_for_that_comes_to_nothing_shows_the_counters() -> None:
    async with SimulatedCamera(PROFILE) as camera:
        with pytest.raises(TimeoutError, match="logins=0"):
            await camera.wait_for(lambda stats: stats.logins > 0, 0.01)


async def test_disconnect_is_noticed() -> None:
    async with SimulatedCamera(PROFILE) as camera:
        async with watching(camera):
            assert camera.stats.active_streams == {(0, "main"): 1}
        await camera.wait_for(lambda stats: stats.open_connections == 0)
        assert not camera.stats.active_streams


async def test_cut_resets_the_connection_and_a_new_one_works() -> None:
    async with SimulatedCamera(PROFILE) as camera:
        async with watching(camera) as viewer:
            camera.cut()
            await viewer.see_end()
        async with watching(camera) as viewer:
            await viewer.watch(2)
        assert camera.stats.connections == 2


async def test_silent_camera_accepts_connections() -> None:
    async with SimulatedCamera(PROFILE) as camera:
        camera.silence()
        async with connected(camera.port) as viewer:
            login = asyncio.create_task(viewer.log_in())
            await camera.wait_for(lambda stats: stats.open_connections == 1)
            assert not login.done()
            login.cancel()
        camera.resume()
        async with watching(camera) as viewer:
            await viewer.watch(2)


async def test_refusing_camera_keeps_its_clients_and_its_port() -> None:
    async with SimulatedCamera(PROFILE) as camera, watching(camera) as viewer:
        port = camera.port
        camera.begin(Refuse())
        await viewer.watch(2)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        camera.resume()
        await viewer.watch(2)
        async with watching(camera):
            assert camera.port == port


async def test_motion_is_pushed_to_a_subscriber() -> None:
    async with SimulatedCamera(PROFILE) as camera, connected(camera.port) as viewer:
        await viewer.log_in()
        await viewer.request(MessageId.ALARM_SUBSCRIBE)
        await camera.wait_for(lambda stats: stats.requests[MessageId.ALARM_SUBSCRIBE] == 1)
        camera.push_motion(0, "MD", "people")
        pushed = await viewer.until(
            lambda one: isinstance(one, Pushed) and one.message_id == MessageId.ALARM_EVENTS
        )
        assert isinstance(pushed, Pushed)
        alarms = parse_body(pushed.body).get(AlarmEventList)
        assert alarms is not None
        (event,) = alarms.events
        assert event.kinds == {"MD", "people"}
        assert (event.channel_id, event.recording, event.time_stamp) == (0, 0, 0)


async def test_motion_comes_by_itself_and_ends() -> None:
    profile = CameraProfile(password=PASSWORD, motion_every_s=0.1)
    kinds: list[frozenset[str]] = []
    async with SimulatedCamera(profile) as camera, connected(camera.port) as viewer:
        await viewer.log_in()
        await viewer.request(MessageId.ALARM_SUBSCRIBE)
        while len(kinds) < 2:
            pushed = await viewer.until(lambda one: isinstance(one, Pushed))
            assert isinstance(pushed, Pushed)
            alarms = parse_body(pushed.body).get(AlarmEventList)
            if alarms is not None:
                kinds.append(alarms.events[0].kinds)
    assert set(kinds) == {frozenset({"MD", "people"}), frozenset()}


async def test_anything_can_be_pushed() -> None:
    async with SimulatedCamera(PROFILE) as camera, connected(camera.port) as viewer:
        await viewer.log_in()
        camera.push(MessageId.NET_INFO, serialize_body(LinkType("LAN")))
        await viewer.until(
            lambda one: isinstance(one, Pushed) and one.message_id == MessageId.NET_INFO
        )


async def test_client_that_does_not_read_costs_the_others_nothing() -> None:
    profile = CameraProfile(password=PASSWORD, frame_rate=250)
    async with (
        SimulatedCamera(profile) as camera,
        watching(camera),  # never reads again
        watching(camera) as viewer,
    ):
        await camera.wait_for(lambda stats: bool(stats.requests))
        began = viewer.frames
        await viewer.watch(100)
        assert viewer.frames - began >= 100


async def test_scenario_plays_from_the_start() -> None:
    scenario = Scenario.parse('[[fault]]\nat_s = 0.3\nname = "cut"')
    async with (
        SimulatedCamera(PROFILE, scenario=scenario) as camera,
        connected(camera.port) as viewer,
    ):
        await viewer.log_in()
        await viewer.see_end()
        assert camera.stats.logins == 1


async def test_closing_ends_connections_and_tasks() -> None:
    before = asyncio.all_tasks()
    async with SimulatedCamera(PROFILE) as camera:
        stack = watching(camera)
        viewer = await stack.__aenter__()
    await viewer.see_end()
    await stack.__aexit__(None, None, None)
    assert camera.stats.open_connections == 0
    assert asyncio.all_tasks() == before
    with pytest.raises(OSError, match="Connect call failed"):
        await asyncio.open_connection("127.0.0.1", camera.port)


async def test_port_in_use_is_named() -> None:
    async with SimulatedCamera(PROFILE) as camera:
        with pytest.raises(ConfigError, match=f"127.0.0.1:{camera.port}: Address already in use"):
            async with SimulatedCamera(PROFILE, port=camera.port):
                pass


async def test_several_cameras_run_until_cancelled() -> None:
    ports: list[int] = []
    ready = asyncio.Event()

    def on_ready(cameras: object) -> None:
        assert isinstance(cameras, list)
        ports.extend(camera.port for camera in cameras)
        ready.set()

    running = asyncio.create_task(run_cameras([PROFILE] * 3, on_ready=on_ready))
    await ready.wait()
    assert len(set(ports)) == 3
    for port in ports:
        async with connected(port) as viewer:
            assert isinstance(await viewer.log_in(), LoggedIn)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_cameras_stand_on_consecutive_ports() -> None:
    host = "127.93.11.7"  # an address of its own, so that the next port is free
    async with SimulatedCamera(PROFILE, host=host) as found:
        first = found.port
    ready: asyncio.Future[list[int]] = asyncio.get_running_loop().create_future()
    running = asyncio.create_task(
        run_cameras(
            [PROFILE] * 2,
            host=host,
            port=first,
            on_ready=lambda cameras: ready.set_result([camera.port for camera in cameras]),
        )
    )
    try:
        assert await ready == [first, first + 1]
    finally:
        running.cancel()
        await asyncio.wait([running])


def test_camera_runs_on_uvloop() -> None:
    uvloop = pytest.importorskip("uvloop")

    async def watch() -> None:
        async with SimulatedCamera(PROFILE) as camera, watching(camera) as viewer:
            await viewer.watch(3)

    uvloop.run(watch())
