"""What is looked at again and again: sessions that are over, rates, players to be moved, shortages.

Connections are looked at by the door that they came in by.
"""

import logging
from collections.abc import Iterator
from typing import Final

from neolink.hub.backlog import Budget
from neolink.log import BoundLogger, RepeatLimiter, bind
from neolink.rtsp.session import ServerSession
from neolink.rtsp_server.context import Context
from neolink.rtsp_server.sessions.player import Player

__all__ = ["Upkeep"]

_LOG = logging.getLogger(__name__)

MIB: Final = 1 << 20

LEFT_UNPLAYED_S: Final = 10.0
"""How long a session is kept that was never played, once its connection has gone."""


class Upkeep:
    """Looks after the sessions and mounts of one server, by its clock."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._limiter = RepeatLimiter(context.clock)
        self._progress: dict[str, int] = {}
        """Bytes that were sent to each session's connection when it was looked at last."""
        self._shortages: dict[str, int] = {}

    # -- once a second ----------------------------------------------------------------

    def sweep(self, now_s: float) -> None:
        """End sessions that have been silent for too long, and learn how fast streams come."""
        context = self._context
        self._note_progress(now_s)
        for session in context.sessions.expire(now_s):
            player = context.players.get(session.id)
            if player is not None:
                player.tell_left(context.limiter, "ended after silence")
                player.say_bye()  # it may watch all the same, and only not say so
            context.end_session(session)
        self._end_unplayed(now_s)
        for mount in context.mounts:
            mount.pace.look(now_s)
        self._tell_shortages()

    def _end_unplayed(self, now_s: float) -> None:
        for session, player in self._context.live_sessions():
            is_forgotten = player.is_abandoned and not player.has_played
            if is_forgotten and now_s - player.left_s >= LEFT_UNPLAYED_S:
                player.tell_left(self._context.limiter)
                self._context.end_session(session)

    def _note_progress(self, now_s: float) -> None:
        """Count a TCP player that drains its socket as alive, even if it never asks anything."""
        before, self._progress = self._progress, {}
        for session, player in self._context.live_sessions():
            self._tell_losses(session, player)
            self._tell_unsent(session, player)
            if player.outbox is None or not player.is_playing:
                continue
            sent = self._progress[session.id] = player.outbox.bytes_sent
            if sent != before.get(session.id, sent):
                session.touch(now_s)

    def _tell_losses(self, session: ServerSession, player: Player) -> None:
        losses = player.note_losses()
        if losses and self._limiter.admit((session.id, "slow")) is not None:
            player.log.warning("reads too slowly, %d units dropped", losses)

    def _tell_unsent(self, session: ServerSession, player: Player) -> None:
        fault = player.lanes.take_udp_fault()
        if fault and self._limiter.admit((session.id, "unsent")) is not None:
            text = "cannot be sent UDP at %s; look at firewall and routes, or have it use TCP"
            player.log.warning(text, fault)

    def _tell_shortages(self) -> None:
        """Log that players together had too much waiting: whose limit that is, and its key."""
        context = self._context
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
            log.warning(text, whose, budget.max_bytes // MIB, key)

    # -- more often -------------------------------------------------------------------

    def adapting(self, now_s: float) -> Iterator[None]:
        """Move players between main and sub stream that may and should be.

        Yields after each move: each takes a millisecond, and all may be due.
        """
        for _, player in self._context.live_sessions():
            moves = player.moves_down + player.moves_up
            try:
                player.adapt(now_s)
            except Exception:  # a player's fault must not end the others
                player.log.exception("failed")
                player.dismiss("internal error")
            if player.moves_down + player.moves_up != moves:
                yield
