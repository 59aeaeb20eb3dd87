"""The listener: accepts connections within its limits, owns them, and sweeps once a second."""

import asyncio
import errno
import logging
import secrets
import socket
from collections import Counter
from collections.abc import Mapping
from typing import Final

from neolink.clock import Clock
from neolink.errors import ConfigError
from neolink.hub.backlog import Budget
from neolink.media.tracks import StreamKind
from neolink.rtsp.auth import Authenticator
from neolink.rtsp.session import SessionTable
from neolink.rtsp_server.connection import ClientConnection
from neolink.rtsp_server.context import Context
from neolink.rtsp_server.methods import REALM, Conversation
from neolink.rtsp_server.mount import Mount
from neolink.rtsp_server.paths import MountTable
from neolink.rtsp_server.settings import RtspSettings
from neolink.rtsp_server.udp import Address, UdpPorts

__all__ = ["RtspServer"]

_LOG = logging.getLogger(__name__)

BACKLOG: Final = 512
SWEEP_S: Final = 1.0
ACCEPT_PAUSE_S: Final = 0.5
NOT_SENT_LOW_WATER: Final = 128 * 1024
"""More than this is kept in our queue, where whole groups of pictures can be dropped."""

_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class RtspServer:
    """Serves mounts to players until cancelled."""

    def __init__(
        self, settings: RtspSettings, mounts: Mapping[tuple[str, StreamKind], Mount], clock: Clock
    ) -> None:
        limits = settings.limits
        self.settings = settings
        self.context = Context(
            settings=settings,
            mounts=MountTable(mounts),
            sessions=SessionTable(
                lambda: secrets.token_hex(12), timeout_s=int(settings.session_timeout_s)
            ),
            authenticator=Authenticator(REALM, secrets.token_bytes(32), settings.users),
            budget=Budget(limits.max_bytes),
            clock=clock,
        )
        self._clock = clock
        self._listener: socket.socket | None = None
        self._connections: set[ClientConnection] = set()
        self._per_host: Counter[str] = Counter()
        self.refused = 0
        """Connections refused because a limit was reached."""

    @property
    def port(self) -> int:
        """The TCP port that is listened on."""
        assert self._listener is not None  # after open()
        return int(self._listener.getsockname()[1])

    def open(self) -> None:
        """Bind all ports. Raises ConfigError naming the address that is in use."""
        settings = self.settings
        self._listener = _listen(settings.bind, settings.port)
        if settings.is_udp_enabled:
            try:
                self.context.udp = UdpPorts(settings.bind, settings.rtp_port, self._on_rtcp)
            except OSError as error:
                self._listener.close()
                raise ConfigError(
                    f"cannot bind UDP ports {settings.rtp_port} and {settings.rtp_port + 1}"
                    f" on {settings.bind}: {error.strerror}; choose others with [rtsp] rtp_port"
                ) from error

    async def run(self) -> None:
        """Accept and serve until cancelled; then close every connection and port."""
        if self._listener is None:
            self.open()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._accept(tasks), name="rtsp accept")
                tasks.create_task(self._sweep(), name="rtsp sweep")
        finally:
            self.close()

    def close(self) -> None:
        """Close the ports."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        if self.context.udp is not None:
            self.context.udp.close()
            self.context.udp = None

    # -- connections ------------------------------------------------------------------

    async def _accept(self, tasks: asyncio.TaskGroup) -> None:
        loop = asyncio.get_running_loop()
        assert self._listener is not None  # opened by run()
        while True:
            try:
                sock, peer = await loop.sock_accept(self._listener)
            except OSError as error:
                if error.errno in _EXHAUSTED:
                    _LOG.error("cannot accept players: %s; trying again", error.strerror)
                    await asyncio.sleep(ACCEPT_PAUSE_S)
                continue
            if not self._admits(peer[0]):
                sock.close()
                continue
            tasks.create_task(self._serve(sock, peer[:2]), name=f"rtsp {peer[0]}:{peer[1]}")

    async def _serve(self, sock: socket.socket, peer: Address) -> None:
        try:
            _tune(sock)
            connection = ClientConnection(self.context, sock, peer)
        except OSError:
            sock.close()  # gone before it was begun
            return
        self._connections.add(connection)
        self._per_host[peer[0]] += 1
        try:
            await connection.run(Conversation(self.context, connection))
        finally:
            self._connections.discard(connection)
            self._per_host[peer[0]] -= 1
            if not self._per_host[peer[0]]:
                del self._per_host[peer[0]]

    def _admits(self, host: str) -> bool:
        limits = self.settings.limits
        is_full = len(self._connections) >= limits.max_connections
        if not is_full and self._per_host[host] < limits.max_connections_per_ip:
            return True
        self.refused += 1
        if self.refused == 1:
            what = "all together" if is_full else f"from {host}"
            _LOG.warning("too many connections %s: refusing more", what)
        return False

    # -- once a second ----------------------------------------------------------------

    async def _sweep(self) -> None:
        context, stall_s = self.context, self.settings.limits.stall_timeout_s
        progress: dict[str, int] = {}
        while True:
            await asyncio.sleep(SWEEP_S)
            now_s = self._clock.monotonic_s()
            for connection in list(self._connections):
                connection.check_progress(SWEEP_S, stall_s)
            progress = self._note_progress(progress, now_s)
            for session in context.sessions.expire(now_s):
                _LOG.info("session of %s: ended after silence", session.peer_host)
                context.end_session(session)

    def _note_progress(self, before: Mapping[str, int], now_s: float) -> dict[str, int]:
        """Count a TCP player that drains its socket as alive, even if it never asks anything."""
        progress: dict[str, int] = {}
        for session, player in self.context.live_sessions():
            if player.outbox is None:
                continue
            sent = progress[session.id] = player.outbox.bytes_sent
            if sent != before.get(session.id, sent):
                session.touch(now_s)
        return progress

    def _on_rtcp(self, address: Address, data: memoryview) -> None:
        del data  # reception reports prove life; their figures are not kept yet
        session_id = self.context.udp_peers.get(address)
        player = self.context.players.get(session_id) if session_id else None
        if player is not None:
            player.session.touch(self._clock.monotonic_s())


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind((host, port))
        sock.listen(BACKLOG)
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        raise ConfigError(
            f"cannot listen on {host}:{port}: {error.strerror}; choose another with bind_port"
        ) from error
    return sock


def _tune(sock: socket.socket) -> None:
    """Set what keeps latency low, dead peers short, and the backlog on our side."""
    sock.setblocking(False)
    for level, name, value in (
        (socket.IPPROTO_TCP, "TCP_NODELAY", 1),
        (socket.SOL_SOCKET, "SO_KEEPALIVE", 1),
        (socket.IPPROTO_TCP, "TCP_KEEPIDLE", 30),
        (socket.IPPROTO_TCP, "TCP_KEEPINTVL", 10),
        (socket.IPPROTO_TCP, "TCP_KEEPCNT", 3),
        (socket.IPPROTO_TCP, "TCP_USER_TIMEOUT", 15_000),
        (socket.IPPROTO_TCP, "TCP_NOTSENT_LOWAT", NOT_SENT_LOW_WATER),
    ):
        option = getattr(socket, name, None)  # not on every platform
        if option is not None:
            sock.setsockopt(level, option, value)
