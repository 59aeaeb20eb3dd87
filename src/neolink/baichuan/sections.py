"""Encrypts and decrypts the sections of messages, and tells XML from binary.

A section is an Extension or a payload; each is encrypted on its own. Writing follows the level
that was negotiated; reading is tolerant, because peers mix levels (protocol reference, sections 2.3
and 2.5). Nothing here parses XML or knows message ids.
Hot path: ``is_xml``, ``decrypt_xml`` and ``decrypt_binary`` run once per media message. Media is
told from XML by its first byte, which nearly always settles it; and all Extensions of a camera
begin alike, also when encrypted, so that their cipher is found once.
"""

from neolink.baichuan.crypto import AesCipher, Encryption, xor
from neolink.baichuan.ids import MAX_XML_LENGTH
from neolink.errors import RemoteProtocolError

__all__ = ["Sections"]

_Octets = bytes | memoryview

_PADDING = b" \t\r\n\0"
_STARTS = (b"<?xml", b"<body", b"<Extension")
_HEAD = 16  # bytes: one AES block; room for some white space in front of the first tag
_DOCTYPE = b"<!DOCTYPE"


class Sections:
    """One end's ciphers at one encryption level. ``aes`` may be known at any level."""

    def __init__(self, encryption: Encryption, aes: AesCipher | None = None) -> None:
        if encryption.has_aes and aes is None:
            raise ValueError(f"{encryption.name} needs a key")
        self.encryption = encryption
        self._aes = aes
        # P = C xor E(IV) in the first block, so zeros decrypt to the key stream itself.
        self._aes_stream = int.from_bytes(aes.decrypt(bytes(_HEAD)), "little") if aes else 0
        self._first_bytes: dict[int, frozenset[int]] = {}  # by the offset, a byte
        self._last_head: tuple[bytes, int] = b"", 0
        self._last_cipher: Encryption | None = None

    def encrypt(self, section: bytes, offset: int) -> bytes:
        """Encrypt XML at the negotiated level. ``offset`` is byte 12 of the header."""
        match self.encryption:
            case Encryption.NONE:
                return section
            case Encryption.BC:
                return xor(section, offset)
            case _:
                assert self._aes is not None
                return self._aes.encrypt(section)

    def encrypt_binary(self, data: bytes) -> bytes:
        """Encrypt media; only at FULL_AES."""
        assert self._aes is not None
        return self._aes.encrypt(data)

    def decrypt_binary(self, payload: _Octets, encrypted_length: int) -> bytes:
        """Decrypt the first ``encrypted_length`` bytes of media; the rest came clear.

        The length is clamped. Without a key the payload stays as it is. A view is copied.
        """
        if self._aes is None or encrypted_length <= 0:
            return bytes(payload)
        if encrypted_length >= len(payload):
            return self._aes.decrypt(payload)
        return self._aes.decrypt(payload[:encrypted_length]) + payload[encrypted_length:]

    def is_xml(self, section: _Octets, offset: int) -> bool:
        """Whether any of the ciphers makes the section begin like XML."""
        first_bytes = self._first_bytes.get(offset)
        if first_bytes is None:
            first_bytes = self._first_bytes[offset] = self._find_first_bytes(offset)
        if not section or section[0] not in first_bytes:
            return False
        return self._recognize(bytes(section[:_HEAD]), offset) is not None

    def decrypt_xml(self, section: _Octets, offset: int) -> bytes:
        """Decrypt XML with whichever cipher fits; padding around it is removed.

        Raises :class:`RemoteProtocolError` when none does, for a section over the limit, and for a
        document type, which no peer has a use for.
        """
        if len(section) > MAX_XML_LENGTH:
            raise RemoteProtocolError(
                f"expected at most {MAX_XML_LENGTH} bytes of XML, got {len(section)}"
            )
        text = self._decrypt(bytes(section), offset).strip(_PADDING)
        if _DOCTYPE in text:
            raise RemoteProtocolError("expected XML without a document type, got one")
        return text

    def _decrypt(self, section: bytes, offset: int) -> bytes:
        match self._recognize(section[:_HEAD], offset):
            case Encryption.NONE:
                return section
            case Encryption.BC:
                return xor(section, offset)
            case Encryption.AES if self._aes is not None:
                return self._aes.decrypt(section)
        raise RemoteProtocolError(f"no cipher turns {len(section)} bytes into XML")

    def _find_first_bytes(self, offset: int) -> frozenset[int]:
        """Return all bytes that XML, or the padding in front of it, can begin with."""
        keys = 0, xor(b"\0", offset)[0], self._aes_stream & 0xFF
        return frozenset(byte ^ key for byte in b"<" + _PADDING for key in keys)

    def _recognize(self, head: bytes, offset: int) -> Encryption | None:
        if self._last_head != (head, offset):
            self._last_cipher = self._find_cipher(head, offset)
            self._last_head = head, offset
        return self._last_cipher

    def _find_cipher(self, head: bytes, offset: int) -> Encryption | None:
        """Find the cipher from the first block; of AES no more than its key stream is needed."""
        if _begins_like_xml(head):
            return Encryption.NONE
        if _begins_like_xml(xor(head, offset)):
            return Encryption.BC
        if self._aes is not None and _begins_like_xml(_mix(head, self._aes_stream)):
            return Encryption.AES
        return None


def _begins_like_xml(head: bytes) -> bool:
    return head.lstrip(_PADDING).startswith(_STARTS)


def _mix(head: bytes, stream: int) -> bytes:
    mixed = int.from_bytes(head.ljust(_HEAD, b"\0"), "little") ^ stream
    return mixed.to_bytes(_HEAD, "little")
