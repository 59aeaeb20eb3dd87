"""Who plays: witnesses that stay, and visitors that come, go, hang and lie."""

import asyncio
import contextlib
import random
import socket
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from neolink.errors import NeolinkError
from neolink.media.tracks import StreamKind
from neolink.rtp.rtcp import ReceiverReport
from soak.bridge import SESSION_TIMEOUT_S
from soak.rtsp import Client, UdpPair, url_of
from soak.schedule import FOLLOWERS, Behaviour, Visit
from soak.wire import Disconnected, Refused, random_bytes
from soak.witness import Witness

__all__ = ["Visitors", "make_witnesses", "run_witness"]

KEEP_ALIVE_S = SESSION_TIMEOUT_S / 2
RETRY_S = 1.0
HANG_S = 25.0
"""Longer than the bridge bears a player that takes nothing (10 s)."""

SILENT_S = 15.0
"""Longer than the bridge waits for a request (10 s)."""

STALL_BUFFER = 32 * 1024
WITNESS_BUFFER = 4 << 20
SLOW_BYTES_PER_S = (30_000, 90_000)
"""What a slow follower reads: less than main has."""

READS_PER_S = 10
EITHER = "auto"
"""The path on which a player is sent main or sub."""


def make_witnesses(per_kind: int, cameras: int) -> list[Witness]:
    """Spread steady players over cameras and streams; the last of each kind is on UDP.

    One more keeps up on a path on which players may be moved.
    """
    witnesses: list[Witness] = []
    for kind in (StreamKind.MAIN, StreamKind.SUB, StreamKind.EXTERN):
        for index in range(per_kind):
            camera = len(witnesses) % cameras
            is_udp = index == per_kind - 1
            name = f"cam{camera}/{kind} {'UDP' if is_udp else 'TCP'}"
            witnesses.append(Witness(name, camera, kind, is_udp))
    witnesses.append(Witness("cam0/auto TCP", 0, StreamKind.MAIN, is_udp=False, path=EITHER))
    return witnesses


# ---------------------------------------------------------------- witnesses
async def run_witness(witness: Witness, port: int, now_s: Callable[[], float]) -> None:
    """Play until cancelled; a session that ends is noted and begun again."""
    has_begun = False
    while True:
        try:
            await _watch(witness, port, now_s)
        except Refused as error:
            # Before the first picture a stream may be unknown: players are told to come back.
            if has_begun or error.status != 503:
                witness.violate(now_s(), str(error))
        except Disconnected as error:
            witness.end_session(now_s(), str(error))
        except NeolinkError as error:
            witness.end_session(now_s(), f"what came is not RTSP: {error}")
        has_begun = witness.units > 0
        await asyncio.sleep(RETRY_S)


