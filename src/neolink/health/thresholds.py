"""From which values on something is called wrong, and why there. The only place with these numbers.

``CLEAR_S`` and the windows keep a state from flickering: what was raised stays until it has been
gone for a while.
"""

from dataclasses import dataclass

__all__ = ["THRESHOLDS", "Thresholds"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """Limits of the judgement. Seconds, counts and shares as the names say."""

    # ---- how long
    recent_s: float = 10.0
    """A single event shows this long: somebody who looks because the picture froze sees why."""
    memory_s: float = 60.0
    """Events are counted over a minute; ``often`` of them show until there are fewer."""
    often: int = 3
    clear_s: float = 3.0
    """What was measured as wrong must be right for so long to be forgotten."""

    # ---- camera
    away_s: float = 3.0
    """A login made anew sooner is a hiccup; later viewers see a stand-in, so say offline."""
    settled_s: float = 2.0
    """A camera that comes back must stay, or show a picture, for so long to be called well."""
    low_battery_percent: int = 10
    """Cameras switch themselves off at about 5 %."""

    # ---- pictures
    dark_s: float = 3.0
    """Without a picture for so long readers are told that the camera was lost."""
    no_video_s: float = 10.0
    """After so much darkness the stream is started again: it is offline, not merely late."""
    fps_share: float = 0.8
    """Of the nominal rate, over ten seconds. Cameras vary by a few percent, weak ones by half."""
    fps_window_s: float = 10.0
    """The rate of a stream that is live for less is not judged: its window is not full."""
    missed_gops: float = 3.0
    """A key frame may come late once; after three groups nobody can join and damage stays."""
    usual_gop_s: float = 4.0
    """Where the camera's own is not known: the longest that cameras offer by default."""
    shortest_key_wait_s: float = 3.0
    """Streams with several key frames a second are not judged by the jitter of the network."""
    damages: int = 2
    """Within ``recent_s``. One damaged picture is a blemish that nobody saw twice."""
    gap_s: float = 1.0
    """A silence that anybody sees as a freeze."""
    gap_pictures: float = 5.0
    """Slow streams: so many pictures late, at the nominal rate, if that is longer."""

    # ---- sound
    drift_s: float = 0.3
    """Lips and sound part visibly at about 0.2 s (ITU-R BT.1359); measuring has some jitter."""
    drift_for_s: float = 5.0
    """A burst of the network moves it for a moment only."""
    mute_s: float = 5.0
    """Sound comes many times a second where there is any."""

    # ---- players
    loss_share: float = 0.02
    """Lost packets on the way to a player: a broken picture every few seconds."""

    # ---- process
    loop_lag_s: float = 1.0
    """Every player has waited that long for every picture."""
    full_share: float = 0.9
    """Of a hard limit (descriptors, queued bytes): time to act before it is hit."""


THRESHOLDS = Thresholds()
