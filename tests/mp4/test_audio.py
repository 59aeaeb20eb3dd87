"""Audio tracks: sample entries by hand, silence that decodes, PCM in pieces that fit."""

import asyncio

import pytest

from neolink.errors import RemoteProtocolError, Unsupported
from neolink.media.tracks import AudioCodec, AudioTrack
from neolink.mp4.audio import audio_format
from support.media import AAC, L16
from support.processes import need_programs

STEREO = AudioTrack(AudioCodec.AAC, 16_000, 2, b"\x14\x10")


def test_aac_entry_holds_the_specific_config() -> None:
    entry = (
        "0000004b 6d703461"
        "000000000000 0001"  # data reference 1
        "0000000000000000 0001 0010 00000000 3e800000"  # 1 channel, 16 bit, 16 kHz
        "00000027 65736473 00000000"
        "03 19 0000 00"  # ES descriptor
        "04 11 40 15 000000 00000000 00000000"  # AAC, an audio stream
        "05 02 1408"  # AudioSpecificConfig
        "06 01 02"
    )
    assert audio_format(AAC).sample_entry.hex() == entry.replace(" ", "")
    assert audio_format(AAC).codec_string == "mp4a.40.2"


def test_pcm_entry_is_flac() -> None:
    form = audio_format(L16)
    assert form.sample_entry[:36].hex() == (
        "00000056 664c6143 000000000000 0001 0000000000000000 0001 0010 00000000 1f400000"
    ).replace(" ", "")
    assert form.sample_entry[36:52].hex() == "0000003264664c61 00000000 80000022".replace(" ", "")
    assert (form.codec_string, form.hls_codec_string) == ("flac", "fLaC")


@pytest.mark.parametrize(
    "track",
    [
        AudioTrack(AudioCodec.L16, 96_000),
        AudioTrack(AudioCodec.L16, 0),
        AudioTrack(AudioCodec.L16, 8000, channels=2),
        AudioTrack(AudioCodec.AAC, 88_200, 1, b"\x10\x88"),
    ],
)
def test_sound_that_browsers_cannot_be_given_is_refused(track: AudioTrack) -> None:
    with pytest.raises(Unsupported):
        audio_format(track)


def test_aac_without_its_config_is_refused() -> None:
    with pytest.raises(RemoteProtocolError):
        audio_format(AudioTrack(AudioCodec.AAC, 16_000, 1, b""))


def test_pcm_that_is_too_long_for_a_frame_is_cut() -> None:
    samples = list(audio_format(L16).samples(bytes(range(256)) * 40, 5120, 100))
    assert [(one.dts, one.duration) for one in samples] == [(100, 4608), (4708, 512)]


@pytest.mark.parametrize(("data", "count"), [(b"", 0), (b"", 320), (b"\x01", 1), (bytes(8), 0)])
def test_frame_without_a_whole_sample_is_nothing(data: bytes, count: int) -> None:
    assert list(audio_format(L16).samples(data, count, 0)) == []
    if len(data) * count == 0:
        assert list(audio_format(AAC).samples(data, count, 0)) == []


def test_pcm_shorter_than_told_is_what_it_is() -> None:
    (sample,) = audio_format(L16).samples(bytes(7), 100, 0)
    assert sample.duration == 3


def test_silence_of_pcm_ends_where_it_should() -> None:
    samples = list(audio_format(L16).silence(10, 5000))
    assert [(one.dts, one.duration) for one in samples] == [(10, 4608), (4618, 382)]


def test_silence_of_aac_is_whole_frames() -> None:
    samples = list(audio_format(AAC).silence(10, 3000))
    assert [(one.dts, one.duration) for one in samples] == [(10, 1024), (1034, 1024)]


def test_no_silence_is_made_up_for_aac_of_other_kinds() -> None:
    six = AudioTrack(AudioCodec.AAC, 16_000, 6, b"\x14\x30")
    assert list(audio_format(six).silence(0, 100_000)) == []


@pytest.mark.foreign
@pytest.mark.parametrize("track", [AAC, STEREO])
async def test_silence_of_aac_decodes_to_silence(track: AudioTrack) -> None:
    need_programs("ffmpeg")
    frames = [one.parts[0] for one in audio_format(track).silence(0, 10 * 1024)]
    stream = b"".join(_adts(bytes(frame), track.channels) for frame in frames)
    process = await asyncio.create_subprocess_exec(
        *("ffmpeg", "-v", "error", "-f", "aac", "-i", "-", "-f", "s16le", "-"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    decoded, words = await process.communicate(stream)
    assert (process.returncode, words) == (0, b"")
    assert decoded == bytes(2 * 1024 * 10 * track.channels)


def _adts(frame: bytes, channels: int) -> bytes:
    """Return a frame of AAC-LC at 16 kHz behind its ADTS header (ISO 14496-3 section 1.A.2)."""
    length = len(frame) + 7
    fields = 0xFFF1 << 40 | 1 << 38 | 8 << 34 | channels << 30 | length << 13 | 0x7FF << 2
    return fields.to_bytes(7) + frame
