"""The least that a server can do: one ``send`` per access unit and player, nothing else."""

import resource
import socket
import sys
import time

FRAME_RATE = 25


def main() -> None:
    """Print the port, serve for the given seconds, print the CPU seconds used."""
    players, kbps, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    blob = bytes(kbps * 1000 // 8 // FRAME_RATE)
    server = socket.create_server(("127.0.0.1", 0), backlog=512)
    print(server.getsockname()[1], flush=True)
    socks = [server.accept()[0] for _ in range(players)]
    for sock in socks:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    begin = resource.getrusage(resource.RUSAGE_SELF)
    due = time.monotonic()
    for _ in range(int(seconds * FRAME_RATE)):
        due += 1 / FRAME_RATE
        time.sleep(max(0.0, due - time.monotonic()))
        for sock in socks:
            sock.send(blob)
    end = resource.getrusage(resource.RUSAGE_SELF)
    print(end.ru_utime + end.ru_stime - begin.ru_utime - begin.ru_stime, flush=True)
    sys.stdin.read()  # the players close first


if __name__ == "__main__":
    main()
