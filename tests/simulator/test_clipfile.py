import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neolink.media.tracks import VideoCodec
from neolink.simulator.clipfile import Clip, parse, serialize

CLIP = Clip(VideoCodec.H265, 64, 48, 10, 2, (b"key", b"delta", b"\n{}\n", b"\0"))


def with_header(**changes: object) -> bytes:
    line, _, body = serialize(CLIP).partition(b"\n")
    return json.dumps({**json.loads(line), **changes}).encode() + b"\n" + body


@given(st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=12))
def test_a_clip_survives_its_file(units: list[bytes]) -> None:
    clip = Clip(VideoCodec.H264, 1280, 720, 25, len(units), tuple(units))
    assert parse(serialize(clip)) == clip


def test_keys_are_the_first_of_each_gop() -> None:
    assert CLIP.keys == (0, 2)
    assert [CLIP.is_key(index) for index in range(4)] == [True, False, True, False]


def test_duration_and_bit_rate_follow_from_the_pictures() -> None:
    assert CLIP.duration_s == 0.4
    assert CLIP.bitrate_kbps == pytest.approx(13 * 8 / 0.4 / 1000)


def test_a_cut_file_is_refused_wherever_it_is_cut() -> None:
    data = serialize(CLIP)
    for end in range(len(data)):
        with pytest.raises(ValueError, match=r"clip|pictures|JSON"):
            parse(data[:end])


def test_trailing_bytes_are_refused() -> None:
    with pytest.raises(ValueError, match="13 bytes, not 14"):
        parse(serialize(CLIP) + b"x")


@pytest.mark.parametrize(
    "changes",
    [
        {"format": 0},
        {"codec": "VP9"},
        {"sizes": []},
        {"sizes": [3, 5, -4, 9]},
        {"sizes": [13]},
        {"sizes": "13"},
        {"gop": 0},
        {"gop": 3},
        {"width": None},
    ],
)
def test_a_header_that_makes_no_sense_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse(with_header(**changes))


@given(st.binary(max_size=60))
def test_garbage_raises_only_value_error(data: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse(data)


@given(st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=4))
def test_garbage_in_json_raises_only_value_error(value: object) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse(json.dumps(value).encode() + b"\nbody")
