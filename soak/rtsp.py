"""A small RTSP client on a raw socket: enough for players that behave, and for those that do not.

Nothing runs in the background: whoever owns a client calls :meth:`Client.receive`.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence

from neolink.rtsp import sdp
from neolink.rtsp.client import RequestBuilder
from neolink.rtsp.message import InterleavedFrame, Response
from neolink.rtsp.reader import RtspReader
from neolink.rtsp.sdp import MediaDescription
from soak.wire import ANSWER_S, HOST, RECEIVE_BYTES, Disconnected, Refused, Wire

__all__ = ["Client", "UdpPair", "url_of"]


def url_of(port: int, camera: int, kind: str) -> str:
    """Return a stream's URL."""
    return f"rtsp://{HOST}:{port}/cam{camera}/{kind}"


class UdpPair:
    """Two sockets on neighbouring ports."""

    def __init__(self, receive_buffer: int | None = None) -> None:
        self.rtp, self.rtcp = _bind_pair()
        for sock in (self.rtp, self.rtcp):
            sock.setblocking(False)
            if receive_buffer is not None:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)

    @property
    def port(self) -> int:
        """The RTP port."""
        return int(self.rtp.getsockname()[1])

    def close(self) -> None:
        """Close both."""
        self.rtp.close()
        self.rtcp.close()


def _bind_pair() -> tuple[socket.socket, socket.socket]:
    for _ in range(100):
        first = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        second = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            first.bind((HOST, 0))
            port = first.getsockname()[1]
            if port % 2 == 0:
                second.bind((HOST, port + 1))
                return first, second
        except OSError:
            pass
        first.close()
        second.close()
    raise OSError("no free pair of UDP ports")


class Client(Wire):
    """One connection. ``on_frame`` is given every interleaved packet with its channel."""

    def __init__(
        self,
        sock: socket.socket,
        url: str,
        *,
        on_frame: Callable[[int, bytes], None] = lambda _channel, _data: None,
    ) -> None:
        super().__init__(sock)
        self.media: Sequence[MediaDescription] = ()
        self.on_frame = on_frame
        self.statuses: list[int] = []
        """Of answers that nobody waited for."""
        self.server_ports: dict[int, int] = {}
        """RTP port of the server by track."""
        self._url = url
        self._builder = RequestBuilder(url, user_agent="soak")
        self._reader = RtspReader(role="client")
        self._responses: list[Response] = []
        self._is_asking = False

    @classmethod
    async def open(cls, port: int, url: str, *, receive_buffer: int | None = None) -> "Client":
        """Connect. Raises Disconnected."""
        wire = await Wire.connect(port, receive_buffer=receive_buffer)
        return cls(wire.sock, url)

    # -- methods ----------------------------------------------------------------------
    async def describe(self) -> Sequence[MediaDescription]:
        """Learn the tracks, and return them."""
        response = await self.ask("DESCRIBE", headers=(("Accept", "application/sdp"),))
        self.media = sdp.parse(response.body.decode())
        return self.media

    async def setup(self, track: int, udp: UdpPair | None = None) -> None:
        """Set up one track: over UDP if a pair is given, else on channels 2n and 2n + 1."""
        wanted = (
            f"RTP/AVP/TCP;unicast;interleaved={2 * track}-{2 * track + 1}"
            if udp is None
            else f"RTP/AVP;unicast;client_port={udp.port}-{udp.port + 1}"
        )
        url = f"{self._url}/{self.media[track].control}"
        response = await self.ask("SETUP", url, (("Transport", wanted),))
        for field in (response.headers.get("Transport") or "").split(";"):
            if field.startswith("server_port="):
                self.server_ports[track] = int(field[12:].partition("-")[0])

    async def play(self) -> None:
        """Begin."""
        await self.ask("PLAY")

    async def ask(
        self, method: str, url: str | None = None, headers: tuple[tuple[str, str], ...] = ()
    ) -> Response:
        """Send a request and return its answer. Raises Refused and Disconnected."""
        self._is_asking = True
        try:
            async with asyncio.timeout(ANSWER_S):
                await self.send(self._builder.build(method, url, headers).serialize())
                while not self._responses:
                    await self.receive()
        except TimeoutError:
            raise Disconnected(f"no answer to {method} within {ANSWER_S:g} s") from None
        finally:
            self._is_asking = False
        response = self._responses.pop(0)
        self._builder.learn(response)
        if response.status != 200:
            raise Refused(method, response.status)
        return response

    async def post(self, method: str) -> None:
        """Send a request; its answer is only counted, in ``statuses``."""
        await self.send(self._builder.build(method).serialize())

    # -- bytes ------------------------------------------------------------------------
    async def receive(self, most: int = RECEIVE_BYTES) -> None:
        """Take what comes next. Raises Disconnected when nothing more will."""
        for message in self._reader.feed(await self.receive_bytes(most)):
            if isinstance(message, InterleavedFrame):
                self.on_frame(message.channel, message.payload)
            elif isinstance(message, Response) and self._is_asking:
                self._responses.append(message)
            elif isinstance(message, Response):
                self.statuses.append(message.status)
