"""How thorough the doctor is, and how patient. Values only."""

from dataclasses import dataclass

from neolink.baichuan.ids import DEFAULT_PORT
from neolink.media.tracks import StreamKind

__all__ = ["OTHER_PORTS", "DoctorSettings", "Patience"]

OTHER_PORTS = (DEFAULT_PORT, 80, 443, 554, 8000)
"""Where cameras listen besides; tried only when the configured port does not open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long the doctor waits for what; a healthy camera needs a fraction of each."""

    name_s: float = 5.0
    connect_s: float = 4.0
    other_ports_s: float = 1.5
    greeting_s: float = 4.0
    second_greeting_s: float = 2.0
    """For every further question to something that did not answer as a camera does."""
    login_s: float = 10.0
    query_s: float = 2.0
    """For the answer to one question about the camera."""
    retry_s: float = 1.5
    """Before a stream is asked for again that was refused as by a busy camera."""
    picture_s: float = 10.0
    """For the first picture, from the request of a stream."""
    total_s: float = 30.0
    """For everything but watching the streams."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorSettings:
    """What is to be examined, and how."""

    seconds: float = 5.0
    """How long each stream is watched, from its first picture."""
    streams: tuple[StreamKind, ...] | None = None
    """Which streams; None: those that the settings of the camera name."""
    other_ports: tuple[int, ...] = OTHER_PORTS
    patience: Patience = Patience()
    is_forced: bool = False
    """Whether to log in although this very password was refused a short while ago."""

    def deadline_s(self, stream_count: int) -> float:
        """Return how long the whole examination may take."""
        return self.patience.total_s + self.seconds * stream_count
