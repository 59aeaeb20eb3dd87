"""What SETUP grants: a transport for one track, within the limits, on free channels and ports."""

from typing import Final

from neolink.rtsp.errors import RtspError
from neolink.rtsp.headers import Protocol, Transport
from neolink.rtsp_server.context import Context, Owner
from neolink.rtsp_server.outbox import Outbox
from neolink.rtsp_server.player import Player
from neolink.rtsp_server.udp import UdpLane

__all__ = ["Channels", "choose_transport", "grant_tcp", "grant_udp"]

PRIVILEGED_PORTS: Final = 1024
LAST_CHANNEL: Final = 255


class Channels:
    """The interleaved channels of one connection, each pair owned by a session's track."""

    def __init__(self) -> None:
        self._owners: dict[int, Owner] = {}

    def take(self, owner: Owner, asked: int | None) -> int:
        """Return the RTP channel for a track: the one asked for if its pair is free.

        Raises RtspError 503 when the connection has no pair left.
        """
        taken = {channel for channel, other in self._owners.items() if other != owner}
        if asked is None or not _is_free(asked, taken):
            free = (channel for channel in range(0, LAST_CHANNEL, 2) if _is_free(channel, taken))
            asked = next(free, None)
        if asked is None:
            raise RtspError(503, "no interleaved channels left on this connection")
        self._owners = {channel: other for channel, other in self._owners.items() if other != owner}
        self._owners[asked] = owner
        return asked

    def owner(self, channel: int) -> Owner | None:
        """Return whose RTP or RTCP channel this is."""
        return self._owners.get(channel) or self._owners.get(channel - 1)

    def release(self, session_id: str) -> None:
        """Free the channels of a session that is gone."""
        self._owners = {c: owner for c, owner in self._owners.items() if owner[0] != session_id}


def _is_free(channel: int, taken: set[int]) -> bool:
    return channel < LAST_CHANNEL and taken.isdisjoint((channel - 1, channel, channel + 1))


def choose_transport(offered: list[Transport], *, has_udp: bool) -> Transport:
    """Return the first alternative that can be granted. Raises RtspError 461."""
    for transport in offered:
        if transport.is_secure or transport.is_multicast:
            continue
        if transport.protocol is Protocol.TCP:
            return transport
        if has_udp and transport.client_port is not None:
            return transport
    raise RtspError(461, "RTP/AVP/TCP and, if enabled, RTP/AVP unicast with client_port are served")


def grant_tcp(
    context: Context,
    player: Player,
    track: int,
    wanted: Transport,
    *,
    channels: Channels,
    outbox: Outbox,
) -> Transport:
    """Interleave a track on a free pair of channels of this connection.

    Raises RtspError 461 when other tracks of the session run on another connection.
    """
    if player.outbox not in {None, outbox}:
        raise RtspError(461, "the session is interleaved on another connection")
    asked = wanted.interleaved[0] if wanted.interleaved else None
    channel = channels.take((player.session.id, track), asked)
    allowance, budget = player.mount.allowance, context.budget_of(player.mount)
    player.use_tcp(track, channel, outbox, lambda: outbox.open_lane(allowance, budget))
    return Transport(interleaved=(channel, channel + 1))


def _take_over(context: Context, session_id: str) -> None:
    """End a session whose player is gone, and came back from the same ports; else raise 462."""
    player = context.players.get(session_id)
    if player is not None and not player.is_abandoned:
        raise RtspError(462, "client_port is used by another session")
    if player is not None:
        context.end_session(player.session)


def grant_udp(
    context: Context, player: Player, track: int, wanted: Transport, *, host: str
) -> Transport:
    """Send a track to ``client_port`` of the peer.

    The ``destination`` of a request is never used: it would let anybody aim our stream at others.
    Raises RtspError 462 for ports that cannot be the player's own.
    """
    udp, client_port = context.udp, wanted.client_port
    assert udp is not None  # chosen so
    assert client_port is not None
    if min(client_port) < PRIVILEGED_PORTS:
        raise RtspError(462, f"client_port is below {PRIVILEGED_PORTS}")
    owner = (player.session.id, track)
    rtp, rtcp = addresses = ((host, client_port[0]), (host, client_port[1]))
    for session_id in {context.udp_peers.get(address, owner)[0] for address in addresses}:
        if session_id != owner[0]:
            _take_over(context, session_id)
    context.udp_peers.update(dict.fromkeys(addresses, owner))
    allowance, budget = player.mount.allowance, context.budget_of(player.mount)
    player.use_udp(track, rtp, rtcp, lambda: UdpLane(udp, allowance, budget))
    return Transport(client_port=client_port, server_port=(udp.rtp_port, udp.rtp_port + 1))
