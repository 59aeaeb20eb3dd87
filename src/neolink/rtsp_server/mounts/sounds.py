"""What a mount's sound becomes for each choice of its players, and who has it converted.

A conversion runs once per mount and choice, and only while somebody takes it. One that fails is
told of once, and tried again after a while; its players get silence instead, as those of one that
comes too late: a recorder that was told of sound waits for it with the pictures. Packets are made
elsewhere.
"""

import logging
from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial
from math import inf
from typing import Final

from neolink.clock import Clock
from neolink.convert.conversion import Conversion
from neolink.convert.targets import has_codecs, target_of
from neolink.convert.threads import CodecThreads
from neolink.convert.transcoder import Transcoder
from neolink.log import bind_stream
from neolink.media.silence import silent_frame
from neolink.media.tracks import AudioTrack
from neolink.media.units import AudioFrame
from neolink.rtp.formats import AudioChoice

__all__ = ["Sounds"]

_LOG = logging.getLogger(__name__)

RETRY_S: Final = 60.0
"""A conversion that failed is tried again after this time."""

PRIMING_S: Final = 0.1
"""So much earlier than the first frame that is encoded may the first encoded one begin."""

LATE_S: Final = 2.0
"""Sound that is converted may come so late before silence is put in its place: in media time and
by our clock, for a camera may send much at once."""

LAG_S: Final = 0.2
LAG_OF_LATE_S: Final = 1.0
"""Silence stays so far behind the camera, more where a conversion may catch up with it: what is
converted must not find its time taken."""

MOST_AT_ONCE_S: Final = 3.0
"""A longer hole is left open: the camera's sound had stopped, or nobody took it."""

Deliver = Callable[[AudioChoice, AudioFrame], None]


