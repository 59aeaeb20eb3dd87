"""Going over to a changed configuration file while the bridge runs.

A file that cannot be used changes nothing: what is wrong is logged, and the bridge goes on as it
was.
"""

import asyncio
import logging
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from neolink.app import Bridge, BridgeSettings
from neolink.cli.systemd import SystemdNotifier
from neolink.errors import NeolinkError

__all__ = ["LOOK_EVERY_S", "ConfigFile", "follow"]

_LOG = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
"""A change is taken when it was there at two looks: an editor may not be done with the file."""

NOBODY = SystemdNotifier(None)

Stamp = tuple[int, int, int]
"""Time of the last change, length and inode: one of them differs after any change."""


@dataclass(slots=True)
class ConfigFile:
    """The file that is followed. Make it before the file is read first: no change is missed."""

    path: Path
    read: Callable[[], BridgeSettings]
    """Reads the file and logs its warnings. Raises ConfigError."""

    seen: Stamp | None = field(init=False)
    """Of the file that was read last."""

    asked: asyncio.Event = field(init=False, default_factory=asyncio.Event)
    """Set when somebody asks for the file to be read again."""

    def __post_init__(self) -> None:
        self.seen = self.stamp()

    def listen(self) -> None:
        """Be asked by SIGHUP from now on, which would else end the process."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self.asked.set)

    def stamp(self) -> Stamp | None:
        """Return what the file is now; None while it is not there (an editor's rename)."""
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino


async def follow(file: ConfigFile, bridge: Bridge, systemd: SystemdNotifier = NOBODY) -> None:
    """Apply the file at every SIGHUP, and soon after every change of it, until cancelled."""
    file.listen()
    asked, stamp = file.asked, file.seen
    while True:
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_EVERY_S):
                await asked.wait()
        before, stamp = stamp, file.stamp()
        is_done = stamp is not None and stamp == before and stamp != file.seen
        if asked.is_set() or is_done:
            asked.clear()
            file.seen = stamp
            systemd.reloading()
            try:
                await _apply(file, bridge)
            finally:
                systemd.ready()  # refused or not: it serves


async def _apply(file: ConfigFile, bridge: Bridge) -> None:
    try:
        settings = file.read()
        if settings == bridge.settings:
            _LOG.info("%s: cameras, users and limits are as they were", file.path)
            return
        await bridge.reload(settings)
    except NeolinkError as error:
        for line in str(error).splitlines():
            _LOG.error("%s", line)
        _LOG.error("%s: not applied, everything goes on as before", file.path)
    except Exception:  # noqa: BLE001 - the next change must be followed all the same
        _LOG.exception("%s: not applied", file.path)
    else:
        _LOG.info("%s: applied", file.path)
