"""The two ciphers of the protocol, their keys, and the hashes of the login.

Nothing here knows a message; which section is encrypted with what is in
:mod:`neolink.baichuan.sections`. Protocol reference, sections 2.2 to 2.4. The digests and ciphers
are what cameras demand, not what one would choose.

Hot path: ``AesCipher.decrypt`` sees every picture of a camera that encrypts media. CFB decryption
needs the block cipher of *known* bytes only (each block is XORed with the encryption of the
cipher text before it), so one pass of the block cipher over all blocks at once, which the
processor pipelines, and one XOR give the same result as the library's serial CFB 6 times faster.
The XOR needs numpy to pay; without numpy the library's CFB is used. Encryption cannot be done so.
"""

from enum import IntEnum
from functools import cache
from hashlib import md5
from types import ModuleType
from typing import Self

from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes

__all__ = [
    "AesCipher",
    "Encryption",
    "is_prepared",
    "legacy_hash",
    "login_hash",
    "prepare",
    "session_key",
    "xor",
]

_BC_KEY = bytes.fromhex("1f2d3c4b5a6978ff")
_AES_IV = b"0123456789abcdef"
_HASH_LENGTH = 31  # of 32 hex digits: cameras keep the last place for a string terminator
_BLOCK = 16
_WIDE_MIN = 2048  # bytes; below, both forms take about the same time: not worth loading numpy
_WIDE_MAX = 64 * 1024  # bytes of scratch memory; cameras cut media at 40,000
_XOR_WIDE_MIN = 4096

_Buffer = bytes | bytearray | memoryview


class Encryption(IntEnum):
    """Encryption levels from the weakest to the strongest; a login settles on one (2.2, 2.5)."""

    NONE = 0
    BC = 1
    AES = 2
    FULL_AES = 3

    @property
    def request_code(self) -> int:
        """What a client puts into the status of its first message to ask for this level."""
        return _REQUEST_CODES[self]

    @property
    def reply_code(self) -> int:
        """What a camera answers when it settles on this level."""
        return _REPLY_CODES[self]

    @property
    def has_aes(self) -> bool:
        """Whether XML after the login is AES encrypted."""
        return self >= Encryption.AES

    @classmethod
    def from_request(cls, code: int) -> Self | None:
        """Read a client's request code; None when it is none of the known ones."""
        level = _REQUESTS.get(code)
        return None if level is None else cls(level)

    @classmethod
    def from_reply(cls, code: int) -> Self | None:
        """Read a camera's reply code; None when it is none of the known ones."""
        level = _REPLIES.get(code)
        return None if level is None else cls(level)


_REQUEST_CODES = (0xDC00, 0xDC01, 0xDC02, 0xDC12)
_REPLY_CODES = (0xDD00, 0xDD01, 0xDD02, 0xDD12)
# DC03 and DD03 are older spellings of AES for XML only.
_REQUESTS = {code: level for level, code in enumerate(_REQUEST_CODES)} | {0xDC03: 2}
_REPLIES = {code: level for level, code in enumerate(_REPLY_CODES)} | {0xDD03: 2}


class AesCipher:
    """AES-128 in CFB128 mode. Every call starts afresh from the protocol's fixed vector."""

    def __init__(self, key: bytes) -> None:
        self._cfb = Cipher(algorithms.AES(key), CFB(_AES_IV))
        # The block cipher alone, as the first half of fast CFB; never used as a mode.
        self._blocks = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305

    def encrypt(self, data: _Buffer) -> bytes:
        """Encrypt one section."""
        return self._cfb.encryptor().update(data)

    def decrypt(self, data: _Buffer) -> bytes:
        """Decrypt one section."""
        workspace = _take_workspace(len(data))
        if workspace is None:
            return self._cfb.decryptor().update(data)
        try:
            return workspace.decrypt(self._blocks, data)
        finally:
            _workspaces.append(workspace)


class _Workspace:
    """Memory for wide decryption. All keys share it, so that it stays in the processor's cache."""

    def __init__(self, np: ModuleType) -> None:
        text, stream = bytearray(_WIDE_MAX + _BLOCK), bytearray(_WIDE_MAX + 2 * _BLOCK)
        text[:_BLOCK] = _AES_IV
        self._text, self._stream = memoryview(text), memoryview(stream)
        self._text_array = np.frombuffer(text, np.uint8)[_BLOCK:]
        self._stream_array = np.frombuffer(stream, np.uint8)
        self._xor = np.bitwise_xor

    def decrypt(self, blocks: CipherContext, data: _Buffer) -> bytes:
        """Decrypt at most ``_WIDE_MAX`` bytes. ``blocks`` is the block cipher of their key."""
        length = len(data)
        self._text[_BLOCK : _BLOCK + length] = data
        whole = -(-length // _BLOCK) * _BLOCK
        blocks.update_into(self._text[:whole], self._stream)
        stream = self._stream_array[:length]
        self._xor(self._text_array[:length], stream, stream)
        plain: bytes = stream.tobytes()
        return plain


_workspaces: list[_Workspace] = []
"""Those that nobody uses at the moment: one, or as many as threads ever decrypted at once."""


def _take_workspace(length: int) -> _Workspace | None:
    """Return one for a section that is worth it: any that fits, as soon as there is one."""
    if length > _WIDE_MAX:
        return None
    if _workspaces:
        return _workspaces.pop()
    np = _numpy() if length >= _WIDE_MIN else None
    return None if np is None else _Workspace(np)


def is_prepared() -> bool:
    """Whether nothing has to be loaded any more before media is decrypted."""
    return _numpy.cache_info().currsize > 0


def prepare() -> None:
    """Load what decrypts media. It takes 0.2 s and more, so not where others wait: any thread."""
    _numpy()


def xor(data: _Buffer, offset: int) -> bytes:
    """Apply the BC cipher to one section; the same call encrypts and decrypts.

    ``offset`` is byte 12 of the message's header (0 to 255).
    """
    pattern = _bc_pattern(offset & 0xFF)
    length = len(data)
    stream = (pattern * (length // len(pattern) + 1))[:length]
    if length >= _XOR_WIDE_MIN and (np := _numpy()) is not None:
        mixed = np.frombuffer(data, np.uint8) ^ np.frombuffer(stream, np.uint8)
        return bytes(mixed)
    number = int.from_bytes(data, "little") ^ int.from_bytes(stream, "little")
    return number.to_bytes(length, "little")


def session_key(nonce: str, password: str) -> bytes:
    """Derive the 16 byte AES key (2.4)."""
    return _hex_md5(f"{nonce}-{password}")[:16].encode()


def login_hash(text: str, nonce: str) -> str:
    """Hash a user name or password for the modern login (2.3): 31 digits."""
    return _hex_md5(text + nonce)[:_HASH_LENGTH]


def legacy_hash(text: str) -> str:
    """Hash a user name or password for the legacy login (2.2): 31 digits, or none for no text."""
    return _hex_md5(text)[:_HASH_LENGTH] if text else ""


def _hex_md5(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest().upper()


@cache
def _bc_pattern(offset: int) -> bytes:
    """Key stream of one period. At most 256 of them exist."""
    start = offset % len(_BC_KEY)
    return bytes(byte ^ offset for byte in _BC_KEY[start:] + _BC_KEY[:start])


@cache
def _numpy() -> ModuleType | None:
    """Load numpy at the first section that is worth its 0.2 s; None where it is not installed."""
    try:
        import numpy as np  # noqa: PLC0415 - start-up must not pay for it
    except ImportError:
        return None
    return np
