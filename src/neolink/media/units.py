"""The values that flow from a camera to every player: access units and audio frames.

A unit is immutable and shared by reference; nobody downstream copies its bytes. No packets here.
"""

from dataclasses import dataclass

from neolink.media.tracks import AudioTrack, VideoTrack

__all__ = ["AccessUnit", "AudioFrame", "MediaUnit", "MetadataDocument"]


@dataclass(frozen=True, slots=True, eq=False)
class AccessUnit:
    """All NAL units of one instant of a video track, in decoding order.

    ``nal_units`` have no start codes and are views into one immutable buffer. Parameter sets
    are not among them: they live in ``track.parameter_sets`` and belong before every random
    access point. ``pts`` counts ticks of 90 kHz from the stream's origin, which audio shares.
    """

    track: VideoTrack
    nal_units: tuple[memoryview, ...]
    pts: int
    is_random_access: bool

    @property
    def size(self) -> int:
        """Bytes of all NAL units, without parameter sets."""
        return sum(map(len, self.nal_units))


@dataclass(frozen=True, slots=True, eq=False)
class AudioFrame:
    """One frame of an audio track.

    ``data`` is a raw AAC access unit (no ADTS header) or PCM samples, signed 16 bit,
    **big-endian**, mono. ``pts`` counts ticks of ``track.clock_rate`` (the sample rate) from
    the stream's origin, which video shares. ``samples`` is the frame's duration in ticks.
    """

    track: AudioTrack
    data: bytes | memoryview
    pts: int
    samples: int

    @property
    def size(self) -> int:
        """Bytes of the frame."""
        return len(self.data)


MediaUnit = AccessUnit | AudioFrame


@dataclass(frozen=True, slots=True, eq=False)
class MetadataDocument:
    """One XML document about what a camera noticed; made by us, so no camera publishes it.

    ``pts`` counts ticks of 90 kHz from the stream's origin, as that of pictures.
    """

    data: bytes
    pts: int
