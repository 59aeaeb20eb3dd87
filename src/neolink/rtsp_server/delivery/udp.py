"""RTP over UDP: two sockets shared by all players, and one lane per session.

Hot path: :meth:`UdpLane.push` runs once per unit and player; packets of equal size leave in one
system call by UDP generic segmentation offload, where the kernel can. A large picture is spread
over a few milliseconds, because small receive buffers and Wi-Fi lose an unpaced burst; cached
pictures, of which many come at once, are spread further.
"""

import asyncio
import contextlib
import errno
import os
import socket
from collections import deque
from typing import Final, Protocol

from neolink.hub.backlog import Backlog, Bounds, Budget
from neolink.listening import plain_host
from neolink.rtp.batch import Segments
from neolink.rtsp_server.delivery.datagrams import (
    NOWHERE,
    Address,
    DatagramSocket,
    Destination,
    Inbox,
    bind_datagrams,
)
from neolink.rtsp_server.mounts.parcel import TRACK_COUNT, Parcel

__all__ = ["Address", "Ports", "UdpLane", "UdpPorts", "usual_source"]

BURST_BYTES: Final = 48 * 1024
BURST_PAUSE_S: Final = 0.002
"""One burst per pause is 24 MB/s: a picture of 500 kB takes 20 ms."""

CATCH_UP_BURST: Final = 16 * 1024
CATCH_UP_BYTES_PER_S: Final = 2_500_000
"""Cached pictures leave at 20 Mbit/s, or at twice the rate of a stream that has more."""

_DISCARD_PORT: Final = 9


class Ports(Protocol):
    """The sockets that a lane sends by."""

    def destination(
        self, rtp: Address, rtcp: Address, local_host: str = ""
    ) -> tuple[Destination, Destination]:
        """Return a pair of addresses as the sockets want them."""

    def send_segments(self, segments: Segments, destination: Destination) -> bool:
        """Send RTP datagrams; False when the socket is full."""

    def send_rtcp(self, packet: bytes, destination: Destination) -> None:
        """Send one RTCP compound packet."""


class UdpPorts:
    """An even port for RTP and the next one for RTCP, shared by all UDP players.

    The inboxes are told what arrives on either port. Raises OSError when the ports cannot be bound.
    """

    def __init__(
        self, host: str, rtp_port: int, rtp_inbox: Inbox, rtcp_inbox: Inbox, *, dscp: int = 0
    ) -> None:
        rtp, rtcp = _bind_pair(host, rtp_port, dscp)
        self._rtp = DatagramSocket(rtp, rtp_inbox)
        self._rtcp = DatagramSocket(rtcp, rtcp_inbox)

    @property
    def rtp_port(self) -> int:
        """Port of RTP; RTCP is on the next one."""
        return self._rtp.address[1]

    @property
    def dropped(self) -> int:
        """Sends that failed."""
        return self._rtp.dropped + self._rtcp.dropped

    def destination(
        self, rtp: Address, rtcp: Address, local_host: str = ""
    ) -> tuple[Destination, Destination]:
        """Return a pair of addresses as the sockets want them, to be reached from ``local_host``.

        That is where the player's RTSP connection ends; others it may not listen to.
        """
        return self._rtp.destination(rtp, local_host), self._rtcp.destination(rtcp, local_host)

    def send_segments(self, segments: Segments, destination: Destination) -> bool:
        """Send datagrams of equal size (the last may be shorter); False when the socket is full."""
        return self._rtp.send(segments, destination)

    def send_rtcp(self, packet: bytes, destination: Destination) -> None:
        """Send one RTCP compound packet from the RTCP port."""
        self._rtcp.send_packet(packet, destination)

    def close(self) -> None:
        """Close both ports."""
        self._rtp.close()
        self._rtcp.close()


