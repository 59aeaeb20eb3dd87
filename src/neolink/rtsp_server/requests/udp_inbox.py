"""What players send to our UDP ports, and what the network says of them: to the sessions it is of.

Who sends it is decided in :mod:`neolink.rtsp_server.delivery.udp_peers`.
"""

import asyncio
import logging

from neolink.rtsp_server.context import Context, Owner
from neolink.rtsp_server.delivery.datagrams import Address
from neolink.rtsp_server.delivery.udp import UdpPorts
from neolink.rtsp_server.delivery.udp_peers import Claim
from neolink.rtsp_server.sessions.multicast import Group

__all__ = ["UdpInbox", "open_udp", "take_group_report"]

_LOG = logging.getLogger(__name__)


def open_udp(context: Context) -> UdpPorts | None:
    """Bind the ports of RTP and RTCP, if UDP is offered; None, and a warning, where they are taken.

    Players are then served over TCP: SETUP for UDP is answered 461, and most ask again. Where all
    speak TLS nobody may have UDP, and the ports are left alone.
    """
    settings = context.settings
    if not settings.is_udp_enabled or settings.is_tls_alone:
        return None
    host, port = settings.bind, settings.rtp_port
    rtp, rtcp = UdpInbox(context, is_rtcp=False), UdpInbox(context, is_rtcp=True)
    try:
        return UdpPorts(host, port, rtp, rtcp, dscp=settings.dscp)
    except OSError as error:
        _LOG.warning(
            "cannot bind UDP ports %d and %d on %s: %s; players are served over TCP alone"
            " (choose others with [rtsp] rtp_port, or say [rtsp] udp = false)",
            *(port, port + 1, host, error.strerror),
        )
        return None


class UdpInbox:
    """The inbox of one port. Satisfies :class:`neolink.rtsp_server.delivery.datagrams.Inbox`."""

    def __init__(self, context: Context, *, is_rtcp: bool) -> None:
        self._context = context
        self._is_rtcp = is_rtcp

    def take(self, address: Address, data: memoryview) -> None:
        """Give a datagram to the session that its source belongs to; strangers are counted."""
        context, peers = self._context, self._context.udp_peers
        claim = peers.heard_from(address)
        if claim is None:
            now_s = context.clock.monotonic_s()
            claim = peers.punch(address, now_s, is_rtcp=self._is_rtcp)
            if claim is None:
                peers.strangers += 1
                return
            self._move(claim)
        _take(context, claim.owner, data)

    def unreachable(self, address: Address) -> None:
        """End a session whose player is not there any more, as the network says again and again."""
        context, peers = self._context, self._context.udp_peers
        owner = peers.owner(address)
        player = context.players.get(owner[0]) if owner else None
        if player is None:
            return
        now_s, last_alive_s = context.clock.monotonic_s(), player.session.last_alive
        is_connected = not player.is_abandoned
        if peers.is_gone(address, last_alive_s, now_s, is_connected=is_connected):
            # Later: just now somebody may be sending, to this player or to others.
            asyncio.get_running_loop().call_soon(self._give_up, player.session.id, address)

    def _give_up(self, session_id: str, address: Address) -> None:
        player = self._context.players.get(session_id)
        if player is not None:
            player.log.info("gone: nobody takes UDP at %s:%d any more", *address)
            self._context.end_session(player.session)

    def _move(self, claim: Claim) -> None:
        """Send a track to where it was heard from."""
        session_id, track = claim.owner
        player = self._context.players.get(session_id)
        if player is None:
            return
        player.lanes.move_udp(track, claim.address, is_rtcp=claim.is_rtcp)
        kind = "RTCP" if claim.is_rtcp else "RTP"
        player.log.info("%s of track %d goes to %s:%d, behind a NAT", kind, track, *claim.address)


def take_group_report(
    context: Context, group: Group, track: int, host: str, data: memoryview
) -> None:
    """Note what a host sent to the RTCP port of a group: all its players there live.

    What it reports is of one of them; where there are several, nobody knows of which.
    """
    members = [context.players[one] for one in group.players if one in context.players]
    players = [player for player in members if player.session.peer_host == host]
    if len(players) == 1:
        _take(context, (players[0].session.id, track), data)
        return
    for player in players:
        player.session.touch(context.clock.monotonic_s())
    context.udp_peers.strangers += not players


def _take(context: Context, owner: Owner, data: memoryview) -> None:
    """Give a datagram to a session; a fault of ours ends that one, for the loop calls us."""
    try:
        context.take_rtcp(owner, data)
    except Exception:  # must not reach the other players of the port
        player = context.players.get(owner[0])
        if player is not None:
            player.log.exception("failed")
            context.expel(player, "internal error")
