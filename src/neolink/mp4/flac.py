"""PCM as FLAC (RFC 9639): what browsers play of it in MP4, without an encoder. Pure.

Nothing is compressed: a frame is the samples as they are (a verbatim subframe), or one value where
all of them are equal. What remains of the work is two checksums.

Hot path: :func:`_crc16` sees every sample; two bytes a step, by a table of 65536.
"""

import sys
from array import array
from functools import cache
from struct import Struct

from neolink.errors import LocalProtocolError

__all__ = ["MAX_BLOCK_SAMPLES", "flac_frame", "flac_silence", "flac_stream_info"]

MAX_BLOCK_SAMPLES = 4608
"""Most samples of a frame that any decoder must take at these rates (section 7)."""

MIN_BLOCK_SAMPLES = 16
_MAX_RATE = 0xFFFF
_SYNC_VARIABLE = b"\xff\xf9"  # frames of any length, so they are numbered by their first sample
_SIZES = 0x7D  # both the block's size and the rate follow as 16 bits
_MONO_16_BIT = 0x08
_VERBATIM, _CONSTANT = b"\x02", b"\x00"
_NUMBER_BITS = 36
_CRC8_POLYNOMIAL = 0x07
_CRC16_POLYNOMIAL = 0x8005
_pack_sizes = Struct(">HH").pack


def flac_stream_info(rate: int) -> bytes:
    """Return the STREAMINFO block's contents: mono, 16 bit, unknown length (section 8.2).

    Raises LocalProtocolError for a rate that frames cannot express.
    """
    if not 1 <= rate <= _MAX_RATE:
        raise LocalProtocolError(f"expected a rate of 1 to {_MAX_RATE} Hz for FLAC, got {rate}")
    blocks = MIN_BLOCK_SAMPLES << 16 | MAX_BLOCK_SAMPLES
    format_and_length = (rate << 3 | (1 - 1)) << 5 | (16 - 1)
    return (
        blocks.to_bytes(4)
        + bytes(6)  # sizes of frames: unknown
        + (format_and_length << 36).to_bytes(8)
        + bytes(16)  # checksum of the samples: unknown
    )


def flac_frame(pcm: bytes | memoryview, rate: int, first_sample: int) -> bytes:
    """Return one frame of signed 16-bit big-endian mono PCM, which decodes to exactly that.

    ``first_sample`` counts from the beginning of the stream. Raises LocalProtocolError for half a
    sample, no sample at all, or more than ``MAX_BLOCK_SAMPLES``.
    """
    data = bytes(pcm)
    samples = len(data) // 2
    if len(data) % 2 or not 1 <= samples <= MAX_BLOCK_SAMPLES:
        raise LocalProtocolError(
            f"expected PCM of 1 to {MAX_BLOCK_SAMPLES} 16-bit samples, got {len(data)} bytes"
        )
    if data[2:] == data[:-2]:  # every sample equals the next one
        return _frame(samples, rate, first_sample, _CONSTANT, data[:2])
    return _frame(samples, rate, first_sample, _VERBATIM, data)


def flac_silence(samples: int, rate: int, first_sample: int) -> bytes:
    """Return one frame of silence. Raises LocalProtocolError like :func:`flac_frame`."""
    return flac_frame(bytes(2 * samples), rate, first_sample)


def _frame(samples: int, rate: int, first_sample: int, kind: bytes, data: bytes) -> bytes:
    head = b"".join(
        (
            _SYNC_VARIABLE,
            bytes((_SIZES, _MONO_16_BIT)),
            _coded_number(first_sample % (1 << _NUMBER_BITS)),
            _pack_sizes(samples - 1, rate),
        )
    )
    frame = b"".join((head, bytes((_crc8(head),)), kind, data))
    return frame + _crc16(frame).to_bytes(2)


def _coded_number(number: int) -> bytes:
    """Return a number of up to 36 bits as UTF-8 would write it (section 9.1.5)."""
    if number < 0x80:
        return bytes((number,))
    length = next(length for length in range(2, 8) if number < 1 << 5 * length + 1)
    first = 0xFF00 >> length & 0xFF | number >> 6 * (length - 1)
    rest = (0x80 | number >> 6 * place & 0x3F for place in reversed(range(length - 1)))
    return bytes((first, *rest))


def _crc8(data: bytes) -> int:
    check, table = 0, _crc8_table()
    for byte in data:
        check = table[check ^ byte]
    return check


def _crc16(data: bytes) -> int:
    by_byte, by_pair = _crc16_tables()
    check = 0
    if len(data) % 2:
        check, data = by_byte[data[0]], data[1:]
    pairs = array("H", data)
    if sys.byteorder == "little":
        pairs.byteswap()
    for pair in pairs:
        check = by_pair[check ^ pair]
    return check


@cache
def _crc8_table() -> tuple[int, ...]:
    return tuple(_shifted(value, 8, _CRC8_POLYNOMIAL) for value in range(256))


@cache
def _crc16_tables() -> "tuple[tuple[int, ...], array[int]]":
    """Return the checksums of all single bytes and of all pairs."""
    by_byte = tuple(_shifted(value << 8, 16, _CRC16_POLYNOMIAL) for value in range(256))
    by_pair = array("H")
    for first in by_byte:
        high, low = (first & 0xFF) << 8, first >> 8
        by_pair.extend([high ^ by_byte[low ^ second] for second in range(256)])
    return by_byte, by_pair


def _shifted(value: int, width: int, polynomial: int) -> int:
    """Return the rest of ``value`` after eight more bits of zero."""
    for _ in range(8):
        value = value << 1 ^ (polynomial if value >> width - 1 & 1 else 0)
    return value & (1 << width) - 1
