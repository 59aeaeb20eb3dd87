"""Makes the pictures of the page in ``docs/images``: wall, camera page, phone.

``make screenshots`` runs it. Simulated cameras in all states of health, a real bridge, two players
and a real browser; it runs for as long as the graphs show (``SECONDS``, default 300), so that they
are full. It needs Chromium and ffmpeg (``scripts/install-peers``) and the development environment.
"""

import asyncio
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.async_api import Browser, Page, async_playwright

from neolink.app import Bridge, BridgeSettings
from neolink.camera.settings import CameraSettings
from neolink.media.tracks import StreamKind, VideoCodec
from neolink.rtsp_server.settings import MountSettings, RtspSettings
from neolink.simulator.faults import Refuse
from neolink.simulator.profile import CameraProfile
from neolink.simulator.server import SimulatedCamera
from neolink.web.settings import HttpSettings
from support.browser import ARGUMENTS, DESKTOP, PHONE, Scheme, Size

IMAGES = Path(__file__).parent.parent / "docs" / "images"
HOST = "127.0.0.1"
PASSWORD = "sesame"  # noqa: S105 - of a simulated camera
LARGEST_BYTES = 400_000

PROFILES = (
    CameraProfile(name="porch", model="RLC-810A", password=PASSWORD),
    CameraProfile(name="garden", codec=VideoCodec.H265, audio="adpcm", password=PASSWORD),
    CameraProfile(name="driveway", password=PASSWORD),
    CameraProfile(name="garage", password=PASSWORD),
    CameraProfile(name="pond", password=PASSWORD, max_failed_logins=None),
    CameraProfile(name="shed", password=PASSWORD, has_battery=True),
    CameraProfile(name="stable", audio=None, password=PASSWORD),
    CameraProfile(name="orchard", codec=VideoCodec.H265, password=PASSWORD),
)
SWITCHED_OFF = "attic"
KINDS = (StreamKind.MAIN, StreamKind.SUB)


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture of the page."""

    name: str
    place: str
    size: Size
    scheme: Scheme
    scale: float = 1.0


SHOTS = (
    Shot("wall", "", DESKTOP, "dark"),
    Shot("camera", "#/camera/porch", (1440, 1080), "light"),
    Shot("phone", "", PHONE, "dark", 2.0),
)


def settings_of(camera: SimulatedCamera) -> CameraSettings:
    """Return how the bridge logs in; one of them does it wrongly."""
    profile = camera.profile
    return CameraSettings(
        name=profile.name,
        host=HOST,
        port=camera.port,
        username=profile.username,
        password="guess" if profile.name == "pond" else PASSWORD,
        streams=KINDS,
        idle_disconnect=profile.has_battery,
        idle_grace_s=5.0,
    )


@asynccontextmanager
async def running() -> AsyncIterator[tuple[Bridge, dict[str, SimulatedCamera]]]:
    """Run the cameras and the bridge."""
    async with AsyncExitStack() as stack:
        cameras = {
            profile.name: await stack.enter_async_context(SimulatedCamera(profile, host=HOST))
            for profile in PROFILES
        }
        bridge = Bridge(
            BridgeSettings(
                cameras=[settings_of(camera) for camera in cameras.values()],
                mounts=[MountSettings(camera=name) for name in cameras],
                rtsp=RtspSettings(bind=HOST, port=0, rtp_port=0),
                disabled=[SWITCHED_OFF],
                http=HttpSettings(bind=HOST, port=0),
            )
        )
        is_ready = asyncio.Event()
        task = asyncio.create_task(bridge.run(on_ready=is_ready.set))
        try:
            await asyncio.wait_for(is_ready.wait(), 10)
            yield bridge, cameras
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


@asynccontextmanager
async def players(bridge: Bridge, *transports: str) -> AsyncIterator[None]:
    """Let ffmpeg watch the main stream of the porch, once by each transport."""
    url = f"rtsp://{HOST}:{bridge.rtsp.port}/porch/main"
    watching = [
        await asyncio.create_subprocess_exec(
            *("ffmpeg", "-v", "quiet", "-nostdin", "-rtsp_transport", transport),
            *("-i", url, "-c", "copy", "-f", "null", "-"),
        )
        for transport in transports
    ]
    try:
        yield
    finally:
        for process in watching:
            process.terminate()
            await process.wait()


async def open_page(browser: Browser, url: str, shot: Shot) -> Page:
    """Open the page as a shot wants to see it."""
    context = await browser.new_context(
        viewport={"width": shot.size[0], "height": shot.size[1]},
        color_scheme=shot.scheme,
        device_scale_factor=shot.scale,
    )
    page = await context.new_page()
    await page.goto(url + shot.place)
    return page


async def make_faults(cameras: dict[str, SimulatedCamera]) -> None:
    """Bring one camera out of reach, and make another one's connection unsteady."""
    cameras["garage"].begin(Refuse())
    cameras["garage"].cut()
    for _ in range(3):
        cameras["driveway"].cut()
        await asyncio.sleep(5)
    cameras["porch"].push_motion()


async def take(folder: Path, seconds: float) -> None:
    """Write the pictures to a folder."""
    async with (
        async_playwright() as playwright,
        running() as (bridge, cameras),
        players(bridge, "tcp", "udp"),
    ):
        assert bridge.onlookers.web is not None
        url = f"http://{HOST}:{bridge.onlookers.web.port}/"
        browser = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=ARGUMENTS
        )
        pages = [await open_page(browser, url, shot) for shot in SHOTS]
        await asyncio.sleep(max(0.0, seconds - 20))
        await make_faults(cameras)
        await asyncio.sleep(8)
        for shot, page in zip(SHOTS, pages, strict=True):
            await page.bring_to_front()
            await asyncio.sleep(3)
            await page.screenshot(path=folder / f"{shot.name}.png")
        await browser.close()


def reduce(source: Path, target: Path) -> None:
    """Write a picture with 256 colours, which is what a repository should have to keep."""
    palette = "split[a][b];[a]palettegen[p];[b][p]paletteuse=dither=bayer:bayer_scale=4"
    command = ("ffmpeg", "-v", "error", "-y", "-i", str(source), "-vf", palette, str(target))
    subprocess.run(command, check=True)  # noqa: S603 - no shell, our own words
    size = target.stat().st_size
    print(f"{target}: {size // 1000} kB")
    if size > LARGEST_BYTES:
        sys.exit(f"{target} is larger than {LARGEST_BYTES // 1000} kB")


def main() -> None:
    """Take the pictures and put them into the documentation."""
    missing = [name for name in ("chromium", "ffmpeg") if shutil.which(name) is None]
    if missing:
        sys.exit(f"not installed: {', '.join(missing)} (scripts/install-peers installs them)")
    logging.getLogger("neolink").setLevel(logging.INFO)  # the page shows log lines
    with TemporaryDirectory() as folder:
        asyncio.run(take(Path(folder), float(os.environ.get("SECONDS", "300"))))
        for shot in SHOTS:
            reduce(Path(folder) / f"{shot.name}.png", IMAGES / f"{shot.name}.png")


if __name__ == "__main__":
    main()
