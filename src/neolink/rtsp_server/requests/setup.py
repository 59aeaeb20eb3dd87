"""What SETUP grants: a transport for one track, within the limits, on free channels and ports."""

import re
from functools import partial
from ipaddress import ip_address
from typing import Final

from neolink.errors import ConfigError
from neolink.rtp.formats import AudioChoice
from neolink.rtsp.errors import RtspError
from neolink.rtsp.headers import Delivery, Protocol, Transport
from neolink.rtsp_server.context import Context, Owner
from neolink.rtsp_server.delivery.outbox import Outbox
from neolink.rtsp_server.delivery.udp import UdpLane, usual_source
from neolink.rtsp_server.mounts.mount import Mount
from neolink.rtsp_server.mounts.parcel import BACKCHANNEL
from neolink.rtsp_server.refusals import Refusal
from neolink.rtsp_server.requests.udp_inbox import take_group_report
from neolink.rtsp_server.sessions.multicast import GroupPlace
from neolink.rtsp_server.sessions.player import Player

__all__ = [
    "Channels",
    "can_multicast",
    "grant_multicast",
    "grant_tcp",
    "grant_udp",
    "group_place",
    "usable_transports",
]

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

    @property
    def owners(self) -> set[Owner]:
        """Everybody who has a pair."""
        return set(self._owners.values())

    def release(self, owner: Owner) -> None:
        """Free the pair of a track that does not use it any more."""
        self._owners = {c: other for c, other in self._owners.items() if other != owner}


def _is_free(channel: int, taken: set[int]) -> bool:
    return channel < LAST_CHANNEL and taken.isdisjoint((channel - 1, channel, channel + 1))


def usable_transports(
    offered: list[Transport],
    *,
    has_udp: bool,
    has_multicast: bool = False,
    may_publish: bool = False,
) -> tuple[Transport, ...]:
    """Return the alternatives that are served, in the client's order. Raises RtspError 461.

    ``may_publish``: for the back channel, which some call a recording.
    """
    played = [one for one in offered if may_publish or not _publishes(one)]
    if not played:
        raise RtspError(461, 'a transport with mode="RECORD" publishes, which is not served')
    usable = [one for one in played if _is_served(one, has_udp, has_multicast)]
    if not usable:
        text = "RTP/AVP/TCP and, if enabled, RTP/AVP unicast with client_port are served"
        raise RtspError(461, text)
    return tuple(usable)


def _publishes(one: Transport) -> bool:
    """Whether the client means to send: RECORD, or RECEIVE as old ffmpeg writes it, without PLAY.

    Other words are ignored, as what is unknown in this header is.
    """
    modes = set(re.findall("[A-Z]+", one.mode or ""))
    return "PLAY" not in modes and not modes.isdisjoint({"RECORD", "RECEIVE"})


def _is_served(one: Transport, has_udp: bool, has_multicast: bool) -> bool:  # noqa: FBT001 - private
    if one.is_secure:
        return False
    if one.is_multicast:
        return has_multicast and one.protocol is Protocol.UDP
    return one.protocol is Protocol.TCP or (has_udp and one.client_port is not None)


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
    _leave_group(context, player, track)
    asked = wanted.interleaved[0] if wanted.interleaved else None
    channel = channels.take((player.session.id, track), asked)
    allowance, budget = player.mount.allowance, context.budget_of(player.mount)
    player.lanes.use_tcp(track, channel, outbox, lambda: outbox.open_lane(allowance, budget))
    context.udp_peers.release(player.session.id, track)  # where it may have been sent before
    return Transport(interleaved=(channel, channel + 1))


def _take_over(context: Context, session_id: str) -> None:
    """End a session whose player is gone, and came back from the same ports; else raise 462."""
    player = context.players.get(session_id)
    if player is not None and not player.is_abandoned:
        raise RtspError(462, "client_port is used by another session")
    if player is not None:
        context.end_session(player.session)


