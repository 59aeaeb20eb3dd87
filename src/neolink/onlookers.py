"""Who looks at a bridge from beside the path of a picture: health, HTTP server, StatsD.

Each is a part that the bridge supervises. HTTP and StatsD are imported only where the settings ask
for them: what is off costs neither memory nor time to start.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from neolink.clock import Clock
from neolink.health.summary import summary
from neolink.health.values import BridgeHealth, CameraHealth, HealthState
from neolink.health.watch import HealthWatch
from neolink.log import bind
from neolink.metrics.settings import StatsdSettings
from neolink.observe.observer import Observer
from neolink.observe.view import ObservedBridge, Viewable
from neolink.readings import BridgeReading
from neolink.recent import RecentLines
from neolink.web.settings import HttpSettings

if TYPE_CHECKING:
    from neolink.web.server import WebServer

__all__ = ["Onlookers"]

_LOG = logging.getLogger(__name__)

JUDGE_EVERY_S = 2.0

OBSERVED_LOGGER = "neolink"
"""Whose records the page shows; those of libraries are not about a camera."""


class Onlookers:
    """Everybody who looks at one bridge.

    ``web`` is None where the settings have no HTTP. Raises nothing.
    """

    def __init__(
        self,
        bridge: Viewable,
        observer: Observer,
        clock: Clock,
        http: HttpSettings | None,
        statsd: StatsdSettings | None,
    ) -> None:
        self.observer = observer
        self.watch = HealthWatch()
        self.recent = RecentLines()
        self.view = ObservedBridge(bridge, observer, self.watch, self.recent)
        self.web: WebServer | None = None
        self._statsd = statsd
        self._told: dict[str, HealthState] = {}
        if http is not None:
            self._attach_web(http, bridge, clock)

    def _attach_web(self, http: HttpSettings, bridge: Viewable, clock: Clock) -> None:
        from neolink.web.server import WebServer  # noqa: PLC0415 - see the module's docstring

        numbers = bridge.rtsp.context.numbers
        web = self.web = WebServer(http, self.view, clock, numbers=numbers)
        self.observer.extra_players = web.players
        self.observer.extra_refused = lambda: web.refusals

    def summary(self) -> str:
        """Return one line that says how everything does."""
        return summary(self.view.health())

    def open(self) -> None:
        """Bind the port and begin to keep log lines. Raises ConfigError."""
        logging.getLogger(OBSERVED_LOGGER).addHandler(self.recent)
        if self.web is not None:
            self.web.open()

    def close(self) -> None:
        """Let go of everything; a second call does nothing."""
        logging.getLogger(OBSERVED_LOGGER).removeHandler(self.recent)
        if self.web is not None:
            self.web.close()

    def parts(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """Return what is to run, by name."""
        parts: dict[str, Callable[[], Awaitable[None]]] = {
            "observer": self.observer.run,
            "health": self._judge_often,
        }
        if self.web is not None:
            parts["http server"] = self.web.run
        if self._statsd is not None:
            from neolink.metrics.pusher import StatsdPusher  # noqa: PLC0415 - as above

            pusher = StatsdPusher(self._statsd, self.observer.read, self._states)
            parts["statsd"] = pusher.run
        return parts

    def kick(self, number: int) -> bool:
        """End the watching of somebody in a browser; False when nobody there has the number."""
        return self.web is not None and self.web.kick(number)

    def reload(self, http: HttpSettings | None, statsd: StatsdSettings | None) -> None:
        """Go over to other users and another token; the rest waits for a restart."""
        if self.web is not None and http is not None:
            self.web.reload(http)
        elif (self.web is None) is not (http is None):
            _LOG.warning("[http]: takes effect after a restart")
        if statsd != self._statsd:
            _LOG.warning("[statsd]: takes effect after a restart")

    # -- health -----------------------------------------------------------------------

    def _states(self, reading: BridgeReading) -> Mapping[str, str]:
        return {one.name: one.health.state for one in self.watch.update(reading).cameras}

    async def _judge_often(self) -> None:
        """Feed the judgement, whose memory must have no holes, and log what changes."""
        while True:
            await asyncio.sleep(JUDGE_EVERY_S)
            self.observer.read()  # in a turn of its own; the judgement is given the same reading
            await asyncio.sleep(0)
            self.tell(self.view.health())

    def tell(self, health: BridgeHealth) -> None:
        """Log each camera whose state is another than at the last call, and why."""
        told, self._told = self._told, {one.name: one.health.state for one in health.cameras}
        for camera in health.cameras:
            before = told.get(camera.name, HealthState.OK)
            if camera.health.state is not before:
                _tell_change(camera, before)


def _tell_change(camera: CameraHealth, before: HealthState) -> None:
    state = camera.health.state
    level = logging.INFO if _is_well(state) else logging.WARNING
    if _is_well(state) and _is_well(before):
        level = logging.DEBUG  # it fell asleep or woke up: nobody needs to know
    reason = "; ".join(camera.health.reasons[:2])
    log = bind(_LOG, camera=camera.name, phase="health")
    log.log(level, "%s%s", state.replace("_", " "), f": {reason}" if reason else " again")


def _is_well(state: HealthState) -> bool:
    return state.severity < HealthState.DEGRADED.severity
