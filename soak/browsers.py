"""Who comes by HTTP: steady browsers, and visitors that reload, hang, vanish, guess and lie."""

import asyncio
import contextlib
import json
import random
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from neolink.media.tracks import StreamKind
from soak.bridge import HTTP_TOKEN
from soak.http import Answer, LiveSocket, ask, bearer, head_of, live_path, stream_path
from soak.live_witness import LiveWitness
from soak.schedule import KINDS, WebBehaviour, WebVisit
from soak.wire import Disconnected, Refused, Wire, random_bytes

__all__ = ["WebVisitors", "make_live_witnesses", "run_live_witness"]

RETRY_S: Final = 1.0
SMALL_BUFFER: Final = 16 * 1024
HANG_S: Final = 33.0
"""Longer than the bridge bears a viewer that takes nothing (10 s), or leaves a ping without an
answer (20 s, and 10 s more)."""

HALF_S: Final = 23.0
"""Longer than the bridge waits for a request (15 s), and for its answer to be taken (5 s)."""

DECODE_AFTER_S: Final = 5.0
"""There are key frames by then."""

NEWS_S: Final = 8.0
"""The news come every 2 s."""

GUESSER: Final = "127.0.0.2"
"""Where wrong logins come from: those of others must not suffer by them."""

KNOWN: Final = bearer(HTTP_TOKEN)
READABLE: Final = {
    "/metrics": (200,),
    "/health": (200, 503),
    "/healthz": (200,),
    "/readyz": (200,),
    "/api/v1/cameras": (200,),
    "/api/v1/players": (200,),
    "/api/v1/process": (200,),
    "/api/v1/openapi.json": (200,),
    "/": (200,),
}
"""And how it may be answered: a camera that is away is none of the bridge's faults."""


def make_live_witnesses(cameras: int) -> list[LiveWitness]:
    """One steady browser for each kind of stream; that of sub has no sound."""
    witnesses = []
    for index, kind in enumerate(KINDS):
        camera, has_sound = (index + 1) % cameras, kind is not StreamKind.SUB
        name = f"cam{camera}/{kind} browser{' with sound' if has_sound else ''}"
        witnesses.append(LiveWitness(name, camera, kind, has_sound))
    return witnesses


async def run_live_witness(witness: LiveWitness, port: int, now_s: Callable[[], float]) -> None:
    """Watch until cancelled; a connection that ends is noted and begun again."""
    path = live_path(witness.camera, witness.kind, has_sound=witness.has_sound)
    while True:
        try:
            live = await LiveSocket.open(port, path, KNOWN)
            try:
                await _watch(witness, live, now_s)
            finally:
                live.close()
        except Refused as error:
            witness.violate(now_s(), str(error))
        except Disconnected as error:
            witness.end_session(now_s(), str(error))
        await asyncio.sleep(RETRY_S)


async def _watch(witness: LiveWitness, live: LiveSocket, now_s: Callable[[], float]) -> None:
    witness.begin_session(now_s())
    messages = await live.messages()
    while True:
        for message in messages:
            witness.take(message, now_s())
        messages = await live.receive()


