"""One TCP connection, of which we decide every byte: how it is read, and how it ends.

Nothing runs in the background: whoever owns a connection calls :meth:`Wire.receive_bytes`.
"""

import asyncio
import contextlib
import random
import socket
import struct
from typing import Self

__all__ = ["ANSWER_S", "HOST", "RECEIVE_BYTES", "Disconnected", "Refused", "Wire", "random_bytes"]

HOST = "127.0.0.1"
ANSWER_S = 20.0
"""Longer than a server may take to answer."""

RECEIVE_BYTES = 256 * 1024


class Refused(Exception):
    """The server answered, but not what was asked for."""

    def __init__(self, method: str, status: int) -> None:
        super().__init__(f"{method} was answered {status}")
        self.status = status


class Disconnected(Exception):
    """The server closed the connection, or did not answer in time."""


class Wire:
    """A connection to a port of this machine."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock

    @classmethod
    async def connect(
        cls, port: int, *, receive_buffer: int | None = None, source: str = HOST
    ) -> Self:
        """Connect from an address of this machine. Raises Disconnected."""
        return cls(await _connected(port, receive_buffer, source))

    async def send(self, data: bytes) -> None:
        """Send bytes as they are. Raises Disconnected."""
        try:
            await asyncio.get_running_loop().sock_sendall(self.sock, data)
        except OSError as error:
            raise Disconnected(str(error)) from None

    async def receive_bytes(self, most: int = RECEIVE_BYTES) -> bytes:
        """Return what comes next. Raises Disconnected when nothing more will."""
        try:
            data = await asyncio.get_running_loop().sock_recv(self.sock, most)
        except OSError as error:
            raise Disconnected(str(error)) from None
        if not data:
            raise Disconnected("closed by the server")
        return data

    async def drain(self, seconds: float) -> int:
        """Throw away what comes for a while; return how many bytes that were."""
        total = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    total += len(await self.receive_bytes())
        return total

    async def until_closed(self, seconds: float) -> bool:
        """Read on; tell whether the server closed the connection in time."""
        try:
            await self.drain(seconds)
        except Disconnected:
            return True
        return False

    def close(self) -> None:
        """Close without a word."""
        self.sock.close()

    def reset(self) -> None:
        """Close by a reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


async def _connected(port: int, receive_buffer: int | None, source: str) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        if receive_buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if source != HOST:
            sock.bind((source, 0))
        async with asyncio.timeout(ANSWER_S):
            await asyncio.get_running_loop().sock_connect(sock, (HOST, port))
    except OSError as error:
        sock.close()
        raise Disconnected(f"cannot connect: {error}") from None
    except BaseException:
        sock.close()
        raise
    return sock


def random_bytes(seed: int) -> bytes:
    """Return what no server can want."""
    chance = random.Random(seed)
    return chance.randbytes(chance.randint(1, 4000))
