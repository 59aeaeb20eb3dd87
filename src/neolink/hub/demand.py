"""The life of a stream: a table of states. Pure; the owner keeps the timers.

A stream is wanted from the camera in every state but ``IDLE``, and sent in every one of these but
``PAUSED``. Readers are given the camera's units in ``LIVE``, nothing in ``STARTING`` and
``HOLDING``, and a stand-in picture in ``PLACEHOLDER`` and ``PAUSED``.

Only a stream that is live is paused: one whose camera is away has nothing to stop. A pause ends
with the reader, without a grace period, because there is nothing to keep warm. When it is over the
camera is as far away as at the very start, hence ``STARTING`` and its short hold. No state depends
on a level, so nothing here needs thresholds or a dwell time.
"""

from enum import StrEnum

from neolink.errors import LocalProtocolError

__all__ = ["TRANSITIONS", "Demand", "DemandEvent", "DemandState"]


class DemandState(StrEnum):
    """Where a stream is in its life."""

    IDLE = "idle"
    """Nobody watches and the camera does not send."""
    STARTING = "starting"
    """Somebody waits; the camera was asked, nothing came yet."""
    LIVE = "live"
    """Units flow."""
    HOLDING = "holding"
    """The camera was lost a moment ago; readers wait in silence."""
    PLACEHOLDER = "placeholder"
    """The camera stays away; readers see a stand-in picture."""
    PAUSED = "paused"
    """The camera was asked to rest; readers see a stand-in picture."""
    LINGERING = "lingering"
    """The last one left a moment ago; the camera keeps sending in case one comes back."""


class DemandEvent(StrEnum):
    """What can happen to a stream."""

    FIRST_JOINED = "the first one came"
    LAST_LEFT = "the last one left"
    UNIT_CAME = "a picture came"
    SOURCE_LOST = "the camera was lost"
    HOLD_OVER = "the camera stayed away too long"
    PAUSED = "there is nothing to see"
    RESUMED = "there is something to see"
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
        _E.HOLD_OVER: _S.PLACEHOLDER,
    },
    _S.LIVE: {
        _E.UNIT_CAME: _S.LIVE,
        _E.LAST_LEFT: _S.LINGERING,
        _E.SOURCE_LOST: _S.HOLDING,
        _E.PAUSED: _S.PAUSED,
    },
    _S.HOLDING: {
        _E.UNIT_CAME: _S.LIVE,
        _E.LAST_LEFT: _S.LINGERING,
        _E.SOURCE_LOST: _S.HOLDING,
        _E.HOLD_OVER: _S.PLACEHOLDER,
    },
    _S.PLACEHOLDER: {
        _E.UNIT_CAME: _S.LIVE,
        _E.LAST_LEFT: _S.LINGERING,
        _E.SOURCE_LOST: _S.PLACEHOLDER,
    },
    _S.PAUSED: {
        _E.UNIT_CAME: _S.PAUSED,  # media already under way when the stop was sent
        _E.LAST_LEFT: _S.IDLE,
        _E.SOURCE_LOST: _S.PAUSED,
        _E.RESUMED: _S.STARTING,
    },
    _S.LINGERING: {
        _E.UNIT_CAME: _S.LINGERING,
        _E.FIRST_JOINED: _S.STARTING,
        _E.SOURCE_LOST: _S.LINGERING,
        _E.GRACE_OVER: _S.IDLE,
    },
}


_LEADS_TO = {
    _E.FIRST_JOINED: _S.STARTING,
    _E.LAST_LEFT: _S.LINGERING,
    _E.UNIT_CAME: _S.LIVE,
    _E.SOURCE_LOST: _S.HOLDING,
    _E.HOLD_OVER: _S.PLACEHOLDER,
    _E.PAUSED: _S.PAUSED,
    _E.RESUMED: _S.STARTING,
    _E.GRACE_OVER: _S.IDLE,
}
"""Where an event leads that came in a state the table does not foresee."""

_UNWATCHED = (_S.IDLE, _S.LINGERING)


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

    def settle(self, event: DemandEvent, *, is_held: bool) -> DemandState:
        """Follow an event that ``handle`` refused, as far as readers bear it out; return the state.

        A mistake of ours in the table must neither keep pictures from those who watch
        (``is_held``) nor the camera at work when nobody does.
        """
        following = _LEADS_TO[event]
        if (following in _UNWATCHED) is not is_held:
            self.state = following
        return self.state