class UdpLane:
    """One session's media over UDP: an address per track, paced bursts, no waiting socket.

    ``local_host`` is our address that the player knows.
    """

    __slots__ = (
        "_bursts",
        "_cached_bytes",
        "_catch_up_bytes_per_s",
        "_destinations",
        "_local_host",
        "_ports",
        "_timer",
        "backlog",
        "bytes_sent",
    )

    def __init__(
        self, ports: Ports, bounds: Bounds, budget: Budget, *, local_host: str = ""
    ) -> None:
        self._ports = ports
        self._local_host = local_host
        self._bursts: deque[tuple[Segments, Destination]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._cached_bytes = 0
        self._catch_up_bytes_per_s = float(CATCH_UP_BYTES_PER_S)
        self._destinations = [(NOWHERE, NOWHERE)] * TRACK_COUNT
        self.backlog: Backlog[Parcel] = Backlog(bounds, budget)
        self.bytes_sent = 0

    def aim(self, track: int, rtp: Address, rtcp: Address) -> None:
        """Send a track to this pair of addresses from now on."""
        self._destinations[track] = self._ports.destination(rtp, rtcp, self._local_host)

    def addresses(self, track: int) -> tuple[Address, Address]:
        """Return where RTP and RTCP of a track go."""
        rtp, rtcp = self._destinations[track]
        return rtp.address, rtcp.address

    def catch_up(self, size: int, stream_bytes_per_s: float) -> None:
        """Send the next ``size`` bytes, which come at once from a cache, more slowly.

        What is no more than a burst leaves as one.
        """
        self._cached_bytes = size if size > BURST_BYTES else 0
        self._catch_up_bytes_per_s = max(CATCH_UP_BYTES_PER_S, 2 * stream_bytes_per_s)

    def push(self, parcel: Parcel) -> None:
        """Send one parcel, pace it, or drop it by the backlog's policy."""
        if self._timer is not None:
            self.backlog.push(parcel)
            return
        if not self.backlog.admits(parcel):
            return
        self._begin(parcel)
        self._send_burst()

    def push_aside(self, parcel: Parcel) -> None:
        """Send one small parcel past the backlog: it is never dropped with the pictures."""
        destination = self._destinations[parcel.track][0]
        for segments in parcel.batch.segments():
            if self._ports.send_segments(segments, destination):
                self.bytes_sent += len(segments.data)

    def push_rtcp(self, track: int, packet: bytes) -> None:
        """Send one RTCP compound packet to the track's RTCP address."""
        self._ports.send_rtcp(packet, self._destinations[track][1])

    def take_fault(self) -> str:
        """Return where to nothing could be sent lately, and why; empty if all was sent."""
        for destination in (one for pair in self._destinations for one in pair):
            code, destination.fault = destination.fault, 0
            if code:
                return f"{destination.address[0]}:{destination.address[1]}: {os.strerror(code)}"
        return ""

    def close(self) -> None:
        """Drop what waits; what is pushed later begins anew."""
        self._cached_bytes = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._bursts.clear()
        self.backlog.clear()

    def _begin(self, parcel: Parcel) -> None:
        destination = self._destinations[parcel.track][0]
        batch = parcel.batch
        runs = batch.segments(max_bytes=CATCH_UP_BURST) if self._cached_bytes else batch.segments()
        self._bursts.extend((run, destination) for run in runs)

    def _send_burst(self) -> None:
        self._timer = None
        is_cached = self._cached_bytes > 0
        allowance = burst = CATCH_UP_BURST if is_cached else BURST_BYTES
        while allowance > 0:
            if not self._bursts:
                if not len(self.backlog):
                    break
                self._begin(self.backlog.pop())
            segments, destination = self._bursts.popleft()
            if not self._ports.send_segments(segments, destination):
                self._bursts.clear()
                self._cached_bytes = 0
                self.backlog.await_random_access()
                return
            size = len(segments.data)
            self.bytes_sent += size
            allowance -= size
        if is_cached and allowance < burst:
            self._cached_bytes = max(0, self._cached_bytes - (burst - allowance))
            self._pause((burst - allowance) / self._catch_up_bytes_per_s)
        elif self._bursts or len(self.backlog):
            self._pause(BURST_PAUSE_S)
        else:
            self._cached_bytes = 0

    def _pause(self, pause_s: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(pause_s, self._send_burst)


def usual_source(peer_host: str) -> str:
    """Return the address that the system sends from to a peer when nobody chooses; else empty."""
    family = socket.AF_INET6 if ":" in peer_host else socket.AF_INET
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((peer_host, _DISCARD_PORT))  # asks the routing table, sends nothing
        return plain_host(probe.getsockname()[0])
    return ""


def _bind_pair(host: str, rtp_port: int, dscp: int) -> tuple[socket.socket, socket.socket]:
    if rtp_port:
        rtp = bind_datagrams(host, rtp_port, dscp=dscp)
        try:
            return rtp, bind_datagrams(host, rtp_port + 1, dscp=dscp)
        except OSError:
            rtp.close()
            raise
    for _ in range(64):
        rtp = bind_datagrams(host, 0, dscp=dscp)
        port = rtp.getsockname()[1]
        if port % 2 == 0:
            with contextlib.suppress(OSError):
                return rtp, bind_datagrams(host, port + 1, dscp=dscp)
        rtp.close()
    raise OSError(errno.EADDRINUSE, "no free pair of UDP ports")
