"""What a method returns. How it becomes bytes is in :mod:`neolink.rtsp_server.requests.methods`."""

from collections.abc import Callable
from dataclasses import dataclass

from neolink.rtsp_server.settings import Headers

__all__ = ["Answer"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes into a reply with status 200, and what happens once it is on its way."""

    headers: Headers
    body: bytes = b""
    then: Callable[[], None] = lambda: None
