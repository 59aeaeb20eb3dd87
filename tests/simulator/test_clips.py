from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from neolink.errors import ConfigError, Unsupported
from neolink.media import h264, h265
from neolink.media.aac import parse_adts
from neolink.media.nal import NalRole, split_annex_b
from neolink.media.tracks import StreamKind, VideoCodec
from neolink.simulator import clips
from neolink.simulator.clipfile import parse, serialize
from neolink.simulator.clips import Clip, aac_tone, choose, generate, load
from neolink.simulator.counter import read_counter
from neolink.simulator.tone import dominant_frequency

SHAPES = {
    StreamKind.MAIN: (1280, 720, 25, 50),
    StreamKind.SUB: (640, 360, 15, 30),
    StreamKind.EXTERN: (896, 512, 20, 40),
}
SLICES = {NalRole.SLICE, NalRole.RANDOM_ACCESS_SLICE}
every_clip = pytest.mark.parametrize(
    ("codec", "kind"), [(codec, kind) for codec in VideoCodec for kind in StreamKind]
)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "neolink" / "clips"


def decode(codec: VideoCodec, access_units: list[bytes]) -> Iterator[av.VideoFrame]:
    context = av.CodecContext.create("h264" if codec is VideoCodec.H264 else "hevc", "r")
    for unit in access_units:
        yield from context.decode(av.Packet(unit))
    yield from context.decode(None)


def luma_of(frame: av.VideoFrame) -> NDArray[np.uint8]:
    luma: NDArray[np.uint8] = frame.to_ndarray()[: frame.height, : frame.width]
    return luma


def counters(clip: Clip, access_units: list[bytes] | None = None) -> list[int | None]:
    chosen = list(clip.access_units) if access_units is None else access_units
    return [read_counter(luma_of(frame)) for frame in decode(clip.codec, chosen)]


def roles(clip: Clip, unit: bytes) -> list[NalRole]:
    table = h264.ROLES if clip.codec is VideoCodec.H264 else h265.ROLES
    return [table[nal[0]] for nal in split_annex_b(unit)]


# ---------------------------------------------------------------- bundled clips
@every_clip
def test_bundled_clips_show_every_counter_in_order(codec: VideoCodec, kind: StreamKind) -> None:
    clip = load(codec, kind)
    assert counters(clip) == list(range(len(clip.access_units)))


@every_clip
def test_bundled_clips_have_their_shape(codec: VideoCodec, kind: StreamKind) -> None:
    clip = load(codec, kind)
    assert (clip.width, clip.height, clip.frame_rate, clip.gop) == SHAPES[kind]
    assert clip.codec is codec
    assert clip.duration_s >= 10
    assert len(clip.access_units) % clip.gop == 0


@every_clip
def test_parameter_sets_tell_size_and_speed(codec: VideoCodec, kind: StreamKind) -> None:
    clip = load(codec, kind)
    parse_sps = h264.parse_sps if codec is VideoCodec.H264 else h265.parse_sps
    position = 0 if codec is VideoCodec.H264 else 1  # behind the VPS
    for key in clip.keys:
        info = parse_sps(split_annex_b(clip.access_units[key])[position])
        assert (info.width, info.height) == (clip.width, clip.height)
        assert info.frame_rate == pytest.approx(clip.frame_rate)


@every_clip
def test_each_key_picture_comes_with_parameter_sets_and_no_other_does(
    codec: VideoCodec, kind: StreamKind
) -> None:
    clip = load(codec, kind)
    slices = 4 if kind is StreamKind.EXTERN else 1
    sets = [NalRole.PARAMETER_SET] * (2 if codec is VideoCodec.H264 else 3)
    for index, unit in enumerate(clip.access_units):
        expected = [*sets, *[NalRole.RANDOM_ACCESS_SLICE] * slices]
        if not clip.is_key(index):
            expected = [NalRole.SLICE] * slices
        assert roles(clip, unit) == expected, f"access unit {index}"
        assert unit.startswith(b"\0\0\0\1")


