"""The sound of a stream, counted: which, how much of it, and how much makes no sense. Pure."""

from neolink.baichuan.bcmedia import AacPacket, AdpcmPacket
from neolink.doctor.media_facts import AudioFacts
from neolink.errors import RemoteProtocolError
from neolink.media.aac import parse_adts

__all__ = ["SoundCount"]

ADPCM_RATE = 8000
ADPCM_HEADER = 4
SAMPLES_PER_BYTE = 2


class SoundCount:
    """Given each packet of sound as it arrives."""

    def __init__(self) -> None:
        self._codec = ""
        self._rate = self._channels = 1
        self._frames = self._samples = self._errors = 0
        self._first_s = self._last_s = 0.0

    def take(self, packet: AacPacket | AdpcmPacket, now_s: float) -> None:
        """Count a packet. Raises nothing."""
        try:
            if isinstance(packet, AdpcmPacket):
                samples = SAMPLES_PER_BYTE * (len(packet.data) - ADPCM_HEADER)
                self._note("ADPCM", ADPCM_RATE, 1, samples, now_s)
                return
            for frame in parse_adts(packet.data):
                track = frame.config.track
                self._note("AAC", track.clock_rate, track.channels, frame.samples, now_s)
        except RemoteProtocolError:
            self._codec = self._codec or "AAC"
            self._errors += 1

    def facts(self) -> AudioFacts | None:
        """Return what is known by now; None without any sound."""
        if not self._codec:
            return None
        return AudioFacts(
            codec=self._codec,
            sample_rate=self._rate,
            channels=self._channels,
            frames=self._frames,
            sound_s=self._samples / self._rate,
            span_s=self._last_s - self._first_s,
            errors=self._errors,
        )

    def _note(self, codec: str, rate: int, channels: int, samples: int, now_s: float) -> None:
        if not self._frames:
            self._first_s = now_s
        else:
            self._samples += max(0, samples)
        self._codec, self._rate, self._channels = codec, rate, channels
        self._frames += 1
        self._last_s = now_s
