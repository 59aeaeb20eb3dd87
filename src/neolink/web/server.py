"""The HTTP server: its port, its connections and its tasks, from open to close."""

import asyncio
import logging
import socket
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Final

from aiohttp import web

from neolink.clock import Clock
from neolink.errors import ConfigError
from neolink.listening import listen_tcp
from neolink.log import RepeatLimiter
from neolink.readings import PlayerReading
from neolink.web.access import Gate
from neolink.web.assets import Asset, load_asset, load_assets
from neolink.web.door import Door
from neolink.web.events import Events
from neolink.web.exchange import Context
from neolink.web.frame import Frame, Handler
from neolink.web.glance import Glance
from neolink.web.hls.video import HlsVideo
from neolink.web.hosts import is_one_of
from neolink.web.live.audience import Audience
from neolink.web.live.video import LiveVideo
from neolink.web.protocol import HttpProtocol
from neolink.web.recheck import Recheck
from neolink.web.refusals import HttpRefusal
from neolink.web.routes import ROUTES
from neolink.web.settings import HttpLimits, HttpSettings, is_loopback
from neolink.web.snapshots import Snapshots
from neolink.web.view import BridgeView

__all__ = ["WebServer"]

_LOG = logging.getLogger(__name__)

BACKLOG: Final = 128
SWEEP_S: Final = 1.0
GRACE_S: Final = 0.5
"""How long broken off answers may take to end."""

CLOSING_S: Final = 1.5
NOT_LIVE: Final = {"bind": "bind", "port": "port", "limits": "limits"}
"""Settings of the socket itself, and the keys that they come from."""


