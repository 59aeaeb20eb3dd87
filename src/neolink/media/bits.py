"""Reads the bit fields of parameter sets: fixed-width and Exp-Golomb numbers.

Only the reading lives here; what the fields mean is the business of the modules of each coding.
"""

from neolink.errors import RemoteProtocolError

__all__ = ["MAX_BIT_STRING", "BitReader"]

MAX_BIT_STRING = 8192
"""Most bytes a :class:`BitReader` takes: real parameter sets have less than a tenth of it."""

_MAX_LEADING_ZEROS = 31
_MAX_UE = (1 << 32) - 2


class BitReader:
    """Reads bits from the most significant one on.

    Every method raises RemoteProtocolError when the bits are used up, so that a damaged
    parameter set ends in a declared error wherever it is cut.
    """

    __slots__ = ("_left", "_size", "_value")

    def __init__(self, data: bytes | memoryview) -> None:
        if len(data) > MAX_BIT_STRING:
            raise RemoteProtocolError(
                f"expected a parameter set of at most {MAX_BIT_STRING} bytes, got {len(data)}"
            )
        self._value = int.from_bytes(data)
        self._size = len(data) * 8
        self._left = self._size

    @property
    def bits_left(self) -> int:
        """Bits not read yet."""
        return self._left

    def u(self, bits: int) -> int:
        """Read an unsigned number of that many bits (ISO 14496-10 section 7.2)."""
        if bits > self._left:
            raise RemoteProtocolError(
                f"expected {bits} more bits in a parameter set, got {self._left}",
                offset=(self._size - self._left) // 8,
            )
        self._left -= bits
        return (self._value >> self._left) & ((1 << bits) - 1)

    def flag(self) -> bool:
        """Read one bit."""
        return self.u(1) == 1

    def skip(self, bits: int) -> None:
        """Pass over ``bits`` bits."""
        self.u(bits)

    def ue(self, maximum: int = _MAX_UE) -> int:
        """Read an unsigned Exp-Golomb number not above ``maximum`` (ISO 14496-10 section 9.1)."""
        zeros = 0
        while not self.u(1):
            zeros += 1
            if zeros > _MAX_LEADING_ZEROS:
                raise RemoteProtocolError(
                    f"expected an Exp-Golomb number of at most {_MAX_LEADING_ZEROS} leading zeros",
                    offset=(self._size - self._left) // 8,
                )
        value = (1 << zeros) - 1 + self.u(zeros)
        if value > maximum:
            raise RemoteProtocolError(
                f"expected a parameter set field of at most {maximum}, got {value}",
                offset=(self._size - self._left) // 8,
            )
        return value

    def se(self) -> int:
        """Read a signed Exp-Golomb number (ISO 14496-10 section 9.1.1)."""
        code = self.ue()
        return (code + 1) // 2 if code & 1 else -(code // 2)
