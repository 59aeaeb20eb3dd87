"""What will happen in a run: faults of cameras and visits of players, all from one seed. Pure.

Each camera and each kind of visitors draws from a generator of its own, so that one more camera
changes nothing for the others. Kinds are dealt from shuffled decks: a short run meets as many
different ones as it can.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from neolink.media.tracks import StreamKind

__all__ = ["Behaviour", "Episode", "Plan", "Visit", "WebBehaviour", "WebVisit", "make_plan"]

T = TypeVar("T")

FIRST_VISIT_S = 12.0
FIRST_FAULT_S = 18.0
LAST_CALM_S = 8.0
"""Players and witnesses find the cameras well at first, and see them well before they leave."""

PAUSE_S = (35.0, 75.0)
"""Between the end of a fault and the next one of the same camera: it recovers, and is well."""

ARRIVAL_MEAN_S = 4.0
WEB_ARRIVAL_MEAN_S = 4.0
FOLLOWER_ARRIVAL_MEAN_S = 12.0
LONG_RUN_S = 600.0
"""In runs from here on some faults last long enough for keep-alives to give up."""

KINDS = (StreamKind.MAIN, StreamKind.SUB, StreamKind.EXTERN)


@dataclass(frozen=True, slots=True)
class Episode:
    """One fault of one camera. Times are seconds from the moment the cameras listen."""

    camera: int
    at_s: float
    name: str
    duration_s: float
    options: tuple[tuple[str, object], ...] = ()
    interrupts: bool = True
    """Whether pictures may fail to come while it lasts and for a while after it."""

    @property
    def end_s(self) -> float:
        """When the fault is over."""
        return self.at_s + self.duration_s


class Behaviour(StrEnum):
    """What a visiting player does."""

    WATCH = "watch"
    """Play, then TEARDOWN."""
    PAUSE = "pause"
    """Play, PAUSE, PLAY again, TEARDOWN."""
    VANISH = "vanish"
    """Play, then close without a word."""
    RESET = "reset"
    """Play, then reset the connection."""
    STALL = "stall"
    """Stop reading for a while, read on, TEARDOWN."""
    HANG = "hang"
    """Stop reading until the server ends it."""
    GARBAGE = "garbage"
    """Send bytes that are no request."""
    HALF = "half"
    """Send half a request and wait."""
    WRONG_SESSION = "wrong session"
    """Name a session that never was."""
    DESCRIBE = "describe"
    """Only ask for the description."""
    UDP_SILENT = "udp silent"
    """Play over UDP, close the RTSP connection, never say anything again."""
    FOLLOW = "follow"
    """Play what may be either stream, and keep up."""
    FOLLOW_SLOWLY = "follow slowly"
    """Play what may be either stream, and read less than main has."""


FOLLOWERS = (Behaviour.FOLLOW, Behaviour.FOLLOW_SLOWLY)
_DECK = (
    *([Behaviour.WATCH] * 5),
    *([Behaviour.STALL] * 3),
    *([Behaviour.VANISH] * 2),
    *(
        kind
        for kind in Behaviour
        if kind not in (Behaviour.WATCH, Behaviour.STALL, Behaviour.VANISH, *FOLLOWERS)
    ),
)
_LASTS_S = {
    Behaviour.HANG: 30.0,
    Behaviour.STALL: 30.0,
    Behaviour.GARBAGE: 17.0,
    Behaviour.HALF: 17.0,
}
"""How long a visit may take; else its ``duration_s`` and a little more."""

_OVER_UDP = (Behaviour.WATCH, Behaviour.PAUSE, Behaviour.VANISH)


@dataclass(frozen=True, slots=True)
class Visit:
    """One player that comes and goes."""

    at_s: float
    camera: int
    kind: StreamKind
    behaviour: Behaviour
    is_udp: bool
    duration_s: float
    seed: int


class WebBehaviour(StrEnum):
    """What a visitor of the HTTP server does."""

    WATCH = "browser watches"
    """Take live video by WebSocket, then say goodbye."""
    HANG = "browser hangs"
    """Stop reading until the server ends it."""
    STALL = "browser stalls"
    """Stop reading for a while, read on."""
    VANISH = "browser vanishes"
    """Close without a word."""
    RESET = "browser resets"
    """Reset the connection in the middle."""
    RELOAD = "browser reloads"
    """Come, see a picture, reset, come again, every few seconds."""
    TALK = "browser talks"
    """Say something, which no viewer may."""
    EVENTS = "listener"
    """Take the news."""
    DEAF = "deaf listener"
    """Ask for the news and never read any."""
    HLS = "HLS player"
    """Take playlists and what they name."""
    SNAPSHOTS = "snapshots"
    """Ask for still pictures of all sizes, several at once."""
    SCRAPE = "scraper"
    """Ask for everything that there is to read, all at once."""
    WRONG_LOGIN = "wrong login"
    """Guess passwords and tokens, from an address of its own."""
    GARBAGE = "HTTP garbage"
    """Send bytes that are no request."""
    HALF = "half an HTTP request"
    """Send half a request and wait."""


_WEB_DECK = (
    *([WebBehaviour.WATCH] * 3),
    *([WebBehaviour.RELOAD] * 2),
    *(kind for kind in WebBehaviour if kind not in (WebBehaviour.WATCH, WebBehaviour.RELOAD)),
)
_WEB_LASTS_S = {
    WebBehaviour.HANG: 40.0,
    WebBehaviour.STALL: 30.0,
    WebBehaviour.SNAPSHOTS: 25.0,
    WebBehaviour.GARBAGE: 26.0,
    WebBehaviour.HALF: 26.0,
    WebBehaviour.HLS: 55.0,
}


@dataclass(frozen=True, slots=True)
class WebVisit:
    """One visitor of the HTTP server that comes and goes."""

    at_s: float
    camera: int
    kind: StreamKind
    behaviour: WebBehaviour
    duration_s: float
    seed: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that happens in ``active_s`` seconds."""

    seed: int
    cameras: int
    active_s: float
    episodes: tuple[Episode, ...]
    visits: tuple[Visit, ...]
    web_visits: tuple[WebVisit, ...]
    clock_starts_us: tuple[int, ...]
    """Of each camera's 32-bit clock, so that it wraps early in the run."""


