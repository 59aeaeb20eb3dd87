"""One client's connection to a simulated camera: its login, its requests, what is sent to it.

Callbacks of a transport, no task; time-driven work (`send_due`) is called by the camera's owner.
Previews and snapshots are here because they need the connection; all other answers are in
``replies``. Protocol reference, sections 3.7, 6 and 8.
"""

import asyncio
import logging
import secrets
import socket
from collections.abc import Callable, Mapping
from typing import cast

from neolink.baichuan.bcmedia import Packet, VideoPacket, serialize
from neolink.baichuan.header import Header
from neolink.baichuan.ids import MessageId, Status
from neolink.baichuan.server import (
    BinaryReceived,
    ClientAuthenticated,
    ClientRefused,
    Requested,
    ServerEvent,
    ServerProtocol,
)
from neolink.baichuan.xml import Body, Snap, parse_body, serialize_body
from neolink.baichuan.xml import Preview as PreviewBody
from neolink.errors import RemoteProtocolError
from neolink.simulator.device import Device
from neolink.simulator.outlet import Outlet
from neolink.simulator.preview import Preview
from neolink.simulator.profile import kind_of
from neolink.simulator.replies import Query, answer, login_body, pushes_after_login
from neolink.simulator.snapshots import snapshot_of

__all__ = ["ClientConnection"]

_LOG = logging.getLogger(__name__)
_LOGIN_TIMEOUT_S = 30.0
_SNAPSHOT_PART = 30_000
_SEND_BUFFER = 128 * 1024  # as little as a camera has, so that a slow client is noticed
_NAMES = {"main": "mainStream", "sub": "subStream"}  # how a snapshot request calls them


