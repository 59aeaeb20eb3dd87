"""What each RTSP method does: one function per method, found in a table.

Status codes follow RFC 2326 and what players need. No bytes are parsed here. DESCRIBE and SETUP
are in :mod:`neolink.rtsp_server.requests.preparation`.
"""

import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from neolink.rtsp.errors import MessageError, RtspError, TlsClientHello
from neolink.rtsp.headers import (
    LIVE_RANGE,
    RtpInfo,
    check_required,
    date_header,
    serialize_rtp_info,
)
from neolink.rtsp.message import PUBLIC, Method, Request, Response, reply, reply_to_error
from neolink.rtsp.session import ServerSession, State, require_method
from neolink.rtsp.url import Target
from neolink.rtsp_server.context import Context
from neolink.rtsp_server.mounts.seat import StartPoint
from neolink.rtsp_server.requests.answer import Answer
from neolink.rtsp_server.requests.connection import ClientConnection, stream_log
from neolink.rtsp_server.requests.peer import Peer
from neolink.rtsp_server.requests.preparation import KNOWN_OPTIONS, describe, setup
from neolink.rtsp_server.sessions.player import Player
from neolink.rtsp_server.settings import SERVER, Headers

__all__ = ["REALM", "Conversation"]

_LOG = logging.getLogger(__name__)

REALM: Final = "neolink"
MAX_BAD_REQUESTS: Final = 3
_NO_START: Final = StartPoint(None, None)


class Conversation:
    """The requests of one connection, answered in order."""

    def __init__(self, context: Context, connection: ClientConnection) -> None:
        self._context = context
        self._connection = connection
        self._peer = Peer(context, connection)
        self._bad_requests = 0

    @property
    def is_admitted(self) -> bool:
        """Whether the peer has asked for a stream that it may watch."""
        return self._peer.gate.is_admitted

    @property
    def has_sessions(self) -> bool:
        """Whether any session lives on this connection."""
        return bool(self._peer.sessions())

    @property
    def has_played(self) -> bool:
        """Whether the peer has played anything."""
        return self._peer.has_played

    @property
    def stream_name(self) -> str:
        """Which stream the peer has asked for and may watch, the last of several; or empty."""
        return self._peer.gate.stream_name

    def take_frame(self, channel: int, payload: bytes) -> None:
        """Take an interleaved packet: RTCP on a session's second channel, else nothing."""
        owner = self._peer.channels.owner(channel)
        if owner is not None:
            self._context.take_rtcp(owner, payload)

    def close(self) -> None:
        """End the sessions whose media run on this connection; UDP sessions live on."""
        self._peer.leave()

    def refuse(self, error: MessageError) -> bool:
        """Answer bytes that are no request; return whether the connection goes on."""
        self._tell_malformed(error)
        if isinstance(error, TlsClientHello):
            return False  # no answer in clear makes sense to a TLS client
        self._bad_requests += 1
        self._connection.outbox.write(reply_to_error(error, headers=self._common()).serialize())
        return not error.close and self._bad_requests < MAX_BAD_REQUESTS

    def _tell_malformed(self, error: MessageError) -> None:
        """Tell what is wrong; of one host each kind of it once in a while."""
        host, log = self._connection.network, stream_log(_LOG, self.stream_name)
        about = host, type(error), error.status  # not its text: who can have many kinds fills logs
        args = self._connection.name, error
        self._context.limiter.log(log, logging.INFO, "%s: %s", *args, about=about)

    async def handle(self, request: Request) -> bool:
        """Answer one request; return whether the connection goes on."""
        self._peer.agent = request.headers.get("User-Agent") or self._peer.agent
        goes_on = True
        answer = Answer([])
        try:
            answer = await self._answer(request)
            response = reply(request.cseq, 200, [*self._common(), *answer.headers], answer.body)
        except RtspError as error:
            response = reply_to_error(error, request.cseq, self._common())
            self._bad_requests += error.status == 400
            goes_on = not error.close and self._bad_requests < MAX_BAD_REQUESTS
            _LOG.debug("%s: %s: %s", self._connection.name, request.method, error)
        except Exception as error:  # noqa: BLE001 - answered 500, the connection goes on
            response = self._own_fault(request, error)
        self._connection.outbox.write(response.serialize())
        answer.then()
        return goes_on

    async def _answer(self, request: Request) -> Answer:
        method = require_method(request.method)
        check_required(request.headers, KNOWN_OPTIONS)
        target = Target.parse(request.url)
        if target.is_asterisk and method in _NEED_PATH:
            raise RtspError(
                405, f"{method} of no camera", headers=[("Allow", ALLOWED_WITHOUT_PATH)]
            )
        if "Session" not in request.headers:
            self._peer.touch()
        return await _METHODS[method](self._peer, request, target)

    def _own_fault(self, request: Request, error: Exception) -> Response:
        """Log the fault, end the session that it may have left half done; return 500."""
        self._connection.tell_own_fault(f"{request.method} failed", error)
        with contextlib.suppress(RtspError):
            self._context.end_session(self._peer.session(request))
        return reply(request.cseq, 500, self._common())

    def _common(self) -> Headers:
        return [("Server", SERVER), ("Date", date_header(self._context.clock.unix_s()))]


