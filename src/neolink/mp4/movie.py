"""Units of one stream → a movie without an end: initialization segments, samples, fragments.

Whoever serves it decides how many samples a fragment has. Hot path: :meth:`Movie.push` and
:func:`write_fragment` run once per unit, whatever the number of viewers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from neolink.errors import NeolinkError
from neolink.media.tracks import VIDEO_CLOCK_RATE, AudioTrack, VideoTrack
from neolink.media.units import AccessUnit, AudioFrame, MediaUnit
from neolink.mp4.audio import AudioFormat, audio_format
from neolink.mp4.fragments import Run, fragment, single_fragment
from neolink.mp4.initialization import AUDIO_TRACK_ID, VIDEO_TRACK_ID, init_segment, mime_type
from neolink.mp4.samples import Buffer, Sample, video_parts
from neolink.mp4.timing import SoundLine, VideoClock
from neolink.mp4.video import video_codec_string

__all__ = ["Addition", "Initialization", "Movie", "write_fragment"]

USUAL_FRAME_RATE = 15.0
"""Taken for a track that does not tell its own."""


@dataclass(frozen=True, slots=True, eq=False)
class Initialization:
    """What a decoder is given before the samples that follow it."""

    data: bytes
    """``ftyp`` and ``moov``."""
    mime: str
    """Media type with codecs, as media sources of browsers take it."""
    hls_codecs: str
    """The same names as playlists write them."""
    video: VideoTrack
    audio: AudioTrack | None


class Addition(NamedTuple):
    """What one unit adds to the movie: at least one sample."""

    initialization: Initialization | None
    """Where not None, it belongs before the samples; the picture is a random access point."""
    picture: Sample | None
    sound: Sequence[Sample]


class Movie:
    """Writes one stream, with its sound or without.

    Its first sample is a random access point, and so is the first one after other tracks, after
    :meth:`restart` and after an error. Decode times never go back and, but for breaks that are too
    long to be filled, never jump (see ``timing``).
    """

    def __init__(self, *, has_sound: bool) -> None:
        self.skipped = 0
        """Pictures that nothing could be made of: they came before a random access point."""
        self.sound_refusal = ""
        """Why the sound that comes is left out, in words."""
        self._has_sound = has_sound
        self._clock = VideoClock()
        self._video: VideoTrack | None = None
        self._interval = 0
        self._audio: AudioTrack | None = None
        """What sound was last known to be."""
        self._audio_asked: AudioTrack | None = None
        """What it was when the initialization was made."""
        self._line: SoundLine | None = None
        self._needs_random_access = True

    def expect_sound(self, track: AudioTrack | None) -> None:
        """Learn of the sound before it comes, so that the first initialization names it."""
        if self._has_sound:
            self._audio = track

    def restart(self) -> None:
        """Learn that the next picture does not follow the last one."""
        self._needs_random_access = True

    def push(self, unit: MediaUnit) -> Addition | None:
        """Take one unit; None where it adds nothing.

        Raises RemoteProtocolError for parameter sets that make no sense; the movie then goes on
        with the next random access point that can be described.
        """
        if isinstance(unit, AccessUnit):
            return self._push_picture(unit)
        return self._push_sound(unit) if self._has_sound else None

    def _push_picture(self, unit: AccessUnit) -> Addition | None:
        initialization = None
        if unit.is_random_access:
            self._needs_random_access = True  # until it is certain that it can be described
            initialization = self._begin_if_needed(unit)
            self._needs_random_access = False
        elif self._needs_random_access or not self._is_known(unit.track):
            self._needs_random_access = True
            self.skipped += 1
            return None
        dts, shift, duration = self._clock.advance(unit.pts, self._interval)
        size, parts = video_parts(unit)
        picture = Sample(dts, duration, size, parts, unit.is_random_access, shift)
        sound = self._line.fill(unit.pts) if self._line is not None else ()
        return Addition(initialization, picture, sound)

    def _push_sound(self, frame: AudioFrame) -> Addition | None:
        track, line = frame.track, self._line
        if track is not self._audio and track != self._audio:
            self._audio = track
        if line is None or (track is not line.track and track != line.track):
            return None  # until the next random access point
        samples = line.push(frame)
        return Addition(None, None, samples) if samples else None

    # -- other tracks -----------------------------------------------------------------

    def _begin_if_needed(self, unit: AccessUnit) -> Initialization | None:
        if self._audio == self._audio_asked and self._is_known(unit.track):
            return None
        form = self._sound_format()
        initialization = _initialization(unit.track, self._audio, form)
        self._video, self._audio_asked = unit.track, self._audio
        self._interval = _interval(unit.track)
        self._line = self._next_line(form, unit.pts)
        return initialization

    def _is_known(self, track: VideoTrack) -> bool:
        """Whether a track is the one that was described."""
        known = self._video
        if track is known:
            return True
        if known is None or track.codec is not known.codec:
            return False
        if track.parameter_sets != known.parameter_sets:
            return False
        self._video, self._interval = track, _interval(track)
        return True

    def _sound_format(self) -> AudioFormat | None:
        self.sound_refusal = ""
        if self._audio is None:
            return None
        try:
            return audio_format(self._audio)
        except NeolinkError as error:
            self.sound_refusal = str(error)
            return None

    def _next_line(self, form: AudioFormat | None, pts: int) -> SoundLine | None:
        """Return what the sound goes on with: the old line, or a new one that leaves no gap."""
        before = self._line
        if form is None or self._audio is None:
            return None
        if before is None:
            return SoundLine(form, self._audio, pts)
        if before.track == self._audio:
            return before
        return SoundLine(form, self._audio, before.end_pts)


def write_fragment(
    sequence: int, pictures: Sequence[Sample], sound: Sequence[Sample]
) -> list[Buffer]:
    """Return the parts of a fragment, to be joined. There is at least one sample."""
    if len(pictures) + len(sound) == 1:
        track_id = VIDEO_TRACK_ID if pictures else AUDIO_TRACK_ID
        sample = pictures[0] if pictures else sound[0]
        return [single_fragment(sequence, track_id, sample), *sample.parts]
    runs = [Run(VIDEO_TRACK_ID, pictures)] if pictures else []
    if sound:
        runs.append(Run(AUDIO_TRACK_ID, sound))
    return fragment(sequence, runs)


def _initialization(
    video: VideoTrack, audio: AudioTrack | None, form: AudioFormat | None
) -> Initialization:
    codecs = [video_codec_string(video)]
    if form is not None:
        codecs.append(form.hls_codec_string)
    return Initialization(
        data=init_segment(video, form, audio.clock_rate if audio else 0),
        mime=mime_type(video, form),
        hls_codecs=",".join(codecs),
        video=video,
        audio=audio if form is not None else None,
    )


def _interval(track: VideoTrack) -> int:
    """Return the ticks between two pictures of a track, as far as it tells."""
    frame_rate = track.frame_rate or USUAL_FRAME_RATE
    if not 1 <= frame_rate <= VIDEO_CLOCK_RATE:  # also not a number
        frame_rate = USUAL_FRAME_RATE
    return round(VIDEO_CLOCK_RATE / frame_rate)
