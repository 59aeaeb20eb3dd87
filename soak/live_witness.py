"""A browser that believes nothing: all that a live WebSocket says is held against the rules. Pure.

The rules (``docs/live.md``): first a word about the camera, then ``init`` and its segment; the
first fragment behind ``init`` and ``skipped`` begins with a key frame; fragments are whole; their
numbers rise and decode times of a track never go back; something is said every 15 s; no end.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from neolink.mp4.initialization import AUDIO_TRACK_ID, VIDEO_TRACK_ID
from soak.watch import Watch

__all__ = ["LIVE", "STAND_IN", "Fragment", "LiveWitness", "Run", "Word", "parse_fragment"]

LIVE: Final = "live"
STAND_IN: Final = "stand_in"
MOST_SILENCE_S: Final = 15.0
MOST_WORDS: Final = 10_000
_HEAD: Final = 8
_NON_SYNC: Final = 0x010000


@dataclass(frozen=True, slots=True)
class Run:
    """Samples of one track in a fragment."""

    track_id: int
    decode_time: int
    samples: int
    size: int
    is_sync: bool
    """Whether the first sample is one to begin with."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """A ``moof`` and its ``mdat``."""

    sequence: int
    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Word:
    """When a browser was told that what it sees is live, or not."""

    at_s: float
    type: str


@dataclass(slots=True)
class LiveWitness(Watch):
    """One steady browser's records, over all its connections."""

    has_sound: bool
    fragments: int = 0
    inits: int = 0
    skips: int = 0
    words: list[Word] = field(default_factory=list)
    largest_silence_s: float = 0.0
    _last_message_s: float | None = None
    _has_word: bool = False
    _expects_init: bool = False
    _needs_key_frame: bool = True
    _sequence: int | None = None
    _decode_times: dict[int, int] = field(default_factory=dict)

    def begin_session(self, now_s: float) -> None:
        """Begin anew."""
        self.sessions += 1
        self._last_message_s = now_s
        self.last_unit_s = self._sequence = None
        self._has_word = self._expects_init = False
        self._needs_key_frame = True
        self._decode_times.clear()

    def word_at(self, at_s: float) -> str:
        """Return what was last said of the camera until then; empty: nothing yet."""
        return next((word.type for word in reversed(self.words) if word.at_s <= at_s), "")

    # -- messages ---------------------------------------------------------------------
    def take(self, message: str | bytes, now_s: float) -> None:
        """Take one message."""
        self._note_silence(now_s)
        if isinstance(message, str):
            self._take_text(message, now_s)
        elif self._expects_init:
            self._take_init(message, now_s)
        else:
            self._take_fragment(message, now_s)

    def _take_text(self, text: str, now_s: float) -> None:
        try:
            said: dict[str, Any] = json.loads(text)
            type_ = said["type"]
        except (ValueError, KeyError, TypeError):
            self.violate(now_s, f"a text that makes no sense: {text[:80]}")
            return
        if type_ in (LIVE, STAND_IN):
            self._has_word = True
            if (not self.words or self.words[-1].type != type_) and len(self.words) < MOST_WORDS:
                self.words.append(Word(now_s, type_))
        elif type_ == "init":
            self._take_announcement(said, now_s)
        elif type_ == "skipped":
            self.skips += 1
            self._needs_key_frame = True
        elif type_ == "end":
            self.violate(now_s, f"told of an end: {said.get('reason')}")

    def _take_announcement(self, said: dict[str, Any], now_s: float) -> None:
        self.inits += 1
        self._expects_init = self._needs_key_frame = True
        if not self._has_word:
            self.violate(now_s, "init before any word about the camera")
        if not str(said.get("mime", "")).startswith("video/mp4; codecs="):
            self.violate(now_s, f"a media type that none is: {said.get('mime')}")

    def _take_init(self, data: bytes, now_s: float) -> None:
        self._expects_init = False
        names = [name for name, _ in _boxes(data)]
        if names != [b"ftyp", b"moov"]:
            self.violate(now_s, f"an initialization of {names}")

    def _take_fragment(self, data: bytes, now_s: float) -> None:
        if not self.inits:
            self.violate(now_s, "a fragment before any init")
        try:
            fragment = parse_fragment(data)
        except ValueError as error:
            self.violate(now_s, f"a fragment that makes no sense: {error}")
            return
        self.fragments += 1
        before, self._sequence = self._sequence, fragment.sequence
        if before is not None and fragment.sequence <= before:
            self.violate(now_s, f"fragment {fragment.sequence} after {before}")
        if self._needs_key_frame:
            self._needs_key_frame = False
            first = fragment.runs[0]
            if first.track_id != VIDEO_TRACK_ID or not first.is_sync:
                self.violate(now_s, "it does not begin with a key frame")
        for run in fragment.runs:
            self._take_run(run, now_s)

    def _take_run(self, run: Run, now_s: float) -> None:
        before = self._decode_times.get(run.track_id)
        self._decode_times[run.track_id] = run.decode_time
        if before is not None and run.decode_time <= before:
            text = f"track {run.track_id}: decoded at {run.decode_time} after {before}"
            self.violate(now_s, text)
        if run.track_id == VIDEO_TRACK_ID:
            self.note_picture(now_s, is_entry=run.is_sync)
        elif run.track_id == AUDIO_TRACK_ID and self.has_sound:
            self.sounds += run.samples
        else:
            self.violate(now_s, f"a fragment of track {run.track_id}")

    def _note_silence(self, now_s: float) -> None:
        before, self._last_message_s = self._last_message_s, now_s
        if before is None:
            return
        silence_s = now_s - before
        self.largest_silence_s = max(self.largest_silence_s, silence_s)
        if silence_s > MOST_SILENCE_S:
            self.violate(now_s, f"nothing was said for {silence_s:.1f} s")