def make_plan(seed: int, cameras: int, active_s: float) -> Plan:
    """Plan a run. The same arguments give the same plan."""
    episodes = [episode for camera in range(cameras) for episode in _faults(seed, camera, active_s)]
    clocks = random.Random(f"{seed}/clocks")
    early_s = min(active_s, LONG_RUN_S)
    visits = [*_visits(seed, cameras, active_s), *_followers(seed, cameras, active_s)]
    return Plan(
        seed=seed,
        cameras=cameras,
        active_s=active_s,
        episodes=tuple(sorted(episodes, key=lambda episode: episode.at_s)),
        visits=tuple(sorted(visits, key=lambda visit: visit.at_s)),
        web_visits=tuple(_web_visits(seed, cameras, active_s)),
        clock_starts_us=tuple(
            (1 << 32) - int(clocks.uniform(0.2, 0.9) * early_s * 1e6) for _ in range(cameras)
        ),
    )


# ---------------------------------------------------------------- faults
def _faults(seed: int, camera: int, active_s: float) -> Iterator[Episode]:
    chance = random.Random(f"{seed}/faults/{camera}")
    at_s = FIRST_FAULT_S + chance.uniform(0, 20)
    for name in _dealt(chance, tuple(_MAKERS)):
        made = _MAKERS[name](chance, camera, at_s, active_s)
        end_s = max(episode.end_s for episode in made)
        if end_s > active_s - LAST_CALM_S:
            return
        yield from made
        at_s = end_s + chance.uniform(*PAUSE_S)


_Maker = Callable[[random.Random, int, float, float], list[Episode]]


def _plain(name: str, least_s: float, most_s: float, *, interrupts: bool = True) -> _Maker:
    def make(chance: random.Random, camera: int, at_s: float, active_s: float) -> list[Episode]:
        del active_s
        duration_s = chance.uniform(least_s, most_s)
        return [Episode(camera, at_s, name, duration_s, interrupts=interrupts)]

    return make


def _with_cut(name: str, least_s: float, most_s: float) -> _Maker:
    """Return a maker of faults that show only to who connects anew."""

    def make(chance: random.Random, camera: int, at_s: float, active_s: float) -> list[Episode]:
        del active_s
        duration_s = chance.uniform(least_s, most_s)
        return [
            Episode(camera, at_s, name, duration_s),
            Episode(camera, at_s + 0.05, "cut", 0.0),
        ]

    return make


def _silence(chance: random.Random, camera: int, at_s: float, active_s: float) -> list[Episode]:
    is_long = active_s >= LONG_RUN_S and chance.random() < 0.25
    duration_s = chance.uniform(45, 70) if is_long else chance.uniform(3, 15)
    return [Episode(camera, at_s, "silence", duration_s)]


