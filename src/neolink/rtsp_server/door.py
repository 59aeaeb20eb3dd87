"""The door: TCP ports, and who may come in by them within the limits. Connections are owned here.

What is asked on a connection is answered in ``requests``.
"""

import asyncio
import errno
import logging
import socket
from collections import Counter
from dataclasses import dataclass
from typing import Final

from neolink.errors import ConfigError
from neolink.listening import listen_tcp, mark_traffic, network_of, plain_host
from neolink.rtsp_server.context import Context
from neolink.rtsp_server.delivery.datagrams import Address
from neolink.rtsp_server.refusals import Refusal
from neolink.rtsp_server.requests.connection import ClientConnection
from neolink.rtsp_server.requests.methods import Conversation
from neolink.rtsp_server.wires.certificate import Certificate
from neolink.rtsp_server.wires.tls import TlsWire
from neolink.rtsp_server.wires.wire import PlainWire, Wire

__all__ = ["Door"]

_LOG = logging.getLogger(__name__)

NEWCOMER_S: Final = 2.0
"""So long a newcomer may take to ask for a stream before it makes room for others."""

ACCEPT_PAUSE_S: Final = 0.5
NOT_SENT_LOW_WATER: Final = 128 * 1024
"""More than this is kept in our queue, where whole groups of pictures can be dropped."""

_OF_THE_PEER: Final = frozenset(
    {
        *(errno.ECONNABORTED, errno.ECONNRESET, errno.EPERM, errno.EPROTO, errno.ETIMEDOUT),
        *(errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ENETUNREACH),
    }
)
"""A connection that was over before it was accepted; the next one may be good."""

_NO_FILES: Final = frozenset({errno.EMFILE, errno.ENFILE})


@dataclass(frozen=True, slots=True)
class _Listener:
    """A port that is listened on."""

    sock: socket.socket
    has_tls: bool


