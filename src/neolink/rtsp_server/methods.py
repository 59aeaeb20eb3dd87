"""What each RTSP method does: one function per method, found in a table.

Status codes follow RFC 2326 and what players need. No bytes are parsed here, and which transport
a SETUP gets is decided in :mod:`neolink.rtsp_server.setup`.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from neolink import __version__
from neolink.errors import DeadlineExceeded
from neolink.media.tracks import Presentation
from neolink.rtp.formats import AudioChoice
from neolink.rtsp.errors import MessageError, RtspError, TlsClientHello
from neolink.rtsp.headers import (
    LIVE_RANGE,
    Protocol,
    RtpInfo,
    SessionHeader,
    Transport,
    accepts_sdp,
    check_required,
    date_header,
    parse_transports,
    serialize_rtp_info,
)
from neolink.rtsp.message import PUBLIC, Method, Request, reply, reply_to_error
from neolink.rtsp.session import (
    ServerSession,
    State,
    TrackSetup,
    require_method,
    select_track,
)
from neolink.rtsp.url import Target, base_url
from neolink.rtsp_server.connection import ClientConnection
from neolink.rtsp_server.context import Context
from neolink.rtsp_server.description import describe
from neolink.rtsp_server.gate import Gate
from neolink.rtsp_server.mount import Mount, StartPoint
from neolink.rtsp_server.parcel import AUDIO, VIDEO
from neolink.rtsp_server.player import Player
from neolink.rtsp_server.refusals import Refusal
from neolink.rtsp_server.settings import AudioChoice as ConfiguredAudio
from neolink.rtsp_server.settings import StartMode
from neolink.rtsp_server.setup import Channels, choose_transport, grant_tcp, grant_udp
from neolink.rtsp_server.switcher import FindStreams

__all__ = ["REALM", "Conversation"]

_LOG = logging.getLogger(__name__)

REALM: Final = "neolink"
SERVER: Final = f"neolink/{__version__}"
RETRY_AFTER_S: Final = 3
MAX_BAD_REQUESTS: Final = 3
KNOWN_OPTIONS: Final = ("play.basic",)
_CHOICES: Final = frozenset(choice.value for choice in AudioChoice)
_STARTS: Final = frozenset(mode.value for mode in StartMode)
_STARTS_TEXT: Final = ", ".join(mode.value for mode in StartMode)

Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes into a reply with status 200, and what happens once it is on its way."""

    headers: Headers
    body: bytes = b""
    then: Callable[[], None] = lambda: None