@every_clip
def test_gops_are_closed_and_the_loop_joins(codec: VideoCodec, kind: StreamKind) -> None:
    clip = load(codec, kind)
    last = len(clip.access_units) - clip.gop
    around = [*clip.access_units[last:], *clip.access_units[: clip.gop]]
    shown = [*range(last, len(clip.access_units)), *range(clip.gop)]
    assert counters(clip, around) == shown


def test_bundled_data_stays_small() -> None:
    folder = Path(clips.__file__).with_suffix("")
    data = [*folder.glob("*.clip"), folder / "tone.aac"]
    assert sum(path.stat().st_size for path in data) < 3_000_000


# ---------------------------------------------------------------- the tone
def test_aac_frames_are_what_cameras_send() -> None:
    for data in aac_tone():
        (frame,) = parse_adts(data)
        assert (frame.config.object_type, frame.config.sample_rate) == (2, 16_000)
        assert frame.config.channels == 1
        assert frame.samples == clips.AAC_FRAME_SAMPLES


def test_aac_decodes_to_the_tone_even_where_the_loop_joins() -> None:
    context = av.CodecContext.create("aac", "r")
    frames = [
        frame.to_ndarray()[0]
        for data in aac_tone() * 2
        for frame in context.decode(av.Packet(data))
    ]
    samples = np.concatenate(frames[2:])  # the first is a decoder's run-in
    assert dominant_frequency(samples.tolist(), 16_000) == pytest.approx(1000, abs=5)
    level = 10 * np.log10(2 * np.mean(samples**2))
    assert level == pytest.approx(-12, abs=0.5)
    phase = np.exp(-2j * np.pi * 1000 / 16_000 * np.arange(len(samples)))
    carrier = np.mean(samples * phase)
    rest = samples - 2 * np.real(carrier * np.conj(phase))
    assert np.abs(rest).max() < 0.02  # of full scale: no click anywhere


# ---------------------------------------------------------------- clips made to measure
@pytest.mark.parametrize("codec", list(VideoCodec))
def test_generate_honours_what_it_is_asked_for(codec: VideoCodec, cache: Path) -> None:
    clip = generate(codec, 320, 240, fps=12, gop=7, bitrate_kbps=250, seconds=4)
    assert (clip.codec, clip.width, clip.height) == (codec, 320, 240)
    assert (clip.frame_rate, clip.gop) == (12, 7)
    assert len(clip.access_units) == 49  # 4 s are 48 pictures; the next whole GOP
    assert clip.bitrate_kbps == pytest.approx(250, rel=0.15)
    assert counters(clip) == list(range(49))
    assert all(
        (roles(clip, unit)[-1] is NalRole.RANDOM_ACCESS_SLICE) == clip.is_key(index)
        for index, unit in enumerate(clip.access_units)
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("codec", "size", "fps", "kbps"),
    [
        (VideoCodec.H264, (1920, 1080), 25, 8000),
        (VideoCodec.H264, (2560, 1440), 20, 3000),
        (VideoCodec.H264, (640, 360), 15, 2000),
        (VideoCodec.H264, (1280, 720), 30, 600),
        (VideoCodec.H265, (1920, 1080), 25, 4000),
        (VideoCodec.H265, (640, 360), 10, 100),
    ],
)
def test_generate_honours_high_and_low_bit_rates(
    codec: VideoCodec, size: tuple[int, int], fps: int, kbps: int, cache: Path
) -> None:
    clip = generate(codec, *size, fps=fps, gop=2 * fps, bitrate_kbps=kbps, seconds=4)
    assert clip.bitrate_kbps == pytest.approx(kbps, rel=0.15)
    assert counters(clip) == list(range(4 * fps))


