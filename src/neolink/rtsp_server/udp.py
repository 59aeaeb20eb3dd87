"""RTP over UDP: two sockets shared by all players, and one lane per session.

Hot path: :meth:`UdpLane.push` runs once per unit and player; packets of equal size leave in one
system call by UDP generic segmentation offload, where the kernel can. A large picture is spread
over a few milliseconds, because small receive buffers and Wi-Fi lose an unpaced burst.
"""

import asyncio
import errno
import logging
import socket
import struct
from collections import deque
from collections.abc import Callable
from typing import Final

from neolink.hub.backlog import Backlog, Bounds, Budget
from neolink.rtsp_server.parcel import Parcel

__all__ = ["Address", "UdpLane", "UdpPorts"]

_LOG = logging.getLogger(__name__)

Address = tuple[str, int]

UDP_SEGMENT: Final = 103
"""Socket option of Linux 4.18, ``linux/udp.h``; the ``socket`` module does not name it."""

SEND_BUFFER: Final = 4 << 20
RECEIVE_BUFFER: Final = 1 << 20
MAX_DATAGRAM: Final = 2048
BURST_BYTES: Final = 48 * 1024
BURST_PAUSE_S: Final = 0.002
"""One burst per pause is 24 MB/s: a picture of 500 kB takes 20 ms."""

_SEGMENT_SIZE = struct.Struct("=H")
_NO_OFFLOAD = frozenset({errno.EIO, errno.EINVAL, errno.ENOPROTOOPT, errno.EOPNOTSUPP})
_FULL = frozenset({errno.EAGAIN, errno.ENOBUFS})

Segments = tuple[int, list[memoryview]]


class UdpPorts:
    """An even port for RTP and the next one for RTCP, shared by all UDP players.

    ``on_rtcp`` gets each datagram that arrives on either port with the sender's address.
    Raises OSError when the ports cannot be bound.
    """

    def __init__(
        self, host: str, rtp_port: int, on_rtcp: Callable[[Address, memoryview], None]
    ) -> None:
        self._on_rtcp = on_rtcp
        self._can_segment = True
        self._rtp, self._rtcp = _bind_pair(host, rtp_port)
        self._scratch = memoryview(bytearray(MAX_DATAGRAM))
        self._loop = asyncio.get_running_loop()
        for sock in (self._rtp, self._rtcp):
            self._loop.add_reader(sock.fileno(), self._receive, sock)
        self.dropped = 0

    @property
    def rtp_port(self) -> int:
        """Port of RTP; RTCP is on the next one."""
        return int(self._rtp.getsockname()[1])

    def send_segments(self, segments: Segments, address: Address) -> bool:
        """Send datagrams of equal size (the last may be shorter); False when the socket is full."""
        size, views = segments
        if len(views) == 1 or not self._can_segment:
            return all(self.send(self._rtp, view, address) for view in views)
        try:
            self._rtp.sendmsg(
                views,
                ((socket.IPPROTO_UDP, UDP_SEGMENT, _SEGMENT_SIZE.pack(size)),),
                0,
                address,
            )
        except OSError as error:
            if error.errno in _NO_OFFLOAD:
                self._can_segment = False
                _LOG.info("the kernel has no UDP segmentation offload, sending one by one")
                return self.send_segments(segments, address)
            return self._failed(error)
        return True

    def send_rtcp(self, packet: bytes, address: Address) -> None:
        """Send one RTCP compound packet from the RTCP port."""
        self.send(self._rtcp, packet, address)

    def send(self, sock: socket.socket, data: bytes | memoryview, address: Address) -> bool:
        """Send one datagram; False when the socket is full."""
        try:
            sock.sendto(data, address)
        except OSError as error:
            return self._failed(error)
        return True

    def close(self) -> None:
        """Close both ports."""
        for sock in (self._rtp, self._rtcp):
            self._loop.remove_reader(sock.fileno())
            sock.close()

    def _failed(self, error: OSError) -> bool:
        self.dropped += 1
        # Anything else (host unreachable, ...) is this player's trouble: its time-out ends it.
        return error.errno not in _FULL

    def _receive(self, sock: socket.socket) -> None:
        for _ in range(64):  # fairness: the rest waits for the next turn
            try:
                size, address = sock.recvfrom_into(self._scratch)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                continue  # a queued ICMP error of some player
            self._on_rtcp(address[:2], self._scratch[:size])


class UdpLane:
    """One session's media over UDP: an address per track, paced bursts, no waiting socket."""

    __slots__ = ("_bursts", "_ports", "_timer", "addresses", "backlog", "bytes_sent")

    def __init__(self, ports: UdpPorts, bounds: Bounds, budget: Budget) -> None:
        self._ports = ports
        self._bursts: deque[tuple[Segments, Address]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self.backlog: Backlog[Parcel] = Backlog(bounds, budget)
        self.bytes_sent = 0
        self.addresses: list[tuple[Address, Address]] = [(("", 0), ("", 0))] * 2
        """(RTP, RTCP) address of the player by track number."""

    def push(self, parcel: Parcel) -> None:
        """Send one parcel, pace it, or drop it by the backlog's policy."""
        if self._timer is not None:
            self.backlog.push(parcel)
            return
        if not self.backlog.admits(parcel):
            return
        self._begin(parcel)
        self._send_burst()

    def push_rtcp(self, track: int, packet: bytes) -> None:
        """Send one RTCP compound packet to the track's RTCP address."""
        self._ports.send_rtcp(packet, self.addresses[track][1])

    def close(self) -> None:
        """Drop what waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._bursts.clear()
        self.backlog.clear()

    def _begin(self, parcel: Parcel) -> None:
        address = self.addresses[parcel.track][0]
        self._bursts.extend((group, address) for group in parcel.batch.segments())

    def _send_burst(self) -> None:
        self._timer = None
        allowance = BURST_BYTES
        while allowance > 0:
            if not self._bursts:
                if not len(self.backlog):
                    return
                self._begin(self.backlog.pop())
            segments, address = self._bursts.popleft()
            if not self._ports.send_segments(segments, address):
                self._bursts.clear()
                self.backlog.await_random_access()
                return
            size = segments[0] * len(segments[1])
            self.bytes_sent += size
            allowance -= size
        if self._bursts or len(self.backlog):
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(BURST_PAUSE_S, self._send_burst)


def _bind_pair(host: str, rtp_port: int) -> tuple[socket.socket, socket.socket]:
    if rtp_port:
        rtp = _bind(host, rtp_port)
        try:
            return rtp, _bind(host, rtp_port + 1)
        except OSError:
            rtp.close()
            raise
    for _ in range(64):
        rtp = _bind(host, 0)
        port = rtp.getsockname()[1]
        if port % 2 == 0:
            try:
                return rtp, _bind(host, port + 1)
            except OSError:
                pass
        rtp.close()
    raise OSError(errno.EADDRINUSE, "no free pair of UDP ports")


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        sock.setblocking(False)
        sock.bind((host, port))
    except BaseException:
        sock.close()
        raise
    return sock