# ---------------------------------------------------------------- visitors
@dataclass(slots=True)
class WebVisitors:
    """All visits over HTTP, and what came of them."""

    port: int
    now_s: Callable[[], float]
    surprises: list[str]
    begun: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    """``behaviour: outcome``."""
    statuses: Counter[int] = field(default_factory=Counter)
    """Of all single answers."""
    present: int = 0
    first_picture_ms: list[float] = field(default_factory=list)
    """From the upgrade to the first fragment, of browsers."""

    async def run(self, visits: tuple[WebVisit, ...]) -> None:
        """Let everybody come at the right time; ends when the last one has gone."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._decode_once())
            for visit in visits:
                await asyncio.sleep(max(0.0, visit.at_s - self.now_s()))
                tasks.create_task(self._visit(visit), name=f"visit {visit.behaviour}")

    async def _visit(self, visit: WebVisit) -> None:
        self.begun[visit.behaviour] += 1
        self.present += 1
        try:
            outcome = await _ACTS[visit.behaviour](self, visit)
        except Refused as error:
            outcome = f"refused {error.status}"
            self._note(visit, str(error))
        except Disconnected as error:
            outcome = "disconnected"
            self._note(visit, str(error))
        finally:
            self.present -= 1
        self.outcomes[f"{visit.behaviour}: {outcome}"] += 1

    async def _decode_once(self) -> None:
        """Have the decoder loaded early: the memory that it takes is no growth."""
        await asyncio.sleep(DECODE_AFTER_S)
        path = f"/api/v1/cameras/cam0/snapshot.jpg?stream={StreamKind.EXTERN}"  # it makes none
        await ask(self.port, path, KNOWN)

    def _note(self, visit: WebVisit, text: str) -> None:
        place = f"cam{visit.camera}/{visit.kind}"
        self.surprises.append(f"{self.now_s():.1f} s, {visit.behaviour} {place}: {text}")

    async def _ask(self, visit: WebVisit, path: str, allowed: tuple[int, ...] = (200,)) -> Answer:
        answer = await ask(self.port, path, KNOWN)
        self.statuses[answer.status] += 1
        if answer.status not in allowed:
            self._note(visit, f"{path} is answered {answer.status}: {answer.text[:200]}")
        return answer

    # -- browsers ---------------------------------------------------------------------
    async def _open(self, visit: WebVisit, receive_buffer: int | None = None) -> LiveSocket:
        path = live_path(visit.camera, visit.kind, has_sound=bool(visit.seed % 2))
        return await LiveSocket.open(self.port, path, KNOWN, receive_buffer=receive_buffer)

    async def _look(self, live: LiveSocket, seconds: float) -> None:
        """Take what comes for a while, and answer pings."""
        begin_s, is_first = time.monotonic(), True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                messages = await live.messages()
                while True:
                    fragments = [one for one in messages if one[4:8] == b"moof"]
                    if is_first and fragments:
                        is_first = False
                        self.first_picture_ms.append((time.monotonic() - begin_s) * 1000)
                    messages = await live.receive()

    async def _watch(self, visit: WebVisit) -> str:
        live = await self._open(visit)
        with contextlib.closing(live):
            await self._look(live, visit.duration_s)
            if visit.behaviour is WebBehaviour.RESET:
                live.reset()
            elif visit.behaviour is WebBehaviour.WATCH and not await live.leave():
                self._note(visit, "a goodbye is not answered")
        return "left"

    async def _reload(self, visit: WebVisit) -> str:
        chance = random.Random(visit.seed)
        end_s = self.now_s() + visit.duration_s
        while self.now_s() < end_s:
            live = await self._open(visit)
            with contextlib.closing(live):
                await self._look(live, chance.uniform(0.2, 3.0))
                live.reset()
        return "left"

    async def _stall(self, visit: WebVisit) -> str:
        live = await self._open(visit, SMALL_BUFFER)
        with contextlib.closing(live):
            await asyncio.sleep(random.Random(visit.seed).uniform(1.0, 8.0))  # it bears 10
            await self._look(live, visit.duration_s)
        return "left"

    async def _hang(self, visit: WebVisit) -> str:
        live = await self._open(visit, SMALL_BUFFER)
        with contextlib.closing(live):
            await asyncio.sleep(HANG_S)
            if await live.until_closed(2.0):
                return "ended by the server"
        self._note(visit, f"a viewer that takes nothing is borne for more than {HANG_S:g} s")
        return "not ended"

    async def _talk(self, visit: WebVisit) -> str:
        live = await self._open(visit)
        with contextlib.closing(live):
            await self._look(live, 1.0)
            await live.send(b"\x81\x82\0\0\0\0hi")
            if await live.until_closed(8.0):
                return "ended by the server"
        self._note(visit, "a viewer that talks is borne")
        return "not ended"

    # -- listeners --------------------------------------------------------------------
    async def _listen(self, visit: WebVisit) -> str:
        wire = await Wire.connect(self.port)
        with contextlib.closing(wire):
            await wire.send(head_of("GET", "/api/v1/events", KNOWN, version="1.1"))
            end_s = self.now_s() + visit.duration_s
            while self.now_s() < end_s:
                try:
                    async with asyncio.timeout(NEWS_S):
                        await wire.receive_bytes()
                except TimeoutError:
                    self._note(visit, f"no news for {NEWS_S:g} s")
                    return "without news"
        return "left"

    async def _be_deaf(self, visit: WebVisit) -> str:
        wire = await Wire.connect(self.port, receive_buffer=SMALL_BUFFER)
        with contextlib.closing(wire):
            await wire.send(head_of("GET", "/api/v1/events", KNOWN, version="1.1"))
            await asyncio.sleep(2 * visit.duration_s)
            return "ended by the server" if await wire.until_closed(0.5) else "left"

    # -- players of playlists ---------------------------------------------------------
    async def _play_hls(self, visit: WebVisit) -> str:
        """Play as browsers without media sources do; a camera that is away is a 503."""
        base = f"{stream_path(visit.camera, visit.kind)}/hls"
        end_s = self.now_s() + visit.duration_s + 5.0
        taken = 0
        while self.now_s() < end_s:
            index = await self._ask(visit, f"{base}/index.m3u8", (200, 503))
            uris = [line for line in index.text.splitlines() if line and not line.startswith("#")]
            if index.status != 200 or not uris:
                await asyncio.sleep(RETRY_S)
                continue
            taken += await self._take_segments(visit, f"{base}/{uris[0]}", end_s)
        return "played" if taken else "saw nothing"

    async def _take_segments(self, visit: WebVisit, path: str, end_s: float) -> int:
        """Take each segment once, until the session is over; return how many came."""
        folder, seen = path.rpartition("/")[0], set[str]()
        wanted = ""
        while self.now_s() < end_s:
            answer = await self._ask(visit, path + wanted, (200, 404, 503))
            if answer.status != 200:
                break
            names = re.findall(r'(?:^|URI=")([\w-]+\.(?:m4s|mp4))', answer.text, re.MULTILINE)
            fresh = [name for name in dict.fromkeys(names) if name not in seen][-3:]
            seen.update(names)
            for name in fresh:  # one that is only announced may never come: 503
                await self._ask(visit, f"{folder}/{name}", (200, 404, 503))
            first = re.search(r"#EXT-X-MEDIA-SEQUENCE:(\d+)", answer.text)
            count = answer.text.count("#EXTINF")
            wanted = f"?_HLS_msn={int(first[1]) + count}" if first else ""
        return len(seen)

    # -- others -----------------------------------------------------------------------
    async def _take_snapshots(self, visit: WebVisit) -> str:
        chance = random.Random(visit.seed)
        for _ in range(3):
            paths = [
                f"/api/v1/cameras/cam{visit.camera}/snapshot.jpg?stream={visit.kind}"
                f"&width={chance.choice((160, 333, 640, 1920))}"
                for _ in range(chance.randint(1, 4))
            ]
            for answer in await _all(self._ask(visit, path, (200, 503)) for path in paths):
                is_jpeg = answer.body.startswith(b"\xff\xd8") and b"\xff\xd9" in answer.body[-1024:]
                if answer.status == 200 and not is_jpeg:
                    self._note(visit, f"a picture of {len(answer.body)} bytes is none")
            await asyncio.sleep(chance.uniform(0.1, 2.0))
        return "left"

    async def _scrape(self, visit: WebVisit) -> str:
        named = f"/api/v1/cameras/cam{visit.camera}"
        paths = (
            *READABLE,
            named,
            f"{named}/log",
            f"{stream_path(visit.camera, visit.kind)}/history",
        )
        for _ in range(2):
            await _all(self._ask(visit, path, READABLE.get(path, (200,))) for path in paths)
            await asyncio.sleep(1.0)
        return "left"

    async def _guess(self, visit: WebVisit) -> str:
        chance = random.Random(visit.seed)
        for _ in range(5):
            secret = f"guess-{chance.randrange(1 << 30)}"
            body = json.dumps({"user": "admin", "password": secret}).encode()
            logging_in = ask(
                self.port, "/api/v1/session", {}, method="POST", body=body, source=GUESSER
            )
            reading = ask(self.port, "/metrics", bearer(secret), source=GUESSER)
            for answer in await _all((logging_in, reading)):
                self.statuses[answer.status] += 1
                if answer.status not in (401, 429):
                    self._note(visit, f"a wrong login is answered {answer.status}")
        return "refused"

    async def _garbage(self, visit: WebVisit) -> str:
        return await self._send_and_wait(visit, random_bytes(visit.seed))

    async def _half(self, visit: WebVisit) -> str:
        return await self._send_and_wait(visit, head_of("GET", "/", KNOWN)[:-5])

    async def _send_and_wait(self, visit: WebVisit, data: bytes) -> str:
        wire = await Wire.connect(self.port)
        with contextlib.closing(wire):
            with contextlib.suppress(Disconnected):
                await wire.send(data)
            if await wire.until_closed(HALF_S):
                return "ended by the server"
        self._note(visit, f"borne for more than {HALF_S:g} s")
        return "not ended"


async def _all(asking: Iterable[Awaitable[Answer]]) -> list[Answer]:
    return list(await asyncio.gather(*asking))


_ACTS: Final[dict[WebBehaviour, Callable[[WebVisitors, WebVisit], Awaitable[str]]]] = {
    WebBehaviour.WATCH: WebVisitors._watch,  # noqa: SLF001 - a table of the class above
    WebBehaviour.VANISH: WebVisitors._watch,  # noqa: SLF001
    WebBehaviour.RESET: WebVisitors._watch,  # noqa: SLF001
    WebBehaviour.RELOAD: WebVisitors._reload,  # noqa: SLF001
    WebBehaviour.STALL: WebVisitors._stall,  # noqa: SLF001
    WebBehaviour.HANG: WebVisitors._hang,  # noqa: SLF001
    WebBehaviour.TALK: WebVisitors._talk,  # noqa: SLF001
    WebBehaviour.EVENTS: WebVisitors._listen,  # noqa: SLF001
    WebBehaviour.DEAF: WebVisitors._be_deaf,  # noqa: SLF001
    WebBehaviour.HLS: WebVisitors._play_hls,  # noqa: SLF001
    WebBehaviour.SNAPSHOTS: WebVisitors._take_snapshots,  # noqa: SLF001
    WebBehaviour.SCRAPE: WebVisitors._scrape,  # noqa: SLF001
    WebBehaviour.WRONG_LOGIN: WebVisitors._guess,  # noqa: SLF001
    WebBehaviour.GARBAGE: WebVisitors._garbage,  # noqa: SLF001
    WebBehaviour.HALF: WebVisitors._half,  # noqa: SLF001
}
