"""What a fault can do to a simulated camera. The base does nothing; each hook says what it may.

Pure: packets, bytes and times in, others out. What faults there are is in the modules beside this
one, by what they touch; when they begin and end is in ``scenario``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from neolink.baichuan.bcmedia import InfoPacket, Packet
from neolink.errors import ConfigError
from neolink.media.tracks import StreamKind, VideoCodec
from neolink.simulator.source import Sound

__all__ = ["Cargo", "Ending", "EveryNth", "Fault", "Look"]


@dataclass(frozen=True, slots=True)
class Cargo:
    """What messages on their way out carry, if it is media."""

    packet: Packet
    stream: StreamKind


@dataclass(frozen=True, slots=True)
class Ending:
    """The last bytes of a connection, which is closed right behind them."""

    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Look:
    """Which of the bundled clips a stream shows, and how it sounds."""

    codec: VideoCodec
    size_of: StreamKind
    sound: Sound | None


@dataclass(kw_only=True)
class Fault:
    """Does nothing; the base of all faults. ``stream`` None means all streams."""

    NAME: ClassVar[str] = ""
    DEFAULT_DURATION_S: ClassVar[float] = 5.0
    REFUSES: ClassVar[bool] = False
    """Whether nobody listens while the fault lasts."""
    IS_SILENT: ClassVar[bool] = False
    """Whether everything that arrives is lost, and nothing is sent, while the fault lasts."""

    stream: StreamKind | None = None

    # ------------------------------------------------------------ when
    @property
    def default_duration_s(self) -> float:
        """How long it lasts unless somebody says otherwise."""
        return self.DEFAULT_DURATION_S

    @property
    def is_spent(self) -> bool:
        """Whether it has done all it was to do, and may end before its time."""
        return False

    @property
    def cuts_at_begin(self) -> bool:
        """Whether all connections are reset when it begins."""
        return False

    # ------------------------------------------------------------ media
    def applies_to(self, stream: StreamKind) -> bool:
        """Tell whether packets of this stream are touched."""
        return self.stream in (None, stream)

    def touches(self, cargo: Cargo | None) -> bool:
        """Tell whether messages with this cargo are touched: with a ``stream``, its media only."""
        return self.stream is None or (cargo is not None and cargo.stream == self.stream)

    def on_packet(self, packet: Packet) -> Sequence[Packet]:
        """Return what is sent in place of a media packet."""
        return (packet,)

    def on_info(self, packet: InfoPacket) -> InfoPacket:
        """Return what is announced in place of this, at a stream's start and later."""
        return packet

    def on_media(self, data: bytes) -> bytes:
        """Return what is sent in place of the bytes of a media packet."""
        return data

    def on_look(self, look: Look) -> Look:
        """Return what a stream shows and how it sounds instead."""
        return look

    @property
    def pad_byte(self) -> int | None:
        """What fills the end of media packets; None for zeros."""
        return None

    @property
    def encryption_excess(self) -> int:
        """By how many bytes more than there are a media message claims to be encrypted."""
        return 0

    @property
    def hold_s(self) -> float | None:
        """For how long media is gathered before all of it is sent at once; None for not."""
        return None

    @property
    def has_sound_first(self) -> bool:
        """Whether of the media that is sent at once all sound goes before the pictures."""
        return False

    # ------------------------------------------------------------ messages
    def on_wire(self, data: bytes, cargo: Cargo | None = None) -> bytes | Ending:
        """Return what is sent in place of ``data``: whole messages, all of ``cargo`` if media."""
        del cargo
        return data

    def on_body(self, message_id: int, body: bytes) -> bytes:
        """Return the XML that a request is answered with in place of ``body``; none if empty."""
        del message_id
        return body

    def status_for(self, message_id: int) -> int | None:
        """Return the status to refuse a request with; None to let it pass."""
        del message_id
        return None

    def hangs_up(self) -> bool:
        """Tell whether a client that begins to log in is reset; asked once for each message."""
        return False

    @property
    def flood_per_s(self) -> int:
        """How many keep-alives a second are pushed."""
        return 0


@dataclass(kw_only=True)
class EveryNth(Fault):
    """Base of faults that hit one of ``every`` so many, the first at once."""

    every: int = 10
    _seen: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        if self.every < 1:
            raise ConfigError(f"{self.NAME}: every is at least 1, not {self.every}")

    def _is_hit(self) -> bool:
        self._seen += 1
        return self._seen % self.every == 1 % self.every
