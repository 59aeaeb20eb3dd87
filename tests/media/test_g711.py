from array import array
from struct import pack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neolink.errors import LocalProtocolError
from neolink.media.g711 import decode_pcma, decode_pcmu, encode_pcma, encode_pcmu
from neolink.media.pcm import samples_from_pcm

ALL_CODES = bytes(range(256))


def _samples(pcm: bytes) -> list[int]:
    return list(samples_from_pcm(pcm))


@pytest.mark.parametrize(
    ("code", "sample"),
    [  # ITU-T G.711 table 2: decoder output values, scaled from 14 to 16 bit
        (0x80, 32124), (0x00, -32124), (0x8F, 16764), (0x90, 15996), (0x9F, 8316), (0xA0, 7932),
        (0xAF, 4092), (0xBF, 1980), (0xCF, 924), (0xDF, 396), (0xEF, 132), (0xF0, 120),
        (0xFE, 8), (0xFF, 0), (0x7F, 0), (0x7E, -8), (0x6F, -132),
    ],
)  # fmt: skip
def test_mu_law_decodes_to_the_standards_values(code: int, sample: int) -> None:
    assert _samples(decode_pcmu(bytes([code]))) == [sample]


@pytest.mark.parametrize(
    ("code", "sample"),
    [  # ITU-T G.711 table 1: decoder output values, scaled from 13 to 16 bit
        (0xAA, 32256), (0x2A, -32256), (0xA5, 16896), (0xBA, 16128), (0xB5, 8448), (0x8A, 8064),
        (0x85, 4224), (0x9A, 4032), (0x95, 2112), (0xEA, 2016), (0xE5, 1056), (0xFA, 1008),
        (0xF5, 528), (0xCA, 504), (0xC5, 264), (0xDA, 248), (0xD5, 8), (0x55, -8),
    ],
)  # fmt: skip
def test_a_law_decodes_to_the_standards_values(code: int, sample: int) -> None:
    assert _samples(decode_pcma(bytes([code]))) == [sample]


@pytest.mark.parametrize(
    ("sample", "mu_law", "a_law"),
    [
        (0, 0xFF, 0xD5), (-1, 0x7F, 0x55), (32767, 0x80, 0xAA), (-32768, 0x00, 0x2A),
        (1000, 0xCE, 0xFA), (-1000, 0x4E, 0x7A), (8, 0xFE, 0xD5), (-8, 0x7E, 0x55),
        (16, 0xFD, 0xD4), (-17, 0x7D, 0x54), (256, 0xE7, 0xC5), (4096, 0xAF, 0x85),
    ],
)  # fmt: skip
def test_samples_encode_to_the_standards_codes(sample: int, mu_law: int, a_law: int) -> None:
    assert encode_pcmu(pack(">h", sample)) == bytes([mu_law])
    assert encode_pcma(pack(">h", sample)) == bytes([a_law])


def test_every_code_survives_a_round_trip() -> None:
    assert encode_pcma(decode_pcma(ALL_CODES)) == ALL_CODES
    negative_zero_is_zero = ALL_CODES.replace(b"\x7f", b"\xff")
    assert encode_pcmu(decode_pcmu(ALL_CODES)) == negative_zero_is_zero


@pytest.mark.parametrize(
    ("encode", "decode", "clip"),
    [(encode_pcmu, decode_pcmu, 32124), (encode_pcma, decode_pcma, 32256)],
)
def test_every_sample_gets_its_nearest_code(
    encode: type[bytes], decode: type[bytes], clip: int
) -> None:
    samples = range(-32768, 32768)
    pcm = b"".join(pack(">h", sample) for sample in samples)
    levels = sorted(_samples(decode(ALL_CODES)))
    gaps = dict(
        zip(levels, (b - a for a, b in zip(levels, [*levels[1:], 40000], strict=True)), strict=True)
    )
    for sample, decoded in zip(samples, _samples(decode(encode(pcm))), strict=True):
        if abs(sample) <= clip:
            # half a step, and the step below may be half as wide
            assert abs(sample - decoded) <= max(gaps[decoded], 8), sample


@given(st.lists(st.integers(-32768, 32767), max_size=50))
@settings(max_examples=50)
def test_frames_and_single_samples_encode_alike(samples: list[int]) -> None:
    pcm = b"".join(pack(">h", sample) for sample in samples)
    for encode in (encode_pcmu, encode_pcma):
        assert encode(memoryview(pcm)) == b"".join(encode(pack(">h", s)) for s in samples)


@pytest.mark.foreign
@pytest.mark.parametrize(
    ("codec", "decode"), [("pcm_mulaw", decode_pcmu), ("pcm_alaw", decode_pcma)]
)
def test_ffmpeg_decodes_alike(codec: str, decode: type[bytes]) -> None:
    av = pytest.importorskip("av")
    context = av.CodecContext.create(codec, "r")
    context.sample_rate = 8000
    context.layout = "mono"
    (frame,) = context.decode(av.Packet(ALL_CODES))
    assert list(array("h", bytes(frame.planes[0])[:512])) == _samples(decode(ALL_CODES))


def test_half_a_sample_is_our_error() -> None:
    for encode in (encode_pcmu, encode_pcma):
        with pytest.raises(LocalProtocolError, match="got 3 bytes"):
            encode(b"\x00\x01\x02")


def test_nothing_encodes_to_nothing() -> None:
    assert encode_pcma(b"") == decode_pcma(b"") == encode_pcmu(b"") == decode_pcmu(b"") == b""
