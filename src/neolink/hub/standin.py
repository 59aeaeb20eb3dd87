"""What readers see while the camera is away: its last key frame, or a picture that says why not.

Also what they see while it rests: the last key frame again, or a drawn picture without words.

Values and rules only; when a stand-in is shown is decided by the stream's table of states, and the
timer belongs to the stream.
"""

from dataclasses import dataclass, replace

from neolink.hub.pause import PauseMode
from neolink.hub.splash import SplashReason, splash_track, splash_unit
from neolink.media.tracks import Presentation, VideoCodec
from neolink.media.units import AccessUnit

__all__ = ["LAST_PICTURE", "StandIn", "StandInSettings"]

LAST_PICTURE = "last"
"""Name of the pattern that means: the camera's own last picture, where there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StandInSettings:
    """When and how a camera that is away is bridged."""

    is_enabled: bool = True
    """False: after the hold the sessions are ended instead."""

    pattern: str = LAST_PICTURE
    """What is shown when there is no last picture, behind the words that say why."""

    start_hold_s: float = 3.0
    """How long a camera may take to send its first picture before a stand-in is shown."""

    lost_hold_s: float = 8.0
    """How long readers wait in silence for a camera that was lost."""

    interval_s: float = 1.0
    """Pause between two stand-in pictures: players give up on a stream that stands still."""


class StandIn:
    """The stand-in picture of one stream."""

    def __init__(self, settings: StandInSettings, last_key: AccessUnit | None = None) -> None:
        self.settings = settings
        self._last_key = last_key

    @property
    def last_key(self) -> AccessUnit | None:
        """The camera's newest key frame."""
        return self._last_key

    def remember(self, unit: AccessUnit) -> None:
        """Keep a key frame of the camera; by reference, so it costs nothing while live."""
        self._last_key = unit

    @property
    def presentation(self) -> Presentation:
        """The tracks of a stream whose camera was never seen: a picture without sound."""
        return Presentation(video=splash_track(), audio=None)

    def picture(self, pts: int, reason: SplashReason) -> AccessUnit:
        """Return the stand-in as of ``pts`` (90 kHz); ``reason`` is shown where words are."""
        if self._last_key is not None:
            return replace(self._last_key, pts=pts)
        return splash_unit(self.settings.pattern, reason, pts)

    def resting(self, pts: int, mode: PauseMode) -> AccessUnit:
        """Return what is shown as of ``pts`` (90 kHz) while the camera rests.

        A drawn picture has its own parameter sets and size, which players of H.264 take in band.
        It would be another codec to those of H.265, so these see the last key frame in any mode.
        """
        last = self._last_key
        is_drawable = last is None or last.track.codec is VideoCodec.H264
        if mode.pattern is not None and is_drawable:
            return splash_unit(mode.pattern, None, pts)
        return splash_unit(LAST_PICTURE, None, pts) if last is None else replace(last, pts=pts)
