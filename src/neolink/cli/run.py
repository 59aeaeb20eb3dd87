"""Runs the bridge until it is told to stop, for ``neolink rtsp`` and ``neolink demo``."""

import asyncio
import logging
import os
import signal
from contextlib import suppress

import click

from neolink.app import Bridge, BridgeSettings
from neolink.cli.banner import banner
from neolink.cli.context import Invocation
from neolink.cli.garbage import leave_out_of_collections
from neolink.cli.loop import run
from neolink.cli.reload import ConfigFile, follow
from neolink.cli.settings import bridge_settings
from neolink.cli.systemd import SystemdNotifier
from neolink.cli.trimming import give_back_often

__all__ = ["run_bridge", "serve_file"]

_LOG = logging.getLogger(__name__)

CLOSING_S = 9.0
"""An ordered end never takes so long, unless something hangs that cannot be cancelled."""


def serve_file(invocation: Invocation) -> None:
    """Serve what the configuration file says until stopped. Raises NeolinkError."""

    def read() -> BridgeSettings:
        return bridge_settings(invocation.load_config().config)

    file = ConfigFile(invocation.config_path, read) if invocation.config_path else None
    run(run_bridge(read(), file=file))


async def run_bridge(
    settings: BridgeSettings, *, file: ConfigFile | None = None, hint: str = ""
) -> None:
    """Run until SIGINT or SIGTERM; then log out of the cameras and close every session.

    ``file`` is where the settings came from: changes of it are followed. ``hint`` is a line
    printed below the URLs, where ``{url}`` stands for the first of them.
    """
    bridge = Bridge(settings)
    running = asyncio.create_task(_serve(bridge, file, hint), name="bridge")

    def stop() -> None:
        running.cancel()
        signal.signal(signal.SIGALRM, _give_up)
        signal.setitimer(signal.ITIMER_REAL, CLOSING_S)

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    if file is not None:
        file.listen()  # before anybody is told that it is ready
    with suppress(asyncio.CancelledError):
        await running


async def _serve(bridge: Bridge, file: ConfigFile | None, hint: str) -> None:
    systemd = SystemdNotifier.from_environment(os.environ)
    beside: list[asyncio.Task[None]] = []

    def lag_s() -> float:
        return bridge.observer.read().process.loop_lag_s

    def ready() -> None:
        click.echo(banner(bridge, hint))
        systemd.ready()
        beside.append(asyncio.create_task(give_back_often(), name="memory"))
        if systemd.is_on:
            telling = systemd.run(bridge.onlookers.summary, loop_lag_s=lag_s)
            beside.append(asyncio.create_task(telling, name="systemd"))
        if file is not None:
            following = follow(file, bridge, systemd)
            beside.append(asyncio.create_task(following, name="configuration"))
        leave_out_of_collections()

    try:
        await bridge.run(on_ready=ready)
    finally:
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)


def _give_up(*_: object) -> None:
    """End the process: a look-up of a name, for one, holds up the end of its thread."""
    _LOG.warning("something did not end within %g s: ending without it", CLOSING_S)
    logging.shutdown()
    os._exit(0)
