"""One UDP socket as RTP needs it: segmentation offload, a chosen source address, errors by peer.

Hot path: :meth:`DatagramSocket.send` runs once per burst and player. What the datagrams mean, and
whose an address is, is decided elsewhere.
"""

import asyncio
import contextlib
import errno
import logging
import socket
import struct
import sys
from dataclasses import dataclass
from typing import Final, Protocol

from neolink.listening import mark_traffic, plain_host
from neolink.rtp.batch import Segments

__all__ = ["NOWHERE", "Address", "DatagramSocket", "Destination", "Inbox", "bind_datagrams"]

_LOG = logging.getLogger(__name__)

Address = tuple[str, int]

IS_LINUX: Final = sys.platform == "linux"
UDP_SEGMENT: Final = 103
"""Socket option of Linux 4.18, ``linux/udp.h``; the ``socket`` module does not name it."""
IP_PKTINFO: Final = 8
IP_RECVERR: Final = 11
IPV6_RECVERR: Final = 25
SO_SNDBUFFORCE: Final = 32
SO_RCVBUFFORCE: Final = 33
"""``linux/in.h``, ``linux/in6.h``, ``asm-generic/socket.h``: not named there either."""

SEND_BUFFER: Final = 4 << 20
RECEIVE_BUFFER: Final = 1 << 20
MAX_DATAGRAM: Final = 2048
MAX_PER_TURN: Final = 64
"""Datagrams, and errors, that are taken at a stretch; the rest waits for the next turn."""

_SEGMENT_SIZE = struct.Struct("=H")
_SOURCE_V4 = struct.Struct("=i4s4x")
_SOURCE_V6 = struct.Struct("=16si")
_EXTENDED_ERROR = struct.Struct("=IBBBxII")
_ERROR_ROOM: Final = 512
_FROM_NETWORK: Final = frozenset({2, 3})
"""Origins ICMP and ICMPv6 of an extended error, ``linux/errqueue.h``."""

_TOO_NARROW = frozenset({errno.EINVAL, errno.EMSGSIZE})
"""A path takes no packet of this size whole; the second since Linux 6.13."""
_NO_OFFLOAD = frozenset({errno.EIO, errno.ENOPROTOOPT, errno.EOPNOTSUPP})
_FULL = frozenset({errno.EAGAIN, errno.ENOBUFS})
_UNREACHABLE = frozenset({errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH})
_OF_ANOTHER = _UNREACHABLE | {errno.EPROTO, errno.EMSGSIZE, errno.EACCES, errno.EHOSTDOWN}
"""What the system may report of an earlier datagram, whoever that was for, and send nothing."""

_ANY: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, not bound
_ERROR_OPTIONS: Final = frozenset(
    {(socket.IPPROTO_IP, IP_RECVERR), (socket.IPPROTO_IPV6, IPV6_RECVERR)}
)

Control = tuple[int, int, bytes]


class Inbox(Protocol):
    """Who is told of what comes back."""

    def take(self, address: Address, data: memoryview) -> None:
        """Take a datagram; ``data`` is valid until the return."""

    def unreachable(self, address: Address) -> None:
        """Learn that a datagram to this address did not arrive."""


@dataclass(slots=True)
class Destination:
    """Where datagrams go, as the socket wants it, and the source address that they are to have."""

    address: Address
    name: tuple[str, int] | tuple[str, int, int, int]
    control: tuple[Control, ...] = ()
    can_segment: bool = True
    """False once a path turned out to be too narrow for offload."""
    fault: int = 0
    """Error number of the last send that could not be made; who tells of it sets it to 0."""


NOWHERE: Final = Destination(("", 0), ("", 0))
"""Of a track that was not set up; nothing is sent there."""


