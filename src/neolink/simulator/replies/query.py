"""What a reply is made from and consists of, and the settings that requests change.

Values. No bytes of messages, no clock: the time comes with the query.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from neolink.baichuan.ids import DEFAULT_PORT, Status
from neolink.baichuan.xml import Body, BodyPart, Extension, Node
from neolink.simulator.profile import CameraProfile

__all__ = ["Answer", "DeviceSettings", "Handler", "Query"]


@dataclass(frozen=True, slots=True)
class Query:
    """A request. ``body`` is None where none came; ``unix_s`` is the host's time of day."""

    message_id: int
    channel: int = 0
    extension: Extension | None = None
    body: Body | None = None
    unix_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and body, and what all clients are then told: pairs of message id and body."""

    parts: tuple[BodyPart | Node, ...] = ()
    status: int = Status.OK
    pushes: tuple[tuple[int, BodyPart], ...] = ()


@dataclass(slots=True)
class DeviceSettings:
    """What can be set on a camera. ``stored`` holds bodies as they were set, by getter and channel.

    The camera's time of day is the host's plus ``clock_error_s``; UTC is local time plus
    ``time_zone_s``.
    """

    profile: CameraProfile
    port: int = DEFAULT_PORT
    clock_error_s: float = 0.0
    time_zone_s: int = 0
    is_private: bool = False
    stored: dict[tuple[int, int], tuple[BodyPart, ...]] = field(default_factory=dict)

    def local_s(self, unix_s: float) -> float:
        """Return the camera's wall time, as seconds since 1970 in its own zone."""
        return unix_s + self.clock_error_s - self.time_zone_s

    def set_local(self, local_s: float, time_zone_s: int, unix_s: float) -> None:
        """Set zone and wall time."""
        self.time_zone_s = time_zone_s
        self.clock_error_s = local_s + time_zone_s - unix_s


Handler = Callable[[Query, DeviceSettings], Answer]
"""Answers one kind of request."""
