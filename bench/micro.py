"""Each hot function by itself: time and allocations for one picture of 20 kB.

Nothing waits here and no socket is used, so that the figures are of Python alone. Runs are the
least of several repetitions each: what disturbs makes all of them longer.
"""

import timeit
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle

from bench import hot_path
from bench.counting import Allocated, count_allocations
from bench.figures import Beside, Figure, Section, spread
from bench.hot_path import Chain, Collector, FakeSocket, Link, tcp_lane
from bench.native import MissingTool
from bench.scenario import Context, say
from neolink.baichuan.bcmedia import BcMediaReader
from neolink.baichuan.crypto import AesCipher, Encryption
from neolink.baichuan.message import Message, MessageReader
from neolink.clock import ManualClock
from neolink.hub.stream import Stream
from neolink.media.assembler import VideoAssembler
from neolink.media.nal import split_annex_b
from neolink.media.timeline import VideoTimeline
from neolink.media.tracks import VIDEO_CLOCK_RATE, VideoCodec
from neolink.rtp.formats import video_format
from neolink.rtp.sender import RtpSender
from neolink.rtsp_server.mounts.parcel import VIDEO, Parcel

__all__ = ["measure", "steps"]

REPEAT = 5
COUNTED = 200
LEAST_S = 0.02
FLOOR = "one copy of it"

_METHOD = (
    "One P picture of {size} bytes in one NAL unit (a group of {gop}; the key frame is no larger). "
    "µs are the least of {repeat} repetitions for each run. Allocations are all requests to "
    "Python's allocator during a call, also of objects that live shortly, and the bytes asked for. "
    "The floor is `bytes(view)` of the picture."
)

Action = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Step:
    """A function with all it needs, called once for each picture."""

    key: str
    what: str
    action: Action


async def measure(context: Context) -> Section:
    """Measure all steps. Needs the loop it runs in for timers only."""
    pictures = hot_path.pictures()
    view = memoryview(pictures[1])
    floor = spread([_least_us(lambda: bytes(view)) for _ in range(context.runs)])
    figures: list[Figure] = []
    notes: list[str] = []
    for step in steps():
        times = spread([_least_us(step.action) for _ in range(context.runs)])
        try:
            note = _words(count_allocations(step.action, COUNTED))
        except MissingTool as missing:
            note, notes = "", [f"Allocations were not counted: {missing}."]
        say(f"{step.what}: {times.least:.2f} µs, {note}")
        figures.append(
            Figure(
                key=f"micro/{step.key}",
                what=step.what,
                unit="µs",
                spread=times,
                beside=(Beside(FLOOR, floor),),
                note=note,
            )
        )
    return Section(
        key="micro",
        title="Hot functions",
        method=_METHOD.format(size=hot_path.PICTURE_BYTES, gop=hot_path.GOP, repeat=REPEAT),
        figures=tuple(figures),
        notes=tuple(notes),
    )


def _words(found: Allocated) -> str:
    share = found.bytes / hot_path.PICTURE_BYTES
    return f"{found.blocks:.0f} allocations, {share:.1f} times its bytes"


def _least_us(action: Action) -> float:
    timer = timeit.Timer(action)
    number, spent_s = 1, timer.timeit(1)
    while spent_s < LEAST_S:
        number = max(2 * number, int(number * LEAST_S / max(spent_s, 1e-9)))
        spent_s = timer.timeit(number)
    return 1e6 * min(timer.repeat(REPEAT, number)) / number


def steps() -> list[Step]:
    """Return the steps in the order in which a picture meets them. Needs a running loop."""
    return [
        *_of_the_protocol(),
        *_of_the_media(),
        *_of_the_server(),
        *(_whole(level, players) for level, players in _WHOLE),
    ]


_WHOLE = (
    (Encryption.NONE, 1),
    (Encryption.FULL_AES, 1),
    (Encryption.NONE, 10),
    (Encryption.NONE, 200),
)


