"""AAC framing: ADTS headers in, raw access units and their AudioSpecificConfig out.

No decoding; nothing about RTP (RFC 3640 lives in ``rtp``).
"""

from dataclasses import dataclass

from neolink.errors import LocalProtocolError, RemoteProtocolError
from neolink.media.tracks import AudioCodec, AudioTrack

__all__ = ["SAMPLES_PER_FRAME", "AdtsFrame", "AudioSpecificConfig", "parse_adts", "silent_unit"]

SAMPLES_PER_FRAME = 1024

_SAMPLE_RATES = (
    96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350,
)  # fmt: skip
_CHANNELS = (0, 1, 2, 3, 4, 5, 6, 8)
_HEADER_LENGTH = 7
_CHECKSUM_LENGTH = 2


@dataclass(frozen=True, slots=True)
class AudioSpecificConfig:
    """What a decoder must know before the first access unit (ISO 14496-3 section 1.6.2.1).

    ``object_type`` 2 is AAC-LC; ``sample_rate`` is in Hz, one of the standard's table.
    """

    object_type: int
    sample_rate: int
    channels: int

    def serialize(self) -> bytes:
        """Return the two bytes. Raises LocalProtocolError for values they can not hold."""
        if (
            self.sample_rate not in _SAMPLE_RATES
            or self.channels not in _CHANNELS[1:]
            or not 1 <= self.object_type < 31
        ):
            raise LocalProtocolError(f"no two-byte AudioSpecificConfig expresses {self}")
        frequency = _SAMPLE_RATES.index(self.sample_rate)
        channels = _CHANNELS.index(self.channels)
        return (self.object_type << 11 | frequency << 7 | channels << 3).to_bytes(2)

    @classmethod
    def parse(cls, data: bytes) -> "AudioSpecificConfig":
        """Read the first two bytes; extensions behind them are ignored.

        Raises RemoteProtocolError for a short one or values outside the standard's tables.
        """
        if len(data) < 2:
            raise RemoteProtocolError(
                f"expected an AudioSpecificConfig of 2 bytes or more, got {len(data)}"
            )
        bits = int.from_bytes(data[:2])
        return _config(bits >> 11, bits >> 7 & 15, bits >> 3 & 15)

    @property
    def track(self) -> AudioTrack:
        """The audio track this describes."""
        return AudioTrack(AudioCodec.AAC, self.sample_rate, self.channels, self.serialize())


@dataclass(frozen=True, slots=True)
class AdtsFrame:
    """One ADTS frame (ISO 13818-7 section 6.2): its format and the raw access unit in it."""

    config: AudioSpecificConfig
    data: bytes
    samples: int = SAMPLES_PER_FRAME

    @classmethod
    def parse(cls, packet: bytes | memoryview, offset: int = 0) -> tuple["AdtsFrame", int]:
        """Read the frame at ``offset``; return it and the offset behind it.

        Raises RemoteProtocolError unless a whole, plausible frame is there.
        """
        header = bytes(packet[offset : offset + _HEADER_LENGTH])
        if len(header) < _HEADER_LENGTH or header[0] != 0xFF or header[1] & 0xF6 != 0xF0:
            raise RemoteProtocolError(
                f"expected an ADTS header (FF F1), got {header[:2].hex(' ') or 'nothing'}"
                f" of {len(header)} bytes",
                offset=offset,
            )
        fields = int.from_bytes(header)
        length = fields >> 13 & 0x1FFF
        data_offset = _HEADER_LENGTH if header[1] & 1 else _HEADER_LENGTH + _CHECKSUM_LENGTH
        if not data_offset < length <= len(packet) - offset:
            raise RemoteProtocolError(
                f"expected an ADTS frame of {data_offset + 1} to {len(packet) - offset} bytes,"
                f" got {length}",
                offset=offset,
            )
        if fields & 3:
            raise RemoteProtocolError(
                f"expected one raw data block in an ADTS frame, got {(fields & 3) + 1}",
                offset=offset,
            )
        config = _config((header[2] >> 6) + 1, header[2] >> 2 & 15, fields >> 30 & 7)
        return cls(config, bytes(packet[offset + data_offset : offset + length])), offset + length


def parse_adts(packet: bytes | memoryview) -> list[AdtsFrame]:
    """Read all ADTS frames of one packet: nearly always one, a few cameras send several.

    The frames own their bytes. Raises RemoteProtocolError for an empty packet, damage, or
    anything between or behind the frames.
    """
    frames: list[AdtsFrame] = []
    offset = 0
    while offset < len(packet) or not frames:
        frame, offset = AdtsFrame.parse(packet, offset)
        frames.append(frame)
    return frames


def silent_unit(config: bytes) -> bytes:
    """Return an access unit of silence for an AudioSpecificConfig; empty where none is known here.

    Raises RemoteProtocolError for a config that cannot be read.
    """
    found = AudioSpecificConfig.parse(config)
    return _SILENT_UNITS.get((found.object_type, found.channels), b"")


_SILENT_UNITS = {
    (2, 1): bytes.fromhex("00000007"),
    (2, 2): bytes.fromhex("2000000000000e"),
}
"""A frame of AAC-LC without any spectrum, by object type and channels (ISO 14496-3 section 4.4.2):
a channel element with max_sfb 0, and the end of the frame."""


def _config(object_type: int, frequency: int, channels: int) -> AudioSpecificConfig:
    if frequency >= len(_SAMPLE_RATES):
        raise RemoteProtocolError(f"expected an AAC frequency index below 13, got {frequency}")
    if not 1 <= channels < len(_CHANNELS):
        raise RemoteProtocolError(f"expected an AAC channel layout of 1 to 7, got {channels}")
    if not 1 <= object_type < 31:
        raise RemoteProtocolError(f"expected an AAC object type of 1 to 30, got {object_type}")
    return AudioSpecificConfig(object_type, _SAMPLE_RATES[frequency], _CHANNELS[channels])
