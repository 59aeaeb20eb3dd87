"""A bridge with one simulated camera, set up as a way needs it, and where players stand."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from ipaddress import IPv4Network
from pathlib import Path

from interop.ways import Server
from neolink.app import Bridge, BridgeSettings
from neolink.camera.settings import CameraSettings
from neolink.media.tracks import StreamKind
from neolink.rtsp.auth import Scheme
from neolink.rtsp_server.settings import Access, MountSettings, MulticastSettings, RtspSettings
from neolink.simulator.clips import Clip
from neolink.simulator.profile import CameraProfile
from neolink.simulator.server import SimulatedCamera
from support.bridge import running
from support.netns import Namespace, namespace
from support.tls import make_identity

__all__ = ["LOGIN", "Stage", "staged"]

LOGIN = ("viewer", "sesame")
STREAM = StreamKind.SUB
"""The small one: players are to be compared, not decoders."""

PROFILE = CameraProfile(name="porch", password="sesame", audio="aac", streams=(STREAM,))
LOOPBACK = "127.0.0.1"
CACHED = 20
"""Pictures that there are before anybody plays."""

_SCHEMES = {
    Server.MD5: (Scheme.MD5,),
    Server.BOTH: (Scheme.MD5, Scheme.SHA_256),
    Server.BASIC: (Scheme.BASIC,),
}


@dataclass(frozen=True, slots=True)
class Stage:
    """A running bridge. ``inside`` are the words that put a player behind the link."""

    bridge: Bridge
    host: str
    has_login: bool
    is_secure: bool
    inside: tuple[str, ...] = ()

    @property
    def clip(self) -> Clip:
        """What the camera shows."""
        return PROFILE.clip(STREAM)

    def url(self, scheme: str = "", *, with_login: bool = True) -> str:
        """Return the address to play."""
        scheme = scheme or ("rtsps" if self.is_secure else "rtsp")
        login = ":".join(LOGIN) + "@" if self.has_login and with_login else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{login}{host}:{self.bridge.rtsp.port}/{PROFILE.name}/{STREAM}"


@asynccontextmanager
async def staged(server: Server, folder: Path) -> AsyncIterator[Stage]:
    """Run a bridge for the length of a block. Its stream is on all the time, as with a recorder."""
    async with AsyncExitStack() as stack:
        net = None
        if server in {Server.FIREWALLED, Server.MULTICAST}:
            net = stack.enter_context(namespace())
        if net and server is Server.FIREWALLED:
            net.block_udp()
        host = "::1" if server is Server.IPV6 else net.host if net else LOOPBACK
        camera = await stack.enter_async_context(SimulatedCamera(PROFILE, host=LOOPBACK))
        bridge = _bridge(camera, _settings(server, host, folder), needs_login=server in _SCHEMES)
        await stack.enter_async_context(running(bridge))
        stack.enter_context(bridge.streams[PROFILE.name, STREAM].hold())
        await camera.wait_for(lambda stats: stats.frames_sent.total() > CACHED, 10)
        yield _stage(bridge, host, server, net)


def _stage(bridge: Bridge, host: str, server: Server, net: Namespace | None) -> Stage:
    inside = tuple(net.inside) if net else ()
    return Stage(bridge, host, server in _SCHEMES, server is Server.TLS, inside)


def _settings(server: Server, host: str, folder: Path) -> RtspSettings:
    settings = RtspSettings(bind=host, port=0, rtp_port=0)
    match server:
        case Server.TLS:
            file = make_identity().write(folder / "interop.pem")
            return replace(settings, certificate=file)
        case Server.MULTICAST:
            groups = MulticastSettings(is_enabled=True, network=IPv4Network("239.255.77.0/28"))
            return replace(settings, multicast=groups)
        case Server.MD5 | Server.BOTH | Server.BASIC:
            return replace(settings, users=dict([LOGIN]), schemes=_SCHEMES[server])
    return settings


def _bridge(camera: SimulatedCamera, rtsp: RtspSettings, *, needs_login: bool) -> Bridge:
    profile = camera.profile
    settings = CameraSettings(
        name=profile.name,
        host=LOOPBACK,
        port=camera.port,
        username=profile.username,
        password=profile.password,
        streams=profile.streams,
    )
    access = Access(anonymous=not needs_login, users=frozenset(rtsp.users))
    mount = MountSettings(camera=profile.name, streams=profile.streams, access=access)
    return Bridge(BridgeSettings(cameras=[settings], mounts=[mount], rtsp=rtsp))
