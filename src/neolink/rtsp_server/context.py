"""What all connections of one listener share. No request is handled here."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from neolink.clock import Clock
from neolink.hub.backlog import BacklogLimits, Budget
from neolink.rtsp.auth import Authenticator
from neolink.rtsp.session import ServerSession, SessionTable
from neolink.rtsp_server.mount import Mount
from neolink.rtsp_server.paths import MountTable
from neolink.rtsp_server.player import Player
from neolink.rtsp_server.settings import RtspSettings
from neolink.rtsp_server.udp import Address, UdpPorts

__all__ = ["Context"]


@dataclass(slots=True)
class Context:
    """Settings, mounts and the sessions of every connection."""

    settings: RtspSettings
    mounts: MountTable[Mount]
    sessions: SessionTable
    authenticator: Authenticator
    budget: Budget
    clock: Clock
    udp: UdpPorts | None = None
    players: dict[str, Player] = field(default_factory=dict)
    """By session id; every session has one."""
    udp_peers: dict[Address, str] = field(default_factory=dict)
    """Session id by the player's RTP and RTCP addresses."""

    def backlog_limits(self, mount: Mount) -> BacklogLimits:
        """Return the bounds of one player's queue."""
        limits = self.settings.limits
        return BacklogLimits(
            max_items=limits.max_frames,
            max_bytes=limits.max_bytes_per_client,
            max_delay_s=mount.settings.buffer_duration_s,
        )

    def count_players(self, mount: Mount | None = None) -> int:
        """Return how many sessions there are, in all or on one camera's mounts."""
        if mount is None:
            return len(self.players)
        camera = mount.settings.camera
        return sum(player.mount.settings.camera == camera for player in self.players.values())

    def end_session(self, session: ServerSession) -> None:
        """Forget a session and stop its media. One that is gone is ignored."""
        self.sessions.remove(session)
        player = self.players.pop(session.id, None)
        if player is None:
            return
        for address in player.udp_addresses:
            if self.udp_peers.get(address) == session.id:
                del self.udp_peers[address]
        player.close()

    def live_sessions(self) -> Iterator[tuple[ServerSession, Player]]:
        """Yield every session with its player."""
        for player in list(self.players.values()):
            yield player.session, player