class Conversation:
    """The requests of one connection, answered in order."""

    def __init__(self, context: Context, connection: ClientConnection) -> None:
        self._context = context
        self._connection = connection
        self._channels = Channels()
        self._own: dict[str, Player] = {}
        """Sessions made on this connection, also ended ones until the next look."""
        self._queries: dict[str, Mapping[str, str]] = {}
        """Query by path as it was described: rtspsrc leaves it out of SETUP."""
        self._gate = Gate(context, connection.peer_host, connection.name)
        self._agent = ""
        self._bad_requests = 0

    # -- the connection's side --------------------------------------------------------

    @property
    def is_admitted(self) -> bool:
        """Whether the peer has asked for a stream that it may watch."""
        return self._gate.is_admitted

    @property
    def has_sessions(self) -> bool:
        """Whether any session lives on this connection."""
        return bool(self._live_own())

    def take_frame(self, channel: int, payload: bytes) -> None:
        """Take an interleaved packet: RTCP on a session's second channel, else nothing."""
        owner = self._channels.owner(channel)
        if owner is not None:
            self._context.take_rtcp(owner, payload)

    def touch_sessions(self) -> None:
        """Note that the peer is alive."""
        now_s = self._context.clock.monotonic_s()
        for player in self._own.values():
            player.session.touch(now_s)

    def close(self) -> None:
        """End the sessions whose media run on this connection; UDP sessions live on."""
        for player in self._live_own():
            if player.outbox is self._connection.outbox:
                player.log.info("left")
                self._context.end_session(player.session)
            else:
                player.is_abandoned = True

    def refuse(self, error: MessageError) -> None:
        """Answer bytes that are no request."""
        _LOG.info("%s: %s", self._connection.name, error)
        if isinstance(error, TlsClientHello):
            return  # no answer in clear makes sense to a TLS client
        self._connection.outbox.write(reply_to_error(error, headers=self._common()).serialize())

    async def handle(self, request: Request) -> bool:
        """Answer one request; return whether the connection goes on."""
        self._agent = request.headers.get("User-Agent") or self._agent
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
        except Exception:  # noqa: BLE001 - answered 500, the connection goes on
            _LOG.exception("%s: %s failed", self._connection.name, request.method)
            response = reply(request.cseq, 500, self._common())
        self._connection.outbox.write(response.serialize())
        answer.then()
        return goes_on

    async def _answer(self, request: Request) -> Answer:
        method = _METHODS[require_method(request.method)]
        return await method(self, request, Target.parse(request.url))

    def _common(self) -> Headers:
        return [("Server", SERVER), ("Date", date_header(self._context.clock.unix_s()))]

    # -- methods ----------------------------------------------------------------------

    async def options(self, request: Request, target: Target) -> Answer:
        """Tell what is answered; with a session, keep it alive."""
        del target
        return Answer([("Public", PUBLIC), *self._kept_alive(request)])

    async def describe(self, request: Request, target: Target) -> Answer:
        """Return the SDP of a mount."""
        check_required(request.headers, KNOWN_OPTIONS)
        mount = await self._gate.mount(request, target)
        if not accepts_sdp(request.headers):
            raise RtspError(406, "only application/sdp is there")
        mount, presentation = await self._presentation(request, target, mount)
        self._queries = {target.path: target.query}
        text = describe(
            mount, presentation, _audio_choice(mount, target), self._connection.local_host
        )
        headers = [
            ("Content-Type", "application/sdp"),
            ("Content-Base", base_url(request.url)),
            ("Cache-Control", "no-cache"),
        ]
        return Answer(headers, text.encode())

    async def setup(self, request: Request, target: Target) -> Answer:
        """Prepare one track of a session, which is made if none is named."""
        if not target.query:
            target = replace(target, query=self._queries.get(target.path, {}))
        check_required(request.headers, KNOWN_OPTIONS)
        mount = await self._gate.mount(request, target)
        wanted = choose_transport(
            parse_transports(request.headers.get("Transport") or ""),
            has_udp=self._context.udp is not None,
        )
        mount, presentation = await self._presentation(request, target, mount)
        session = self._session(request) if "Session" in request.headers else None
        choice = _audio_choice(mount, target)
        if session is not None:
            session.require_path(target.path)
            choice = self._context.players[session.id].choice
        formats = mount.formats(presentation, choice)
        track = select_track(
            target.track, [track for track in (VIDEO, AUDIO) if formats[track] is not None]
        )
        if session is not None:
            granted = self._set_up(session, track, wanted, request.url)
        else:
            session, granted = self._begin_session(mount, target, choice, track, wanted, request)
        return Answer([("Session", session.header), ("Transport", granted.serialize())])

    async def play(self, request: Request, target: Target) -> Answer:
        """Begin to send; already playing is no error."""
        session = self._session(request)
        player = self._context.players[session.id]
        was_playing = session.state is State.PLAYING
        session.require(Method.PLAY)
        session.require_aggregate(target.track)
        session.apply(Method.PLAY)
        headers = [("Session", session.header), ("Range", LIVE_RANGE.serialize())]
        headers += [(name, "1.000") for name in ("Scale", "Speed") if name in request.headers]
        if was_playing:
            return Answer(headers)
        starts = player.plan(
            lambda: self._give_up(session, "the stream it described has ended"),
            lambda reason: self._give_up(session, reason),
        )
        headers.append(("RTP-Info", _rtp_info(session, starts)))
        self._forget_abandoned(player)
        player.log.info("playing")
        # The reply is on the wire before the first packet.
        return Answer(headers, then=player.play)

    async def pause(self, request: Request, target: Target) -> Answer:
        """Stop sending; the session lives on."""
        session = self._session(request)
        session.require(Method.PAUSE)
        session.require_aggregate(target.track)
        session.apply(Method.PAUSE)
        self._context.players[session.id].pause()
        return Answer([("Session", session.header)])

    async def teardown(self, request: Request, target: Target) -> Answer:
        """End one track or the whole session."""
        session = self._session(request)
        player = self._context.players[session.id]
        if target.track is not None and not session.remove_track(target.track):
            player.drop_track(target.track)
            return Answer([("Session", session.header)])
        player.say_bye()
        self._context.end_session(session)
        player.log.info("left")
        return Answer([])

    async def get_parameter(self, request: Request, target: Target) -> Answer:
        """Keep a session alive; parameters have no values here."""
        del target
        return Answer([*self._kept_alive(request), ("Content-Length", "0")])

    async def set_parameter(self, request: Request, target: Target) -> Answer:
        """Keep a session alive; nothing can be set."""
        if request.body.strip():
            raise RtspError(451, "no parameter can be set")
        return await self.get_parameter(request, target)

    # -- who and what -----------------------------------------------------------------

    async def _presentation(
        self, request: Request, target: Target, mount: Mount
    ) -> tuple[Mount, Presentation]:
        """Wait for what a mount shows; return both.

        When the configuration changes meanwhile, the path is looked up again, and who may watch it.
        """
        while True:
            settings = self._context.settings
            try:
                presentation = await mount.stream.describe(mount.settings.setup_timeout_s)
            except DeadlineExceeded as error:
                text = f"{self._connection.name} is refused for now: {error}"
                self._context.refusals.note(Refusal.NOT_READY, mount.name, text)
                raise RtspError(
                    503, str(error), headers=[("Retry-After", str(RETRY_AFTER_S))]
                ) from None
            if self._context.settings is settings:
                return mount, presentation
            mount = await self._gate.mount(request, target)

    def _session(self, request: Request) -> ServerSession:
        """Return the session that a request names, and note that it lives; raise 454."""
        value = request.headers.get("Session")
        if value is None:
            raise RtspError(454, "a Session header is needed")
        session = self._context.sessions.get(
            SessionHeader.parse(value).id, self._connection.peer_host
        )
        session.touch(self._context.clock.monotonic_s())
        return session

    def _kept_alive(self, request: Request) -> Headers:
        if "Session" not in request.headers:
            return []
        return [("Session", self._session(request).header)]

    # -- SETUP ------------------------------------------------------------------------

    def _begin_session(
        self,
        mount: Mount,
        target: Target,
        choice: AudioChoice,
        track: int,
        wanted: Transport,
        request: Request,
    ) -> tuple[ServerSession, Transport]:
        """Make a session with its first track; nothing is left behind when that fails."""
        context = self._context
        self._check_limits(mount)
        session = context.sessions.create(
            path=target.path,
            user=self._gate.user,
            peer_host=self._connection.peer_host,
            now=context.clock.monotonic_s(),
        )
        player = Player(
            session,
            mount,
            choice,
            _start_mode(mount, target),
            number=next(context.numbers),
            address=self._connection.name,
            agent=self._agent,
            find_streams=self._find_streams(target.path, mount),
            clock=context.clock,
        )
        self._own[session.id] = context.players[session.id] = player
        try:
            return session, self._set_up(session, track, wanted, request.url)
        except RtspError:
            context.end_session(session)
            raise

    def _find_streams(self, path: str, mount: Mount) -> FindStreams | None:
        """Return how to find both streams of a path whose players may be moved; else None."""
        context = self._context
        choice = context.mounts.choice(path)
        if choice is None or not (choice.is_asked_for or mount.settings.is_adaptive):
            return None
        return lambda: context.mounts.choice(path)

    def _set_up(self, session: ServerSession, track: int, wanted: Transport, url: str) -> Transport:
        repeated = session.find_repeat(track, wanted)
        if repeated is not None:
            return repeated.granted
        session.require(Method.SETUP)
        context, player = self._context, self._context.players[session.id]
        if wanted.protocol is Protocol.TCP:
            outbox = self._connection.outbox
            granted = grant_tcp(
                context, player, track, wanted, channels=self._channels, outbox=outbox
            )
        else:
            granted = grant_udp(context, player, track, wanted, host=self._connection.peer_host)
        self._own[session.id] = player
        granted = replace(
            granted,
            profile=wanted.profile,
            ssrc=player.mount.ssrc(track, player.choice),
            mode="PLAY",
        )
        session.apply(Method.SETUP)
        session.add_track(TrackSetup(track, granted, url, wanted))
        return granted

    def _check_limits(self, mount: Mount) -> None:
        context, limits = self._context, self._context.settings.limits
        of_camera, of_connection = mount.settings.max_clients, limits.max_sessions_per_connection
        if limits.max_clients and context.count_players() >= limits.max_clients:
            text = f"all {limits.max_clients} places of this server are taken"
            raise self._refuse(mount, Refusal.MAX_CLIENTS, text, "[limits] max_clients")
        if of_camera and context.count_players(mount) >= of_camera:
            text, key = f"all {of_camera} places of this camera are taken", "max_clients"
            raise self._refuse(mount, Refusal.MAX_CLIENTS_PER_CAMERA, text, key)
        if len(self._live_own()) >= of_connection:
            text = f"all {of_connection} sessions of this connection are in use"
            raise self._refuse(mount, Refusal.MAX_SESSIONS, text)
        if len(context.sessions) >= context.sessions.max_sessions:
            text, key = "all sessions are in use", "[limits] max_connections"
            raise self._refuse(mount, Refusal.MAX_SESSIONS, text, key)

    def _refuse(self, mount: Mount, reason: Refusal, text: str, key: str = "") -> RtspError:
        """Count a refusal by a limit, name the limit in the log, and return the answer."""
        hint = f" (raise {key})" if key else ""
        self._context.refusals.note(
            reason, mount.name, f"{self._connection.name} is refused: {text}{hint}"
        )
        return RtspError(453, text)

    # -- the end of sessions ----------------------------------------------------------

    def _live_own(self) -> list[Player]:
        live = self._context.players
        for session_id in [session_id for session_id in self._own if session_id not in live]:
            del self._own[session_id]
            self._channels.release(session_id)
        return list(self._own.values())

    def _forget_abandoned(self, playing: Player) -> None:
        """Drop older sessions of this stream that do not play: ffmpeg leaves them so.

        It does when UDP stays silent: it pauses, and sets up a new session on TCP.
        """
        for player in self._live_own():
            if player is playing:
                return
            if player.mount is playing.mount and player.session.state is State.READY:
                self._context.end_session(player.session)

    def _give_up(self, session: ServerSession, reason: str) -> None:
        player = self._context.players.get(session.id)
        if player is None:
            return
        is_ours = player.outbox is self._connection.outbox
        self._context.end_session(session)
        if is_ours or not self.has_sessions:  # many a UDP player does not heed BYE
            self._connection.end(reason)


