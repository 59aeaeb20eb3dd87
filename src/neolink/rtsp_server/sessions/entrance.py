"""Where a mount's packets come in for an adaptive player: closed, then in the session's numbers.

Hot path of adaptive players alone: :meth:`Entrance.push` runs once per unit.
"""

from collections.abc import Callable

from neolink.rtsp_server.mounts.parcel import AUDIO, Parcel
from neolink.rtsp_server.mounts.seat import Lane
from neolink.rtsp_server.sessions.headroom import Headroom
from neolink.rtsp_server.sessions.renumber import Stay

__all__ = ["Entrance"]


class Entrance:
    """The lane of one seat, in front of the lane that sends.

    With ``opens`` it is closed, and asks at each key frame whether it is to be open from there.
    ``is_our_sound`` is asked at the first sound; what the player was not told of is kept from it.
    """

    def __init__(
        self,
        lane: Lane,
        stay: Stay,
        opens: Callable[[], bool] | None = None,
        is_our_sound: Callable[[], bool] = lambda: True,
        headroom: Headroom | None = None,
    ) -> None:
        self.stay = stay
        self.headroom = headroom
        self._lane = lane
        self._opens = opens
        self._is_open = opens is None
        self._is_our_sound = is_our_sound
        self._passes_sound: bool | None = None

    def push(self, parcel: Parcel) -> None:
        """Take one parcel; return at once."""
        if not self._is_open and not self._is_opened_by(parcel):
            return
        if parcel.track == AUDIO and not self._lets_in_sound():
            return
        translated = self.stay.translate(parcel)
        if translated is None:
            return
        if self.headroom is not None and parcel.is_video:
            self.headroom.note(parcel)
        self._lane.push(translated)

    def push_aside(self, parcel: Parcel) -> None:
        """Take one small parcel that is not to wait behind pictures."""
        translated = self.stay.translate(parcel) if self._is_open else None
        if translated is not None:
            self._lane.push_aside(translated)

    def push_rtcp(self, track: int, packet: bytes) -> None:
        """Take one RTCP compound packet."""
        translated = self.stay.translate_rtcp(track, packet) if self._is_open else None
        if translated is not None:
            self._lane.push_rtcp(track, translated)

    def close(self) -> None:
        """Take nothing more."""
        self._is_open, self._opens = False, None

    def _is_opened_by(self, parcel: Parcel) -> bool:
        if self._opens is None or not (parcel.is_video and parcel.is_random_access):
            return False
        self._is_open = self._opens()
        return self._is_open

    def _lets_in_sound(self) -> bool:
        if self._passes_sound is None:
            self._passes_sound = self._is_our_sound()
        return self._passes_sound
