"""What a metric is, and whom it speaks of. No names of metrics and no text format here.

A metric has a scope: it speaks of the process, or of each camera, stream or player. :func:`rows`
gives one row for each of them; a metric reads its value from the row's subject.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Generic, TypeVar

from neolink.readings import BridgeReading, Histogram, PlayerReading, StreamReading

__all__ = [
    "MAX_PLAYERS",
    "SCOPE_LABELS",
    "Labels",
    "Metric",
    "MetricType",
    "Number",
    "Row",
    "Scope",
    "Value",
    "rows",
]

MAX_PLAYERS: Final = 500
"""So many players get series of their own, those that came first; all of them are counted."""

S = TypeVar("S")
W = TypeVar("W")

Number = int | float
Value = Number | Mapping[str, Number] | tuple[str, ...] | Histogram | None
"""A number; numbers by the value of the metric's own label; the values of its own labels, when it
only names things and counts 1; a distribution; or nothing to tell."""

Labels = tuple[tuple[str, str], ...]
"""Names and values, in the order they are written."""


class MetricType(StrEnum):
    """What may be done with a metric's numbers."""

    COUNTER = "counter"
    """Only grows while the process lives."""
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Scope(StrEnum):
    """Whom a metric speaks of."""

    PROCESS = "process"
    CAMERA = "camera"
    HEALTH = "health"
    """A camera too; the subject is the word for its health."""
    STREAM = "stream"
    PLAYER = "player"


SCOPE_LABELS: Final[Mapping[Scope, tuple[str, ...]]] = {
    Scope.PROCESS: (),
    Scope.CAMERA: ("camera",),
    Scope.HEALTH: ("camera",),
    Scope.STREAM: ("camera", "stream"),
    Scope.PLAYER: ("player", "camera", "stream", "transport"),
}
"""What tells the subjects of a scope apart."""


@dataclass(frozen=True, slots=True)
class Metric(Generic[S]):
    """One metric of subjects of type ``S``."""

    name: str
    type: MetricType
    help: str
    read: Callable[[S], Value]
    labels: tuple[str, ...] = ()
    """Its own labels, which follow those of its scope: one if ``read`` gives a mapping."""


@dataclass(frozen=True, slots=True)
class Row(Generic[S, W]):
    """A subject, and its labels as they are written."""

    labels: W
    subject: S


def rows(
    reading: BridgeReading, health: Mapping[str, str], write: Callable[[Labels], W]
) -> dict[Scope, list[Row[Any, W]]]:
    """Take a reading apart; ``write`` is called with the labels of each subject.

    ``health`` has the health of cameras in a word, by name; one that is not in it gets no row.
    """
    streams = [stream for camera in reading.cameras for stream in camera.streams]
    players = [player for stream in streams for player in stream.players]
    players.sort(key=lambda player: player.number)
    named = [(write((("camera", camera.name),)), camera) for camera in reading.cameras]
    return {
        Scope.PROCESS: [Row(write(()), reading)],
        Scope.CAMERA: [Row(name, camera) for name, camera in named],
        Scope.HEALTH: [
            Row(name, health[camera.name]) for name, camera in named if camera.name in health
        ],
        Scope.STREAM: [Row(write(_labels_of_stream(stream)), stream) for stream in streams],
        Scope.PLAYER: [
            Row(write(_labels_of_player(player)), player) for player in players[:MAX_PLAYERS]
        ],
    }


def _labels_of_stream(stream: StreamReading) -> Labels:
    return ("camera", stream.camera), ("stream", stream.kind.value)


def _labels_of_player(player: PlayerReading) -> Labels:
    return (
        ("player", str(player.number)),
        ("camera", player.camera),
        ("stream", player.kind.value),
        ("transport", player.transport.value),
    )
