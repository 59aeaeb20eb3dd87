"""Sound that arrives unevenly, for a loudspeaker that plays evenly: the jitter buffer. Pure.

PCM is signed 16 bit, big-endian, mono. Who sends and who plays, and when, is decided elsewhere.
"""

from neolink.media.pcm import silence

__all__ = ["Playout"]

_BYTES_PER_SAMPLE = 2


class Playout:
    """PCM in as it comes, PCM out in pieces of exactly the length that is asked for.

    Nothing but silence is given until ``target_s`` of sound wait; then sound, until it runs dry
    (what lacks of a piece is silence) and everything begins anew. More than ``max_s`` never wait:
    the oldest is dropped, so that no delay ever stays. What ends is given to its end after
    ``finish``.
    """

    def __init__(self, clock_rate: int, *, target_s: float = 0.12, max_s: float = 0.5) -> None:
        self.clock_rate = clock_rate
        self.dropped_samples = 0
        """Sound that was never given, because more came than is played."""
        self.dry_runs = 0
        """How often it ran dry in the middle of sound."""
        self._target_bytes = _BYTES_PER_SAMPLE * round(target_s * clock_rate)
        self._max_bytes = _BYTES_PER_SAMPLE * round(max_s * clock_rate)
        self._waiting = bytearray()
        self._is_flowing = False
        self._is_finishing = False

    @property
    def delay_s(self) -> float:
        """How much sound waits."""
        return len(self._waiting) / (_BYTES_PER_SAMPLE * self.clock_rate)

    @property
    def is_empty(self) -> bool:
        """Whether no sound waits."""
        return not self._waiting

    def put(self, pcm: bytes | memoryview) -> None:
        """Take sound that follows what was put before."""
        self._is_finishing = False
        self._waiting += pcm
        excess = len(self._waiting) - self._max_bytes
        if excess > 0:
            excess += self._max_bytes - self._target_bytes  # back to what is wanted, at once
            self.dropped_samples += excess // _BYTES_PER_SAMPLE
            del self._waiting[:excess]

    def take(self, samples: int) -> bytes:
        """Return the next ``samples`` samples."""
        if not self._is_flowing:
            is_enough = self._is_finishing or len(self._waiting) >= self._target_bytes
            if not is_enough or self.is_empty:
                return silence(samples)
            self._is_flowing = True
        pcm = bytes(self._waiting[: _BYTES_PER_SAMPLE * samples])
        del self._waiting[: len(pcm)]
        lacking = samples - len(pcm) // _BYTES_PER_SAMPLE
        if lacking:
            self._is_flowing = False
            self.dry_runs += not self._is_finishing
        return pcm + silence(lacking)

    def finish(self) -> None:
        """Learn that no more will come: what waits is given now. More that comes takes it back."""
        self._is_finishing = True

    def clear(self) -> None:
        """Forget what waits."""
        self._waiting.clear()
        self._is_flowing = self._is_finishing = False
