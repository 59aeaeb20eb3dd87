"""What becomes of sound that players send: put in order, decoded, bounded, counted."""

import random
from array import array
from dataclasses import dataclass, field
from math import sin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neolink.clock import ManualClock
from neolink.media.g711 import decode_pcma, decode_pcmu
from neolink.media.pcm import pcm_from_samples
from neolink.rtp.packet import RtpPacket
from neolink.rtp.rtcp import ReceiverReport, Sdes, SenderReport, parse_compound
from neolink.rtsp_server.mounts.backchannel import Intercom, Talker
from support.rtsp_talker import Heard, Microphone

FRAME_S = 0.02


@dataclass
class Line:
    """A loudspeaker with an intercom before it, and any number of talkers."""

    clock: ManualClock = field(default_factory=ManualClock)
    heard: Heard = field(default_factory=Heard)
    is_ordered: bool = False

    def __post_init__(self) -> None:
        self.intercom = Intercom(self.heard, self.clock)

    def talker(self) -> Talker:
        return Talker(self.intercom, "test")

    def send(self, talker: Talker, *packets: bytes) -> None:
        for packet in packets:
            talker.take(packet, is_ordered=self.is_ordered)
            self.clock.advance(FRAME_S)

    @property
    def counts(self) -> dict[str, int]:
        return {name: count for name, count in self.intercom.counts.items() if count}


def _tone(samples: int) -> bytes:
    return pcm_from_samples(array("h", (int(9000 * sin(n / 3)) for n in range(samples))))


def _packet(sequence: int, payload: bytes = b"\x11" * 160, **changes: int) -> bytes:
    fields = {"payload_type": 0, "timestamp": 160 * sequence, "ssrc": 7, **changes}
    return RtpPacket(
        marker=False,
        payload=payload,
        sequence=sequence % 65536,
        **{name: value % (1 << 32) for name, value in fields.items()},
    ).serialize()


@pytest.mark.parametrize(
    ("payload_type", "payload", "pcm", "rate"),
    [
        (0, bytes(range(160)), decode_pcmu(bytes(range(160))), 8000),
        (8, bytes(range(160)), decode_pcma(bytes(range(160))), 8000),
        (99, _tone(320), _tone(320), 16_000),
    ],
)
def test_each_format_that_is_offered_becomes_sound(
    payload_type: int, payload: bytes, pcm: bytes, rate: int
) -> None:
    line = Line()
    line.send(line.talker(), _packet(1, payload, payload_type=payload_type))
    assert line.heard.said == [(pcm, rate)]
    assert line.counts == {"heard": 1}


def test_packets_that_overtook_each_other_are_put_in_order() -> None:
    line = Line()
    packets = [_packet(number, bytes((number,)) * 160) for number in (1, 3, 2, 5, 4)]
    line.send(line.talker(), *packets)
    assert line.heard.pcm == decode_pcmu(b"".join(bytes((n,)) * 160 for n in range(1, 6)))


def test_what_was_lost_is_silence_of_the_same_length() -> None:
    line = Line(is_ordered=True)
    line.send(line.talker(), _packet(1), _packet(4))
    assert line.heard.pcm == decode_pcmu(b"\x11" * 160) + bytes(640) + decode_pcmu(b"\x11" * 160)


def test_a_long_gap_is_a_pause_and_not_filled() -> None:
    line = Line(is_ordered=True)
    line.send(line.talker(), _packet(1), _packet(40), _packet(41, timestamp=1 << 30))
    assert len(line.heard.pcm) == 2 * 160 * 3


def test_a_pause_without_a_lost_packet_is_not_filled() -> None:
    line = Line()
    line.send(line.talker(), _packet(1), _packet(2, timestamp=160 * 9))
    assert len(line.heard.pcm) == 2 * 160 * 2


def test_any_source_is_taken_and_another_one_begins_anew() -> None:
    line = Line()
    line.send(line.talker(), _packet(100, ssrc=1), _packet(5, ssrc=2), _packet(6, ssrc=2))
    assert line.counts == {"heard": 3}


def test_other_payload_types_are_ignored_and_counted() -> None:
    line = Line()
    line.send(line.talker(), *(_packet(1, payload_type=kind) for kind in (3, 9, 96, 111)))
    assert line.heard.said == []
    assert line.counts == {"unknown_payload": 4}


def test_a_packet_without_sound_does_not_take_the_loudspeaker() -> None:
    line = Line()
    first, second = line.talker(), line.talker()
    line.send(first, _packet(1, b""))  # ffmpeg's, to open a firewall
    line.send(second, _packet(1))
    assert line.counts == {"heard": 1}


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"\x80",
        bytes(11),
        bytes(200),
        _packet(1)[:12] + b"",
        b"\x9f" + _packet(1)[1:],
        b"\xb0" + _packet(1)[1:16],
        _packet(1, bytes(641), payload_type=99),
        _packet(1, bytes(60_000)),
    ],
)
def test_malformed_packets_are_counted_at_most(packet: bytes) -> None:
    line = Line()
    line.send(line.talker(), packet)
    assert line.heard.said == []
    assert line.counts in ({}, {"malformed": 1})


