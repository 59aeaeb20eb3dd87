"""A TCP port to listen on, for players and for browsers, and what its peers are called.

Nothing is accepted here.
"""

import ipaddress
import socket

__all__ = ["listen_tcp", "mark_traffic", "network_of", "plain_host", "printable"]

BACKLOG = 512
"""Connections that the system keeps until they are accepted."""

_MAPPED = "::ffff:"

NAME_LENGTH = 160
"""Browsers name themselves behind 100 letters of history."""


def listen_tcp(host: str, port: int) -> socket.socket:
    """Return a socket that listens and never blocks; an IPv6 one takes IPv4 as well.

    Raises OSError when it cannot be bound.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind((host, port))
        sock.listen(BACKLOG)
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


def plain_host(host: str) -> str:
    """Return a peer's address as it is written elsewhere.

    An IPv6 socket calls IPv4 peers ``::ffff:192.0.2.7``; they are the same ones as on an IPv4 one.
    """
    return host[len(_MAPPED) :] if host.startswith(_MAPPED) and "." in host else host


def network_of(address: str) -> str:
    """Return what one host can have for itself: its IPv4 address, or its IPv6 network of 64 bits.

    The devices of one home share such a network, so this is no name for one of them. Text that is
    no address is returned as it is.
    """
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(ipaddress.ip_network((ip, 64), strict=False))


def printable(text: str) -> str:
    """Return what a log or a page may show of a name that a peer gave itself."""
    return "".join(letter for letter in text if letter.isprintable())[:NAME_LENGTH].strip()


def mark_traffic(sock: socket.socket, dscp: int) -> None:
    """Mark what a socket sends, and those that it accepts (RFC 2474); 0 leaves the system's mark.

    Raises OSError where the system does not allow the mark.
    """
    if not dscp:
        return
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, dscp << 2)
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, dscp << 2)
