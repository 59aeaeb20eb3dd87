"""Going over to a changed configuration file while the bridge runs.

A file that cannot be used changes nothing: what is wrong is logged, and the bridge goes on as it
was.
"""

import asyncio
import logging
import signal
from pathlib import Path

from neolink.app import Bridge, BridgeSettings
from neolink.cli.settings import bridge_settings
from neolink.config.load import load
from neolink.errors import NeolinkError

__all__ = ["follow"]

_LOG = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0


async def follow(path: Path, bridge: Bridge) -> None:
    """Apply the file at every SIGHUP and every change of it, until cancelled."""
    asked = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, asked.set)
    seen = _stamp(path)
    while True:
        try:
            async with asyncio.timeout(LOOK_EVERY_S):
                await asked.wait()
        except TimeoutError:
            pass
        stamp = _stamp(path)
        if not asked.is_set() and (stamp is None or stamp == seen):
            continue
        asked.clear()
        seen = stamp
        await _apply(path, bridge)


async def _apply(path: Path, bridge: Bridge) -> None:
    try:
        settings = _read(path)
        if settings == bridge.settings:
            _LOG.info("%s: nothing has changed", path)
            return
        await bridge.reload(settings)
    except NeolinkError as error:
        for line in str(error).splitlines():
            _LOG.error("%s", line)
        _LOG.error("%s: not applied, everything goes on as before", path)
    except Exception:  # noqa: BLE001 - the next change must be followed all the same
        _LOG.exception("%s: not applied", path)
    else:
        _LOG.info("%s: applied", path)


def _read(path: Path) -> BridgeSettings:
    loaded = load(path)
    for warning in loaded.warnings:
        _LOG.warning("%s", warning)
    return bridge_settings(loaded.config)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """Return what changes when the file does; None while it is not there (an editor's rename)."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
