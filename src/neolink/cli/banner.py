"""What a person reads when the bridge is up: which URLs to paste into a player."""

import socket
from urllib.parse import quote

from neolink.app import Bridge
from neolink.rtsp_server.mounts.paths import BEST_FIRST

__all__ = ["banner"]

ANY_HOST = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - compared with, not bound


def banner(bridge: Bridge, hint: str = "") -> str:
    """Return one line per stream that is served, ``hint`` with the first URL, and the page."""
    rtsp, host = bridge.rtsp, _host_for_people(bridge.settings.rtsp.bind)
    scheme = "rtsps" if rtsp.settings.is_tls_alone else "rtsp"
    base = f"{scheme}://{host}:{rtsp.port}"
    urls = [
        f"{base}/{quote(camera)}/{kind}"
        for camera in dict.fromkeys(name for name, _ in bridge.mounts)
        for kind in BEST_FIRST
        if (camera, kind) in bridge.mounts
    ]
    if urls:
        lines = ["Ready. Paste into a player:", *(f"  {url}" for url in urls)]
    else:
        lines = ["Ready, but no camera in the configuration has a stream to serve."]
    if urls and rtsp.tls_port not in {0, rtsp.port}:
        lines.append(f"With TLS, the same paths: rtsps://{host}:{rtsp.tls_port}/")
    if hint and urls:
        lines.append(hint.format(url=urls[0]))
    web = bridge.onlookers.web
    if web is not None:
        lines.append(f"Page:  http://{_host_for_people(web.settings.bind)}:{web.port}/")
    return "\n".join(lines)


def _host_for_people(bind: str) -> str:
    if bind not in ANY_HOST:
        return f"[{bind}]" if ":" in bind else bind
    return socket.gethostname()
