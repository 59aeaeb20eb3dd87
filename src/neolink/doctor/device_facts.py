"""What a camera says about itself, as far as somebody asked. Values only."""

from dataclasses import dataclass

from neolink.baichuan.xml.ability import AbilityInfo, Support
from neolink.baichuan.xml.battery import BatteryInfo
from neolink.baichuan.xml.login import DeviceInfo
from neolink.baichuan.xml.streams import Compression, EncodeTable, StreamCompression, StreamInfoList
from neolink.baichuan.xml.system import ChannelInfoList, SystemGeneral, VersionInfo
from neolink.media.tracks import StreamKind

__all__ = ["STREAM_NAMES", "DeviceFacts", "Expected", "StreamFacts"]

STREAM_NAMES = {
    StreamKind.MAIN: "mainStream",
    StreamKind.SUB: "subStream",
    StreamKind.EXTERN: "externStream",
}
"""As lists of streams call them."""

CODECS: dict[int | None, str] = {0: "H.264", 1: "H.265"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceFacts:
    """The device. None where it did not say."""

    channel_id: int = 0
    asked_unix_s: float = 0.0
    """When ``general`` was asked for."""
    info: DeviceInfo | None = None
    version: VersionInfo | None = None
    general: SystemGeneral | None = None
    support: Support | None = None
    battery: BatteryInfo | None = None
    channels: ChannelInfoList | None = None
    wifi_dbm: int | None = None
    is_private: bool = False
    """Whether its privacy mode covers the lens."""
    answers: int = 0
    """Questions that were answered."""
    refusals: tuple[int, ...] = ()
    """Statuses of those that were refused."""
    trouble: int = 0
    """Messages that made no sense."""

    @property
    def channel_count(self) -> int | None:
        """How many channels there are."""
        counts = (self.info.channel_num, self.info.analog_chn_num) if self.info else ()
        known = [count for count in counts if count]
        if self.channels is not None:
            known.append(len(self.channels.channels))
        return max(known, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a stream should be like, by the camera's own settings; None where they do not say."""

    width: int | None = None
    height: int | None = None
    fps: float | None = None
    kbps: int | None = None
    codec: str = ""
    has_sound: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamFacts:
    """What the account may do, and which streams the channel has."""

    channel_id: int = 0
    abilities: AbilityInfo | None = None
    listed: StreamInfoList | None = None
    compression: Compression | None = None
    has_extern: bool | None = None
    has_sound: bool | None = None
    """Whether the channel has a microphone at all."""

    @property
    def tables(self) -> dict[str, EncodeTable]:
        """The native settings of the channel's streams, by wire name."""
        found: dict[str, EncodeTable] = {}
        for info in self.listed.stream_infos if self.listed else ():
            if info.channel_bits is None or info.channel_bits >> self.channel_id & 1:
                for table in info.encode_tables:
                    found.setdefault(table.type or "", table)
        return found

    def lists(self, kind: StreamKind) -> bool | None:
        """Tell whether the camera has a stream; None where it does not say.

        Lists leave the extern stream out even where it exists; a feature flag says that it is not.
        """
        if kind is StreamKind.EXTERN:
            is_listed = STREAM_NAMES[kind] in self.tables or self._present(kind) is not None
            return True if is_listed else False if self.has_extern is False else None
        return STREAM_NAMES[kind] in self.tables if self.tables else None

    def expected(self, kind: StreamKind) -> Expected:
        """Return what a stream should be like: its present settings, else the native ones."""
        now, table = self._present(kind), self.tables.get(STREAM_NAMES[kind])
        if now is not None:
            return Expected(
                width=now.width,
                height=now.height,
                fps=now.frame or None,
                kbps=now.bit_rate or None,
                codec=CODECS.get(now.video_enc_type, ""),
                has_sound=False if self.has_sound is False else now.audio,
            )
        if table is not None:
            size = table.resolution
            return Expected(
                width=size.width if size else None,
                height=size.height if size else None,
                fps=table.frame_rate,
                kbps=table.bit_rate,
                has_sound=False if self.has_sound is False else None,
            )
        return Expected(has_sound=False if self.has_sound is False else None)

    def _present(self, kind: StreamKind) -> StreamCompression | None:
        if self.compression is None:
            return None
        return {
            StreamKind.MAIN: self.compression.main_stream,
            StreamKind.SUB: self.compression.sub_stream,
            StreamKind.EXTERN: self.compression.third_stream,
        }[kind]
