"""Moves one player between the main and the sub stream of a camera, inside its session.

When is decided in ``adaptation``, how packets are numbered then in ``renumber``. A move is a second
seat, on the other mount, that takes nothing until a key frame comes there: then what waits of the
old pictures is dropped, the old seat is left, and the key frame is the next packet that the player
gets. So the camera sends the other stream only
from the moment that it is needed, and the old one no longer than that.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from neolink.clock import Clock
from neolink.log import bind_stream
from neolink.media.tracks import VIDEO_CLOCK_RATE, AudioTrack, StreamKind
from neolink.rtsp_server.mounts.mount import Mount
from neolink.rtsp_server.mounts.parcel import AUDIO, METADATA, VIDEO
from neolink.rtsp_server.mounts.paths import Choice
from neolink.rtsp_server.mounts.replay import SQUEEZE_TICKS
from neolink.rtsp_server.mounts.seat import Seat
from neolink.rtsp_server.sessions.adaptation import Adaptation, Condition, Place, Symptoms
from neolink.rtsp_server.sessions.entrance import Entrance
from neolink.rtsp_server.sessions.headroom import Headroom
from neolink.rtsp_server.sessions.renumber import Numbering, Stay, Track
from neolink.rtsp_server.settings import StartMode

if TYPE_CHECKING:
    from neolink.rtsp_server.sessions.player import Player

__all__ = ["FindStreams", "Switcher"]

_LOG = logging.getLogger(__name__)

FindStreams = Callable[[], Choice[Mount] | None]
"""Both streams as they are configured now; None when there are no longer two."""

_KINDS: Final = {Place.GOING_DOWN: StreamKind.SUB, Place.GOING_UP: StreamKind.MAIN}


@dataclass(slots=True)
class _Move:
    """A move that has not arrived."""

    target: Mount
    seat: Seat
    entrance: Entrance
    reason: str
    hindrance: str = ""
    """Why it never will."""


class Switcher:
    """The moves of one player. ``find_streams`` gives the mounts between which it may go."""

    def __init__(self, player: "Player", find_streams: FindStreams, clock: Clock) -> None:
        self.moves_down = 0
        self.moves_up = 0
        self._player = player
        self._find_streams = find_streams
        self._clock = clock
        self._adaptation = Adaptation(clock.monotonic_s())
        self._symptoms: Symptoms | None = None
        self._numbering = Numbering(player.mount.cname)
        self._sound: AudioTrack | None = None
        """What the player was told of."""
        self._sources: dict[int, int] = {}
        """SSRC by track of the mount that it is on, while it is what the player was told of."""
        self._entrance: Entrance | None = None
        """Where what the player sees now comes in."""
        self._move: _Move | None = None

    # -- the player's side ------------------------------------------------------------

    @property
    def has_moved(self) -> bool:
        """Whether the numbers of the session are no longer those of a mount."""
        return self._numbering.has_moved

    def ssrc(self, track: int) -> int | None:
        """Return the SSRC that the player knows a track by; None before it plays."""
        known = self._numbering.tracks.get(track)
        return known.ssrc if known else None

    def goes_on_with(self, granted: Mapping[int, int | None]) -> bool:
        """Whether a player that has moved may play again: what it will be sent is what it knows.

        ``granted`` are the SSRCs of SETUP, by which main was known; None of what we do not send.
        """
        mount, choice = self._first_mount(), self._player.choice
        known = self._sources if mount is self._player.mount else granted
        return all(
            known.get(track) == mount.ssrc(track, choice)
            for track, ssrc in granted.items()
            if ssrc is not None
        )

    def _first_mount(self) -> Mount:
        """Return where the player begins to play: on main, as long as there is one."""
        choice = self._find_streams()
        return choice.main if choice else self._player.mount

    def admit(self, seat: Seat, *, is_udp: bool) -> Seat:
        """Return the seat to take when the player begins to play, which it does on main."""
        player, now_s = self._player, self._clock.monotonic_s()
        before, mount = player.mount, self._first_mount()
        offset_s = self._offset_s(mount)
        if mount is not before:
            player.change_seat(mount, seat)
        self._learn_tracks(mount)
        self._note_sources(mount)
        self._adaptation.restart(now_s)
        self._symptoms = Symptoms(is_udp=is_udp, max_delay_s=mount.allowance.max_delay_s)
        self._entrance = Entrance(seat.lane, Stay(self._numbering, offset_s))
        return replace(seat, lane=self._entrance)

    def reported(self, loss: float) -> None:
        """Take the share of packets lost from a receiver report of the video."""
        if self._symptoms is not None:
            self._symptoms.reported(self._clock.monotonic_s(), loss)

    def look(self, now_s: float) -> None:
        """See how the player fares, and begin or give up a move."""
        seat, symptoms = self._player.seat, self._symptoms
        if seat is None or symptoms is None or not seat.wants_video:
            return
        if self._move is not None and self._move.hindrance:
            self._refuse(self._move.hindrance, now_s)
        before = self._adaptation.place
        headroom = self._entrance.headroom if self._entrance else None
        place = self._adaptation.look(
            now_s,
            self._condition(symptoms, now_s),
            has_headroom=headroom is not None and headroom.is_seen,
        )
        if place is before:
            return
        if place in _KINDS:
            self._begin(_KINDS[place], seat, now_s)
        else:
            self.cancel()

    def cancel(self, target: Mount | None = None) -> None:
        """Give up a move that has not arrived; if ``target`` is given, only one that leads there.

        The time that it may take runs on, so that another is not begun at once.
        """
        move = self._move
        if move is None or target not in {None, move.target}:
            return
        self._move = None
        move.entrance.close()
        move.target.leave(move.seat)

    # -- a move -----------------------------------------------------------------------

    def _condition(self, symptoms: Symptoms, now_s: float) -> Condition:
        player = self._player
        episodes = sum(backlog.episodes for backlog in player.backlogs)
        condition = symptoms.condition(now_s, delay_s=player.queue_delay_s, episodes=episodes)
        return condition if player.mount.is_flowing else Condition.UNSURE

    def _begin(self, kind: StreamKind, seat: Seat, now_s: float) -> None:
        """Take a second seat where the player is to go."""
        choice = self._find_streams()
        if choice is None:
            self._refuse("", now_s)
            return
        target = choice.main if kind is StreamKind.MAIN else choice.sub
        if hindrance := self._hindrance(target):
            self._refuse(hindrance, now_s)
        else:
            self._wait_at(target, seat)

    def _wait_at(self, target: Mount, seat: Seat) -> None:
        assert self._symptoms is not None  # it plays
        is_down = target.kind is StreamKind.SUB
        lasted_s = self._adaptation.lasted_s
        entrance = Entrance(
            self._player.lanes.joint,
            Stay(self._numbering),
            self._opens,
            self._is_our_sound,
            self._new_headroom() if is_down else None,
        )
        waiting = replace(
            seat,
            lane=entrance,
            start=self._start_mode() if is_down else StartMode.LIVE,
            on_renegotiate=self.cancel,
            on_failure=lambda _: self.cancel(),
        )
        reason = self._symptoms.words if is_down else f"it has kept up for {lasted_s:.0f} s"
        self._move = _Move(target, waiting, entrance, reason)
        target.join(waiting)

    def _new_headroom(self) -> Headroom | None:
        """Return a measure of how much more than sub the player could take, if there is one."""
        outbox, pace = self._player.lanes.video_outbox, self._player.mount.pace
        if outbox is None or pace.bytes_per_s is None:
            return None
        return Headroom(
            lambda: outbox.unacknowledged_bytes, self._clock.monotonic_s, pace.bytes_per_s
        )

    def _start_mode(self) -> StartMode:
        """Have cached pictures sent only where they are later than what the player has."""
        is_behind = self._player.queue_delay_s * VIDEO_CLOCK_RATE > SQUEEZE_TICKS
        return StartMode.FAST if is_behind else StartMode.LIVE

    def _opens(self) -> bool:
        """Decide whether a key frame of the other stream is where the player goes over."""
        move, seat = self._move, self._player.seat
        if move is None or seat is None or not move.target.is_flowing:
            return False
        move.hindrance = self._hindrance(move.target)
        if move.hindrance:
            return False
        self._arrive(move, seat)
        return True

    def _arrive(self, move: _Move, seat: Seat) -> None:
        player, before = self._player, self._player.mount
        assert self._entrance is not None  # it plays
        assert self._symptoms is not None
        before.metadata.flush()  # nobody would tell what waits there
        move.entrance.stay.offset_s = self._offset_s(move.target)
        self._drop_old_pictures()
        self._numbering.has_moved = True
        self._entrance.close()
        self._entrance, self._move = move.entrance, None
        before.leave(seat)
        move.seat.on_renegotiate, move.seat.on_failure = seat.on_renegotiate, seat.on_failure
        is_down = move.target.kind is StreamKind.SUB
        self.moves_down += is_down
        self.moves_up += not is_down
        player.change_seat(move.target, move.seat)
        self._note_sources(move.target)
        self._adaptation.arrived(self._clock.monotonic_s())
        self._symptoms.forget()
        player.log.info("moved to the %s stream: %s", move.target.kind, move.reason)

    def _drop_old_pictures(self) -> None:
        """Give up the pictures that wait; the next one goes on with their numbers."""
        backlog = self._player.lanes.video_backlog
        taken = backlog.discard(lambda parcel: parcel.track == VIDEO)
        backlog.dropped += len(taken)
        if taken:
            self._numbering.tracks[VIDEO].go_back_to(taken[0])

    def _offset_s(self, mount: Mount) -> float:
        """Return the media time of the session minus that of a mount, now."""
        if self._entrance is None or (mount is self._player.mount and not self.has_moved):
            return 0.0
        now_s = self._entrance.stay.offset_s + self._player.mount.stream.media_now_s
        return now_s - mount.stream.media_now_s

    # -- what stands against it -------------------------------------------------------

    def _learn_tracks(self, mount: Mount) -> None:
        found, choice = mount.stream.presentation, self._player.choice
        rates = {VIDEO: VIDEO_CLOCK_RATE, METADATA: VIDEO_CLOCK_RATE}
        if found is not None and (sound := mount.formats(found, choice)[AUDIO]) is not None:
            rates[AUDIO], self._sound = sound.clock_rate, found.audio
        for number, rate in rates.items():
            if number not in self._numbering.tracks:
                self._numbering.tracks[number] = Track(mount.ssrc(number, choice), rate)

    def _note_sources(self, mount: Mount) -> None:
        choice = self._player.choice
        self._sources = {track: mount.ssrc(track, choice) for track in (VIDEO, AUDIO, METADATA)}

    def _hindrance(self, target: Mount) -> str:
        """Tell why a player of one stream could not go on with the other, as far as is known."""
        ours, found = self._player.mount.video_codec, target.stream.presentation
        theirs = found.video.codec if found and found.video else target.video_codec
        if ours is not None and theirs is not None and ours is not theirs:
            return f"{target.name} is {theirs}, {self._player.mount.name} is {ours}"
        seat = self._player.seat
        if seat is not None and seat.audio and found is not None and found.audio != self._sound:
            return f"the sound of {target.name} is not that of {self._player.mount.name}"
        return ""

    def _is_our_sound(self) -> bool:
        return self._player.mount.audio_track == self._sound

    def _refuse(self, hindrance: str, now_s: float) -> None:
        """Stay; the log says why, once for each stream."""
        mount = self._player.mount
        self.cancel()
        self._adaptation.give_up(now_s)
        if hindrance and hindrance != mount.hindrance:
            mount.hindrance = hindrance
            text = "players that cannot follow stay on this stream: %s"
            bind_stream(_LOG, mount.name).warning(text, hindrance)
