"""One stream in one form (with sound or without) for all who watch it by WebSocket.

Hot path: :meth:`Channel.push` runs once per unit: it writes the fragment in its frame, and then
calls ``push`` of each viewer.
"""

import logging
from collections.abc import Callable
from typing import Final

from neolink.clock import Clock
from neolink.errors import NeolinkError
from neolink.hub.demand import DemandState
from neolink.hub.gop import GopCache
from neolink.hub.stream import Hold, Stream
from neolink.log import bind
from neolink.media.tracks import VIDEO_CLOCK_RATE, Presentation, StreamKind
from neolink.media.units import AccessUnit, MediaUnit
from neolink.mp4.movie import Addition, Movie, write_fragment
from neolink.web.live.messages import LIVE, Chunk, binary_frame, opening, stand_in_frame
from neolink.web.live.viewer import Viewer

__all__ = ["STOOD_IN_FOR", "Channel", "away_words"]

_LOG = logging.getLogger(__name__)

RESTING: Final = "The camera rests until there is motion."

STOOD_IN_FOR: Final = frozenset({DemandState.PLACEHOLDER, DemandState.PAUSED})
"""When what comes is no picture of the camera."""


class Channel:
    """A sink of the stream. It wants the stream while somebody watches."""

    def __init__(
        self, stream: Stream, camera: str, kind: StreamKind, clock: Clock, *, has_sound: bool
    ) -> None:
        self.stream = stream
        self.camera = camera
        self.kind = kind
        self.has_sound = has_sound
        self.viewers: tuple[Viewer, ...] = ()
        self.left_s = clock.monotonic_s()
        """When the last viewer left."""
        self._clock = clock
        self._log = bind(_LOG, camera=camera, stream=kind)
        self._hold: Hold | None = None
        self._movie = Movie(has_sound=has_sound)
        self._cache: GopCache[Chunk] = GopCache()
        self._opening = b""
        self._sequence = 0
        self._status = b""
        self._refusal = ""
        if stream.presentation is not None:
            self._movie.expect_sound(stream.presentation.audio)
        stream.subscribe(self)

    @property
    def cached_bytes(self) -> int:
        """Bytes that a viewer who joins now is given at once."""
        return self._cache.size

    # -- viewers ----------------------------------------------------------------------

    def join(self, viewer: Viewer) -> None:
        """Begin to show: what was shown since the last key frame comes first."""
        if self._hold is None:
            self._hold = self.stream.hold()
        self._follow_state()
        viewer.tell(self._status)
        for chunk in self._cache.items:
            viewer.push(chunk)
        self.viewers = (*self.viewers, viewer)

    def leave(self, viewer: Viewer) -> None:
        """Stop showing; a viewer who is not here is ignored."""
        self.viewers = tuple(one for one in self.viewers if one is not viewer)
        if not self.viewers and self._hold is not None:
            self.left_s = self._clock.monotonic_s()
            self._hold.release()
            self._hold = None

    def end(self, reason: str) -> None:
        """Show nobody anything more."""
        self._each(lambda viewer: viewer.end(reason))

    def close(self) -> None:
        """End all viewers and let go of the stream."""
        self.end("the bridge stops")
        for viewer in self.viewers:
            self.leave(viewer)
        self.stream.unsubscribe(self)

    def tell_state(self) -> None:
        """Tell all viewers how the camera is, also where none was told yet; once is enough."""
        is_live = self.stream.state is DemandState.LIVE
        status = LIVE if is_live else stand_in_frame(away_words(self.stream))
        if status != self._status:
            self._status = status
            self._each(lambda viewer: viewer.tell(status))

    # -- the stream's side (Sink) -----------------------------------------------------

    def push(self, unit: MediaUnit) -> None:
        """Write one unit and give it to every viewer."""
        try:
            addition = self._movie.push(unit)
        except NeolinkError as error:
            self._refuse(str(error))
            return
        if self.stream.state is not DemandState.LIVE or self._status is not LIVE:
            self._follow_state()
            if self.stream.state in STOOD_IN_FOR:
                self._movie.restart()  # a picture of the camera does not follow a stand-in
        if addition is None:
            return
        chunk = self._write(addition, unit)
        self._cache.push(chunk)
        self._each(lambda viewer: viewer.push(chunk))

    def presentation_changed(self, presentation: Presentation) -> None:
        """Other tracks are told in band."""
        self._movie.expect_sound(presentation.audio)

    def source_stopped(self) -> None:
        """Forget the cached pictures: nothing will follow them."""
        self._movie.restart()
        self._cache.clear()

    def source_ended(self) -> None:
        """End all viewers: the camera stays away and nothing stands in for it."""
        self.end(away_words(self.stream))

    def _refuse(self, words: str) -> None:
        """End all viewers of what cannot be written; the same fault is logged once."""
        if words != self._refusal:
            self._refusal = words
            self._log.warning("browsers cannot be shown this video: %s", words)
        self.end(f"this video cannot be shown: {words}")
        self._cache.clear()

    def _write(self, addition: Addition, unit: MediaUnit) -> Chunk:
        initialization, picture, sound = addition
        if initialization is not None:
            self._opening = opening(initialization)
            if self._movie.sound_refusal:
                self._log.warning("browsers hear nothing: %s", self._movie.sound_refusal)
        self._sequence += 1
        data = binary_frame(write_fragment(self._sequence, (picture,) if picture else (), sound))
        pts = unit.pts
        if not isinstance(unit, AccessUnit):
            pts = pts * VIDEO_CLOCK_RATE // unit.track.clock_rate
        return Chunk(
            data=data,
            size=len(data),
            media_s=pts / VIDEO_CLOCK_RATE,
            pts=pts,
            is_random_access=picture is not None and picture.is_sync,
            is_video=picture is not None,
            opening=self._opening,
        )

    def _follow_state(self) -> None:
        """Tell all viewers when the picture begins or ceases to be live, and why."""
        state = self.stream.state
        if state is DemandState.LIVE or state in STOOD_IN_FOR:
            self.tell_state()

    def _each(self, call: Callable[[Viewer], None]) -> None:
        for viewer in self.viewers:
            try:
                call(viewer)
            except Exception:  # noqa: BLE001 - must reach neither other viewers nor the camera
                self._log.exception("a viewer failed")
                viewer.abort("internal error")


def away_words(stream: Stream) -> str:
    """Return why a stream is not live."""
    if stream.state is DemandState.PAUSED:
        return RESTING
    reason = stream.explain()
    return f"{reason.headline}: {reason.advice}"
