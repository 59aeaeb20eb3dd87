"""``neolink demo``: simulated cameras and the bridge in one process, for a first look."""

import secrets
import socket
from contextlib import AsyncExitStack, suppress

import click

from neolink.app import BridgeSettings
from neolink.baichuan.crypto import Encryption
from neolink.camera.settings import CameraSettings
from neolink.cli.context import Invocation
from neolink.cli.loop import run
from neolink.cli.run import run_bridge
from neolink.errors import ConfigError
from neolink.media.tracks import VideoCodec
from neolink.rtsp_server.settings import MountSettings, RtspSettings
from neolink.simulator.profile import CameraProfile
from neolink.simulator.server import SimulatedCamera
from neolink.web.settings import HttpSettings

__all__ = ["demo"]

HOST = "127.0.0.1"
PAGE_PORT = 8080


@click.command(help="Run two simulated cameras and the bridge; print URLs to play.")
@click.option("--port", type=click.IntRange(0, 65535), default=8554, show_default=True)
@click.option(
    "--http-port",
    type=click.IntRange(0, 65535),
    help=f"Port of the page; without it {PAGE_PORT}, or any free one where that is taken.",
)
@click.pass_obj
def demo(invocation: Invocation, port: int, http_port: int | None) -> None:
    """Run two simulated cameras and the bridge."""
    invocation.set_up_logging()
    click.echo("Two simulated cameras on this machine: porch (H.264, AAC), garden (H.265, ADPCM).")
    run(_run(port, _page_port() if http_port is None else http_port))
    click.echo("Demo ended.")


def _page_port() -> int:
    """Return the usual port of the page if it can be had, else 0."""
    with socket.socket() as probe, suppress(OSError):
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((HOST, PAGE_PORT))
        return PAGE_PORT
    return 0


async def _run(port: int, http_port: int) -> None:
    password = secrets.token_urlsafe(12)
    profiles = (
        CameraProfile(
            name="porch",
            password=password,
            codec=VideoCodec.H264,
            audio="aac",
            encryption=Encryption.FULL_AES,
        ),
        CameraProfile(
            name="garden",
            password=password,
            codec=VideoCodec.H265,
            audio="adpcm",
            encryption=Encryption.BC,
        ),
    )
    async with AsyncExitStack() as stack:
        cameras = [
            await stack.enter_async_context(SimulatedCamera(profile, host=HOST))
            for profile in profiles
        ]
        settings = BridgeSettings(
            cameras=[
                CameraSettings(
                    name=camera.profile.name,
                    host=HOST,
                    port=camera.port,
                    username=camera.profile.username,
                    password=password,
                )
                for camera in cameras
            ],
            mounts=[MountSettings(camera=profile.name) for profile in profiles],
            rtsp=RtspSettings(bind=HOST, port=port, rtp_port=0),
            http=HttpSettings(bind=HOST, port=http_port),
        )
        try:
            await run_bridge(settings, hint="Try:  ffplay {url}   or   mpv {url}")
        except ConfigError as error:
            what = str(error).partition(";")[0]
            raise ConfigError(
                f"{what}; choose others with --port and --http-port, where 0 is any free one"
            ) from error.__cause__
