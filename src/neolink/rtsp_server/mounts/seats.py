"""Who plays from a mount, and how packets reach all of them, whatever one of them does.

Hot path: :meth:`Seats.fan_out` runs once per unit and form of packets, and calls each lane.
"""

import logging
from collections.abc import Iterable

from neolink.log import bind_stream
from neolink.rtsp_server.mounts.parcel import Parcel
from neolink.rtsp_server.mounts.seat import Lane, Seat

__all__ = ["Seats"]

_LOG = logging.getLogger(__name__)


class Seats:
    """All seats of one mount, in the order that they were taken. ``name`` is for the log."""

    def __init__(self, name: str) -> None:
        self.all: list[Seat] = []
        self._name = name

    def fan_out(self, parcel: Parcel, lanes: tuple[Lane, ...]) -> None:
        """Give a parcel to some of the lanes."""
        for lane in lanes:
            try:
                lane.push(parcel)
            except Exception:  # noqa: BLE001 - must reach neither other players nor the camera
                self._lane_failed(lane)

    def fan_aside(self, parcel: Parcel, seats: Iterable[Seat]) -> None:
        """Give a small parcel to some of the seats, past their queues of pictures."""
        for lane in [seat.lane for seat in seats]:
            try:
                lane.push_aside(parcel)
            except Exception:  # noqa: BLE001 - must not reach other players
                self._lane_failed(lane)

    def _lane_failed(self, lane: Lane) -> None:
        """Log the exception that is being handled, and end whose lane raised it."""
        bind_stream(_LOG, self._name).exception("a player failed")
        for seat in [seat for seat in self.all if seat.lane is lane]:
            seat.on_failure("internal error")
