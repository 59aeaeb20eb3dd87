"""Requests of players as they write them, byte for byte, said to a server one after the other.

In the text of a request ``HOST`` is the server's address, ``SESSION`` the last session that it
named, and ``DIGEST(URI)`` an ``Authorization`` for that ``uri``, written as most players do.
"""

import asyncio
import hashlib
import re
import socket
from textwrap import dedent
from typing import Self

from neolink.rtsp.message import InterleavedFrame, Response
from neolink.rtsp.reader import RtspReader

__all__ = ["Recorded"]

WAIT_S = 20.0
_DIGEST = re.compile(r"DIGEST\(([^)]*)\)")
_CHALLENGE = re.compile(r'Digest realm="([^"]*)", nonce="([^"]*)"')


def _md5(text: str) -> str:
    return hashlib.md5(text.encode("latin-1"), usedforsecurity=False).hexdigest()


class Recorded:
    """One connection on which recorded requests are said; :meth:`close` it."""

    def __init__(self, port: int, *, user: str = "me", password: str = "sesame") -> None:
        self.host = f"127.0.0.1:{port}"
        self.session = ""
        self.nonce = ""
        self.realm = ""
        self.frames: list[InterleavedFrame] = []
        """Media and RTCP since the last reply."""
        self._login = (user, password)
        self._port = port
        self._reader = RtspReader(role="client")
        self._sock = socket.socket()
        self._sock.setblocking(False)
        self._messages: list[Response | InterleavedFrame] = []

    async def __aenter__(self) -> Self:
        await asyncio.get_running_loop().sock_connect(self._sock, ("127.0.0.1", self._port))
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Break the connection off."""
        self._sock.close()

    async def say(self, text: str, status: int = 200) -> Response:
        """Say one request; its reply must have ``status`` and the request's ``CSeq``."""
        (response,) = await self.say_all(text)
        assert response.status == status
        return response

    async def say_all(self, *texts: str) -> list[Response]:
        """Say requests in one piece; return the replies, in order."""
        requests = [self._fill_in(dedent(text).strip("\n")) for text in texts]
        await self.send("".join(requests).encode("latin-1"))
        return [await self._reply(request) for request in requests]

    async def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        await asyncio.get_running_loop().sock_sendall(self._sock, data)

    async def media(self, count: int = 1) -> list[InterleavedFrame]:
        """Wait for so many interleaved frames since the last reply."""
        while len(self.frames) < count:
            message = await self._next()
            assert isinstance(message, InterleavedFrame)
            self.frames.append(message)
        return self.frames

    async def ends(self) -> bool:
        """Return whether the server closes the connection, with nothing more to say."""
        async with asyncio.timeout(WAIT_S):
            return not await asyncio.get_running_loop().sock_recv(self._sock, 65536)

    def digest(self, method: str, uri: str) -> str:
        """Return the ``Authorization`` of a player that signs ``uri``."""
        user, password = self._login
        signed = f"{_md5(f'{user}:{self.realm}:{password}')}:{self.nonce}:{_md5(f'{method}:{uri}')}"
        return (
            f'Digest username="{user}", realm="{self.realm}", nonce="{self.nonce}",'
            f' uri="{uri}", response="{_md5(signed)}"'
        )

    # -- details ----------------------------------------------------------------------

    def _fill_in(self, text: str) -> str:
        text = text.replace("HOST", self.host).replace("SESSION", self.session)
        method = text.partition(" ")[0]
        text = _DIGEST.sub(lambda found: self.digest(method, found[1]), text)
        head, _, body = text.partition("\n\n")
        return head.replace("\n", "\r\n") + "\r\n\r\n" + body

    async def _reply(self, request: str) -> Response:
        self.frames = []
        while True:
            message = await self._next()
            if isinstance(message, Response):
                break
            self.frames.append(message)
        asked = re.search(r"(?im)^CSeq *: *(.*?)\r$", request)
        assert asked is not None
        assert message.cseq == asked[1]
        self._learn(message)
        return message

    def _learn(self, response: Response) -> None:
        self.session = (response.headers.get("Session") or self.session).partition(";")[0]
        for line in response.headers.get_all("WWW-Authenticate"):
            if (found := _CHALLENGE.match(line)) is not None:
                self.realm, self.nonce = found.groups()
        self.frames = []

    async def _next(self) -> Response | InterleavedFrame:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(WAIT_S):
            while not self._messages:
                data = await loop.sock_recv(self._sock, 65536)
                assert data, "the server closed the connection"
                for message in self._reader.feed(data):
                    assert isinstance(message, Response | InterleavedFrame)
                    self._messages.append(message)
        return self._messages.pop(0)
