"""Whether a stream is wanted: a table of states. Pure; the owner keeps the timer.

A stream is wanted from the camera in every state but ``IDLE``.
"""

from enum import StrEnum

from neolink.errors import LocalProtocolError

__all__ = ["TRANSITIONS", "Demand", "DemandEvent", "DemandState"]


class DemandState(StrEnum):
    """Where a stream is in its life."""

    IDLE = "idle"
    """Nobody watches and the camera does not send."""
    STARTING = "starting"
    """Somebody waits; the camera was asked, nothing came yet (or it was lost)."""
    LIVE = "live"
    """Units flow."""
    LINGERING = "lingering"
    """The last one left a moment ago; the camera keeps sending in case one comes back."""


class DemandEvent(StrEnum):
    """What can happen to a stream."""

    FIRST_JOINED = "the first one came"
    LAST_LEFT = "the last one left"
    UNIT_CAME = "a unit came"
    SOURCE_LOST = "the camera was lost"
    GRACE_OVER = "the grace period is over"


_S, _E = DemandState, DemandEvent

TRANSITIONS: dict[DemandState, dict[DemandEvent, DemandState]] = {
    _S.IDLE: {
        _E.FIRST_JOINED: _S.STARTING,
        _E.UNIT_CAME: _S.IDLE,  # media already under way when the stop was sent
        _E.SOURCE_LOST: _S.IDLE,
    },
    _S.STARTING: {
        _E.UNIT_CAME: _S.LIVE,
        _E.LAST_LEFT: _S.LINGERING,
        _E.SOURCE_LOST: _S.STARTING,
    },
    _S.LIVE: {
        _E.UNIT_CAME: _S.LIVE,
        _E.LAST_LEFT: _S.LINGERING,
        _E.SOURCE_LOST: _S.STARTING,
    },
    _S.LINGERING: {
        _E.UNIT_CAME: _S.LINGERING,
        _E.FIRST_JOINED: _S.STARTING,
        _E.GRACE_OVER: _S.IDLE,
        _E.SOURCE_LOST: _S.LINGERING,
    },
}


class Demand:
    """The state of one stream's demand."""

    def __init__(self) -> None:
        self.state = DemandState.IDLE

    @property
    def is_wanted(self) -> bool:
        """True while the camera should send this stream."""
        return self.state is not DemandState.IDLE

    def handle(self, event: DemandEvent) -> DemandState:
        """Move to the next state and return it.

        Raises LocalProtocolError for an event that cannot happen in this state.
        """
        following = TRANSITIONS[self.state].get(event)
        if following is None:
            raise LocalProtocolError(f"stream is {self.state}: {event} cannot happen")
        self.state = following
        return following
