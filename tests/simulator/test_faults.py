"""Faults by themselves: packets and bytes in, others out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neolink.baichuan.bcmedia import AacPacket, Packet, VideoPacket, VideoTag
from neolink.baichuan.ids import MessageId
from neolink.errors import ConfigError
from neolink.media.tracks import StreamKind
from neolink.simulator.faults import FAULTS, ClockJump, Garbage, Truncate, make_fault

KEY = VideoPacket(is_key_frame=True, codec=VideoTag.H264, data=b"key", microseconds=5)
DELTA = VideoPacket(is_key_frame=False, codec=VideoTag.H264, data=b"delta", microseconds=9)
SOUND = AacPacket(b"sound")


def test_names_are_the_contract() -> None:
    assert sorted(FAULTS) == [
        "account_locked",
        "burst",
        "busy",
        "change_audio",
        "change_codec",
        "change_size",
        "clock_jump",
        "clock_standstill",
        "clock_wrap",
        "cut",
        "doctype",
        "duplicate",
        "empty_replies",
        "encrypt_length",
        "garbage",
        "huge_length",
        "info_frame_rate",
        "keepalive_flood",
        "lose_key_frames",
        "missing",
        "mute",
        "oversize_xml",
        "posix_jump",
        "privacy",
        "reboot",
        "refuse",
        "session_limit",
        "silence",
        "stall",
        "talk_busy",
        "trickle",
        "truncate",
        "wrong_magic",
        "wrong_padding",
        "wrong_password",
    ]


@pytest.mark.parametrize(
    ("name", "packets"),
    [
        ("stall", []),
        ("lose_key_frames", [DELTA, SOUND]),
        ("duplicate", [KEY, KEY, DELTA, DELTA, SOUND, SOUND]),
        ("cut", [KEY, DELTA, SOUND]),
    ],
)
def test_packets_that_a_fault_lets_through(name: str, packets: list[Packet]) -> None:
    fault = make_fault(name)
    assert [out for one in (KEY, DELTA, SOUND) for out in fault.on_packet(one)] == packets


@given(st.integers(0, (1 << 32) - 1), st.floats(-1e6, 1e6))
def test_jumped_clock_stays_a_32_bit_clock(microseconds: int, seconds: float) -> None:
    packet = VideoPacket(
        is_key_frame=True, codec=VideoTag.H265, data=b"", microseconds=microseconds
    )
    (moved,) = ClockJump(seconds=seconds).on_packet(packet)
    assert isinstance(moved, VideoPacket)
    assert 0 <= moved.microseconds < 1 << 32
    jump = (moved.microseconds - microseconds) % (1 << 32)
    assert jump == round(seconds * 1e6) % (1 << 32)


@given(st.binary(min_size=1, max_size=500))
def test_garbage_inside_keeps_the_length(data: bytes) -> None:
    assert len(Garbage(where="inside", every=1).on_media(data)) == len(data)


@given(st.binary(max_size=500))
def test_garbage_between_keeps_the_messages(data: bytes) -> None:
    hit = Garbage(every=1).on_wire(data)
    assert hit.endswith(data)
    assert 1 <= len(hit) - len(data) <= 64


def test_garbage_hits_one_in_every_so_many_from_the_first_on() -> None:
    fault = Garbage(every=3)
    hits = [fault.on_wire(b"message") != b"message" for _ in range(7)]
    assert hits == [True, False, False, True, False, False, True]


def test_garbage_is_the_same_each_time() -> None:
    assert Garbage(seed=5).on_wire(b"") == Garbage(seed=5).on_wire(b"")
    assert Garbage(seed=5).on_wire(b"") != Garbage(seed=6).on_wire(b"")


@given(st.binary(min_size=20, max_size=200))
def test_truncation_falls_into_the_last_message(data: bytes) -> None:
    kept = Truncate().on_wire(data).data
    assert data.startswith(kept)
    assert 0 < len(data) - len(kept) < 20


def test_fault_of_a_stream_leaves_the_others() -> None:
    fault = make_fault("stall", stream="sub")
    assert fault.applies_to(StreamKind.SUB)
    assert not fault.applies_to(StreamKind.MAIN)
    assert all(make_fault("stall").applies_to(kind) for kind in StreamKind)


def test_wrong_password_refuses_logins_and_busy_refuses_the_rest() -> None:
    wrong, busy = make_fault("wrong_password"), make_fault("busy", status=422)
    assert (wrong.status_for(MessageId.LOGIN), wrong.status_for(MessageId.PING)) == (401, None)
    assert (busy.status_for(MessageId.LOGIN), busy.status_for(MessageId.VERSION)) == (None, 422)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("explode", {}, "unknown fault 'explode'; there are account_locked, burst, busy"),
        ("stall", {"strem": "main"}, "stall: unknown option 'strem'; there are stream"),
        ("stall", {"stream": "third"}, "stall: stream must be one of main, sub, extern"),
        ("stall", {"stream": 1}, "stall: stream must be text, not 1"),
        ("trickle", {"bytes_per_s": "1"}, "bytes_per_s must be a whole number, not '1'"),
        ("trickle", {"bytes_per_s": 0}, "bytes_per_s is at least 1, not 0"),
        ("clock_jump", {"seconds": True}, "seconds must be a number, not True"),
        ("garbage", {"where": "around"}, 'where is "between" or "inside"'),
        ("garbage", {"every": 0}, "every is at least 1"),
        ("garbage", {"_seen": 1}, "unknown option '_seen'"),
    ],
)
def test_mistakes_are_named(name: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make_fault(name, **options)
    assert message in str(caught.value)