class DatagramSocket:
    """A bound socket that never blocks; it owns the socket from here on.

    ``inbox`` is told what arrives, and of destinations that cannot be reached; None reads nothing.
    """

    def __init__(self, sock: socket.socket, inbox: Inbox | None) -> None:
        self._sock = sock
        self._inbox = inbox
        self._is_v6 = sock.family == socket.AF_INET6
        self._is_any = sock.getsockname()[0] in _ANY
        self._can_segment = _can_segment(sock)
        self._scratch = memoryview(bytearray(MAX_DATAGRAM))
        self._loop = asyncio.get_running_loop()
        self.address: Address = (plain_host(sock.getsockname()[0]), int(sock.getsockname()[1]))
        self.dropped = 0
        """Sends that failed."""
        if inbox is not None:
            self._loop.add_reader(sock.fileno(), self._receive)

    def destination(self, address: Address, local_host: str = "") -> Destination:
        """Return where to send; from ``local_host``, where the socket has several to choose from.

        A player's socket may be connected to the address that it asked: others it would not hear.
        """
        control: tuple[Control, ...] = ()
        if local_host and self._is_any and IS_LINUX:
            with contextlib.suppress(OSError, ValueError):  # no numeric address: the system chooses
                control = (self._source(local_host),)
        return Destination(address, self._name(address), control)

    def send(self, segments: Segments, destination: Destination) -> bool:
        """Send datagrams of equal size (the last may be shorter); False when the socket is full."""
        if segments.is_single or not (self._can_segment and destination.can_segment):
            return all(self._send_one(view, destination) for view in segments.datagrams())
        offload = (socket.IPPROTO_UDP, UDP_SEGMENT, _SEGMENT_SIZE.pack(segments.size))
        control = (offload, *destination.control)
        try:
            self._sock.sendmsg((segments.data,), control, 0, destination.name)
        except OSError as error:
            return self._send_again(error, segments, control, destination)
        return True

    def send_packet(self, packet: bytes, destination: Destination) -> bool:
        """Send one datagram; False when the socket is full."""
        return self._send_one(memoryview(packet), destination)

    def close(self) -> None:
        """Close the socket."""
        self._loop.remove_reader(self._sock.fileno())
        self._sock.close()

    # -- sending ----------------------------------------------------------------------

    def _send_again(
        self,
        error: OSError,
        segments: Segments,
        control: tuple[Control, ...],
        destination: Destination,
    ) -> bool:
        """Find out whose fault it was that datagrams were not sent, and do what helps."""
        code = self._retry(error.errno or errno.EIO, segments.data, control, destination)
        if code in _TOO_NARROW:
            destination.can_segment = False  # one by one, the system cuts them for the path
            return self.send(segments, destination)
        if code in _NO_OFFLOAD:
            self._can_segment = False
            _LOG.info("the kernel has no UDP segmentation offload, sending one by one")
            return self.send(segments, destination)
        return not code or self._failed(code, destination)

    def _send_one(self, view: memoryview, destination: Destination) -> bool:
        control = destination.control
        code = self._call(view, control, destination)
        code = code and self._retry(code, view, control, destination)
        return not code or self._failed(code, destination)

    def _retry(
        self,
        code: int,
        data: bytes | memoryview,
        control: tuple[Control, ...],
        destination: Destination,
    ) -> int:
        """Return the error of this player: another's is put aside, and sending tried again."""
        if code not in _OF_ANOTHER:
            return code
        self._take_errors()
        return self._call(data, control, destination)

    def _call(
        self, data: bytes | memoryview, control: tuple[Control, ...], destination: Destination
    ) -> int:
        try:
            self._sock.sendmsg((data,), control, 0, destination.name)
        except OSError as error:
            return error.errno or errno.EIO
        return 0

    def _failed(self, code: int, destination: Destination) -> bool:
        self.dropped += 1
        if code in _FULL:
            return False
        # Anything else (host unreachable, ...) is this player's trouble: its time-out ends it.
        if code != errno.ECONNREFUSED:  # which may come of an earlier datagram, and is told so
            destination.fault = code
        return True

    def _name(self, address: Address) -> tuple[str, int] | tuple[str, int, int, int]:
        host, port = address
        if not self._is_v6:
            return address
        bare, scope = _split_zone(host)
        return (bare if ":" in bare else f"::ffff:{bare}", port, 0, scope)

    def _source(self, local_host: str) -> Control:
        bare, scope = _split_zone(local_host)
        if not self._is_v6:
            packed = _SOURCE_V4.pack(0, socket.inet_pton(socket.AF_INET, bare))
            return (socket.IPPROTO_IP, IP_PKTINFO, packed)
        mapped = bare if ":" in bare else f"::ffff:{bare}"
        packed = _SOURCE_V6.pack(socket.inet_pton(socket.AF_INET6, mapped), scope)
        return (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, packed)

    # -- what comes back --------------------------------------------------------------

    def _receive(self) -> None:
        assert self._inbox is not None  # else nothing is read
        for number in range(MAX_PER_TURN):  # fairness: the rest waits for the next turn
            try:
                size, name = self._sock.recvfrom_into(self._scratch)
            except (BlockingIOError, InterruptedError):
                if not number:
                    self._take_errors()
                return
            except OSError:
                self._take_errors()
                continue
            self._inbox.take((plain_host(name[0]), name[1]), self._scratch[:size])

    def _take_errors(self) -> None:
        """Read what the system tells of earlier datagrams, and tell whom they were for."""
        if not IS_LINUX:
            return
        for _ in range(MAX_PER_TURN):
            try:
                _, notes, _, name = self._sock.recvmsg(1, _ERROR_ROOM, socket.MSG_ERRQUEUE)
            except OSError:
                return
            if self._inbox is not None and name and any(map(_is_unreachable, notes)):
                self._inbox.unreachable((plain_host(name[0]), name[1]))


