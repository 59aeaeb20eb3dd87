"""What all connections of one listener share. No request is handled here."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from neolink.clock import Clock
from neolink.errors import RemoteProtocolError
from neolink.hub.backlog import BacklogLimits, Budget
from neolink.rtsp.auth import Authenticator
from neolink.rtsp.session import ServerSession, SessionTable
from neolink.rtsp_server.mount import Mount
from neolink.rtsp_server.paths import MountTable
from neolink.rtsp_server.player import Player
from neolink.rtsp_server.settings import RtspSettings
from neolink.rtsp_server.udp import Address, UdpPorts
from neolink.rtsp_server.wrong_logins import WrongLogins

__all__ = ["Context", "Owner"]

RTCP_TYPES: Final = range(192, 224)
"""Second byte of RTCP, where RTP has marker and payload type (RFC 5761 section 4)."""

Owner = tuple[str, int]
"""Session id and track number."""


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
    udp_peers: dict[Address, Owner] = field(default_factory=dict)
    """Whose UDP packets come from an address, RTP or RTCP."""
    wrong_logins: WrongLogins = field(default_factory=WrongLogins)
    malformed_rtcp: int = 0
    """RTCP packets from players that could not be read."""

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
            if self.udp_peers.get(address, ("", 0))[0] == session.id:
                del self.udp_peers[address]
        player.close()

    def expel(self, player: Player, reason: str) -> None:
        """End a player's session, and the connection that it plays or is interleaved on."""
        outbox = player.outbox
        player.dismiss(reason)
        self.end_session(player.session)
        if outbox is not None:
            outbox.fail(reason)

    def take_rtcp(self, owner: Owner, data: bytes | memoryview) -> None:
        """Note what a player sent for a track: life, a report, or BYE, which ends the track."""
        session_id, track = owner
        player = self.players.get(session_id)
        if player is None:
            return
        session = player.session
        session.touch(self.clock.monotonic_s())
        if len(data) < 2 or data[1] not in RTCP_TYPES:
            return  # an RTP packet that opens a firewall
        try:
            has_left = player.take_rtcp(track, data)
        except RemoteProtocolError:
            self.malformed_rtcp += 1
            return
        if not has_left or track not in session.tracks:
            return
        if session.remove_track(track):
            self.end_session(session)
        else:
            player.drop_track(track)

    def live_sessions(self) -> Iterator[tuple[ServerSession, Player]]:
        """Yield every session with its player."""
        for player in list(self.players.values()):
            yield player.session, player
