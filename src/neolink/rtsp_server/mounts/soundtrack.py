"""The sound of one mount as packets: gaps are filled, each choice is made, each form packetized.

Hot path: :meth:`Soundtrack.take` runs once per frame, :meth:`Soundtrack.fill_in` once per picture.
"""

from collections.abc import Callable, Sequence

from neolink.clock import Clock
from neolink.convert.targets import target_of
from neolink.convert.threads import CodecThreads
from neolink.hub.stream import Stream
from neolink.media.silence import Silence
from neolink.media.tracks import AudioTrack
from neolink.media.units import AudioFrame
from neolink.rtp.formats import AudioChoice, PayloadFormat, audio_format
from neolink.rtsp_server.mounts.parcel import AUDIO, Parcel
from neolink.rtsp_server.mounts.reports import Reports
from neolink.rtsp_server.mounts.seat import Lane, SoundForm
from neolink.rtsp_server.mounts.seats import Seats
from neolink.rtsp_server.mounts.senders import Senders
from neolink.rtsp_server.mounts.sounds import Sounds

__all__ = ["Soundtrack"]


class Soundtrack:
    """What players of one mount hear. ``on_change`` is called when it becomes another format."""

    def __init__(
        self,
        stream: Stream,
        seats: Seats,
        senders: Senders,
        reports: Reports,
        threads: CodecThreads,
        clock: Clock,
        on_change: Callable[[], None],
    ) -> None:
        self.track: AudioTrack | None = None
        """Of what came last; None before the first sound."""
        self.sounds = Sounds(stream.name, threads, clock, self._send)
        self.silence = Silence()
        self._stream = stream
        self._seats = seats
        self._senders = senders
        self._reports = reports
        self._on_change = on_change
        self._lanes: dict[SoundForm, tuple[Lane, ...]] = {}
        self._begun: set[SoundForm] = set()
        """Forms whose players were told by a report where their sound begins."""

    # -- description ------------------------------------------------------------------

    def made_of(self, track: AudioTrack, choice: AudioChoice) -> AudioTrack:
        """Return the track that players with this choice are sent for one of the camera."""
        return target_of(track, self.sounds.offered(track, choice))

    def payload_format(
        self, track: AudioTrack | None, choice: AudioChoice
    ) -> PayloadFormat[AudioFrame] | None:
        """Return the payload format that a player with this choice is told of; None: no sound."""
        if track is None or choice is AudioChoice.NONE:
            return None
        choice = self.sounds.offered(track, choice)
        return audio_format(target_of(track, choice), choice)

    def offered(self, choice: AudioChoice) -> AudioChoice:
        """Return what a new player is served that wishes for this choice of sound."""
        described = self._stream.presentation
        track = described.audio if described else None
        return choice if track is None else self.sounds.offered(track, choice)

    # -- what flows -------------------------------------------------------------------

    def take(self, frame: AudioFrame) -> None:
        """Send a frame of the camera."""
        self.silence.follow(frame.track)
        self._push(self.silence.take(frame))

    def fill_in(self, pts: int) -> None:
        """Send silence with a picture if sound was described and does not come."""
        if self.silence.track is None:
            described = self._stream.presentation
            if described is None or described.audio is None:
                return
            self.silence.follow(described.audio)
        self._push(self.silence.fill(pts))

    def serve_seats(self) -> None:
        """Send to the seats there are from now on, and make no other sound than they take."""
        lanes: dict[SoundForm, list[Lane]] = {}
        for seat in self._seats.all:
            form = seat.sound_form
            if form is not None:
                lanes.setdefault(form, []).append(seat.lane)
        self._lanes = {form: tuple(takers) for form, takers in lanes.items()}
        self.sounds.keep({choice for choice, _ in self._lanes})

    def source_stopped(self) -> None:
        """Learn that nothing follows for now."""
        self._begun.clear()
        self.silence.restart()

    def restart(self) -> None:
        """Begin anew, with a track that may be another."""
        self._begun.clear()
        self.sounds.restart()

    def _push(self, frames: Sequence[AudioFrame]) -> None:
        """Have frames made into what players want; it comes back to ``_send``."""
        for frame in frames:
            if frame.track is not self.track:
                self._note_track(frame)
            self._reports.last_pts[AUDIO] = (frame.pts, frame.track.clock_rate)
            for choice in dict.fromkeys(choice for choice, _ in self._lanes):
                self.sounds.push(choice, frame)

    def _send(self, choice: AudioChoice, frame: AudioFrame) -> None:
        """Packetize a frame of a choice, and give it to everybody who takes that."""
        media_s = frame.pts / frame.track.clock_rate
        for form, lanes in self._lanes.items():
            if form[0] is not choice:
                continue
            sender = self._senders.sound(frame, form)
            if form not in self._begun:
                self._begun.add(form)
                self._reports.tell([one for one in self._seats.all if one.sound_form == form])
            batch = sender.packetize(frame)
            self._seats.fan_out(Parcel(batch, track=AUDIO, media_s=media_s), lanes)

    def _note_track(self, frame: AudioFrame) -> None:
        """Take an audio track that is new, or that came back with another format."""
        if self.track not in {None, frame.track}:
            if self._lanes:
                self._on_change()
            self._senders.forget_sounds()
            self.sounds.restart()
        self._reports.note_origin(frame.pts / frame.track.clock_rate)
        self.track = frame.track