def bind_datagrams(host: str, port: int, *, dscp: int = 0) -> socket.socket:
    """Return a bound socket that never blocks; an IPv6 one takes IPv4 as well.

    ``dscp`` marks what it sends (RFC 2474). Raises OSError when it cannot be bound.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        tune(sock)
        mark_traffic(sock, dscp)
        sock.bind((host, port))
    except BaseException:
        sock.close()
        raise
    return sock


def tune(sock: socket.socket) -> None:
    """Give a socket room for the burst of a key frame, and have it tell of lost peers."""
    sock.setblocking(False)
    _enlarge(sock, SO_SNDBUFFORCE, socket.SO_SNDBUF, SEND_BUFFER)
    _enlarge(sock, SO_RCVBUFFORCE, socket.SO_RCVBUF, RECEIVE_BUFFER)
    if IS_LINUX:
        sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
        if sock.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)


def _enlarge(sock: socket.socket, forced: int, usual: int, size: int) -> None:
    """Set a buffer's size, past the system's limit where we may."""
    try:
        if not IS_LINUX:
            raise PermissionError
        sock.setsockopt(socket.SOL_SOCKET, forced, size)
    except OSError:
        sock.setsockopt(socket.SOL_SOCKET, usual, size)


def _can_segment(sock: socket.socket) -> bool:
    """Whether the kernel knows the option: an older one would send all in one datagram."""
    try:
        sock.getsockopt(socket.IPPROTO_UDP, UDP_SEGMENT)
    except OSError:
        return False
    return True


def _split_zone(host: str) -> tuple[str, int]:
    """Split an address from the number of its interface; 0 where it names none."""
    bare, _, zone = host.partition("%")
    if not zone:
        return bare, 0
    try:
        return bare, int(zone) if zone.isdigit() else socket.if_nametoindex(zone)
    except OSError:  # the interface has gone
        return bare, 0


def _is_unreachable(note: tuple[int, int, bytes]) -> bool:
    level, kind, data = note
    if (level, kind) not in _ERROR_OPTIONS or len(data) < _EXTENDED_ERROR.size:
        return False
    code, origin, *_ = _EXTENDED_ERROR.unpack_from(data)
    return origin in _FROM_NETWORK and code in _UNREACHABLE