def _trickle(chance: random.Random, camera: int, at_s: float, active_s: float) -> list[Episode]:
    del active_s
    options = (("bytes_per_s", chance.choice((2_000, 20_000, 60_000))),)
    return [Episode(camera, at_s, "trickle", chance.uniform(3, 10), options)]


def _garbage(where: str) -> _Maker:
    def make(chance: random.Random, camera: int, at_s: float, active_s: float) -> list[Episode]:
        del active_s
        options = (
            ("where", where),
            ("every", chance.randint(3, 20)),
            ("seed", chance.randrange(1 << 16)),
        )
        return [Episode(camera, at_s, "garbage", chance.uniform(0.5, 3), options)]

    return make


def _clock_jump(chance: random.Random, camera: int, at_s: float, active_s: float) -> list[Episode]:
    """Hours, minutes, a few seconds either way; and over the end of the 32-bit counter."""
    del active_s
    seconds = chance.choice((3600.0, -1800.0, 61.0, 4.0, -3.0, 0.8, 2147.0, 4294.967295))
    options = (("seconds", seconds),)
    return [Episode(camera, at_s, "clock_jump", chance.uniform(5, 20), options, interrupts=False)]


_MAKERS: dict[str, _Maker] = {
    "cut": _plain("cut", 0, 0),
    "refuse": _with_cut("refuse", 2, 8),
    "reboot": _plain("reboot", 4, 12),
    "power cut": _plain("reboot", 13, 22),
    "silence": _silence,
    "stall": _plain("stall", 2, 14),
    "trickle": _trickle,
    "garbage between": _garbage("between"),
    "garbage inside": _garbage("inside"),
    "truncate": _plain("truncate", 0.5, 0.5),
    "lose_key_frames": _plain("lose_key_frames", 4, 10, interrupts=False),
    "duplicate": _plain("duplicate", 4, 10, interrupts=False),
    "busy": _with_cut("busy", 5, 15),
    "clock_jump": _clock_jump,
}


# ---------------------------------------------------------------- players
def _visits(seed: int, cameras: int, active_s: float) -> Iterator[Visit]:
    chance = random.Random(f"{seed}/players")
    at_s = FIRST_VISIT_S
    for behaviour in _dealt(chance, _DECK):
        visit = Visit(
            at_s=at_s,
            camera=chance.randrange(cameras),
            kind=chance.choice(KINDS),
            behaviour=behaviour,
            is_udp=behaviour in _OVER_UDP and chance.random() < 0.4,
            duration_s=chance.uniform(1, 20),
            seed=chance.randrange(1 << 32),
        )
        if visit.at_s > active_s:
            return
        if visit.at_s + _LASTS_S.get(behaviour, visit.duration_s + 5.0) <= active_s:
            yield visit
        at_s += chance.expovariate(1 / ARRIVAL_MEAN_S)


def _followers(seed: int, cameras: int, active_s: float) -> Iterator[Visit]:
    """Give the players that may be moved between the streams of a camera; they stay longer."""
    chance = random.Random(f"{seed}/followers")
    at_s = FIRST_VISIT_S
    for behaviour in _dealt(chance, FOLLOWERS):
        duration_s = chance.uniform(20, 60)
        camera, visit_seed = chance.randrange(cameras), chance.randrange(1 << 32)
        if at_s > active_s:
            return
        if at_s + duration_s + 5.0 <= active_s:
            kind, is_udp = StreamKind.MAIN, False
            yield Visit(at_s, camera, kind, behaviour, is_udp, duration_s, visit_seed)
        at_s += chance.expovariate(1 / FOLLOWER_ARRIVAL_MEAN_S)


def _web_visits(seed: int, cameras: int, active_s: float) -> Iterator[WebVisit]:
    chance = random.Random(f"{seed}/web")
    at_s = FIRST_VISIT_S
    for behaviour in _dealt(chance, _WEB_DECK):
        visit = WebVisit(
            at_s=at_s,
            camera=chance.randrange(cameras),
            kind=chance.choice(KINDS),
            behaviour=behaviour,
            duration_s=chance.uniform(3, 25),
            seed=chance.randrange(1 << 32),
        )
        if visit.at_s > active_s:
            return
        if visit.at_s + _WEB_LASTS_S.get(behaviour, visit.duration_s + 8.0) <= active_s:
            yield visit
        at_s += chance.expovariate(1 / WEB_ARRIVAL_MEAN_S)


def _dealt(chance: random.Random, kinds: Sequence[T]) -> Iterator[T]:
    """Deal all kinds in random order, again and again."""
    while True:
        deck = list(kinds)
        chance.shuffle(deck)
        yield from deck
