"""The RTSP server: joins its parts, owns their tasks, and goes over to other settings.

Who comes in is decided by the door; what is looked at again and again is in ``upkeep``.
"""

import asyncio
import logging
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from neolink.clock import Clock
from neolink.hub.backlog import Budget
from neolink.log import RepeatLimiter
from neolink.media.tracks import StreamKind
from neolink.rtsp.auth import Authenticator
from neolink.rtsp.session import SessionTable
from neolink.rtsp_server.context import Context
from neolink.rtsp_server.door import Door
from neolink.rtsp_server.mounts.mount import Mount
from neolink.rtsp_server.mounts.paths import MountTable
from neolink.rtsp_server.mounts.sums import PlayerSums
from neolink.rtsp_server.refusals import Refusals
from neolink.rtsp_server.requests.methods import REALM
from neolink.rtsp_server.requests.udp_inbox import open_udp
from neolink.rtsp_server.sessions.player import Player
from neolink.rtsp_server.settings import RtspSettings
from neolink.rtsp_server.upkeep import Upkeep
from neolink.rtsp_server.wires.tunnel import Tunnels

__all__ = ["RtspServer"]

_LOG = logging.getLogger(__name__)

SWEEP_S: Final = 1.0
ADAPT_S: Final = 0.25

SESSIONS_PER_CONNECTION: Final = 2
"""UDP sessions outlive their connection."""

NOT_LIVE: Final = {
    "bind": "bind",
    "port": "bind_port",
    "tls_port": "[rtsp] tls_port",
    "is_udp_enabled": "[rtsp] udp",
    "rtp_port": "[rtsp] rtp_port",
    "dscp": "[rtsp] dscp",
    "multicast": "[rtsp.multicast]",
}
"""Settings of the sockets themselves, and the keys that they come from."""


