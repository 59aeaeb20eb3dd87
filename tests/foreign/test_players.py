"""Every player plays every kind of stream over every transport: whole, in time, without complaint.

The pictures carry a counter, the sound is a steady tone; both are read back from what the player
decoded. A cut through the matrix runs by default, in which every player, transport, codec,
encryption level and stream occurs; all of it takes a quarter of an hour.
"""

from itertools import pairwise, product
from typing import Literal, get_args

import pytest

from neolink.baichuan.crypto import Encryption
from neolink.media.tracks import StreamKind, VideoCodec
from neolink.simulator.profile import CameraProfile
from neolink.simulator.tone import TONE_HZ, dominant_frequency
from support.bridge import running_bridge
from support.players import PLAYERS, Playback, Transport, play

pytestmark = pytest.mark.foreign

Case = tuple[str, Transport, VideoCodec, Encryption, StreamKind]
Sound = Literal["aac", "adpcm"]

SECONDS = 3.0
_H264, _H265 = VideoCodec.H264, VideoCodec.H265
_MAIN, _SUB = StreamKind.MAIN, StreamKind.SUB
_SOUND: dict[VideoCodec, Sound] = {_H264: "aac", _H265: "adpcm"}

CUT: frozenset[Case] = frozenset(
    {
        ("ffmpeg", "tcp", _H264, Encryption.NONE, _MAIN),
        ("ffmpeg", "udp", _H265, Encryption.AES, _SUB),
        ("gstreamer", "tcp", _H265, Encryption.FULL_AES, _MAIN),
        ("gstreamer", "udp", _H264, Encryption.BC, _SUB),
        ("mpv", "tcp", _H264, Encryption.FULL_AES, _SUB),
        ("mpv", "udp", _H265, Encryption.BC, _MAIN),
        ("pyav", "tcp", _H265, Encryption.NONE, _SUB),
        ("pyav", "udp", _H264, Encryption.AES, _MAIN),
        ("opencv", "tcp", _H264, Encryption.BC, _SUB),
        ("opencv", "udp", _H265, Encryption.FULL_AES, _MAIN),
    }
)

MATRIX: tuple[Case, ...] = tuple(
    product(PLAYERS, get_args(Transport), (_H264, _H265), Encryption, (_MAIN, _SUB))
)


def _parameter(case: Case) -> object:
    player, transport, codec, encryption, stream = case
    name = f"{player}-{transport}-{codec}-{encryption.name.lower()}-{stream}"
    return pytest.param(case, id=name, marks=() if case in CUT else pytest.mark.slow)


def test_cut_shows_each_kind_of_everything() -> None:
    assert frozenset(MATRIX) >= CUT
    for whole, part in zip(zip(*MATRIX, strict=True), zip(*CUT, strict=True), strict=True):
        assert set(part) == set(whole)


@pytest.mark.parametrize("case", [_parameter(case) for case in MATRIX])
async def test_player_shows_all_that_the_camera_sends(case: Case) -> None:
    player, transport, codec, encryption, stream = case
    profile = CameraProfile(
        name="porch", codec=codec, audio=_SOUND[codec], encryption=encryption, streams=(stream,)
    )
    clip = profile.clip(stream)
    async with running_bridge(profile) as bridge:
        playback = await play(
            player,
            bridge.url("porch", stream),
            seconds=SECONDS,
            transport=transport,
            size=(clip.width, clip.height),
        )
        stats = bridge.camera.stats
        assert stats.frames_dropped.total() == stats.protocol_troubles == 0
    assert playback.errors == ()
    _check_picture(playback, loop=len(clip.access_units), frame_rate=clip.frame_rate)
    if not playback.was_late:
        # By GStreamer's clock what came late is shown at once.
        _check_times(playback, may_squeeze=player == "gstreamer")
    if player != "opencv":  # which has no sound
        _check_sound(playback)


def _check_picture(playback: Playback, *, loop: int, frame_rate: int) -> None:
    frames = playback.frames
    assert None not in frames, "a picture's counter cannot be read"
    assert frames[0] == 0, "the camera's first picture is lost"
    assert all(before != after for before, after in pairwise(frames)), "a picture came twice"
    shown, missing = len(frames), playback.missing(loop)
    assert shown >= 0.95 * (shown + missing), f"{missing} pictures are missing"
    assert shown >= 0.95 * SECONDS * frame_rate


def _check_sound(playback: Playback) -> None:
    assert playback.samples is not None
    assert playback.rate is not None
    settled = playback.samples[playback.rate // 4 :]  # a decoder fades in
    assert len(settled) >= 0.75 * SECONDS * playback.rate
    assert dominant_frequency(settled.tolist(), playback.rate) == pytest.approx(TONE_HZ, rel=0.01)


def _check_times(playback: Playback, *, may_squeeze: bool) -> None:
    _check_rising([pts for pts in playback.video_pts if pts is not None], may_squeeze=may_squeeze)
    if playback.sound:
        _check_rising([pts for pts, _ in playback.sound], may_squeeze=may_squeeze)


def _check_rising(times: list[float], *, may_squeeze: bool) -> None:
    assert len(times) > 1
    steps = [after - before for before, after in pairwise(times)]
    assert min(steps) >= 0, "a timestamp falls"
    assert may_squeeze or min(steps) > 0, "a timestamp does not rise"
