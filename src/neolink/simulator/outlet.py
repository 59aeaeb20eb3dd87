"""Where a connection's bytes leave: faults of the wire, a slow line, the backlog.

Takes whole messages; what is in them matters to faults only.
"""

import asyncio

from neolink.simulator.device import Device
from neolink.simulator.faults import Cargo, Ending

__all__ = ["Outlet"]

_DRIP_S = 0.05
_MOST_BACKLOG = 64 * 1024 * 1024  # bytes; only a flood of requests gets there


class Outlet:
    """The sending side of one connection."""

    def __init__(self, transport: asyncio.Transport, device: Device) -> None:
        self._transport = transport
        self._device = device
        self._held = bytearray()  # behind a slow line
        self._dripped_s = 0.0
        self._is_ending = False

    @property
    def backlog(self) -> int:
        """Bytes that the system has not taken yet."""
        return self._transport.get_write_buffer_size() + len(self._held)

    @property
    def is_closing(self) -> bool:
        """Whether nothing more is taken."""
        return self._is_ending or self._transport.is_closing()

    @property
    def next_due_s(self) -> float | None:
        """When the slow line takes more; None when nothing waits for it."""
        if not self._held or self._device.is_silent:
            return None
        rate = self._device.trickle_bytes_per_s
        return self._dripped_s + (0.0 if rate is None else max(_DRIP_S, 1 / rate))

    def send(self, data: bytes, cargo: Cargo | None = None) -> None:
        """Send whole messages, as far as the faults of the moment let them pass.

        Media comes packet by packet, with its ``cargo``.
        """
        if not data or self.is_closing or self._device.is_silent:
            return
        data, is_last = self._pass_faults(data, cargo)
        if self.backlog > _MOST_BACKLOG:
            self.abort()
            return
        if self._held or self._device.trickle_bytes_per_s is not None:
            self._hold(data)
        else:
            self._transport.write(data)
        if is_last:
            self._is_ending = True
            self._close_when_empty()

    def drip(self, now_s: float) -> None:
        """Send as much of what is held as the slow line takes by now; all of it without one."""
        if not self._held or self._transport.is_closing() or self._device.is_silent:
            return
        rate = self._device.trickle_bytes_per_s
        length = len(self._held)
        if rate is not None:
            # what began to wait after ``now_s`` was read has waited for no time, not for less
            length = min(length, max(0, int(rate * (now_s - self._dripped_s))))
        if length:
            self._transport.write(bytes(self._held[:length]))
            del self._held[:length]
            self._dripped_s = now_s
            self._close_when_empty()

    def close(self) -> None:
        """End the connection behind what was sent; what is held is lost."""
        self._held.clear()
        self._transport.close()

    def abort(self) -> None:
        """Reset the connection."""
        self._held.clear()
        self._transport.abort()

    def _pass_faults(self, data: bytes, cargo: Cargo | None) -> tuple[bytes, bool]:
        """Return what is left of the bytes, and whether they are the connection's last."""
        is_last = False
        for fault in self._device.faults:
            if not fault.touches(cargo):
                continue
            changed = fault.on_wire(data, cargo)
            if isinstance(changed, Ending):
                changed, is_last = changed.data, True
            data = changed
        return data, is_last

    def _hold(self, data: bytes) -> None:
        if not self._held:
            self._dripped_s = self._device.clock.monotonic_s()
        self._held += data
        self._device.wake()

    def _close_when_empty(self) -> None:
        if self._is_ending and not self._held:
            self._transport.close()
