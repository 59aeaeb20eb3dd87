"""``neolink simulate``: simulated cameras on consecutive ports until stopped."""

import asyncio
import secrets
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import click

from neolink.baichuan.crypto import Encryption
from neolink.baichuan.ids import DEFAULT_PORT
from neolink.cli.context import Invocation
from neolink.cli.loop import run
from neolink.media.tracks import VideoCodec
from neolink.simulator.loudspeaker import TalkProfile
from neolink.simulator.profile import CameraProfile
from neolink.simulator.scenario import Scenario
from neolink.simulator.server import SimulatedCamera, run_cameras

__all__ = ["simulate"]

_LEVELS = {
    "none": Encryption.NONE,
    "bc": Encryption.BC,
    "aes": Encryption.AES,
    "full-aes": Encryption.FULL_AES,
}
_CODECS = {"h264": VideoCodec.H264, "h265": VideoCodec.H265}
_MOST_CAMERAS = 500
_A_DAY_S = 86_400.0


@click.command(name="simulate")
@click.option("--bind", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    default=DEFAULT_PORT,
    show_default=True,
    type=click.IntRange(1, 65535),
    help="Port of the first camera; the others follow it.",
)
@click.option(
    "--cameras",
    default=1,
    show_default=True,
    type=click.IntRange(1, _MOST_CAMERAS),
    help="How many.",
)
@click.option("--username", default="admin", show_default=True, help="Who may log in.")
@click.option("--password", help="The password; without this option one is made up and shown.")
@click.option(
    "--encryption",
    default="full-aes",
    show_default=True,
    type=click.Choice(list(_LEVELS)),
    help="Strongest encryption that the cameras agree to.",
)
@click.option(
    "--codec",
    default="h264",
    show_default=True,
    type=click.Choice(list(_CODECS)),
    help="Video coding of all streams.",
)
@click.option(
    "--audio",
    default="aac",
    show_default=True,
    type=click.Choice(["aac", "adpcm", "none"]),
    help="Audio coding.",
)
@click.option("--talk", is_flag=True, help="With a loudspeaker; USR1 shows what it was given.")
@click.option(
    "--motion",
    type=click.FloatRange(0, 86_400, min_open=True),
    help="A person walks by every so many seconds.",
)
@click.option("--fps", type=click.IntRange(1, 120), help="Pictures per second, main stream.")
@click.option("--kbps", type=click.IntRange(16, 200_000), help="Bit rate, main stream.")
@click.option("--gop", type=click.IntRange(1, 1000), help="Pictures per GOP, main stream.")
@click.option(
    "--scenario",
    type=click.Path(path_type=Path),
    help="File (TOML) that says what goes wrong when.",
)
@click.option(
    "--seed",
    type=int,
    help="Let things go wrong at random for a day; the same number, the same things.",
)
@click.pass_obj
def simulate(
    invocation: Invocation,
    *,
    bind: str,
    port: int,
    cameras: int,
    username: str,
    password: str | None,
    encryption: str,
    codec: str,
    audio: str,
    talk: bool,
    motion: float | None,
    fps: int | None,
    kbps: int | None,
    gop: int | None,
    scenario: Path | None,
    seed: int | None,
) -> None:
    """Run simulated cameras until stopped.

    They speak the protocol of the real ones and show a counter in every picture. --kbps and --gop
    draw and encode the pictures once, which takes a moment and the extra 'media'. The signal USR1
    shows what happened so far.
    """
    from neolink.cli.logging_setup import setup_from_environment  # noqa: PLC0415 - only here

    setup_from_environment(invocation.verbosity)
    if port + cameras - 1 > 65535:
        raise click.UsageError(f"{cameras} cameras do not fit above port {port}.")
    if scenario and seed is not None:
        raise click.UsageError("--scenario and --seed exclude each other.")
    timelines = _timelines(cameras, scenario, seed)
    secret = secrets.token_urlsafe(9) if password is None else password
    profiles = [
        CameraProfile(
            name=f"Simulated camera {number}" if cameras > 1 else "Simulated camera",
            uid=f"SIM{number:013d}",
            username=username,
            password=secret,
            encryption=_LEVELS[encryption],
            codec=_CODECS[codec],
            audio="aac" if audio == "aac" else "adpcm" if audio == "adpcm" else None,
            frame_rate=fps,
            bitrate_kbps=kbps,
            gop=gop,
            motion_every_s=motion,
            talk=TalkProfile() if talk else None,
        )
        for number in range(1, cameras + 1)
    ]
    shown = secret if password is None else None
    run(_run(profiles, bind, port, timelines, shown))


def _timelines(cameras: int, scenario: Path | None, seed: int | None) -> list[Scenario]:
    """Return what goes wrong with each camera."""
    if seed is not None:
        return [Scenario.random(f"{seed}/{number}", _A_DAY_S) for number in range(cameras)]
    return [Scenario.load(scenario) if scenario else Scenario()] * cameras


async def _run(
    profiles: Sequence[CameraProfile],
    host: str,
    port: int,
    scenarios: Sequence[Scenario],
    shown_password: str | None,
) -> None:
    """Run until SIGINT or SIGTERM."""
    loop = asyncio.get_running_loop()

    def announce(cameras: Sequence[SimulatedCamera]) -> None:
        loop.add_signal_handler(signal.SIGUSR1, _show_counters, cameras)
        for camera in cameras:
            password = f", password {shown_password}" if shown_password is not None else ""
            click.echo(f"{_address(camera)}: {camera.profile.describe()}{password}")

    running = asyncio.create_task(
        run_cameras(profiles, host=host, port=port, scenario=scenarios, on_ready=announce),
        name="simulate",
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, running.cancel)
    with suppress(asyncio.CancelledError):
        await running


def _show_counters(cameras: Sequence[SimulatedCamera]) -> None:
    for camera in cameras:
        heard = f"; {camera.loudspeaker().describe()}" if camera.profile.talk else ""
        click.echo(f"{_address(camera)}: {camera.stats.describe()}{heard}")


def _address(camera: SimulatedCamera) -> str:
    host = f"[{camera.host}]" if ":" in camera.host else camera.host
    return f"{host}:{camera.port}"
