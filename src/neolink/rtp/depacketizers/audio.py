"""The value that audio depacketizers return."""

from dataclasses import dataclass

__all__ = ["ReceivedAudio"]


@dataclass(frozen=True, slots=True)
class ReceivedAudio:
    """One AAC access unit, or the samples of one packet, as they were on the wire."""

    timestamp: int
    data: bytes
