"""RTP payloads to PCM samples: L16, PCMU, PCMA (RFC 3551 section 4.5). Nothing is decoded."""

from neolink.errors import RemoteProtocolError
from neolink.rtp.depacketizers.audio import ReceivedAudio
from neolink.rtp.depacketizers.sequence import Arrival, SequenceTracker
from neolink.rtp.packet import RtpPacket

__all__ = ["PcmDepacketizer"]


class PcmDepacketizer:
    """Packets of one PCM source in, samples out. Every packet stands alone."""

    def __init__(self, bytes_per_tick: int) -> None:
        self._bytes_per_tick = bytes_per_tick
        self._sequence = SequenceTracker()

    @property
    def lost_packets(self) -> int:
        """Packets missing in the sequence so far."""
        return self._sequence.lost_packets

    def push(self, packet: RtpPacket) -> list[ReceivedAudio]:
        """Take the next packet and return its samples; none where it came too late.

        Raises RemoteProtocolError for a payload that is no whole number of samples.
        """
        if self._sequence.place(packet) is Arrival.TOO_LATE:
            return []
        if len(packet.payload) % self._bytes_per_tick:
            raise RemoteProtocolError(
                f"PCM payload of {len(packet.payload)} bytes, "
                f"not a multiple of {self._bytes_per_tick}"
            )
        return [ReceivedAudio(packet.timestamp, packet.payload)] if packet.payload else []