def _of_the_protocol() -> Iterator[Step]:
    clear, secret = Link(Encryption.NONE), Link(Encryption.FULL_AES)
    reader = MessageReader()
    wires = cycle([media.wire for media in clear.media])
    yield Step("message", "message cut (MessageReader)", lambda: reader.feed(next(wires)))
    cipher, data = AesCipher(bytes(16)), clear.media[1].packet
    yield Step("aes", "AES decryption (AesCipher)", lambda: cipher.decrypt(data))
    for name, link in (("clear", clear), ("full-aes", secret)):
        yield Step(f"payload-{name}", f"payload read, {name} (PayloadReader)", _reading(link))
    bcmedia, packets = BcMediaReader(), cycle([media.packet for media in clear.media])
    yield Step("bcmedia", "BcMedia packet (BcMediaReader)", lambda: bcmedia.feed(next(packets)))


def _reading(link: Link) -> Action:
    messages = cycle([_message(media.wire) for media in link.media])
    payloads = link.client._payloads  # noqa: SLF001 - the one with the keys of this login
    return lambda: payloads.read(next(messages))


def _message(wire: bytes) -> Message:
    (message,) = MessageReader().feed(wire)
    assert isinstance(message, Message)
    return message


def _of_the_media() -> Iterator[Step]:
    pictures = hot_path.pictures()
    picture = memoryview(pictures[1])
    yield Step("nal", "NAL units found (split_annex_b)", lambda: split_annex_b(picture))
    timeline, ticks = VideoTimeline(25.0, origin_s=0.0), iter(range(1, 1 << 40))

    def advance() -> int:
        tick = next(ticks)
        return timeline.advance(tick * 40_000 % (1 << 32), tick / hot_path.FRAME_RATE)

    yield Step("timeline", "timestamp (VideoTimeline)", advance)
    assembler, pts = VideoAssembler(VideoCodec.H264, 25.0), iter(range(0, 1 << 60, 3600))
    turn = cycle(pictures)
    yield Step(
        "assembler",
        "access unit (VideoAssembler, with the NAL units)",
        lambda: assembler.assemble(next(turn), next(pts)),
    )
    clock = ManualClock()
    stream = Stream("cam/main", clock=clock)
    stream.hold()
    units = cycle(hot_path.units())
    yield Step(
        "publish", "counted and published, no reader (Stream)", lambda: stream.publish(next(units))
    )


def _of_the_server() -> Iterator[Step]:
    units = hot_path.units()
    sender = RtpSender(
        video_format(units[0].track), ssrc=1, first_sequence=0, timestamp_offset=1, cname="bench"
    )
    turn = cycle(units)
    yield Step("packetize", "all RTP packets (RtpSender)", lambda: sender.packetize(next(turn)))
    batches = [sender.packetize(unit) for unit in units]
    parcels = [
        Parcel(batch, track=VIDEO, media_s=batch.pts / VIDEO_CLOCK_RATE) for batch in batches
    ]
    sock = FakeSocket()
    lane, parcel = tcp_lane(sock), parcels[1]
    yield Step(
        "lane", "given to one TCP player, without the system call (Lane)", lambda: lane.push(parcel)
    )

    def segments() -> object:
        batch = batches[1]
        batch._datagrams = batch._segments = None  # noqa: SLF001 - as when it was new
        return batch.segments()

    yield Step("segments", "cut for UDP, once for all players (PacketBatch)", segments)
    chain = Chain(Encryption.NONE, [Collector()])
    mount_units = cycle(units)
    yield Step("mount", "mount with one lane (Mount)", lambda: chain.mount.push(next(mount_units)))


def _whole(level: Encryption, players: int) -> Step:
    chain = Chain(level, [tcp_lane(FakeSocket()) for _ in range(players)])
    words = "full AES" if level is Encryption.FULL_AES else "clear"
    who = "1 player" if players == 1 else f"{players} players"
    return Step(
        f"whole-{words.replace(' ', '-').lower()}-{players}",
        f"all of it, {words}, {who}, without system calls",
        chain.turn,
    )