async def _options(peer: Peer, request: Request, target: Target) -> Answer:
    """Tell what is answered; with a session, keep it alive."""
    del target
    return Answer([("Public", PUBLIC), *peer.keep_alive(request)])


async def _play(peer: Peer, request: Request, target: Target) -> Answer:
    """Begin to send; already playing is no error."""
    player = peer.player(request)
    session = player.session
    was_playing = session.state is State.PLAYING
    session.require(Method.PLAY)
    session.require_aggregate(target.track)
    if not was_playing:
        _require_what_was_set_up(peer, player)
    session.apply(Method.PLAY)
    headers = [("Session", session.header), ("Range", LIVE_RANGE.serialize())]
    headers += [(name, "1.000") for name in ("Scale", "Speed") if name in request.headers]
    if was_playing:  # nothing begins, so no packet is the first one
        return Answer([*headers, *_rtp_info(session, dict.fromkeys(player.lanes.sent, _NO_START))])
    starts = player.plan(
        lambda: peer.give_up(session, "the stream it described has ended"),
        lambda reason: peer.give_up(session, reason),
    )
    headers += _rtp_info(session, starts)
    peer.forget_abandoned(player)
    peer.tell_playing(player)
    # The reply is on the wire before the first packet.
    return Answer(headers, then=player.play)


async def _pause(peer: Peer, request: Request, target: Target) -> Answer:
    """Stop sending; the session lives on."""
    player = peer.player(request)
    session = player.session
    session.require(Method.PAUSE)
    session.require_aggregate(target.track)
    session.apply(Method.PAUSE)
    player.pause()
    return Answer([("Session", session.header)])


async def _teardown(peer: Peer, request: Request, target: Target) -> Answer:
    """End one track or the whole session."""
    player = peer.player(request)
    session = player.session
    if target.track is not None and not session.remove_track(target.track):
        peer.context.drop_track(player, target.track)
        return Answer([("Session", session.header)])
    player.say_bye()
    peer.context.end_session(session)
    player.tell_left(peer.context.limiter)
    return Answer([("Session", session.header)])


async def _get_parameter(peer: Peer, request: Request, target: Target) -> Answer:
    """Keep a session alive; parameters have no values here."""
    del target
    return Answer([*peer.keep_alive(request), ("Content-Length", "0")])


async def _set_parameter(peer: Peer, request: Request, target: Target) -> Answer:
    """Keep a session alive; nothing can be set."""
    answer = await _get_parameter(peer, request, target)
    if request.body.strip():
        raise RtspError(451, "no parameter can be set")
    return answer


def _require_what_was_set_up(peer: Peer, player: Player) -> None:
    """Raise 454 when the stream became another one before PLAY, or in a pause: codec or sound.

    Sessions that play are ended then; this one would be sent what its player cannot decode.
    """
    session = player.session
    if player.is_as_set_up:
        return
    player.log.info("must describe the stream again: it is another one than it set up")
    peer.context.end_session(session)
    raise RtspError(454, "the stream has changed since SETUP: describe it again")


def _rtp_info(session: ServerSession, starts: Mapping[int, StartPoint]) -> Headers:
    """Return the header: every track that is sent, and where it starts as far as that is known."""
    infos = [
        RtpInfo(setup.url, starts[track].sequence, starts[track].timestamp)
        for track, setup in session.tracks.items()
        if track in starts
    ]
    return [("RTP-Info", serialize_rtp_info(infos))] if infos else []


_METHODS: Final[Mapping[Method, Callable[[Peer, Request, Target], Awaitable[Answer]]]] = {
    Method.OPTIONS: _options,
    Method.DESCRIBE: describe,
    Method.SETUP: setup,
    Method.PLAY: _play,
    Method.PAUSE: _pause,
    Method.TEARDOWN: _teardown,
    Method.GET_PARAMETER: _get_parameter,
    Method.SET_PARAMETER: _set_parameter,
}

_NEED_PATH: Final = frozenset({Method.DESCRIBE, Method.SETUP})
ALLOWED_WITHOUT_PATH: Final = ", ".join(method for method in _METHODS if method not in _NEED_PATH)
