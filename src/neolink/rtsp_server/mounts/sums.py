"""What all players of a mount took so far, also those who have left. Plain numbers."""

from dataclasses import dataclass

__all__ = ["PlayerSums"]


@dataclass(slots=True)
class PlayerSums:
    """Counters that only grow while the mount lives."""

    players: int = 0
    """Sessions that were set up."""
    bytes_sent: int = 0
    units_dropped: int = 0
    drop_episodes: int = 0
    moves_down: int = 0
    moves_up: int = 0

    def __add__(self, other: "PlayerSums") -> "PlayerSums":
        return PlayerSums(
            self.players + other.players,
            self.bytes_sent + other.bytes_sent,
            self.units_dropped + other.units_dropped,
            self.drop_episodes + other.drop_episodes,
            self.moves_down + other.moves_down,
            self.moves_up + other.moves_up,
        )

    def __sub__(self, other: "PlayerSums") -> "PlayerSums":
        return PlayerSums(
            self.players - other.players,
            self.bytes_sent - other.bytes_sent,
            self.units_dropped - other.units_dropped,
            self.drop_episodes - other.drop_episodes,
            self.moves_down - other.moves_down,
            self.moves_up - other.moves_up,
        )
