"""Cameras under test: one device's life with recorders in place of the hub, and scripted peers.

A :class:`Peer` is the camera's end of a connection where the simulated camera is too well-behaved.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

from neolink.baichuan.crypto import Encryption
from neolink.baichuan.ids import MessageId, Status
from neolink.baichuan.login import Credentials
from neolink.baichuan.server import ClientAuthenticated, Requested, ServerEvent, ServerProtocol
from neolink.baichuan.xml import serialize_body
from neolink.baichuan.xml.login import DeviceInfo
from neolink.camera.settings import CameraSettings
from neolink.camera.status import CameraState
from neolink.camera.stream import CameraStream
from neolink.camera.supervisor import Camera
from neolink.clock import Clock, SystemClock
from neolink.log import RepeatLimiter
from neolink.media.tracks import StreamKind
from neolink.media.units import AccessUnit, AudioFrame, MediaUnit
from neolink.simulator.profile import CameraProfile
from neolink.simulator.server import SimulatedCamera

__all__ = [
    "HOST",
    "PASSWORD",
    "PROFILE",
    "Peer",
    "Recorder",
    "Rig",
    "eventually",
    "rigged",
    "scripted",
    "settings_for",
]

HOST = "127.0.0.1"
PASSWORD = "sesame-7f3a"
PROFILE = CameraProfile(name="porch", password=PASSWORD, info_delay_s=0.0)
WAIT_S = 8.0


async def eventually(
    condition: Callable[[], bool], what: str = "", timeout_s: float = WAIT_S
) -> None:
    """Wait for something nobody announces."""
    try:
        async with asyncio.timeout(timeout_s):
            while not condition():  # noqa: ASYNC110 - a value that announces nothing
                await asyncio.sleep(0.005)
    except TimeoutError:
        raise AssertionError(f"never came: {what or condition}") from None


@dataclass(eq=False)
class Recorder:
    """What one stream gave. ``losses`` counts calls of ``source_lost``."""

    units: list[MediaUnit] = field(default_factory=list)
    losses: int = 0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def pictures(self) -> list[AccessUnit]:
        return [unit for unit in self.units if isinstance(unit, AccessUnit)]

    @property
    def sounds(self) -> list[AudioFrame]:
        return [unit for unit in self.units if isinstance(unit, AudioFrame)]

    def publish(self, unit: MediaUnit) -> None:
        self.units.append(unit)
        self._changed.set()

    def lost(self) -> None:
        self.losses += 1
        self._changed.set()

    async def until(self, condition: Callable[[], bool], timeout_s: float = WAIT_S) -> None:
        """Wait until what was published or lost makes ``condition`` true."""
        try:
            async with asyncio.timeout(timeout_s):
                while not condition():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(
                f"never came; {len(self.units)} units, {self.losses} losses"
            ) from None

    async def until_pictures(self, count: int) -> None:
        """Wait for so many more pictures."""
        wanted = len(self.pictures) + count
        await self.until(lambda: len(self.pictures) >= wanted)


@dataclass(eq=False)
class Rig:
    """One device's life, with a recorder per stream. ``streams`` and ``media`` go together."""

    camera: Camera
    streams: tuple[CameraStream, ...]
    media: tuple[Recorder, ...]
    task: asyncio.Task[None]

    @property
    def stream(self) -> CameraStream:
        return self.streams[0]

    @property
    def main(self) -> Recorder:
        return self.media[0]

    async def until_state(self, state: CameraState, timeout_s: float = WAIT_S) -> None:
        status = self.camera.status
        await eventually(lambda: status.state is state, f"state {state}", timeout_s)

    async def until_connected(self) -> None:
        await self.until_state(CameraState.CONNECTED)

    async def stop(self) -> None:
        """Cancel the camera's life and see it end soon."""
        self.task.cancel()
        _, pending = await asyncio.wait([self.task], timeout=WAIT_S)
        assert not pending, "the camera ignores that it was cancelled"


