"""Which format carries which track."""

import pytest

from neolink.errors import Unsupported
from neolink.media.tracks import AudioCodec, AudioTrack, ParameterSets, VideoCodec, VideoTrack
from neolink.media.units import AccessUnit
from neolink.rtp.formats import AudioChoice, audio_format, video_format
from neolink.rtp.packetizers.nal_units import Aggregation

AAC = AudioTrack(AudioCodec.AAC, 48_000, 2, b"\x11\x90")
L16 = AudioTrack(AudioCodec.L16, 16_000)
OPUS = AudioTrack(AudioCodec.OPUS, 48_000)


@pytest.mark.parametrize("codec", VideoCodec)
def test_video_is_type_96_at_90_khz(codec: VideoCodec) -> None:
    got = video_format(VideoTrack(codec, ParameterSets(b"", ()), 0, 0))
    assert (got.payload_type, got.encoding_name, got.clock_rate) == (96, codec.value, 90_000)
    assert got.is_video


def test_aggregation_reaches_the_packetizer() -> None:
    track = VideoTrack(VideoCodec.H264, ParameterSets(b"\x67\x01", (b"\x68\x01",)), 0, 0)
    unit = AccessUnit(track, (memoryview(b"\x65"),), 0, is_random_access=True)
    assert len(video_format(track).packetize(unit, 64)) == 2
    assert len(video_format(track, Aggregation.ALL).packetize(unit, 64)) == 1
    assert len(video_format(track, Aggregation.OFF).packetize(unit, 64)) == 3


@pytest.mark.parametrize(
    ("track", "choice", "expected"),
    [
        (AAC, AudioChoice.AUTO, (97, "MPEG4-GENERIC", 48_000, 2)),
        (AAC, AudioChoice.AAC, (97, "MPEG4-GENERIC", 48_000, 2)),
        (L16, AudioChoice.AUTO, (97, "L16", 16_000, 1)),
        (L16, AudioChoice.L16, (97, "L16", 16_000, 1)),
        (L16, AudioChoice.PCMU, (0, "PCMU", 8_000, 1)),
        (L16, AudioChoice.PCMA, (8, "PCMA", 8_000, 1)),
        (OPUS, AudioChoice.OPUS, (97, "opus", 48_000, 2)),
    ],
)
def test_audio_is_carried_as_chosen(
    track: AudioTrack, choice: AudioChoice, expected: tuple[int, str, int, int]
) -> None:
    got = audio_format(track, choice)
    assert got is not None
    assert (got.payload_type, got.encoding_name, got.clock_rate, got.channels) == expected
    assert not got.is_video


@pytest.mark.parametrize(
    ("track", "choice"),
    [
        (AAC, AudioChoice.L16),
        (AAC, AudioChoice.PCMU),
        (AAC, AudioChoice.PCMA),
        (L16, AudioChoice.AAC),
        (L16, AudioChoice.OPUS),
    ],
)
def test_what_cannot_be_made_is_unsupported(track: AudioTrack, choice: AudioChoice) -> None:
    with pytest.raises(Unsupported, match=f"{track.codec.value}.*{choice.value}"):
        audio_format(track, choice)


@pytest.mark.parametrize("track", [AAC, L16])
def test_no_audio_is_no_format(track: AudioTrack) -> None:
    assert audio_format(track, AudioChoice.NONE) is None
