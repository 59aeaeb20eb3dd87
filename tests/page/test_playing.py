"""Live pictures and sound of a real bridge in a real browser, through faults of its cameras."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from neolink.simulator.faults import Refuse
from neolink.simulator.profile import CameraProfile
from neolink.simulator.tone import TONE_HZ
from neolink.web.settings import HttpSettings
from support.background import Background, in_background
from support.bridge import HOST, RunningBridge, running_bridge
from support.browser import DESKTOP, PHONE, Size, opened_page
from support.page_bench import LOCKED, PASSWORD, USER

pytestmark = [pytest.mark.foreign, pytest.mark.alone]

OPEN = HttpSettings(bind=HOST, port=0)
LATE_MS = 15_000
"""How late a word of health may come: detection takes seconds."""

PLAYBACK = """video => {
  const { totalVideoFrames, droppedVideoFrames } = video.getVideoPlaybackQuality();
  return {
    time_s: video.currentTime,
    frames: totalVideoFrames,
    dropped: droppedVideoFrames,
    audio_bytes: video.webkitAudioDecodedByteCount,
    is_muted: video.muted,
  };
}"""

SOUND = "size => document.querySelector('video').webkitAudioDecodedByteCount > size"

PITCH = """async video => {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 8192;
  context.createMediaElementSource(video).connect(analyser);
  analyser.connect(context.destination);
  const levels = new Float32Array(analyser.frequencyBinCount);
  for (let tries = 0; tries < 50; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    analyser.getFloatFrequencyData(levels);
    if (Math.max(...levels) > -60) break;
  }
  await context.close();
  const loudest = levels.indexOf(Math.max(...levels));
  return { hz: (loudest * context.sampleRate) / analyser.fftSize, level: levels[loudest] };
}"""


@dataclass(frozen=True, slots=True)
class Watched:
    """A page in front of a bridge with simulated cameras."""

    page: Page
    bridge: RunningBridge
    background: Background


@contextmanager
def watching(
    browser: Browser,
    *names: str,
    http: HttpSettings = OPEN,
    size: Size = DESKTOP,
    place: str | None = "",
) -> Iterator[Watched]:
    """Open the page of a bridge, unless ``place`` is None. Errors that are logged fail the test."""
    cameras = [CameraProfile(name=name) for name in names]
    with (
        in_background(running_bridge(*cameras, http=http)) as (bridge, background),
        opened_page(browser, size) as (page, _),
    ):
        if place is not None:
            page.goto(f"{bridge.page_url}{place}")
        yield Watched(page, bridge, background)


def video_of(page: Page, name: str) -> Locator:
    link = page.get_by_role("link", name=name, exact=True)
    return page.get_by_role("listitem").filter(has=link).locator("video")


def wait_until_it_plays(page: Page, video: Locator, pictures: int = 15) -> None:
    """Wait until so many more pictures were shown and time went on with them."""
    expect(page.locator('.live[data-phase="playing"]').first).to_be_attached()
    before = video.evaluate(PLAYBACK)
    for tries in count():
        page.wait_for_timeout(100)
        now = video.evaluate(PLAYBACK)
        if now["frames"] < before["frames"]:
            before = now  # another source: it began anew
        if now["frames"] - before["frames"] >= pictures:
            assert now["time_s"] > before["time_s"]
            return
        assert tries < LATE_MS / 100, f"only {now} after {before}"


def test_the_wall_plays_after_login(browser: Browser) -> None:
    with watching(browser, "porch", "garden", http=LOCKED) as watched:
        page = watched.page
        page.get_by_label("User name").fill(USER)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        for name in ("porch", "garden"):
            video = video_of(page, name)
            wait_until_it_plays(page, video, 30)
            playback = video.evaluate(PLAYBACK)
            assert playback["dropped"] <= 0.1 * playback["frames"]
            assert playback["is_muted"]


def test_the_camera_page_plays_sound(browser: Browser) -> None:
    with watching(browser, "porch", place="#/camera/porch") as watched:
        page = watched.page
        video = page.locator("video")
        wait_until_it_plays(page, video)
        page.get_by_role("button", name="Sound off").click()
        expect(page.get_by_role("button", name="Sound on")).to_be_visible()
        for more in (0, 4000):  # it goes on
            page.wait_for_function(SOUND, arg=more + video.evaluate(PLAYBACK)["audio_bytes"])
        sound = video.evaluate(PITCH)
        assert not video.evaluate(PLAYBACK)["is_muted"]
        assert sound["level"] > -60
        assert sound["hz"] == pytest.approx(TONE_HZ, abs=10)


def test_a_camera_that_is_cut_is_told_and_plays_again_by_itself(browser: Browser) -> None:
    with watching(browser, "porch", "garden") as watched:
        page, camera = watched.page, watched.bridge.camera
        wait_until_it_plays(page, video_of(page, "porch"))
        watched.background.call(lambda: camera.begin(Refuse()))
        watched.background.call(camera.cut)
        note = page.locator(".tile", has_text="porch").locator(".note")
        expect(note).to_contain_text("offline since", timeout=LATE_MS)
        expect(note).to_contain_text("trying again")
        expect(page.locator(".status")).to_contain_text("1 of 2 needs attention")
        watched.background.call(camera.resume)
        expect(note).to_be_hidden(timeout=2 * LATE_MS)
        wait_until_it_plays(page, video_of(page, "porch"))
        expect(page.locator(".status")).to_have_text("All is well", timeout=LATE_MS)


def test_a_phone_plays_and_turns_to_sub(browser: Browser) -> None:
    with watching(browser, "porch", size=PHONE, place="#/camera/porch") as watched:
        page = watched.page
        wait_until_it_plays(page, page.locator("video"))
        page.get_by_role("link", name="Sub").click()
        expect(page.locator(".stage-facts")).to_contain_text("640 \N{MULTIPLICATION SIGN} 360")
        wait_until_it_plays(page, page.locator("video"))
        assert page.locator("video").evaluate("video => video.videoWidth") == 640
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]


def test_a_browser_without_media_source_plays_by_hls(browser: Browser) -> None:
    with watching(browser, "porch", place=None) as watched:
        page = watched.page
        page.add_init_script("delete window.MediaSource; delete window.ManagedMediaSource")
        page.goto(watched.bridge.page_url)
        can_play = "document.createElement('video').canPlayType('application/vnd.apple.mpegurl')"
        if not page.evaluate(can_play):
            assert not os.environ.get("CI"), "this Chromium plays no HLS by itself"
            pytest.skip("this Chromium plays no HLS by itself")
        wait_until_it_plays(page, video_of(page, "porch"))
        source = video_of(page, "porch").evaluate("video => video.currentSrc")
        assert source.endswith("/api/v1/cameras/porch/streams/sub/hls/index.m3u8")


def test_whoever_was_ended_is_asked_before_it_plays_again(browser: Browser) -> None:
    with watching(browser, "porch", place="#/camera/porch") as watched:
        page = watched.page
        wait_until_it_plays(page, page.locator("video"))
        page.get_by_role("button", name="End the session").click()
        page.get_by_role("dialog").get_by_role("button", name="End session").click()
        expect(page.locator(".note")).to_contain_text("ended: ended by an operator")
        page.get_by_role("button", name="Play again").click()
        wait_until_it_plays(page, page.locator("video"))
