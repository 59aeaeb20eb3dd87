"""A network namespace for one player, whose downlink can be throttled. Linux, as root.

Its interfaces come and go on the whole machine, and a browser that loads a page just then gives up
(``ERR_NETWORK_CHANGED``). So the tests that need one are marked ``alone``.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from support.processes import need_programs

__all__ = ["Namespace", "namespace"]


@dataclass(frozen=True, slots=True)
class Namespace:
    """A namespace joined to ours by a pair of interfaces. ``host`` is our address on it.

    ``interface`` is our end, ``inner`` the player's.
    """

    name: str
    host: str
    interface: str
    inner: str

    @property
    def inside_interface(self) -> str:
        """The player's end of the pair."""
        return self.interface[:-1] + "b"

    @property
    def inside(self) -> list[str]:
        """The words in front of a command that is to run inside."""
        return ["ip", "netns", "exec", self.name]

    def throttle(self, kbit_per_s: int) -> None:
        """Let no more than this through to the player; a tenth of a second may wait."""
        self.lift()
        rate = f"{kbit_per_s}kbit"
        shape = ["root", "tbf", "rate", rate, "burst", "8kb", "latency", "100ms"]
        _run("tc", "qdisc", "add", "dev", self.interface, *shape)

    def cut(self) -> None:
        """Pull the cable: nothing gets through any more, and nobody is told."""
        _run("ip", "-netns", self.name, "link", "set", self.inside_interface, "down")

    def lift(self) -> None:
        """Let everything through again."""
        _run("tc", "qdisc", "del", "dev", self.interface, "root", check=False)

    def block_udp(self) -> None:
        """Let no datagram in from now on, as a firewall in front of the player."""
        # The table of own addresses comes first unless it is moved.
        for rule in (
            ("add", "pref", "100", "table", "local"),
            ("del", "pref", "0"),
            ("add", "pref", "10", "iif", self.inner, "ipproto", "udp", "blackhole"),
        ):
            _run("ip", "-netns", self.name, "rule", *rule)


@contextmanager
def namespace() -> Iterator[Namespace]:
    """Make a namespace for the length of a block.

    Where that is not possible the test is skipped, and fails in CI.
    """
    need_programs("ip", "tc")
    assert "PYTEST_XDIST_WORKER" not in os.environ, "a browser may run beside it: mark it `alone`"
    mark = os.getpid() % (1 << 14)
    name, ours, theirs = f"neolink-{mark}", f"nl{mark}a", f"nl{mark}b"
    net = f"198.18.{mark >> 6}.{(mark & 63) * 4}"
    stem, _, last = net.rpartition(".")
    host, player = f"{stem}.{int(last) + 1}", f"{stem}.{int(last) + 2}"
    made = Namespace(name, host, ours, theirs)
    _need(_run("ip", "netns", "add", name, check=False))
    try:
        _run("ip", "link", "add", ours, "type", "veth", "peer", "name", theirs, "netns", name)
        _run("ip", "address", "add", f"{host}/30", "dev", ours)
        _run("ip", "link", "set", ours, "up")
        inside = ["ip", "-netns", name]
        _run(*inside, "address", "add", f"{player}/30", "dev", theirs)
        _run(*inside, "link", "set", theirs, "up")
        _run(*inside, "link", "set", "lo", "up")
        _run(*inside, "route", "add", "224.0.0.0/4", "dev", theirs)  # where groups are joined
        yield made
    finally:
        # At once: with the namespace it would go a while later.
        _run("ip", "link", "del", ours, check=False)
        _run("ip", "netns", "del", name)


def _need(done: subprocess.CompletedProcess[str]) -> None:
    """Skip the test where a command failed for want of rights; in CI that is a failure."""
    if done.returncode == 0:
        return
    message = f"no network namespace can be made: {done.stderr.strip()}"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


def _run(*command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return done
