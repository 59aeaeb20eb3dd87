"""``python -m soak.probe PORT``: how fast the bridge's loop answers, measured from outside.

A process of its own, so that busy players do not spoil the figures. Prints the milliseconds of an
OPTIONS round trip, one line each.
"""

import socket
import sys
import time

TIMEOUT_S = 10.0


def main() -> None:
    """Ask until the pipe is closed or the bridge is gone."""
    port, interval_s = int(sys.argv[1]), float(sys.argv[2])
    sock: socket.socket | None = None
    while True:
        begin = time.perf_counter()
        try:
            sock = sock or socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)
            sock.sendall(b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: probe\r\n\r\n")
            data = b""
            while b"\r\n\r\n" not in data:
                if not (more := sock.recv(4096)):
                    raise ConnectionError
                data += more
        except TimeoutError:
            print(f"{TIMEOUT_S * 1000:.0f}", flush=True)
            _close(sock)
            sock = None
            continue
        except OSError:
            # A connection that never asks for a stream may be sent away to make room.
            _close(sock)
            sock = None
            time.sleep(interval_s)
            continue
        try:
            print(f"{(time.perf_counter() - begin) * 1000:.3f}", flush=True)
        except BrokenPipeError:
            return
        time.sleep(interval_s)


def _close(sock: socket.socket | None) -> None:
    if sock is not None:
        sock.close()


if __name__ == "__main__":
    main()
