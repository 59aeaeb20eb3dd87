"""Two-way audio: what players send us, on its way to the camera's loudspeaker.

RTP comes from anybody who may watch: whatever it is, it is bounded and counted, and ends nothing.
The camera is behind :class:`Speaker`; when it plays what, is decided there. Reference: ONVIF
Streaming Specification, section 5.3, and RFC 3551.
"""

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import inf
from typing import Final, Protocol

from neolink.clock import Clock
from neolink.errors import RemoteProtocolError
from neolink.media.pcm import silence
from neolink.rtp.packet import RtpPacket
from neolink.rtp.reception import Reception
from neolink.rtp.reorder import ReorderBuffer
from neolink.rtp.rtcp import ReceiverReport, Sdes, SdesChunk, SenderReport
from neolink.rtp.speech import SPEECH_FORMATS, SpeechFormat

__all__ = ["Intercom", "Speaker", "SpeechCounters", "Talker"]

SILENCE_S: Final = 3.0
"""Who says nothing for so long gives the loudspeaker away."""

LONGEST_PACKET_S: Final = 0.5
LONGEST_FILL_S: Final = 0.2
"""A longer gap is a pause between words, and not sound that was lost."""

REORDER_DEPTH: Final = 5
REPORT_INTERVAL_S: Final = 5.0

PACE: Final = 1.5
BURST_S: Final = 1.0
"""So much sound is taken at once, and ``PACE`` s of it per second: the rest is a flood."""

_FORMATS: Final[Mapping[int, SpeechFormat]] = {one.payload_type: one for one in SPEECH_FORMATS}


class Speaker(Protocol):
    """A camera's loudspeaker."""

    async def learn(self) -> None:
        """Find out whether there is one, soon.

        Raises Unsupported when there is none, another NeolinkError when that is not known now.
        """

    def say(self, pcm: bytes, clock_rate: int) -> bool:
        """Play sound, 16 bit, big-endian, mono; False when it is not heard."""

    def finish(self) -> None:
        """Learn that nobody speaks any more."""


@dataclass(slots=True)
class SpeechCounters:
    """What became of the packets that players sent to one camera."""

    heard: int = 0
    malformed: int = 0
    unknown_payload: int = 0
    """Of a payload type that was not offered."""
    flooded: int = 0
    """More sound than time went by."""
    interrupted: int = 0
    """Somebody else was speaking."""
    late: int = 0
    """Twice, or after their turn."""
    unheard: int = 0
    """The camera could not be talked to."""


class Intercom:
    """The loudspeaker of one camera, and who may speak: the first who does, until it is silent."""

    def __init__(self, speaker: Speaker, clock: Clock) -> None:
        self.speaker = speaker
        self.clock = clock
        self.counters = SpeechCounters()
        self.lack_told = ""
        """Why nobody can talk, as it was last told in the log."""
        self._owner: Talker | None = None
        self._heard_s = -inf

    @property
    def counts(self) -> dict[str, int]:
        """What became of packets, by name."""
        return asdict(self.counters)

    def admit(self, talker: "Talker") -> bool:
        """Tell whether a talker that has something to say may say it now."""
        now_s = self.clock.monotonic_s()
        is_free = self._owner is None or now_s - self._heard_s >= SILENCE_S
        if not is_free and self._owner is not talker:
            return False
        self._owner, self._heard_s = talker, now_s
        return True

    def release(self, talker: "Talker") -> None:
        """Give the loudspeaker away, if a talker has it."""
        if self._owner is talker:
            self._owner = None
            self.speaker.finish()


class Talker:
    """One player's back channel. ``cname`` names us in reports."""

    def __init__(self, intercom: Intercom, cname: str) -> None:
        self._intercom = intercom
        self._cname = cname
        self._ssrc = secrets.randbits(32)
        self._reorder = ReorderBuffer(0)
        self._reception: Reception | None = None
        self._ends: tuple[int, int] | None = None
        """Sequence number and timestamp that follow on what was said last."""
        self._credit_s = BURST_S
        self._credited_s = -inf
        self._reported_s = intercom.clock.monotonic_s()

    def take(self, data: bytes | memoryview, *, is_ordered: bool) -> None:
        """Take one RTP packet; over TCP it ``is_ordered``."""
        counters = self._intercom.counters
        try:
            packet = RtpPacket.parse(data)
        except RemoteProtocolError:
            counters.malformed += 1
            return
        if not packet.payload:
            return  # ffmpeg opens firewalls with these
        speech = _FORMATS.get(packet.payload_type)
        if speech is None:
            counters.unknown_payload += 1
            return
        samples = speech.samples(packet.payload)
        if samples is None or samples > LONGEST_PACKET_S * speech.clock_rate:
            counters.malformed += 1
        elif not self._pays_for(samples / speech.clock_rate):
            counters.flooded += 1
        else:
            self._receive(packet, speech, is_ordered=is_ordered)

    def take_report(self, report: SenderReport) -> None:
        """Keep what the player tells of its clock."""
        if self._reception is not None:
            self._reception.note_report(report, self._intercom.clock.monotonic_s())

    def report(self) -> bytes | None:
        """Return what is to be told of what arrived, if it is time for that."""
        now_s = self._intercom.clock.monotonic_s()
        if self._reception is None or now_s - self._reported_s < REPORT_INTERVAL_S:
            return None
        self._reported_s = now_s
        report = ReceiverReport(self._ssrc, (self._reception.report(now_s),))
        name = Sdes((SdesChunk(self._ssrc, self._cname),))
        return report.serialize() + name.serialize()

    def close(self) -> None:
        """Say no more."""
        self._intercom.release(self)

    # -- details ----------------------------------------------------------------------

    def _pays_for(self, duration_s: float) -> bool:
        now_s = self._intercom.clock.monotonic_s()
        earned_s = PACE * (now_s - self._credited_s)
        self._credit_s, self._credited_s = min(BURST_S, self._credit_s + earned_s), now_s
        if duration_s > self._credit_s:
            return False
        self._credit_s -= duration_s
        return True

    def _receive(self, packet: RtpPacket, speech: SpeechFormat, *, is_ordered: bool) -> None:
        counters = self._intercom.counters
        if self._reception is None or self._reception.ssrc != packet.ssrc:
            self._reception, self._ends = Reception(packet), None
            self._reorder = ReorderBuffer(0 if is_ordered else REORDER_DEPTH)
        self._reception.note(packet, speech.clock_rate, self._intercom.clock.monotonic_s())
        if not self._intercom.admit(self):
            counters.interrupted += 1
            return
        late = self._reorder.late
        for one in self._reorder.push(packet):
            self._say(one)
        counters.late += self._reorder.late - late

    def _say(self, packet: RtpPacket) -> None:
        speech = _FORMATS[packet.payload_type]
        pcm = silence(self._lacking(packet, speech)) + speech.decode(packet.payload)
        samples = speech.samples(packet.payload) or 0
        self._ends = packet.sequence + 1 & 0xFFFF, packet.timestamp + samples & 0xFFFF_FFFF
        if self._intercom.speaker.say(pcm, speech.clock_rate):
            self._intercom.counters.heard += 1
        else:
            self._intercom.counters.unheard += 1

    def _lacking(self, packet: RtpPacket, speech: SpeechFormat) -> int:
        """Return how many samples were lost before a packet, if that is worth filling."""
        if self._ends is None or self._ends[0] == packet.sequence:
            return 0
        gap = packet.timestamp - self._ends[1] & 0xFFFF_FFFF
        return gap if gap <= LONGEST_FILL_S * speech.clock_rate else 0
