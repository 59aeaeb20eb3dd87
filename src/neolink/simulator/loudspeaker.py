"""The loudspeaker of a simulated camera: talks are opened, heard and ended, and judged strictly.

No connection here: who talks is any object. Protocol reference, sections 4.5 and 7. What the camera
plays is kept, so that a test can listen; the buffer that it plays from can overrun and run dry.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from neolink.baichuan.bcmedia import AdpcmPacket, BcMediaReader
from neolink.baichuan.bcmedia import serialize as serialize_packet
from neolink.baichuan.ids import Status
from neolink.baichuan.xml import Extension
from neolink.baichuan.xml.talk import (
    AudioConfig,
    AudioConfigList,
    AudioStreamModeList,
    DuplexList,
    TalkAbility,
    TalkConfig,
)
from neolink.errors import ConfigError, RemoteProtocolError
from neolink.media.adpcm import HEADER_LENGTH, AdpcmDecoder

__all__ = ["Loudspeaker", "TalkProfile"]

LONGEST_HEARD_S: Final = 120.0
"""So much of what was heard is kept; the rest is only counted."""

MOST_COMPLAINTS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkProfile:
    """A loudspeaker: its format, which half of a byte it plays first, and how long its buffer is.

    Raises ConfigError for impossible values.
    """

    sample_rate: int = 16_000
    block_samples: int = 1024
    first_nibble: Literal["high", "low"] = "high"
    duplex: Literal["FDX", "HDX"] = "FDX"
    buffer_s: float = 0.6
    answers_every_message: bool = False
    """As some doorbells do; who waits for it makes speech choppy."""

    def __post_init__(self) -> None:
        if self.block_samples < 2 or self.block_samples % 2:
            raise ConfigError(f"a block of talk has an even number, not {self.block_samples}")

    @property
    def ability(self) -> TalkAbility:
        """What the camera tells of it."""
        return TalkAbility(
            DuplexList((self.duplex,)),
            AudioStreamModeList(("followVideoStream",)),
            AudioConfigList((self._audio_config(priority=0),)),
        )

    def accepts(self, config: TalkConfig) -> bool:
        """Tell whether a talk may be opened so."""
        return config.audio_config == self._audio_config() and config.duplex == self.duplex

    def _audio_config(self, priority: int | None = None) -> AudioConfig:
        return AudioConfig(
            priority, "adpcm", self.sample_rate, 16, self.block_samples, sound_track="mono"
        )


@dataclass(eq=False)
class Loudspeaker:
    """One channel's. Counters are of its whole life; ``pcm`` is 16 bit, big-endian.

    ``arrivals`` are the times of the blocks. ``complaints`` say what was not as it should be.
    ``dry_s`` is how long it had nothing to play in the middle of talks.
    """

    profile: TalkProfile
    talks: int = 0
    resets: int = 0
    blocks: int = 0
    overruns: int = 0
    dry_s: float = 0.0
    pcm: bytearray = field(default_factory=bytearray)
    arrivals: list[float] = field(default_factory=list)
    reset_times: list[float] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    _talker: object = None
    _number: int | None = None
    _decoder: AdpcmDecoder = field(default_factory=AdpcmDecoder)
    _plays_until_s: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether a talk is open."""
        return self._talker is not None

    @property
    def plays_until_s(self) -> float | None:
        """When all that it has will have been played; None before the first block of a talk."""
        return self._plays_until_s

    def describe(self) -> str:
        """Return the counters that people ask for, in a few words."""
        return f"{self.talks} talks, {self.blocks} blocks of speech, {self.overruns} overruns"

    # ------------------------------------------------------------ requests
    def open(self, talker: object, config: TalkConfig | None) -> int:
        """Begin a talk; return the status to answer with."""
        if config is None or not self.profile.accepts(config):
            self.complain(f"a talk with {config}")
            return Status.BAD_REQUEST
        if self.is_open:
            return Status.BUSY
        self.talks += 1
        self._talker, self._number = talker, None
        self._decoder, self._plays_until_s = AdpcmDecoder(), None
        return Status.OK

    def reset(self, now_s: float) -> None:
        """End a talk, whoever opened it."""
        self.resets += 1
        self.reset_times.append(now_s)
        self._talker = None

    def leave(self, talker: object) -> None:
        """Learn that a client has gone."""
        if self._talker is talker:
            self._talker = None

    def take(
        self, talker: object, number: int, extension: Extension | None, data: bytes, now_s: float
    ) -> None:
        """Hear one message."""
        if self._talker is not talker:
            self.complain("sound without a talk")
            return
        if extension is None or extension.channel_id is None or extension.encrypt_len is not None:
            self.complain(f"sound with {extension}")
        if self._number not in {None, number}:
            self.complain(f"sound under number {number} after {self._number}")
        self._number = number
        packets = list(BcMediaReader().feed(data))
        if not 1 <= len(packets) <= 4 or self._is_otherwise(packets, data):
            self.complain(f"{len(data)} bytes that are no blocks: {data[:16].hex()}")
            return
        for packet in packets:
            assert isinstance(packet, AdpcmPacket)  # checked above
            self._hear(bytes(packet.data), now_s)

    def complain(self, text: str) -> None:
        """Note what a real camera might not forgive."""
        if len(self.complaints) < MOST_COMPLAINTS:
            self.complaints.append(text)

    # ------------------------------------------------------------ details
    def _is_otherwise(self, packets: Sequence[object], data: bytes) -> bool:
        """Whether a message is anything else than these packets, written as cameras want them."""
        whole = [one for one in packets if isinstance(one, AdpcmPacket)]
        wanted = self.profile.block_samples // 2 + HEADER_LENGTH
        if len(whole) != len(packets) or any(len(one.data) != wanted for one in whole):
            return True
        return b"".join(serialize_packet(one) for one in whole) != data

    def _hear(self, block: bytes, now_s: float) -> None:
        self.blocks += 1
        self.arrivals.append(now_s)
        self._buffer(now_s)
        if self.profile.first_nibble == "low":
            nibbles = bytes((byte << 4 | byte >> 4) & 0xFF for byte in block[HEADER_LENGTH:])
            block = block[:HEADER_LENGTH] + nibbles
        try:
            pcm = self._decoder.decode(block)
        except RemoteProtocolError as error:
            self.complain(str(error))
            return
        if self._decoder.gaps:
            self.complain("a block does not begin where the one before ended (nibble order?)")
            self._decoder.gaps = 0
        if len(self.pcm) < 2 * self.profile.sample_rate * LONGEST_HEARD_S:
            self.pcm += pcm

    def _buffer(self, now_s: float) -> None:
        """Put a block into the buffer; one for which there is no room is lost."""
        ends_s = self._plays_until_s
        if ends_s is None:
            ends_s = now_s
        self.dry_s += max(0.0, now_s - ends_s)
        ends_s = max(ends_s, now_s) + self.profile.block_samples / self.profile.sample_rate
        if ends_s - now_s > self.profile.buffer_s:
            self.overruns += 1
            return
        self._plays_until_s = ends_s
