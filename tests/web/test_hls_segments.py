"""A movie cut into segments and parts, and the playlists that list them."""

import re
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neolink.media.tracks import VIDEO_CLOCK_RATE, StreamKind, VideoCodec, VideoTrack
from neolink.media.units import AudioFrame, MediaUnit
from neolink.mp4.movie import Movie
from neolink.web.hls import segments as module
from neolink.web.hls.playlist import LISTED, media_playlist, multivariant_playlist
from neolink.web.hls.segments import KEPT, PART_TARGET_S, Segments
from support.media import H264, L16, clip_units, video_unit
from support.mp4_reader import read_fragments

OTHER = next(clip_units(VideoCodec.H264, StreamKind.MAIN)).track
STEP = 3600
"""25 pictures a second."""


@dataclass
class Cutter:
    """Pictures in, segments out."""

    segments: Segments = field(default_factory=lambda: Segments(target_s=2))
    movie: Movie = field(default_factory=lambda: Movie(has_sound=True))
    pts: int = 90_000
    number: int = 0

    def push(self, unit: MediaUnit) -> bool:
        added = self.movie.push(unit)
        return added is not None and self.segments.push(added, self.unix_s)

    @property
    def unix_s(self) -> float:
        return 1_700_000_000 + (self.pts - 90_000) / VIDEO_CLOCK_RATE

    def picture(
        self, *, key: bool, step: int = STEP, track: VideoTrack = H264, size: int = 100
    ) -> bool:
        unit = video_unit(self.pts, key=key, track=track, size=size, mark=self.number)
        has_part = self.push(unit)
        self.pts += step
        self.number += 1
        return has_part

    def seconds(self, seconds: float, *, gop: int = 50, step: int = STEP) -> None:
        for place in range(round(seconds * VIDEO_CLOCK_RATE / step)):
            self.picture(key=place % gop == 0, step=step)


def marks(data: bytes) -> list[int]:
    """Return the numbers of the pictures in fragments."""
    return [
        int.from_bytes((one.data[5:9]).ljust(4), "big") if len(one.data) > 9 else -1
        for fragment in read_fragments(data)
        for one in fragment.samples
        if one.track_id == 1
    ]


def tags(text: str, name: str) -> list[str]:
    return re.findall(rf"^#{name}:(.*)$", text, re.MULTILINE)


# ---------------------------------------------------------------- cutting


def test_segment_begins_at_a_key_frame_and_lasts_to_the_next() -> None:
    cutter = Cutter()
    cutter.seconds(6.1)
    found = [(one.number, one.duration_s) for one in cutter.segments.complete]
    assert found == [(0, 2.0), (1, 2.0), (2, 2.0)]
    for segment in cutter.segments.complete:
        first = read_fragments(segment.data)[0].samples[0]
        assert first.is_sync
        assert len(marks(segment.data)) == 50


def test_parts_are_as_long_as_they_may_be_and_no_longer() -> None:
    cutter = Cutter()
    cutter.seconds(4.1)
    for segment in cutter.segments.complete:
        *parts, last = segment.parts
        assert [one.is_independent for one in segment.parts] == [True, False, False, False, False]
        assert all(0.85 * PART_TARGET_S <= part.duration_s <= PART_TARGET_S for part in parts)
        assert 0 < last.duration_s <= PART_TARGET_S
        assert segment.data == b"".join(part.data for part in segment.parts)


def test_key_frames_that_follow_closely_share_a_segment() -> None:
    cutter = Cutter()
    for place in range(50):
        cutter.picture(key=place % 10 == 0)
    assert [one.duration_s for one in cutter.segments.complete] == [1.2]


def test_stream_without_key_frames_is_cut_all_the_same() -> None:
    cutter = Cutter()
    cutter.picture(key=True)
    for _ in range(13 * 25):
        cutter.picture(key=False)
    (segment,) = cutter.segments.complete
    assert segment.duration_s == pytest.approx(12.0)
    assert cutter.segments.target_s == 12


def test_break_is_not_shown() -> None:
    cutter = Cutter()
    cutter.seconds(1.0)
    cutter.pts += 8 * VIDEO_CLOCK_RATE
    cutter.seconds(2.1)
    first, second = cutter.segments.complete
    assert first.duration_s == pytest.approx(0.96 + 1 / 15)  # the last one's own length
    assert second.duration_s == pytest.approx(2.0)
    assert (first.discontinuities, second.discontinuities) == (0, 1)


