"""What a stream consists of, learnt from its units. Pure."""

from neolink.media.tracks import VIDEO_CLOCK_RATE, Presentation
from neolink.media.units import AccessUnit, AudioFrame, MediaUnit

__all__ = ["Learning", "needs_new_description"]

AUDIO_WAIT_TICKS = VIDEO_CLOCK_RATE
"""Video that must have come before a stream counts as silent: one second of media time."""


class Learning:
    """Collects tracks until the presentation is complete: video, and audio or a silent second.

    A presentation known from before saves the wait: its audio is taken to come again.
    """

    def __init__(self, known: Presentation | None = None) -> None:
        self._video: AccessUnit | None = None
        self._audio: AudioFrame | None = None
        self._first_pts = 0
        self._known = known

    def push(self, unit: MediaUnit) -> Presentation | None:
        """Take a unit; return the presentation if this one completed or changed it."""
        if isinstance(unit, AudioFrame):
            if self._audio is not None and self._audio.track is unit.track:
                return None
            self._audio = unit
        else:
            if self._known is not None and self._video is not None:
                if self._video.track is unit.track:
                    return None
            elif self._video is None:
                self._first_pts = unit.pts
            self._video = unit
        return self._complete(unit)

    def _complete(self, unit: MediaUnit) -> Presentation | None:
        if self._video is None:
            return None
        if self._audio is None:
            silent = unit.pts - self._first_pts
            if self._known is None and silent < AUDIO_WAIT_TICKS:
                return None
        audio = self._audio.track if self._audio else None
        self._known = Presentation(video=self._video.track, audio=audio)
        return self._known


def needs_new_description(before: Presentation, after: Presentation) -> bool:
    """Tell whether players of one cannot go on with the other.

    Parameter sets and size may change in band, a codec may not.
    Audio that appears late concerns only players that come after it.
    """
    if before.audio is not None and before.audio != after.audio:
        return True
    if before.video is None or after.video is None:
        return before.video is not after.video
    return before.video.codec is not after.video.codec