class WebServer:
    """Serves the page and the API until cancelled.

    ``refused`` counts what was turned away, by reason; the view's reading should tell it too. Who
    watches takes a number of ``numbers``.
    """

    def __init__(
        self,
        settings: HttpSettings,
        view: BridgeView,
        clock: Clock,
        *,
        assets: Mapping[str, Asset] | None = None,
        numbers: Iterator[int] | None = None,
    ) -> None:
        self.settings = settings
        self.refused: Counter[str] = Counter()
        glance, gate, limits = Glance(view, clock), Gate(settings, view, clock), settings.limits
        audience = Audience(limits.max_viewers, numbers or count(1), self.refused)
        self.context = Context(
            view=view,
            clock=clock,
            gate=gate,
            glance=glance,
            events=Events(view, glance, clock),
            snapshots=Snapshots(view, clock),
            recheck=Recheck(),
            assets=load_assets() if assets is None else assets,
            description=load_asset(),
            live=LiveVideo(view, gate, clock, audience, max_bytes=limits.max_viewer_bytes),
            hls=HlsVideo(view, gate, clock, audience),
        )
        self._clock = clock
        self._listener: socket.socket | None = None
        self._door: Door | None = None
        _tell_who_cannot_log_in(settings)

    @property
    def port(self) -> int:
        """The TCP port that is listened on."""
        assert self._listener is not None  # after open()
        return int(self._listener.getsockname()[1])

    @property
    def refusals(self) -> dict[str, int]:
        """How often somebody was turned away, by reason; every reason is there."""
        return {reason.value: self.refused[reason] for reason in HttpRefusal}

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._door) if self._door is not None else 0

    def players(self) -> list[PlayerReading]:
        """Return who watches live video over HTTP."""
        return self.context.live.players() + self.context.hls.players()

    def kick(self, number: int) -> bool:
        """End who watches under a number; return whether there was one."""
        return self.context.live.kick(number) or self.context.hls.kick(number)

    def open(self) -> None:
        """Bind the port. Raises ConfigError naming address and key."""
        settings = self.settings
        if not settings.needs_login and not is_loopback(settings.bind):
            raise ConfigError(
                f"[http] bind: {settings.bind} lets other machines in, so a `token`, a `token_file`"
                " or `users` is needed"
            )
        self._listener = _listen(settings.bind, settings.port)

    async def run(self) -> None:
        """Serve until cancelled; then end every answer, and close every connection and the port."""
        if self._listener is None:
            self.open()
        frame = Frame(self.context, self._the_door)
        runner = web.AppRunner(
            _application(frame, self.settings.limits),
            access_log=None,
            shutdown_timeout=GRACE_S,
        )
        try:
            await runner.setup()
            await self._serve(runner)
        finally:
            self._close_listener()
            self._end_viewers()
            try:
                async with asyncio.timeout(CLOSING_S):
                    await frame.end(GRACE_S)
                    await runner.cleanup()
            except TimeoutError:
                _LOG.debug("HTTP answers did not end in time")
            finally:
                self.close()

    def close(self) -> None:
        """End every connection and close the port, at once."""
        self._close_listener()
        self._end_viewers()
        self.context.snapshots.close()
        self.context.recheck.close()
        if self._door is not None:
            self._door.close_all()
            self._door = None

    def reload(self, settings: HttpSettings) -> None:
        """Go over to other users and another token; what they opened ends within seconds.

        Where is listened stays as it is until a restart.
        """
        before = self.settings
        fixed = {name: getattr(before, name) for name in NOT_LIVE}
        changed = [key for name, key in NOT_LIVE.items() if getattr(settings, name) != fixed[name]]
        if changed:
            _LOG.warning("[http] %s: takes effect after a restart", ", ".join(changed))
        settings = replace(settings, **fixed)
        if not settings.needs_login and not is_loopback(settings.bind):
            _LOG.warning("[http]: nobody can log in until a restart makes `bind` local")
            settings = replace(settings, needs_login=True)
        self.settings = settings
        self.context.gate.reload(settings)
        _tell_who_cannot_log_in(settings)

    # -- running ----------------------------------------------------------------------

    async def _serve(self, runner: web.AppRunner) -> None:
        assert runner.server is not None  # after setup()
        assert self._listener is not None  # opened by run()
        make_protocol = partial(
            HttpProtocol, runner.server, self.refused, RepeatLimiter(self._clock)
        )
        self._door = Door(
            self.settings.limits,
            self._clock,
            self.refused,
            make_protocol,
            lambda host: is_one_of(host, self.settings.proxies),
        )
        loop = asyncio.get_running_loop()
        server = await loop.create_server(self._door, sock=self._listener, backlog=BACKLOG)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.context.events.run(), name="http events")
                tasks.create_task(self._sweep_often(), name="http sweep")
        finally:
            server.close()

    async def _sweep_often(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            self.sweep()

    def sweep(self) -> None:
        """End what has been silent for too long, and forget what has expired."""
        self.context.gate.sweep()
        self.context.live.sweep()
        self.context.hls.sweep()
        self.context.snapshots.sweep()
        if self._door is not None:
            self._door.sweep()

    def _the_door(self) -> Door:
        assert self._door is not None  # requests come through it
        return self._door

    def _end_viewers(self) -> None:
        self.context.live.close()
        self.context.hls.close()

    def _close_listener(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None


def _application(frame: Frame, limits: HttpLimits) -> web.Application:
    """Return what aiohttp runs: every route, inside the frame."""

    @web.middleware
    async def run(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await frame.run(request, handler)

    async def prepare(request: web.Request, response: web.StreamResponse) -> None:
        frame.prepare(request, response)

    application = web.Application(middlewares=[run], client_max_size=limits.max_body)
    for route in ROUTES:
        for method in route.methods:
            application.router.add_route(method, route.path, frame.enter(route))
    application.on_response_prepare.append(prepare)
    return application


def _listen(host: str, port: int) -> socket.socket:
    try:
        return listen_tcp(host, port)
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {host}:{port} for HTTP: {error.strerror};"
            " choose another with [http] port"
        ) from error


def _tell_who_cannot_log_in(settings: HttpSettings) -> None:
    for name, password in settings.users.items():
        if not password:
            _LOG.warning("[http] users: %s has no password and cannot log in here", name)
