"""Readings on demand, a little history, and the one timer that both need.

Nothing here touches the path of a picture: parts count for themselves, this only looks.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

import neolink
from neolink.camera.connection import RECEIVE_BUFFERS
from neolink.clock import Clock
from neolink.media.tracks import StreamKind
from neolink.observe.cameras import camera_reading, disabled_reading
from neolink.observe.drops import Outlasting
from neolink.observe.lag import LoopLag
from neolink.observe.parts import Channel, Key, Parts
from neolink.observe.players import Glimpse, glimpse, player_reading
from neolink.observe.process import read_figures
from neolink.observe.rates import Rates
from neolink.observe.streams import histogram, stream_reading
from neolink.readings import (
    BridgeReading,
    CameraReading,
    PlayerReading,
    PoolReading,
    ProcessReading,
    StreamSample,
)

__all__ = ["Observer"]

FRESH_S = 0.2
"""A reading that is younger is given again: pages and scrapers may come at once."""

PROBES_PER_MARK = 4
MARK_S = 1.0
"""Counters are looked at once a second; whether the loop is late, four times as often."""

MARKS_PER_SAMPLE = 2

CLOCK_STEP_S = 1.0
"""By more than this the host's clock was set."""

MOVES = ("down", "up")

Players = dict[Key, list[PlayerReading]]


