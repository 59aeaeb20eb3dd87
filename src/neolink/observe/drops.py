"""Units that players did not take in time, by stream: a sum that outlives the players. Pure."""

from collections import defaultdict
from collections.abc import Iterable

from neolink.observe.parts import Key

__all__ = ["Drops"]


class Drops:
    """Sums by stream, told from time to time what each player has lost so far.

    What a player loses is counted for the stream that it is sent when that is noticed. What it
    lost after the last look before it left is not.
    """

    def __init__(self) -> None:
        self._noted: dict[int, int] = {}
        self._sums: dict[Key, int] = defaultdict(int)

    def note(self, players: Iterable[tuple[int, Key, int]]) -> None:
        """Take number, stream and losses of everybody there is; who is missing has left."""
        before, self._noted = self._noted, {}
        for number, key, dropped in players:
            self._noted[number] = dropped
            if dropped:
                self._sums[key] += max(0, dropped - before.get(number, 0))

    def of(self, key: Key) -> int:
        """Return all losses on a stream."""
        return self._sums.get(key, 0)