class RtspServer:
    """Serves mounts to players until cancelled."""

    def __init__(
        self, settings: RtspSettings, mounts: Mapping[tuple[str, StreamKind], Mount], clock: Clock
    ) -> None:
        limits = settings.limits
        refusals = Refusals(clock)
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
            authenticator=self._new_authenticator(settings),
            budget=Budget(limits.max_bytes),
            clock=clock,
            refusals=refusals,
            tunnels=Tunnels(clock, refusals),
        )
        self.context.set_bounds()
        self.door = Door(self.context)
        self._upkeep = Upkeep(self.context)
        self._limiter = RepeatLimiter(clock)
        self._clock = clock

    # -- what can be seen of it --------------------------------------------------------

    @property
    def port(self) -> int:
        """The TCP port that is listened on, also while the server is started again; 0 before."""
        return self.door.port

    @property
    def tls_port(self) -> int:
        """The TCP port for TLS, which may be the same; 0 before, and without a certificate."""
        return self.door.tls_port

    @property
    def connection_count(self) -> int:
        """Open connections, also of those who do not watch."""
        return len(self.door.connections)

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

    def players(self) -> Iterator[Player]:
        """Yield everybody who has set up a session, in the order they came."""
        for _, player in self.context.live_sessions():
            yield player

    def sums(self) -> dict[Mount, PlayerSums]:
        """Return what the players of each mount took, with those who have left."""
        sums = {mount: mount.sums_before for mount in self.context.mounts}
        for player in self.players():
            sums[player.mount] = sums.get(player.mount, PlayerSums()) + player.sums_here
        for group in self.context.groups:
            sums[group.mount] = sums.get(group.mount, PlayerSums()) + group.sums
        return sums

    def next_number(self) -> int:
        """Return a number for somebody who watches by other means; no player has the same."""
        return next(self.context.numbers)

    # -- its life ---------------------------------------------------------------------

    def open(self) -> None:
        """Bind all ports. Raises ConfigError: the address in use, what is wrong with a file."""
        self.door.open()
        self.context.udp = open_udp(self.context)

    async def run(self) -> None:
        """Accept and serve until cancelled; then close every connection and port."""
        if not self.door.is_open:
            self.open()
        try:
            async with asyncio.TaskGroup() as tasks:
                self.door.accept_into(tasks)
                tasks.create_task(self._sweep_often(), name="rtsp sweep")
                tasks.create_task(self._adapt_often(), name="rtsp adapt")
        finally:
            self.close()

    def close(self) -> None:
        """End all sessions and close every connection and port."""
        for session, player in self.context.live_sessions():
            player.say_bye()
            self.context.end_session(session)
        self.door.close()
        if self.context.udp is not None:
            self.context.udp.close()
            self.context.udp = None

    async def _sweep_often(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            now_s = self._clock.monotonic_s()
            for part in (self.door, self._upkeep):
                try:
                    part.sweep(now_s)
                except Exception as error:  # noqa: BLE001 - it would end every session
                    if self._limiter.admit((type(part), type(error))) is not None:
                        _LOG.exception("looking after players failed, it goes on in a second")

    def sweep(self) -> None:
        """End what has been silent or stalled for too long, by the clock."""
        now_s = self._clock.monotonic_s()
        self.door.sweep(now_s)
        self._upkeep.sweep(now_s)

    async def _adapt_often(self) -> None:
        while True:
            await asyncio.sleep(ADAPT_S)
            for _ in self._upkeep.adapting(self._clock.monotonic_s()):
                await asyncio.sleep(0)

    def adapt(self) -> None:
        """Move players between main and sub stream that may and should be, by the clock."""
        for _ in self._upkeep.adapting(self._clock.monotonic_s()):
            pass

    # -- sessions that are ended from outside ------------------------------------------

    def kick(self, number: int) -> bool:
        """End a player's session with BYE; False when nobody has the number."""
        for player in self.players():
            if player.number == number:
                player.log.info("ended by hand")
                self.context.expel(player, "ended by hand")
                return True
        return False

    def end_sessions(self, mount: Mount, reason: str) -> None:
        """End every session of a mount."""
        for player in self.players():
            if player.mount is mount:
                self.context.expel(player, reason)
            else:
                player.stay(mount)

    # -- other settings ---------------------------------------------------------------

    def reload(
        self, settings: RtspSettings, mounts: Mapping[tuple[str, StreamKind], Mount]
    ) -> None:
        """Go over to other users, limits and mounts; end the sessions of who may no longer watch.

        Where is listened stays as it is until a restart. Sessions keep the queue and the timeout
        that they began with.
        """
        before, context = self.settings, self.context
        self.settings = context.settings = self._what_can_be(settings)
        context.mounts = MountTable(mounts)
        context.set_bounds()
        self.door.reload()
        context.sessions.timeout_s = int(settings.session_timeout_s)
        max_connections = settings.limits.max_connections
        context.sessions.max_sessions = SESSIONS_PER_CONNECTION * max_connections
        if (settings.users, settings.schemes) != (before.users, before.schemes):
            context.authenticator = self._new_authenticator(settings)
        for player in self.players():
            if not self._may_still_watch(player.user, player.mount, before.users):
                context.expel(player, "the user may no longer watch this camera")

    def _what_can_be(self, settings: RtspSettings) -> RtspSettings:
        """Return settings with those of now that stay; the log names what changes at a restart."""
        before = self.settings
        fixed = {name: getattr(before, name) for name in NOT_LIVE}
        changed = [key for name, key in NOT_LIVE.items() if getattr(settings, name) != fixed[name]]
        if (settings.certificate is None) != (before.certificate is None):
            fixed["certificate"] = before.certificate
            changed.append("certificate")
        if changed:
            _LOG.warning("%s: takes effect after a restart", ", ".join(changed))
        return replace(settings, **fixed)

    def _new_authenticator(self, settings: RtspSettings) -> Authenticator:
        return Authenticator(REALM, self._nonce_key, settings.users, settings.schemes)

    def _may_still_watch(
        self, user: str | None, mount: Mount, users_before: Mapping[str, str]
    ) -> bool:
        """Tell whether a login of before is good today: same user, same password."""
        access, users = mount.settings.access, self.settings.users
        if not access.needs_login:
            return True
        is_same = user is not None and users.get(user) == users_before.get(user)
        return is_same and access.permits(user)
