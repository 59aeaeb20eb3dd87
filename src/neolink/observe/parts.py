"""What is observed: the running parts of a bridge, as ``app`` joins them. Types only."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from neolink.camera.settings import CameraSettings
from neolink.camera.stream import CameraStream
from neolink.camera.supervisor import Camera
from neolink.hub.stream import Stream
from neolink.media.tracks import StreamKind
from neolink.rtsp_server.mounts.mount import Mount
from neolink.rtsp_server.server import RtspServer

__all__ = ["Channel", "Key", "Parts"]

Key = tuple[str, StreamKind]
"""A stream: the camera's name and which of its streams."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One configured camera, the login that serves it, and its streams."""

    settings: CameraSettings
    camera: Camera
    sources: Mapping[StreamKind, CameraStream]


class Parts(Protocol):
    """A bridge, seen from here."""

    streams: dict[Key, Stream]
    mounts: dict[Key, Mount]
    rtsp: RtspServer

    @property
    def channels(self) -> Iterable[Channel]:
        """Every camera that is served, in the order of the configuration."""

    @property
    def disabled(self) -> Sequence[str]:
        """Names of cameras that are configured but switched off."""

    @property
    def restarts(self) -> Mapping[str, int]:
        """How often each part failed by a fault of ours and was started again."""

    @property
    def is_ready(self) -> bool:
        """Whether players can connect."""
