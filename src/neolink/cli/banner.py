"""What a person reads when the bridge is up: which URLs to paste into a player."""

import socket
from urllib.parse import quote

from neolink.app import Bridge
from neolink.rtsp_server.paths import BEST_FIRST

__all__ = ["banner"]

ANY_HOST = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - compared with, not bound


def banner(bridge: Bridge) -> str:
    """Return one line per stream that is served."""
    settings = bridge.settings.rtsp
    host = _host_for_people(settings.bind)
    lines = ["Ready. Paste into a player:"]
    for camera in dict.fromkeys(name for name, _ in bridge.mounts):
        for kind in BEST_FIRST:
            if (camera, kind) in bridge.mounts:
                path = f"{quote(camera)}/{kind}"
                lines.append(f"  rtsp://{host}:{bridge.rtsp.port}/{path}")
    if len(lines) == 1:
        return "Ready, but no camera in the configuration has a stream to serve."
    return "\n".join(lines)


def _host_for_people(bind: str) -> str:
    if bind not in ANY_HOST:
        return f"[{bind}]" if ":" in bind else bind
    return socket.gethostname()
