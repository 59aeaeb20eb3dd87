from hypothesis import given, settings
from hypothesis import strategies as st

from neolink.rtp.packet import RtpPacket
from neolink.rtp.reorder import ReorderBuffer


def _packet(sequence: int) -> RtpPacket:
    return RtpPacket(False, 0, sequence % 65536, 160 * sequence % (1 << 32), 7, b"x")


def _push(buffer: ReorderBuffer, *sequences: int) -> list[int]:
    return [one.sequence for number in sequences for one in buffer.push(_packet(number))]


def test_packets_in_order_are_given_at_once() -> None:
    assert _push(ReorderBuffer(), 65534, 65535, 0, 1) == [65534, 65535, 0, 1]


def test_swapped_packets_are_put_back_also_where_numbers_wrap() -> None:
    assert _push(ReorderBuffer(), 65534, 0, 65535, 2, 1) == [65534, 65535, 0, 1, 2]


def test_a_lost_packet_is_waited_for_until_five_later_ones_are_there() -> None:
    buffer = ReorderBuffer(5)
    assert _push(buffer, 10, 12, 13, 14, 15, 16) == [10]
    assert _push(buffer, 17) == [12, 13, 14, 15, 16, 17]
    assert buffer.late == 0
    assert _push(buffer, 11, 18) == [18], "its turn has passed"
    assert buffer.late == 1


def test_a_repeated_packet_is_given_once() -> None:
    buffer = ReorderBuffer()
    assert _push(buffer, 1, 1, 3, 3, 2) == [1, 2, 3]
    assert buffer.late == 2


def test_nothing_is_waited_for_where_packets_cannot_overtake() -> None:
    assert _push(ReorderBuffer(0), 1, 4, 5, 9) == [1, 4, 5, 9]


def test_a_source_that_begins_anew_is_followed_and_loses_nothing() -> None:
    assert _push(ReorderBuffer(), 10, 12, 30000, 30001) == [10, 12, 30000, 30001]


def test_a_source_that_begins_anew_a_little_lower_is_late_for_two_packets_only() -> None:
    buffer = ReorderBuffer()
    assert _push(buffer, 100, 101, 50, 51, 52, 53, 102) == [100, 101, 52, 53]
    assert buffer.late == 2


def test_packets_that_come_twice_all_the_time_are_no_new_beginning() -> None:
    buffer = ReorderBuffer()
    numbers = [number for number in range(10, 30) for _ in range(2)]
    assert _push(buffer, *numbers) == list(range(10, 30))


@given(st.lists(st.integers(0, 65535), max_size=200), st.integers(0, 5))
@settings(max_examples=100)
def test_any_numbers_are_bounded_and_nothing_is_given_twice_in_a_row(
    sequences: list[int], depth: int
) -> None:
    buffer, given_ = ReorderBuffer(depth), 0
    for number in sequences:
        given_ += len(buffer.push(_packet(number)))
        assert len(buffer._waiting) <= depth
    assert given_ + buffer.late + len(buffer._waiting) == len(sequences)


@given(st.permutations(range(5)), st.integers(0, 65535))
@settings(max_examples=100)
def test_five_packets_in_any_order_behind_a_first_come_out_in_order(
    order: list[int], first: int
) -> None:
    buffer = ReorderBuffer(5)
    arrived = [first, *(first + 1 + number for number in order)]
    expected = [(first + number) % 65536 for number in range(6)]
    assert _push(buffer, *arrived) == expected
