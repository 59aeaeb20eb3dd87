"""UDP for tests: an inbox that nobody reads, and multicast groups that nobody else has."""

from ipaddress import IPv4Network

from neolink.rtsp_server.delivery.datagrams import Address
from neolink.rtsp_server.settings import MulticastSettings
from support.rtsp_client import UdpPair

__all__ = ["Silence", "groups_of_our_own"]


class Silence:
    """Takes everything and keeps nothing."""

    def take(self, address: Address, data: memoryview) -> None:
        pass

    def unreachable(self, address: Address) -> None:
        pass


def groups_of_our_own(prefix: int = 28) -> MulticastSettings:
    """Return settings that no other test of this machine has: all share its loopback interface."""
    pair = UdpPair()
    pair.close()
    port = pair.ports[0]
    network = IPv4Network(((239 << 24) + (port << 8), prefix))
    return MulticastSettings(is_enabled=True, network=network, port=port, ttl=3)
