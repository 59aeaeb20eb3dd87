"""The bytes of one connection, whatever carries them: a plain socket, TLS, a tunnel. No RTSP here.

Hot path: ``send`` runs once per picture and player. A plain wire's is the socket's own, so that
the seam costs no call.
"""

import asyncio
import contextlib
import fcntl
import socket
import struct
import termios
from collections.abc import Callable, Coroutine
from typing import Any, Final, Protocol

from neolink.errors import RemoteProtocolError
from neolink.listening import plain_host

__all__ = [
    "RECEIVE_BYTES",
    "Blob",
    "HandshakeError",
    "Peer",
    "PlainWire",
    "SendAgain",
    "Wire",
    "unacknowledged_bytes",
]

Blob = bytes | bytearray | memoryview
Peer = tuple[str, int]

RECEIVE_BYTES: Final = 4 * 1024
"""Taken at a stretch. Players send little; a flood is cut small, so that it holds nobody up."""

_INT: Final = struct.Struct("=i")


class SendAgain(BlockingIOError):
    """A wire took no byte yet but has begun with the blob: the same bytes must be given again."""


class HandshakeError(RemoteProtocolError):
    """A wire did not get ready: what the peer did, and what helps."""


class Wire(Protocol):
    """One peer's bytes in both directions. Who owns it closes it; nothing closes itself."""

    @property
    def peer(self) -> Peer:
        """Address and port of the other end."""

    @property
    def local_host(self) -> str:
        """Our own address, as the peer reached it. Raises OSError when the peer is gone."""

    @property
    def is_secure(self) -> bool:
        """Whether nobody on the way can read it."""

    async def open(self) -> None:
        """Make it ready for the first byte: a handshake, where there is one.

        Raises HandshakeError, and OSError when the peer is gone.
        """

    def receive(self) -> Coroutine[Any, Any, bytes]:
        """Wait for bytes and return them; empty at the end. Raises OSError when it broke."""

    def send(self, blob: Blob, /) -> int:
        """Give bytes away without waiting; return how many were taken, at least one.

        Raises BlockingIOError when none were (:class:`SendAgain` when they must be repeated), and
        any other OSError when the peer is gone.
        """

    def wait_writable(self, callback: Callable[[], None]) -> None:
        """Call back whenever ``send`` is worth another try, until ``stop_waiting``."""

    def stop_waiting(self) -> None:
        """Call back no more; nothing happens when nobody waits."""

    @property
    def unacknowledged_bytes(self) -> int | None:
        """Bytes that were taken and the peer has not confirmed; None where nothing tells."""

    def close(self) -> None:
        """End it at once; what was not sent is lost."""


class PlainWire:
    """A TCP socket that never blocks, as it is."""

    is_secure: Final = False

    def __init__(self, sock: socket.socket, peer: Peer) -> None:
        self.peer = peer
        self.send: Callable[[Blob], int] = sock.send
        self._sock = sock
        self._fd = sock.fileno()
        self._loop = asyncio.get_running_loop()

    @property
    def local_host(self) -> str:
        """Our own address, as the peer reached it. Raises OSError when the peer is gone."""
        return plain_host(str(self._sock.getsockname()[0]))

    async def open(self) -> None:
        """Return: it is ready."""

    def receive(self) -> Coroutine[Any, Any, bytes]:
        """Wait for bytes and return them; empty at the end. Raises OSError when it broke."""
        return self._loop.sock_recv(self._sock, RECEIVE_BYTES)

    def wait_writable(self, callback: Callable[[], None]) -> None:
        """Call back whenever the socket takes more, until ``stop_waiting``."""
        self._loop.add_writer(self._fd, callback)

    def stop_waiting(self) -> None:
        """Call back no more."""
        self._loop.remove_writer(self._fd)

    @property
    def unacknowledged_bytes(self) -> int | None:
        """Bytes that the socket took and the peer has not confirmed; None where nothing tells."""
        return unacknowledged_bytes(self._fd)

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()


def unacknowledged_bytes(fileno: int) -> int | None:
    """Return what a socket holds for its peer; None where the system does not tell."""
    with contextlib.suppress(OSError):  # not of every system's sockets
        answer = fcntl.ioctl(fileno, termios.TIOCOUTQ, _INT.pack(0))
        return int(_INT.unpack(answer)[0])
    return None
