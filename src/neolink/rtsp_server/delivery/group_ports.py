"""The sockets of one multicast group: what it sends from, and where its players report to.

Who listens, and when the group sends, is decided elsewhere.
"""

import contextlib
import socket
import struct
from collections.abc import Callable
from typing import Final

from neolink.rtp.batch import Segments
from neolink.rtsp_server.delivery.datagrams import (
    Address,
    DatagramSocket,
    Destination,
    bind_datagrams,
    tune,
)

__all__ = ["GroupPorts"]

IP_MULTICAST_ALL: Final = 49
"""``linux/in.h``; the ``socket`` module does not name it."""

_MEMBERSHIP = struct.Struct("=4s4s")

TakeFromHost = Callable[[int, str, memoryview], None]
"""Told what a host sent to the RTCP port of a track."""


class GroupPorts:
    """One socket to send from, and for each track one that hears its RTCP.

    ``group`` is the address of the group, ``local_host`` that of the interface. Raises OSError.
    """

    def __init__(
        self, group: str, local_host: str, take: TakeFromHost, *, ttl: int, dscp: int
    ) -> None:
        self._group = group
        self._local_host = local_host
        self._take = take
        self._listening: dict[int, DatagramSocket] = {}
        self._sending = DatagramSocket(_bind_sender(local_host, ttl, dscp), None)

    def destination(
        self, rtp: Address, rtcp: Address, local_host: str = ""
    ) -> tuple[Destination, Destination]:
        """Return a pair of addresses as the socket wants them."""
        del local_host  # the socket has but one
        return self._sending.destination(rtp), self._sending.destination(rtcp)

    def send_segments(self, segments: Segments, destination: Destination) -> bool:
        """Send RTP datagrams; False when the socket is full."""
        return self._sending.send(segments, destination)

    def send_rtcp(self, packet: bytes, destination: Destination) -> None:
        """Send one RTCP compound packet."""
        self._sending.send_packet(packet, destination)

    def listen(self, track: int, port: int) -> None:
        """Hear what the players of a track report. Raises OSError."""
        if track not in self._listening:
            sock = _join(self._group, port, self._local_host)
            self._listening[track] = DatagramSocket(sock, _ReportInbox(self, track))

    def take(self, track: int, address: Address, data: memoryview) -> None:
        """Pass on what came from somebody else than ourselves."""
        if address != self._sending.address:
            self._take(track, address[0], data)

    def close(self) -> None:
        """Close all sockets."""
        for sock in (self._sending, *self._listening.values()):
            sock.close()


class _ReportInbox:
    """The inbox of one track's RTCP port."""

    def __init__(self, ports: GroupPorts, track: int) -> None:
        self._ports = ports
        self._track = track

    def take(self, address: Address, data: memoryview) -> None:
        self._ports.take(self._track, address, data)

    def unreachable(self, address: Address) -> None:
        """Nothing is sent from here."""


def _bind_sender(local_host: str, ttl: int, dscp: int) -> socket.socket:
    """Return a socket that sends to groups by one interface; players here hear it too."""
    sock = bind_datagrams(local_host, 0, dscp=dscp)
    try:
        interface = socket.inet_aton(local_host)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, interface)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, ttl)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 1)
    except BaseException:
        sock.close()
        raise
    return sock


def _join(group: str, port: int, local_host: str) -> socket.socket:
    """Return a socket that hears a group on one interface alone; players here may too."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        tune(sock)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((group, port))
        membership = _MEMBERSHIP.pack(socket.inet_aton(group), socket.inet_aton(local_host))
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
        with contextlib.suppress(OSError):  # of Linux
            sock.setsockopt(socket.IPPROTO_IP, IP_MULTICAST_ALL, 0)
    except BaseException:
        sock.close()
        raise
    return sock
