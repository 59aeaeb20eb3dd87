"""The bundled pictures: every pattern with every reason, as one stream for a decoder."""

import runpy
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from neolink.config.model_camera import PATTERN_NAMES
from neolink.errors import ConfigError
from neolink.hub import splash
from neolink.hub.splash import (
    PLAIN_PATTERN,
    SPLASH_PATTERNS,
    SplashReason,
    splash_track,
    splash_unit,
)
from neolink.media import h264
from neolink.media.bits import BitReader
from neolink.media.nal import join_annex_b, split_annex_b
from neolink.media.units import AccessUnit

np = pytest.importorskip("numpy")
av = pytest.importorskip("av")

REPOSITORY = Path(__file__).parents[2]
FOLDER = REPOSITORY / "src" / "neolink" / "hub" / "splash"
ALL_PATTERNS = (PLAIN_PATTERN, *SPLASH_PATTERNS)
BAND = slice(128, 240)
SECOND = 90_000


def decode(units: Sequence[AccessUnit]) -> list[Any]:
    """Decode as one stream with parameter sets before the first unit only; no error is excused."""
    decoder = av.CodecContext.create("h264", "r")
    decoder.options = {"err_detect": "explode+crccheck+bitstream+buffer"}
    decoder.thread_type = "NONE"
    sets = splash_track().parameter_sets.nal_units
    frames = []
    for index, unit in enumerate(units):
        packet = join_annex_b((*(sets if not index else ()), *unit.nal_units))
        frames += decoder.decode(av.Packet(packet))
    frames += decoder.decode(None)
    assert not any(frame.is_corrupt for frame in frames)
    assert all(frame.key_frame for frame in frames)
    return [frame.to_ndarray(format="gray") for frame in frames]


def all_units() -> Iterator[AccessUnit]:
    pairs = [(pattern, reason) for pattern in ALL_PATTERNS for reason in SplashReason]
    for index, (pattern, reason) in enumerate(pairs):
        yield splash_unit(pattern, reason, index * SECOND)


def idr_pic_id(nal: memoryview) -> int:
    reader = BitReader(nal[1:16])
    first_mb, slice_type, pps_id = reader.ue(), reader.ue(), reader.ue()
    assert (first_mb % 40, slice_type, pps_id) == (0, 7, 0)
    reader.u(4)
    return reader.ue()


def test_patterns_are_those_of_the_configuration() -> None:
    assert list(ALL_PATTERNS) == PATTERN_NAMES


def test_track_is_what_the_parameter_sets_say() -> None:
    track = splash_track()
    assert (track.codec, track.width, track.height) == ("H264", 640, 360)
    assert (track.frame_rate, track.profile) == (1.0, "Main")
    assert splash_track() is track


def test_every_file_has_the_same_parameter_sets_and_three_slices() -> None:
    expected = list(splash_track().parameter_sets.nal_units)
    paths = sorted(FOLDER.glob("*/*.h264"))
    assert len(paths) == len(ALL_PATTERNS) + len(SplashReason)
    for path in paths:
        units = split_annex_b(path.read_bytes())
        assert [bytes(unit) for unit in units[:2]] == expected, path.name
        assert [h264.nal_type(unit) for unit in units[2:]] == [h264.NAL_IDR_SLICE] * 3, path.name


def test_pictures_are_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.rglob("*")) < 600_000
    assert max(unit.size for unit in all_units()) < 65_000


def test_every_pattern_decodes_with_every_reason() -> None:
    units = list(all_units())
    frames = decode(units)
    assert len(frames) == len(units) == len(ALL_PATTERNS) * len(SplashReason)
    assert {frame.shape for frame in frames} == {(360, 640)}
    by_pattern = np.array(frames).reshape(len(ALL_PATTERNS), len(SplashReason), 360, 640)
    bands, above, below = (
        by_pattern[:, :, BAND],
        by_pattern[:, :, : BAND.start],
        by_pattern[:, :, BAND.stop :],
    )
    assert (bands == bands[:1]).all(), "the text depends on the pattern"
    assert (above == above[:, :1]).all(), "the pattern depends on the text"
    assert (below == below[:, :1]).all(), "the pattern depends on the text"


