"""A channel's loudspeaker: sound comes in as it comes, and leaves at the pace it is played.

A talk is open on the login only while somebody speaks. Who may speak is decided elsewhere.
"""

import asyncio
import logging
from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING, Final

from neolink.camera.session import CameraSession
from neolink.camera.settings import CameraSettings
from neolink.clock import Clock
from neolink.errors import ConnectionLost, DeadlineExceeded, NeolinkError, Unsupported
from neolink.log import BoundLogger, RepeatLimiter, bind
from neolink.media.adpcm import AdpcmEncoder
from neolink.media.pcm import Resampler
from neolink.media.playout import Playout

if TYPE_CHECKING:  # most never talk: its messages are loaded by who does
    from neolink.camera.commands.talk import TalkFormat, TalkLine

__all__ = ["Speaker"]

RATES: Final = (8000, 16_000)
"""Sample rates that sound may come in, in Hz."""

LEARN_TIMEOUT_S = 5.0
BELIEVE_S = 60.0
"""How long "no loudspeaker" is believed: a camera that is waking up may say so. One that answers
nothing is not asked again for as long: a player asks with each of its requests, and would wait."""

JITTER_S = 0.12
"""So much sound is left to play after a block was taken: five packets that come late, or a gap that
is waited for, are not heard."""

MOST_WAITING_S = 0.5
"""More than this and a block never waits: the oldest is dropped, so that no delay stays."""

LEAD_S = 0.08
"""A block is sent when less than this is left to play: the camera then has a block to spare."""

SILENCE_S = 3.0
"""After so long without sound the talk ends."""

TAIL_S = 0.1
"""How much longer than by our clock the camera may take to play the last block."""

REST_S = 5.0
"""After a failure nobody is heard for so long, or every packet would ask the camera anew."""


