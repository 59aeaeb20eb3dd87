"""A movie is made of any units, and can be read from its first sample on."""

from collections.abc import Sequence
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neolink.errors import RemoteProtocolError
from neolink.media.tracks import (
    VIDEO_CLOCK_RATE,
    AudioCodec,
    AudioTrack,
    StreamKind,
    VideoCodec,
    VideoTrack,
)
from neolink.media.units import AccessUnit, AudioFrame, MediaUnit
from neolink.mp4.movie import Addition, Initialization, Movie, write_fragment
from neolink.mp4.samples import video_parts
from support.media import AAC, H264, H265, L16, clip_units, video_unit
from support.mp4_reader import ReadSample, read_fragments, tracks_of

OTHER = next(clip_units(VideoCodec.H264, StreamKind.MAIN)).track
HEVC = next(clip_units(VideoCodec.H265)).track
BROKEN = H265
"""Its parameter sets make no sense."""

UNHEARD = AudioTrack(AudioCodec.L16, 96_000)
STEP = 3600


def sound(track: AudioTrack, pts_s: float) -> AudioFrame:
    samples = 1024 if track.codec is AudioCodec.AAC else 320
    return AudioFrame(track, b"\x12\x34" * samples, round(pts_s * track.clock_rate), samples)


def push(movie: Movie, *units: MediaUnit) -> list[Addition]:
    return [added for unit in units if (added := movie.push(unit)) is not None]


def initializations(added: Sequence[Addition]) -> list[Initialization]:
    return [one.initialization for one in added if one.initialization is not None]


def test_movie_begins_with_a_random_access_point() -> None:
    movie = Movie(has_sound=False)
    assert movie.push(video_unit(0)) is None
    added = movie.push(video_unit(STEP, key=True))
    assert added is not None
    assert added.initialization is not None
    assert added.picture is not None
    assert added.picture.is_sync
    assert movie.skipped == 1


def test_initialization_comes_once() -> None:
    movie = Movie(has_sound=False)
    added = push(movie, *(video_unit(i * STEP, key=i % 5 == 0) for i in range(20)))
    assert len(added) == 20
    assert len(initializations(added)) == 1


def test_same_tracks_made_anew_are_the_same() -> None:
    again = VideoTrack(H264.codec, H264.parameter_sets, H264.width, H264.height, 25.0)
    movie = Movie(has_sound=False)
    added = push(
        movie,
        video_unit(0, key=True),
        video_unit(STEP, track=again),
        video_unit(2 * STEP, key=True, track=again),
    )
    assert len(added) == 3
    assert len(initializations(added)) == 1


@pytest.mark.parametrize("track", [OTHER, HEVC])
def test_other_tracks_are_described_anew_at_their_key_frame(track: VideoTrack) -> None:
    movie = Movie(has_sound=False)
    added = push(
        movie,
        video_unit(0, key=True),
        video_unit(STEP, track=track),  # cannot be understood yet
        video_unit(2 * STEP, key=True, track=track),
        video_unit(3 * STEP, track=track),
    )
    first, second = initializations(added)
    assert len(added) == 3
    assert (first.video, second.video) == (H264, track)
    assert second.mime.startswith('video/mp4; codecs="' + ("hvc1" if track is HEVC else "avc1"))
    assert added[1].initialization is second


def test_restart_waits_for_a_key_frame_and_describes_nothing_anew() -> None:
    movie = Movie(has_sound=False)
    push(movie, video_unit(0, key=True))
    movie.restart()
    assert movie.push(video_unit(STEP)) is None
    added = push(movie, video_unit(2 * STEP, key=True), video_unit(3 * STEP))
    assert [one.initialization for one in added] == [None, None]


def test_movie_goes_on_after_parameter_sets_that_make_no_sense() -> None:
    movie = Movie(has_sound=False)
    push(movie, video_unit(0, key=True))
    with pytest.raises(RemoteProtocolError):
        movie.push(video_unit(STEP, key=True, track=BROKEN))
    assert movie.push(video_unit(2 * STEP)) is None
    added = push(movie, video_unit(3 * STEP, key=True), video_unit(4 * STEP))
    assert len(added) == 2
    assert initializations(added) == []


def test_sound_that_is_expected_is_in_the_first_initialization() -> None:
    movie = Movie(has_sound=True)
    movie.expect_sound(AAC)
    (made,) = initializations(push(movie, video_unit(0, key=True)))
    assert made.audio is AAC
    assert tracks_of(made.data) == {1: (b"vide", 90_000), 2: (b"soun", 16_000)}
    assert made.mime == 'video/mp4; codecs="avc1.64001e, mp4a.40.2"'
    assert made.hls_codecs == "avc1.64001e,mp4a.40.2"


def test_sound_that_comes_unexpected_begins_at_the_next_key_frame() -> None:
    movie = Movie(has_sound=True)
    added = push(
        movie,
        video_unit(0, key=True),
        sound(L16, 0.0),
        video_unit(STEP),
        video_unit(2 * STEP, key=True),
        sound(L16, 0.08),
    )
    first, second = initializations(added)
    assert (first.audio, second.audio) == (None, L16)
    assert [len(one.sound) for one in added] == [0, 0, 0, 1]
    assert second.hls_codecs == "avc1.64001e,fLaC"