# ---------------------------------------------------------------- boxes
def parse_fragment(data: bytes) -> Fragment:
    """Read one ``moof`` and its ``mdat``. Raises ValueError for anything else."""
    boxes = list(_boxes(data))
    if [name for name, _ in boxes] != [b"moof", b"mdat"]:
        raise ValueError(f"boxes {[name for name, _ in boxes]}")
    (_, moof), (_, mdat) = boxes
    sequence, runs = None, []
    for name, body in _boxes(moof):
        if name == b"mfhd":
            sequence = int.from_bytes(body[4:8])
        elif name == b"traf":
            runs.append(_run(dict(_boxes(body))))
    if sequence is None or not runs:
        raise ValueError("a moof without a number or a track")
    if sum(run.size for run in runs) != len(mdat):
        raise ValueError(f"samples of {sum(run.size for run in runs)} bytes in {len(mdat)}")
    return Fragment(sequence, tuple(runs))


def _run(boxes: dict[bytes, bytes]) -> Run:
    try:
        tfhd, tfdt, trun = boxes[b"tfhd"], boxes[b"tfdt"], boxes[b"trun"]
    except KeyError as error:
        raise ValueError(f"a track without {error}") from None
    count = int.from_bytes(trun[4:8])
    if not count or len(trun) != 12 + 16 * count:
        raise ValueError(f"{count} samples in {len(trun)} bytes")
    sizes = [int.from_bytes(trun[at + 4 : at + 8]) for at in range(12, len(trun), 16)]
    return Run(
        track_id=int.from_bytes(tfhd[4:8]),
        decode_time=int.from_bytes(tfdt[4:12]),
        samples=count,
        size=sum(sizes),
        is_sync=not int.from_bytes(trun[20:24]) & _NON_SYNC,
    )


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = 0
    while position < len(data):
        size = int.from_bytes(data[position : position + 4])
        if size < _HEAD or position + size > len(data):
            raise ValueError(f"a box of {size} bytes at byte {position} of {len(data)}")
        yield data[position + 4 : position + _HEAD], data[position + _HEAD : position + size]
        position += size
