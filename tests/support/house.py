"""A bridge in a house where everything happens: players of every kind, faults, other settings.

Everything is random, from one seed. Players are strict: what no server may do fails the test, and
what players may be told while cameras fail and settings change does not.
"""

import asyncio
import gc
import random
import re
import socket
import struct
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import cycle
from pathlib import Path
from typing import Any, Final

from neolink.app import BridgeSettings
from neolink.camera.settings import CameraSettings
from neolink.hub.demand import DemandState
from neolink.media.tracks import StreamKind
from neolink.rtp.rtcp import ReceiverReport
from neolink.rtsp_server.mounts.parcel import BACKCHANNEL
from neolink.rtsp_server.settings import AudioChoice, MountSettings, StartMode
from neolink.simulator.faults import make_fault
from neolink.simulator.server import SimulatedCamera
from support.bridge import HOST, RunningBridge
from support.camera_bench import settings_for
from support.rtsp_client import ReceivedTrack, RtspClient
from support.rtsp_talker import Microphone
from support.scenario import Pace, hurry, until_soon
from support.tls import client_context, make_identity
from support.tunnel_client import TunnelClient, WebSocketClient

__all__ = ["KINDS", "House"]

SEED: Final = 6
KINDS: Final = ("tcp", "udp", "multicast", "tls", "tunnel", "websocket", "tls tunnel")
PATHS: Final = ("porch/main", "porch/sub", "porch", "porch/auto", "garden/sub", "garden/main")
WISHES: Final = ("metadata=1", "backchannel=1", "pkt_size=900", "multicast")
START: Final = (StartMode.FAST, StartMode.LIVE)
ENDS: Final = ("teardown", "close", "reset", "udp goes on")
FAULTS: Final = (
    *("cut", "silence", "refuse", "stall", "mute", "burst", "lose_key_frames", "garbage"),
    *("change_codec", "change_audio", "change_size", "posix_jump", "trickle", "talk_busy"),
)
REFUSALS: Final = frozenset({404, 453, 454, 455, 461, 462, 503, 551})
"""What a player may be told; 500 is not among it."""

HASTY: Final = "promised another"
"""Where RTP-Info is about when everything else is late; other tests look at that alone."""

DISTURBANCE_S: Final = 0.3
VISIT_S: Final = 60.0

COUNTED: Final = (
    *("neolink.rtsp_server.sessions", "neolink.rtsp_server.requests", "neolink.rtsp_server.wires"),
    *("neolink.rtsp_server.delivery", "neolink.rtsp_server.mounts.backchannel"),
    *("neolink.rtsp_server.mounts.mount", "neolink.hub.stream", "neolink.camera.stream"),
    *("neolink.convert", "neolink.camera.supervisor", "neolink.camera.session"),
    "neolink.camera.connection",
)
"""Where the classes are of what comes and goes, and not of what is kept of it for a while."""


@dataclass(frozen=True)
class _Port:
    """Where a player in a tunnel connects to."""

    port: int

    @property
    def server(self) -> "_Port":
        return self