class Speaker:
    """The loudspeaker of one channel of a device, on whatever login there is.

    ``why_away`` says why there is none. Counters are of the program's whole life.
    """

    def __init__(
        self,
        settings: CameraSettings,
        clock: Clock,
        limiter: RepeatLimiter,
        why_away: Callable[[], str],
    ) -> None:
        self.settings = settings
        self.talks = 0
        """Talks that the camera agreed to."""
        self.failures = 0
        """Talks that it refused, or that broke."""
        self.blocks_sent = 0
        self.blocks_dropped = 0
        """Not sent, because the network was behind."""
        self._clock = clock
        self._limiter = limiter
        self._why_away = why_away
        self._session: CameraSession | None = None
        self._learning = asyncio.Lock()
        self._format: TalkFormat | None = None
        self._lack: str | None = None
        """Why nobody can talk to it: words, for an error that is kept keeps whoever was told."""
        self._learnt_s = -inf
        self._unanswered_s = -inf
        """When this login was asked last and did not answer."""
        self._is_awaited = False
        """Whether somebody asked in vain because there was no login."""
        self._login = 0
        """Counts the logins."""
        self._learnt_on: int | None = None
        self._playout = Playout(RATES[0])
        self._resampler: Resampler | None = None
        self._heard = asyncio.Event()
        self._heard_s = -inf
        self._is_finished = False
        self._rests_until_s = -inf

    # -- what it can ------------------------------------------------------------------

    async def learn(self) -> None:
        """Ask the camera what it can, unless it told on this login; without one, what is known.

        Within 5 s. Raises Unsupported when nobody can talk to it, ConnectionLost and its kind or
        RemoteProtocolError when that is not known.
        """
        text = f"the camera did not tell within {LEARN_TIMEOUT_S:g} s whether one can talk"
        if self._clock.monotonic_s() - self._unanswered_s < BELIEVE_S:
            raise DeadlineExceeded(text)
        try:
            async with asyncio.timeout(LEARN_TIMEOUT_S), self._learning:
                if not self._is_known():
                    await self._ask()
        except TimeoutError:
            self._unanswered_s = self._clock.monotonic_s()
            raise DeadlineExceeded(text) from None
        if self._lack is not None:
            raise Unsupported(self._lack)

    def _is_known(self) -> bool:
        if self._session is None:
            if self._learnt_on is None:
                self._is_awaited = True
                raise ConnectionLost(self._why_away())
            return True
        is_old = self._clock.monotonic_s() - self._learnt_s > BELIEVE_S
        return self._learnt_on == self._login and not (self._lack is not None and is_old)

    async def _ask(self) -> None:
        from neolink.camera.commands import talk  # noqa: PLC0415 - see above

        session, login = self._session, self._login
        assert session is not None  # known otherwise
        try:
            found = await talk.read_talk_format(session, self.settings.channel_id)
            self._use(found)
        except Unsupported as lack:
            self._format, self._lack = None, str(lack)
        self._learnt_s, self._learnt_on = self._clock.monotonic_s(), login

    def _use(self, talk_format: "TalkFormat") -> None:
        for rate in RATES:
            Resampler(rate, talk_format.sample_rate)  # Unsupported where that cannot be made
        if self._format != talk_format:
            self._resampler = None
            self._playout = Playout(
                talk_format.sample_rate,
                target_s=JITTER_S + talk_format.block_s,
                max_s=MOST_WAITING_S + talk_format.block_s,
            )
        self._format, self._lack = talk_format, None

    # -- sound ------------------------------------------------------------------------

    def say(self, pcm: bytes, clock_rate: int) -> bool:
        """Take sound, 16 bit, big-endian, mono, of 8 or 16 kHz; False when it is not heard.

        That is so without a login, for a while after a failure, and before ``learn``.
        """
        now_s = self._clock.monotonic_s()
        if self._format is None or self._session is None or now_s < self._rests_until_s:
            return False
        if self._resampler is None or self._resampler.from_rate != clock_rate:
            self._resampler = Resampler(clock_rate, self._format.sample_rate)
        self._playout.put(self._resampler.resample(pcm))
        self._heard_s, self._is_finished = now_s, False
        self._heard.set()
        return True

    def finish(self) -> None:
        """Learn that nobody speaks any more: the talk ends when all was played."""
        self._is_finished = True
        self._playout.finish()

    @property
    def is_talking(self) -> bool:
        """Whether somebody was heard, and the talk has not ended yet."""
        return self._heard.is_set()

    # -- life -------------------------------------------------------------------------

    async def serve(self, session: CameraSession) -> None:
        """Talk on this login whenever somebody speaks, until cancelled. Raises nothing else."""
        self._session = session
        self._login += 1
        self._unanswered_s = -inf
        try:
            await self._learn_if_awaited()
            while True:
                await self._heard.wait()
                try:
                    await self._talk(session)
                except NeolinkError as error:
                    self._fail(f"what is said is not heard: {error}")
                except Exception:  # noqa: BLE001 - must not end the login, and its pictures
                    self._log.exception("talk failed")
                    self._fail("what is said is not heard: internal error")
        finally:
            self._session = None
            self._fall_silent()

    async def _learn_if_awaited(self) -> None:
        """Ask for who asked while the camera was away: awake, it is asked by nobody any more.

        A player that may not wait goes on without the back channel, and comes back with a
        question when the camera is asleep again.
        """
        if not self._is_awaited:
            return
        self._is_awaited = False
        try:
            await self.learn()
        except NeolinkError as error:  # who asks again is told
            self._log.debug("%s", error)
        except Exception:  # noqa: BLE001 - must not end the login, and its pictures
            self._log.exception("talk failed")

    async def _talk(self, session: CameraSession) -> None:
        from neolink.camera.commands import talk  # noqa: PLC0415 - see above

        await self.learn()
        talk_format = self._format
        assert talk_format is not None  # else it raised
        encoder = AdpcmEncoder(
            talk_format.block_samples, high_nibble_first=self.settings.has_high_talk_nibble_first
        )
        async with talk.open_talk(session, self.settings.channel_id, talk_format) as line:
            self.talks += 1
            self._log.info("somebody talks")
            await self._play(line, encoder, talk_format.block_s)
        self._log.info("the talk has ended")

    async def _play(self, line: "TalkLine", encoder: AdpcmEncoder, block_s: float) -> None:
        """Send blocks at the pace they are played, until there is nothing more to say.

        ``ends_s`` is when the camera has played all that it has. A block goes when less than
        ``LEAD_S`` is left, so that no delay of ours can ever fill the camera's buffer.
        """
        ends_s = now_s = self._clock.monotonic_s()
        while not self._is_over(now_s):
            ends_s = max(ends_s, now_s)
            if ends_s - now_s > LEAD_S:
                await asyncio.sleep(ends_s - now_s - LEAD_S)
            else:
                block = encoder.encode(self._playout.take(encoder.block_samples))
                is_sent = line.send(block)
                self.blocks_sent += is_sent
                self.blocks_dropped += not is_sent
                ends_s += block_s
            now_s = self._clock.monotonic_s()
        self._fall_silent()
        await asyncio.sleep(max(0.0, ends_s - now_s) + TAIL_S)

    def _is_over(self, now_s: float) -> bool:
        is_all_said = self._is_finished and self._playout.is_empty
        return is_all_said or now_s - self._heard_s >= SILENCE_S

    def _fall_silent(self) -> None:
        self._playout.clear()
        self._heard.clear()

    def _fail(self, text: str) -> None:
        self.failures += 1
        self._rests_until_s = self._clock.monotonic_s() + REST_S
        self._fall_silent()
        self._limiter.log(self._log, logging.WARNING, "%s", text, about=text)

    @property
    def _log(self) -> BoundLogger:
        return bind(logging.getLogger(__name__), camera=self.settings.name, phase="talk")