def test_sound_of_another_format_goes_on_where_the_old_one_ended() -> None:
    movie = Movie(has_sound=True)
    movie.expect_sound(AAC)
    push(movie, video_unit(0, key=True), sound(AAC, 0.0))  # ends at 0.064 s
    added = push(movie, sound(L16, 0.1), video_unit(18_000, key=True), sound(L16, 0.2))
    (made,) = initializations(added)
    assert made.audio is L16
    assert added[-1].sound[0].dts == 512  # silence from 0.064 s on
    assert added[-1].sound[-1].dts == 1600


def test_sound_is_left_out_where_nobody_wants_it() -> None:
    movie = Movie(has_sound=False)
    movie.expect_sound(AAC)
    (made,) = initializations(push(movie, video_unit(0, key=True), sound(AAC, 0.0)))
    assert made.audio is None


def test_sound_that_cannot_be_written_is_refused_in_words() -> None:
    movie = Movie(has_sound=True)
    movie.expect_sound(UNHEARD)
    added = push(movie, video_unit(0, key=True), sound(UNHEARD, 0.0), video_unit(STEP, key=True))
    assert "96000" in movie.sound_refusal
    (made,) = initializations(added)
    assert (made.audio, len(added)) == (None, 2)


def test_picture_brings_the_silence_of_missing_sound() -> None:
    movie = Movie(has_sound=True)
    movie.expect_sound(L16)
    added = push(movie, video_unit(0, key=True), video_unit(VIDEO_CLOCK_RATE))
    assert [sum(sample.duration for sample in one.sound) for one in added] == [0, 4000]


def test_units_of_a_real_clip_keep_their_bytes_and_times() -> None:
    movie = Movie(has_sound=False)
    units = list(islice(clip_units(VideoCodec.H264), 40))
    for number, unit in enumerate(units):
        added = movie.push(unit)
        assert added is not None
        assert added.picture is not None
        (read,) = read_fragments(b"".join(write_fragment(number, [added.picture], [])))
        (sample,) = read.samples
        assert sample.data == b"".join(map(bytes, video_parts(unit)[1]))
        assert sample.dts + sample.shift == unit.pts
        assert sample.is_sync is unit.is_random_access


# ---------------------------------------------------------------- whatever comes

STEPS = st.one_of(st.integers(1, 10_000), st.integers(1, 90 * VIDEO_CLOCK_RATE))
EVENTS = st.lists(
    st.one_of(
        st.tuples(
            st.just("picture"), st.sampled_from([H264, OTHER, HEVC, BROKEN]), st.booleans(), STEPS
        ),
        st.tuples(st.just("sound"), st.sampled_from([AAC, L16, UNHEARD]), st.integers(-9000, 9000)),
        st.tuples(st.just("restart")),
        st.tuples(st.just("expect"), st.sampled_from([AAC, L16, None])),
    ),
    max_size=40,
)


@given(EVENTS, st.booleans())
def test_any_sequence_of_units_is_a_movie(
    events: list[tuple[object, ...]], has_sound: bool
) -> None:
    movie, pts, pushed, sequence = Movie(has_sound=has_sound), 0, 0, 0
    reader = _Reader(has_sound=has_sound)
    refused = 0
    for event in events:
        added = None
        match event:
            case "picture", VideoTrack() as track, bool(key), int(step):
                pts += step
                pushed += 1
                unit = video_unit(pts, key=key, track=track, size=60, mark=pushed)
                try:
                    added = movie.push(unit)
                except RemoteProtocolError:
                    refused += 1
                    reader.needs_key = True
                else:
                    reader.expect(unit, added)
            case "sound", AudioTrack() as audio, int(offset):
                added = movie.push(sound(audio, max(0, pts + offset) / VIDEO_CLOCK_RATE))
            case "expect", (AudioTrack() | None) as audio:
                movie.expect_sound(audio)
            case _:
                movie.restart()
                reader.needs_key = True
        if added is not None:
            sequence += 1
            if added.initialization is not None:
                reader.begin(added.initialization)
            pictures = [added.picture] if added.picture else []
            data = b"".join(write_fragment(sequence, pictures, added.sound))
            (read,) = read_fragments(data)
            reader.take(read.samples)
    assert reader.pictures + movie.skipped + refused == pushed


class _Reader:
    """What a player knows of the movie so far."""

    def __init__(self, *, has_sound: bool) -> None:
        self.needs_key = True
        self.pictures = 0
        self._has_sound = has_sound
        self._tracks: dict[int, tuple[bytes, int]] = {}
        self._ends: dict[int, tuple[int, int]] = {}

    def begin(self, made: Initialization) -> None:
        self._tracks = tracks_of(made.data)
        assert self._has_sound or len(self._tracks) == 1
        self._ends.pop(2, None)  # its clock may be another
        self.needs_key = True

    def expect(self, unit: AccessUnit, added: Addition | None) -> None:
        if added is None:
            self.needs_key = True
            return
        assert added.picture is not None
        assert b"".join(map(bytes, added.picture.parts)) == b"".join(
            map(bytes, video_parts(unit)[1])
        )
        assert added.picture.dts + added.picture.shift == unit.pts
        self.pictures += 1

    def take(self, samples: Sequence[ReadSample]) -> None:
        for sample in samples:
            assert sample.track_id in self._tracks
            if sample.track_id == 1:
                assert sample.is_sync or not self.needs_key
                self.needs_key = False
            before = self._ends.get(sample.track_id)
            rate = self._tracks[sample.track_id][1]
            if before is not None:
                dts, duration = before
                assert dts < sample.dts
                is_break = sample.dts - dts > 30 * rate
                assert is_break or sample.dts <= dts + 2 * duration
            self._ends[sample.track_id] = sample.dts, sample.duration
