"""One device's life: reach it, log in once, run its channels' streams, come back after trouble.

No protocol here and no command; what to do about each failure is decided in this file alone.
"""

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from neolink.camera.backoff import Backoff
from neolink.camera.causes import cause_of
from neolink.camera.commands.battery import follow_batteries
from neolink.camera.commands.clock import set_clock_if_needed
from neolink.camera.commands.encoding import read_bit_rates
from neolink.camera.commands.identity import read_identity
from neolink.camera.commands.motion import MotionWatch
from neolink.camera.commands.snapshot import take_snapshot
from neolink.camera.failures import Phase
from neolink.camera.session import CameraSession
from neolink.camera.settings import CameraSettings
from neolink.camera.speaker import Speaker
from neolink.camera.status import CameraState, CameraStatus
from neolink.camera.stream import CameraStream
from neolink.clock import Clock
from neolink.errors import AuthenticationFailed, ConnectionLost, DeadlineExceeded, NeolinkError
from neolink.log import BoundLogger, RepeatLimiter, bind
from neolink.media.tracks import StreamKind

__all__ = ["Camera"]

IDLE_CHECK_S = 1.0

SNAPSHOT_WAIT_S = 20.0
"""For a snapshot, and those that were asked for before it."""


class Camera:
    """One device with one login, shared by all its channels and streams.

    ``settings`` are those of any of its channels: they agree in address and credentials.
    """

    def __init__(
        self,
        settings: CameraSettings,
        streams: Sequence[CameraStream],
        *,
        clock: Clock,
        limiter: RepeatLimiter,
    ) -> None:
        self.settings = settings
        self.streams = tuple(streams)
        self.status = CameraStatus(since_s=clock.monotonic_s())
        self.motion = MotionWatch(clock)
        self._clock = clock
        self._limiter = limiter
        self._log = _log_of(settings.name)
        self._backoff = Backoff(settings)
        self._connected_s: float | None = None
        self._outage_s: float | None = None
        """When it failed first since it was logged in last."""
        self._session: CameraSession | None = None
        """The login of now."""
        self._snapping = asyncio.Lock()
        self._serving: dict[CameraStream, asyncio.Task[None]] = {}
        """On the login of the moment."""
        self._speakers: dict[int, Speaker] = {}
        """By channel."""
        self._has_more = asyncio.Event()

    @property
    def is_wanted(self) -> bool:
        """Whether any of its streams is wanted now."""
        return any(stream.is_wanted for stream in self.streams)

    @property
    def missed_pings(self) -> int:
        """How many pings in a row the camera did not answer although it is logged in."""
        return self._session.missed_pings if self._session is not None else 0

    # -- changes while it runs --------------------------------------------------------

    def add(self, stream: CameraStream) -> None:
        """Serve one more stream, on the login that is there."""
        self.streams += (stream,)
        self._has_more.set()

    def remove(self, stream: CameraStream) -> asyncio.Task[None] | None:
        """Stop a stream; return the task that tells the camera so, if it was served."""
        self.streams = tuple(other for other in self.streams if other is not stream)
        task = self._serving.pop(stream, None)
        if task is not None:
            task.cancel()
        return task

    def rename(self, name: str) -> None:
        """Go by the name of another of its channels in the log."""
        self.settings = replace(self.settings, name=name)
        self._log = _log_of(name)

    @property
    def speakers(self) -> Mapping[int, Speaker]:
        """The loudspeakers that were asked for, by channel."""
        return self._speakers

    def speaker(self, settings: CameraSettings) -> Speaker:
        """Return the loudspeaker of a channel, with these settings; always the same one."""
        speaker = self._speakers.get(settings.channel_id)
        if speaker is None:
            speaker = Speaker(settings, self._clock, self._limiter, self._why_away)
            self._speakers[settings.channel_id] = speaker
            self._has_more.set()
        speaker.settings = settings
        return speaker

    # -- commands ---------------------------------------------------------------------

    async def snapshot(self, channel_id: int, kind: StreamKind) -> bytes:
        """Return a JPEG made by the camera, on the login that there is; none is made for it.

        One at a time; who comes meanwhile waits for its turn, 20 s at most. Raises ConnectionLost
        without a login, DeadlineExceeded, and what ``take_snapshot`` does.
        """
        try:
            async with asyncio.timeout(SNAPSHOT_WAIT_S), self._snapping:
                if self._session is None:
                    raise ConnectionLost(f"{self.settings.name}: {self._why_away()}")
                return await take_snapshot(self._session, channel_id, kind)
        except TimeoutError:
            text = f"{self.settings.name}: too many snapshots are asked for at once"
            raise DeadlineExceeded(text) from None

    def _why_away(self) -> str:
        if self.status.state is CameraState.IDLE:
            return "the camera is asleep, and this does not wake it"
        return f"not connected; {self.status.last_error or 'the first login is under way'}"

    # -- life -------------------------------------------------------------------------

    async def run(self) -> None:
        """Keep the device connected (or, with ``idle_disconnect``, connected while wanted).

        Runs until cancelled; no failure of the camera ends it.
        """
        if self.settings.host is None:
            await self._explain_unsupported()
        while True:
            await self._until_needed()
            try:
                await self._attend()
            except Exception as error:  # noqa: BLE001 - what it does not know is raised on
                _raise_if_cancelled()
                await self._handle(error)

    # -- one connection ---------------------------------------------------------------

    async def _attend(self) -> None:
        """Connect, log in and serve until something fails; always ends by raising."""
        self._connected_s = None
        self._set_state(CameraState.CONNECTING)
        try:
            async with CameraSession.open(
                self.settings, self._log, self._limiter, self._set_phase
            ) as session:
                await self._use(session)
        finally:
            self._session = None
            self.status.login_ended(self._clock.monotonic_s())

    async def _use(self, session: CameraSession) -> None:
        """Serve on a login until something fails; always ends by raising."""
        self._connected_s = self._clock.monotonic_s()
        self._session = session
        self._backoff.logged_in()
        self.status.logged_in(self._connected_s)
        self._set_state(CameraState.CONNECTED)
        self._tell_connected(self._connected_s)
        follow_batteries(session, self.status)
        async with asyncio.TaskGroup() as tasks:
            name = self.settings.name
            tasks.create_task(self._get_acquainted(session), name=f"{name} clock")
            if self.settings.idle_disconnect:
                tasks.create_task(self._until_idle(), name=f"{name} idle")
            tasks.create_task(self._serve(session, tasks), name=f"{name} streams")
            tasks.create_task(self.motion.serve(session, self._log), name=f"{name} motion")
            await session.keep_alive()  # in the group's body: see _raise_if_cancelled

    def _tell_connected(self, now_s: float) -> None:
        """Close the account of an outage: how long it was replaces what was held back of it."""
        self._limiter.drop(self._log)
        if self._outage_s is None:
            self._log.info("connected and logged in")
        else:
            self._log.info(
                "connected and logged in, %.0f s after it failed", now_s - self._outage_s
            )
        self._outage_s = None

    async def _serve(self, session: CameraSession, tasks: asyncio.TaskGroup) -> None:
        """Begin with every stream and loudspeaker, also with those that are added later."""
        self._serving = {}
        speaking: set[Speaker] = set()
        while True:
            self._serve_more(session, tasks, speaking)
            self._has_more.clear()
            await self._has_more.wait()

    def _serve_more(
        self, session: CameraSession, tasks: asyncio.TaskGroup, speaking: set[Speaker]
    ) -> None:
        """Begin with what is not served. Who waits for more holds on to none that goes."""
        for speaker in set(self._speakers.values()) - speaking:
            speaking.add(speaker)
            tasks.create_task(speaker.serve(session), name=f"{self.settings.name} talk")
        for stream in self.streams:
            if stream not in self._serving:
                name = f"{self.settings.name} {stream.kind}"
                self._serving[stream] = tasks.create_task(stream.serve(session), name=name)

    async def _get_acquainted(self, session: CameraSession) -> None:
        """Ask what is asked once per login, one thing after the other."""
        await self._set_clock(session)
        await self._ask_model(session)
        for channel_id in sorted({stream.channel_id for stream in self.streams}):
            await self._ask_bit_rates(session, channel_id)

    async def _ask_bit_rates(self, session: CameraSession, channel_id: int) -> None:
        try:
            rates = await read_bit_rates(session, channel_id)
        except NeolinkError as error:
            self._log.debug("the camera did not tell its bit rates: %s", error)
            return
        for stream in self.streams:
            if stream.channel_id == channel_id:
                stream.note_bitrate(rates.get(stream.kind))

    async def _ask_model(self, session: CameraSession) -> None:
        try:
            identity = await read_identity(session)
        except NeolinkError as error:
            self._log.debug("the camera did not tell its model: %s", error)
        else:
            self.status.model, self.status.firmware = identity.model, identity.firmware

    async def _set_clock(self, session: CameraSession) -> None:
        try:
            was_set = await set_clock_if_needed(
                session, unix_s=self._clock.unix_s(), always=self.settings.update_time
            )
        except NeolinkError as error:  # a lost connection is the keep-alive's to tell
            self._log.debug("the camera's clock was not checked: %s", error)
        else:
            if was_set:
                self._log.info("set the camera's clock to the local time of this host")

    # -- when to connect --------------------------------------------------------------

    async def _until_needed(self) -> None:
        while self.settings.idle_disconnect and not self.is_wanted:
            self._set_state(CameraState.IDLE)
            self._has_more.clear()
            waits = [asyncio.ensure_future(stream.until_wanted()) for stream in self.streams]
            more = asyncio.ensure_future(self._has_more.wait())
            try:
                await asyncio.wait([more, *waits], return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in (more, *waits):
                    wait.cancel()
                await asyncio.gather(more, *waits, return_exceptions=True)

    async def _until_idle(self) -> None:
        used_s = self._clock.monotonic_s()
        while self.is_wanted or self._clock.monotonic_s() - used_s < self.settings.idle_grace_s:
            if self.is_wanted:
                used_s = self._clock.monotonic_s()
            await asyncio.sleep(IDLE_CHECK_S)
        raise _IdleError

    # -- failures ---------------------------------------------------------------------

    async def _handle(self, error: Exception) -> None:
        """Do what the end of a connection calls for; an error of ours is raised on."""
        causes = list(_leaves(error))
        for cause in causes:
            if not isinstance(cause, NeolinkError | _IdleError):
                self._note_failure(CameraState.WAITING, f"internal error: {cause!r}", cause)
                raise error
        failure = next((cause for cause in causes if isinstance(cause, NeolinkError)), None)
        if failure is not None:
            await self._recover(failure)
        else:
            self._log.info("logged out: nobody has used the camera for a while")
            self._set_state(CameraState.IDLE)

    async def _recover(self, error: NeolinkError) -> None:
        now_s = self._clock.monotonic_s()
        lasted_s = now_s - self._connected_s if self._connected_s is not None else 0.0
        self._outage_s = now_s if self._outage_s is None else self._outage_s
        pause_s = self._backoff.pause_s(error, lasted_s)
        is_refused = isinstance(error, AuthenticationFailed)
        self.status.refusal = error.reason if isinstance(error, AuthenticationFailed) else None
        state = CameraState.AUTH_FAILED if is_refused else CameraState.WAITING
        self._note_failure(state, str(error), error)
        if is_refused:
            self._log.error("login refused: %s; next attempt in %.0f s", error, pause_s)
        else:
            lost = "Connection Lost: %s; next attempt in %g s"
            text = str(error)
            self._limiter.log(self._log, logging.WARNING, lost, text, pause_s, about=text)
        self.status.next_attempt_s = now_s + pause_s
        try:
            await asyncio.sleep(pause_s)
        finally:
            self.status.next_attempt_s = None

    async def _explain_unsupported(self) -> None:
        text = "found only by UID, which is not supported yet: give the camera's `address`"
        self._log.error("%s", text)
        self.status.last_error = text
        self._set_state(CameraState.UNSUPPORTED)
        await asyncio.get_running_loop().create_future()  # until cancelled

    def _note_failure(self, state: CameraState, text: str, error: BaseException) -> None:
        self._set_state(state)
        status = self.status
        status.failures += 1
        status.last_error, status.last_error_s = text, self._clock.monotonic_s()
        status.errors[status.phase] += 1
        status.reconnects[cause_of(error, status.phase)] += 1

    def _set_phase(self, phase: Phase) -> None:
        self.status.phase = phase

    def _set_state(self, state: CameraState) -> None:
        if state is not self.status.state:
            self.status.state = state
            self.status.since_s = self._clock.monotonic_s()


class _IdleError(Exception):
    """Nobody uses the camera; the login is given up on purpose."""


def _log_of(name: str) -> BoundLogger:
    return bind(logging.getLogger(__name__), camera=name, phase="connection")


def _raise_if_cancelled() -> None:
    """Raise CancelledError when the current task was cancelled from outside.

    A task group that already ends because of an error swallows a cancellation; whoever handles
    that error and goes on must ask. The group's own cancellation of its body is not counted, but
    before Python 3.13 only while the body still runs.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _leaves(one)
    else:
        yield error
