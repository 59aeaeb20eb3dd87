"""Every address that is answered, in one table. ``openapi.json`` describes the same ones."""

from dataclasses import dataclass

from neolink.web import cameras, login, page, players, probes
from neolink.web.exchange import Handle
from neolink.web.hls import route as hls
from neolink.web.live.route import live
from neolink.web.stream_events import stream_events

__all__ = ["ROUTES", "Route"]

STREAM = "/api/v1/cameras/{name}/streams/{kind}"


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one address."""

    method: str
    path: str
    handle: Handle
    is_open: bool = False
    """Whether it is answered without a login."""
    is_endless: bool = False
    """Whether the answer goes on for as long as somebody takes it."""

    @property
    def methods(self) -> tuple[str, ...]:
        """What is answered: HEAD too where GET is, unless it has no end."""
        is_head_too = self.method == "GET" and not self.is_endless
        return ("GET", "HEAD") if is_head_too else (self.method,)


ROUTES = (
    Route("GET", "/healthz", probes.healthz, is_open=True),
    Route("GET", "/readyz", probes.readyz, is_open=True),
    Route("GET", "/health", probes.health),
    Route("GET", "/metrics", probes.metrics),
    Route("GET", "/", page.front_page, is_open=True),
    Route("GET", "/static/{file:.+}", page.static_file, is_open=True),
    Route("GET", "/api/v1/openapi.json", page.description, is_open=True),
    Route("GET", "/api/v1/session", login.who_am_i, is_open=True),
    Route("POST", "/api/v1/session", login.log_in, is_open=True),
    Route("DELETE", "/api/v1/session", login.log_out, is_open=True),
    Route("GET", "/api/v1/cameras", cameras.cameras),
    Route("GET", "/api/v1/cameras/{name}", cameras.camera),
    Route("GET", "/api/v1/cameras/{name}/log", cameras.log),
    Route("GET", "/api/v1/cameras/{name}/snapshot.jpg", cameras.snapshot),
    Route("GET", f"{STREAM}/history", cameras.history),
    Route("GET", f"{STREAM}/live", live, is_endless=True),
    Route("GET", f"{STREAM}/hls/index.m3u8", hls.index),
    Route("GET", f"{STREAM}/hls/{{session}}/{{file}}", hls.file),
    Route("GET", "/api/v1/players", players.players),
    Route("DELETE", "/api/v1/players/{number}", players.kick),
    Route("GET", "/api/v1/process", players.process),
    Route("GET", "/api/v1/events", stream_events, is_endless=True),
)
