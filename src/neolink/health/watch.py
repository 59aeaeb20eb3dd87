"""From readings one after another to how everything does. The entrance of this package.

It has no clock: time is what the readings say. Cameras that are gone are forgotten.
"""

from collections.abc import Iterator, Sequence

from neolink.health.camera import CameraJudge
from neolink.health.process import ProcessJudge
from neolink.health.thresholds import THRESHOLDS, Thresholds
from neolink.health.values import BridgeHealth, CameraHealth, HealthState, worst_of
from neolink.readings import BridgeReading, CameraReading

__all__ = ["HealthWatch"]


class HealthWatch:
    """Judges a bridge. One of these is fed every reading; a second one would start without past."""

    def __init__(self, limits: Thresholds = THRESHOLDS) -> None:
        self._limits = limits
        self._newest_s = float("-inf")
        self._process = ProcessJudge(limits)
        self._cameras: dict[str, CameraJudge] = {}

    def update(self, reading: BridgeReading) -> BridgeHealth:
        """Take the next reading and judge. Every few seconds is enough; more often does no harm."""
        now_s = self._newest_s = max(self._newest_s, reading.monotonic_s)
        names = {camera.name for camera in reading.cameras}
        self._cameras = {name: one for name, one in self._cameras.items() if name in names}
        cameras = tuple(self._judge(camera, now_s, reading.unix_s) for camera in reading.cameras)
        findings = self._process.judge(reading.process, now_s)
        worst = worst_of((*(one.state for one in findings), *(one.health.state for one in cameras)))
        return BridgeHealth(
            state=worst if worst.severity >= HealthState.DEGRADED.severity else HealthState.OK,
            reasons=(*(one.text for one in findings), *self._lines(cameras)),
            cameras=cameras,
        )

    def _judge(self, camera: CameraReading, now_s: float, unix_s: float) -> CameraHealth:
        judge = self._cameras.get(camera.name)
        if judge is None:
            judge = self._cameras[camera.name] = CameraJudge(self._limits)
        return judge.judge(camera, now_s, unix_s)

    def _lines(self, cameras: Sequence[CameraHealth]) -> Iterator[str]:
        """Return a line for each camera that is not well, without advice."""
        for camera in cameras:
            if camera.health.state.severity >= HealthState.DEGRADED.severity:
                yield f"{camera.name}: {self._cameras[camera.name].headline}"
