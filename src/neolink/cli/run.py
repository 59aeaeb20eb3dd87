"""``neolink rtsp``: run the bridge until it is told to stop."""

import asyncio
import logging
import os
import signal
from contextlib import suppress

import click

from neolink.app import Bridge, BridgeSettings
from neolink.cli.banner import banner
from neolink.cli.context import Invocation
from neolink.cli.loop import run
from neolink.config.compose import (
    camera_settings,
    mount_settings,
    rtsp_settings,
    state_folder,
)
from neolink.config.model import Config

__all__ = ["bridge_settings", "rtsp", "run_bridge"]

_LOG = logging.getLogger(__name__)

CLOSING_S = 9.0
"""An ordered end never takes so long, unless something hangs that cannot be cancelled."""


@click.command(help="Serve the cameras over RTSP until stopped.")
@click.pass_obj
def rtsp(invocation: Invocation) -> None:
    """Serve the cameras over RTSP."""
    config = invocation.load_config().config
    run(run_bridge(bridge_settings(config)))


def bridge_settings(config: Config) -> BridgeSettings:
    """Return what a bridge needs to know of a configuration."""
    return BridgeSettings(
        cameras=camera_settings(config),
        mounts=mount_settings(config),
        rtsp=rtsp_settings(config),
        state_folder=state_folder(config),
    )


async def run_bridge(settings: BridgeSettings, *, hint: str = "") -> None:
    """Run until SIGINT or SIGTERM; then log out of the cameras and close every session.

    ``hint`` is a line printed below the URLs, where ``{url}`` stands for the first of them.
    """
    bridge = Bridge(settings)
    running = asyncio.create_task(
        bridge.run(on_ready=lambda: click.echo(banner(bridge, hint))), name="bridge"
    )

    def stop() -> None:
        running.cancel()
        signal.signal(signal.SIGALRM, _give_up)
        signal.setitimer(signal.ITIMER_REAL, CLOSING_S)

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    with suppress(asyncio.CancelledError):
        await running


def _give_up(*_: object) -> None:
    """End the process: a look-up of a name, for one, holds up the end of its thread."""
    _LOG.warning("something did not end within %g s: ending without it", CLOSING_S)
    logging.shutdown()
    os._exit(0)
