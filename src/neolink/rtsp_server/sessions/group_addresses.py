"""Which multicast address a group has: the same one each time, as far as no other has it. Pure."""

from collections.abc import Collection
from ipaddress import IPv4Network
from zlib import crc32

from neolink.errors import ConfigError

__all__ = ["GroupAddresses"]


class GroupAddresses:
    """The addresses of a range, each given to one name at most.

    A name's address follows from the name alone, so that it is the same after a restart; only where
    two names would have the same, the later one gets the next that is free.
    """

    def __init__(self, network: IPv4Network) -> None:
        self._network = network
        self._by_name: dict[str, str] = {}

    def of(self, name: str, in_use: Collection[str] = ()) -> str:
        """Return the address of a name. Names that are not ``in_use`` may lose theirs.

        Raises ConfigError when all are in use.
        """
        if name in self._by_name:
            return self._by_name[name]
        if len(self._by_name) >= self._network.num_addresses:
            self._by_name = {n: a for n, a in self._by_name.items() if n in in_use}
        taken = set(self._by_name.values())
        count = self._network.num_addresses
        first = crc32(name.encode())
        for step in range(min(count, len(taken) + 1)):
            address = str(self._network[(first + step) % count])
            if address not in taken:
                self._by_name[name] = address
                return address
        text = f"all {count} addresses of [rtsp.multicast] range {self._network} are in use"
        raise ConfigError(f"{text}: give it a larger one")
