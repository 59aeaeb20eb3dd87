"""One client's connection to a simulated camera: its login, its requests, what is sent to it.

Callbacks of a transport, no task; time-driven work (`send_due`) is called by the camera's owner.
Previews are in ``previews``, snapshots in ``stills``, all other answers in ``replies``. Protocol
reference, sections 3.7, 6 and 8.
"""

import asyncio
import secrets
import socket
from collections.abc import Callable
from typing import cast

from neolink.baichuan.ids import MessageId, Status
from neolink.baichuan.server import (
    BinaryReceived,
    ClientAuthenticated,
    ClientRefused,
    Requested,
    ServerEvent,
    ServerProtocol,
)
from neolink.baichuan.xml import serialize_body
from neolink.simulator.device import Device
from neolink.simulator.line import Line
from neolink.simulator.outlet import Outlet
from neolink.simulator.previews import Previews
from neolink.simulator.replies import Query, answer, login_body, pushes_after_login
from neolink.simulator.requests import body_of, channel_of
from neolink.simulator.stills import snap
from neolink.simulator.talks import Talks

__all__ = ["ClientConnection"]

_LOGIN_TIMEOUT_S = 30.0
_SEND_BUFFER = 128 * 1024  # as little as a camera has, so that a slow client is noticed


class ClientConnection(asyncio.Protocol):
    """A client of ``device``. It adds itself to ``device.clients`` and leaves with its socket."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._stats = device.stats
        self._protocol = ServerProtocol(
            device.profile.credentials,
            nonce=secrets.token_hex(8).upper(),
            encryption=device.profile.encryption,
            refuse=device.login_refusal(),
            wrong_credentials_status=device.profile.wrong_credentials_status,
            accept_legacy=device.profile.accepts_legacy_login,
        )
        self._outlet: Outlet
        self._line: Line
        self._previews: Previews
        self._talks: Talks
        self._login_deadline: asyncio.TimerHandle | None = None
        self._has_session = False
        self._has_subscribed = False

    # ------------------------------------------------------------ transport
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Accept a client, or turn it away as if nobody listened."""
        transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but its bases
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        device = self._device
        self._outlet = Outlet(transport, device)
        self._line = Line(device, self._protocol, self._outlet)
        self._previews = Previews(self._line)
        self._talks = Talks(self._line)
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
        self._previews.end_all()
        self._talks.end_all()
        self._end_session()
        self._stats.open_connections -= 1
        self._device.clients.discard(self)
        self._device.watch.notice()

    def data_received(self, data: bytes) -> None:
        """Answer what the client sends."""
        if self._device.is_silent:
            return
        if not self._has_session and self._device.hangs_up():
            self.abort()
            return
        for event in self._protocol.receive_data(data):
            self._handle(event)
        self._line.flush()
        self._device.watch.notice()

    def abort(self) -> None:
        """Reset the connection."""
        self._outlet.abort()

    # ------------------------------------------------------------ what the device does
    @property
    def wants_events(self) -> bool:
        """Whether the client is logged in and has subscribed to alarms."""
        return self._has_session and self._has_subscribed

    def push(self, message_id: int, body: bytes) -> None:
        """Send what nobody asked for, if the client is logged in."""
        if self._has_session and self._line.is_open:
            self._protocol.push(message_id, body)
            self._line.flush()

    def send_due(self, now_s: float) -> None:
        """Send what is due of all previews."""
        if self._line.is_open:
            self._previews.send_due(now_s)
            self._line.flush()
        self._outlet.drip(now_s)

    def next_due_s(self, now_s: float) -> float | None:
        """Return when `send_due` has something to do; None for not before something happens."""
        media_s = self._previews.next_due_s(now_s) if self._line.is_open else None
        due = (media_s, self._outlet.next_due_s)
        return min((one for one in due if one is not None), default=None)

    def follow(self, now_s: float) -> None:
        """Change what is shown and heard to what the device shows by now."""
        self._previews.follow(now_s)

    # ------------------------------------------------------------ requests
    def _handle(self, event: ServerEvent) -> None:
        match event:
            case ClientAuthenticated():
                self._admit(event)
            case ClientRefused(status=status):
                self._stats.refused_logins += 1
                is_fault = self._device.status_for(MessageId.LOGIN) is not None
                if status == self._device.profile.wrong_credentials_status and not is_fault:
                    self._device.note_login(is_right=False)
            case Requested():
                self._stats.requests[event.message_id] += 1
                self._answer(event)
            case BinaryReceived():
                self._stats.requests[event.message_id] += 1
                self._take_binary(event)
            case _:  # damage that was skipped
                self._stats.protocol_troubles += 1

    def _take_binary(self, event: BinaryReceived) -> None:
        if event.message_id == MessageId.TALK_DATA:
            self._talks.hear(event)
        else:
            self._line.reply(event.header, status=Status.NOT_ALLOWED)

    def _admit(self, event: ClientAuthenticated) -> None:
        device = self._device
        refusal = device.login_refusal() or device.session_refusal()
        if refusal is not None:
            self._stats.refused_logins += 1
            self._line.reply(event.request, status=refusal)
            self._line.flush()
            self._outlet.close()
            return
        self._cancel_login_deadline()
        device.note_login(is_right=True)
        self._stats.logins += 1
        self._stats.open_sessions += not self._has_session
        self._has_session = True
        body = self._line.altered(MessageId.LOGIN, login_body(device.profile))
        self._protocol.accept_login(event.request, body)
        for message_id, part in pushes_after_login(device.profile):
            self._protocol.push(message_id, serialize_body(part))

    def _answer(self, request: Requested) -> None:
        if request.message_id == MessageId.UDP_KEEPALIVE:
            return  # an answer would be answered, without end
        status = self._device.status_for(request.message_id)
        if status is not None:
            self._line.reply(request.header, status=status)
            return
        self._course_of(request.message_id)(request)

    def _course_of(self, message_id: int) -> Callable[[Requested], None]:
        """Return what answers a request: the connection where it needs one, or a table."""
        match message_id:
            case MessageId.LOGOUT:
                return self._log_out
            case MessageId.PREVIEW_START:
                return self._previews.start
            case MessageId.PREVIEW_STOP:
                return self._previews.stop
            case MessageId.ALARM_SUBSCRIBE:
                return self._subscribe
            case MessageId.SNAPSHOT:
                return lambda request: snap(self._line, request)
        return self._talks.course_of(message_id) or self._answer_from_table

    def _answer_from_table(self, request: Requested) -> None:
        device = self._device
        query = Query(
            request.message_id,
            channel=channel_of(request),
            extension=request.extension,
            body=body_of(request),
            unix_s=device.clock.unix_s(),
        )
        reply = answer(query, device.settings)
        body = serialize_body(*reply.parts) if reply.parts else b""
        self._line.reply(request.header, status=reply.status, body=body)
        is_done = reply.status == Status.OK
        self._stats.pings += request.message_id == MessageId.PING
        self._stats.time_sets += is_done and request.message_id == MessageId.GENERAL_SET
        self._line.flush()
        for message_id, part in reply.pushes:
            device.push(message_id, serialize_body(part))
        if is_done and request.message_id == MessageId.REBOOT:
            device.reboot()

    def _log_out(self, request: Requested) -> None:
        self._line.reply(request.header)
        self._line.flush()
        self._outlet.close()

    def _subscribe(self, request: Requested) -> None:
        self._has_subscribed = True
        self._line.reply(request.header)

    # ------------------------------------------------------------ endings
    def _end_session(self) -> None:
        self._stats.open_sessions -= self._has_session
        self._has_session = False

    def _cancel_login_deadline(self) -> None:
        if self._login_deadline is not None:
            self._login_deadline.cancel()
            self._login_deadline = None