async def _watch(witness: Witness, port: int, now_s: Callable[[], float]) -> None:
    url = url_of(port, witness.camera, witness.path or witness.kind)
    client = await Client.open(port, url)
    with contextlib.ExitStack() as stack:
        stack.callback(client.close)
        await client.describe()
        pairs: list[UdpPair] = []
        for track in range(len(client.media)):
            pair = UdpPair(WITNESS_BUFFER) if witness.is_udp else None
            if pair is not None:
                stack.callback(pair.close)
                stack.callback(_stop_reading, pair)
                pairs.append(pair)
            await client.setup(track, pair)
        witness.begin_session(client.media, now_s())
        for track, pair in enumerate(pairs):
            _read_udp(witness, track, pair, now_s)

        def take(channel: int, data: bytes) -> None:
            if channel % 2:
                witness.take_rtcp(channel // 2, data, now_s())
            else:
                witness.take_rtp(channel // 2, data, now_s())

        client.on_frame = take
        await client.play()
        keeping = asyncio.create_task(_keep_alive(client, pairs))
        try:
            while True:
                await client.receive()
                while client.statuses:
                    if (status := client.statuses.pop()) != 200:
                        raise Refused("GET_PARAMETER", status)
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)


async def _keep_alive(client: Client, pairs: list[UdpPair]) -> None:
    while True:
        await asyncio.sleep(KEEP_ALIVE_S)
        with contextlib.suppress(Disconnected):
            await client.post("GET_PARAMETER")
        for track, pair in enumerate(pairs):
            address = ("127.0.0.1", client.server_ports[track] + 1)
            with contextlib.suppress(OSError):
                pair.rtcp.sendto(ReceiverReport(ssrc=1).serialize(), address)


async def _read_on(client: Client, bytes_per_s: float | None) -> None:
    """Read until cancelled, and not faster than that."""
    while bytes_per_s is None:
        await client.receive()
    while True:
        await asyncio.sleep(1 / READS_PER_S)
        await client.receive(round(bytes_per_s / READS_PER_S))


def _read_udp(witness: Witness, track: int, pair: UdpPair, now_s: Callable[[], float]) -> None:
    loop = asyncio.get_running_loop()
    for sock, take in ((pair.rtp, witness.take_rtp), (pair.rtcp, witness.take_rtcp)):
        loop.add_reader(sock.fileno(), _drain, sock, track, take, now_s)


def _drain(
    sock: socket.socket,
    track: int,
    take: Callable[[int, bytes, float], None],
    now_s: Callable[[], float],
) -> None:
    with contextlib.suppress(BlockingIOError):
        while True:
            take(track, sock.recv(65536), now_s())


def _stop_reading(pair: UdpPair) -> None:
    loop = asyncio.get_running_loop()
    for sock in (pair.rtp, pair.rtcp):
        loop.remove_reader(sock.fileno())


# ---------------------------------------------------------------- visitors
@dataclass(slots=True)
class Visitors:
    """All visits, and what came of them."""

    port: int
    now_s: Callable[[], float]
    begun: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    """``behaviour: outcome``."""
    surprises: list[str] = field(default_factory=list)
    """What a server must not do to a player, in words."""
    present: int = 0
    first_bytes_ms: list[float] = field(default_factory=list)
    """From connect to the first media bytes, of players on TCP."""

    async def run(self, visits: tuple[Visit, ...]) -> None:
        """Let everybody come at the right time; ends when the last one has gone."""
        async with asyncio.TaskGroup() as tasks:
            for visit in visits:
                await asyncio.sleep(max(0.0, visit.at_s - self.now_s()))
                tasks.create_task(self._visit(visit), name=f"visit {visit.behaviour}")

    async def _visit(self, visit: Visit) -> None:
        self.begun[visit.behaviour] += 1
        self.present += 1
        try:
            outcome = await self._act(visit)
        except Refused as error:
            outcome = f"refused {error.status}"
            if error.status != 503:
                self._note(visit, str(error))
        except Disconnected as error:
            outcome = "disconnected"
            self._note(visit, str(error))
        except NeolinkError as error:
            outcome = "not RTSP"
            self._note(visit, f"what came is not RTSP: {error}")
        finally:
            self.present -= 1
        self.outcomes[f"{visit.behaviour}: {outcome}"] += 1

    def _note(self, visit: Visit, text: str) -> None:
        transport = "UDP" if visit.is_udp else "TCP"
        place = f"cam{visit.camera}/{EITHER if visit.behaviour in FOLLOWERS else visit.kind}"
        self.surprises.append(
            f"{self.now_s():.1f} s, {visit.behaviour} {transport} {place}: {text}"
        )

    async def _act(self, visit: Visit) -> str:
        is_stalling = visit.behaviour in _STALLING
        path = EITHER if visit.behaviour in FOLLOWERS else visit.kind
        client = await Client.open(
            self.port,
            url_of(self.port, visit.camera, path),
            receive_buffer=STALL_BUFFER if is_stalling else None,
        )
        pairs: list[UdpPair] = []
        try:
            return await _ACTS[visit.behaviour](self, visit, client, pairs)
        finally:
            client.close()
            for pair in pairs:
                pair.close()

    # -- what they do -----------------------------------------------------------------
    async def _begin(self, visit: Visit, client: Client, pairs: list[UdpPair]) -> None:
        begin_s = time.monotonic()
        await client.describe()
        for track in range(len(client.media)):
            pair = UdpPair() if visit.is_udp or visit.behaviour is Behaviour.UDP_SILENT else None
            if pair is not None:
                pairs.append(pair)
            await client.setup(track, pair)
        await client.play()
        if not pairs:
            first = asyncio.Event()
            client.on_frame = lambda _channel, _data: first.set()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(2.0):
                    while not first.is_set():
                        await client.receive()
                    self.first_bytes_ms.append((time.monotonic() - begin_s) * 1000)
            client.on_frame = lambda _channel, _data: None

    async def _watch(self, visit: Visit, client: Client, pairs: list[UdpPair]) -> str:
        await self._begin(visit, client, pairs)
        await self._stay(visit, client)
        if visit.behaviour is Behaviour.PAUSE:
            await client.post("PAUSE")
            await client.drain(1.0)
            await client.post("PLAY")
            await client.drain(2.0)
        await client.post("TEARDOWN")
        await client.drain(0.5)
        return "left"

    async def _vanish(self, visit: Visit, client: Client, pairs: list[UdpPair]) -> str:
        await self._begin(visit, client, pairs)
        await self._stay(visit, client)
        if visit.behaviour is Behaviour.RESET:
            client.reset()
        return "left"

    async def _stay(self, visit: Visit, client: Client) -> None:
        left_s = visit.duration_s
        while left_s > 0:
            await client.drain(min(left_s, KEEP_ALIVE_S))
            left_s -= KEEP_ALIVE_S
            if left_s > 0:
                await client.post("GET_PARAMETER")

    async def _stall(self, visit: Visit, client: Client, pairs: list[UdpPair]) -> str:
        await self._begin(visit, client, pairs)
        stalls_s = random.Random(visit.seed).uniform(1.0, 8.0)  # the bridge bears 10
        await asyncio.sleep(stalls_s)
        await client.drain(visit.duration_s)
        await client.post("TEARDOWN")
        await client.drain(0.5)
        return "left"

    async def _hang(self, visit: Visit, client: Client, pairs: list[UdpPair]) -> str:
        await self._begin(visit, client, pairs)
        await asyncio.sleep(HANG_S)
        return "ended by the server" if await client.until_closed(2.0) else "not ended"

    async def _garbage(self, visit: Visit, client: Client, pairs: list[UdpPair]) -> str:
        del pairs
        with contextlib.suppress(Disconnected):
            await client.send(random_bytes(visit.seed))
        return "ended by the server" if await client.until_closed(SILENT_S) else "not ended"

    async def _half(self, visit: Visit, client: Client, pairs: list[UdpPair]) -> str:
        del pairs
        text = f"DESCRIBE {url_of(self.port, visit.camera, visit.kind)} RTSP/1.0\r\nCSeq: 1\r\nAcc"
        await client.send(text.encode())
        if await client.until_closed(SILENT_S):
            return "ended by the server"
        self._note(visit, f"half a request is borne for more than {SILENT_S:g} s")
        return "not ended"

    async def _wrong_session(self, visit: Visit, client: Client, pairs: list[UdpPair]) -> str:
        del visit, pairs
        await client.describe()
        try:
            await client.ask("PLAY", headers=(("Session", "0123456789abcdef"),))
        except Refused as error:
            if error.status != 454:
                raise
            return "refused 454"
        raise Refused("PLAY in a wrong session", 200)

    async def _describe(self, visit: Visit, client: Client, pairs: list[UdpPair]) -> str:
        del visit, pairs
        await client.describe()
        return "left"

    async def _follow(self, visit: Visit, client: Client, pairs: list[UdpPair]) -> str:
        """Play main or sub, as the bridge likes; what comes is held against the rules."""
        del pairs
        is_slow = visit.behaviour is Behaviour.FOLLOW_SLOWLY
        witness = Witness("", visit.camera, visit.kind, is_udp=False, may_lose_groups=is_slow)
        await client.describe()
        for track in range(len(client.media)):
            await client.setup(track)
        witness.begin_session(client.media, self.now_s())

        def take(channel: int, data: bytes) -> None:
            handle = witness.take_rtcp if channel % 2 else witness.take_rtp
            handle(channel // 2, data, self.now_s())

        client.on_frame = take
        await client.play()
        rate = random.Random(visit.seed).uniform(*SLOW_BYTES_PER_S) if is_slow else None
        keeping = asyncio.create_task(_keep_alive(client, []))
        try:
            async with asyncio.timeout(visit.duration_s):
                await _read_on(client, rate)
        except TimeoutError:
            await client.post("TEARDOWN")
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
        for violation in witness.violations[:3]:
            self._note(visit, violation.text)
        return "left" if witness.units else "saw nothing"

    async def _fall_silent(self, visit: Visit, client: Client, pairs: list[UdpPair]) -> str:
        await self._begin(visit, client, pairs)
        client.close()
        await asyncio.sleep(visit.duration_s)
        return "left"


_STALLING = (Behaviour.STALL, Behaviour.HANG, Behaviour.FOLLOW_SLOWLY)
_ACTS = {
    Behaviour.WATCH: Visitors._watch,  # noqa: SLF001 - a table of the class above
    Behaviour.PAUSE: Visitors._watch,  # noqa: SLF001
    Behaviour.VANISH: Visitors._vanish,  # noqa: SLF001
    Behaviour.RESET: Visitors._vanish,  # noqa: SLF001
    Behaviour.STALL: Visitors._stall,  # noqa: SLF001
    Behaviour.HANG: Visitors._hang,  # noqa: SLF001
    Behaviour.GARBAGE: Visitors._garbage,  # noqa: SLF001
    Behaviour.HALF: Visitors._half,  # noqa: SLF001
    Behaviour.WRONG_SESSION: Visitors._wrong_session,  # noqa: SLF001
    Behaviour.DESCRIBE: Visitors._describe,  # noqa: SLF001
    Behaviour.UDP_SILENT: Visitors._fall_silent,  # noqa: SLF001
    Behaviour.FOLLOW: Visitors._follow,  # noqa: SLF001
    Behaviour.FOLLOW_SLOWLY: Visitors._follow,  # noqa: SLF001
}
