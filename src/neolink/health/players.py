"""Which players of a stream lose pictures, or get smaller ones: they or their network are slow."""

from collections.abc import Iterator, Sequence

from neolink.health.causes import Cause, Finding, find
from neolink.health.thresholds import Thresholds
from neolink.health.words import counted
from neolink.readings import PlayerReading

__all__ = ["PlayersJudge"]


class PlayersJudge:
    """Follows the players of one stream; those who left are forgotten."""

    def __init__(self, limits: Thresholds) -> None:
        self._limits = limits
        self._dropped: dict[int, int] = {}
        self._dropped_s: dict[int, float] = {}
        """When each that ever lost pictures did so last."""

    def note(self, players: Sequence[PlayerReading], now_s: float) -> None:
        """Take who plays now, and what each has lost so far."""
        lost_now = {
            player.number: now_s
            for player in players
            if player.units_dropped > self._dropped.get(player.number, player.units_dropped)
        }
        present = {player.number for player in players}
        kept = {number: at_s for number, at_s in self._dropped_s.items() if number in present}
        self._dropped_s = kept | lost_now
        self._dropped = {player.number: player.units_dropped for player in players}

    def judge(self, players: Sequence[PlayerReading], now_s: float) -> Iterator[Finding]:
        """Say how many lose pictures, and how."""
        many = counted(len(players), "player")
        recent_s = self._limits.recent_s
        if slow := sum(now_s - at_s <= recent_s for at_s in self._dropped_s.values()):
            yield find(Cause.SLOW_PLAYERS, slow=slow, players=many)
        losses = [player.loss for player in players if player.is_playing and player.loss]
        lossy = [loss for loss in losses if loss >= self._limits.loss_share]
        if lossy:
            yield find(Cause.LOSSY_PLAYERS, lossy=len(lossy), players=many, worst=max(lossy))
        if moved := sum(player.moves_down > player.moves_up for player in players):
            yield find(Cause.MOVED_PLAYERS, moved=moved, players=many)
