"""What all connections of one listener share. No request is handled here."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from neolink.clock import Clock
from neolink.errors import RemoteProtocolError
from neolink.hub.backlog import BacklogLimits, Budget
from neolink.log import RepeatLimiter
from neolink.rtsp.auth import Authenticator
from neolink.rtsp.session import ServerSession, SessionTable
from neolink.rtsp_server.delivery.udp import UdpPorts
from neolink.rtsp_server.delivery.udp_peers import Owner, UdpPeers
from neolink.rtsp_server.mounts.mount import Mount
from neolink.rtsp_server.mounts.parcel import BACKCHANNEL
from neolink.rtsp_server.mounts.paths import MountTable
from neolink.rtsp_server.refusals import Refusals
from neolink.rtsp_server.sessions.multicast import Groups
from neolink.rtsp_server.sessions.player import Player
from neolink.rtsp_server.settings import RtspSettings
from neolink.rtsp_server.wires.tunnel import Tunnels
from neolink.rtsp_server.wrong_logins import WrongLogins

__all__ = ["Context", "Owner"]

RTCP_TYPES: Final = range(192, 224)
"""Second byte of RTCP, where RTP has marker and payload type (RFC 5761 section 4)."""


@dataclass(slots=True)
class Context:
    """Settings, mounts and the sessions of every connection."""

    settings: RtspSettings
    mounts: MountTable[Mount]
    sessions: SessionTable
    authenticator: Authenticator
    budget: Budget
    clock: Clock
    refusals: Refusals
    tunnels: Tunnels
    budgets: dict[str, Budget] = field(default_factory=dict)
    """By camera; each is part of ``budget``."""
    shortages_before: int = 0
    """Of cameras that are gone."""
    udp: UdpPorts | None = None
    players: dict[str, Player] = field(default_factory=dict)
    """By session id; every session has one."""
    udp_peers: UdpPeers = field(default_factory=UdpPeers)
    """Whose UDP packets come from an address, RTP or RTCP."""
    groups: Groups = field(init=False)
    limiter: RepeatLimiter = field(init=False)
    """Of what any stranger can have told again and again."""
    wrong_logins: WrongLogins = field(default_factory=WrongLogins)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    """Of everybody who watches, in the order they came."""
    turns: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held for a turn of the loop by each who goes on at once: of all who flood us, one a turn."""
    malformed_rtcp: int = 0
    """RTCP packets from players that could not be read."""

    def __post_init__(self) -> None:
        self.groups = Groups(self.settings.multicast, dscp=self.settings.dscp)
        self.limiter = RepeatLimiter(self.clock)

    def set_bounds(self) -> None:
        """Give every mount, and every camera's players together, the bounds of the settings."""
        limits = self.settings.limits
        self.budget.max_bytes = limits.max_bytes
        for mount in self.mounts:
            mount.allowance.limit(
                BacklogLimits(
                    max_items=limits.max_frames,
                    max_bytes=limits.max_bytes_per_client,
                    max_delay_s=mount.settings.buffer_duration_s,
                )
            )
            self.budget_of(mount).max_bytes = mount.settings.max_bytes
        served = {mount.settings.camera for mount in self.mounts}
        for camera in [camera for camera in self.budgets if camera not in served]:
            self.shortages_before += self.budgets.pop(camera).shortages  # its players are gone

    @property
    def camera_shortages(self) -> int:
        """How often a queue was emptied because its camera's players had too much waiting."""
        return self.shortages_before + sum(budget.shortages for budget in self.budgets.values())

    @property
    def events(self) -> Mapping[str, int]:
        """What happened that belongs to no player, by name."""
        pairing, peers = self.tunnels.pairing, self.udp_peers
        return {
            "websocket": self.tunnels.websockets,
            "tunnel_expired": pairing.expired,
            "tunnel_evicted": pairing.evicted,
            "udp_stranger": peers.strangers,
            "udp_punched": peers.punched,
            "udp_unsent": self.udp.dropped if self.udp is not None else 0,
            "rtcp_malformed": self.malformed_rtcp,
        }

    def budget_of(self, mount: Mount) -> Budget:
        """Return what the players of a mount's camera may hold together."""
        camera = mount.settings.camera
        if camera not in self.budgets:
            self.budgets[camera] = Budget(mount.settings.max_bytes, self.budget)
        return self.budgets[camera]

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
        self.udp_peers.release(session.id)
        player.close()
        self.groups.release(session.id)
        player.mount.sums_before += player.sums_here

    def drop_track(self, player: Player, track: int) -> None:
        """Stop sending one track of a session, and free its UDP ports; the others go on."""
        self.udp_peers.release(player.session.id, track)
        player.drop_track(track)

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
            if track == BACKCHANNEL:
                player.inbound.take_speech(data)
            return  # else an RTP packet that opens a firewall
        try:
            has_left = player.inbound.take_rtcp(track, data)
        except RemoteProtocolError:
            self.malformed_rtcp += 1
            return
        if not has_left or track not in session.tracks:
            return
        if session.remove_track(track):
            self.end_session(session)
        else:
            self.drop_track(player, track)

    def live_sessions(self) -> Iterator[tuple[ServerSession, Player]]:
        """Yield every session with its player."""
        for player in list(self.players.values()):
            yield player.session, player
