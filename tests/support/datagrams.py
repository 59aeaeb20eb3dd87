"""An inbox for UDP ports of tests that nobody reads."""

from neolink.rtsp_server.delivery.datagrams import Address

__all__ = ["Silence"]


class Silence:
    """Takes everything and keeps nothing."""

    def take(self, address: Address, data: memoryview) -> None:
        pass

    def unreachable(self, address: Address) -> None:
        pass