def test_other_tracks_begin_anew() -> None:
    cutter = Cutter()
    cutter.seconds(0.4)
    cutter.picture(key=True, track=OTHER)
    cutter.picture(key=False, track=OTHER)
    segments = cutter.segments
    (first,), second = segments.complete, segments.current
    assert second is not None
    assert first.duration_s == pytest.approx(0.4)
    assert [(one.map_number, one.discontinuities) for one in (first, second)] == [(1, 0), (2, 1)]
    assert [segments.initializations[n].video for n in (1, 2)] == [H264, OTHER]
    assert segments.newest is segments.initializations[2]


def test_stop_completes_what_was_begun() -> None:
    cutter = Cutter()
    assert not cutter.segments.stop()
    cutter.seconds(0.2)
    assert cutter.segments.stop()
    (segment,) = cutter.segments.complete
    assert segment.duration_s == pytest.approx(0.16 + 1 / 15)
    assert cutter.segments.next_part == (1, 0)
    assert not cutter.segments.stop()
    cutter.seconds(0.2)
    following = cutter.segments.segment(1)
    assert following is not None
    assert following.discontinuities == 1


def test_sound_is_in_the_part_of_its_pictures() -> None:
    cutter = Cutter()
    cutter.movie.expect_sound(L16)
    for place in range(30):
        cutter.push(AudioFrame(L16, b"\x01\x02" * 320, cutter.pts * 8 // 90, 320))
        cutter.picture(key=place % 50 == 0)
    assert cutter.segments.current is not None
    part = cutter.segments.current.parts[0]
    (fragment,) = read_fragments(part.data)
    assert sum(one.duration for one in fragment.samples if one.track_id == 2) == 12 * 320


def test_window_is_bounded_in_segments() -> None:
    cutter = Cutter()
    cutter.seconds(2 * KEPT + 10)
    numbers = [one.number for one in cutter.segments.complete]
    assert len(numbers) == KEPT
    assert cutter.segments.segment(numbers[0] - 1) is None
    assert cutter.segments.segment(numbers[0]) is not None
    assert cutter.segments.evicted == 0


def test_window_is_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 100_000)
    cutter = Cutter()
    for place in range(500):
        cutter.picture(key=place % 50 == 0, size=1000)
    assert len(cutter.segments.complete) == 1  # of 50 kB, and what is begun
    assert cutter.segments.evicted > 0


def test_initialization_goes_with_its_last_segment() -> None:
    cutter = Cutter()
    cutter.seconds(1.0)
    for _ in range(KEPT):
        cutter.picture(key=True, step=2 * VIDEO_CLOCK_RATE - 1, track=OTHER)
    assert list(cutter.segments.initializations) == [1, 2]
    cutter.picture(key=True, track=OTHER)
    assert list(cutter.segments.initializations) == [2]


@given(
    st.lists(
        st.tuples(
            st.booleans(),
            st.one_of(st.integers(1, 9000), st.integers(1, 20 * VIDEO_CLOCK_RATE)),
            st.sampled_from([H264, H264, H264, OTHER]),
        ),
        max_size=60,
    )
)
def test_every_picture_is_in_one_part_whatever_comes(
    pictures: list[tuple[bool, int, VideoTrack]],
) -> None:
    cutter = Cutter(Segments(target_s=2))
    seen: dict[int, bytes] = {}
    for key, step, track in pictures:
        before = cutter.segments.next_part
        has_part = cutter.picture(key=key, step=step, track=track, size=20)
        assert has_part == (cutter.segments.next_part != before)
        _collect(cutter.segments, seen)
    cutter.segments.stop()
    _collect(cutter.segments, seen)
    found = [mark for number in sorted(seen) for mark in marks(seen[number])]
    assert found == sorted(set(found))
    assert len(found) == len(pictures) - cutter.movie.skipped
    numbers = [one.number for one in cutter.segments.complete]
    assert all(after == before + 1 for before, after in pairwise(numbers))


def _collect(segments: Segments, seen: dict[int, bytes]) -> None:
    for segment in (*segments.complete, *([segments.current] if segments.current else [])):
        assert segment.number in seen or not seen or segment.number == max(seen) + 1
        seen[segment.number] = segment.data
        assert segment.size == len(segment.data)
        assert int(segment.duration_s + 0.5) <= segments.target_s or segment is segments.current


@pytest.mark.parametrize(
    ("number", "part", "is_there"),
    [
        (0, None, True),
        (1, None, False),
        (0, 4, True),
        (0, 5, True),  # beyond the last one: the next segment's first
        (0, 9, True),
        (1, 0, True),
        (1, 1, False),
        (2, 0, False),
    ],
)
def test_part_or_what_took_its_place_is_there(
    number: int, part: int | None, *, is_there: bool
) -> None:
    cutter = Cutter()
    cutter.seconds(2.6)
    assert cutter.segments.next_part == (1, 1)
    assert cutter.segments.has(number, part) is is_there


def test_part_beyond_the_last_one_is_there_with_the_next_segment() -> None:
    cutter = Cutter()
    cutter.seconds(2.2)
    assert cutter.segments.next_part == (1, 0)
    assert cutter.segments.has(0, 4)
    assert not cutter.segments.has(0, 5)
    assert not cutter.segments.has(1, 0)


# ---------------------------------------------------------------- playlists


def test_playlist_is_written_by_the_standard() -> None:
    cutter = Cutter()
    cutter.seconds(2.6)
    assert media_playlist(cutter.segments) == (
        "#EXTM3U\n"
        "#EXT-X-VERSION:6\n"
        "#EXT-X-TARGETDURATION:2\n"
        "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.500\n"
        "#EXT-X-PART-INF:PART-TARGET=0.500\n"
        "#EXT-X-MEDIA-SEQUENCE:0\n"
        "#EXT-X-DISCONTINUITY-SEQUENCE:0\n"
        '#EXT-X-MAP:URI="init-1.mp4"\n'
        "#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:20.000+00:00\n"
        '#EXT-X-PART:DURATION=0.44000,URI="part-0-0.m4s",INDEPENDENT=YES\n'
        '#EXT-X-PART:DURATION=0.44000,URI="part-0-1.m4s"\n'
        '#EXT-X-PART:DURATION=0.44000,URI="part-0-2.m4s"\n'
        '#EXT-X-PART:DURATION=0.44000,URI="part-0-3.m4s"\n'
        '#EXT-X-PART:DURATION=0.24000,URI="part-0-4.m4s"\n'
        "#EXTINF:2.00000,\n"
        "segment-0.m4s\n"
        "#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:22.000+00:00\n"
        '#EXT-X-PART:DURATION=0.44000,URI="part-1-0.m4s",INDEPENDENT=YES\n'
        '#EXT-X-PRELOAD-HINT:TYPE=PART,URI="part-1-1.m4s"\n'
    )


def test_playlist_tells_where_it_begins_anew() -> None:
    cutter = Cutter()
    cutter.seconds(1.0)
    cutter.picture(key=True, track=OTHER)
    cutter.segments.stop()
    text = media_playlist(cutter.segments)
    assert text.count("#EXT-X-DISCONTINUITY\n") == 1
    assert tags(text, "EXT-X-MAP") == ['URI="init-1.mp4"', 'URI="init-2.mp4"']
    assert '#EXT-X-PRELOAD-HINT:TYPE=PART,URI="part-2-0.m4s"' in text


def test_long_run_lists_the_newest_and_counts_on() -> None:
    cutter = Cutter()
    for _ in range(3):
        cutter.seconds(10.0)
        cutter.segments.stop()
        cutter.movie.restart()
    text = media_playlist(cutter.segments)
    assert tags(text, "EXT-X-MEDIA-SEQUENCE") == ["9"]
    assert tags(text, "EXT-X-DISCONTINUITY-SEQUENCE") == ["1"]
    assert len(tags(text, "EXTINF")) == LISTED
    first_part = tags(text, "EXT-X-PART")[0]
    assert 'URI="part-13-0.m4s"' in first_part


def test_part_longer_than_told_is_listed_in_its_segment_alone() -> None:
    cutter = Cutter()
    for _ in range(3):
        cutter.picture(key=True, step=VIDEO_CLOCK_RATE)  # a stand-in once a second
    text = media_playlist(cutter.segments)
    assert tags(text, "EXTINF") == ["1.00000,", "1.00000,"]
    assert tags(text, "EXT-X-PART") == []


def test_index_tells_what_the_stream_is() -> None:
    cutter = Cutter()
    cutter.movie.expect_sound(L16)
    cutter.picture(key=True)
    made = cutter.segments.newest
    assert made is not None
    assert multivariant_playlist(made, bitrate_bps=1234.5, folder="abc") == (
        "#EXTM3U\n#EXT-X-VERSION:6\n"
        '#EXT-X-STREAM-INF:BANDWIDTH=1234,CODECS="avc1.64001e,fLaC",RESOLUTION=640x360,'
        "FRAME-RATE=15.000\nabc/stream.m3u8\n"
    )
