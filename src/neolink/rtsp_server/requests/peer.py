"""Who asks on one connection: what it has proven and described, and the sessions it has there.

No method is answered here.
"""

import contextlib
import logging
from collections.abc import Mapping

from neolink.rtsp.errors import RtspError
from neolink.rtsp.headers import SessionHeader
from neolink.rtsp.message import Request
from neolink.rtsp.session import ServerSession, State
from neolink.rtsp_server.context import Context, Owner
from neolink.rtsp_server.requests.connection import ClientConnection
from neolink.rtsp_server.requests.gate import Gate
from neolink.rtsp_server.requests.setup import Channels
from neolink.rtsp_server.sessions.player import Player
from neolink.rtsp_server.settings import Headers

__all__ = ["Peer"]


class Peer:
    """The other end of one connection."""

    def __init__(self, context: Context, connection: ClientConnection) -> None:
        self.context = context
        self.connection = connection
        self.gate = Gate(context, connection)
        self.queries: Mapping[str, Mapping[str, str]] = {}
        """Query by path as it was described: rtspsrc leaves it out of SETUP."""
        self.agent = ""
        """How it names itself."""
        self.has_played = False
        """Whether it has played anything."""
        self._channels = Channels()
        self._own: dict[str, Player] = {}
        """Sessions of this connection, also ended ones until the next look."""

    @property
    def channels(self) -> Channels:
        """The interleaved channels of this connection."""
        for owner in self._channels.owners:
            if not self._is_interleaved_here(owner):
                self._channels.release(owner)
        return self._channels

    def sessions(self) -> list[Player]:
        """Return the sessions that live on this connection, the oldest first."""
        live = self.context.players
        self._own = {name: player for name, player in self._own.items() if name in live}
        return list(self._own.values())

    def _is_interleaved_here(self, owner: Owner) -> bool:
        """Whether a track still uses its channels: it may have ended, or been set up elsewhere."""
        session_id, track = owner
        player = self.context.players.get(session_id)
        if player is None or player.outbox is not self.connection.outbox:
            return False
        setup = player.session.tracks.get(track)
        return setup is not None and setup.granted.interleaved is not None

    def own(self, player: Player) -> None:
        """Count a session as one of this connection."""
        player.home = self.connection.outbox
        self._own[player.session.id] = player

    def session(self, request: Request) -> ServerSession:
        """Return the session that a request names, and note that it lives; raise 454.

        One whose own connection has gone belongs to this connection from now on.
        """
        value = request.headers.get("Session")
        if value is None:
            raise RtspError(454, "a Session header is needed")
        context = self.context
        session = context.sessions.get(SessionHeader.parse(value).id, self.connection.peer_host)
        session.touch(context.clock.monotonic_s())
        if context.players[session.id].is_abandoned:
            self.own(context.players[session.id])
        return session

    def player(self, request: Request) -> Player:
        """Return the media side of the session that a request names; raise 454."""
        return self.context.players[self.session(request).id]

    def keep_alive(self, request: Request) -> Headers:
        """Note that the named session lives, and return its header; nothing where none is named."""
        if "Session" not in request.headers:
            return []
        return [("Session", self.session(request).header)]

    def keep_alive_if_known(self, request: Request) -> Headers:
        """Do the same for a request that a session which is gone does not make wrong."""
        with contextlib.suppress(RtspError):
            return self.keep_alive(request)
        return []

    def touch(self) -> None:
        """Note that the sessions of this connection live: it asks something and names none."""
        now_s = self.context.clock.monotonic_s()
        for player in self._own.values():
            player.session.touch(now_s)

    def tell_playing(self, player: Player) -> None:
        """Tell that a session plays; one that pauses and goes on again and again, not each time."""
        self.has_played = True
        if player.has_played:
            about = self.connection.network
            self.context.limiter.log(player.log, logging.INFO, "playing on", about=about)
        else:
            player.log.info("playing")

    # -- the end of sessions ----------------------------------------------------------

    def forget_abandoned(self, playing: Player) -> None:
        """Drop older sessions of this stream that do not play: ffmpeg leaves them so.

        It does when UDP stays silent: it pauses, and sets up a new session on TCP.
        """
        mine = self.sessions()
        older = mine[: mine.index(playing)] if playing in mine else []
        for player in older:
            if player.mount is playing.mount and player.session.state is State.READY:
                self.context.end_session(player.session)

    def give_up(self, session: ServerSession, reason: str) -> None:
        """End a session that cannot go on, and the connection if nothing else lives on it."""
        player = self.context.players.get(session.id)
        if player is None:
            return
        is_ours = player.outbox is self.connection.outbox
        self.context.end_session(session)
        if is_ours or not self.sessions():  # many a UDP player does not heed BYE
            self.connection.end(reason)

    def leave(self) -> None:
        """End the sessions whose media run on this connection; UDP sessions live on."""
        for player in self.sessions():
            if player.outbox is self.connection.outbox:
                player.tell_left(self.context.limiter)
                self.context.end_session(player.session)
            elif player.home is self.connection.outbox:
                player.home, player.left_s = None, self.context.clock.monotonic_s()
