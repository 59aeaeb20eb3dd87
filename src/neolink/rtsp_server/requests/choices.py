"""What a player may choose of its stream by the URL, or by a header, and what it gets else."""

import re
from typing import Final

from neolink.rtp.formats import AudioChoice
from neolink.rtp.payload import HEADER_LENGTH
from neolink.rtsp.headers import Protocol, Transport, parse_blocksize
from neolink.rtsp.message import Request
from neolink.rtsp.url import Target
from neolink.rtsp_server.mounts.mount import Mount
from neolink.rtsp_server.mounts.numbers import LARGEST_PACKET, SMALLEST_PACKET
from neolink.rtsp_server.settings import StartMode

__all__ = ["audio_choice", "packet_size", "start_mode", "wants_metadata"]

_CHOICES: Final = frozenset(choice.value for choice in AudioChoice)
_CHOICES_TEXT: Final = ", ".join(choice.value for choice in AudioChoice)
_SWITCH: Final = {"0": False, "1": True, "false": False, "true": True}
_BYTES: Final = re.compile(r"[0-9]{1,6}")
_STARTS: Final = frozenset(mode.value for mode in StartMode)
_STARTS_TEXT: Final = ", ".join(mode.value for mode in StartMode)


def audio_choice(mount: Mount, target: Target) -> AudioChoice:
    """Return how sound is to be sent: ``?audio=``."""
    text = target.query.get("audio", mount.settings.audio.value).lower()
    if text in _CHOICES:
        return mount.offered(AudioChoice(text))
    mount.tell_unknown("audio", text, f"{mount.settings.audio} is taken; allowed: {_CHOICES_TEXT}")
    return mount.offered(mount.settings.audio)


def wants_metadata(mount: Mount, target: Target) -> bool:
    """Whether the track of the camera's events is wanted: ``?metadata=``."""
    has_metadata = mount.settings.has_metadata
    text = target.query.get("metadata", "1" if has_metadata else "0").lower()
    if text in _SWITCH:
        return _SWITCH[text]
    mount.tell_unknown("metadata", text, "the camera's setting is taken; allowed: 0, 1")
    return has_metadata


def packet_size(mount: Mount, target: Target, request: Request, wanted: Transport) -> int | None:
    """Return the largest packet that is asked for: over TCP by the URL, over UDP by Blocksize.

    None where that is the usual one. Over UDP it is never larger than that.
    """
    usual = mount.settings.packet_bytes
    if wanted.protocol is Protocol.TCP:
        text = target.query.get("pkt_size", str(usual))
        if _BYTES.fullmatch(text) and SMALLEST_PACKET <= int(text) <= LARGEST_PACKET:
            return int(text)
        allowed = f"allowed: {SMALLEST_PACKET} to {LARGEST_PACKET}"
        mount.tell_unknown("pkt_size", text, f"packets have up to {usual} bytes; {allowed}")
        return None
    if wanted.is_multicast:
        return None  # all of a group share
    blocksize = parse_blocksize(request.headers.get("Blocksize"))
    return min(blocksize + HEADER_LENGTH, usual) if blocksize else None


def start_mode(mount: Mount, target: Target) -> StartMode:
    """Return what comes first: ``?start=``."""
    text = target.query.get("start", mount.settings.start.value).lower()
    if text in _STARTS:
        return StartMode(text)
    mount.tell_unknown("start", text, f"{mount.settings.start} is taken; allowed: {_STARTS_TEXT}")
    return mount.settings.start
