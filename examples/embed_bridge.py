"""The bridge inside a program of one's own: ``python -m examples.embed_bridge [SECONDS]``.

A simulated camera stands in for a real one. The program wants the main stream, as a player would,
and tells every second what came of it.
"""

import asyncio
import secrets
import sys

import click

from neolink.app import Bridge, BridgeSettings
from neolink.camera.settings import CameraSettings
from neolink.media.tracks import StreamKind
from neolink.rtsp_server.settings import MountSettings, RtspSettings
from neolink.simulator.profile import CameraProfile
from neolink.simulator.server import SimulatedCamera

HOST = "127.0.0.1"


async def watch(seconds: int) -> int:
    """Run camera and bridge, and return how many pictures came."""
    profile = CameraProfile(name="porch", password=secrets.token_urlsafe(12))
    async with SimulatedCamera(profile, host=HOST) as device:
        camera = CameraSettings(
            name=profile.name,
            host=HOST,
            port=device.port,
            username=profile.username,
            password=profile.password,
        )
        bridge = Bridge(
            BridgeSettings(
                cameras=[camera],
                mounts=[MountSettings(camera=camera.name)],
                rtsp=RtspSettings(bind=HOST, port=0, rtp_port=0),
            )
        )
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(bridge.run())
            stream = bridge.streams[camera.name, StreamKind.MAIN]
            with stream.hold():
                for _ in range(seconds):
                    await asyncio.sleep(1)
                    state = bridge.cameras[0].status.state
                    count = stream.counters.pictures
                    click.echo(f"camera {state}, stream {stream.state}, {count} pictures")
            running.cancel()
        return stream.counters.pictures


if __name__ == "__main__":
    asyncio.run(watch(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
