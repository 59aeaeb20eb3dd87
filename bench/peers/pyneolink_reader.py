"""``python -m bench.peers.pyneolink_reader ADDRESS PASSWORD SECONDS``: read one stream for long.

Prints ``ready`` with the first bytes. The payloads are taken as pyneolink gives them, decrypted.
"""

import signal
import sys

from pyneolink.camera import Camera


def main() -> None:
    """Read until killed, or until the deadline."""
    address, password, seconds = sys.argv[1:4]
    signal.alarm(int(seconds))
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with Camera(address=address, password=password, state_path=None, timeout=10) as camera:
        for number, _ in enumerate(camera.read_stream_payloads("mainStream", reconnect=False)):
            if number == 0:
                print("ready", flush=True)


if __name__ == "__main__":
    main()
