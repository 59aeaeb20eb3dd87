"""G.711 A-law and mu-law (ITU-T G.711), both ways. PCM is signed 16 bit, big-endian, mono.

Hot path: tables only. Encoding looks up every 16-bit sample in a table of 64 KiB that is built on
first use; decoding is two translations of the whole frame, one for each byte of a sample.
"""

import sys
from array import array
from collections.abc import Callable
from functools import cache
from struct import pack

from neolink.errors import LocalProtocolError

__all__ = ["decode_pcma", "decode_pcmu", "encode_pcma", "encode_pcmu"]

_MU_BIAS = 132
_MU_CLIP = 32635
_A_TOGGLE = 0x55  # G.711 section 3.2: every second bit is inverted on the line


def encode_pcmu(pcm: bytes | memoryview) -> bytes:
    """Encode to mu-law, one byte a sample. Raises LocalProtocolError for half a sample."""
    return _encode(pcm, _encoding_table(_mu_law_code))


def encode_pcma(pcm: bytes | memoryview) -> bytes:
    """Encode to A-law, one byte a sample. Raises LocalProtocolError for half a sample."""
    return _encode(pcm, _encoding_table(_a_law_code))


def decode_pcmu(data: bytes | memoryview) -> bytes:
    """Decode mu-law to PCM."""
    return _decode(data, _decoding_tables(_mu_law_sample))


def decode_pcma(data: bytes | memoryview) -> bytes:
    """Decode A-law to PCM."""
    return _decode(data, _decoding_tables(_a_law_sample))


def _encode(pcm: bytes | memoryview, table: bytes) -> bytes:
    if len(pcm) % 2:
        raise LocalProtocolError(f"expected PCM of whole 16-bit samples, got {len(pcm)} bytes")
    # The table is laid out for the host's byte order, so the samples need no swapping.
    return bytes([table[sample] for sample in array("H", bytes(pcm))])


def _decode(data: bytes | memoryview, tables: tuple[bytes, bytes]) -> bytes:
    codes = bytes(data)
    pcm = bytearray(2 * len(codes))
    pcm[0::2] = codes.translate(tables[0])
    pcm[1::2] = codes.translate(tables[1])
    return bytes(pcm)


@cache
def _encoding_table(code: Callable[[int], int]) -> bytes:
    """Return the code of every sample, at the number its big-endian bytes make on this host.

    Built from the 256 runs of equal codes: one call per sample would stop the loop for 60 ms.
    """
    table = _runs(code, 0, 32768) + _runs(code, -32768, 0)
    if sys.byteorder == "little":
        table = b"".join(table[low::256] for low in range(256))
    return table


def _runs(code: Callable[[int], int], start: int, end: int) -> bytes:
    """Return the codes of the samples from ``start`` to before ``end``, all of one sign."""
    runs: list[bytes] = []
    while start < end:
        value = code(start)
        same, other = start, end
        while other - same > 1:  # the run is contiguous: search its end by halves
            middle = (same + other) // 2
            same, other = (middle, other) if code(middle) == value else (same, middle)
        runs.append(bytes((value,)) * (other - start))
        start = other
    return b"".join(runs)


@cache
def _decoding_tables(sample: Callable[[int], int]) -> tuple[bytes, bytes]:
    """Return the high bytes and the low bytes of the samples of all 256 codes."""
    decoded = b"".join(pack(">h", sample(code)) for code in range(256))
    return decoded[0::2], decoded[1::2]


def _mu_law_code(sample: int) -> int:
    magnitude = min(abs(sample), _MU_CLIP) + _MU_BIAS
    exponent = magnitude.bit_length() - 8
    mantissa = magnitude >> (exponent + 3) & 0x0F
    return ~((0x80 if sample < 0 else 0) | exponent << 4 | mantissa) & 0xFF


def _mu_law_sample(code: int) -> int:
    code = ~code & 0xFF
    magnitude = (((code & 0x0F) << 3) + _MU_BIAS << (code >> 4 & 7)) - _MU_BIAS
    return -magnitude if code & 0x80 else magnitude


def _a_law_code(sample: int) -> int:
    # One's complement for negative samples: -1 and 0 are the two innermost levels.
    magnitude = ~sample if sample < 0 else sample
    exponent = max(magnitude.bit_length() - 8, 0)
    mantissa = magnitude >> (exponent + 3 if exponent else 4) & 0x0F
    return (0 if sample < 0 else 0x80) ^ (exponent << 4 | mantissa) ^ _A_TOGGLE


def _a_law_sample(code: int) -> int:
    code ^= _A_TOGGLE
    exponent = code >> 4 & 7
    magnitude = ((code & 0x0F) << 4) + 8
    if exponent:
        magnitude = magnitude + 0x100 << (exponent - 1)
    return magnitude if code & 0x80 else -magnitude
