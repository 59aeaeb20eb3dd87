"""What was counted and measured of a stream while it was watched. Values only."""

from dataclasses import dataclass

from neolink.media.tracks import StreamKind, VideoTrack

__all__ = ["AudioFacts", "MediaFacts", "PlayFacts"]


LONGEST_BACKLOG_S = 3.0
"""Of pictures that a camera sends at once, when a stream begins or after a pause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioFacts:
    """The sound of a stream. ``codec`` is as the camera sends it: ``AAC`` or ``ADPCM``."""

    codec: str
    sample_rate: int
    channels: int = 1
    frames: int = 0
    sound_s: float = 0.0
    """Playing time of all frames but the first."""
    span_s: float = 0.0
    """Time in which they arrived."""
    errors: int = 0
    """Frames that make no sense."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaFacts:
    """What a stream consisted of. Times count from the request for it, unless said otherwise."""

    watched_s: float
    received_bytes: int = 0
    first_byte_s: float | None = None
    last_byte_s: float | None = None
    first_picture_s: float | None = None
    last_picture_s: float | None = None
    video_packets: int = 0
    key_packets: int = 0
    pictures: int = 0
    """Whole and decodable, from a key frame on."""
    track: VideoTrack | None = None
    announced_fps: float | None = None
    """By the camera, at the start of the stream."""
    media_s: float = 0.0
    """Time between first and last picture, by the camera's clock."""
    rated_bytes: int = 0
    """Pictures and sound after the first picture, without headers."""
    key_frames: int = 0
    longest_gop_s: float | None = None
    """Between key frames, by the camera's clock; the one that is not over yet included."""
    longest_gap_s: float = 0.0
    """Between pictures, by arrival."""
    clock_jumps: int = 0
    clock_stands: int = 0
    repeated: int = 0
    """Pictures that came twice; counted once otherwise."""
    damages: int = 0
    last_damage: str = ""
    audio: AudioFacts | None = None

    @property
    def playing_s(self) -> float:
        """From the arrival of the first picture to that of the last."""
        return (self.last_picture_s or 0.0) - (self.first_picture_s or 0.0)

    @property
    def rated_s(self) -> float:
        """What rates are measured over: a backlog that came at once lasts as long as it plays."""
        is_trusted = not self.clock_jumps and not self.clock_stands
        backlog_s = self.media_s - self.playing_s if is_trusted else 0.0
        return self.playing_s + min(max(0.0, backlog_s), LONGEST_BACKLOG_S)

    @property
    def fps(self) -> float | None:
        """Pictures a second; None where there were too few."""
        return (self.pictures - 1) / self.rated_s if self.rated_s > 0 else None

    @property
    def bitrate_bps(self) -> float | None:
        """Bits of media a second; None where there was too little."""
        return self.rated_bytes * 8 / self.rated_s if self.rated_s > 0 else None

    @property
    def received_bps(self) -> float:
        """Bits a second of anything, since the first byte."""
        since_s = 0.0 if self.first_byte_s is None else self.watched_s - self.first_byte_s
        return self.received_bytes * 8 / since_s if since_s > 0 else 0.0

    @property
    def lag_s(self) -> float | None:
        """How much later the last picture came than the camera's clock says."""
        return None if self.clock_jumps or self.clock_stands else self.playing_s - self.media_s

    @property
    def silent_s(self) -> float | None:
        """Since the last picture; None before the first."""
        return None if self.last_picture_s is None else self.watched_s - self.last_picture_s


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayFacts:
    """What came of asking for one stream and watching it."""

    kind: StreamKind
    media: MediaFacts
    refusal: int | None = None
    """The status of the camera's refusal."""
    is_unanswered: bool = False
    """Whether the camera never said yes or no."""
    lost: str = ""
    """Why the connection ended meanwhile; empty if it did not."""
    trouble: int = 0
    """Messages that made no sense meanwhile."""