def make_small(**changes: int) -> Clip:
    wanted = {"fps": 5, "gop": 5, "bitrate_kbps": 200, **changes}
    return generate(
        VideoCodec.H264,
        128,
        96,
        fps=wanted["fps"],
        gop=wanted["gop"],
        bitrate_kbps=wanted["bitrate_kbps"],
        seconds=1,
    )


def test_generate_keeps_each_set_of_parameters_in_a_file_of_its_own(cache: Path) -> None:
    first = make_small()
    make_small(gop=1)
    (path,) = cache.glob("*gop5-*")
    assert parse(path.read_bytes()) == first
    assert len(list(cache.iterdir())) == 2


def test_generate_takes_what_the_cache_has(cache: Path) -> None:
    clip = make_small()
    (path,) = cache.iterdir()
    other = Clip(clip.codec, 128, 96, 5, 5, (b"from the cache",) * 5)
    path.write_bytes(serialize(other))
    assert make_small() == other


def test_generate_replaces_a_damaged_file(cache: Path) -> None:
    clip = make_small()
    (path,) = cache.iterdir()
    path.write_bytes(path.read_bytes()[:-1])
    assert make_small() == clip
    assert parse(path.read_bytes()) == clip
    assert list(cache.iterdir()) == [path]


def test_generate_works_without_a_place_for_its_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert len(make_small().access_units) == 5


def test_a_failed_write_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, target: Path) -> Path:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="disk full"):
        clips._write_whole(tmp_path / "clip", b"data")
    assert list(tmp_path.iterdir()) == []


def test_generate_names_the_extras_where_they_are_missing(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "neolink.simulator.encoder", None)
    with pytest.raises(Unsupported, match=r"neolink\[media\]"):
        make_small()


@pytest.mark.parametrize("changes", [{"fps": 0}, {"fps": 500}, {"gop": 0}, {"bitrate_kbps": 1}])
def test_generate_refuses_impossible_values(changes: dict[str, int], cache: Path) -> None:
    with pytest.raises(ConfigError, match=r"must be .* not"):
        make_small(**changes)


def test_generate_refuses_odd_sizes(cache: Path) -> None:
    with pytest.raises(ConfigError, match="even, not 321x240"):
        generate(VideoCodec.H264, 321, 240, fps=5, gop=5, bitrate_kbps=100)


def test_choose_takes_the_bundled_clip_unless_something_is_asked_for() -> None:
    assert choose(VideoCodec.H265, StreamKind.SUB) is load(VideoCodec.H265, StreamKind.SUB)


def test_choose_fills_in_what_is_not_asked_for(
    monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    asked: list[tuple[object, ...]] = []

    def note(*shape: object, **rates: object) -> None:
        asked.append((*shape, *rates.values()))

    monkeypatch.setattr(clips, "generate", note)
    choose(VideoCodec.H264, StreamKind.SUB, fps=10)
    choose(VideoCodec.H264, StreamKind.SUB, gop=15, bitrate_kbps=500)
    assert asked == [
        (VideoCodec.H264, 640, 360, 10, 20, 192),
        (VideoCodec.H264, 640, 360, 15, 15, 500),
    ]


def test_the_command_lists_the_clips(capsys: pytest.CaptureFixture[str]) -> None:
    assert clips.main([]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert len(listed) == 6
    assert "main.h264.clip: H264 1280x720, 25 per second, 250 pictures" in "\n".join(listed)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_rebuilding_gives_clips_like_the_bundled_ones(tmp_path: Path) -> None:
    clips.rebuild(tmp_path)
    bundled = Path(clips.__file__).with_suffix("")
    names = {path.name for path in bundled.glob("*.clip")}
    assert {path.name for path in tmp_path.iterdir()} == {*names, "tone.aac"}
    for name in names:  # other processors and encoders may give other bytes
        ours, theirs = parse((tmp_path / name).read_bytes()), parse((bundled / name).read_bytes())
        assert len(ours.access_units) == len(theirs.access_units)
        assert ours.bitrate_kbps == pytest.approx(theirs.bitrate_kbps, rel=0.15)
