"""BcMedia: reads the audio and video packets out of a stream of binary payloads.

Source: protocol reference, section 4. Hot path: `BcMediaReader.feed` sees every byte of every
camera. A video packet that lies inside one fed chunk is a view of it; one that spans chunks is
joined once, when it is complete. No messages, no encryption and no other units of time here.
"""

import re
from dataclasses import dataclass

from neolink.baichuan.bcmedia_packets import (
    AUDIO_HEADER,
    MAGIC,
    MAGICS,
    POSIX_TIME,
    SUB_HEADER,
    TAGS,
    VIDEO_HEADER,
    VIDEO_MAGICS,
    AacPacket,
    AdpcmPacket,
    InfoPacket,
    Kind,
    NotAPacketError,
    Octets,
    Packet,
    VideoPacket,
    VideoTag,
    extent_of,
    has_header,
    parse_info,
    serialize,
)
from neolink.errors import RemoteProtocolError

__all__ = [
    "AacPacket",
    "AdpcmPacket",
    "BcMediaReader",
    "Damage",
    "InfoPacket",
    "Packet",
    "VideoPacket",
    "VideoTag",
    "serialize",
]

_ANY_MAGIC = re.compile(rb"100[12]|[0-9][01]dc|[0-9][15]wb")
_ALL_LENSES = (1 << 10) - 1
_SMALL = 1024  # bytes; shorter pieces of a packet are gathered by copying
_IN_STEP = -1


@dataclass(frozen=True, slots=True)
class Damage:
    """``discarded`` bytes at ``offset`` of the stream could not be read.

    Reported once per episode, when the reader is back in step.
    """

    offset: int
    discarded: int
    reason: str


