"""What a camera is."""

import pytest

from neolink.errors import ConfigError
from neolink.media.tracks import StreamKind, VideoCodec
from neolink.simulator import clips
from neolink.simulator.profile import CameraProfile, kind_of
from neolink.simulator.snapshots import snapshot_of


def test_description_names_account_streams_and_codecs_but_no_password() -> None:
    profile = CameraProfile(
        username="viewer", password="hidden", codec=VideoCodec.H265, audio="adpcm", channels=2
    )
    assert profile.describe() == (
        "user viewer, H265 + ADPCM, main 1280x720@25, sub 640x360@15, extern 896x512@20, 2 channels"
    )
    assert "hidden" not in repr(profile)


def test_frame_rate_is_of_the_main_stream() -> None:
    profile = CameraProfile(frame_rate=5)
    assert profile.frame_rate_of(StreamKind.MAIN) == 5
    assert profile.frame_rate_of(StreamKind.SUB) == 15
    assert profile.clip(StreamKind.MAIN) is clips.load(VideoCodec.H264, StreamKind.MAIN)


def test_cameras_share_their_clips() -> None:
    first, second = CameraProfile(name="a"), CameraProfile(name="b")
    assert first.clip(StreamKind.MAIN) is second.clip(StreamKind.MAIN)


def test_clip_made_to_measure(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    pytest.importorskip("av")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    profile = CameraProfile(size=(256, 144), frame_rate=10, gop=5)
    clip = profile.clip(StreamKind.MAIN)
    assert (clip.width, clip.height, clip.frame_rate, clip.gop) == (256, 144, 10, 5)
    assert profile.frame_rate_of(StreamKind.MAIN) == 10


@pytest.mark.parametrize(
    "options",
    [
        {"channels": 0},
        {"channels": 33},
        {"streams": ()},
        {"motion_every_s": 0.0},
        {"frame_rate": 0},
        {"frame_rate": 256},
    ],
)
def test_impossible_profile_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        CameraProfile(**options)  # type: ignore[arg-type]  # on purpose


def test_streams_are_called_as_on_the_wire() -> None:
    names = ("mainStream", "subStream", "externStream", "x", None)
    assert [kind_of(name) for name in names] == [*StreamKind, None, None]


@pytest.mark.parametrize("codec", list(VideoCodec))
@pytest.mark.parametrize("kind", list(StreamKind))
def test_every_stream_has_a_snapshot(codec: VideoCodec, kind: StreamKind) -> None:
    picture = snapshot_of(codec, kind)
    assert picture[:2] == b"\xff\xd8"
    assert picture[-2:] == b"\xff\xd9"
    assert len(picture) < 100_000
