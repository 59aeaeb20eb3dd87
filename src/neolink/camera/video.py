"""BcMedia packets of one stream → access units and audio frames on one timeline.

Hot path: :meth:`Demuxer.feed` runs for each media message of the camera. It publishes in the same
call; nothing is queued.
"""

import logging
from collections.abc import Callable, Mapping, Sequence

from neolink.baichuan.bcmedia import (
    AacPacket,
    AdpcmPacket,
    BcMediaReader,
    Damage,
    InfoPacket,
    Packet,
    VideoPacket,
    VideoTag,
)
from neolink.baichuan.xml.streams import resolve_table
from neolink.camera.repeats import Repeats
from neolink.clock import Clock
from neolink.errors import RemoteProtocolError
from neolink.log import BoundLogger, RepeatLimiter
from neolink.media.aac import parse_adts
from neolink.media.adpcm import AdpcmDecoder
from neolink.media.assembler import VideoAssembler
from neolink.media.frame_rate import plausible_frame_rate
from neolink.media.timeline import AudioTimeline, VideoTimeline
from neolink.media.tracks import AudioCodec, AudioTrack, VideoCodec
from neolink.media.units import AudioFrame, MediaUnit

__all__ = ["Demuxer"]

ADPCM_SAMPLE_RATE = 8000
"""What cameras send on the common models (protocol reference, section 4.5)."""

BYTES_PER_SAMPLE = 2


