"""A player that talks: that of ``rtsp_client``, with a microphone; and a loudspeaker that hears."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from neolink.errors import NeolinkError
from neolink.media.g711 import encode_pcma, encode_pcmu
from neolink.rtp.packet import RtpPacket
from neolink.rtp.rtcp import ReceiverReport
from neolink.rtsp import sdp
from neolink.rtsp.message import Response
from neolink.rtsp.sdp import MediaDescription
from neolink.simulator.tone import tone_pcm
from support.rtsp_client import RtspClient

__all__ = ["BACK_CHANNEL", "REQUIRE", "Heard", "Microphone", "Talker"]

BACK_CHANNEL = 3
REQUIRE = ("Require", "www.onvif.org/ver20/backchannel")

ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "PCMU": encode_pcmu,
    "PCMA": encode_pcma,
    "L16": bytes,
}


@dataclass
class Heard:
    """A loudspeaker that keeps what it is told."""

    lack: NeolinkError | None = None
    is_deaf: bool = False
    said: list[tuple[bytes, int]] = field(default_factory=list)
    ends: int = 0

    __hash__ = object.__hash__

    async def learn(self) -> None:
        if self.lack is not None:
            raise self.lack

    def say(self, pcm: bytes, clock_rate: int) -> bool:
        if not self.is_deaf:
            self.said.append((pcm, clock_rate))
        return not self.is_deaf

    def finish(self) -> None:
        self.ends += 1

    @property
    def pcm(self) -> bytes:
        return b"".join(pcm for pcm, _ in self.said)


@dataclass
class Microphone:
    """RTP packets of a tone of 1 kHz."""

    payload_type: int
    encoding: str
    clock_rate: int
    packet_s: float = 0.02
    ssrc: int = 0x1234
    sequence: int = 65_530
    timestamp: int = (1 << 32) - 1000
    has_marker: bool = True
    _is_first: bool = field(default=True)

    def packet(self) -> bytes:
        """Return the next packet."""
        samples = round(self.packet_s * self.clock_rate)
        payload = ENCODERS[self.encoding](tone_pcm(self.clock_rate, samples))
        packet = RtpPacket(
            marker=self._is_first and self.has_marker,
            payload_type=self.payload_type,
            sequence=self.sequence % (1 << 16),
            timestamp=self.timestamp % (1 << 32),
            ssrc=self.ssrc,
            payload=payload,
        )
        self._is_first = False
        self.sequence += 1
        self.timestamp += samples
        return packet.serialize()

    def packets(self, count: int) -> Iterator[bytes]:
        return (self.packet() for _ in range(count))


class Talker:
    """A client that plays a stream and talks back over TCP or UDP."""

    def __init__(self, client: RtspClient, transport: str = "tcp") -> None:
        self.client = client
        self.transport = transport
        self.back: MediaDescription | None = None

    async def describe(self, *headers: tuple[str, str]) -> Response:
        """Ask for the description with the back channel."""
        headers = headers or (REQUIRE,)
        response = await self.client.request(
            "DESCRIBE", None, ("Accept", "application/sdp"), *headers
        )
        if response.status == 200:
            self.client.base = response.headers.get("Content-Base") or self.client.url
            media = sdp.parse(response.body.decode())
            self.client.media = [one for one in media if one.direction == "recvonly"]
            self.back = next((one for one in media if one.direction == "sendonly"), None)
        return response

    async def setup(self) -> Response:
        """Set up the back channel."""
        return await self.client.setup(BACK_CHANNEL, self.transport)

    async def begin(self, *tracks: int) -> None:
        """Describe, set up the pictures (or these tracks) and the back channel, and play."""
        assert (await self.describe()).status == 200
        assert self.back is not None
        assert self.back.control.endswith(f"trackID={BACK_CHANNEL}")
        for track in tracks or (0,):
            assert (await self.client.setup(track, self.transport)).status == 200
        response = await self.setup()
        assert response.status == 200, response
        response = await self.client.request("PLAY", self.client.base, REQUIRE)
        assert response.status == 200, response

    @property
    def reports(self) -> list[ReceiverReport]:
        """What the server told of the sound it received."""
        rtcp = self.client.tracks[BACK_CHANNEL].rtcp
        return [packet for packet in rtcp if isinstance(packet, ReceiverReport)]

    async def send(self, packet: bytes) -> None:
        """Send one RTP packet."""
        track = self.client.tracks[BACK_CHANNEL]
        if track.granted.interleaved is not None:
            await self.client.send_frame(track.granted.interleaved[0], packet)
            return
        assert track.udp is not None
        assert track.granted.server_port is not None
        track.udp.rtp.sendto(packet, ("127.0.0.1", track.granted.server_port[0]))

    async def send_rtcp(self, packet: bytes) -> None:
        """Send one RTCP packet over UDP."""
        track = self.client.tracks[BACK_CHANNEL]
        assert track.udp is not None
        assert track.granted.server_port is not None
        track.udp.rtcp.sendto(packet, ("127.0.0.1", track.granted.server_port[1]))

    async def speak(self, microphone: Microphone, seconds: float) -> None:
        """Send a tone as a microphone gives it: evenly."""
        loop = asyncio.get_running_loop()
        begin_s = loop.time()
        for number in range(round(seconds / microphone.packet_s)):
            due_s = begin_s + number * microphone.packet_s
            await asyncio.sleep(max(0.0, due_s - loop.time()))
            await self.send(microphone.packet())
