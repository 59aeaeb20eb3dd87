"""pyneolink, a client written by others, against the simulated camera."""

import asyncio
import io
import itertools
from collections.abc import Iterator
from contextlib import contextmanager

import av
import pytest
from pyneolink.camera import Camera
from pyneolink.core.bc import ProtocolError

from neolink.baichuan.bcmedia import BcMediaReader, VideoPacket
from neolink.baichuan.crypto import Encryption
from neolink.baichuan.ids import MessageId
from neolink.media.tracks import VideoCodec
from neolink.simulator.counter import read_counter
from neolink.simulator.profile import CameraProfile
from neolink.simulator.server import SimulatedCamera

pytestmark = pytest.mark.foreign

PICTURES = 12


@contextmanager
def logged_in(port: int, password: str = "secret") -> Iterator[Camera]:
    address = f"127.0.0.1:{port}"
    with Camera(address=address, password=password, state_path=None, timeout=5) as camera:
        yield camera


def watch(port: int, stream: str) -> list[VideoPacket]:
    """Read pictures from a live stream; runs in a thread."""
    reader, pictures = BcMediaReader(), list[VideoPacket]()
    with logged_in(port) as camera:
        payloads = camera.read_stream_payloads(stream, reconnect=False)
        for payload in payloads:
            packets = reader.feed(payload)
            pictures += [one for one in packets if isinstance(one, VideoPacket)]
            if len(pictures) >= PICTURES:
                break
        payloads.close()
    assert reader.discarded_bytes == 0
    return pictures


def counters(pictures: list[VideoPacket]) -> list[int | None]:
    decoder = av.CodecContext.create("hevc" if pictures[0].codec == "H265" else "h264", "r")
    packets = [av.Packet(bytes(one.data)) for one in pictures]
    frames = itertools.chain.from_iterable(decoder.decode(one) for one in (*packets, None))
    return [read_counter(frame.to_ndarray(format="gray")) for frame in frames]


@pytest.mark.parametrize(
    ("level", "codec", "stream"),
    [
        *((level, VideoCodec.H264, "mainStream") for level in Encryption),
        (Encryption.FULL_AES, VideoCodec.H265, "subStream"),
    ],
)
async def test_live_pictures_arrive_from_the_first_on(
    level: Encryption, codec: VideoCodec, stream: str
) -> None:
    profile = CameraProfile(password="secret", encryption=level, codec=codec)
    async with SimulatedCamera(profile) as camera:
        pictures = await asyncio.to_thread(watch, camera.port, stream)
        assert counters(pictures) == list(range(len(pictures)))
        await camera.wait_for(lambda stats: stats.open_connections == 0)
        assert camera.stats.requests[MessageId.PREVIEW_STOP] == 1
        assert camera.stats.protocol_troubles == 0


@pytest.mark.parametrize("level", list(Encryption))
async def test_snapshot_and_description(level: Encryption) -> None:
    def use(port: int) -> tuple[dict[str, object], bytes]:
        with logged_in(port) as camera:
            return camera.info(), camera.snapshot()

    profile = CameraProfile(password="secret", encryption=level)
    async with SimulatedCamera(profile) as camera:
        told, picture = await asyncio.to_thread(use, camera.port)
    assert told["uid"] == profile.uid
    with av.open(io.BytesIO(picture)) as file:
        (frame,) = file.decode(video=0)
    assert frame.width in (640, 1280)


async def test_battery_camera_is_ready_once_it_told_its_charge() -> None:
    def use(port: int) -> None:
        with logged_in(port):
            pass

    profile = CameraProfile(password="secret", has_battery=True, device_type="wifi_solo_ipc")
    async with SimulatedCamera(profile) as camera:
        await asyncio.to_thread(use, camera.port)
        assert camera.stats.logins == 1


async def test_wrong_password_is_refused() -> None:
    def use(port: int) -> None:
        # not as a context manager: one that fails to begin leaves its socket open
        camera = Camera(address=f"127.0.0.1:{port}", password="guess", state_path=None, timeout=5)
        camera.connect()
        try:
            camera.login()
        finally:
            camera.close()

    async with SimulatedCamera(CameraProfile(password="secret")) as simulated:
        with pytest.raises(ProtocolError, match="401"):
            await asyncio.to_thread(use, simulated.port)
        assert simulated.stats.refused_logins >= 1
