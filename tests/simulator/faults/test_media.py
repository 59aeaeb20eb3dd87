"""Media that does not come, comes in bursts, or is of another kind than before."""

from itertools import pairwise

import pytest

from neolink.baichuan.bcmedia import AacPacket, AdpcmPacket, InfoPacket, Packet, VideoTag
from neolink.baichuan.ids import MessageId, StreamType
from neolink.errors import ConfigError
from neolink.media.tracks import StreamKind
from neolink.simulator.faults import make_fault
from support.camera_link import Bench, assert_well, begin, frames


def infos(packets: list[Packet]) -> list[tuple[int, int, int]]:
    return [
        (one.width, one.height, one.frame_rate) for one in packets if isinstance(one, InfoPacket)
    ]


def sounds(packets: list[Packet]) -> list[Packet]:
    return [one for one in packets if isinstance(one, AacPacket | AdpcmPacket)]


# ---------------------------------------------------------------- less of it
async def test_stalled_stream_stops_and_the_other_goes_on(bench: Bench) -> None:
    link = bench.logged_in()
    link.start()
    link.start(StreamType.SUB)
    link.run(0.3)
    fault = begin(link, "stall", stream="main")
    before = link.device.stats.frames_sent.copy()
    link.run(1.0)
    assert set(link.device.stats.frames_sent - before) == {(0, "sub")}
    assert link.ask(MessageId.PING).status == 200
    link.device.end(fault)
    assert_well(bench, link.device)


async def test_lost_key_frames_leave_the_others(bench: Bench) -> None:
    link = bench.logged_in()
    fault = begin(link, "lose_key_frames")
    link.start()
    pictures = frames(link.run(2.5))
    assert len(pictures) > 50
    assert not any(one.is_key_frame for one in pictures)
    link.device.end(fault)
    assert_well(bench, link.device)


async def test_muted_camera_sends_pictures_and_is_heard_again(bench: Bench) -> None:
    link = bench.logged_in()
    link.start()
    link.run(0.3)
    fault = begin(link, "mute")
    packets = link.run(1.0)
    assert len(frames(packets)) == 25
    assert sounds(packets) == []
    link.device.end(fault)
    assert len(sounds(link.run(1.0))) in (15, 16)
    assert_well(bench, link.device)


# ---------------------------------------------------------------- bursts
async def test_burst_holds_media_back_and_sends_all_of_it_at_once(bench: Bench) -> None:
    link = bench.logged_in()
    link.start()
    link.run(0.5)
    fault = begin(link, "burst", period_s=2.0)
    seen = len(link.packets)
    sizes = [len(frames(link.run(0.02))) for _ in range(250)]
    lots = [size for size in sizes if size]
    assert len(lots) == 2
    assert all(size in (49, 50, 51) for size in lots)
    packets = link.packets[seen:]
    mixed = [type(one) for one in packets[:10]]
    assert len(set(mixed)) > 1  # in the order of time
    held = link.device.next_due_s(bench.clock.monotonic_s())
    assert held is not None
    assert held > bench.clock.monotonic_s() + 0.5  # it sleeps meanwhile
    link.device.end(fault)
    assert len(frames(link.run(0.02))) > 20
    steps = {b.microseconds - a.microseconds for a, b in pairwise(frames(link.packets))}
    assert steps == {40_000}
    assert link.damages == 0
    assert_well(bench, link.device)


async def test_burst_longer_than_the_usual_backlog_loses_nothing(bench: Bench) -> None:
    link = bench.logged_in()
    link.start()
    fault = begin(link, "burst", period_s=10.0)
    link.run(11.0, step_s=0.1)
    assert len(frames(link.packets)) > 240
    assert not link.device.stats.frames_dropped
    link.device.end(fault)
    assert_well(bench, link.device)


async def test_sound_comes_before_the_pictures_of_its_time(bench: Bench) -> None:
    link = bench.logged_in()
    fault = begin(link, "burst", period_s=1.0, sound_first=True)
    link.start()
    packets = link.run(1.2)
    kinds = [isinstance(one, AacPacket) for one in packets]
    count = sum(kinds)
    assert count > 10
    assert kinds == [True] * count + [False] * (len(kinds) - count)
    assert frames(packets)
    link.device.end(fault)
    assert_well(bench, link.device)


# ---------------------------------------------------------------- other than before
@pytest.mark.parametrize("value", [0, 2, 255])
async def test_info_tells_a_strange_frame_rate(bench: Bench, value: int) -> None:
    link = bench.logged_in()
    fault = begin(link, "info_frame_rate", value=value)
    link.start()
    assert infos(link.packets) == [(1280, 720, value)]
    assert len(frames(link.run(1.12))) in (25, 26)
    link.device.end(fault)
    assert_well(bench, link.device)


