"""Codecs: what comes out sounds like what went in, at the same time."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest

from neolink.convert.targets import target_of
from neolink.convert.transcoder import Transcoder
from neolink.media.aac import parse_adts
from neolink.media.tracks import AudioCodec, AudioTrack
from neolink.media.units import AudioFrame
from neolink.rtp.formats import AudioChoice
from neolink.simulator.clips import aac_tone
from neolink.simulator.tone import TONE_HZ, dominant_frequency, tone_pcm
from support.codecs import needs_codecs

pytestmark = needs_codecs

AAC = AudioTrack(AudioCodec.AAC, 16_000, 1, b"\x14\x08")
ADPCM = AudioTrack(AudioCodec.L16, 8000)
BLOCK = 480
BEGIN_S = 5


def aac(count: int) -> list[AudioFrame]:
    tone = aac_tone()
    return [
        AudioFrame(AAC, parse_adts(tone[i % len(tone)])[0].data, BEGIN_S * 16_000 + i * 1024, 1024)
        for i in range(count)
    ]


def pcm(count: int) -> list[AudioFrame]:
    data = tone_pcm(8000, BLOCK)
    return [AudioFrame(ADPCM, data, BEGIN_S * 8000 + i * BLOCK, BLOCK) for i in range(count)]


def clicks(count: int) -> list[AudioFrame]:
    """Return silence with 1 ms of loudness in the middle of block 20."""
    data = [bytes(2 * BLOCK)] * count
    data[20] = bytes(BLOCK) + b"\x60\x00" * 8 + bytes(BLOCK - 16)
    return [AudioFrame(ADPCM, one, BEGIN_S * 8000 + i * BLOCK, BLOCK) for i, one in enumerate(data)]


def heard(frames: Sequence[AudioFrame]) -> tuple[list[int], float]:
    """Return the samples that a decoder of ours hears, and the time of the first, in s."""
    track = frames[0].track
    if track.codec is AudioCodec.L16:
        data = b"".join(frame.data for frame in frames)
        samples = [int.from_bytes(data[i : i + 2], signed=True) for i in range(0, len(data), 2)]
        return samples, frames[0].pts / track.clock_rate
    import av

    names = {AudioCodec.AAC: "aac", AudioCodec.OPUS: "libopus"}
    decoder = av.AudioCodecContext.create(names[track.codec], "r")
    if track.codec is AudioCodec.AAC:
        decoder.extradata = track.config
    else:
        decoder.sample_rate, decoder.layout = 48_000, "mono"
    resampler = av.AudioResampler("s16", "mono", track.clock_rate)
    samples = []
    for frame in frames:
        for decoded in decoder.decode(av.Packet(bytes(frame.data))):
            decoded.pts = None
            for plain in resampler.resample(decoded):
                samples += plain.to_ndarray().ravel().tolist()
    return samples, frames[0].pts / track.clock_rate


CASES = [
    (aac, AudioChoice.L16),
    (aac, AudioChoice.PCMU),
    (aac, AudioChoice.OPUS),
    (pcm, AudioChoice.AAC),
    (pcm, AudioChoice.OPUS),
]


@pytest.mark.parametrize(("make", "choice"), CASES)
def test_a_tone_stays_the_same_tone_and_time_runs_on(
    make: Callable[[int], list[AudioFrame]], choice: AudioChoice
) -> None:
    source = make(60)
    target = target_of(source[0].track, choice)
    coder = Transcoder(source[0].track, target)
    made = [frame for one in source for frame in coder.feed([one])]
    assert {frame.track for frame in made} == {target}
    for before, after in pairwise(made):
        assert after.pts == before.pts + before.samples
    assert BEGIN_S - 0.065 <= made[0].pts / target.clock_rate <= BEGIN_S
    last = source[-1]
    end_s = (last.pts + last.samples) / last.track.clock_rate
    assert end_s - 0.2 < (made[-1].pts + made[-1].samples) / target.clock_rate <= end_s
    samples, _ = heard(made)
    settled = samples[target.clock_rate // 2 :]
    assert dominant_frequency(settled, target.clock_rate) == pytest.approx(TONE_HZ, rel=0.005)
    assert max(settled) == pytest.approx(8192, rel=0.15)
    assert coder.damaged == 0


@pytest.mark.parametrize("choice", [AudioChoice.AAC, AudioChoice.OPUS])
def test_a_click_is_heard_when_it_was_made(choice: AudioChoice) -> None:
    target = target_of(ADPCM, choice)
    made = Transcoder(ADPCM, target).feed(clicks(60))
    samples, begin_s = heard(made)
    loudest = max(range(len(samples)), key=lambda index: abs(samples[index]))
    at_s = BEGIN_S + (20.5 * BLOCK + 4) / 8000
    assert begin_s + loudest / target.clock_rate == pytest.approx(at_s, abs=0.003)


def test_a_frame_that_does_not_decode_is_counted_and_the_rest_is_heard() -> None:
    coder = Transcoder(AAC, target_of(AAC, AudioChoice.L16))
    frames = aac(20)
    frames[10] = AudioFrame(AAC, b"\xff" * 90, frames[10].pts, 1024)
    made = coder.feed(frames)
    assert coder.damaged == 1
    assert [frame.pts for frame in made] == [one.pts for i, one in enumerate(frames) if i != 10]


def test_time_that_jumps_is_followed() -> None:
    coder = Transcoder(ADPCM, target_of(ADPCM, AudioChoice.OPUS))
    coder.feed(pcm(20))
    later = [AudioFrame(ADPCM, one.data, one.pts + 80_000, one.samples) for one in pcm(20)]
    made = coder.feed(later)
    assert made[-1].pts / 48_000 == pytest.approx(later[-1].pts / 8000, abs=0.05)


def test_half_a_sample_is_dropped() -> None:
    frame = AudioFrame(ADPCM, bytes(1921), 0, 960)
    assert Transcoder(ADPCM, target_of(ADPCM, AudioChoice.OPUS)).feed([frame])
