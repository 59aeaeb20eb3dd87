"""Which numbers the tracks of a mount are known by, and which sizes of packets there are."""

import pytest

from neolink.rtp.formats import AudioChoice
from neolink.rtsp_server.mounts.numbers import (
    LARGEST_PACKET,
    MOST_SIZES,
    SMALLEST_PACKET,
    USUAL,
    Numbers,
    PacketSizes,
)
from neolink.rtsp_server.mounts.parcel import AUDIO, VIDEO

SOURCE, PCMU = AudioChoice.AUTO, AudioChoice.PCMU
NORMAL = 1400


def test_a_size_is_given_as_it_is_asked_for() -> None:
    sizes = PacketSizes()
    assert [sizes.take(wanted, NORMAL) for wanted in (600, NORMAL, 8000)] == [600, USUAL, 8000]


@pytest.mark.parametrize(
    ("wanted", "given"), [(-1, SMALLEST_PACKET), (10, SMALLEST_PACKET), (1 << 40, LARGEST_PACKET)]
)
def test_what_no_packet_can_have_is_brought_within_bounds(wanted: int, given: int) -> None:
    assert PacketSizes().take(wanted, NORMAL) == given


@pytest.mark.parametrize(
    ("wanted", "given"),
    [(2000, 2000), (2500, 2000), (50_000, 8000), (1999, USUAL), (1300, 1000), (700, 1000)],
)
def test_when_there_are_enough_the_next_smaller_one_is_given(wanted: int, given: int) -> None:
    sizes = PacketSizes()
    for size in (1000, 2000, 4000, 8000):
        sizes.take(size, NORMAL)
    assert sizes.take(wanted, NORMAL) == given


def test_a_size_makes_room_when_its_last_holder_has_gone() -> None:
    sizes = PacketSizes()
    for number in range(MOST_SIZES):
        sizes.take(2000 + number, NORMAL)
    sizes.take(2000, NORMAL)
    assert not sizes.release(2000)
    assert sizes.take(1600, NORMAL) == USUAL
    assert sizes.release(2000)
    assert not sizes.release(2000)
    assert sizes.take(1600, NORMAL) == 1600


def test_sources_differ_by_track_choice_and_size() -> None:
    numbers = Numbers()
    keys = [
        (VIDEO, SOURCE, USUAL),
        (VIDEO, SOURCE, 600),
        (AUDIO, SOURCE, USUAL),
        (AUDIO, PCMU, USUAL),
        (AUDIO, PCMU, 600),
    ]
    found = {key: numbers.ssrc(*key) for key in keys}
    assert len(set(found.values())) == len(keys)
    assert {key: numbers.ssrc(*key) for key in keys} == found
    assert numbers.ssrc(VIDEO, PCMU, 600) == found[VIDEO, SOURCE, 600]  # pictures have no choice
    numbers.forget_size(600)
    assert numbers.ssrc(VIDEO, SOURCE) == found[VIDEO, SOURCE, USUAL]
    assert numbers.ssrc(VIDEO, SOURCE, 600) != found[VIDEO, SOURCE, 600]


def test_timestamps_of_one_track_go_on_from_where_they_were_until_they_are_forgotten() -> None:
    numbers = Numbers()
    first = numbers.timestamp_offset(AUDIO, PCMU, 1 << 40)
    assert 0 < first + (1 << 40) <= 1 << 31
    assert numbers.timestamp_offset(AUDIO, PCMU, 5) == first
    assert numbers.timestamp_offset(VIDEO, PCMU, 5) == numbers.timestamp_offset(VIDEO, SOURCE, 9)
    numbers.forget_timestamps()
    assert numbers.timestamp_offset(AUDIO, PCMU, 5) != first
