"""Fragments bit by bit, and read back by another reader."""

from hypothesis import given
from hypothesis import strategies as st

from neolink.mp4.fragments import FRAGMENT_HEADER_LENGTH, Run, fragment, single_fragment
from neolink.mp4.movie import write_fragment
from neolink.mp4.samples import Sample, video_parts
from support.media import video_unit
from support.mp4_reader import ReadSample, read_fragments

SAMPLE = Sample(0x123456789, 6000, 5, (b"he", b"llo"), is_sync=True, shift=-2)

payloads = st.lists(st.binary(min_size=1, max_size=30), min_size=1, max_size=3).map(tuple)
samples = st.builds(
    lambda dts, duration, parts, is_sync, shift: Sample(
        dts, duration, sum(map(len, parts)), parts, is_sync, shift
    ),
    st.integers(0, (1 << 62) - 1),
    st.integers(1, 1 << 31),
    payloads,
    st.booleans(),
    st.integers(-(1 << 31), (1 << 31) - 1),
)


def chain(first: Sample, others: list[Sample]) -> list[Sample]:
    """Return samples that follow each other without a gap."""
    found = [first]
    for other in others:
        found.append(other._replace(dts=found[-1].dts + found[-1].duration))
    return found


def as_read(track_id: int, sample: Sample) -> ReadSample:
    return ReadSample(
        track_id,
        sample.dts,
        sample.duration,
        sample.shift,
        sample.is_sync,
        b"".join(map(bytes, sample.parts)),
    )


def test_fragment_of_one_sample_is_written_by_the_standard() -> None:
    expected = (
        "00000068 6d6f6f66"
        "00000010 6d666864 00000000 00000007"  # sequence 7
        "00000050 74726166"
        "00000010 74666864 00020000 00000001"  # offsets count from the moof; track 1
        "00000014 74666474 01000000 0000000123456789"
        "00000024 7472756e 01000f01 00000001 00000070"
        "00001770 00000005 02000000 fffffffe"
        "0000000d 6d646174"
    )
    assert single_fragment(7, 1, SAMPLE).hex() == expected.replace(" ", "")
    assert FRAGMENT_HEADER_LENGTH == 0x70


@given(st.integers(0, 1 << 40), samples)
def test_both_ways_to_write_one_sample_agree(sequence: int, sample: Sample) -> None:
    fast = [single_fragment(sequence, 2, sample), *sample.parts]
    assert b"".join(fast) == b"".join(fragment(sequence, [Run(2, [sample])]))
    assert b"".join(fast) == b"".join(write_fragment(sequence, (), [sample]))


@given(samples, st.lists(samples, max_size=5), samples, st.lists(samples, max_size=5))
def test_every_byte_is_found_where_the_tables_say(
    picture: Sample, pictures: list[Sample], frame: Sample, frames: list[Sample]
) -> None:
    shown, heard = chain(picture, pictures), chain(frame, frames)
    (read,) = read_fragments(b"".join(write_fragment(3, shown, heard)))
    assert read.sequence == 3
    assert list(read.samples) == [
        *(as_read(1, sample) for sample in shown),
        *(as_read(2, sample) for sample in heard),
    ]


def test_sample_lasts_until_the_next_one() -> None:
    shown = [SAMPLE, SAMPLE._replace(dts=SAMPLE.dts + 3600), SAMPLE._replace(dts=SAMPLE.dts + 9000)]
    (read,) = read_fragments(b"".join(write_fragment(3, shown, ())))
    assert [one.dts for one in read.samples] == [one.dts for one in shown]
    assert [one.duration for one in read.samples] == [3600, 5400, SAMPLE.duration]


def test_picture_is_its_nal_units_behind_their_lengths() -> None:
    unit = video_unit(0, key=True, size=9)
    size, parts = video_parts(unit)
    data = b"".join(map(bytes, parts))
    assert data == b"\x00\x00\x00\x09" + bytes(unit.nal_units[0])
    assert size == len(data)
