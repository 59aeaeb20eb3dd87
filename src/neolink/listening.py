"""A TCP port to listen on, for players and for browsers. Nothing is accepted here."""

import socket

__all__ = ["listen_tcp"]

BACKLOG = 512
"""Connections that the system keeps until they are accepted."""


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