class ClientConnection(asyncio.Protocol):
    """A client of ``device``. It adds itself to ``device.clients`` and leaves with its socket."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._stats = device.stats
        self._outlet: Outlet
        self._protocol: ServerProtocol
        self._login_deadline: asyncio.TimerHandle | None = None
        self._has_session = False
        self._has_subscribed = False
        self._previews: dict[int, Preview] = {}  # by message number

    # ------------------------------------------------------------ transport
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Accept a client, or turn it away as if nobody listened."""
        transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but its bases
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        device = self._device
        self._outlet = Outlet(transport, device)
        self._protocol = ServerProtocol(
            device.profile.credentials,
            nonce=secrets.token_hex(8).upper(),
            encryption=device.profile.encryption,
            refuse=device.login_refusal(),
            wrong_credentials_status=device.profile.wrong_credentials_status,
            accept_legacy=device.profile.accepts_legacy_login,
        )
        device.clients.add(self)
        self._stats.connections += 1
        self._stats.open_connections += 1
        loop = asyncio.get_running_loop()
        self._login_deadline = loop.call_later(_LOGIN_TIMEOUT_S, self.abort)
        if device.is_refusing:
            self.abort()
        device.watch.notice()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop everything that belongs to the client."""
        del exc
        self._cancel_login_deadline()
        for number in tuple(self._previews):
            self._end_preview(number)
        self._end_session()
        self._stats.open_connections -= 1
        self._device.clients.discard(self)
        self._device.watch.notice()

    def data_received(self, data: bytes) -> None:
        """Answer what the client sends."""
        if self._device.is_silent:
            return
        for event in self._protocol.receive_data(data):
            self._handle(event)
        self._flush()
        self._device.watch.notice()

    def abort(self) -> None:
        """Reset the connection."""
        self._outlet.abort()

    # ------------------------------------------------------------ what the device does
    @property
    def wants_events(self) -> bool:
        """Whether the client is logged in and has subscribed to alarms."""
        return self._has_session and self._has_subscribed

    @property
    def is_open(self) -> bool:
        """Whether what is sent can still arrive."""
        return not self._outlet.is_closing

    def push(self, message_id: int, body: bytes) -> None:
        """Send what nobody asked for, if the client is logged in."""
        if self._has_session and self.is_open:
            self._protocol.push(message_id, body)
            self._flush()

    def send_due(self, now_s: float) -> None:
        """Send what is due of all previews."""
        if not self.is_open:
            return
        for preview in tuple(self._previews.values()):
            for packet in preview.packets_due(now_s):
                self._send_packet(preview, packet, now_s)
            if preview.is_hopeless(now_s):
                self._stats.backlog_resets += 1
                self.abort()
        self._flush()
        self._outlet.drip(now_s)

    def next_due_s(self, now_s: float) -> float | None:
        """Return when `send_due` has something to do; None for not before something happens."""
        due = [preview.next_due_s(now_s) for preview in self._previews.values()]
        if (drip_s := self._outlet.next_due_s) is not None:
            due.append(drip_s)
        return min(due, default=None)

    # ------------------------------------------------------------ requests
    def _handle(self, event: ServerEvent) -> None:
        match event:
            case ClientAuthenticated():
                self._admit(event)
            case ClientRefused(status=status):
                self._stats.refused_logins += 1
                if status == self._device.profile.wrong_credentials_status:
                    self._device.note_login(is_right=False)
            case Requested():
                self._stats.requests[event.message_id] += 1
                self._answer(event)
            case BinaryReceived():
                self._stats.requests[event.message_id] += 1
                self._protocol.reply(event.header, status=Status.NOT_ALLOWED)
            case _:  # damage that was skipped
                self._stats.protocol_troubles += 1

    def _admit(self, event: ClientAuthenticated) -> None:
        device = self._device
        refusal = device.login_refusal() or device.session_refusal()
        if refusal is not None:
            self._stats.refused_logins += 1
            self._protocol.reply(event.request, status=refusal)
            self._flush()
            self._outlet.close()
            return
        self._cancel_login_deadline()
        device.note_login(is_right=True)
        self._stats.logins += 1
        self._stats.open_sessions += not self._has_session
        self._has_session = True
        self._protocol.accept_login(event.request, login_body(device.profile))
        for message_id, part in pushes_after_login(device.profile):
            self._protocol.push(message_id, serialize_body(part))

    def _answer(self, request: Requested) -> None:
        if request.message_id == MessageId.UDP_KEEPALIVE:
            return  # an answer would be answered, without end
        status = self._device.status_for(request.message_id)
        if status is not None:
            self._protocol.reply(request.header, status=status)
            return
        course = _COURSES.get(request.message_id)
        if course is not None:
            course(self, request)
            return
        self._answer_from_table(request)

    def _answer_from_table(self, request: Requested) -> None:
        device = self._device
        query = Query(
            request.message_id,
            channel=self._channel_of(request),
            extension=request.extension,
            body=_body_of(request),
            unix_s=device.clock.unix_s(),
        )
        reply = answer(query, device.settings)
        body = serialize_body(*reply.parts) if reply.parts else b""
        self._protocol.reply(request.header, status=reply.status, body=body)
        is_done = reply.status == Status.OK
        self._stats.pings += request.message_id == MessageId.PING
        self._stats.time_sets += is_done and request.message_id == MessageId.GENERAL_SET
        self._flush()
        for message_id, part in reply.pushes:
            device.push(message_id, serialize_body(part))
        if is_done and request.message_id == MessageId.REBOOT:
            device.reboot()

    def _channel_of(self, request: Requested) -> int:
        extension = request.extension
        if extension is None:
            return 0
        return extension.channel_id or extension.rf_id or 0

    def _log_out(self, request: Requested) -> None:
        self._protocol.reply(request.header)
        self._flush()
        self._outlet.close()

    def _subscribe(self, request: Requested) -> None:
        self._has_subscribed = True
        self._protocol.reply(request.header)

    # ------------------------------------------------------------ previews
    def _start_preview(self, request: Requested) -> None:
        device, body = self._device, _body_of(request)
        wanted = body.get(PreviewBody) if body else None
        kind = kind_of(wanted.stream_type) if wanted else None
        channel = (wanted.channel_id if wanted else None) or 0
        if (
            wanted is None
            or kind not in device.profile.streams
            or not 0 <= channel < device.profile.channels
        ):
            self._protocol.reply(request.header, status=Status.BAD_REQUEST)
            return
        number = request.header.number
        self._end_preview(number)
        key = channel, kind
        origin_s = device.clock.monotonic_s() + device.profile.info_delay_s
        source = device.source(key, origin_s)
        preview = Preview(key, request.header, wanted.handle or 0, source, origin_s)
        self._previews[number] = preview
        self._stats.video_starts[key] += 1
        self._stats.active_streams[key] += 1
        self._protocol.send_media(request.header, serialize(preview.info()), starts_packet=True)
        device.wake()

    def _stop_preview(self, request: Requested) -> None:
        body = _body_of(request)
        wanted = body.get(PreviewBody) if body else None
        number = request.header.number
        if number not in self._previews and wanted is not None:
            number = self._number_of(wanted)
        self._end_preview(number)
        self._protocol.reply(request.header)

    def _number_of(self, wanted: PreviewBody) -> int:
        """Find a preview by channel and handle, for clients that stop it under another number."""
        for number, preview in self._previews.items():
            if (preview.key[0], preview.handle) == (wanted.channel_id or 0, wanted.handle):
                return number
        return -1

    def _end_preview(self, number: int) -> None:
        preview = self._previews.pop(number, None)
        if preview is None:
            return
        self._stats.video_stops[preview.key] += 1
        self._stats.active_streams[preview.key] -= 1
        if not self._stats.active_streams[preview.key]:
            del self._stats.active_streams[preview.key]

    def _send_packet(self, preview: Preview, packet: Packet, now_s: float) -> None:
        counter = preview.count(packet)
        if not preview.fits(packet, self._outlet.backlog, now_s):
            self._stats.frames_dropped[preview.key] += counter is not None
            return
        faults = [one for one in self._device.faults if one.applies_to(preview.key[1])]
        packets = [packet]
        for fault in faults:
            packets = [out for one in packets for out in fault.on_packet(one)]
        for one in packets:
            data = serialize(one)
            for fault in faults:
                data = fault.on_media(data)
            self._protocol.send_media(preview.header, data, starts_packet=True)
            self._flush()
        is_sent = any(isinstance(one, VideoPacket) for one in packets)
        if counter is not None and is_sent and not self._device.is_silent:
            self._stats.frames_sent[preview.key] += 1
            self._stats.last_counter[preview.key] = counter

    # ------------------------------------------------------------ snapshots
    def _snap(self, request: Requested) -> None:
        profile, body = self._device.profile, _body_of(request)
        wanted = body.get(Snap) if body else None
        name = (wanted.stream_type if wanted else None) or "main"
        kind = kind_of(_NAMES.get(name, name))
        channel = self._channel_of(request) or (wanted.channel_id if wanted else None) or 0
        if kind not in profile.streams or not 0 <= channel < profile.channels:
            self._protocol.reply(request.header, status=Status.BAD_REQUEST)
            return
        picture = snapshot_of(profile.codec, kind)
        announced = Snap(
            channel_id=channel,
            time=0,
            file_name=f"0{channel + 1}_snapshot.jpg",
            picture_size=len(picture),
        )
        self._protocol.reply(request.header, body=serialize_body(announced))
        # some clients listen for the parts only once they have read this
        self._device.later(
            profile.snapshot_delay_s, lambda: self._send_snapshot(request.header, picture)
        )

    def _send_snapshot(self, header: Header, picture: bytes) -> None:
        if not self.is_open:
            return
        for start in range(0, len(picture), _SNAPSHOT_PART):
            self._protocol.send_binary_part(header, picture[start : start + _SNAPSHOT_PART])
        self._protocol.send_binary_part(header, b"", status=Status.LAST)
        self._stats.snapshots += 1
        self._flush()
        self._device.watch.notice()

    # ------------------------------------------------------------ endings
    def _flush(self) -> None:
        self._outlet.send(self._protocol.data_to_send())

    def _end_session(self) -> None:
        self._stats.open_sessions -= self._has_session
        self._has_session = False

    def _cancel_login_deadline(self) -> None:
        if self._login_deadline is not None:
            self._login_deadline.cancel()
            self._login_deadline = None


def _body_of(request: Requested) -> Body | None:
    if not request.body:
        return None
    try:
        return parse_body(request.body)
    except RemoteProtocolError as error:
        _LOG.debug("message %d: %s", request.message_id, error)
        return None


_COURSES: Mapping[int, Callable[[ClientConnection, Requested], None]] = {
    MessageId.LOGOUT: ClientConnection._log_out,  # noqa: SLF001 - its own table
    MessageId.PREVIEW_START: ClientConnection._start_preview,  # noqa: SLF001
    MessageId.PREVIEW_STOP: ClientConnection._stop_preview,  # noqa: SLF001
    MessageId.ALARM_SUBSCRIBE: ClientConnection._subscribe,  # noqa: SLF001
    MessageId.SNAPSHOT: ClientConnection._snap,  # noqa: SLF001
}
"""Requests whose answer needs the connection."""
