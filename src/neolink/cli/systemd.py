"""What systemd is told: ready, reloading, stopping, a line of health, and that the process lives.

One datagram each (sd_notify(3)), to the socket that the environment names; without one nothing is
sent. Nothing here ever raises: the bridge goes on whatever becomes of its supervisor. Cameras have
no say in whether it lives: a restart does not bring back a camera.
"""

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Self

from neolink.clock import Clock, SystemClock

__all__ = ["SystemdNotifier"]

_LOG = logging.getLogger(__name__)

TELL_EVERY_S = 5.0
LONGEST_STATUS = 500


class SystemdNotifier:
    """Tells the supervisor of this process how it does.

    ``watchdog_s`` is how long systemd waits for a sign of life before it restarts the process;
    None: for ever.
    """

    def __init__(
        self, address: str | None, watchdog_s: float | None = None, clock: Clock | None = None
    ) -> None:
        self.watchdog_s = watchdog_s
        self._address = address
        self._clock = clock or SystemClock()
        self._status = ""
        self._has_failed = False
        self._has_complained = False

    @classmethod
    def from_environment(cls, environ: Mapping[str, str], clock: Clock | None = None) -> Self:
        """Read what systemd has set: NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID."""
        name = environ.get("NOTIFY_SOCKET", "")
        address = name if name.startswith(("/", "@")) else None
        is_ours = environ.get("WATCHDOG_PID") in (None, "", str(os.getpid()))
        period_s = 0.0
        with suppress(ValueError):
            period_s = int(environ.get("WATCHDOG_USEC") or 0) / 1e6
        return cls(address, period_s if is_ours and period_s > 0 else None, clock)

    @property
    def is_on(self) -> bool:
        """Whether there is somebody to tell."""
        return self._address is not None

    def ready(self) -> None:
        """Tell that players can connect, for the first time or after a reload."""
        self._send("READY=1")

    def reloading(self) -> None:
        """Tell that another configuration is taken over; ``ready`` tells the end of that."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={round(self._clock.monotonic_s() * 1e6)}")

    def stopping(self) -> None:
        """Tell that it ends on purpose."""
        self._send("STOPPING=1")

    def watchdog(self) -> None:
        """Tell that the process lives."""
        self._send("WATCHDOG=1")

    def status(self, text: str) -> None:
        """Give one line for ``systemctl status``, unless it is the same as before."""
        line = " ".join(text.split())[:LONGEST_STATUS]  # a line break would begin another field
        if line != self._status:
            self._status = line
            self._send(f"STATUS={line}")

    async def run(
        self, summary: Callable[[], str], *, loop_lag_s: Callable[[], float] = lambda: 0.0
    ) -> None:
        """Tell status and signs of life until cancelled; then that it stops.

        An event loop that is stuck sends no sign, and one that was late (``loop_lag_s``) by a
        quarter of what the watchdog allows is as good as stuck.
        """
        if not self.is_on:
            await asyncio.get_running_loop().create_future()  # until cancelled
        every_s = min(TELL_EVERY_S, (self.watchdog_s or float("inf")) / 2)
        try:
            while True:
                try:
                    self._tell(summary, loop_lag_s)
                except Exception:  # noqa: BLE001 - logged; silence would end the whole bridge
                    self._complain()
                    self.watchdog()
                await asyncio.sleep(every_s)
        except asyncio.CancelledError:
            self.stopping()
            raise

    def _tell(self, summary: Callable[[], str], loop_lag_s: Callable[[], float]) -> None:
        if self.watchdog_s is not None and loop_lag_s() < self.watchdog_s / 4:
            self.watchdog()
        self.status(summary())

    def _complain(self) -> None:
        """Log a fault of ours; called while it is handled."""
        if not self._has_complained:
            self._has_complained = True
            _LOG.exception("the state of the bridge cannot be told to systemd")

    def _send(self, text: str) -> None:
        if self._address is None:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
                sock.setblocking(False)
                sock.sendto(text.encode(errors="replace"), address)
        except (OSError, ValueError) as error:
            if not self._has_failed:  # it would be the same all the time
                self._has_failed = True
                _LOG.warning("systemd cannot be told of the state: %s", error)
