"""Whether a request is offered the back channel: who asks for it, and whether the camera can talk.

Asking is a ``Require`` header (ONVIF Streaming Specification, section 5.3.1), ``?backchannel=1`` on
the URL (go2rtc), or SETUP of its track. What is then said is in ``backchannel``.
"""

import logging
from collections.abc import Iterable
from typing import Final

from neolink.errors import NeolinkError, Unsupported
from neolink.log import bind_stream
from neolink.rtsp.errors import RtspError
from neolink.rtsp.url import Target
from neolink.rtsp_server.mounts.mount import Mount
from neolink.rtsp_server.mounts.parcel import BACKCHANNEL

__all__ = ["BACK_CHANNEL_OPTION", "offers_back_channel"]

_LOG = logging.getLogger(__name__)

BACK_CHANNEL_OPTION: Final = "www.onvif.org/ver20/backchannel"
RETRY_AFTER_S: Final = 3


async def offers_back_channel(mount: Mount, required: Iterable[str], target: Target) -> bool:
    """Tell whether a request asks for the back channel of a camera that can talk.

    ``required`` are the options that it insists on. Raises RtspError where it insists in vain: 551
    for a camera without a loudspeaker or with ``talk = false``, 503 when it cannot be asked now.
    """
    is_required = any(tag.lower() == BACK_CHANNEL_OPTION for tag in required)
    is_wished = target.query.get("backchannel", "0").lower() in {"1", "true"}
    if not (is_required or is_wished or target.track == BACKCHANNEL):
        return False
    try:
        if mount.intercom is None:
            raise Unsupported("no camera is behind it")
        if not mount.settings.has_talk:
            raise Unsupported("talking is switched off (talk = false)")
        await mount.intercom.speaker.learn()
    except NeolinkError as error:
        _tell_once(mount, f"the back channel is left out: {error}")
        if is_required:
            raise _refusal(error) from None
        return False
    return True


def _tell_once(mount: Mount, text: str) -> None:
    if mount.intercom is not None and mount.intercom.lack_told != text:
        mount.intercom.lack_told = text
        bind_stream(_LOG, mount.name).info("%s", text)


def _refusal(error: NeolinkError) -> RtspError:
    if isinstance(error, Unsupported):
        return RtspError(551, str(error), headers=[("Unsupported", BACK_CHANNEL_OPTION)])
    return RtspError(503, str(error), headers=[("Retry-After", str(RETRY_AFTER_S))])
