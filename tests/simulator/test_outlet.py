"""The slow line: how much of what waits goes out by when."""

import asyncio
from typing import cast

from neolink.clock import ManualClock
from neolink.simulator.device import Device
from neolink.simulator.faults import Trickle
from neolink.simulator.outlet import Outlet
from neolink.simulator.profile import CameraProfile


class Wire:
    """Stands for the transport: keeps what is written."""

    def __init__(self) -> None:
        self.sent = bytearray()

    def write(self, data: bytes) -> None:
        self.sent += data

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return False


def test_slow_line_sends_by_time_and_nothing_for_time_before_it_was_given_something() -> None:
    clock, wire = ManualClock(), Wire()
    device = Device(CameraProfile(), clock, lambda: None)
    device.begin(Trickle(bytes_per_s=1000))
    outlet = Outlet(cast("asyncio.Transport", wire), device)
    read_before_s = clock.monotonic_s()
    clock.advance(0.01)
    outlet.send(b"x" * 500)
    outlet.drip(read_before_s)
    assert len(wire.sent) == 0
    outlet.drip(clock.monotonic_s() + 0.2)
    assert len(wire.sent) == 200
    outlet.drip(clock.monotonic_s() + 9.0)
    assert len(wire.sent) == 500