def test_who_speaks_first_is_heard_and_the_others_are_dropped_and_counted() -> None:
    line = Line()
    first, second = line.talker(), line.talker()
    for number in range(5):
        line.send(first, _packet(number, b"\x01" * 160))
        line.send(second, _packet(number, b"\x02" * 160))
    assert line.heard.pcm == decode_pcmu(b"\x01" * 160) * 5
    assert line.counts == {"heard": 5, "interrupted": 5}


def test_three_seconds_of_silence_give_the_loudspeaker_away() -> None:
    line = Line()
    first, second = line.talker(), line.talker()
    line.send(first, _packet(1))
    line.clock.advance(2.9)
    line.send(second, _packet(1))
    assert line.counts["interrupted"] == 1
    line.clock.advance(0.1)
    line.send(second, _packet(2))
    line.send(first, _packet(2))
    assert line.counts == {"heard": 2, "interrupted": 2}
    second.close()
    assert line.heard.ends == 1


def test_who_leaves_gives_the_loudspeaker_away_at_once_and_only_if_it_was_his() -> None:
    line = Line()
    first, second = line.talker(), line.talker()
    line.send(first, _packet(1))
    second.close()
    assert line.heard.ends == 0
    first.close()
    assert line.heard.ends == 1
    line.send(second, _packet(1))
    assert line.counts == {"heard": 2}


def test_a_camera_that_cannot_be_talked_to_is_counted() -> None:
    line = Line(heard=Heard(is_deaf=True))
    line.send(line.talker(), _packet(1))
    assert line.counts == {"unheard": 1}


def test_more_sound_than_time_goes_by_is_a_flood() -> None:
    line = Line(is_ordered=True)
    talker = line.talker()
    for number in range(1000):
        talker.take(_packet(number), is_ordered=True)  # no time goes by
    assert line.counts["heard"] == pytest.approx(50, abs=1)
    assert sum(line.counts.values()) == 1000
    heard = line.counts["heard"]
    line.clock.advance(10)
    for number in range(1000, 1100):
        line.send(talker, _packet(number))
    assert line.counts["heard"] == heard + 100, "one who is calm again is heard again"


def test_the_talker_is_told_every_five_seconds_how_it_arrives() -> None:
    line = Line()
    talker = line.talker()
    reports = []
    for number in range(600):
        if number != 300:
            line.send(talker, _packet(number, ssrc=0xABCD))
        else:
            line.clock.advance(FRAME_S)
        reports += [report for report in [talker.report()] if report is not None]
    assert len(reports) == 2
    report, name = parse_compound(reports[1])
    assert isinstance(report, ReceiverReport)
    assert isinstance(name, Sdes)
    assert name.chunks[0].cname == "test"
    assert name.chunks[0].ssrc == report.ssrc
    (block,) = report.reports
    assert (block.ssrc, block.cumulative_lost, block.fraction_lost) == (0xABCD, 1, 1)


def test_a_report_echoes_the_talkers_clock() -> None:
    line = Line()
    talker = line.talker()
    talker.take_report(SenderReport(7, 1 << 32, 0, 1, 1))  # too early: nothing came yet
    line.send(talker, _packet(1))
    talker.take_report(SenderReport(7, 0x1_2345_0000_0000, 0, 1, 1))
    line.clock.advance(5)
    report = parse_compound(talker.report() or b"")[0]
    assert isinstance(report, ReceiverReport)
    assert report.reports[0].last_sr == 0x2345_0000
    assert report.reports[0].delay_since_last_sr == 5 * 65536


@given(st.lists(st.binary(max_size=400), max_size=40))
@settings(max_examples=200)
def test_random_bytes_raise_nothing(packets: list[bytes]) -> None:
    line = Line()
    line.send(line.talker(), *packets)


@given(
    st.lists(
        st.builds(
            _packet,
            st.integers(0, 1 << 17),
            st.binary(max_size=200),
            payload_type=st.sampled_from([0, 8, 99]),
            timestamp=st.integers(0, (1 << 32) - 1),
            ssrc=st.integers(0, 2),
        ),
        max_size=60,
    )
)
@settings(max_examples=200)
def test_packets_of_any_order_and_time_are_bounded(packets: list[bytes]) -> None:
    line = Line()
    talker = line.talker()
    line.send(talker, *packets)
    sound_s = sum(len(pcm) / 2 / rate for pcm, rate in line.heard.said)
    assert sound_s <= 1.0 + 1.5 * FRAME_S * len(packets) + 0.2 * len(packets)
    assert sum(line.counts.values()) <= len(packets)


def test_a_million_bytes_of_garbage_take_no_memory_that_stays() -> None:
    line = Line()
    talker, chance = line.talker(), random.Random(4)
    for _ in range(1000):
        garbage = b"\x80\x00" + chance.randbytes(chance.randrange(1200))
        talker.take(garbage, is_ordered=False)
    waiting = talker._reorder._waiting
    assert len(waiting) <= 5


def test_a_microphone_of_the_tests_speaks_as_it_should() -> None:
    line = Line()
    microphone = Microphone(8, "PCMA", 8000)
    line.send(line.talker(), *microphone.packets(20))
    assert line.counts == {"heard": 20}
