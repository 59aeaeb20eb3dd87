"""Base64 as a stream: what the POST half of a tunnel carries. Bytes in, bytes out."""

import binascii
import re
from typing import Final

from neolink.rtsp.errors import MessageError

__all__ = ["Base64Decoder"]

_WHITE: Final = b" \t\r\n"
_STRANGE: Final = re.compile(rb"[^A-Za-z0-9+/=]")
_END: Final = re.compile(rb"=+")


class Base64Decoder:
    """Decodes base64 that is cut anywhere; keeps at most three letters.

    White space is passed over. A message may end with ``=``, and another one begin behind it:
    players encode each request by itself.
    """

    __slots__ = ("_pending",)

    def __init__(self) -> None:
        self._pending = b""

    def feed(self, data: bytes) -> bytes:
        """Return the bytes that are complete. Raises MessageError 400 for what is no base64."""
        text = self._pending + data.translate(None, _WHITE)
        if _STRANGE.search(text):
            raise MessageError(400, "the POST of the tunnel carries what is no base64")
        whole = len(text) & ~3
        self._pending = text[whole:]
        decoded: list[bytes] = []
        begin = 0
        for ending in _END.finditer(text, 0, whole):
            begin = self._decode_to_end(text, begin, ending, decoded)
        decoded.append(binascii.a2b_base64(text[begin:whole]))
        if self._pending.startswith(b"=") or self._pending[1:2] == b"=":
            raise MessageError(400, "the POST of the tunnel has padding in the wrong place")
        return b"".join(decoded)

    @staticmethod
    def _decode_to_end(
        text: bytes, begin: int, ending: re.Match[bytes], decoded: list[bytes]
    ) -> int:
        """Decode up to the end of a message; return where the next one begins."""
        if ending.end() % 4 or len(ending[0]) > 2:
            raise MessageError(400, "the POST of the tunnel has padding in the wrong place")
        decoded.append(binascii.a2b_base64(text[begin : ending.end()]))
        return ending.end()