@dataclass
class House:
    """The bridge, its cameras ``porch`` and ``garden``, and who comes. ``done`` counts what was."""

    running: RunningBridge
    cameras: dict[str, SimulatedCamera]
    folder: Path
    chance: random.Random = field(default_factory=lambda: random.Random(SEED))
    done: Counter[str] = field(default_factory=Counter)
    turns: Iterator[str] = field(default_factory=lambda: cycle(KINDS))

    async def live(self, players: int, seconds: float) -> None:
        """Let so many players at a time come again and again, and disturb them."""
        loop = asyncio.get_running_loop()
        end_s = loop.time() + seconds

        async def come_again() -> None:
            while loop.time() < end_s:
                await self.visit()

        async def disturb() -> None:
            while loop.time() < end_s:
                await self.disturb()
                await asyncio.sleep(2 * DISTURBANCE_S * self.chance.random())

        async with asyncio.TaskGroup() as tasks:
            for number in range(players):
                tasks.create_task(come_again(), name=f"player {number}")
            tasks.create_task(disturb(), name="disturbance")

    # -- players ----------------------------------------------------------------------

    async def visit(self) -> None:
        """Have one player come, do something, and go."""
        kind = next(self.turns)
        client = self._client(kind)
        try:
            async with asyncio.timeout(VISIT_S):
                with suppress(OSError):  # its session was ended by what happens
                    await client.connect()
                    if await self._play(client, kind):
                        self.done[kind] += 1
                        await self._stay(client)
                        await self._leave(client)
        finally:
            await client.close()
        has_ended = any(track.has_ended for track in client.tracks.values())
        if not (kind == "multicast" and has_ended):  # the group may go on, as another source
            faults = [fault for fault in client.faults if HASTY not in str(fault)]
            assert not faults, (kind, client.url, faults)

    def _client(self, kind: str) -> RtspClient:
        rtsp, chance = self.running.bridge.rtsp, self.chance
        tls = client_context() if kind.startswith("tls") else None
        port = _Port(rtsp.tls_port if tls else rtsp.port)
        wishes = [f"audio={chance.choice(list(AudioChoice))}", f"start={chance.choice(START)}"]
        path = f"{chance.choice(PATHS)}?{'&'.join([*wishes, chance.choice(WISHES)])}"
        url = f"{'rtsps' if tls else 'rtsp'}://{HOST}:{port.port}/{path}"
        options: dict[str, Any] = {"tls": tls, "receive_buffer": chance.choice((None, 4096))}
        if kind.endswith("tunnel"):
            return TunnelClient(url, bench=port, **options)
        if kind == "websocket":
            return WebSocketClient(url, bench=port, **options)
        return RtspClient(url, **options)

    async def _play(self, client: RtspClient, kind: str) -> bool:
        """Describe, set up some tracks and play; False where the bridge says no."""
        transport = kind if kind in {"udp", "multicast"} else "tcp"
        if not self._is_granted((await client.describe()).status):
            return False
        numbers = [int(media.control.rpartition("=")[2]) for media in client.media]
        for track in self.chance.sample(numbers, self.chance.randint(1, len(numbers))):
            is_back = track == BACKCHANNEL
            how = "tcp" if is_back and transport == "multicast" else transport
            if not self._is_granted((await client.setup(track, how)).status):
                return False
            if how == "udp":
                _drain(client.tracks[track])
        return self._is_granted((await client.play()).status)

    def _is_granted(self, status: int) -> bool:
        if status == 200:
            return True
        assert status in REFUSALS, status
        self.done[f"refused {status}"] += 1
        return False

    async def _stay(self, client: RtspClient) -> None:
        ways: list[Callable[[RtspClient], Awaitable[object]]]
        ways = [self._watch, self._stall, self._pause, self._report, self._talk]
        for _ in range(self.chance.randint(1, 3)):
            if not client.is_closed:
                await self.chance.choice(ways)(client)

    async def _watch(self, _: RtspClient) -> None:
        await asyncio.sleep(self.chance.random())

    async def _stall(self, client: RtspClient) -> None:
        client.stop_reading()
        await asyncio.sleep(2 * self.chance.random())
        client.resume_reading()

    async def _pause(self, client: RtspClient) -> None:
        if self._is_granted((await client.pause()).status):
            await asyncio.sleep(0.05)  # datagrams of before are still to be read
            self._is_granted((await client.play()).status)

    async def _report(self, client: RtspClient) -> None:
        report = ReceiverReport(7).serialize()
        for track in client.tracks.values():
            if track.granted.interleaved is not None:
                await client.send_frame(track.granted.interleaved[1], report)
            elif track.udp is not None and track.granted.server_port is not None:
                track.udp.rtcp.sendto(report, (HOST, track.granted.server_port[1]))

    async def _talk(self, client: RtspClient) -> None:
        track = client.tracks.get(BACKCHANNEL)
        if track is None:
            return
        self.done["talk"] += 1
        for packet in Microphone(0, "PCMU", 8000).packets(self.chance.randint(1, 40)):
            if track.granted.interleaved is not None:
                await client.send_frame(track.granted.interleaved[0], packet)
            elif track.udp is not None and track.granted.server_port is not None:
                track.udp.rtp.sendto(packet, (HOST, track.granted.server_port[0]))
            await asyncio.sleep(0.02)

    async def _leave(self, client: RtspClient) -> None:
        end = self.chance.choice(ENDS)
        self.done[end] += 1
        if end == "teardown":
            await client.teardown()
        elif end == "udp goes on":
            await client.close_tcp()
            await asyncio.sleep(self.chance.random())
        elif end == "reset" and client._sock is not None:
            client._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    # -- what happens meanwhile -------------------------------------------------------

    async def disturb(self) -> None:
        """Have a camera fail or see something, or go over to other settings."""
        await self.chance.choice([self._fail, self._notice, self._reload, self._renew])()
        hurry(self.running.bridge, Pace())

    async def _fail(self) -> None:
        name, camera = self.chance.choice(FAULTS), self._some_camera()
        camera.inject(make_fault(name), None if name == "cut" else self.chance.random())
        self.done[name] += 1

    def _some_camera(self) -> SimulatedCamera:
        return self.chance.choice(list(self.cameras.values()))

    async def _notice(self) -> None:
        for _ in range(self.chance.randint(1, 5)):
            words = self.chance.choice((("MD", "none"), ("none", "people"), ("none", "none")))
            self._some_camera().push_motion(0, *words)

    async def _reload(self) -> None:
        """Rename a camera, leave one out, serve fewer streams, offer players something else."""
        chance = self.chance
        other = chance.choice(("garden", "garden", "shed", ""))
        cameras = self._settings({"porch": "porch", "garden": other})
        if chance.random() < 0.3:
            cameras[0] = replace(cameras[0], streams=(StreamKind.MAIN,))
        mount = MountSettings(
            camera="",
            audio=chance.choice(list(AudioChoice)),
            has_metadata=chance.random() < 0.5,
            has_talk=chance.random() < 0.8,
            start=chance.choice((StartMode.FAST, StartMode.LIVE)),
            packet_bytes=chance.choice((1400, 1200)),
            setup_timeout_s=1.0,
        )
        self.done["reload"] += 1
        await self._go_over(cameras, mount)

    async def _renew(self) -> None:
        """Write another certificate into the same file, or name another file."""
        bridge = self.running.bridge
        file = self.folder / f"certificate{self.chance.randrange(2)}.pem"
        make_identity().write(file)
        self.done["certificate"] += 1
        rtsp = replace(bridge.rtsp.settings, certificate=file)
        await bridge.reload(replace(bridge.settings, rtsp=rtsp))

    async def _go_over(self, cameras: list[CameraSettings], mount: MountSettings) -> None:
        bridge = self.running.bridge
        mounts = [replace(mount, camera=camera.name, streams=camera.streams) for camera in cameras]
        await bridge.reload(BridgeSettings(cameras, mounts, bridge.rtsp.settings))

    def _settings(self, names: dict[str, str]) -> list[CameraSettings]:
        return [
            settings_for(self.cameras[key], name=name, backoff_initial_s=0.02, backoff_max_s=0.2)
            for key, name in names.items()
            if name
        ]

    # -- the account ------------------------------------------------------------------

    async def calm(self) -> None:
        """Bring the settings back to what they were, and wait until everybody is forgotten."""
        await self._go_over(
            self._settings({name: name for name in self.cameras}), MountSettings(camera="")
        )
        bridge = self.running.bridge
        hurry(bridge, Pace())
        rtsp, streams = bridge.rtsp, bridge.streams.values()
        await until_soon(
            lambda: not (rtsp.context.players or rtsp.connection_count),
            lambda: f"the end of {rtsp.context.players} and {rtsp.connection_count} connections",
            20,
        )
        await until_soon(
            lambda: all(stream.state is DemandState.IDLE for stream in streams), "idle streams", 20
        )
        await until_soon(lambda: not bridge._codec_threads.jobs, "the end of conversions", 20)
        await until_soon(
            lambda: all(device.camera._session for device in bridge._devices), "the logins", 20
        )

    def check_nothing_is_left(self) -> None:
        """Check every table that a player is entered in."""
        bridge = self.running.bridge
        context = bridge.rtsp.context
        tables: dict[str, Any] = {
            "groups": list(context.groups),
            "sessions": len(context.sessions),
            "addresses": len(context.udp_peers),
            "awaited": context.udp_peers._awaited,
            "tunnels": len(context.tunnels.pairing),
            "queued": context.budget.used_bytes,
            "queues": context.budget._holders,
            "hosts": bridge.rtsp.door._per_host,
            "seats": sum(mount.player_count for mount in bridge.mounts.values()),
            "holds": [mount.name for mount in bridge.mounts.values() if mount._hold],
            "conversions": [one for one in bridge.mounts.values() if one.sounds.conversions],
            "feeds": [mount.name for mount in bridge.mounts.values() if mount.metadata.is_read],
            "sizes": [one for one in bridge.mounts.values() if one._senders._sizes._holders],
            "followers": [one for one in bridge.cameras if one.motion._told],
            "talkers": [one for one in bridge._intercoms.values() if one._owner],
        }
        left = {name: what for name, what in tables.items() if what}
        assert not left, left

    def objects(self) -> Counter[str]:
        """Count what there is of the classes of whatever comes and goes."""
        self.running.bridge.observer.read()  # until it looks it knows those of its last look
        gc.collect()
        kinds = (type(one) for one in gc.get_objects())
        names = (f"{kind.__module__}.{kind.__qualname__}" for kind in kinds)
        return Counter(name for name in names if name.startswith(COUNTED))

    def tasks(self) -> Counter[str]:
        """Count tasks, whatever a camera was called when its task began."""
        names = (re.sub("garden|shed", "other", task.get_name()) for task in asyncio.all_tasks())
        # A subscription is made only on demand, and its task ends when it was made.
        return Counter(name for name in names if name != "motion subscription")


def _drain(track: ReceivedTrack) -> None:
    """Forget what came before SETUP, to one who had the ports before and left without a word."""
    assert track.udp is not None
    for sock in (track.udp.rtp, track.udp.rtcp):
        with suppress(BlockingIOError):
            while True:
                sock.recv(2048)
