"""The listener: accepts connections within its limits, owns them, and sweeps once a second."""

import asyncio
import errno
import logging
import secrets
import socket
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from neolink.clock import Clock
from neolink.errors import ConfigError
from neolink.hub.backlog import Budget
from neolink.listening import listen_tcp
from neolink.log import BoundLogger, RepeatLimiter, bind
from neolink.media.tracks import StreamKind
from neolink.rtsp.auth import Authenticator
from neolink.rtsp.session import SessionTable
from neolink.rtsp_server.connection import ClientConnection
from neolink.rtsp_server.context import Context
from neolink.rtsp_server.methods import REALM, Conversation
from neolink.rtsp_server.mount import Mount
from neolink.rtsp_server.paths import MountTable
from neolink.rtsp_server.player import Player
from neolink.rtsp_server.refusals import Refusal, Refusals
from neolink.rtsp_server.settings import RtspSettings
from neolink.rtsp_server.sums import PlayerSums
from neolink.rtsp_server.udp import Address, UdpPorts

__all__ = ["RtspServer"]

_LOG = logging.getLogger(__name__)

SWEEP_S: Final = 1.0
ADAPT_S: Final = 0.25
NEWCOMER_S: Final = 2.0
ACCEPT_PAUSE_S: Final = 0.5
NOT_SENT_LOW_WATER: Final = 128 * 1024
"""More than this is kept in our queue, where whole groups of pictures can be dropped."""

SESSIONS_PER_CONNECTION: Final = 2
"""UDP sessions outlive their connection."""

NOT_LIVE: Final = {
    "bind": "bind",
    "port": "bind_port",
    "certificate": "certificate",
    "tls_client_auth": "tls_client_auth",
    "is_udp_enabled": "[rtsp] udp",
    "rtp_port": "[rtsp] rtp_port",
}
"""Settings of the sockets themselves, and the keys that they come from."""