def test_reasons_look_different() -> None:
    frames = decode(
        [splash_unit("black", reason, n * SECOND) for n, reason in enumerate(SplashReason)]
    )
    bands = {frame[BAND].tobytes() for frame in frames}
    assert len(bands) == len(SplashReason)


def test_without_a_reason_there_are_no_words() -> None:
    units = [splash_unit(name, None, n * SECOND) for n, name in enumerate(("black", "smpte"))]
    worded = [splash_unit("smpte", SplashReason.ASLEEP, 2 * SECOND)]
    black, bars, told = decode([*units, *worded])
    assert black.max() < 40
    assert (bars[: BAND.start] == told[: BAND.start]).all()
    assert told[BAND].max() > 200
    for picture in (black, bars):
        assert np.ptp(picture[BAND]) < 4, "the band is not empty"


def test_patterns_look_different_but_for_the_white_ones() -> None:
    frames = decode(
        [splash_unit(name, SplashReason.ASLEEP, n * SECOND) for n, name in enumerate(ALL_PATTERNS)]
    )
    alike = {"white", "blink", "solid-color"}
    assert len({frame.tobytes() for frame in frames}) == len(ALL_PATTERNS) - len(alike) + 1


def test_pictures_show_the_words_and_drawings_of_the_source() -> None:
    pytest.importorskip("cv2")
    generator = runpy.run_path(str(REPOSITORY / "scripts" / "make_splash.py"))
    luma = np.array([0.299, 0.587, 0.114])
    frames = np.array(decode(list(all_units()))).reshape(len(ALL_PATTERNS), -1, 360, 640)
    for pattern, shown in zip(ALL_PATTERNS, frames, strict=True):
        difference = np.abs(generator["draw_pattern"](pattern) @ luma - shown[0])
        difference[BAND] = 0
        assert difference.mean() < 4, pattern
    for reason, shown in zip(SplashReason, frames[0], strict=True):
        difference = np.abs(generator["draw_reason"](reason) @ luma - shown)[BAND]
        assert difference.mean() < 1, reason
        assert (difference > 60).mean() < 0.001, f"{reason}: run scripts/make_splash.py"


def test_neighbouring_pictures_have_different_numbers() -> None:
    for interval in (splash.ID_TICKS, SECOND // 2, SECOND, 12 * SECOND):
        units = [splash_unit("snow", SplashReason.STARTING, n * interval) for n in range(200)]
        numbers = [{idr_pic_id(nal) for nal in unit.nal_units} for unit in units]
        assert all(len(of_slices) == 1 for of_slices in numbers)
        assert all(a != b for a, b in pairwise(numbers))


def test_no_number_makes_a_start_code() -> None:
    for number in range(1 << splash.ID_FIELD_BITS):
        for nal in splash_unit("spokes", SplashReason.ASLEEP, number * splash.ID_TICKS).nal_units:
            assert b"\0\0" not in bytes(nal[:8])
            assert split_annex_b(join_annex_b([nal])) == [nal]


def test_unit_is_a_random_access_point_of_immutable_bytes() -> None:
    unit = splash_unit("ball", SplashReason.ASLEEP, 1234)
    assert unit.track is splash_track()
    assert unit.pts == 1234
    assert unit.is_random_access
    assert h264.is_random_access(unit.nal_units)
    assert all(isinstance(nal.obj, bytes) for nal in unit.nal_units)


@pytest.mark.parametrize("name", ["", "Snow", "../reasons/asleep", "test"])
def test_unknown_pattern_is_refused_with_the_allowed_names(name: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        splash_unit(name, SplashReason.STARTING, 0)
    assert all(allowed in str(refusal.value) for allowed in ALL_PATTERNS)


def test_every_reason_has_words_that_fit_a_line() -> None:
    for reason in SplashReason:
        assert 3 < len(reason.headline) <= 24
        assert len(reason.advice) <= 48
        assert reason.advice.endswith(".")


def test_loading_needs_only_the_standard_library() -> None:
    program = (
        "import sys\n"
        "from neolink.hub.splash import SplashReason, splash_unit\n"
        "assert splash_unit('snow', SplashReason.ASLEEP, 0).size\n"
        "assert not {'av', 'numpy', 'cv2', 'PIL'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
