"""A player's place on a mount: what it wants, and where its packets go. Values; nothing is sent."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from neolink.rtp.formats import AudioChoice
from neolink.rtsp_server.mounts.numbers import USUAL
from neolink.rtsp_server.mounts.parcel import AUDIO, Parcel
from neolink.rtsp_server.settings import StartMode

__all__ = ["Lane", "Seat", "SoundForm", "StartPoint"]

SoundForm = tuple[AudioChoice, int]
"""What the sound is sent as, and the size of packets."""


class Lane(Protocol):
    """Where one player's packets go: TCP or UDP."""

    def push(self, parcel: Parcel) -> None:
        """Take one parcel; return at once."""

    def push_aside(self, parcel: Parcel) -> None:
        """Take one small parcel that must not be dropped with pictures; return at once."""

    def push_rtcp(self, track: int, packet: bytes) -> None:
        """Take one RTCP compound packet."""


@dataclass(frozen=True, slots=True)
class StartPoint:
    """First packet of a track for one player, for ``RTP-Info``. ``None``: not known yet."""

    sequence: int | None
    timestamp: int | None


@dataclass(eq=False, slots=True)
class Seat:
    """One playing session on a mount. ``audio`` is None when no audio track was set up."""

    lane: Lane
    wants_video: bool
    audio: AudioChoice | None
    start: StartMode
    on_renegotiate: Callable[[], None]
    """Called when the player must describe the stream again."""
    on_failure: Callable[[str], None]
    """Called when the player cannot be served any more, with the reason."""
    wants_metadata: bool = False
    packet_sizes: Mapping[int, int] = field(default_factory=dict)
    """By track, where it is not the usual one; each is held."""

    def packet_size(self, track: int) -> int:
        """Return the size of packets that a track is sent in."""
        return self.packet_sizes.get(track, USUAL)

    @property
    def sound_form(self) -> SoundForm | None:
        """What form the sound is sent in; None where none is sent."""
        return (self.audio, self.packet_size(AUDIO)) if self.audio else None