def _rtp_info(session: ServerSession, starts: Mapping[int, StartPoint]) -> str:
    return serialize_rtp_info(
        RtpInfo(setup.url, starts[track].sequence, starts[track].timestamp)
        for track, setup in session.tracks.items()
    )


def _audio_choice(mount: Mount, target: Target) -> AudioChoice:
    text = target.query.get("audio", mount.settings.audio.value).lower()
    if text in _CHOICES:
        return AudioChoice(text)
    if text != ConfiguredAudio.AUTO:
        mount.tell_unknown("audio", text, "it comes as the camera sends it")
    return AudioChoice.SOURCE


def _start_mode(mount: Mount, target: Target) -> StartMode:
    text = target.query.get("start", mount.settings.start.value).lower()
    if text in _STARTS:
        return StartMode(text)
    mount.tell_unknown("start", text, f"{mount.settings.start} is taken; allowed: {_STARTS_TEXT}")
    return mount.settings.start


_METHODS: Final[Mapping[Method, Callable[[Conversation, Request, Target], Awaitable[Answer]]]] = {
    Method.OPTIONS: Conversation.options,
    Method.DESCRIBE: Conversation.describe,
    Method.SETUP: Conversation.setup,
    Method.PLAY: Conversation.play,
    Method.PAUSE: Conversation.pause,
    Method.TEARDOWN: Conversation.teardown,
    Method.GET_PARAMETER: Conversation.get_parameter,
    Method.SET_PARAMETER: Conversation.set_parameter,
}