async def test_size_changes_in_a_running_stream_and_back(bench: Bench) -> None:
    link = bench.logged_in(frame_rate=20)
    link.start()
    link.run(1.0)
    fault = begin(link, "change_size", like="sub")
    small = link.run(2.0)
    assert infos(small) == [(640, 360, 15)]
    first = next(one for one in frames(small) if one.is_key_frame)
    assert len(frames(small)) in range(29, 33)
    assert sounds(small)
    assert link.device.stats.last_counter[0, StreamKind.MAIN] < 35
    link.device.end(fault)
    large = link.run(1.0)
    assert infos(large) == [(1280, 720, 20)]
    assert len(frames(large)[0].data) > len(first.data)
    assert link.damages == 0
    clock = [one.microseconds for one in frames(link.packets)]
    assert {b - a for a, b in pairwise(clock)} <= {50_000, 66_666, 66_667}
    assert link.media.dropped_frames == 0


async def test_change_is_for_its_stream_only(bench: Bench) -> None:
    link = bench.logged_in()
    begin(link, "change_size", like="sub", stream="extern")
    link.start()
    link.start(StreamType.EXTERN)
    assert infos(link.run(0.5)) == []
    assert infos(link.packets) == [(1280, 720, 25), (640, 360, 15)]


async def test_codec_changes_in_a_running_stream_and_back(bench: Bench) -> None:
    link = bench.logged_in()
    link.start()
    link.run(0.5)
    fault = begin(link, "change_codec")
    changed = link.run(0.5)
    begin(link, "change_size", like="extern")
    changed += link.run(1.0)
    assert infos(changed) == [(1280, 720, 25), (896, 512, 20)]
    pictures = [one for one in frames(changed) if one.codec is VideoTag.H265]
    assert pictures[0].is_key_frame
    assert len(pictures) > 25
    link.device.end(fault)
    pictures = frames(link.run(1.0))
    assert {one.codec for one in pictures[1:]} == {VideoTag.H264}
    for left in tuple(link.device.faults):
        link.device.end(left)
    assert_well(bench, link.device)


@pytest.mark.parametrize(("audio", "codec"), [("aac", "other"), ("aac", "adpcm"), (None, "adpcm")])
async def test_sound_changes_in_a_running_stream_and_back(
    bench: Bench, audio: str | None, codec: str
) -> None:
    link = bench.logged_in(audio=audio)
    link.start()
    link.run(0.5)
    fault = begin(link, "change_audio", codec=codec)
    changed = link.run(3.0)
    assert {type(one) for one in sounds(changed)} == {AdpcmPacket}
    assert len(sounds(changed)) in range(49, 52)  # blocks of 60 ms
    steps = {b.microseconds - a.microseconds for a, b in pairwise(frames(link.packets))}
    assert steps == {40_000}
    kinds = [isinstance(one, AdpcmPacket) for one in changed[:6]]
    assert any(kinds)
    assert not all(kinds)  # between the pictures
    link.device.end(fault)
    again = link.run(3.0)
    assert {type(one) for one in sounds(again)} == ({AacPacket} if audio else set())
    assert len(sounds(again)) in (range(46, 49) if audio else range(1))
    assert link.damages == 0
    assert_well(bench, link.device)


async def test_who_comes_during_a_change_of_sound_hears_the_end_of_it(bench: Bench) -> None:
    link = bench.logged_in()
    fault = begin(link, "change_audio")
    link.start()
    assert {type(one) for one in sounds(link.run(1.0))} == {AdpcmPacket}
    link.device.end(fault)
    assert {type(one) for one in sounds(link.run(1.0))} == {AacPacket}


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("burst", {"period_s": 0}, "burst: period_s is above 0"),
        ("burst", {"sound_first": 1}, "burst: sound_first must be true or false, not 1"),
        ("info_frame_rate", {"value": 256}, "info_frame_rate: value is 0 to 255"),
        ("wrong_padding", {"byte": -1}, "wrong_padding: byte is 0 to 255"),
        ("change_size", {"like": "huge"}, "change_size: like is one of main, sub, extern"),
        ("change_codec", {"codec": "av1"}, "change_codec: codec is one of other, h264, h265"),
        ("change_audio", {"codec": "mp3"}, "change_audio: codec is one of other, aac, adpcm"),
        ("encrypt_length", {"excess": 0}, "encrypt_length: excess is at least 1"),
        ("duplicate", {"what": "it"}, 'duplicate: what is "packets" or "messages"'),
        ("missing", {"what": "it"}, 'missing: what is "media", "others" or "all"'),
        ("huge_length", {"length": -1}, "huge_length: length has 32 bits"),
        ("clock_wrap", {"after_s": 5000}, "clock_wrap: after_s is 0 to 4294"),
        ("busy", {"requests": -1}, "busy: requests is at least 0"),
        ("keepalive_flood", {"per_s": 0}, "keepalive_flood: per_s is 1 to 1000"),
        ("oversize_xml", {"length": 10}, "oversize_xml: length is above 65536"),
    ],
)
def test_impossible_options_are_named(name: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make_fault(name, **options)
    assert message in str(caught.value)
