"""A strict RTSP player for tests: what a server must never do fails at once.

Strict about: ``CSeq`` echoed and in order, replies whole and never inside media, interleaved
channels that were granted, SSRC as announced, payload types as described, sequence numbers
without gaps (counted), the first packet as RTP-Info promised, sender reports that name a granted
SSRC. Media is kept as packets; :meth:`ReceivedTrack.video_units` puts pictures together.
"""

import asyncio
import contextlib
import re
import socket
import ssl
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from types import TracebackType
from typing import Literal, Self

from neolink.errors import NeolinkError
from neolink.rtp.depacketizers.h264 import H264Depacketizer
from neolink.rtp.depacketizers.h265 import H265Depacketizer
from neolink.rtp.depacketizers.nal_units import ReceivedAccessUnit
from neolink.rtp.packet import RtpPacket
from neolink.rtp.rtcp import Bye, RtcpPacket, SenderReport, parse_compound
from neolink.rtsp import sdp
from neolink.rtsp.client import Preference, RequestBuilder
from neolink.rtsp.headers import Transport, parse_rtp_info, parse_transports
from neolink.rtsp.message import InterleavedFrame, Message, Request, Response
from neolink.rtsp.reader import RtspReader
from neolink.rtsp.sdp import MediaDescription
from neolink.rtsp.url import control_url
from support.tls import TlsPipe

__all__ = ["GroupPair", "ReceivedTrack", "RtspClient", "UdpPair"]

WAIT_S = 20.0
"""How long anything may take before a test fails."""

STAP_A = 24
RECEIVE_BYTES = 256 * 1024

_taken_before: deque[int] = deque(maxlen=1000)
"""First ports of pairs, also of those that are closed: sessions over UDP outlive their player, and
who is given its ports is given its packets too, of the same source and with other numbers."""

MOST_LATE_TICKS = 45_000
"""How much earlier than the first picture the start may be that is promised for all tracks."""