class Demuxer:
    """Turns a stream's bytes into media units; lives as long as the stream is configured.

    Timestamps run on over reconnects. ``on_failure`` is called (never raised into the connection)
    when ``strict`` and the stream is damaged.
    """

    def __init__(
        self,
        publish: Callable[[MediaUnit], None],
        *,
        clock: Clock,
        log: BoundLogger,
        limiter: RepeatLimiter,
        strict: bool,
        max_packet_length: int,
        on_failure: Callable[[RemoteProtocolError], None],
        origin_s: float | None = None,
    ) -> None:
        self.last_bytes_s: float | None = None
        self.last_picture_s: float | None = None
        """When the last access unit was published."""
        self.video_units = 0
        self.audio_frames = 0
        self.damages = 0
        """Episodes of damage in the bytes, and units that were dropped for it."""
        self.damaged_units = 0
        """Pictures and audio packets that were dropped because they make no sense."""
        self.duplicates = 0
        """Pictures and sound that were sent a second time, or for which there is no time."""
        self.pictures_without_key = 0
        """Pictures that nothing can be made of, because the key frame before them is missing."""
        self.frame_rate_tables: Mapping[tuple[int, int], Sequence[int]] = {}
        """Frame rates by (width, height) that the camera can be set to, as it told at login."""
        self._publish = publish
        self._clock = clock
        self._log = log
        self._limiter = limiter
        self._on_failure = on_failure
        self._reader = BcMediaReader(strict=strict, max_packet_length=max_packet_length)
        self._assembler: VideoAssembler | None = None
        self._tag: VideoTag | None = None  # of the codec that it assembles
        self._newest: VideoPacket | None = None
        self._nominal_frame_rate: float | None = None
        self._origin_s = clock.monotonic_s() if origin_s is None else origin_s
        self._video_time = VideoTimeline(origin_s=self._origin_s)
        self._video_arrival_s: float | None = None
        self._audio_time: AudioTimeline | None = None
        self._audio_track: AudioTrack | None = None
        self._adpcm = AdpcmDecoder()
        self._repeats = Repeats()

    @property
    def units(self) -> int:
        """Pictures and audio frames published so far."""
        return self.video_units + self.audio_frames

    @property
    def nominal_frame_rate(self) -> float | None:
        """Frames per second that the camera says it is set to; None while it said nothing."""
        return self._nominal_frame_rate

    def restart(self) -> None:
        """Begin anew on another connection or start-video; timestamps go on."""
        now_s = self._clock.monotonic_s()
        self._reader.reset()
        self._video_time.restart(now_s)
        if self._audio_time is not None:
            self._audio_time.restart(now_s)
        if self._assembler is not None:
            self._assembler.await_random_access()

    def feed(self, data: bytes) -> None:
        """Take the next BcMedia bytes and publish what they complete."""
        now_s = self.last_bytes_s = self._clock.monotonic_s()
        try:
            packets = self._reader.feed(data)
        except RemoteProtocolError as error:
            self._reader.reset()
            if self._assembler is not None:
                self._assembler.await_random_access()
            self._on_failure(error)
            return
        for packet in packets:
            self._take(packet, now_s)

    def _take(self, packet: Packet | Damage, now_s: float) -> None:
        match packet:
            case VideoPacket():
                self._take_video(packet, now_s)
            case AacPacket() | AdpcmPacket() if self._repeats.is_one(packet.data):
                self.duplicates += 1
            case AacPacket() | AdpcmPacket():
                try:
                    self._take_audio(packet, now_s)
                except RemoteProtocolError as error:
                    self.damaged_units += 1
                    self._note_damage(f"audio frame dropped: {error}")
            case InfoPacket():
                self._take_info(packet)
            case Damage(offset, discarded, reason):
                self._note_damage(f"{discarded} bytes skipped at byte {offset}: {reason}")

    # -- video ------------------------------------------------------------------------

    def _take_video(self, packet: VideoPacket, now_s: float) -> None:
        if self._is_repeated(packet):
            self.duplicates += 1
            return
        assembler = self._assembler
        if assembler is None or packet.codec is not self._tag:
            assembler = self._assembler = self._new_assembler(packet)
        pts = self._video_time.advance(packet.microseconds, now_s)
        self._video_arrival_s = now_s
        rejected = assembler.rejected
        unit = assembler.assemble(packet.data, pts)
        if unit is not None:
            self.video_units += 1
            self.last_picture_s = now_s
            self._publish(unit)
        elif assembler.rejected != rejected:
            self.damaged_units += 1
            self._note_damage(f"picture dropped: {assembler.last_rejection}")
        else:
            self.pictures_without_key += 1

    def _is_repeated(self, packet: VideoPacket) -> bool:
        """Tell whether this is the picture before, sent again; it would show as a stutter."""
        before, self._newest = self._newest, packet
        return (
            before is not None
            and before.microseconds == packet.microseconds
            and before.data == packet.data
        )

    def _take_info(self, packet: InfoPacket) -> None:
        # Old cameras write an index into the table of their resolution.
        table = self.frame_rate_tables.get((packet.width, packet.height), ())
        rate = plausible_frame_rate(resolve_table(packet.frame_rate, table))
        self._nominal_frame_rate = rate
        self._video_time.frame_rate.nominal = rate
        if self._assembler is not None:
            self._assembler.nominal_frame_rate = rate

    def _new_assembler(self, packet: VideoPacket) -> VideoAssembler:
        self._tag = packet.codec
        return VideoAssembler(VideoCodec(packet.codec.value), self._nominal_frame_rate)

    # -- audio ------------------------------------------------------------------------

    def _take_audio(self, packet: AacPacket | AdpcmPacket, now_s: float) -> None:
        if isinstance(packet, AdpcmPacket):
            pcm = self._adpcm.decode(packet.data)
            if not pcm:
                raise RemoteProtocolError("an ADPCM block without samples")
            track = AudioTrack(AudioCodec.L16, ADPCM_SAMPLE_RATE)
            self._publish_audio(track, pcm, len(pcm) // BYTES_PER_SAMPLE, now_s)
            return
        for frame in parse_adts(packet.data):
            self._publish_audio(frame.config.track, frame.data, frame.samples, now_s)

    def _publish_audio(self, track: AudioTrack, data: bytes, samples: int, now_s: float) -> None:
        if track != self._audio_track:
            self._audio_track = track
        if self._audio_time is None or self._audio_time.clock_rate != track.clock_rate:
            self._audio_time = AudioTimeline(track.clock_rate, origin_s=self._origin_s)
        pts = self._audio_time.advance(
            samples, self._video_time.pts, now_s, video_arrival_s=self._video_arrival_s
        )
        if pts is None:
            self.duplicates += 1  # there is more sound than time
            return
        self.audio_frames += 1
        assert self._audio_track is not None  # set above; the same object while equal
        self._publish(AudioFrame(self._audio_track, data, pts, samples))

    def _note_damage(self, text: str) -> None:
        self.damages += 1
        self._limiter.log(self._log, logging.WARNING, "damaged media: %s", text)
