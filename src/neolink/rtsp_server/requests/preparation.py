"""DESCRIBE and SETUP: what a player learns and prepares before it plays.

Which transport a SETUP gets is decided in :mod:`neolink.rtsp_server.requests.setup`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from neolink.errors import DeadlineExceeded
from neolink.media.tracks import Presentation
from neolink.rtp.formats import AudioChoice
from neolink.rtsp.errors import RtspError
from neolink.rtsp.headers import (
    Protocol,
    Transport,
    accepts_sdp,
    check_required,
    parse_transports,
)
from neolink.rtsp.message import Method, Request
from neolink.rtsp.session import ServerSession, State, TrackSetup, select_track
from neolink.rtsp.url import Target, base_url
from neolink.rtsp_server.mounts.mount import Mount
from neolink.rtsp_server.mounts.parcel import AUDIO, BACKCHANNEL, METADATA, VIDEO
from neolink.rtsp_server.refusals import Refusal
from neolink.rtsp_server.requests.answer import Answer
from neolink.rtsp_server.requests.choices import (
    audio_choice,
    packet_size,
    start_mode,
    wants_metadata,
)
from neolink.rtsp_server.requests.description import describe as describe_mount
from neolink.rtsp_server.requests.peer import Peer
from neolink.rtsp_server.requests.setup import (
    can_multicast,
    grant_multicast,
    grant_tcp,
    grant_udp,
    group_place,
    usable_transports,
)
from neolink.rtsp_server.requests.talkback import BACK_CHANNEL_OPTION, offers_back_channel
from neolink.rtsp_server.sessions.player import Player
from neolink.rtsp_server.sessions.switcher import FindStreams

__all__ = ["KNOWN_OPTIONS", "describe", "setup"]

RETRY_AFTER_S: Final = 3
KNOWN_OPTIONS: Final = ("play.basic", BACK_CHANNEL_OPTION)
"""What ``Require`` may ask for; the back channel only where the camera has one."""


async def describe(peer: Peer, request: Request, target: Target) -> Answer:
    """Return the SDP of a mount."""
    required = check_required(request.headers, KNOWN_OPTIONS)
    mount = await peer.gate.mount(request, target)
    if not accepts_sdp(request.headers):
        raise RtspError(406, "only application/sdp is there")
    mount, presentation, may_talk = await _learn(peer, request, target, mount, required)
    peer.queries = {target.path: target.query}
    choice = audio_choice(mount, target)
    text = describe_mount(
        mount,
        presentation,
        choice,
        peer.connection.local_host,
        has_metadata=wants_metadata(mount, target),
        has_back_channel=may_talk,
        # VLC asks for multicast only where the description names a group.
        place=group_place(peer.context, mount, choice)
        if "multicast" in target.query and _can_multicast(peer)
        else None,
    )
    headers = [
        ("Content-Type", "application/sdp"),
        ("Content-Base", base_url(request.url)),
        ("Cache-Control", "no-cache"),
        *peer.keep_alive_if_known(request),
    ]
    return Answer(headers, text.encode())


async def setup(peer: Peer, request: Request, target: Target) -> Answer:
    """Prepare one track of a session, which is made if none is named."""
    if not target.query:
        target = replace(target, query=peer.queries.get(target.path, {}))
    required = check_required(request.headers, KNOWN_OPTIONS)
    mount = await peer.gate.mount(request, target)
    offers = usable_transports(
        parse_transports(request.headers.get("Transport") or ""),
        has_udp=peer.context.udp is not None and peer.connection.may_use_udp,
        has_multicast=_can_multicast(peer),
        may_publish=target.track == BACKCHANNEL,
    )
    mount, presentation, may_talk = await _learn(peer, request, target, mount, required)
    session = peer.session(request) if "Session" in request.headers else None
    choice = audio_choice(mount, target)
    if session is not None:
        session.require_path(target.path)
        choice = peer.context.players[session.id].choice
    formats = mount.formats(presentation, choice)
    available = [track for track in (VIDEO, AUDIO) if formats[track] is not None]
    if wants_metadata(mount, target):
        available.append(METADATA)
    if may_talk and target.track is not None:
        available.append(BACKCHANNEL)
    wish = _Wish(mount, target, request, choice, select_track(target.track, available), offers)
    if session is not None:
        granted = _set_up(peer, session, wish)
    else:
        session, granted = _begin_session(peer, wish)
    return Answer([("Session", session.header), ("Transport", granted.serialize())])


def _can_multicast(peer: Peer) -> bool:
    connection = peer.connection
    return connection.may_use_udp and can_multicast(peer.context, connection.local_host)


async def _learn(
    peer: Peer, request: Request, target: Target, mount: Mount, required: Iterable[str]
) -> tuple[Mount, Presentation, bool]:
    """Wait for what a mount shows; return both, and whether the back channel is offered.

    When the configuration changes meanwhile, the path is looked up again, and who may watch it.
    """
    while True:
        settings = peer.context.settings
        presentation = await _presentation(peer, mount)
        may_talk = await offers_back_channel(mount, required, target)
        if peer.context.settings is settings:
            return mount, presentation, may_talk
        mount = await peer.gate.mount(request, target)


async def _presentation(peer: Peer, mount: Mount) -> Presentation:
    try:
        return await mount.stream.describe(mount.settings.setup_timeout_s)
    except DeadlineExceeded as error:
        text = f"{peer.connection.name} is refused for now: {error}"
        peer.context.refusals.note(Refusal.NOT_READY, mount.name, text)
        raise RtspError(503, str(error), headers=[("Retry-After", str(RETRY_AFTER_S))]) from None


# -- sessions -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Wish:
    """What one SETUP asks for. ``offers`` are its transports that are served, the best first."""

    mount: Mount
    target: Target
    request: Request
    choice: AudioChoice
    track: int
    offers: tuple[Transport, ...]


def _begin_session(peer: Peer, wish: _Wish) -> tuple[ServerSession, Transport]:
    """Make a session with its first track; nothing is left behind when that fails."""
    context, connection, mount = peer.context, peer.connection, wish.mount
    _check_limits(peer, mount)
    _make_room(peer)
    session = context.sessions.create(
        path=wish.target.path,
        user=peer.gate.user,
        peer_host=connection.peer_host,
        now=context.clock.monotonic_s(),
    )
    context.players[session.id] = Player(
        session,
        mount,
        wish.choice,
        start_mode(mount, wish.target),
        number=next(context.numbers),
        address=connection.name,
        agent=peer.agent,
        find_streams=_find_streams(peer, wish.target.path, mount),
        clock=context.clock,
    )
    try:
        return session, _set_up(peer, session, wish)
    except Exception:
        context.end_session(session)
        raise


def _find_streams(peer: Peer, path: str, mount: Mount) -> FindStreams | None:
    """Return how to find both streams of a path whose players may be moved; else None."""
    context = peer.context
    choice = context.mounts.choice(path)
    if choice is None or not (choice.is_asked_for or mount.settings.is_adaptive):
        return None
    return lambda: context.mounts.choice(path)


def _set_up(peer: Peer, session: ServerSession, wish: _Wish) -> Transport:
    if (repeated := _repeated(peer, session, wish)) is not None:
        return repeated
    track, player = wish.track, peer.context.players[session.id]
    is_late = track == BACKCHANNEL and session.state is State.PLAYING  # who plays may begin to talk
    if not is_late:
        session.require(Method.SETUP)
    wanted, granted = _grant_first(peer, player, track, wish.offers)
    peer.own(player)
    if track != BACKCHANNEL:
        player.size_packets(track, packet_size(wish.mount, wish.target, wish.request, wanted))
    elif granted.interleaved is not None:
        peer.connection.expect_media(granted.interleaved[0])
    granted = replace(
        granted,
        profile=wanted.profile,
        ssrc=player.ssrc(track) if track != BACKCHANNEL else None,
        mode=None if granted.is_multicast else "PLAY",
    )
    if not is_late:
        session.apply(Method.SETUP)
    session.add_track(TrackSetup(track, granted, wish.request.url, wish.offers))
    return granted


def _grant_first(
    peer: Peer, player: Player, track: int, offers: Iterable[Transport]
) -> tuple[Transport, Transport]:
    """Return the first alternative that can be had, and what is granted for it.

    Raises RtspError, what was wrong with the first one, when none can.
    """
    fault: RtspError | None = None
    for wanted in offers:
        try:
            return wanted, _grant(peer, player, track, wanted)
        except RtspError as error:
            fault = fault or error
    assert fault is not None  # there is always an alternative
    raise fault


def _grant(peer: Peer, player: Player, track: int, wanted: Transport) -> Transport:
    context, connection = peer.context, peer.connection
    if wanted.protocol is Protocol.TCP:
        outbox = connection.outbox
        return grant_tcp(context, player, track, wanted, channels=peer.channels, outbox=outbox)
    local_host = connection.local_host
    if wanted.is_multicast:
        return grant_multicast(context, player, track, local_host=local_host)
    host = connection.peer_host
    return grant_udp(context, player, track, wanted, host=host, local_host=local_host)


def _repeated(peer: Peer, session: ServerSession, wish: _Wish) -> Transport | None:
    """Return what was granted before, if a SETUP repeats that word for word where it is good."""
    repeated = session.find_repeat(wish.track, wish.offers)
    if repeated is None:
        return None
    is_elsewhere = peer.context.players[session.id].outbox is not peer.connection.outbox
    if repeated.granted.protocol is Protocol.TCP and is_elsewhere:
        return None
    return repeated.granted


def _check_limits(peer: Peer, mount: Mount) -> None:
    """Raise RtspError 453, counted and told, where a limit allows no further session."""
    context, limits = peer.context, peer.context.settings.limits
    of_camera, of_connection = mount.settings.max_clients, limits.max_sessions_per_connection
    if limits.max_clients and context.count_players() >= limits.max_clients:
        text = f"all {limits.max_clients} places of this server are taken"
        raise _refuse(peer, mount, Refusal.MAX_CLIENTS, text, "[limits] max_clients")
    if of_camera and context.count_players(mount) >= of_camera:
        text, key = f"all {of_camera} places of this camera are taken", "max_clients"
        raise _refuse(peer, mount, Refusal.MAX_CLIENTS_PER_CAMERA, text, key)
    if len(peer.sessions()) >= of_connection:
        text = f"all {of_connection} sessions of this connection are in use"
        raise _refuse(peer, mount, Refusal.MAX_SESSIONS, text)
    if len(context.sessions) >= context.sessions.max_sessions:
        text, key = "all sessions are in use", "[limits] max_connections"
        raise _refuse(peer, mount, Refusal.MAX_SESSIONS, text, key)


def _make_room(peer: Peer) -> None:
    """End a session of this address whose connection is gone, when there are too many of these.

    One after the other could else take all sessions there are: they outlive their connections.
    """
    context, host = peer.context, peer.connection.peer_host
    left = [
        player
        for player in context.players.values()
        if player.is_abandoned and player.session.peer_host == host
    ]
    if len(left) < context.settings.limits.max_connections_per_ip:
        return
    oldest = min(left, key=lambda player: (player.is_playing, player.left_s))
    text = f"{len(left)} sessions without a connection: the oldest makes room"
    context.refusals.note(Refusal.MAX_SESSIONS, host, text)
    oldest.say_bye()
    context.end_session(oldest.session)


def _refuse(peer: Peer, mount: Mount, reason: Refusal, text: str, key: str = "") -> RtspError:
    """Count a refusal by a limit, name the limit in the log, and return the answer."""
    hint = f" (raise {key})" if key else ""
    peer.context.refusals.note(
        reason, mount.name, f"{peer.connection.name} is refused: {text}{hint}"
    )
    return RtspError(453, text)
