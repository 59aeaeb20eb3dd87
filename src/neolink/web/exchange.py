"""One request, who sent it, and what that one may see. Routes read the bridge only through this."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

from neolink.clock import Clock
from neolink.health.values import BridgeHealth
from neolink.media.tracks import StreamKind
from neolink.readings import BridgeReading, CameraReading, StreamReading
from neolink.web.access import Caller, Gate
from neolink.web.assets import Asset
from neolink.web.errors import ApiError
from neolink.web.events import Events
from neolink.web.glance import Glance
from neolink.web.hosts import HostName
from neolink.web.jsontext import to_json
from neolink.web.recheck import Recheck
from neolink.web.snapshots import Snapshots
from neolink.web.view import BridgeView
from neolink.web.views import RtspAddress, visible_health, without_other_cameras

if TYPE_CHECKING:  # they are made of requests themselves
    from neolink.web.hls.video import HlsVideo
    from neolink.web.live.video import LiveVideo

__all__ = ["Context", "Exchange", "Handle", "json_response"]


@dataclass(slots=True)
class Context:
    """What the routes share."""

    view: BridgeView
    clock: Clock
    gate: Gate
    glance: Glance
    events: Events
    snapshots: Snapshots
    recheck: Recheck
    assets: Mapping[str, Asset]
    """The page's files by name."""
    description: Asset
    """``openapi.json``."""
    live: "LiveVideo"
    hls: "HlsVideo"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and the one who sent it."""

    request: web.Request
    context: Context
    caller: Caller
    host: HostName
    address: str
    """Of the caller, seen through proxies of ours."""

    @property
    def reading(self) -> BridgeReading:
        """What is counted and measured, of the cameras that the caller may see."""
        reading = self.context.glance.reading
        if self.caller.sees_all:
            return reading
        cameras = tuple(filter(self._may_see, reading.cameras))
        process = without_other_cameras(reading.process, (camera.name for camera in cameras))
        return replace(reading, process=process, cameras=cameras)

    @property
    def health(self) -> BridgeHealth:
        """How everything is that the caller may see."""
        health = self.context.glance.health
        if self.caller.sees_all:
            return health
        return visible_health(health, (camera.name for camera in self.reading.cameras))

    @property
    def rtsp(self) -> RtspAddress:
        """Where players connect, by the name that the caller knows us by."""
        view = self.context.view
        return RtspAddress(self.host.name, view.rtsp_port, has_tls=view.rtsp_needs_tls)

    def camera(self) -> CameraReading:
        """Return the camera that the path names. Raises ApiError 404, also where it is secret."""
        name = self.request.match_info["name"]
        for camera in self.context.glance.reading.cameras:
            if camera.name == name and self._may_see(camera):
                return camera
        raise ApiError(HTTPStatus.NOT_FOUND, "not_found", "there is no camera of this name")

    def stream(self, kind: str | None = None) -> StreamReading:
        """Return the stream that the path (or ``kind``) names. Raises ApiError 404."""
        wanted = kind or self.request.match_info["kind"]
        for stream in self.camera().streams:
            if stream.kind == wanted:
                return stream
        kinds = ", ".join(StreamKind)
        text = f"this camera has no such stream; there may be {kinds}"
        raise ApiError(HTTPStatus.NOT_FOUND, "not_found", text)

    def _may_see(self, camera: CameraReading) -> bool:
        return self.context.gate.may_watch(self.caller, camera.name)


Handle = Callable[[Exchange], Awaitable[web.StreamResponse]]
"""Answers one request."""


def json_response(value: object, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    """Return a value as JSON."""
    return web.Response(
        status=status,
        body=to_json(value),
        content_type="application/json",
    )
