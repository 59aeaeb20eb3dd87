"""What the browser itself counts of each tile of the wall, asked through the page."""

import asyncio
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from playwright.async_api import Page

__all__ = ["START_S", "Tile", "begin", "end", "wait_until_playing"]

START_S = 45.0
"""How long it may take until all tiles play."""

ANSWER_S = 15.0
"""How long the page may take to answer."""

_STATE = """() => {
  const videos = [...document.querySelectorAll('.tile video')];
  const isSeen = (video) => {
    const { top, bottom, left, right } = video.getBoundingClientRect();
    return top >= 0 && left >= 0 && bottom <= innerHeight && right <= innerWidth;
  };
  const plays = (video) => !video.paused && video.readyState > 2 && video.currentTime > 0;
  const describe = (video) => {
    const tile = video.closest('.tile');
    const phase = tile.querySelector('.live').dataset.phase;
    return `${tile.innerText.replaceAll('\\n', ' ')} (${phase}, readyState ${video.readyState})`;
  };
  return {
    tiles: videos.length,
    seen: videos.filter(isSeen).length,
    playing: videos.filter(plays).length,
    others: videos.filter((video) => !plays(video)).map(describe),
  };
}"""

_BEGIN = """() => {
  const counts = (video) => {
    const { totalVideoFrames, droppedVideoFrames } = video.getVideoPlaybackQuality();
    return { frames: totalVideoFrames, dropped: droppedVideoFrames, time_s: video.currentTime };
  };
  const tiles = [...document.querySelectorAll('.tile')].map((element) => {
    const video = element.querySelector('video');
    const tile = { name: element.querySelector('.tile-name').textContent, stalls: 0, seeks: 0,
                   lags_s: [], drops: [], source: video.currentSrc, video, before: counts(video) };
    tile.dropped = tile.before.dropped;
    video.addEventListener('waiting', () => { tile.stalls += 1; });
    video.addEventListener('seeking', () => { tile.seeks += 1; });
    return tile;
  });
  const beginMs = performance.now();
  const timer = setInterval(() => {
    for (const tile of tiles) {
      const { buffered, currentTime } = tile.video;
      if (!buffered.length) continue;
      tile.lags_s.push(buffered.end(buffered.length - 1) - currentTime);
      const { dropped } = counts(tile.video);
      if (dropped > tile.dropped) tile.drops.push(tile.lags_s.slice(-2));
      tile.dropped = dropped;
    }
  }, 250);
  window.endOfMeasurement = () => {
    clearInterval(timer);
    const took_s = (performance.now() - beginMs) / 1000;
    return tiles.map(({ video, source, before, ...rest }) =>
      ({ ...rest, took_s, before, after: counts(video), is_same: video.currentSrc === source }));
  };
}"""

_END = "() => window.endOfMeasurement()"


@dataclass(frozen=True, slots=True)
class Tile:
    """What the browser counted for one tile."""

    name: str
    decoded: int
    dropped: int
    speed: float
    """Seconds of video played in a second."""
    lag_s: float
    """Median distance of playback to the newest picture in the browser's buffer."""
    most_lag_s: float
    least_lag_s: float
    stalls: int
    seeks: int
    lags_at_drops_s: Sequence[Sequence[float]]
    """What was buffered ahead around each look at which pictures had been dropped: with much,
    no late fragment was to blame."""
    is_same: bool
    """False: the tile began anew in the meantime, so that its counts mean nothing."""


async def wait_until_playing(page: Page, count: int) -> None:
    """Return when so many tiles are wholly on the screen and play. Raises RuntimeError."""
    loop = asyncio.get_running_loop()
    until_s = loop.time() + START_S
    while True:
        state = await _ask(page, _STATE)
        others = state.pop("others")
        if set(state.values()) == {count}:
            return
        if loop.time() > until_s:
            words = "; ".join(others[:4])
            raise RuntimeError(f"not all of {count} tiles are seen and play: {state}, {words}")
        await asyncio.sleep(0.5)


async def begin(page: Page) -> None:
    """Begin to count."""
    await _ask(page, _BEGIN)


async def end(page: Page) -> list[Tile]:
    """Return what was counted since the beginning."""
    return [_tile(found) for found in await _ask(page, _END)]


async def _ask(page: Page, script: str) -> Any:
    async with asyncio.timeout(ANSWER_S):
        return await page.evaluate(script)


def _tile(found: dict[str, Any]) -> Tile:
    before, after, lags_s = found["before"], found["after"], found["lags_s"]
    return Tile(
        name=found["name"],
        decoded=after["frames"] - before["frames"],
        dropped=after["dropped"] - before["dropped"],
        speed=(after["time_s"] - before["time_s"]) / found["took_s"],
        lag_s=statistics.median(lags_s),
        most_lag_s=max(lags_s),
        least_lag_s=min(lags_s),
        stalls=found["stalls"],
        seeks=found["seeks"],
        lags_at_drops_s=found["drops"],
        is_same=found["is_same"],
    )
