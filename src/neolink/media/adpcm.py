"""IMA/DVI4 ADPCM in the blocks that cameras send and take (protocol reference, section 4.5).

A block is a 4-byte header, the state before its first nibble (predictor i16 little-endian, step
index u8, zero), and two samples a byte. PCM is signed 16 bit, big-endian, mono on both sides.
The packet around the block (magic, sizes, sub-magic) lives in ``baichuan``.

Hot path: 8000 to 16000 samples a second and camera; one table look-up and one clamp a sample.
"""

from array import array
from struct import Struct
from typing import NamedTuple

from neolink.errors import LocalProtocolError, RemoteProtocolError
from neolink.media.pcm import pcm_from_samples, samples_from_pcm

__all__ = ["HEADER_LENGTH", "AdpcmDecoder", "AdpcmEncoder", "AdpcmState"]

HEADER_LENGTH = 4

_MAX_BLOCK = 0xFFFF
_MAX_INDEX = 88
_header = Struct("<hBB")
_INDEX_STEPS = (-1, -1, -1, -1, 2, 4, 6, 8)
_STEPS = (
    7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 19, 21, 23, 25, 28, 31, 34, 37, 41, 45, 50, 55, 60, 66,
    73, 80, 88, 97, 107, 118, 130, 143, 157, 173, 190, 209, 230, 253, 279, 307, 337, 371, 408,
    449, 494, 544, 598, 658, 724, 796, 876, 963, 1060, 1166, 1282, 1411, 1552, 1707, 1878, 2066,
    2272, 2499, 2749, 3024, 3327, 3660, 4026, 4428, 4871, 5358, 5894, 6484, 7132, 7845, 8630,
    9493, 10442, 11487, 12635, 13899, 15289, 16818, 18500, 20350, 22385, 24623, 27086, 29794,
    32767,
)  # fmt: skip


class AdpcmState(NamedTuple):
    """What the next nibble builds on: the last sample, and the index of the step size."""

    predictor: int = 0
    step_index: int = 0


def _transition(index: int, nibble: int) -> tuple[int, int]:
    """Return the difference a nibble makes and the row of the table that follows.

    The shift-and-add form: cameras' own blocks drift apart with the multiplying form.
    """
    step = _STEPS[index]
    difference = step >> 3
    for bit, shift in ((4, 0), (2, 1), (1, 2)):
        if nibble & bit:
            difference += step >> shift
    following = min(_MAX_INDEX, max(0, index + _INDEX_STEPS[nibble & 7]))
    return (-difference if nibble & 8 else difference), following << 4


_TRANSITIONS = tuple(
    _transition(index, nibble) for index in range(_MAX_INDEX + 1) for nibble in range(16)
)
"""(difference, next row) by row | nibble, where a row is a step index shifted left by 4."""


class AdpcmDecoder:
    """Decodes blocks, high nibble first. Every block stands alone.

    ``state`` is the state behind the last block. ``gaps`` counts the blocks that did not begin
    with it: their predecessors were lost.
    """

    def __init__(self) -> None:
        self.state: AdpcmState | None = None
        self.gaps = 0

    def decode(self, block: bytes | memoryview) -> bytes:
        """Return the PCM of a block, ``(len(block) - 4) * 2`` samples.

        Raises RemoteProtocolError for a block without header or with a step index above 88.
        """
        if not HEADER_LENGTH <= len(block) <= _MAX_BLOCK:
            raise RemoteProtocolError(
                f"expected an ADPCM block of {HEADER_LENGTH} to {_MAX_BLOCK} bytes,"
                f" got {len(block)}"
            )
        predictor, index, _ = _header.unpack_from(block)
        if index > _MAX_INDEX:
            raise RemoteProtocolError(
                f"expected an ADPCM step index of at most {_MAX_INDEX}, got {index}", offset=2
            )
        if self.state is not None and self.state != (predictor, index):
            self.gaps += 1
        samples, self.state = _decode_nibbles(bytes(block[HEADER_LENGTH:]), predictor, index)
        return pcm_from_samples(samples)


def _decode_nibbles(data: bytes, predictor: int, index: int) -> "tuple[array[int], AdpcmState]":
    transitions = _TRANSITIONS
    samples = array("h", bytes(len(data) * 4))
    row = index << 4
    position = 0
    for pair in data:
        difference, row = transitions[row | pair >> 4]
        predictor += difference
        if not -32768 <= predictor <= 32767:
            predictor = 32767 if predictor > 0 else -32768
        samples[position] = predictor
        difference, row = transitions[row | pair & 15]
        predictor += difference
        if not -32768 <= predictor <= 32767:
            predictor = 32767 if predictor > 0 else -32768
        samples[position + 1] = predictor
        position += 2
    return samples, AdpcmState(predictor, row >> 4)


class AdpcmEncoder:
    """Encodes blocks of ``block_samples`` samples, an even number, for a camera's speaker.

    The state runs on from block to block, so that blocks join without a click.
    """

    def __init__(self, block_samples: int, *, high_nibble_first: bool = True) -> None:
        if block_samples < 2 or block_samples % 2 or block_samples // 2 > _MAX_BLOCK - 4:
            raise LocalProtocolError(f"an ADPCM block can not hold {block_samples} samples")
        self.block_samples = block_samples
        self.state = AdpcmState()
        self._high_nibble_first = high_nibble_first

    def encode(self, pcm: bytes | memoryview) -> bytes:
        """Return one block: header with the state before its first nibble, then the nibbles.

        Raises LocalProtocolError unless ``pcm`` has exactly ``block_samples`` samples.
        """
        if len(pcm) != self.block_samples * 2:
            raise LocalProtocolError(
                f"expected {self.block_samples * 2} bytes of PCM for an ADPCM block, got {len(pcm)}"
            )
        header = _header.pack(self.state.predictor, self.state.step_index, 0)
        nibbles, self.state = _encode_samples(samples_from_pcm(pcm), self.state)
        first, second = nibbles[0::2], nibbles[1::2]
        if not self._high_nibble_first:
            first, second = second, first
        return header + bytes(high << 4 | low for high, low in zip(first, second, strict=True))


def _encode_samples(samples: "array[int]", state: AdpcmState) -> tuple[bytearray, AdpcmState]:
    predictor, index = state
    nibbles = bytearray()
    for sample in samples:
        nibble = _nearest_nibble(sample - predictor, _STEPS[index])
        difference, row = _TRANSITIONS[index << 4 | nibble]
        predictor = min(32767, max(-32768, predictor + difference))
        index = row >> 4
        nibbles.append(nibble)
    return nibbles, AdpcmState(predictor, index)


def _nearest_nibble(difference: int, step: int) -> int:
    nibble, rest = (8, -difference) if difference < 0 else (0, difference)
    for bit, part in ((4, step), (2, step >> 1), (1, step >> 2)):
        if rest >= part:
            nibble |= bit
            rest -= part
    return nibble
