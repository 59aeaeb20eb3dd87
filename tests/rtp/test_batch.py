"""One unit's packets for every transport: interleaved, datagrams, segments."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neolink.rtp.batch import PacketBatch


def batch_of(lengths: list[int], channel: int = 0) -> PacketBatch:
    packets = [bytes((index & 0xFF,)) * length for index, length in enumerate(lengths)]
    framed = [struct.pack(">BBH", 0x24, channel, len(packet)) + packet for packet in packets]
    return PacketBatch(
        buffer=b"".join(framed),
        channel=channel,
        first_sequence=65_530,
        packet_count=len(lengths),
        timestamp=1,
        pts=0,
        is_random_access=True,
        is_video=True,
    )


def grouped(lengths: list[int], max_segments: int = 64, max_bytes: int = 65_000) -> list[list[int]]:
    runs = batch_of(lengths).segments(max_segments, max_bytes)
    return [[len(datagram) for datagram in run.datagrams()] for run in runs]


def test_home_channel_is_the_buffer_itself() -> None:
    batch = batch_of([20, 30], channel=2)
    assert batch.interleaved(2) is batch.buffer
    assert batch.size == 58


def test_other_channel_differs_only_in_the_channel_bytes() -> None:
    batch = batch_of([20, 30, 7])
    assert batch.interleaved(5) == batch_of([20, 30, 7], channel=5).buffer


def test_other_channel_is_made_once() -> None:
    batch = batch_of([20, 30])
    assert batch.interleaved(2) is batch.interleaved(2)
    assert batch.interleaved(2) is not batch.interleaved(4)


def test_datagrams_are_views_behind_the_interleaved_headers() -> None:
    batch = batch_of([20, 30])
    assert [bytes(datagram) for datagram in batch.datagrams()] == [bytes(20), b"\x01" * 30]
    assert batch.datagrams() is batch.datagrams()
    assert batch.datagrams()[0].obj is batch.buffer


def test_next_sequence_wraps() -> None:
    assert batch_of([20] * 7).next_sequence == 1


@pytest.mark.parametrize(
    ("lengths", "groups"),
    [
        ([], []),
        ([50], [[50]]),
        ([50, 50, 50], [[50, 50, 50]]),
        ([50, 50, 20], [[50, 50, 20]]),
        ([50, 20, 20], [[50, 20], [20]]),
        ([50, 20, 50], [[50, 20], [50]]),
        ([20, 50, 50, 30], [[20], [50, 50, 30]]),
    ],
)
def test_only_the_last_segment_of_a_run_is_shorter(
    lengths: list[int], groups: list[list[int]]
) -> None:
    assert grouped(lengths) == groups


def test_runs_keep_to_the_kernels_limits() -> None:
    assert grouped([10] * 5, max_segments=2) == [[10, 10], [10, 10], [10]]
    assert grouped([10] * 5, max_bytes=39) == [[10, 10, 10], [10, 10]]
    assert grouped([10, 9], max_bytes=19) == [[10, 9]]
    assert grouped([50, 50], max_bytes=20) == [[50], [50]]


def test_segments_are_cached_for_each_pair_of_limits() -> None:
    batch = batch_of([10] * 5)
    assert batch.segments() is batch.segments()
    assert batch.segments(2) != batch.segments()


@given(
    st.lists(st.sampled_from([1, 12, 13, 100]), max_size=40), st.integers(1, 8), st.integers(1, 300)
)
def test_segments_hold_all_datagrams_in_order(
    lengths: list[int], max_segments: int, max_bytes: int
) -> None:
    batch = batch_of(lengths)
    runs = batch.segments(max_segments, max_bytes)
    assert [view for run in runs for view in run.datagrams()] == batch.datagrams()
    for run in runs:
        views = list(run.datagrams())
        assert [len(view) for view in views[:-1]] == [run.size] * (len(views) - 1)
        assert 1 <= len(views[-1]) <= run.size
        assert len(views) <= max_segments
        assert run.is_single == (len(views) == 1)
        assert len(run.data) <= max_bytes or run.is_single
