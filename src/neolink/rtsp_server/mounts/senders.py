"""Who makes the packets of a mount: one sender for each track, in each form that players take.

Sound has a form for each choice and size of packets, pictures for each size; each form has numbers
of its own. Which players get the packets is known only of pictures, where it decides what is made.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from neolink.media.tracks import VideoTrack
from neolink.media.units import AccessUnit, AudioFrame, MetadataDocument
from neolink.rtp.formats import (
    METADATA_FORMAT,
    AudioChoice,
    PayloadFormat,
    UnitT,
    audio_format,
    video_format,
)
from neolink.rtp.payload import HEADER_LENGTH
from neolink.rtp.sender import RtpSender
from neolink.rtsp_server.mounts.numbers import USUAL, Numbers, PacketSizes, first_sequence
from neolink.rtsp_server.mounts.parcel import AUDIO, METADATA, VIDEO
from neolink.rtsp_server.mounts.seat import Lane, Seat, SoundForm
from neolink.rtsp_server.settings import MountSettings

__all__ = ["AnySender", "Pictures", "Senders"]

AnySender = RtpSender[AccessUnit] | RtpSender[AudioFrame] | RtpSender[MetadataDocument]


@dataclass(eq=False, slots=True)
class Pictures:
    """The pictures in packets of one size: who makes these, and who gets them."""

    size: int
    sender: RtpSender[AccessUnit]
    lanes: tuple[Lane, ...] = ()
    group_sequence: int = 0
    """Sequence number of the first packet since the last random access point."""


class Senders:
    """The senders of one mount. ``settings`` gives those of now, ``cname`` is for all tracks."""

    def __init__(self, settings: Callable[[], MountSettings], cname: str) -> None:
        self.pictures: tuple[Pictures, ...] = ()
        """By size of packets, the usual one first; the others while somebody is sent them."""
        self.sounds: dict[SoundForm, RtpSender[AudioFrame]] = {}
        self.documents: RtpSender[MetadataDocument] | None = None
        self._settings = settings
        self._cname = cname
        self._numbers = Numbers()
        self._sizes = PacketSizes()

    # -- numbers ----------------------------------------------------------------------

    def ssrc(self, track: int, choice: AudioChoice, size: int) -> int:
        """Return the SSRC that a track has or will have."""
        return self._numbers.ssrc(track, choice, size)

    def take_size(self, wanted: int) -> int:
        """Hold the size of packets for a player that wants them up to ``wanted`` bytes."""
        return self._sizes.take(wanted, self._settings().packet_bytes)

    def release_size(self, size: int) -> None:
        """Hold a size no longer. With the last who did go its senders: they have its numbers."""
        if self._sizes.release(size):
            self._numbers.forget_size(size)
            self.sounds = {form: one for form, one in self.sounds.items() if form[1] != size}

    def forget(self) -> None:
        """Have none any more. New ones are other sources."""
        self._forget_senders()
        self._numbers = Numbers()

    def forget_sounds(self) -> None:
        """Have none of sound any more: it is another. New ones are other sources."""
        self.sounds.clear()
        self._numbers.forget_track(AUDIO)

    def restart(self) -> None:
        """Have none any more. New ones are the same sources with new numbers."""
        self._forget_senders()
        self._numbers.forget_timestamps()

    def _forget_senders(self) -> None:
        self.pictures, self.documents = (), None
        self.sounds.clear()

    # -- pictures ---------------------------------------------------------------------

    def begin_pictures(self, track: VideoTrack, first_pts: int) -> None:
        """Make the pictures' sender of the usual size."""
        payload_format = video_format(track, self._settings().aggregate)
        self.pictures = (self._new_pictures(payload_format, USUAL, first_pts),)

    def pictures_for(self, seat: Seat, cached: Iterable[AccessUnit]) -> Pictures | None:
        """Return where the pictures of a seat come from; None: none are wanted, or none came.

        Those in packets of a size that is new are counted from the cached group on.
        """
        if not seat.wants_video or not self.pictures:
            return None
        size = seat.packet_size(VIDEO)
        for pictures in self.pictures:
            if pictures.size == size:
                return pictures
        made = self._new_pictures(self.pictures[0].sender.payload_format, size, 0)
        for unit in cached:
            made.sender.packetize(unit)
        self.pictures = (*self.pictures, made)
        return made

    def share_pictures(self, seats: list[Seat]) -> None:
        """Send to these seats from now on; a size that none of them takes is made no longer."""
        for pictures in self.pictures:
            pictures.lanes = tuple(
                seat.lane
                for seat in seats
                if seat.wants_video and seat.packet_size(VIDEO) == pictures.size
            )
        self.pictures = tuple(one for one in self.pictures if one.lanes or one.size == USUAL)

    def _new_pictures(
        self, payload_format: PayloadFormat[AccessUnit], size: int, first_pts: int
    ) -> Pictures:
        sender = self._new(payload_format, VIDEO, AudioChoice.AUTO, size, first_pts)
        return Pictures(size, sender, group_sequence=sender.next_sequence)

    # -- sound, documents -------------------------------------------------------------

    def sound(self, frame: AudioFrame, form: SoundForm) -> RtpSender[AudioFrame]:
        """Return the sender of a form of sound, whose first frame this is if it is new."""
        sender = self.sounds.get(form)
        if sender is None:
            choice, size = form
            payload_format = audio_format(frame.track, choice)
            assert payload_format is not None  # NONE has no lanes, and the track exists
            sender = self._new(payload_format, AUDIO, choice, size, frame.pts)
            self.sounds[form] = sender
        return sender

    def sound_for(self, seat: Seat) -> RtpSender[AudioFrame] | None:
        """Return where the sound of a seat comes from; None: none is wanted, or none came."""
        form = seat.sound_form
        return self.sounds.get(form) if form else None

    def document_sender(self, now_pts: int) -> RtpSender[MetadataDocument]:
        """Return the sender of documents, which begins now if it is new."""
        if self.documents is None:
            self.documents = self._new(METADATA_FORMAT, METADATA, AudioChoice.AUTO, USUAL, now_pts)
        return self.documents

    # -- all --------------------------------------------------------------------------

    def of(self, seat: Seat, cached: Iterable[AccessUnit]) -> list[tuple[int, AnySender]]:
        """Return the senders of a seat's tracks, by track number."""
        pictures = self.pictures_for(seat, cached)
        pairs = (
            (VIDEO, pictures.sender if pictures else None),
            (AUDIO, self.sound_for(seat)),
            (METADATA, self.documents if seat.wants_metadata else None),
        )
        return [(track, sender) for track, sender in pairs if sender]

    def _new(
        self,
        payload_format: PayloadFormat[UnitT],
        track: int,
        choice: AudioChoice,
        size: int,
        first_pts: int,
    ) -> RtpSender[UnitT]:
        """Return a sender that begins at ``first_pts``, or goes with that of another size."""
        first_ticks = first_pts * payload_format.clock_rate // payload_format.pts_rate
        return RtpSender(
            payload_format,
            ssrc=self.ssrc(track, choice, size),
            channel=2 * track,  # what nearly every player asks for: 0-1 and 2-3
            first_sequence=first_sequence(),
            timestamp_offset=self._numbers.timestamp_offset(track, choice, first_ticks),
            cname=self._cname,
            max_payload=(size or self._settings().packet_bytes) - HEADER_LENGTH,
        )
