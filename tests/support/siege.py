"""A bridge of its own process that is attacked, while a healthy player watches what becomes of it.

Everything here blocks or runs in threads: an attack that keeps this process busy must not look like
a fault of the bridge. The camera, the bridge and the player that judges are not on one loop. Nor
does a machine that has no processor for one of them look so: that time does not count.
"""

import json
import os
import re
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Self

from soak.cameras import PASSWORD

from neolink.baichuan.crypto import Encryption
from neolink.media.tracks import VideoCodec
from support.steady import steady_s

__all__ = [
    "HOST",
    "LONGEST_GAP_S",
    "HealthyPlayer",
    "Peer",
    "Siege",
    "play_over",
    "set_up",
    "siege",
]

HOST: Final = "127.0.0.1"
WAIT_S: Final = 20.0
LONGEST_GAP_S: Final = 1.0
"""How long the healthy player may be without a picture, whatever happens."""

MOST_GROWTH_MIB: Final = 96.0
"""What all that attackers make the bridge hold may take at most: its budgets and no more."""

TLS_PORT: Final = "TLS_PORT"

_URL = re.compile(r"rtsp://[^/:]+:(\d+)/")
_MARKER = 0x80


class Peer:
    """A plain TCP connection to the bridge, with a deadline on everything."""

    def __init__(self, port: int, *, host: str = HOST, receive_buffer: int = 0) -> None:
        self.sock = socket.socket()
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(WAIT_S)
        self.sock.connect((host, port))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Go without a word."""
        self.sock.close()

    def send(self, data: bytes) -> bool:
        """Send all of it; False when the bridge has closed."""
        try:
            self.sock.sendall(data)
        except OSError:
            return False
        return True

    def reply(self) -> bytes:
        """Return the next reply with its body; empty when the bridge has closed instead."""
        data = b""
        while b"\r\n\r\n" not in data:
            more = self._receive(1)
            if not more:
                return data
            data += more
            if data[:1] == b"$" and len(data) == 4:  # media before the reply
                self._receive(int.from_bytes(data[2:], "big"))
                data = b""
        found = re.search(rb"\r\nContent-Length: (\d+)", data)
        return data + self._receive(int(found[1]) if found else 0)

    def ask(self, request: str) -> bytes:
        """Send a request without its last line ends; return the reply."""
        return self.reply() if self.send(request.encode() + b"\r\n\r\n") else b""

    def is_closed_within(self, seconds: float) -> bool:
        """Read away what comes until the bridge closes."""
        end_s = time.monotonic() + seconds
        while (left_s := end_s - time.monotonic()) > 0:
            self.sock.settimeout(left_s)
            try:
                if not self.sock.recv(1 << 16):
                    return True
            except TimeoutError:
                return False
            except OSError:
                return True
        return False

    def _receive(self, size: int) -> bytes:
        """Return so many bytes, or fewer at the end."""
        data = b""
        while len(data) < size:
            try:
                more = self.sock.recv(size - len(data))
            except TimeoutError:
                raise
            except OSError:
                return data
            if not more:
                return data
            data += more
        return data


def play_over(peer: Peer, url: str, *, track: int = 0) -> str:
    """Take a connection as far as PLAY over interleaved TCP; return the session."""
    session = set_up(peer, url, track=track)
    assert peer.ask(f"PLAY {url} RTSP/1.0\r\nCSeq: 3\r\nSession: {session}").startswith(
        b"RTSP/1.0 200"
    )
    return session


def set_up(peer: Peer, url: str, *, track: int = 0) -> str:
    """Take a connection as far as SETUP; return the session."""
    described = peer.ask(f"DESCRIBE {url} RTSP/1.0\r\nCSeq: 1")
    assert described.startswith(b"RTSP/1.0 200"), described
    reply = peer.ask(
        f"SETUP {url}/trackID={track} RTSP/1.0\r\nCSeq: 2\r\n"
        "Transport: RTP/AVP/TCP;unicast;interleaved=0-1"
    )
    found = re.search(rb"\r\nSession: (\w+)", reply)
    assert found, reply
    return found[1].decode()


def _waited_s(process: int) -> float:
    """Return how long a process could have run, but was given no processor (proc(5), schedstat)."""
    with suppress(FileNotFoundError):  # a kernel that does not count, or a process that has gone
        return int(Path(f"/proc/{process}/schedstat").read_text().split()[1]) / 1e9
    return 0.0


class HealthyPlayer:
    """Watches one stream over TCP and notes when each picture ended, and each packet that lacks.

    What it is shown depends on some ``processes``. Time in which one of them waited for a
    processor does not count, nor does time in which this process stood still.
    """

    def __init__(self, port: int, path: str, processes: Sequence[int] = ()) -> None:
        self.lost_packets = 0
        self.pictures = 0
        self.has_ended = False
        self._peer = Peer(port)
        try:
            play_over(self._peer, f"rtsp://{HOST}:{port}/{path}")
        except BaseException:
            self._peer.close()
            raise
        self._lock = threading.Lock()
        self._processes = processes
        self._last_s = self._now_s()
        self._longest_s = 0.0
        self._sequence: int | None = None
        self._thread = threading.Thread(target=self._watch, name="healthy player", daemon=True)
        self._thread.start()

    def begin(self) -> None:
        """Forget the longest gap so far."""
        with self._lock:
            self._longest_s, self._last_s = 0.0, self._now_s()

    def longest_gap_s(self) -> float:
        """Return the longest time without a picture since ``begin``, the present one included."""
        with self._lock:
            return max(self._longest_s, self._now_s() - self._last_s)

    def close(self) -> None:
        """Leave."""
        self._peer.sock.shutdown(socket.SHUT_RDWR)
        self._thread.join(WAIT_S)
        self._peer.close()

    def _now_s(self) -> float:
        return steady_s() - sum(map(_waited_s, self._processes))

    def _watch(self) -> None:
        stream = self._peer.sock.makefile("rb")
        try:
            while len(head := stream.read(4)) == 4 and head[:1] == b"$":
                packet = stream.read(int.from_bytes(head[2:], "big"))
                if head[1] == 0 and len(packet) > 4:
                    self._take(packet)
        except OSError:
            pass
        finally:
            stream.close()
            self.has_ended = True

    def _take(self, packet: bytes) -> None:
        sequence = int.from_bytes(packet[2:4], "big")
        if self._sequence is not None:
            self.lost_packets += (sequence - self._sequence - 1) & 0xFFFF
        self._sequence = sequence
        if packet[1] & _MARKER:
            now_s = self._now_s()
            with self._lock:
                self._longest_s = max(self._longest_s, now_s - self._last_s)
                self._last_s = now_s
                self.pictures += 1


class Siege:
    """The bridge under attack."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        camera: subprocess.Popen[bytes],
        port: int,
        tls_port: int,
        log: Path,
    ) -> None:
        self.process = process
        self.port = port
        self.tls_port = tls_port
        self.url = f"rtsp://{HOST}:{port}/cam0/main"
        self._log = log
        self.healthy = HealthyPlayer(port, "cam0/main", (process.pid, camera.pid))
        self._mib = self.rss_mib()
        self._descriptors = self.descriptors()

    def peer(self, *, receive_buffer: int = 0) -> Peer:
        """Connect once more."""
        return Peer(self.port, receive_buffer=receive_buffer)

    def tls_peer(self, *, receive_buffer: int = 0) -> Peer:
        """Connect to the port for TLS, before the handshake."""
        assert self.tls_port, "there is no certificate"
        return Peer(self.tls_port, receive_buffer=receive_buffer)

    def rss_mib(self) -> float:
        """Return the resident memory of the bridge."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)

    def descriptors(self) -> int:
        """Return how many the bridge has open."""
        return sum(1 for _ in Path(f"/proc/{self.process.pid}/fd").iterdir())

    def has_at_most(self, descriptors: int, *, within_s: float) -> bool:
        """Whether it soon has no more than so many open."""
        end_s = time.monotonic() + within_s
        while self.descriptors() > descriptors:
            if time.monotonic() > end_s:
                return False
            time.sleep(0.05)  # of a process that is not ours there is no event
        return True

    def limit_descriptors(self, more: int | None) -> None:
        """Let it open so many more at most; None: as many as at its start."""
        before, most = resource.prlimit(self.process.pid, resource.RLIMIT_NOFILE)
        wanted = most if more is None else min(self.descriptors() + more, most)
        assert before >= 0
        resource.prlimit(self.process.pid, resource.RLIMIT_NOFILE, (wanted, most))

    def log(self) -> str:
        """Return what the bridge said so far."""
        return self._log.read_text(errors="replace")

    def begin(self) -> None:
        """Take note of how things are before an attack."""
        self._descriptors = self.descriptors()
        self.healthy.begin()

    def check_unhurt(self) -> None:
        """Check that the healthy player missed nothing, and what was taken is given back."""
        assert self.process.poll() is None, self.log()[-2000:]
        assert not self.healthy.has_ended, "the healthy player was thrown out"
        assert self.healthy.longest_gap_s() < LONGEST_GAP_S
        assert self.healthy.lost_packets == 0
        assert self.rss_mib() - self._mib < MOST_GROWTH_MIB
        assert self.has_at_most(self._descriptors, within_s=WAIT_S), "descriptors are kept"
        assert "Traceback" not in self.log(), self.log()[-4000:]

    def check_newcomers(self) -> None:
        """Check that a new player is served at once."""
        with self.peer() as peer:
            play_over(peer, self.url)
            assert peer.sock.recv(1) == b"$"


@contextmanager
def siege(folder: Path, tables: str) -> Iterator[Siege]:
    """Run a camera, a bridge with these tables of configuration, and the healthy player.

    The word TLS_PORT in them stands for a port that is free.
    """
    camera = subprocess.Popen(
        [sys.executable, "-m", "soak.cameras"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    bridge: subprocess.Popen[bytes] | None = None
    held: Siege | None = None
    try:
        address = f"{HOST}:{_start_camera(camera)}"
        tls_port = _free_port() if TLS_PORT in tables else 0
        config, log = folder / "neolink.toml", folder / "log"
        config.write_text(
            f'bind = "0.0.0.0"\nbind_port = 0\n'
            f"{tables.replace(TLS_PORT, str(tls_port))}\n[state]\nenabled = false\n"
            f'[[cameras]]\nname = "cam0"\naddress = "{address}"\nusername = "admin"\n'
            f'password = "{PASSWORD}"\nstream = "main"\n'
        )
        with log.open("wb") as output:
            bridge = subprocess.Popen(
                [sys.executable, "-m", "neolink", "rtsp", "--config", str(config)],
                stdout=subprocess.PIPE,
                stderr=output,
            )
        held = Siege(bridge, camera, _port_of(bridge, log), tls_port, log)
        yield held
    finally:
        if held is not None:
            held.healthy.close()
        for process in filter(None, (bridge, camera)):
            process.terminate()
            process.wait(WAIT_S)
            for pipe in filter(None, (process.stdin, process.stdout)):
                pipe.close()


def _start_camera(process: subprocess.Popen[bytes]) -> int:
    assert process.stdin is not None
    assert process.stdout is not None
    profile = {
        "name": "cam0",
        "codec": VideoCodec.H264.value,
        "encryption": Encryption.NONE.value,
        "audio": None,
    }
    order = {"profiles": [profile], "episodes": []}
    process.stdin.write(json.dumps(order).encode() + b"\n")
    process.stdin.flush()
    return int(json.loads(process.stdout.readline())[0])


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as server:
        return int(server.getsockname()[1])


def _port_of(process: subprocess.Popen[bytes], log: Path) -> int:
    assert process.stdout is not None
    while line := process.stdout.readline():
        if found := _URL.search(line.decode(errors="replace")):
            return int(found[1])
    raise AssertionError(log.read_text(errors="replace"))