class Sounds:
    """The sound of one mount, by choice. ``deliver`` is given what is ready to be packetized."""

    def __init__(self, name: str, threads: CodecThreads, clock: Clock, deliver: Deliver) -> None:
        self._name = name
        self._threads = threads
        self._clock = clock
        self._deliver = deliver
        self._conversions: dict[AudioChoice, Conversion] = {}
        self._newest: AudioFrame | None = None
        """Of the camera."""
        self._made: dict[AudioChoice, AudioFrame] = {}
        """The newest frame that was delivered for a choice, or where it begins."""
        self._made_s: dict[AudioChoice, float] = {}
        """When that was."""
        self._silenced: set[AudioChoice] = set()
        """Choices whose players are given silence now."""
        self._failed_s: dict[AudioChoice, float] = {}
        self._told: set[tuple[AudioChoice, str]] = set()
        self._dropped_before = 0
        self.failures = 0
        """Conversions that had to be given up."""
        self.silent_frames = 0
        """Frames of silence in place of what was not converted."""

    @property
    def dropped(self) -> int:
        """Frames that were not converted, because codecs were too slow or could not read them."""
        now = sum(one.dropped + one.damaged for one in self._conversions.values())
        return self._dropped_before + now

    @property
    def conversions(self) -> Collection[AudioChoice]:
        """Choices that sound is being converted for."""
        return self._conversions.keys()

    # -- what is offered --------------------------------------------------------------

    def offered(self, source: AudioTrack, choice: AudioChoice) -> AudioChoice:
        """Return the choice that a new player is served: ``AUTO`` where its own cannot be had."""
        if target_of(source, choice) is source:
            return choice
        if not has_codecs():
            self._tell(
                choice,
                f"audio {choice.value!r} of {source.codec} needs an extra: "
                "pip install 'neolink[media]'; until then it comes as the camera sends it",
            )
            return AudioChoice.AUTO
        return AudioChoice.AUTO if self._is_given_up(choice) else choice

    def _is_given_up(self, choice: AudioChoice) -> bool:
        failed_s = self._failed_s.get(choice)
        return failed_s is not None and self._clock.monotonic_s() - failed_s < RETRY_S

    def _tell(self, choice: AudioChoice, text: str) -> None:
        """Log once; there are few choices and few texts."""
        if (choice, text) not in self._told:
            self._told.add((choice, text))
            bind_stream(_LOG, self._name).warning("%s", text)

    # -- what flows -------------------------------------------------------------------

    def push(self, choice: AudioChoice, frame: AudioFrame) -> None:
        """Take a frame of the camera for a choice that somebody takes."""
        self._newest = frame
        target = target_of(frame.track, choice)
        if target is frame.track:
            self._deliver(choice, frame)
            return
        conversion = self._conversions.get(choice)
        if conversion is None and not self._is_given_up(choice):
            conversion = self._conversions[choice] = Conversion(
                self._threads,
                partial(Transcoder, frame.track, target),
                partial(self._take, choice),
                partial(self._fail, choice, frame.track),
            )
        if conversion is not None:
            conversion.push(frame)
        self._fill_in(choice, target, frame.pts * target.clock_rate // frame.track.clock_rate)

    def keep(self, choices: Collection[AudioChoice]) -> None:
        """Convert for no other choices than these any more."""
        self._silenced.intersection_update(choices)
        for choice in [choice for choice in self._conversions if choice not in choices]:
            self._end(choice)

    def restart(self) -> None:
        """Begin anew, with a track that may be another."""
        self.keep(())
        self._newest = None
        self._made.clear()
        self._failed_s.clear()

    def delay_s(self, choice: AudioChoice) -> float:
        """Return how far behind the camera's newest frame the next one of a choice may begin."""
        newest = self._newest
        if newest is None or target_of(newest.track, choice) is newest.track:
            return 0.0
        made = self._made.get(choice)
        if made is None or not (choice in self._conversions or choice in self._silenced):
            return PRIMING_S
        end_s = (made.pts + made.samples) / made.track.clock_rate
        return max(0.0, newest.pts / newest.track.clock_rate - end_s)

    def _take(self, choice: AudioChoice, frame: AudioFrame) -> None:
        """Pass on what was converted; what an earlier conversion has covered already goes."""
        before = self._made.get(choice)
        if before is not None and frame.pts < before.pts + before.samples // 2:
            return
        if choice in self._silenced:
            self._silenced.discard(choice)
            self._be_silent(choice, frame.pts)
        self._note_made(choice, frame)
        self._deliver(choice, frame)

    def _note_made(self, choice: AudioChoice, frame: AudioFrame) -> None:
        self._made[choice], self._made_s[choice] = frame, self._clock.monotonic_s()

    def _fill_in(self, choice: AudioChoice, target: AudioTrack, now: int) -> None:
        """Deliver silence where nothing else comes; ``now`` is the camera's sound in its ticks."""
        made, rate = self._made.get(choice), target.clock_rate
        behind = now - (made.pts + made.samples) if made is not None else inf
        is_converted = choice in self._conversions
        if is_converted and not self._is_late(choice, behind / rate):
            return
        if behind > MOST_AT_ONCE_S * rate:
            begin = now - round(PRIMING_S * rate)
            self._note_made(choice, AudioFrame(target, b"", begin, 0))
            return
        self._silenced.add(choice)
        self._be_silent(choice, now - round((LAG_OF_LATE_S if is_converted else LAG_S) * rate))

    def _is_late(self, choice: AudioChoice, behind_s: float) -> bool:
        if behind_s == inf or choice in self._silenced:
            return True
        waited_s = self._clock.monotonic_s() - self._made_s[choice]
        return min(behind_s, waited_s) > LATE_S

    def _be_silent(self, choice: AudioChoice, until: int) -> None:
        """Deliver whole frames of silence behind the newest one."""
        made = self._made[choice]
        end, silent = made.pts + made.samples, silent_frame(made.track)
        while silent is not None and end + silent.samples <= until:
            self._made[choice] = frame = replace(silent, pts=end)
            self.silent_frames += 1
            end += silent.samples
            self._deliver(choice, frame)

    def _fail(self, choice: AudioChoice, source: AudioTrack, error: Exception) -> None:
        self._end(choice)
        self.failures += 1
        self._failed_s[choice] = self._clock.monotonic_s()
        self._tell(
            choice,
            f"the sound ({source.codec}) cannot be made {choice.value!r}: {error}; its players get"
            f" silence. It is tried again in {RETRY_S:g} s; until then new players get"
            " the sound as the camera sends it. Another choice of `audio` or ?audio= may do",
        )

    def _end(self, choice: AudioChoice) -> None:
        conversion = self._conversions.pop(choice)
        conversion.close()
        self._dropped_before += conversion.dropped + conversion.damaged
