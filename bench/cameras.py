"""``python -m bench.cameras``: cameras that cost next to nothing, in a process of their own.

They speak the protocol through the simulator's answers, but each loop of pictures is put into
messages and encrypted once, for all cameras: a frame then costs one ``write``. The first line on
standard input is a JSON object: ``cameras``, ``encryption``, ``kbps``, ``gop``. The answer is one
line with the ports. The line ``stamps`` is answered with when each picture of the first camera was
sent (index in the loop, nanoseconds since 1970), every other line with counters.

The cameras share one nonce, hence one key. The 32-bit clock of the media begins anew with each loop
of 10 s; the bridge takes that for a camera that set its clock.
"""

import asyncio
import json
import socket
import sys
import time
from functools import partial
from typing import Any, cast

from soak.cameras import HOST, PASSWORD

from bench import media
from neolink.baichuan.bcmedia import InfoPacket, VideoPacket, VideoTag, serialize
from neolink.baichuan.crypto import Encryption
from neolink.baichuan.header import Header
from neolink.baichuan.ids import MessageId
from neolink.baichuan.server import ClientAuthenticated, Requested, ServerProtocol
from neolink.baichuan.xml import serialize_body
from neolink.clock import SystemClock
from neolink.media.tracks import StreamKind
from neolink.simulator.clips import Clip
from neolink.simulator.profile import CameraProfile
from neolink.simulator.replies import DeviceSettings, Query, answer, login_body
from neolink.simulator.requests import body_of, channel_of

__all__ = ["STAMPS"]

STAMPS = "stamps"
NONCE = "0123456789ABCDEF"
SEND_BUFFER = 4 << 20
MOST_WAITING = 8 << 20
"""Bytes; a picture that finds more than this waiting is dropped and counted."""

START_AFTER_S = 0.02


class Farm:
    """What all cameras of the process share."""

    def __init__(self, clip: Clip, encryption: Encryption) -> None:
        self.profile = CameraProfile(
            password=PASSWORD, encryption=encryption, audio=None, streams=(StreamKind.MAIN,)
        )
        self.encryption = encryption
        self.sent = 0
        self.dropped = 0
        self.playing = 0
        self.stamps: list[tuple[int, int]] = []
        self._clip = clip
        self._loops: dict[tuple[Encryption, Header], list[bytes]] = {}

    def loop_of(self, protocol: ServerProtocol, header: Header) -> list[bytes]:
        """Return the messages of each picture for a preview; made once for equal headers."""
        key = protocol.encryption, header
        if key not in self._loops:
            self._loops[key] = [
                self._messages(protocol, header, index)
                for index in range(len(self._clip.access_units))
            ]
        return self._loops[key]

    def info(self) -> InfoPacket:
        """Return what a preview begins with."""
        return InfoPacket(self._clip.width, self._clip.height, self._clip.frame_rate)

    def _messages(self, protocol: ServerProtocol, header: Header, index: int) -> bytes:
        is_key = self._clip.is_key(index)
        packet = VideoPacket(
            is_key_frame=is_key,
            codec=VideoTag(self._clip.codec.value),
            data=self._clip.access_units[index],
            microseconds=index * 1_000_000 // self._clip.frame_rate,
            posix_time=1_700_000_000 if is_key else None,
        )
        protocol.send_media(header, serialize(packet), starts_packet=True)
        return protocol.data_to_send()


class Connection(asyncio.Protocol):
    """A client of one camera."""

    def __init__(self, farm: Farm, *, is_stamped: bool) -> None:
        self._farm = farm
        self._is_stamped = is_stamped
        self._settings = DeviceSettings(farm.profile, clock_error_s=0.0)
        self._protocol = ServerProtocol(
            farm.profile.credentials, nonce=NONCE, encryption=farm.encryption
        )
        self._transport: asyncio.Transport
        self._timer: asyncio.TimerHandle | None = None
        self._clock = SystemClock()
        self._pictures: list[bytes] = []
        self._number = 0
        self._begin_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        for event in self._protocol.receive_data(data):
            if isinstance(event, ClientAuthenticated):
                self._protocol.accept_login(event.request, login_body(self._farm.profile))
            elif isinstance(event, Requested):
                self._answer(event)
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._stop()

    def _answer(self, request: Requested) -> None:
        match request.message_id:
            case MessageId.PREVIEW_START:
                self._start(request.header)
            case MessageId.PREVIEW_STOP:
                self._stop()
                self._protocol.reply(request.header)
            case MessageId.LOGOUT:
                self._protocol.reply(request.header)
                self._flush()
                self._transport.close()
            case MessageId.ALARM_SUBSCRIBE:
                self._protocol.reply(request.header)
            case _:
                self._answer_from_table(request)

    def _answer_from_table(self, request: Requested) -> None:
        query = Query(
            request.message_id,
            channel=channel_of(request),
            extension=request.extension,
            body=body_of(request),
            unix_s=self._clock.unix_s(),
        )
        reply = answer(query, self._settings)
        body = serialize_body(*reply.parts) if reply.parts else b""
        self._protocol.reply(request.header, status=reply.status, body=body)

    def _start(self, header: Header) -> None:
        self._stop()
        self._protocol.send_media(header, serialize(self._farm.info()), starts_packet=True)
        self._flush()
        self._pictures = self._farm.loop_of(self._protocol, header)
        self._number = 0
        loop = asyncio.get_running_loop()
        self._begin_s = loop.time() + START_AFTER_S
        self._timer = loop.call_at(self._begin_s, self._send_picture)
        self._farm.playing += 1

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._farm.playing -= 1

    def _send_picture(self) -> None:
        index = self._number % len(self._pictures)
        self._number += 1
        due_s = self._begin_s + self._number / media.FRAME_RATE
        self._timer = asyncio.get_running_loop().call_at(due_s, self._send_picture)
        if self._transport.get_write_buffer_size() > MOST_WAITING:
            self._farm.dropped += 1
            return
        if self._is_stamped:
            self._farm.stamps.append((index, time.time_ns()))
        self._farm.sent += 1
        self._transport.write(self._pictures[index])

    def _flush(self) -> None:
        data = self._protocol.data_to_send()
        if data:
            self._transport.write(data)


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    order: dict[str, Any] = json.loads(await reader.readline())
    farm = Farm(media.clip(order["kbps"], order["gop"]), Encryption(order["encryption"]))
    ports = []
    for index in range(order["cameras"]):
        accept = partial(Connection, farm, is_stamped=index == 0)
        server = await loop.create_server(accept, HOST, 0)
        ports.append(server.sockets[0].getsockname()[1])
    print(json.dumps(ports), flush=True)
    while line := await reader.readline():
        if line.strip() == STAMPS.encode():
            stamps, farm.stamps = farm.stamps, []
            print(json.dumps(stamps), flush=True)
        else:
            counters = {"sent": farm.sent, "dropped": farm.dropped, "playing": farm.playing}
            print(json.dumps(counters), flush=True)


if __name__ == "__main__":
    asyncio.run(_serve())
