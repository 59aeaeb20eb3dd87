"""FLAC frames bit by bit (RFC 9639), and as a foreign decoder reads them."""

import asyncio
from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neolink.errors import LocalProtocolError
from neolink.mp4.flac import MAX_BLOCK_SAMPLES, flac_frame, flac_silence, flac_stream_info
from support.processes import need_programs


def crc(data: bytes, width: int, polynomial: int) -> int:
    """Return a checksum bit by bit, the slow way."""
    check = 0
    for byte in data:
        for bit in range(7, -1, -1):
            top = check >> width - 1 & 1 ^ byte >> bit & 1
            check = (check << 1) & (1 << width) - 1 ^ (polynomial if top else 0)
    return check


def test_stream_info_tells_rate_one_channel_and_16_bits() -> None:
    info = flac_stream_info(8000)
    assert info.hex() == (
        "0010 1200"  # blocks of 16 to 4608 samples
        "000000 000000"  # sizes of frames unknown
        "01f400f0 00000000" + 16 * "00"  # 8000 << 12 | 0 << 9 | 15 << 4, no total
    ).replace(" ", "")


@pytest.mark.parametrize("rate", [0, 65536])
def test_rate_that_frames_cannot_tell_is_refused(rate: int) -> None:
    with pytest.raises(LocalProtocolError):
        flac_stream_info(rate)


def test_frame_of_different_samples_holds_them_as_they_are() -> None:
    frame = flac_frame(bytes.fromhex("0001 fffe 7fff"), 8000, 5)
    head = bytes.fromhex("fff9 7d 08 05 0002 1f40")
    assert frame[: len(head)] == head
    assert frame[len(head)] == crc(head, 8, 0x07)
    assert frame[len(head) + 1 : -2].hex() == "02" + "0001fffe7fff"
    assert int.from_bytes(frame[-2:]) == crc(frame[:-2], 16, 0x8005)


def test_frame_of_equal_samples_holds_one() -> None:
    frame = flac_silence(4608, 16000, 0)
    assert frame[:9].hex() == "fff97d080011ff3e80"
    assert frame[10:-2].hex() == "000000"
    assert int.from_bytes(frame[-2:]) == crc(frame[:-2], 16, 0x8005)


@pytest.mark.parametrize(
    ("number", "coded"),
    [
        (0x7F, "7f"),
        (0x80, "c280"),
        (0x7FF, "dfbf"),
        (0x800, "e0a080"),
        (0xFFFF, "efbfbf"),
        (0x10000, "f0908080"),
        (0x200000, "f888808080"),
        (0x4000000, "fc8480808080"),
        (0x80000000, "fe828080808080"),
        ((1 << 36) - 1, "febfbfbfbfbfbf"),
        (1 << 36, "00"),  # and from the beginning again
    ],
)
def test_number_of_the_first_sample_is_coded_like_utf_8(number: int, coded: str) -> None:
    assert flac_frame(b"\x00\x01", 8000, number)[4:].hex().startswith(coded)


@pytest.mark.parametrize("pcm", [b"", b"\x00", bytes(3), bytes(2 * MAX_BLOCK_SAMPLES + 2)])
def test_what_is_no_block_is_refused(pcm: bytes) -> None:
    with pytest.raises(LocalProtocolError):
        flac_frame(pcm, 8000, 0)


@given(st.binary(min_size=2, max_size=64), st.integers(0, 1 << 40), st.integers(1, 0xFFFF))
def test_checksums_hold_for_all_frames(pcm: bytes, first: int, rate: int) -> None:
    frame = flac_frame(pcm[: len(pcm) // 2 * 2], rate, first)
    assert crc(frame, 16, 0x8005) == 0


@pytest.mark.foreign
@settings(max_examples=8, deadline=None)
@given(st.lists(st.binary(min_size=2, max_size=9000), min_size=1, max_size=6))
def test_foreign_decoder_gives_back_the_samples(blocks: list[bytes]) -> None:
    need_programs("ffmpeg")
    pcm = [block[: len(block) // 2 * 2] for block in blocks]
    first, stream = 0, b"fLaC" + b"\x80\x00\x00\x22" + flac_stream_info(8000)
    for block in pcm:
        stream += flac_frame(block, 8000, first)
        first += len(block) // 2
    decoded = asyncio.run(_decode(stream))
    samples = array("h", decoded)
    samples.byteswap()
    assert samples.tobytes() == b"".join(pcm)


async def _decode(stream: bytes) -> bytes:
    command = "ffmpeg -v error -f flac -i - -f s16le -"
    process = await asyncio.create_subprocess_exec(
        *command.split(), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    decoded, _ = await process.communicate(stream)
    assert process.returncode == 0
    return decoded
