"""Reading requests: which channel they are about, and their XML. No state."""

import logging

from neolink.baichuan.server import Requested
from neolink.baichuan.xml import Body, parse_body
from neolink.errors import RemoteProtocolError

__all__ = ["body_of", "channel_of"]

_LOG = logging.getLogger(__name__)


def channel_of(request: Requested) -> int:
    """Return the channel that the Extension names; 0 without."""
    extension = request.extension
    if extension is None:
        return 0
    return extension.channel_id or extension.rf_id or 0


def body_of(request: Requested) -> Body | None:
    """Return the parsed body; None where there is none, or none that can be read."""
    if not request.body:
        return None
    try:
        return parse_body(request.body)
    except RemoteProtocolError as error:
        _LOG.debug("message %d: %s", request.message_id, error)
        return None
