"""Which track has to be made for which choice."""

import pytest

from neolink.convert.targets import target_of
from neolink.media.tracks import AudioCodec, AudioTrack
from neolink.rtp.formats import AudioChoice, audio_format

AAC = AudioTrack(AudioCodec.AAC, 16_000, 1, b"\x14\x08")
STEREO = AudioTrack(AudioCodec.AAC, 48_000, 2, b"\x11\x90")
ADPCM = AudioTrack(AudioCodec.L16, 8000)
WIDE = AudioTrack(AudioCodec.L16, 16_000)
ODD = AudioTrack(AudioCodec.L16, 11_025)
MADE_AAC = AAC
MADE_OPUS = AudioTrack(AudioCodec.OPUS, 48_000)


@pytest.mark.parametrize(
    ("source", "choice", "target"),
    [
        (AAC, AudioChoice.OPUS, MADE_OPUS),
        (AAC, AudioChoice.L16, WIDE),
        (STEREO, AudioChoice.L16, AudioTrack(AudioCodec.L16, 48_000)),
        (AAC, AudioChoice.PCMU, ADPCM),
        (AAC, AudioChoice.PCMA, ADPCM),
        (ADPCM, AudioChoice.AAC, MADE_AAC),
        (ADPCM, AudioChoice.OPUS, MADE_OPUS),
        (ODD, AudioChoice.PCMA, ADPCM),
    ],
)
def test_codecs_are_needed(source: AudioTrack, choice: AudioChoice, target: AudioTrack) -> None:
    assert target_of(source, choice) == target


@pytest.mark.parametrize(
    ("source", "choice"),
    [
        (AAC, AudioChoice.AUTO),
        (AAC, AudioChoice.AAC),
        (AAC, AudioChoice.NONE),
        (ADPCM, AudioChoice.AUTO),
        (ADPCM, AudioChoice.L16),
        (ADPCM, AudioChoice.PCMU),
        (WIDE, AudioChoice.PCMA),
        (ADPCM, AudioChoice.NONE),
    ],
)
def test_no_codec_is_needed(source: AudioTrack, choice: AudioChoice) -> None:
    assert target_of(source, choice) is source


@pytest.mark.parametrize("source", [AAC, STEREO, ADPCM, WIDE, ODD])
@pytest.mark.parametrize("choice", AudioChoice)
def test_every_target_can_be_packetized(source: AudioTrack, choice: AudioChoice) -> None:
    payload_format = audio_format(target_of(source, choice), choice)
    assert (payload_format is None) == (choice is AudioChoice.NONE)
