"""``python -m soak.crowd PORT COUNT PATH``: many cheap players in one process, half of them on UDP.

Prints ``ready`` when all play. Every line on standard input is answered with one line of JSON: how
many whole pictures (RTP markers of the video track) each player has received so far, and who was
disconnected. The end of input ends it.

Hot path: :meth:`Player.take_stream` and :meth:`Player.take_datagram` see every packet of every
player; they look at two bytes of it.
"""

import json
import selectors
import socket
import sys
import time
from dataclasses import dataclass, field

from soak.rtsp import UdpPair
from soak.wire import HOST

__all__ = ["Player", "main"]

KEEP_ALIVE_S = 10.0
RECEIVE_BYTES = 128 * 1024
UDP_BUFFER = 4 << 20
DATAGRAMS_PER_TURN = 64


@dataclass(slots=True, eq=False)
class Player:
    """One player after PLAY. Only the video track is set up."""

    control: socket.socket
    session: str
    udp: UdpPair | None = None
    pictures: int = 0
    is_gone: bool = False
    _rest: bytes = b""
    _view: memoryview = field(default_factory=lambda: memoryview(bytearray(RECEIVE_BYTES)))

    def take_stream(self, data: bytes) -> None:
        """Count the markers in interleaved packets; skip answers."""
        data = self._rest + data if self._rest else data
        position, end = 0, len(data)
        while end - position >= 6:
            if data[position] == 0x24:
                length = 4 + (data[position + 2] << 8 | data[position + 3])
                if position + length > end:
                    break
                if data[position + 1] == 0 and data[position + 5] & 0x80:
                    self.pictures += 1
                position += length
            else:
                head_end = data.find(b"\r\n\r\n", position)
                if head_end < 0:
                    break
                position = head_end + 4  # answers to keep-alives have no body
        self._rest = data[position:]

    def receive_datagrams(self) -> None:
        """Count the markers of what waits."""
        assert self.udp is not None
        sock, view = self.udp.rtp, self._view
        for _ in range(DATAGRAMS_PER_TURN):
            try:
                if sock.recv_into(view) > 1 and view[1] & 0x80:
                    self.pictures += 1
            except BlockingIOError:
                return

    def receive(self) -> None:
        """Take what waits on the connection."""
        try:
            data = self.control.recv(RECEIVE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.is_gone = True
        elif self.udp is None:
            self.take_stream(data)


def play(port: int, path: str, *, is_udp: bool) -> Player:
    """Set up the video track and start it. Raises RuntimeError when the server refuses."""
    sock = socket.create_connection((HOST, port), timeout=20)
    url = f"rtsp://{HOST}:{port}/{path}"
    pair = UdpPair(UDP_BUFFER) if is_udp else None
    transport = (
        f"RTP/AVP;unicast;client_port={pair.port}-{pair.port + 1}"
        if pair
        else "RTP/AVP/TCP;unicast;interleaved=0-1"
    )
    _ask(sock, f"DESCRIBE {url} RTSP/1.0\r\nCSeq: 1\r\n\r\n")
    head = _ask(
        sock, f"SETUP {url}/trackID=0 RTSP/1.0\r\nCSeq: 2\r\nTransport: {transport}\r\n\r\n"
    )
    session = next(
        line[len("session:") :].partition(";")[0].strip()
        for line in head.split("\r\n")
        if line.lower().startswith("session:")
    )
    sock.sendall(f"PLAY {url} RTSP/1.0\r\nCSeq: 3\r\nSession: {session}\r\n\r\n".encode())
    sock.setblocking(False)
    return Player(sock, session, pair)


def _ask(sock: socket.socket, text: str) -> str:
    sock.sendall(text.encode())
    data = b""
    while b"\r\n\r\n" not in data:
        data += _some(sock)
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    if lines[0].split()[1] != "200":
        raise RuntimeError(f"{text.split(maxsplit=1)[0]}: {lines[0]}")
    for line in lines:
        if line.lower().startswith("content-length:"):
            while len(body) < int(line.partition(":")[2]):
                body += _some(sock)
    return "\r\n".join(lines)


def _some(sock: socket.socket) -> bytes:
    if not (data := sock.recv(65536)):
        raise RuntimeError("the server closed the connection")
    return data


def main() -> None:
    """Play until standard input ends."""
    port, count, path = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    with selectors.DefaultSelector() as selector:
        selector.register(sys.stdin, selectors.EVENT_READ, None)
        players = []
        for index in range(count):
            player = play(port, path, is_udp=index % 2 == 1)
            players.append(player)
            selector.register(player.control, selectors.EVENT_READ, player.receive)
            if player.udp is not None:
                selector.register(player.udp.rtp, selectors.EVENT_READ, player.receive_datagrams)
            _serve(selector, 0.0)  # those who play already must not fall behind
        print("ready", flush=True)
        keep_alive_s = time.monotonic()
        while True:
            if not _serve(selector, 1.0):
                print(json.dumps(_counts(players)), flush=True)
                if not sys.stdin.readline():
                    return
            _unregister_gone(selector, players)
            if time.monotonic() - keep_alive_s > KEEP_ALIVE_S:
                keep_alive_s = time.monotonic()
                _keep_alive(players)


def _serve(selector: selectors.BaseSelector, timeout_s: float) -> bool:
    """Receive once; False when something waits on standard input."""
    is_quiet = True
    for key, _ in selector.select(timeout_s):
        if key.data is None:
            is_quiet = False
        else:
            key.data()
    return is_quiet


def _unregister_gone(selector: selectors.BaseSelector, players: list[Player]) -> None:
    for player in players:
        if player.is_gone and player.control.fileno() >= 0:
            selector.unregister(player.control)
            player.control.close()


def _keep_alive(players: list[Player]) -> None:
    for player in players:
        if not player.is_gone:
            text = f"GET_PARAMETER * RTSP/1.0\r\nCSeq: 9\r\nSession: {player.session}\r\n\r\n"
            player.control.send(text.encode())


def _counts(players: list[Player]) -> dict[str, list[int]]:
    return {
        "pictures": [player.pictures for player in players],
        "gone": [index for index, player in enumerate(players) if player.is_gone],
    }


if __name__ == "__main__":
    main()
