"""A player that believes nothing: every packet of a stream is held against the rules. Pure.

The rules: sequence numbers without gaps (over TCP), timestamps of pictures and of sound strictly
growing modulo 2^32, one SSRC and payload type per track, payloads that can be put together, the
first picture (and the first after a loss) a random access point with its parameter sets, sender
reports of the right source, no BYE.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from neolink.errors import RemoteProtocolError
from neolink.rtp.depacketizers.aac import AacDepacketizer
from neolink.rtp.depacketizers.h264 import H264Depacketizer
from neolink.rtp.depacketizers.h265 import H265Depacketizer
from neolink.rtp.depacketizers.nal_units import ReceivedAccessUnit
from neolink.rtp.depacketizers.pcm import PcmDepacketizer
from neolink.rtp.packet import RtpPacket
from neolink.rtp.rtcp import Bye, SenderReport, parse_compound
from neolink.rtsp.sdp import MediaDescription
from soak.watch import Watch

__all__ = ["Witness", "is_random_access"]

MOST_LOSSES = 10_000
_HALF = 1 << 31
_MASK = (1 << 32) - 1


@dataclass(slots=True)
class _Track:
    """What is known of one track since the session began."""

    media: MediaDescription
    ssrc: int | None = None
    sequence: int | None = None
    timestamp: int | None = None


@dataclass(slots=True)
class Witness(Watch):
    """One steady player's records, over all its sessions."""

    is_udp: bool
    path: str = ""
    """What it asks of the camera, where that is not its stream."""
    may_lose_groups: bool = False
    """Whether it reads so slowly that whole groups of pictures may be left out."""
    packets: int = 0
    lost_packets: int = 0
    losses: list[tuple[float, int]] = field(default_factory=list)
    """When, and how many packets."""
    reports: int = 0
    undecodable: int = 0
    wraps: int = 0
    drift_s: float = 0.0
    """Media time minus time of day, since the session's first live picture."""
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
                self._pictures = _depacketizer(item.encoding)
            elif item.kind == "audio":
                self._audio = _Track(item)
                is_aac = item.encoding.upper() == "MPEG4-GENERIC"
                self._sound = AacDepacketizer() if is_aac else PcmDepacketizer(2)
        self._needs_random_access = True
        self._elapsed_ticks, self._anchor = 0, None
        self.last_unit_s = None

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
        if missing and len(self.losses) < MOST_LOSSES:
            self.losses.append((now_s, missing))
        if known is self._video:
            self._needs_random_access = True
        if self.may_lose_groups:
            self._check_resumption(known, packet, now_s)
        elif not self.is_udp:
            self.violate(now_s, f"{known.media.kind}: sequence {packet.sequence} after {before}")

    def _check_resumption(self, known: _Track, packet: RtpPacket, now_s: float) -> None:
        """Check that what follows a gap begins a group of pictures."""
        if known is not self._video:
            return
        self._pictures = _depacketizer(known.media.encoding)  # else it would leave out the picture
        if not begins_group(packet.payload, known.media.encoding):
            self.violate(now_s, f"a gap before {packet.sequence} is not followed by a key frame")

    def _take_picture(self, known: _Track, unit: ReceivedAccessUnit, now_s: float) -> None:
        is_entry = is_random_access(unit.nal_units, known.media.encoding)
        self.note_picture(now_s, is_entry=is_entry)
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
    def _note_drift(self, timestamp: int, now_s: float) -> None:
        del timestamp
        if now_s - self._session_s < 3.0:
            return  # what is replayed at the start is squeezed in time
        if self._anchor is None:
            self._anchor = now_s, self._elapsed_ticks
        since_s, since_ticks = self._anchor
        self.drift_s = (self._elapsed_ticks - since_ticks) / 90_000 - (now_s - since_s)


def _depacketizer(encoding: str) -> H264Depacketizer | H265Depacketizer:
    return H264Depacketizer() if encoding == "H264" else H265Depacketizer()


def begins_group(payload: bytes, encoding: str) -> bool:
    """Tell whether a packet is the first one of a key frame: parameter sets, maybe aggregated."""
    if encoding == "H264":
        return payload[0] & 0x1F in (7, 24)
    return payload[0] >> 1 & 0x3F in (32, 48)


def is_random_access(nal_units: tuple[bytes, ...], encoding: str) -> bool:
    """Tell whether a decoder can begin here: an IDR or IRAP picture with its parameter sets."""
    if encoding == "H264":
        kinds = {nal[0] & 0x1F for nal in nal_units}
        return {5, 7, 8} <= kinds
    kinds = {nal[0] >> 1 & 0x3F for nal in nal_units}
    return {32, 33, 34} <= kinds and any(16 <= kind <= 21 for kind in kinds)
