"""Latency from two lists: loops, replays, and pictures that cannot be told apart."""

import struct

import pytest
from bench.stamps import Arrival, latencies_ms, parse_arrivals, parse_sent, tails_of

PICTURES = [b"a" * 20, b"b" * 20, b"c" * 20]
TAILS = tails_of(PICTURES)
MS = 1_000_000


def arrival(at_ms: float, index: int, player: int = 0) -> Arrival:
    return Arrival(player, int(at_ms * MS), PICTURES[index][-8:])


def test_the_time_is_from_sending_to_arrival_for_each_player() -> None:
    sent = [(0, 1000 * MS), (1, 1040 * MS)]
    arrivals = [arrival(1000.5, 0), arrival(1002, 0, player=1), arrival(1041, 1)]
    assert [ms for _, ms in latencies_ms(sent, arrivals, TAILS)] == [0.5, 2.0, 1.0]


def test_of_a_picture_that_comes_again_the_newest_sending_counts() -> None:
    sent = [(0, 1000 * MS), (1, 1040 * MS), (0, 11_000 * MS)]
    found = latencies_ms(sent, [arrival(1003, 0), arrival(11_004, 0)], TAILS)
    assert [ms for _, ms in found] == [3.0, 4.0]


def test_a_replay_of_what_was_sent_before_the_stamps_began_is_left_out() -> None:
    assert latencies_ms([(1, 1040 * MS)], [arrival(1041, 0)], TAILS) == []


def test_an_unknown_picture_is_left_out() -> None:
    stand_in = Arrival(0, 1041 * MS, b"placehol")
    assert latencies_ms([(1, 1040 * MS)], [stand_in], TAILS) == []


def test_an_arrival_may_be_stamped_a_little_before_its_sending() -> None:
    ((_, ms),) = latencies_ms([(1, 1040 * MS)], [arrival(1039.99, 1)], TAILS)
    assert -0.02 < ms < 0


def test_pictures_with_the_same_end_are_refused() -> None:
    with pytest.raises(ValueError, match="told apart"):
        tails_of([b"1" + b"z" * 8, b"2" + b"z" * 8])


def test_the_records_of_the_programs_in_c_are_read() -> None:
    data = struct.pack("=IIQ8s", 7, 0, 123, b"ABCDEFGH")
    assert parse_arrivals(data) == [Arrival(7, 123, b"ABCDEFGH")]
    sent = struct.pack("=QQQQ", 0, 5, 1, 6)
    assert parse_sent(sent) == [(0, 5), (1, 6)]
    assert parse_sent(sent[:-3]) == [(0, 5)]