def settings_for(camera: SimulatedCamera | int, **changes: object) -> CameraSettings:
    """Return settings that reach a camera, or a port."""
    port = camera if isinstance(camera, int) else camera.port
    settings = CameraSettings(name="porch", host=HOST, port=port, password=PASSWORD)
    return replace(settings, **changes)  # type: ignore[arg-type]  # checked where they are used


@asynccontextmanager
async def rigged(
    camera: SimulatedCamera | int,
    *keys: StreamKind | tuple[int, StreamKind],
    clock: Clock | None = None,
    wanted: bool = True,
    **changes: object,
) -> AsyncIterator[Rig]:
    """Run a device's life with streams (main if none is named), wanted from the start."""
    settings, clock = settings_for(camera, **changes), clock or SystemClock()
    limiter = RepeatLimiter(clock)
    media = tuple(Recorder() for _ in keys or (StreamKind.MAIN,))
    pairs = [(0, key) if isinstance(key, StreamKind) else key for key in keys or (StreamKind.MAIN,)]
    streams = tuple(
        CameraStream(
            replace(settings, channel_id=channel),
            kind,
            publish=recorder.publish,
            source_lost=recorder.lost,
            clock=clock,
            limiter=limiter,
        )
        for (channel, kind), recorder in zip(pairs, media, strict=True)
    )
    device = Camera(settings, streams, clock=clock, limiter=limiter)
    for stream in streams:
        stream.request(wanted)
    rig = Rig(device, streams, media, asyncio.create_task(device.run(), name="rig"))
    try:
        yield rig
    finally:
        await rig.stop()


class Peer:
    """The camera's end of one connection; a script says what it does."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.protocol = ServerProtocol(
            Credentials("admin", PASSWORD), nonce="9E6D1FCB9E69846D", encryption=Encryption.BC
        )
        self.received = bytearray()
        self._reader = reader
        self._writer = writer
        self._events: list[ServerEvent] = []

    def send(self, data: bytes = b"") -> None:
        """Send what the protocol has queued, then ``data`` as it is."""
        self._writer.write(self.protocol.data_to_send() + data)

    async def read(self) -> bytes:
        """Return the next bytes as they are; none at the end of the connection."""
        data = await self._reader.read(65536)
        self.received += data
        return data

    async def event(self) -> ServerEvent:
        """Return the next event; answers that the protocol gives by itself are sent."""
        while not self._events:
            data = await self.read()
            if not data:
                raise ConnectionResetError
            self._events += self.protocol.receive_data(data)
            self.send()
        return self._events.pop(0)

    async def admit(self) -> None:
        """Let the client log in."""
        event = await self.event()
        assert isinstance(event, ClientAuthenticated), event
        body = serialize_body(DeviceInfo(type="ipc"))
        self.protocol.accept_login(event.request, body)
        self.send()

    async def request(self) -> Requested:
        """Return the next request."""
        event = await self.event()
        assert isinstance(event, Requested), event
        return event

    async def serve(
        self,
        *unanswered: MessageId,
        statuses: dict[MessageId, Status] | None = None,
        on_request: Callable[[Requested], None] = lambda _: None,
    ) -> None:
        """Answer all requests but some, with 200 or as said, until the client leaves."""
        while True:
            request = await self.request()
            on_request(request)
            if request.message_id in unanswered:
                continue
            status = (statuses or {}).get(MessageId(request.message_id), Status.OK)
            self.protocol.reply(request.header, status=status)
            self.send()

    async def until_closed(self) -> None:
        """Read until the client leaves."""
        with suppress(ConnectionError):
            while await self.read():
                pass


Script = Callable[[Peer], Awaitable[None]]


@asynccontextmanager
async def scripted(script: Script) -> AsyncIterator[int]:
    """Listen on the port that is returned; run the script for each connection.

    What a script asserts fails the test; a client that leaves ends it.
    """
    tasks: set[asyncio.Task[None]] = set()
    faults: list[BaseException] = []

    async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            with suppress(ConnectionError, asyncio.CancelledError):
                await script(Peer(reader, writer))
        except BaseException as fault:  # noqa: BLE001 - raised where the test ends
            faults.append(fault)
        finally:
            writer.close()
            with suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()

    server = await asyncio.start_server(run, HOST, 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if faults:
        raise faults[0]
