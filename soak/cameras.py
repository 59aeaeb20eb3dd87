"""``python -m soak.cameras``: simulated cameras in a process of their own, told by standard input.

The first line is a JSON object: ``profiles`` and ``episodes``. The answer is one line with the
ports. Every further line is answered with the counters of all cameras; the end of input ends it.
"""

import asyncio
import json
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from neolink.baichuan.crypto import Encryption
from neolink.media.tracks import VideoCodec
from neolink.simulator.profile import CameraProfile
from neolink.simulator.scenario import Scenario, TimedFault
from neolink.simulator.server import SimulatedCamera
from soak.processes import Child
from soak.schedule import Episode

__all__ = ["HOST", "PASSWORD", "Cameras", "profile_options"]

HOST = "127.0.0.1"
PASSWORD = "soak-only"

_CODECS = (VideoCodec.H264, VideoCodec.H265)
_LEVELS = (Encryption.FULL_AES, Encryption.BC, Encryption.AES, Encryption.NONE)
_AUDIO = ("aac", "adpcm")


def profile_options(index: int, clock_start_us: int = 0) -> dict[str, Any]:
    """Return what the ``index``-th camera is like: both codecs, every level, both sounds."""
    return {
        "name": f"cam{index}",
        "codec": _CODECS[index % 2].value,
        "encryption": _LEVELS[index % 4].value,
        "audio": _AUDIO[(index // 2 + index) % 2],
        "clock_start_us": clock_start_us,
    }


class Cameras:
    """The cameras' process, seen from the run."""

    def __init__(self, child: Child, ports: list[int]) -> None:
        self.ports = ports
        self._child = child

    @classmethod
    async def start(
        cls, child: Child, profiles: list[dict[str, Any]], episodes: tuple[Episode, ...] = ()
    ) -> "Cameras":
        """Hand the cameras to a child that was just started; return when they listen."""
        order = {
            "profiles": profiles,
            "episodes": [
                [one.camera, one.at_s, one.name, one.duration_s, list(one.options)]
                for one in episodes
            ],
        }
        await child.write_line(json.dumps(order))
        return cls(child, json.loads(await child.read_line()))

    async def counters(self) -> list[dict[str, Any]]:
        """Return what happened so far, for each camera."""
        await self._child.write_line("")
        counters: list[dict[str, Any]] = json.loads(await self._child.read_line())
        return counters


def _counters(camera: SimulatedCamera) -> dict[str, Any]:
    stats = camera.stats
    return {
        "logins": stats.logins,
        "open_connections": stats.open_connections,
        "frames": {kind.value: count for (_, kind), count in stats.frames_sent.items()},
        "starts": sum(stats.video_starts.values()),
        "active": sum(stats.active_streams.values()),
        "troubles": stats.protocol_troubles,
    }


def _profile(options: dict[str, Any]) -> CameraProfile:
    return CameraProfile(
        **{
            **options,
            "codec": VideoCodec(options["codec"]),
            "encryption": Encryption(options["encryption"]),
            "username": "admin",
            "password": PASSWORD,
        }
    )


def _scenario(episodes: list[list[Any]], camera: int) -> Scenario:
    return Scenario(
        tuple(
            TimedFault(at_s, name, duration_s, tuple((key, value) for key, value in options))
            for of_camera, at_s, name, duration_s, options in episodes
            if of_camera == camera
        )
    )


async def _serve() -> None:
    reader = asyncio.StreamReader(limit=64 << 20)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    order = json.loads(await reader.readline())
    profiles = [_profile(options) for options in order["profiles"]]
    async with AsyncExitStack() as stack:
        cameras = [
            await stack.enter_async_context(
                SimulatedCamera(profile, host=HOST, scenario=_scenario(order["episodes"], index))
            )
            for index, profile in enumerate(profiles)
        ]
        print(json.dumps([camera.port for camera in cameras]), flush=True)
        while await reader.readline():
            print(json.dumps([_counters(camera) for camera in cameras]), flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))
    asyncio.run(_serve())
