"""Motion and other events: subscribe to a camera's alarms, and tell who follows a channel.

What an alarm means is :mod:`neolink.camera.motion`'s. There is no watchdog: a lost login is noticed
by the keep-alive, and each new one is subscribed anew.
"""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from math import inf

from neolink.baichuan.ids import MessageId
from neolink.baichuan.xml import Body
from neolink.baichuan.xml.events import AlarmEventList
from neolink.camera.motion import DOUBT_S, MotionState, Noticed
from neolink.camera.session import CameraSession
from neolink.clock import Clock
from neolink.errors import CommandRefused, ConnectionLost, RemoteProtocolError
from neolink.log import BoundLogger
from neolink.media.events import EventKind

__all__ = ["EventFollower", "MotionFollower", "MotionWatch"]


@dataclass(frozen=True, slots=True)
class MotionFollower:
    """Who wants to know of motion on a channel."""

    channel_id: int
    hold_s: float
    """How long motion counts as going on after its end."""

    tell: Callable[[bool], None]
    """Called at each change, at first from "no motion". Returns at once and never raises."""


@dataclass(frozen=True, slots=True)
class EventFollower:
    """Who wants to know of all that goes on on a channel."""

    channel_id: int
    tell: Callable[[frozenset[EventKind]], None]
    """Called at each change, at first from "nothing". Returns at once and never raises."""


@dataclass(slots=True)
class _Followed:
    """What one follower was told, and what is known for it."""

    state: MotionState
    is_told: bool = False


class MotionWatch:
    """What goes on on the channels of one device. Without followers its camera is not asked."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._followed: dict[MotionFollower, _Followed] = {}
        self._noticed = Noticed()
        self._told: dict[EventFollower, frozenset[EventKind]] = {}
        """What the followers of events were told last."""
        self._doubting: asyncio.TimerHandle | None = None
        self._is_followed = asyncio.Event()
        self._news = asyncio.Event()

    def follow(self, followers: Iterable[MotionFollower]) -> None:
        """Tell these from now on and nobody else; who stays is told nothing twice."""
        known = {(one.channel_id, one.tell): followed for one, followed in self._followed.items()}
        self._followed = {}
        for one in followers:
            followed = known.get((one.channel_id, one.tell))
            if followed is None:
                followed = _Followed(MotionState(one.channel_id, one.hold_s))
            followed.state.hold_s = one.hold_s
            self._followed[one] = followed
        self._note_followed()

    def follow_events(self, follower: EventFollower) -> None:
        """Tell one more what goes on: at once what does already, then each change."""
        self._told[follower] = frozenset()
        self._tell_events()
        self._note_followed()

    def unfollow_events(self, follower: EventFollower) -> None:
        """Tell a follower nothing more; one that is not told is ignored."""
        self._told.pop(follower, None)
        self._note_followed()

    def _note_followed(self) -> None:
        if self._followed or self._told:
            self._is_followed.set()
        else:
            self._is_followed.clear()

    def has_motion(self, channel_id: int) -> bool | None:
        """Tell whether there is motion on a channel; None where nobody follows it."""
        states = [
            one.state for one in self._followed.values() if one.state.channel_id == channel_id
        ]
        now_s = self._clock.monotonic_s()
        return any(state.is_on(now_s) for state in states) if states else None

    async def serve(self, session: CameraSession, log: BoundLogger) -> None:
        """Listen on this login as soon as anybody follows, until cancelled. Raises nothing else.

        Events count also where the camera refuses the subscription: some tell all the same
        (protocol reference, section 6.9).
        """
        session.on_push(MessageId.ALARM_EVENTS, self._take)
        for followed in self._followed.values():
            followed.state.doubt(self._clock.monotonic_s())
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._subscribe(session, log), name="motion subscription")
            try:
                await self._tell()
            finally:
                self._doubt_events()

    async def _subscribe(self, session: CameraSession, log: BoundLogger) -> None:
        await self._is_followed.wait()
        try:
            await session.request(MessageId.ALARM_SUBSCRIBE)
        except CommandRefused as error:
            log.info("it may not tell of motion: %s", error)
        except (ConnectionLost, RemoteProtocolError) as error:  # the keep-alive's to tell
            log.debug("the subscription to motion was not answered: %s", error)

    def _take(self, body: Body) -> None:
        alarms = body.get(AlarmEventList)
        if alarms is None:
            return  # a list of other events
        for followed in self._followed.values():
            followed.state.handle(alarms, self._clock.monotonic_s())
        self._news.set()
        self._noticed.handle(alarms)
        self._tell_events()

    def _tell_events(self) -> None:
        """Tell each change of events in the turn in which it came, so that none is passed over."""
        for follower, told in list(self._told.items()):
            active = self._noticed.on(follower.channel_id)
            if active != told:
                self._told[follower] = active
                follower.tell(active)

    def _doubt_events(self) -> None:
        """Believe what goes on for a while longer, although no login tells of its end."""
        if not self._noticed.doubt():
            return
        if self._doubting is not None:
            self._doubting.cancel()
        self._doubting = asyncio.get_running_loop().call_later(DOUBT_S, self._end_doubt)

    def _end_doubt(self) -> None:
        self._doubting = None
        self._noticed.end_doubted()
        self._tell_events()

    async def _tell(self) -> None:
        """Tell each change as soon as it is there, and each end of a hold when it is due."""
        while True:
            self._news.clear()
            now_s = self._clock.monotonic_s()
            for one, followed in list(self._followed.items()):
                is_on = followed.state.is_on(now_s)
                if is_on is not followed.is_told:
                    followed.is_told = is_on
                    one.tell(is_on)
            await self._until_news(self._pause_s(now_s))

    def _pause_s(self, now_s: float) -> float | None:
        """Return after how long the next hold is over; None: no hold runs."""
        ends = [one.state.until_s for one in self._followed.values() if one.is_told]
        next_s = min(ends, default=inf)
        return None if next_s == inf else max(0.0, next_s - now_s)

    async def _until_news(self, limit_s: float | None) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                await self._news.wait()