_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class RtspServer:
    """Serves mounts to players until cancelled."""

    def __init__(
        self, settings: RtspSettings, mounts: Mapping[tuple[str, StreamKind], Mount], clock: Clock
    ) -> None:
        limits = settings.limits
        self.settings = settings
        self._nonce_key = secrets.token_bytes(32)
        self.context = Context(
            settings=settings,
            mounts=MountTable(mounts),
            sessions=SessionTable(
                lambda: secrets.token_hex(12),
                timeout_s=int(settings.session_timeout_s),
                max_sessions=SESSIONS_PER_CONNECTION * limits.max_connections,
            ),
            authenticator=Authenticator(REALM, self._nonce_key, settings.users),
            budget=Budget(limits.max_bytes),
            clock=clock,
            refusals=Refusals(clock),
        )
        self.context.set_bounds()
        self._clock = clock
        self._listener: socket.socket | None = None
        self._port = 0
        self._connections: dict[ClientConnection, None] = {}  # the oldest first
        self._limiter = RepeatLimiter(clock)
        self._progress: dict[str, int] = {}
        self._shortages: dict[str, int] = {}
        self._per_host: Counter[str] = Counter()

    # -- what can be seen of it, and done ----------------------------------------------

    def players(self) -> Iterator[Player]:
        """Yield everybody who has set up a session, in the order they came."""
        for _, player in self.context.live_sessions():
            yield player

    def sums(self) -> dict[Mount, PlayerSums]:
        """Return what the players of each mount took, with those who have left."""
        sums = {mount: mount.sums_before for mount in self.context.mounts}
        for player in self.players():
            sums[player.mount] = sums.get(player.mount, PlayerSums()) + player.sums_here
        return sums

    @property
    def connection_count(self) -> int:
        """Open connections, also of those who do not watch."""
        return len(self._connections)

    @property
    def refused(self) -> Mapping[str, int]:
        """How often something was turned away, by reason: see :class:`Refusal`.

        Also queues that were emptied because players together had too much waiting.
        """
        context = self.context
        return {
            **context.refusals.counts,
            "max_bytes": context.budget.shortages,
            "max_bytes_per_camera": context.camera_shortages,
        }

    def next_number(self) -> int:
        """Return a number for somebody who watches by other means; no player has the same."""
        return next(self.context.numbers)

    def kick(self, number: int) -> bool:
        """End a player's session with BYE; False when nobody has the number."""
        for player in self.players():
            if player.number == number:
                player.log.info("ended by hand")
                self.context.expel(player, "ended by hand")
                return True
        return False

    @property
    def port(self) -> int:
        """The TCP port that is listened on, also while the server is started again; 0 before."""
        return self._port

    def reload(
        self, settings: RtspSettings, mounts: Mapping[tuple[str, StreamKind], Mount]
    ) -> None:
        """Go over to other users, limits and mounts; end the sessions of who may no longer watch.

        Where is listened stays as it is until a restart. Sessions keep the queue and the timeout
        that they began with.
        """
        before, context, limits = self.settings, self.context, settings.limits
        fixed = {name: getattr(before, name) for name in NOT_LIVE}
        if changed := [
            key for name, key in NOT_LIVE.items() if getattr(settings, name) != fixed[name]
        ]:
            _LOG.warning("%s: takes effect after a restart", ", ".join(changed))
        self.settings = context.settings = replace(settings, **fixed)
        context.mounts = MountTable(mounts)
        context.set_bounds()
        context.sessions.timeout_s = int(settings.session_timeout_s)
        context.sessions.max_sessions = SESSIONS_PER_CONNECTION * limits.max_connections
        if settings.users != before.users:
            context.authenticator = Authenticator(REALM, self._nonce_key, settings.users)
        for session, player in context.live_sessions():
            if not self._may_still_watch(session.user, player.mount, before.users):
                context.expel(player, "the user may no longer watch this camera")

    def end_sessions(self, mount: Mount, reason: str) -> None:
        """End every session of a mount."""
        for _, player in self.context.live_sessions():
            if player.mount is mount:
                self.context.expel(player, reason)
            else:
                player.stay(mount)

    def _may_still_watch(
        self, user: str | None, mount: Mount, users_before: Mapping[str, str]
    ) -> bool:
        """Tell whether a login of before is good today: same user, same password."""
        access, users = mount.settings.access, self.settings.users
        if not access.needs_login:
            return True
        is_same = user is not None and users.get(user) == users_before.get(user)
        return is_same and access.permits(user)

    def open(self) -> None:
        """Bind all ports. Raises ConfigError naming the address that is in use."""
        settings = self.settings
        self._listener = _listen(settings.bind, settings.port)
        self._port = int(self._listener.getsockname()[1])
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
                tasks.create_task(self._sweep_often(), name="rtsp sweep")
                tasks.create_task(self._adapt_often(), name="rtsp adapt")
        finally:
            self.close()

    def close(self) -> None:
        """End all sessions and close every connection and port."""
        for session, player in self.context.live_sessions():
            player.say_bye()
            self.context.end_session(session)
        for connection in list(self._connections):
            connection.close()
            self._forget(connection)
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
                is_exhausted = error.errno in _EXHAUSTED
                if is_exhausted:
                    _LOG.error("cannot accept players: %s; trying again", error.strerror)
                await asyncio.sleep(ACCEPT_PAUSE_S if is_exhausted else 0)
                continue
            connection = self._welcome(sock, peer[:2])
            if connection is not None:
                tasks.create_task(self._serve(connection), name=f"rtsp {connection.name}")
            await asyncio.sleep(0)  # accepting does not wait: a storm must not hold up pictures

    def _welcome(self, sock: socket.socket, peer: Address) -> ClientConnection | None:
        """Return a connection that counts from now on, or None for one that is refused."""
        if not self._admits(peer[0]):
            sock.close()
            return None
        try:
            _tune(sock)
            connection = ClientConnection(self.context, sock, peer)
        except OSError:
            sock.close()  # gone before it was begun
            return None
        self._connections[connection] = None
        self._per_host[peer[0]] += 1
        return connection

    async def _serve(self, connection: ClientConnection) -> None:
        try:
            await connection.run(Conversation(self.context, connection))
        finally:
            self._forget(connection)

    def _forget(self, connection: ClientConnection) -> None:
        if connection not in self._connections:
            return
        del self._connections[connection]
        self._per_host[connection.peer_host] -= 1
        if not self._per_host[connection.peer_host]:
            del self._per_host[connection.peer_host]

    def _admits(self, host: str) -> bool:
        limits = self.settings.limits
        reason: Refusal | None = None
        if len(self._connections) >= limits.max_connections:
            reason, text = Refusal.MAX_CONNECTIONS, f"{limits.max_connections} connections"
        elif self._per_host[host] >= limits.max_connections_per_ip:
            reason = Refusal.MAX_CONNECTIONS_PER_IP
            text = f"{limits.max_connections_per_ip} connections of this address"
        elif not self._has_room_for_newcomer():
            reason = Refusal.MAX_UNAUTHENTICATED
            text = f"{limits.max_unauthenticated} connections that asked for no stream"
        if reason is None:
            return True
        text = f"refused: there are {text} (raise [limits] {reason})"
        self.context.refusals.note(reason, host, text)
        return False

    def _has_room_for_newcomer(self) -> bool:
        """Whether one more may come who has not asked for a stream yet.

        Who has been there for a while without asking makes room; who just came is given time.
        """
        newcomers = [peer for peer in self._connections if not peer.is_admitted]
        if len(newcomers) < self.settings.limits.max_unauthenticated:
            return True
        oldest = newcomers[0]
        if self._clock.monotonic_s() - oldest.opened_s < NEWCOMER_S:
            return False
        oldest.end("made room for others: it asked for no stream")
        return True

    # -- once a second ----------------------------------------------------------------

    async def _sweep_often(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            self.sweep()

    def sweep(self) -> None:
        """End what has been silent or stalled for too long, by the clock."""
        now_s = self._clock.monotonic_s()
        for connection in list(self._connections):
            connection.check(now_s)
        self._progress = self._note_progress(self._progress, now_s)
        for session in self.context.sessions.expire(now_s):
            player = self.context.players.get(session.id)
            log = player.log if player is not None else _LOG
            log.info("the session of %s ended after silence", session.peer_host)
            self.context.end_session(session)
        for mount in self.context.mounts:
            mount.pace.look(now_s)
        self._tell_shortages()

    async def _adapt_often(self) -> None:
        while True:
            await asyncio.sleep(ADAPT_S)
            for _ in self.adapting():
                await asyncio.sleep(0)

    def adapt(self) -> None:
        """Move players between main and sub stream that may and should be, by the clock."""
        for _ in self.adapting():
            pass

    def adapting(self) -> Iterator[None]:
        """Do the same; yield after each move: each takes a millisecond, and all may be due."""
        now_s = self._clock.monotonic_s()
        for _, player in self.context.live_sessions():
            moves = player.moves_down + player.moves_up
            try:
                player.adapt(now_s)
            except Exception:  # a player's fault must not end the others
                player.log.exception("failed")
                player.dismiss("internal error")
            if player.moves_down + player.moves_up != moves:
                yield

    def _note_progress(self, before: Mapping[str, int], now_s: float) -> dict[str, int]:
        """Count a TCP player that drains its socket as alive, even if it never asks anything."""
        progress: dict[str, int] = {}
        for session, player in self.context.live_sessions():
            if losses := player.note_losses():
                held_back = self._limiter.admit((session.id, "slow"))
                if held_back is not None:
                    player.log.warning("reads too slowly, %d units dropped", losses)
            if player.outbox is None:
                continue
            sent = progress[session.id] = player.outbox.bytes_sent
            if sent != before.get(session.id, sent):
                session.touch(now_s)
        return progress

    def _tell_shortages(self) -> None:
        """Log that players together had too much waiting: whose limit that is, and its key."""
        context = self.context
        self._tell_shortage(_LOG, "all players", context.budget, "[limits] max_bytes")
        for camera, budget in context.budgets.items():
            whose, log = f"the players of {camera}", bind(_LOG, camera=camera)
            self._tell_shortage(log, whose, budget, "its max_bytes")

    def _tell_shortage(
        self, log: logging.Logger | BoundLogger, whose: str, budget: Budget, key: str
    ) -> None:
        before, self._shortages[whose] = self._shortages.get(whose, 0), budget.shortages
        if budget.shortages > before and self._limiter.admit((whose, "shortage")) is not None:
            text = "%s: more than %d MiB wait: the longest queues are emptied (raise %s)"
            log.warning(text, whose, budget.max_bytes >> 20, key)

    def _on_rtcp(self, address: Address, data: memoryview) -> None:
        owner = self.context.udp_peers.get(address)
        if owner is not None:
            self.context.take_rtcp(owner, data)


def _listen(host: str, port: int) -> socket.socket:
    try:
        return listen_tcp(host, port)
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {host}:{port}: {error.strerror}; choose another with bind_port"
        ) from error


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
