"""Single players in Python, where what they get is looked at or where few are enough.

They throw away what they get in a selector loop without copies (``MSG_TRUNC``). Crowds are in
``native/players.c``.
"""

import selectors
import socket
import time
from dataclasses import dataclass

__all__ = ["Player", "drain", "play"]

DISCARD = 1 << 18


@dataclass(slots=True, eq=False)
class Player:
    """One TCP player after PLAY."""

    sock: socket.socket
    received: int = 0


def play(host: str, port: int, path: str) -> Player:
    """Set up video over interleaved TCP and start it."""
    sock = socket.create_connection((host, port), timeout=10)
    url = f"rtsp://{host}:{port}/{path}"
    described = _request(sock, f"DESCRIBE {url} RTSP/1.0\r\nCSeq: 1\r\n\r\n")
    track = described.partition("m=video")[2].partition("a=control:")[2].split()[0]
    track = track if track.startswith("rtsp:") else f"{url}/{track}"
    transport = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1"
    reply = _request(sock, f"SETUP {track} RTSP/1.0\r\nCSeq: 2\r\n{transport}\r\n\r\n")
    session = next(
        line.partition(":")[2].partition(";")[0].strip()
        for line in reply.split("\r\n")
        if line.lower().startswith("session:")
    )
    sock.sendall(f"PLAY {url} RTSP/1.0\r\nCSeq: 3\r\nSession: {session}\r\n\r\n".encode())
    sock.setblocking(False)
    return Player(sock)


def drain(players: list[Player], seconds: float) -> int:
    """Receive for a while and return the bytes that came."""
    with selectors.DefaultSelector() as selector:
        for player in players:
            selector.register(player.sock, selectors.EVENT_READ, player)
        end = time.monotonic() + seconds
        total = 0
        while (left := end - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                total += _discard(key.data, selector)
    return total


def _discard(player: Player, selector: selectors.BaseSelector) -> int:
    # The kernel drops the bytes instead of copying them out.
    size = len(player.sock.recv(DISCARD, socket.MSG_TRUNC))
    if not size:
        selector.unregister(player.sock)
        raise RuntimeError("the server closed a player")
    player.received += size
    return size


def _request(sock: socket.socket, text: str) -> str:
    sock.sendall(text.encode())
    data = b""
    while b"\r\n\r\n" not in data:
        data += sock.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    reply = head.decode("latin-1")
    if not reply.startswith("RTSP/1.0 200"):
        raise RuntimeError(reply.partition("\r\n")[0])
    length = next(
        (
            int(line.partition(":")[2])
            for line in reply.split("\r\n")
            if line.lower().startswith("content-length:")
        ),
        0,
    )
    while len(body) < length:
        body += sock.recv(65536)
    return f"{reply}\r\n\r\n{body.decode()}"
