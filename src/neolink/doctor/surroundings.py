"""What of this machine decides whether a camera can be reached: interfaces, routes, name servers.

Reads a few small files and asks nobody. On systems that lack them nothing is known, which is told
apart from nothing being there.
"""

import socket
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Surroundings", "look_around"]

ROUTES = ("proc/net/route", "proc/net/ipv6_route")
CONTAINER_MARKS = (".dockerenv", "run/.containerenv")
RESOLVER = "etc/resolv.conf"

LOOPBACK = "lo"
IPV6_DEVICE = -1
"""Where a line of ``ipv6_route`` names the device; one of ``route`` begins with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The machine, or the container, that the doctor runs on."""

    interfaces: tuple[str, ...] = ()
    has_route: bool | None = None
    """Whether any route leads out of the machine; None: not known."""
    is_container: bool = False
    name_servers: tuple[str, ...] = ()

    @property
    def is_cut_off(self) -> bool:
        """Whether surely nothing but the machine itself can be reached."""
        return self.has_route is False or self.interfaces == (LOOPBACK,)


def look_around(root: Path = Path("/")) -> Surroundings:
    """Read what there is; ``root`` is for tests. Raises nothing."""
    return Surroundings(
        interfaces=_interfaces(),
        has_route=_has_route(root),
        is_container=any((root / mark).exists() for mark in CONTAINER_MARKS),
        name_servers=_name_servers(root),
    )


def _interfaces() -> tuple[str, ...]:
    try:
        return tuple(name for _, name in socket.if_nameindex())
    except OSError:
        return ()


def _has_route(root: Path) -> bool | None:
    lines = [_lines(root / name) for name in ROUTES]
    if lines[0] is None:
        return None
    devices = [line.split()[0] for line in lines[0][1:] if line.split()]
    devices += [line.split()[IPV6_DEVICE] for line in lines[1] or () if line.split()]
    return any(device != LOOPBACK for device in devices)


def _name_servers(root: Path) -> tuple[str, ...]:
    lines = _lines(root / RESOLVER) or []
    words = (line.split() for line in lines)
    return tuple(word[1] for word in words if len(word) > 1 and word[0] == "nameserver")


def _lines(path: Path) -> list[str] | None:
    try:
        return path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return None
