"""Names and addresses in a request: ``Host``, ``Origin``, and who is behind a proxy. Pure.

A page of a stranger can make a browser ask us, also under a name of its own that leads here (DNS
rebinding). Without a login only the names of this machine itself are good.
"""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from neolink.web.settings import Network, is_loopback

__all__ = ["HostName", "behind_proxies", "is_one_of", "is_same_origin", "parse_host"]

LONGEST: Final = 262
"""The longest host name, a colon and a port."""

_HOST: Final = re.compile(
    r"(?P<host>\[[0-9A-Fa-f:.]+(?:%25[\w.~-]+)?\]|[A-Za-z0-9._~-]+)(?::(?P<port>[0-9]{1,5}))?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class HostName:
    """What stands in ``Host``."""

    name: str
    """In small letters; IPv6 in brackets."""
    port: int | None

    @property
    def is_local(self) -> bool:
        """Whether the name can only mean the machine that asks."""
        return is_loopback(self.name.strip("[]"))


def parse_host(header: str | None) -> HostName | None:
    """Read a ``Host`` header (RFC 9110 section 7.2); None for what is none."""
    found = _HOST.fullmatch(header) if header and len(header) <= LONGEST else None
    if found is None:
        return None
    port = found["port"]
    return HostName(found["host"].lower(), int(port) if port else None)


def is_same_origin(origin: str | None, host: str | None) -> bool:
    """Tell whether a request comes from our own page, or from no page at all."""
    if origin is None:
        return True
    try:
        return bool(host) and urlsplit(origin).netloc.lower() == (host or "").lower()
    except ValueError:
        return False


# ---------------------------------------------------------------- addresses
def is_one_of(address: str, networks: Sequence[Network]) -> bool:
    """Tell whether an address is in one of some networks."""
    if not networks:
        return False
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return any(ip in network for network in networks)


def behind_proxies(address: str, forwarded_for: str, proxies: Sequence[Network]) -> str:
    """Return who asks: ``address``, or whom a trusted proxy there asks for.

    ``forwarded_for`` is ``X-Forwarded-For``. Each proxy adds whom it was asked by at the end, so
    the last one that is no proxy of ours is believed, and nothing before it.
    """
    for hop in reversed(forwarded_for.split(",")) if forwarded_for else ():
        if not is_one_of(address, proxies):
            break
        try:
            address = str(ipaddress.ip_address(hop.strip()))
        except ValueError:
            break
    return address
