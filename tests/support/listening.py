"""Judging what a simulated loudspeaker heard: pitch, pace, form, end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import numpy as np

from neolink.simulator.loudspeaker import Loudspeaker
from neolink.simulator.tone import TONE_HZ, dominant_frequency

__all__ = ["MOST_DRY_S", "Lateness", "assert_tone", "measured_lateness", "pace_errors_s"]

QUIET = 300
PACE_S = 0.1
MOST_DRY_S = 0.05
LOOK_EVERY_S = 0.005


@dataclass(slots=True)
class Lateness:
    """How late the loop was at most: speech that is sent late is heard late."""

    most_s: float = 0.0

    async def watch(self) -> None:
        """Measure until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due_s = loop.time() + LOOK_EVERY_S
            await asyncio.sleep(LOOK_EVERY_S)
            self.most_s = max(self.most_s, loop.time() - due_s)


@asynccontextmanager
async def measured_lateness() -> AsyncIterator[Lateness]:
    """Measure the lateness of the loop for the length of the block."""
    late = Lateness()
    watching = asyncio.create_task(late.watch(), name="lateness")
    try:
        yield late
    finally:
        watching.cancel()
        await asyncio.wait([watching])


def pace_errors_s(heard: Loudspeaker) -> list[float]:
    """Return how far the time of each block is from that of an even pace, the nearest there is."""
    profile = heard.profile
    block_s = profile.block_samples / profile.sample_rate
    late_s = [at_s - number * block_s for number, at_s in enumerate(heard.arrivals)]
    middle_s = (max(late_s) + min(late_s)) / 2
    return [one - middle_s for one in late_s]


def assert_tone(
    heard: Loudspeaker, seconds: float, *, longest_gap_s: float = 0.005, late_s: float = 0.0
) -> None:
    """Assert that a tone was heard for about so long, at its pitch and pace, and well-formed.

    ``late_s`` is how late whoever spoke was at most: by that much all may be off.
    """
    rate = heard.profile.sample_rate
    samples = np.frombuffer(bytes(heard.pcm), ">i2").astype(int)
    (loud,) = np.nonzero(np.abs(samples) > QUIET)
    sound = samples[loud[0] : loud[-1] + 1]
    assert abs(len(sound) / rate - seconds) < 0.15 + late_s, f"{len(sound) / rate:.3f} s were heard"
    quiet = np.max(np.diff(loud)) / rate
    assert quiet < longest_gap_s + late_s, f"the tone was interrupted for {quiet:.3f} s"
    assert abs(dominant_frequency(sound.tolist(), rate) - TONE_HZ) < 3
    assert not heard.complaints
    assert heard.overruns == 0
    assert heard.dry_s < MOST_DRY_S + late_s, "the camera had nothing to play"
    worst_s = max(map(abs, pace_errors_s(heard)))
    assert worst_s <= PACE_S + late_s, f"{worst_s * 1000:.0f} ms off the pace"