def grant_udp(
    context: Context, player: Player, track: int, wanted: Transport, *, host: str, local_host: str
) -> Transport:
    """Send a track to ``client_port`` of the peer, from the address that it reached us at.

    The ``destination`` of a request is never used: it would let anybody aim our stream at others.
    Raises RtspError 462 for ports that cannot be the player's own.
    """
    udp, client_port = context.udp, wanted.client_port
    assert udp is not None  # chosen so
    assert client_port is not None
    _leave_group(context, player, track)
    if min(client_port) < PRIVILEGED_PORTS and not ip_address(_without_zone(host)).is_loopback:
        raise RtspError(462, f"client_port is below {PRIVILEGED_PORTS}")
    if host == local_host and not {udp.rtp_port, udp.rtp_port + 1}.isdisjoint(client_port):
        raise RtspError(462, "client_port is our own")
    session_id = player.session.id
    rtp, rtcp = addresses = ((host, client_port[0]), (host, client_port[1]))
    for holder in context.udp_peers.holders(addresses) - {session_id}:
        _take_over(context, holder)
    context.udp_peers.claim((session_id, track), rtp, rtcp, context.clock.monotonic_s())
    allowance, budget = player.mount.allowance, context.budget_of(player.mount)
    player.lanes.use_udp(
        track, rtp, rtcp, lambda: UdpLane(udp, allowance, budget, local_host=local_host)
    )
    # Where it is what the player expects it is not told: a NAT makes another address of it.
    source = local_host if usual_source(host) not in {"", local_host} else None
    return Transport(
        source=source, client_port=client_port, server_port=(udp.rtp_port, udp.rtp_port + 1)
    )


def can_multicast(context: Context, local_host: str) -> bool:
    """Whether a player that reached us at this address may be served by multicast."""
    return context.groups.settings.is_enabled and ":" not in local_host


def group_place(context: Context, mount: Mount, choice: AudioChoice) -> GroupPlace:
    """Return where a stream is sent by multicast. Raises RtspError 503, also told in the log."""
    try:
        return context.groups.place(mount, choice)
    except ConfigError as error:
        raise _no_group(context, mount, error) from None


def grant_multicast(context: Context, player: Player, track: int, *, local_host: str) -> Transport:
    """Send a track to the group of its stream, for this player and all others of the group.

    Raises RtspError: 461 beside other transports and for what the player sends, 503 when there is
    no address or socket for the group.
    """
    if track == BACKCHANNEL:
        raise RtspError(461, "the back channel is not served by multicast")
    if player.lanes.group is None and player.lanes.has_others(track):
        raise RtspError(461, "multicast is for all tracks of a session or for none")
    mount = player.mount
    try:
        group = context.groups.enter(
            player.session.id,
            mount,
            player.choice,
            context.budget_of(mount),
            local_host,
            partial(take_group_report, context),
        )
        player.use_group(track, group)
    except (ConfigError, OSError) as error:
        raise _no_group(context, mount, error) from None
    context.udp_peers.release(player.session.id)  # where it may have been sent before
    place = group.place
    return Transport(
        delivery=Delivery.MULTICAST,
        destination=place.address,
        port=place.ports(track),
        ttl=place.ttl,
    )


def _no_group(context: Context, mount: Mount, error: ConfigError | OSError) -> RtspError:
    text = f"no multicast group can be had: {error}"
    context.refusals.note(Refusal.NO_GROUP, mount.name, text)
    return RtspError(503, text)


def _leave_group(context: Context, player: Player, track: int) -> None:
    """Let a player of a group go over to unicast, with its only track."""
    if player.lanes.group is None:
        return
    if player.lanes.has_others(track):
        raise RtspError(461, "multicast is for all tracks of a session or for none")
    player.lanes.leave_group()
    context.groups.release(player.session.id)


def _without_zone(host: str) -> str:
    return host.partition("%")[0]
