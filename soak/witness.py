"""A player that believes nothing: every packet of a stream is held against the rules. Pure.

The rules: sequence numbers without gaps (over TCP), timestamps of pictures and of sound strictly
growing modulo 2^32, one SSRC and payload type per track, payloads that can be put together, the
first picture (and the first after a loss) a random access point with its parameter sets, sender
reports of the right source, no BYE.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from neolink.errors import RemoteProtocolError
from neolink.media.tracks import StreamKind
from neolink.rtp.depacketizers.aac import AacDepacketizer
from neolink.rtp.depacketizers.h264 import H264Depacketizer
from neolink.rtp.depacketizers.h265 import H265Depacketizer
from neolink.rtp.depacketizers.nal_units import ReceivedAccessUnit
from neolink.rtp.depacketizers.pcm import PcmDepacketizer
from neolink.rtp.packet import RtpPacket
from neolink.rtp.rtcp import Bye, SenderReport, parse_compound
from neolink.rtsp.sdp import MediaDescription

__all__ = ["Gap", "Violation", "Witness"]

NOTED_GAP_S = 0.5
MOST_NOTED = 200
_HALF = 1 << 31
_MASK = (1 << 32) - 1


@dataclass(frozen=True, slots=True)
class Violation:
    """Something that must not be."""

    at_s: float
    text: str


@dataclass(frozen=True, slots=True)
class Gap:
    """A time without a picture, and whether a random access point ended it."""

    from_s: float
    to_s: float
    resumed_at_random_access: bool

    @property
    def length_s(self) -> float:
        """How long it was."""
        return self.to_s - self.from_s


@dataclass(slots=True)
class _Track:
    """What is known of one track since the session began."""

    media: MediaDescription
    ssrc: int | None = None
    sequence: int | None = None
    timestamp: int | None = None


@dataclass(slots=True)
class Witness:
    """One steady player's records, over all its sessions."""

    name: str
    camera: int
    kind: StreamKind
    is_udp: bool
    units: int = 0
    sounds: int = 0
    packets: int = 0
    lost_packets: int = 0
    sessions: int = 0
    reports: int = 0
    undecodable: int = 0
    wraps: int = 0
    drift_s: float = 0.0
    """Media time minus time of day, since the session's first live picture."""
    largest_gap_s: float = 0.0
    window_gap_s: float = 0.0
    """Largest gap since the last call of `take_window`."""
    gaps: list[Gap] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    violation_count: int = 0
    last_unit_s: float | None = None
    _video: _Track | None = None
    _audio: _Track | None = None
    _pictures: H264Depacketizer | H265Depacketizer = field(default_factory=H264Depacketizer)
    _sound: AacDepacketizer | PcmDepacketizer | None = None
    _needs_random_access: bool = True
    _elapsed_ticks: int = 0
    _anchor: tuple[float, int] | None = None
    _session_s: float = 0.0

    # -- sessions ---------------------------------------------------------------------
    def begin_session(self, media: Sequence[MediaDescription], now_s: float) -> None:
        """Begin anew: other numbers, other offsets."""
        self.sessions += 1
        self._session_s = now_s
        self._video = self._audio = None
        self._sound = None
        for item in media:
            if item.kind == "video":
                self._video = _Track(item)
                is_h264 = item.encoding == "H264"
                self._pictures = H264Depacketizer() if is_h264 else H265Depacketizer()
            elif item.kind == "audio":
                self._audio = _Track(item)
                is_aac = item.encoding.upper() == "MPEG4-GENERIC"
                self._sound = AacDepacketizer() if is_aac else PcmDepacketizer(2)
        self._needs_random_access = True
        self._elapsed_ticks, self._anchor = 0, None
        self.last_unit_s = None

    def end_session(self, now_s: float, reason: str) -> None:
        """Note that a session ended although nobody wanted it to."""
        self.violate(now_s, f"the session ended: {reason}")

    def violate(self, now_s: float, text: str) -> None:
        """Note what must not be."""
        self.violation_count += 1
        if len(self.violations) < MOST_NOTED:
            self.violations.append(Violation(now_s, text))

    def take_window(self, now_s: float) -> float:
        """Return the largest gap since the last call; one that still lasts counts so far."""
        lasting = now_s - self.last_unit_s if self.last_unit_s is not None else 0.0
        largest, self.window_gap_s = max(self.window_gap_s, lasting), 0.0
        return largest

    # -- packets ----------------------------------------------------------------------
    def take_rtp(self, track: int, data: bytes, now_s: float) -> None:
        """Take one RTP packet of track 0 (video) or 1 (audio)."""
        known = self._audio if track else self._video
        if known is None:
            self.violate(now_s, f"a packet of track {track}, which was not set up")
            return
        self.packets += 1
        try:
            packet = RtpPacket.parse(data)
            self._check_header(known, packet, now_s)
            if track:
                self._take_sound(known, packet, now_s)
            else:
                for unit in self._pictures.push(packet):
                    self._take_picture(known, unit, now_s)
        except RemoteProtocolError as error:
            self.violate(now_s, f"track {track}: {error}")
            self._needs_random_access = True

    def take_rtcp(self, track: int, data: bytes, now_s: float) -> None:
        """Take one RTCP compound packet."""
        known = self._audio if track else self._video
        try:
            packets = parse_compound(data)
        except RemoteProtocolError as error:
            self.violate(now_s, f"RTCP of track {track}: {error}")
            return
        for packet in packets:
            if isinstance(packet, Bye):
                self.violate(now_s, f"BYE on track {track}")
            elif isinstance(packet, SenderReport) and known is not None:
                self.reports += 1
                if known.ssrc not in (None, packet.ssrc):
                    self.violate(now_s, f"a sender report of another source on track {track}")

    def _check_header(self, known: _Track, packet: RtpPacket, now_s: float) -> None:
        if packet.payload_type != known.media.payload_type:
            self.violate(now_s, f"payload type {packet.payload_type}")
        if known.ssrc not in (None, packet.ssrc):
            self.violate(now_s, "another SSRC")
        known.ssrc = packet.ssrc
        before, known.sequence = known.sequence, packet.sequence
        if before is None:
            return
        missing = packet.sequence - before - 1 & 0xFFFF
        if not missing:
            return
        if missing >= 0x8000:  # overtaken or repeated
            known.sequence = before
            missing = 0
        self.lost_packets += missing
        if known is self._video:
            self._needs_random_access = True
        if not self.is_udp:
            self.violate(now_s, f"{known.media.kind}: sequence {packet.sequence} after {before}")

    def _take_picture(self, known: _Track, unit: ReceivedAccessUnit, now_s: float) -> None:
        self.units += 1
        is_entry = is_random_access(unit.nal_units, known.media.encoding)
        self._note_gap(now_s, is_entry=is_entry)
        self._check_timestamp(known, unit.timestamp, now_s)
        self._note_drift(unit.timestamp, now_s)
        if not self._needs_random_access:
            return
        if is_entry:
            self._needs_random_access = False
            return
        self.undecodable += 1
        if not self.is_udp:
            self.violate(now_s, "a picture that no decoder can begin with")

    def _take_sound(self, known: _Track, packet: RtpPacket, now_s: float) -> None:
        assert self._sound is not None
        for sound in self._sound.push(packet):
            self.sounds += 1
            self._check_timestamp(known, sound.timestamp, now_s)

    def _check_timestamp(self, known: _Track, timestamp: int, now_s: float) -> None:
        before, known.timestamp = known.timestamp, timestamp
        if before is None:
            return
        step = timestamp - before & _MASK
        if not 0 < step < _HALF:
            self.violate(now_s, f"{known.media.kind}: timestamp {timestamp} after {before}")
            return
        self.wraps += timestamp < before
        if known is self._video:
            self._elapsed_ticks += step

    # -- time -------------------------------------------------------------------------
    def _note_gap(self, now_s: float, *, is_entry: bool) -> None:
        before, self.last_unit_s = self.last_unit_s, now_s
        if before is None:
            return
        gap_s = now_s - before
        self.window_gap_s = max(self.window_gap_s, gap_s)
        self.largest_gap_s = max(self.largest_gap_s, gap_s)
        if gap_s >= NOTED_GAP_S and len(self.gaps) < 100 * MOST_NOTED:
            self.gaps.append(Gap(before, now_s, is_entry))

    def _note_drift(self, timestamp: int, now_s: float) -> None:
        del timestamp
        if now_s - self._session_s < 3.0:
            return  # what is replayed at the start is squeezed in time
        if self._anchor is None:
            self._anchor = now_s, self._elapsed_ticks
        since_s, since_ticks = self._anchor
        self.drift_s = (self._elapsed_ticks - since_ticks) / 90_000 - (now_s - since_s)


def is_random_access(nal_units: tuple[bytes, ...], encoding: str) -> bool:
    """Tell whether a decoder can begin here: an IDR or IRAP picture with its parameter sets."""
    if encoding == "H264":
        kinds = {nal[0] & 0x1F for nal in nal_units}
        return {5, 7, 8} <= kinds
    kinds = {nal[0] >> 1 & 0x3F for nal in nal_units}
    return {32, 33, 34} <= kinds and any(16 <= kind <= 21 for kind in kinds)