class BcMediaReader:
    """Turns the binary payloads of one stream into packets, in order.

    Tolerant by default: bytes that are no packet are skipped to the next plausible header and
    reported as `Damage`; frames that depend on lost ones are dropped until the lens' next key
    frame. With ``strict`` they raise RemoteProtocolError; call `reset` before feeding again.
    Frames of a foreign codec and empty frames are skipped by their length.

    A packet is returned when its content is complete; its padding may come later. At most one
    incomplete packet is retained: a video packet of at most ``max_packet_length`` bytes, or an
    audio packet, which cannot exceed 64 KiB.
    """

    def __init__(self, *, strict: bool = False, max_packet_length: int = 8 * 1024 * 1024) -> None:
        self._strict = strict
        self._max_packet_length = max_packet_length
        self._packets = self._damages = self._discarded = self._dropped = self._skipped = 0
        self.reset()

    def reset(self) -> None:
        """Forget what is incomplete: the stream starts anew at offset 0. Counters stay."""
        self._held: list[memoryview | bytearray] = []
        self._held_length = 0
        self._needed = 0  # bytes from the start of what is held; 0 when nothing is held
        self._offset = 0  # in the stream, of the first byte that is not taken yet
        self._pad = 0  # bytes of padding that are still to come
        self._after_adpcm = False
        self._waiting = 0  # one bit for each lens that must see a key frame first
        self._lost_at = _IN_STEP  # where the present episode of damage began
        self._lost_reason = ""

    @property
    def packets(self) -> int:
        """Packets returned so far."""
        return self._packets

    @property
    def damages(self) -> int:
        """Damaged places passed so far."""
        return self._damages

    @property
    def discarded_bytes(self) -> int:
        """Bytes skipped as damaged so far, an episode that goes on included."""
        return self._discarded + (0 if self._lost_at == _IN_STEP else self._offset - self._lost_at)

    @property
    def dropped_frames(self) -> int:
        """Intact frames dropped because an earlier one was lost."""
        return self._dropped

    @property
    def skipped_packets(self) -> int:
        """Intact packets skipped because they are empty or of a foreign codec."""
        return self._skipped

    @property
    def retained_bytes(self) -> int:
        """Bytes that wait for the rest of their packet."""
        return self._held_length

    def feed(self, data: Octets) -> list[Packet | Damage]:
        """Take the next payload and return what it completes.

        ``data`` must never change afterwards: video packets are views of it.
        Raises RemoteProtocolError when strict.
        """
        out: list[Packet | Damage] = []
        view = memoryview(data)
        if self._needed:
            view = self._complete_held(view, out)
        start = 0
        end = len(view)
        while start < end:
            if self._pad:
                start += self._skip_pad(end - start)
            elif self._lost_at == _IN_STEP:
                start += self._next(view, start, out)
            else:
                start += self._scan(view, start, out)
        return out

    def _complete_held(self, view: memoryview, out: list[Packet | Damage]) -> memoryview:
        """Complete what is held with the start of ``view``; return what is left to read."""
        while self._needed:
            missing = self._needed - self._held_length
            self._hold(view[:missing], self._needed)
            if len(view) < missing:
                return view[:0]
            view = view[missing:]
            joined = memoryview(b"".join(self._held))
            self._held.clear()
            self._held_length = self._needed = 0
            taken = self._next(joined, 0, out) if self._lost_at == _IN_STEP else 0
            if taken < len(joined):
                return memoryview(b"".join((joined[taken:], view)))
        return view

    def _hold(self, view: memoryview, needed: int) -> None:
        """Keep ``view`` until ``needed`` bytes are held; small pieces cost only their bytes."""
        self._needed = needed
        self._held_length += len(view)
        if len(view) >= _SMALL:
            self._held.append(view)
        elif self._held and isinstance(self._held[-1], bytearray):
            self._held[-1] += view
        else:
            self._held.append(bytearray(view))

    def _skip_pad(self, available: int) -> int:
        skipped = min(self._pad, available)
        self._pad -= skipped
        self._offset += skipped
        return skipped

    def _next(self, view: memoryview, start: int, out: list[Packet | Damage]) -> int:
        """Take or hold what stands at ``start``; return how many bytes of ``view`` are done."""
        try:
            needed = extent_of(view, start, self._max_packet_length)
        except NotAPacketError as error:
            self._lose(str(error))
            return 0
        available = len(view) - start
        if needed > available:
            self._hold(view[start:], needed)
            return available
        taken = self._take(view, start, needed, out)
        self._offset += taken
        return taken

    def _take(self, view: memoryview, start: int, length: int, out: list[Packet | Damage]) -> int:
        """Return the complete packet at ``start`` through ``out``, and how long it really is."""
        (magic,) = MAGIC.unpack_from(view, start)
        video = VIDEO_MAGICS.get(magic)
        if video is not None:
            self._after_adpcm = False
            self._take_video(view, start, video, out)
            return length
        kind, lens = MAGICS[magic]
        self._after_adpcm = kind is Kind.ADPCM
        self._packets += 1
        if kind is Kind.INFO:
            out.append(parse_info(view, start))
            return length
        if kind is Kind.ADPCM:
            return self._take_adpcm(view, start, length, lens, out)
        self._pad = -(length - AUDIO_HEADER.size) % 8
        out.append(AacPacket(bytes(view[start + AUDIO_HEADER.size : start + length]), lens))
        return length

    def _take_video(
        self,
        view: memoryview,
        start: int,
        kind: tuple[bool, int],
        out: list[Packet | Damage],
    ) -> None:
        is_key_frame, lens = kind
        _, tag, length, extra, microseconds = VIDEO_HEADER.unpack_from(view, start)
        self._pad = -length % 8
        codec = TAGS.get(tag)
        if codec is None or not length:
            self._skipped += 1
            return
        start += VIDEO_HEADER.size
        posix_time = None
        if is_key_frame:
            self._waiting &= ~(1 << lens)
            if extra >= POSIX_TIME.size:
                (posix_time,) = POSIX_TIME.unpack_from(view, start)
        elif self._waiting >> lens & 1:
            self._dropped += 1
            return
        start += extra
        data = view[start : start + length]
        out.append(VideoPacket(is_key_frame, codec, data, microseconds, posix_time, lens))
        self._packets += 1

    def _take_adpcm(
        self, view: memoryview, start: int, length: int, lens: int, out: list[Packet | Damage]
    ) -> int:
        """Take one block. Some writers pad 4 bytes less or more than the length asks for.

        Less: the next packet starts within what should be padding, so that is looked at here.
        More: `_scan` finds the next packet 4 bytes on, which `_regain` does not call damage.
        """
        _, size, _ = AUDIO_HEADER.unpack_from(view, start)
        end = start + AUDIO_HEADER.size + size
        out.append(AdpcmPacket(bytes(view[end - size + SUB_HEADER.size : end]), lens))
        if end == start + length:
            self._pad = -size % 8
            return length
        is_short = bytes(view[start + length - 4 : start + length]) in MAGICS
        return length - 4 if is_short else length

    def _lose(self, reason: str) -> None:
        """Begin an episode of damage at the present offset."""
        if self._strict and not self._after_adpcm:
            raise RemoteProtocolError(reason, offset=self._offset)
        self._lost_at = self._offset
        self._lost_reason = reason

    def _scan(self, view: memoryview, start: int, out: list[Packet | Damage]) -> int:
        """Look for the next plausible header; return how many bytes of ``view`` are done."""
        is_first = self._offset == self._lost_at  # what stands there is known to be no packet
        found, needed = self._find(view, start + is_first)
        self._offset += found - start
        if self._strict and self._offset - self._lost_at > 4:
            raise RemoteProtocolError(self._lost_reason, offset=self._lost_at)
        if not has_header(view, found):
            self._hold(view[found:], needed)
            return len(view) - start
        self._regain(out)
        return found - start

    def _find(self, view: memoryview, start: int) -> tuple[int, int]:
        """Return where the next packet may start, and how many bytes it needs."""
        while match := _ANY_MAGIC.search(view, start):
            start = match.start()
            try:
                return start, extent_of(view, start, self._max_packet_length)
            except NotAPacketError:
                start += 1
        return max(len(view) - 3, start), 4

    def _regain(self, out: list[Packet | Damage]) -> None:
        """End the episode: a plausible header stands at the present offset."""
        lost_at, self._lost_at = self._lost_at, _IN_STEP
        discarded = self._offset - lost_at
        if self._after_adpcm and discarded == 4:
            return
        if self._strict:
            raise RemoteProtocolError(self._lost_reason, offset=lost_at)
        self._damages += 1
        self._discarded += discarded
        self._waiting = _ALL_LENSES
        out.append(Damage(lost_at, discarded, self._lost_reason))