class Door:
    """The ports of one server and the connections that came by them."""

    def __init__(self, context: Context) -> None:
        self.port = 0
        """Which is listened on, also while the server is started again; 0 before."""
        self.tls_port = 0
        """The one for TLS, which may be the same; 0 before, and without a certificate."""
        self.connections: dict[ClientConnection, None] = {}
        """The oldest first."""
        self._context = context
        self._listeners: list[_Listener] = []
        self._certificate: Certificate | None = None
        self._per_host: Counter[str] = Counter()

    # -- ports ------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Whether any port is listened on."""
        return bool(self._listeners)

    def open(self) -> None:
        """Bind all ports. Raises ConfigError: the address in use, what is wrong with a file."""
        settings = self._context.settings
        if settings.certificate is not None and self._certificate is None:
            self._certificate = Certificate(settings)
        self.port = self._listen(settings.port, "bind_port", has_tls=settings.is_tls_alone)
        self.tls_port = self.port if settings.is_tls_alone else 0
        if settings.certificate is not None and settings.tls_port is not None:
            self.tls_port = self._listen(settings.tls_port, "[rtsp] tls_port", has_tls=True)

    def _listen(self, port: int, key: str, *, has_tls: bool) -> int:
        """Listen on one more port; return which it is."""
        settings = self._context.settings
        try:
            sock = listen_tcp(settings.bind, port)
            mark_traffic(sock, settings.dscp)
        except OSError as error:
            self._stop_listening()
            where = f"{settings.bind}:{port}"
            text = f"cannot listen on {where}: {error.strerror}; choose another with {key}"
            raise ConfigError(text) from error
        self._listeners.append(_Listener(sock, has_tls))
        return int(sock.getsockname()[1])

    def close(self) -> None:
        """Close every connection and port."""
        for connection in list(self.connections):
            connection.close()
            self._forget(connection)
        self._stop_listening()

    def _stop_listening(self) -> None:
        for listener in self._listeners:
            listener.sock.close()
        self._listeners.clear()

    def reload(self) -> None:
        """Go over to the certificate of other settings."""
        if self._certificate is not None:
            self._certificate.change(self._context.settings)

    def sweep(self, now_s: float) -> None:
        """End connections that are stalled or silent, and look whether the certificate is new."""
        for connection in list(self.connections):
            connection.check(now_s)
        self._context.tunnels.sweep()
        self._context.limiter.sweep()
        if self._certificate is not None:
            self._certificate.look()

    # -- connections ------------------------------------------------------------------

    def accept_into(self, tasks: asyncio.TaskGroup) -> None:
        """Accept and serve by tasks of this group until they are cancelled."""
        for listener in self._listeners:
            name = "rtsp accept tls" if listener.has_tls else "rtsp accept"
            tasks.create_task(self._accept(listener, tasks), name=name)

    async def _accept(self, listener: _Listener, tasks: asyncio.TaskGroup) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                sock, peer = await loop.sock_accept(listener.sock)
            except OSError as error:
                await asyncio.sleep(self._pause_after(error))
                continue
            self._let_in(sock, (plain_host(peer[0]), peer[1]), listener, tasks)
            await asyncio.sleep(0)  # accepting does not wait: a storm must not hold up pictures

    def _pause_after(self, error: OSError) -> float:
        """Return how long to accept nobody; tell what lacks, but not each time that it does."""
        if error.errno in _OF_THE_PEER:
            return 0.0
        hint = " (raise the limit of open files: LimitNOFILE, ulimit -n)"
        text = f"{error.strerror}{hint if error.errno in _NO_FILES else ''}"
        told = "cannot accept players: %s; trying again"
        self._context.limiter.log(_LOG, logging.ERROR, told, text, about=error.errno)
        return ACCEPT_PAUSE_S

    def _let_in(
        self, sock: socket.socket, peer: Address, listener: _Listener, tasks: asyncio.TaskGroup
    ) -> None:
        """Begin with a connection. Who accepts keeps hold of none: it may wait long for the next.

        With the last one it would keep what that has watched, of a camera that is gone too.
        """
        connection = self._welcome(sock, peer, has_tls=listener.has_tls)
        if connection is not None:
            tasks.create_task(self._serve(connection), name=f"rtsp {connection.name}")

    def _welcome(
        self, sock: socket.socket, peer: Address, *, has_tls: bool
    ) -> ClientConnection | None:
        """Return a connection that counts from now on, or None for one that is refused."""
        if not self._admits(peer[0]):
            sock.close()
            return None
        try:
            _tune(sock)
            wire: Wire = PlainWire(sock, peer)
            if has_tls:
                assert self._certificate is not None  # or it would not listen
                wire = TlsWire(wire, self._certificate.context)
            connection = ClientConnection(self._context, wire)
        except OSError:
            sock.close()  # gone before it was begun
            return None
        self.connections[connection] = None
        self._per_host[peer[0]] += 1
        return connection

    async def _serve(self, connection: ClientConnection) -> None:
        try:
            await connection.run(Conversation(self._context, connection))
        finally:
            self._forget(connection)

    def _forget(self, connection: ClientConnection) -> None:
        if connection not in self.connections:
            return
        del self.connections[connection]
        self._per_host[connection.peer_host] -= 1
        if not self._per_host[connection.peer_host]:
            del self._per_host[connection.peer_host]

    # -- limits -----------------------------------------------------------------------

    def _admits(self, host: str) -> bool:
        limits = self._context.settings.limits
        reason: Refusal | None = None
        if len(self.connections) >= limits.max_connections:
            reason, text = Refusal.MAX_CONNECTIONS, f"{limits.max_connections} connections"
        elif self._players_of(host) >= limits.max_connections_per_ip:
            reason = Refusal.MAX_CONNECTIONS_PER_IP
            text = f"{limits.max_connections_per_ip} connections of this address"
        elif not self._has_room_for_newcomer(host):
            reason = Refusal.MAX_UNAUTHENTICATED
            text = f"{limits.max_unauthenticated} connections that asked for no stream"
        if reason is None:
            return True
        text = f"refused: there are {text} (raise [limits] {reason})"
        self._context.refusals.note(reason, host, text)
        return False

    def _players_of(self, host: str) -> int:
        """Return how many connections of a host count: both of a tunnel are one player."""
        return self._per_host[host] - self._context.tunnels.carriers(host)

    def _has_room_for_newcomer(self, host: str) -> bool:
        """Whether one more may come who has not asked for a stream yet.

        Who has been there for a while without asking makes room; who just came is given time, but
        not for a crowd of one host: else that could keep all others out.
        """
        newcomers = [peer for peer in self.connections if not peer.is_admitted]
        if len(newcomers) < self._context.settings.limits.max_unauthenticated:
            return True
        counts = Counter(peer.network for peer in newcomers)
        crowd, size = counts.most_common(1)[0]
        is_crowded = size > counts[network_of(host)] + 1
        oldest = next(peer for peer in newcomers if not is_crowded or peer.network == crowd)
        is_new = self._context.clock.monotonic_s() - oldest.opened_s < NEWCOMER_S
        if is_new and not is_crowded:
            return False
        oldest.end("made room for others: it asked for no stream")
        return True


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