class Observer:
    """Looks at one bridge.

    ``extra_players`` tells who watches by other means than RTSP, ``extra_refused`` what was turned
    away there, by reason; both are called for each reading and must return at once.
    """

    def __init__(self, parts: Parts, clock: Clock) -> None:
        self.extra_players: Callable[[], Iterable[PlayerReading]] = tuple
        self.extra_refused: Callable[[], Mapping[str, int]] = dict
        self._parts = parts
        self._clock = clock
        self._began_s = clock.monotonic_s()
        self._lag = LoopLag()
        self._rates: dict[Key, Rates] = {}
        self._marks = 0
        self._reading: BridgeReading | None = None
        self._began_unix_s = clock.unix_s()
        self._drops: Outlasting[Key] = Outlasting()
        self._moves: Outlasting[tuple[str, str]] = Outlasting()
        """By camera and direction."""
        self._version = ""

    # -- looking ----------------------------------------------------------------------

    def read(self) -> BridgeReading:
        """Return what the bridge is doing now, or was less than 0.2 s ago."""
        now_s = self._clock.monotonic_s()
        reading = self._reading
        if reading is None or not 0 <= now_s - reading.monotonic_s < FRESH_S:
            reading = self._reading = self._read(now_s)
        return reading

    def history(self, camera: str, kind: StreamKind) -> Sequence[StreamSample]:
        """Return the last five minutes of a stream in steps of 2 s, the oldest first.

        Empty for a stream that never came, or that is not there.
        """
        rates = self._rates.get((camera, kind))
        return () if rates is None else tuple(rates.history())

    # -- the timer --------------------------------------------------------------------

    async def run(self) -> None:
        """Look every now and then, until cancelled."""
        due_s = self._clock.monotonic_s()
        probes = 0
        while True:
            due_s += MARK_S / PROBES_PER_MARK
            await asyncio.sleep(due_s - self._clock.monotonic_s())
            now_s = self._clock.monotonic_s()
            self._lag.note(now_s, now_s - due_s)
            due_s = max(due_s, now_s - MARK_S)  # what was missed is not made up for
            probes += 1
            if probes % PROBES_PER_MARK == 0:
                self.mark()

    def mark(self) -> None:
        """Remember what was counted until now; ``run`` calls it once a second."""
        now_s = self._clock.monotonic_s()
        rates = self._follow_streams(now_s)
        for one in rates.values():
            one.mark(now_s)
        everybody: list[Glimpse | PlayerReading] = [
            glimpse(player) for player in self._parts.rtsp.players()
        ]
        everybody += self.extra_players()
        self._note(everybody)
        self._marks += 1
        if self._marks % MARKS_PER_SAMPLE == 0:
            self._sample(everybody, now_s)

    def _sample(self, everybody: Iterable[Glimpse | PlayerReading], now_s: float) -> None:
        queued: dict[Key, int] = defaultdict(int)
        for one in everybody:
            queued[one.camera, one.kind] += one.queued_bytes
        unix_s = self._clock.unix_s()
        for key, rates in self._rates.items():
            rates.sample(now_s, unix_s, queued.get(key, 0))

    def _follow_streams(self, now_s: float) -> dict[Key, Rates]:
        """Keep the past of the streams that there are, and begin anew with those made anew."""
        known, streams = self._rates, self._parts.streams
        self._rates = {}
        for key, stream in streams.items():
            rates = known.get(key)
            if rates is None or not rates.is_of(stream.counters):
                rates = Rates(stream.counters, now_s)
            self._rates[key] = rates
        if known.keys() != self._rates.keys():
            self._drops.forget_others(self._rates)
            self._moves.forget_others({(name, way) for name, _ in self._rates for way in MOVES})
        return self._rates

    # -- a reading --------------------------------------------------------------------

    def _read(self, now_s: float) -> BridgeReading:
        players = self._players(now_s)
        self._follow_streams(now_s)
        cameras = [self._camera(channel, players, now_s) for channel in self._parts.channels]
        off = [disabled_reading(name, now_s - self._began_s) for name in self._parts.disabled]
        return BridgeReading(
            monotonic_s=now_s,
            unix_s=self._clock.unix_s(),
            process=self._process(now_s),
            cameras=(*cameras, *off),
        )

    def _players(self, now_s: float) -> Players:
        """Return everybody who watches by stream, having noted what they counted."""
        everybody = [player_reading(player, now_s) for player in self._parts.rtsp.players()]
        everybody += self.extra_players()
        self._note(everybody)
        players: Players = defaultdict(list)
        for reading in everybody:
            players[reading.camera, reading.kind].append(reading)
        return players

    def _note(self, everybody: Sequence[Glimpse | PlayerReading]) -> None:
        """Remember what everybody counted, for when they have left."""
        self._drops.note(
            (one.number, (one.camera, one.kind), one.units_dropped) for one in everybody
        )
        self._moves.note(
            ((one.number, way), (one.camera, way), count)
            for one in everybody
            if one.is_adaptive
            for way, count in zip(MOVES, (one.moves_down, one.moves_up), strict=True)
        )

    def _camera(self, channel: Channel, players: Players, now_s: float) -> CameraReading:
        name, parts = channel.settings.name, self._parts
        streams = []
        for kind, source in channel.sources.items():
            key = name, kind
            streams.append(
                stream_reading(
                    name,
                    parts.streams[key],
                    source,
                    parts.mounts.get(key),
                    self._rates[key],
                    tuple(players.get(key, ())),
                    self._drops.of(key),
                    now_s,
                )
            )
        moves = {way: self._moves.of((name, way)) for way in MOVES}
        mounts = (parts.mounts.get((name, kind)) for kind in channel.sources)
        intercom = next((mount.intercom for mount in mounts if mount is not None), None)
        return camera_reading(channel, tuple(streams), moves, intercom, now_s)

    def _process(self, now_s: float) -> ProcessReading:
        self._version = self._version or neolink.__version__  # looked up late: that takes long
        figures, pool, rtsp = read_figures(), RECEIVE_BUFFERS, self._parts.rtsp
        budget = rtsp.context.budget
        return ProcessReading(
            version=self._version,
            uptime_s=now_s - self._began_s,
            began_unix_s=self._when_it_began(now_s),
            cpu_s=figures.cpu_s,
            rss_bytes=figures.rss_bytes,
            open_descriptors=figures.open_descriptors,
            max_descriptors=figures.max_descriptors,
            threads=figures.threads,
            tasks=_tasks(),
            loop_lag_s=self._lag.worst_s(now_s),
            loop_lags=histogram(self._lag.lags),
            pool=PoolReading(
                held_bytes=pool.held_bytes,
                leased_bytes=pool.leased_bytes,
                hits=pool.hits,
                misses=pool.misses,
                exhausted=pool.exhausted,
            ),
            queued_bytes=budget.used_bytes,
            max_queued_bytes=budget.max_bytes,
            connections=rtsp.connection_count,
            refused={**rtsp.refused, **self.extra_refused()},
            rtsp_events=rtsp.context.events,
            restarts=dict(self._parts.restarts),
            is_ready=self._parts.is_ready,
        )

    def _when_it_began(self, now_s: float) -> float:
        """Return a time that stays, until the host's clock is set: it also follows that."""
        began_unix_s = self._clock.unix_s() - (now_s - self._began_s)
        if abs(began_unix_s - self._began_unix_s) > CLOCK_STEP_S:
            self._began_unix_s = began_unix_s
        return self._began_unix_s


def _tasks() -> int:
    try:
        return len(asyncio.all_tasks())
    except RuntimeError:  # nothing runs
        return 0
