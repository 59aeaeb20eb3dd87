"""Examinations under test: a patient who is simulated, and little patience."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from neolink.clock import SystemClock
from neolink.doctor.examination import Examination
from neolink.doctor.findings import Cause, Check, Finding, Severity
from neolink.doctor.network import Resolver
from neolink.doctor.refusals import Refusals
from neolink.doctor.settings import DoctorSettings, Patience
from neolink.doctor.surroundings import Surroundings
from neolink.doctor.verdict import Report
from neolink.media.tracks import StreamKind
from neolink.simulator.faults import Fault
from neolink.simulator.profile import CameraProfile
from neolink.simulator.server import SimulatedCamera
from support.camera_bench import Peer, scripted, settings_for

__all__ = [
    "AT_HOME",
    "QUICK",
    "Notes",
    "causes",
    "examination",
    "examined",
    "problems",
    "speaking",
    "spoilt",
]

QUICK = DoctorSettings(
    seconds=0.7,
    streams=(StreamKind.SUB,),
    other_ports=(),
    patience=Patience(
        name_s=1.0,
        connect_s=2.0,
        other_ports_s=1.0,
        greeting_s=1.0,
        second_greeting_s=0.4,
        login_s=2.0,
        query_s=1.0,
        retry_s=0.05,
        picture_s=1.0,
        total_s=15.0,
    ),
)
"""Enough for a camera on this machine."""

AT_HOME = Surroundings(interfaces=("lo", "eth0"), has_route=True)


@dataclass(eq=False)
class Notes:
    """An audience that remembers."""

    steps: list[tuple[Check, str]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def begin(self, check: Check, what: str) -> None:
        self.steps.append((check, what))

    def take(self, finding: Finding) -> None:
        self.findings.append(finding)


def examination(
    camera: SimulatedCamera | int,
    how: DoctorSettings = QUICK,
    *,
    notes: Notes | None = None,
    memory: Path | None = None,
    around: Surroundings = AT_HOME,
    resolver: Resolver | None = None,
    **changes: object,
) -> Examination:
    """Return an examination of a camera, or of a port; ``changes`` are of its settings."""
    clock = SystemClock()
    return Examination(
        settings_for(camera, **changes),
        how,
        audience=notes or Notes(),
        clock=clock,
        refusals=Refusals(memory, clock),
        around=around,
        resolver=resolver or _no_resolver,
    )


async def examined(
    camera: SimulatedCamera | int, how: DoctorSettings = QUICK, **kw: object
) -> Report:
    """Examine a camera, or a port."""
    return await examination(camera, how, **kw).run()  # type: ignore[arg-type]  # passed on


def _no_resolver(host: str) -> Sequence[str]:
    raise AssertionError(f"asked for {host}")


@asynccontextmanager
async def spoilt(*faults: Fault, profile: CameraProfile) -> AsyncIterator[SimulatedCamera]:
    """Run a camera with faults that last."""
    async with SimulatedCamera(profile) as camera:
        for fault in faults:
            camera.begin(fault)
        yield camera


@asynccontextmanager
async def speaking(answer: Callable[[bytes], bytes | None]) -> AsyncIterator[int]:
    """Listen on a port; ``answer`` is given all that came, and gives what is sent, once.

    None: nothing yet. Empty: the connection is closed.
    """

    async def script(peer: Peer) -> None:
        while await peer.read():
            said = answer(bytes(peer.received))
            if said is not None:
                peer.send(said)
                return

    async with scripted(script) as port:
        yield port


def problems(report: Report) -> list[Finding]:
    """Return what is not as it should be."""
    bad = (Severity.WARNING, Severity.FAILURE)
    return [finding for finding in report.findings if finding.severity in bad]


def causes(report: Report) -> list[Cause | None]:
    """Return the causes, in the order they were found."""
    return [finding.cause for finding in problems(report)]
