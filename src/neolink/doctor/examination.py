"""The examination of one camera: asks one thing after the other, each only if the last allows it.

The way in. There is at most one attempt to log in, and none with a password that was refused a
short while ago, so that no account is locked by asking for advice. Whatever happens, also a
cancellation, a login that was made is ended.
"""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import replace

from neolink.camera.settings import CameraSettings
from neolink.clock import Clock
from neolink.doctor.approach import Approach
from neolink.doctor.audience import Audience
from neolink.doctor.device_facts import DeviceFacts, StreamFacts
from neolink.doctor.findings import Check, Finding, Severity, fine, skipped
from neolink.doctor.judge_device import judge_device, judge_lost, judge_streams
from neolink.doctor.judge_login import judge_login_error, judge_out_of_time, judge_remembered
from neolink.doctor.judge_media import Circumstances, judge_play
from neolink.doctor.judge_settings import judge_settings
from neolink.doctor.network import Resolver, resolve
from neolink.doctor.questions import ask_about_device, ask_about_streams
from neolink.doctor.refusals import Refusals
from neolink.doctor.settings import DoctorSettings
from neolink.doctor.surroundings import Surroundings
from neolink.doctor.verdict import Report
from neolink.doctor.visit import Visit
from neolink.doctor.words import place, printable
from neolink.errors import AuthenticationFailed, ConnectionLost, NeolinkError
from neolink.log import RepeatLimiter, bind
from neolink.media.tracks import StreamKind

__all__ = ["Examination"]

_LOG = logging.getLogger(__name__)


class Examination:
    """Of the camera that ``settings`` name. ``run`` may be called once.

    ``audience`` hears of everything at once; what was found so far is in ``report`` at any time.
    """

    def __init__(
        self,
        settings: CameraSettings,
        how: DoctorSettings,
        *,
        audience: Audience,
        clock: Clock,
        refusals: Refusals,
        around: Surroundings,
        resolver: Resolver = resolve,
    ) -> None:
        wanted = settings.streams if how.streams is None else how.streams
        self._settings = replace(settings, streams=tuple(k for k in StreamKind if k in wanted))
        self._how = how
        self._audience = audience
        self._clock = clock
        self._refusals = refusals
        self._around = around
        self._resolver = resolver
        self._log = bind(_LOG, camera=settings.name)
        self._findings: list[Finding] = []
        self._check = Check.CONFIGURATION
        self._began_s = clock.monotonic_s()

    @property
    def report(self) -> Report:
        """What was found so far."""
        settings = self._settings
        return Report(
            camera=settings.name,
            address="" if settings.host is None else place(settings.host, settings.port),
            findings=tuple(self._findings),
            took_s=self._clock.monotonic_s() - self._began_s,
        )

    def begin(self, check: Check, what: str) -> None:
        """Hand on what is done now."""
        self._check = check
        self._audience.begin(check, what)

    def take(self, finding: Finding) -> None:
        """Keep a finding, and hand it on."""
        self._findings.append(finding)
        self._audience.take(finding)

    async def run(self) -> Report:
        """Find out what there is to find. Raises nothing that the camera or network can cause."""
        deadline_s = self._how.deadline_s(len(self._settings.streams))
        try:
            async with asyncio.timeout(deadline_s) as limit:
                await self._examine()
        except TimeoutError:
            if not limit.expired():
                raise
            self.take(judge_out_of_time(self._check, deadline_s))
        return self.report

    # -- the way in -------------------------------------------------------------------

    async def _examine(self) -> None:
        self._take_all(judge_settings(self._settings))
        if self._settings.host is None:
            return
        approach = Approach(
            self._settings,
            self._how,
            resolver=self._resolver,
            around=self._around,
            audience=self,
        )
        address = await approach.run()
        visit = await self._log_in(address) if address else None
        if visit is None:
            return
        try:
            await self._look_around(visit)
        except ConnectionLost as error:
            self.take(judge_lost(str(error)))
        finally:
            await visit.close()

    async def _log_in(self, address: str) -> Visit | None:
        remembered = None if self._how.is_forced else self._refusals.of(self._settings)
        if remembered is not None:
            self.take(judge_remembered(remembered))
            return None
        self.begin(Check.LOGIN, "logging in")
        try:
            visit = await self._visit(address)
        except NeolinkError as error:
            if isinstance(error, AuthenticationFailed):
                self._refusals.note(self._settings, error.reason)
            self.take(judge_login_error(error))
            return None
        self._refusals.forget(self._settings)
        self.take(fine(Check.LOGIN, f"logged in as {printable(self._settings.username)}"))
        return visit

    async def _visit(self, address: str) -> Visit:
        patience = self._how.patience
        settings = replace(
            self._settings,
            host=address,
            connect_timeout_s=patience.connect_s,
            first_reply_timeout_s=patience.greeting_s,
            login_timeout_s=patience.login_s,
        )
        return await Visit.open(
            settings,
            log=self._log,
            limiter=RepeatLimiter(self._clock),
            clock=self._clock,
            patience=patience,
        )

    # -- inside -----------------------------------------------------------------------

    async def _look_around(self, visit: Visit) -> None:
        settings = self._settings
        self.begin(Check.DEVICE, "asking the camera about itself")
        device = await ask_about_device(visit, settings.channel_id, self._clock)
        self._take_all(judge_device(device))
        if any(one.severity is Severity.FAILURE for one in self._of(Check.DEVICE)):
            self.take(skipped(Check.PLAY, "not tried, because of the above"))
            return
        streams = await ask_about_streams(visit, settings.username, device)
        self._take_all(judge_streams(streams))
        await self._play_all(visit, device, streams)

    async def _play_all(self, visit: Visit, device: DeviceFacts, streams: StreamFacts) -> None:
        kinds = list(self._settings.streams)
        for number, kind in enumerate(kinds):
            is_absent = kind is StreamKind.EXTERN and streams.lists(kind) is False
            if is_absent and len(kinds) > 1:
                self._skip(kind, "the camera has no such stream")
                continue
            await self._play(kind, visit, device, streams)
            if visit.is_lost:
                for other in kinds[number + 1 :]:
                    self._skip(other, "not played: the connection is lost")
                return

    async def _play(
        self, kind: StreamKind, visit: Visit, device: DeviceFacts, streams: StreamFacts
    ) -> None:
        self.begin(Check.PLAY, f"watching {kind} for {self._how.seconds:g} s")
        channel_id, seconds = self._settings.channel_id, self._how.seconds
        listed = streams.lists(kind)
        facts = await visit.play(kind, channel_id, seconds=seconds)
        case = Circumstances(
            expected=streams.expected(kind),
            # lists leave the extern stream out as a rule; without a list it is not known
            is_listed=kind is not StreamKind.EXTERN if listed is None else listed,
            is_private=device.is_private,
            has_other=bool(self.report.plays),
        )
        self._take_all(judge_play(facts, case))

    # -- findings ---------------------------------------------------------------------

    def _of(self, check: Check) -> list[Finding]:
        return [finding for finding in self._findings if finding.check is check]

    def _take_all(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            self.take(finding)

    def _skip(self, kind: StreamKind, why: str) -> None:
        self.take(replace(skipped(Check.PLAY, why), stream=kind))