class UdpPair:
    """Two bound sockets on neighbouring ports, as a player has per track."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.rtp, self.rtcp = _bind_pair(host)
        self.ports: tuple[int, int] = (self.rtp.getsockname()[1], self.rtcp.getsockname()[1])

    def close(self) -> None:
        self.rtp.close()
        self.rtcp.close()


class GroupPair(UdpPair):
    """Two sockets that listen to a multicast group on the interface with an address of ours."""

    def __init__(self, group: str, ports: tuple[int, int], host: str = "127.0.0.1") -> None:
        self.rtp, self.rtcp = (_join_group(group, port, host) for port in ports)
        self.ports = ports


@dataclass(slots=True, eq=False)
class ReceivedTrack:
    """One track as it arrives. ``gaps`` counts missing packets, ``faults`` what is forbidden."""

    number: int
    description: MediaDescription | None
    granted: Transport
    url: str
    packets: list[RtpPacket] = field(default_factory=list)
    rtcp: list[RtcpPacket] = field(default_factory=list)
    gaps: int = 0
    play_from: int = 0
    """How many packets there were when PLAY was asked for last."""
    announced: tuple[int | None, int | None] | None = None
    """Sequence and timestamp of RTP-Info, until the first packet confirmed them."""
    udp: UdpPair | None = None

    @property
    def reports(self) -> list[SenderReport]:
        """Sender reports so far."""
        return [packet for packet in self.rtcp if isinstance(packet, SenderReport)]

    @property
    def has_ended(self) -> bool:
        """Whether the server said BYE."""
        return any(isinstance(packet, Bye) for packet in self.rtcp)

    @property
    def timestamps(self) -> list[int]:
        """Timestamp of every unit, in order of arrival."""
        stamps: list[int] = []
        for packet in self.packets:
            if not stamps or stamps[-1] != packet.timestamp:
                stamps.append(packet.timestamp)
        return stamps

    def check_gaps(self) -> None:
        """Assert that each gap lies between pictures, and that H.264 goes on with a key frame."""
        for before, packet in pairwise(self.packets):
            if packet.sequence != before.sequence + 1 & 0xFFFF:
                assert before.marker, "a picture was cut"
                assert packet.payload[0] & 0x1F == STAP_A, "no parameter sets after a gap"

    def take_rtp(self, data: bytes) -> None:
        packet = RtpPacket.parse(data)
        assert packet.ssrc == self.granted.ssrc, "an SSRC that SETUP did not announce"
        if self.description is not None:
            assert packet.payload_type == self.description.payload_type
        if self.announced is not None:
            self._confirm(packet)
        if len(self.packets) > self.play_from:
            self.gaps += packet.sequence - self.packets[-1].sequence - 1 & 0xFFFF
        self.packets.append(packet)

    def take_rtcp(self, data: bytes) -> None:
        for packet in parse_compound(data):
            if isinstance(packet, SenderReport):
                assert packet.ssrc == self.granted.ssrc, "a report of a foreign source"
            self.rtcp.append(packet)

    def video_units(self) -> list[ReceivedAccessUnit]:
        """Pictures that arrived whole."""
        assert self.description is not None
        is_h264 = self.description.encoding == "H264"
        depacketizer = H264Depacketizer() if is_h264 else H265Depacketizer()
        units: list[ReceivedAccessUnit] = []
        for packet in self.packets:
            units += depacketizer.push(packet)
        return units

    def promise(self, sequence: int | None, timestamp: int | None) -> None:
        """Hold the first packet to RTP-Info; over UDP it may have come before the answer."""
        self.announced = (sequence, timestamp)
        if len(self.packets) > self.play_from:
            self._confirm(self.packets[self.play_from])

    def _confirm(self, packet: RtpPacket) -> None:
        assert self.announced is not None
        sequence, timestamp = self.announced
        self.announced = None
        if sequence is not None:
            assert packet.sequence == sequence, "RTP-Info promised another first packet"
        is_video = self.description is None or self.description.kind == "video"
        if timestamp is not None and is_video:  # sound begins at or after the pictures' start
            late = packet.timestamp - timestamp & 0xFFFFFFFF  # of sound that is behind
            assert late <= MOST_LATE_TICKS, "RTP-Info promised another start"


class RtspClient:
    """One connection to a server. Use as an async context manager, or call :meth:`close`."""

    def __init__(
        self,
        url: str,
        *,
        user: str | None = None,
        password: str = "",
        prefer: Preference = ("SHA-256", "MD5", "Basic"),
        local_host: str | None = None,
        receive_buffer: int | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.url = url
        self.builder = RequestBuilder(url, user=user, password=password, prefer=prefer)
        self.base = url
        self.tracks: dict[int, ReceivedTrack] = {}
        self.media: list[MediaDescription] = []
        self.is_closed = False
        """Whether the server has closed the connection."""
        self.faults: list[AssertionError] = []
        self._local_host = local_host
        self._receive_buffer = receive_buffer
        self._tls = tls
        self._pipe: TlsPipe | None = None
        self._sock: socket.socket | None = None
        self._reader = RtspReader(role="client")
        self._pending: list[tuple[str, asyncio.Future[Response]]] = []
        self._channels: dict[int, Callable[[bytes], None]] = {}
        self._changed = asyncio.Event()
        self._receiving: asyncio.Task[None] | None = None
        self._udp: list[UdpPair] = []
        self._is_reading = asyncio.Event()
        self._is_reading.set()

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()
        if kind is None and self.faults:
            raise self.faults[0]

    # -- the connection ---------------------------------------------------------------

    async def connect(self) -> None:
        found = re.match(r"rtsps?://(?:[^@/]*@)?\[?([^/]+?)\]?:(\d+)(?:/|$)", self.url)
        assert found is not None
        family = socket.AF_INET6 if ":" in found[1] else socket.AF_INET
        sock = self._sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setblocking(False)
        if self._receive_buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._receive_buffer)
        if self._local_host is not None:
            sock.bind((self._local_host, 0))
        async with asyncio.timeout(WAIT_S):
            await asyncio.get_running_loop().sock_connect(sock, (found[1], int(found[2])))
            if self._tls is not None:
                self._pipe = TlsPipe(sock, self._tls, found[1])
                await self._pipe.open()
        self._receiving = asyncio.create_task(self._receive(sock), name="test rtsp client")

    async def close(self) -> None:
        """Close the connection and all UDP ports; more than once is no error."""
        if self._receiving is not None:
            self._receiving.cancel()
            await asyncio.gather(self._receiving, return_exceptions=True)
            self._receiving = None
        loop = asyncio.get_running_loop()
        for pair in self._udp:
            for sock in (pair.rtp, pair.rtcp):
                loop.remove_reader(sock.fileno())
            pair.close()
        self._udp.clear()
        if self._sock is not None:
            self._sock.close()
            self._sock = None

    async def close_tcp(self) -> None:
        """Close the connection alone; UDP goes on."""
        udp, self._udp = self._udp, []
        await self.close()
        self._udp = udp

    def stop_reading(self) -> None:
        """Take no more bytes from the connection, as a player that hangs."""
        self._is_reading.clear()

    def resume_reading(self) -> None:
        self._is_reading.set()

    async def send(self, data: bytes) -> None:
        """Send bytes as they are, or in TLS."""
        assert self._sock is not None
        if self._pipe is not None:
            await self._pipe.send(data)
        else:
            await asyncio.get_running_loop().sock_sendall(self._sock, data)

    async def send_frame(self, channel: int, payload: bytes) -> None:
        """Send an interleaved packet."""
        await self.send(InterleavedFrame(channel, payload).serialize())

    async def until(self, condition: Callable[[], bool], what: str = "") -> None:
        """Wait until something that arrives makes ``condition`` true."""
        try:
            async with asyncio.timeout(WAIT_S):
                while not condition():
                    self._check()
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"never came: {what or condition}") from None
        self._check()

    async def until_closed(self) -> None:
        """Wait until the server closes the connection."""
        await self.until(lambda: self.is_closed, "the end of the connection")

    # -- requests ---------------------------------------------------------------------

    async def request(
        self,
        method: str,
        url: str | None = None,
        *headers: tuple[str, str],
        body: bytes = b"",
        session: str | None = "own",
    ) -> Response:
        """Ask and return the answer, with a login where the server asks for one."""
        before = self.builder.session
        response = await self.ask(self.build(method, url, *headers, body=body, session=session))
        if self.builder.learn(response):
            again = self.build(method, url, *headers, body=body, session=session)
            response = await self.ask(again)
            self.builder.learn(response)
        if session not in {"own", None}:
            self.builder.session = before
        return response

    def build(
        self,
        method: str,
        url: str | None = None,
        *headers: tuple[str, str],
        body: bytes = b"",
        session: str | None = "own",
    ) -> Request:
        """Build a request: in the session learnt last, in another, or (None) in none."""
        before = self.builder.session
        if session != "own":
            self.builder.session = session
        try:
            return self.builder.build(method, url, headers, body)
        finally:
            self.builder.session = before

    def expect(self, cseq: str | None) -> asyncio.Future[Response]:
        """Return what will be the answer to the request ``cseq``, after the earlier ones."""
        if self.is_closed:
            raise ConnectionError("the server has closed the connection")
        future: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._pending.append((cseq or "", future))
        return future

    async def ask(self, request: Request) -> Response:
        """Send one request and return its answer."""
        (response,) = await self.ask_all(request)
        return response

    async def ask_all(self, *requests: Request) -> list[Response]:
        """Send requests in one piece and return their answers."""
        answers = [self.expect(request.cseq) for request in requests]
        await self.send(b"".join(request.serialize() for request in requests))
        try:
            async with asyncio.timeout(WAIT_S):
                return [await answer for answer in answers]
        except TimeoutError:
            self._check()
            raise AssertionError(f"no answer to {requests}") from None

    async def options(self) -> Response:
        return await self.request("OPTIONS")

    async def describe(self) -> Response:
        """Ask for the description; on success keep its media and the base URL."""
        response = await self.request("DESCRIBE", None, ("Accept", "application/sdp"))
        if response.status == 200:
            assert response.headers.get("Content-Type") == "application/sdp"
            self.base = response.headers.get("Content-Base") or self.url
            self.media = sdp.parse(response.body.decode())
        return response

    def track_url(self, track: int) -> str:
        """Return the control URL of a track, as ffmpeg joins it."""
        named = f"trackID={track}"
        return control_url(self.base, named)

    async def setup(
        self,
        track: int = 0,
        transport: str = "tcp",
        *,
        session: str | None = "own",
        udp: UdpPair | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> Response:
        """Set up a track; on success packets of it are received from now on.

        ``transport`` is ``tcp``, ``udp``, ``multicast``, or the whole header.
        """
        header = transport
        if transport == "tcp":
            header = f"RTP/AVP/TCP;unicast;interleaved={2 * track}-{2 * track + 1}"
        elif transport == "udp":
            udp = udp or UdpPair()
            header = f"RTP/AVP;unicast;client_port={udp.ports[0]}-{udp.ports[1]}"
        elif transport == "multicast":
            header = "RTP/AVP;multicast"
        if udp is not None:
            self._udp.append(udp)
        url = self.track_url(track)
        request_headers = ("Transport", header)
        response = await self.request("SETUP", url, request_headers, *headers, session=session)
        if response.status == 200:
            self._begin_track(track, url, response, udp)
        return response

    async def play(self, url: str | None = None) -> Response:
        """Play; checks RTP-Info and holds the first packets to it."""
        for track in self.tracks.values():
            track.play_from = len(track.packets)
        return await self.request("PLAY", url or self.base, ("Range", "npt=0.000-"))

    async def pause(self) -> Response:
        return await self.request("PAUSE", self.base)

    async def teardown(self, track: int | None = None) -> Response:
        url = self.base if track is None else self.track_url(track)
        return await self.request("TEARDOWN", url)

    async def get_parameter(self) -> Response:
        return await self.request("GET_PARAMETER", self.base)

    async def watch(
        self, *tracks: int, transport: Literal["tcp", "udp", "multicast"] = "tcp"
    ) -> Self:
        """Describe, set up (all tracks if none is named) and play, each answered 200."""
        described = await self.describe()
        assert described.status == 200, described
        for track in tracks or range(len(self.media)):
            response = await self.setup(track, transport)
            assert response.status == 200, response
        response = await self.play()
        assert response.status == 200, response
        return self

    # -- what arrives -----------------------------------------------------------------

    async def _receive(self, sock: socket.socket) -> None:
        reason: Exception = ConnectionError("closed before the answer")
        try:
            with contextlib.suppress(OSError):
                while data := await self._next_bytes(sock):
                    self._take_all(data)
                    self._changed.set()
        except Exception as error:  # noqa: BLE001 - a mistake of this client: told to who waits
            self.faults.append(AssertionError(f"the client failed: {error!r}"))
            reason = error
        self.is_closed = True
        self._changed.set()
        for _, future in self._pending:
            if not future.done():
                future.set_exception(reason)
        self._pending.clear()

    async def _next_bytes(self, sock: socket.socket) -> bytes:
        await self._is_reading.wait()
        if self._pipe is not None:
            return await self._pipe.receive()
        return await asyncio.get_running_loop().sock_recv(sock, RECEIVE_BYTES)

    def _take_all(self, data: bytes) -> None:
        """Take what arrived; a fault in one message does not swallow the next."""
        messages: list[Message] = []
        with self._noting_faults():
            messages = self._reader.feed(data)
        for message in messages:
            with self._noting_faults():
                self._take(message)

    def _take(self, message: Message) -> None:
        if isinstance(message, InterleavedFrame):
            take = self._channels.get(message.channel)
            assert take is not None, f"a packet on channel {message.channel}, never granted"
            take(message.payload)
            return
        assert isinstance(message, Response), "the server sent a request"
        assert self._pending, f"an answer to nothing: {message}"
        cseq, future = self._pending.pop(0)
        if future.done():
            return  # nobody waits any more
        future.set_result(message)  # whatever is wrong with it: who waits has an answer
        if "RTP-Info" in message.headers:
            self._promise(message)
        assert (message.cseq or "") == cseq, f"answer to {message.cseq}, expected to {cseq}"
        assert message.headers.get("Server"), "an answer without Server"
        assert message.headers.get("Date"), "an answer without Date"

    def _described(self, number: int) -> MediaDescription | None:
        """Return what was told of a track: by its number, or its place where none has a number."""
        for media in self.media:
            if media.control.endswith(f"trackID={number}"):
                return media
        return self.media[number] if number < len(self.media) else None

    def _begin_track(self, number: int, url: str, response: Response, udp: UdpPair | None) -> None:
        (granted,) = parse_transports(response.headers.get("Transport") or "")
        description = self._described(number)
        if granted.is_multicast:
            assert granted.destination is not None
            assert granted.port is not None
            assert self._sock is not None
            udp = GroupPair(granted.destination, granted.port, self._sock.getsockname()[0])
            self._udp.append(udp)
        track = self.tracks[number] = ReceivedTrack(number, description, granted, url, udp=udp)
        if granted.interleaved is not None:
            self._channels[granted.interleaved[0]] = track.take_rtp
            self._channels[granted.interleaved[1]] = track.take_rtcp
        elif udp is not None:
            self._watch_udp(udp.rtp, track.take_rtp)
            self._watch_udp(udp.rtcp, track.take_rtcp)

    def _watch_udp(self, sock: socket.socket, take: Callable[[bytes], None]) -> None:
        def receive() -> None:
            with self._noting_faults(), contextlib.suppress(BlockingIOError):
                while True:
                    take(sock.recv(65536))
            self._changed.set()

        asyncio.get_running_loop().add_reader(sock.fileno(), receive)

    def _promise(self, response: Response) -> None:
        tracks = {track.url: track for track in self.tracks.values()}
        for entry in parse_rtp_info(response.headers.get("RTP-Info") or ""):
            if entry.url in tracks:
                tracks[entry.url].promise(entry.sequence, entry.rtp_time)

    @contextlib.contextmanager
    def _noting_faults(self) -> Iterator[None]:
        try:
            yield
        except AssertionError as fault:
            self.faults.append(fault)
        except NeolinkError as error:
            self.faults.append(AssertionError(f"the server sent nonsense: {error}"))

    def _check(self) -> None:
        if self.faults:
            raise self.faults[0]


def _join_group(group: str, port: int, host: str) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((group, port))
    membership = socket.inet_aton(group) + socket.inet_aton(host)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(host))
    return sock


def _bind_pair(host: str) -> tuple[socket.socket, socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for _ in range(64):
        first = socket.socket(family, socket.SOCK_DGRAM)
        first.bind((host, 0))
        port = first.getsockname()[1]
        second = socket.socket(family, socket.SOCK_DGRAM)
        try:
            if port % 2 == 0 and port not in _taken_before:
                second.bind((host, port + 1))
                _taken_before.append(port)
                for sock in (first, second):
                    sock.setblocking(False)
                return first, second
        except OSError:
            pass
        first.close()
        second.close()
    raise AssertionError("no free pair of UDP ports")
