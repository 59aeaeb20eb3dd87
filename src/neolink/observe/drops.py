"""What players count, summed so that it outlives them. Pure."""

from collections import defaultdict
from collections.abc import Container, Hashable, Iterable
from typing import Generic, TypeVar

__all__ = ["Outlasting"]

K = TypeVar("K", bound=Hashable)


class Outlasting(Generic[K]):
    """Sums by subject, told from time to time what everybody has counted so far.

    What somebody counted is added to the subject that it belongs to when that is noticed. What it
    counted after the last look before it left is not.
    """

    def __init__(self) -> None:
        self._noted: dict[Hashable, int] = {}
        self._sums: dict[K, int] = defaultdict(int)

    def note(self, counts: Iterable[tuple[Hashable, K, int]]) -> None:
        """Take who, for which subject and how much, of everybody there is; others have left."""
        before, self._noted = self._noted, {}
        for who, subject, count in counts:
            self._noted[who] = count
            if count:
                self._sums[subject] += max(0, count - before.get(who, 0))

    def of(self, subject: K) -> int:
        """Return the sum of a subject."""
        return self._sums.get(subject, 0)

    def forget_others(self, subjects: Container[K]) -> None:
        """Forget the sums of subjects that are gone."""
        for subject in [one for one in self._sums if one not in subjects]:
            del self._sums[subject]
