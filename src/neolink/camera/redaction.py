"""What of a camera's XML may be shown to a person: everything but its secrets. Pure."""

import re

__all__ = ["shown_xml"]

_SECRET = re.compile(
    rb"<(password|nonce|token|key|uidKey|publicKey|userName|uid|clientID|ssid)(\s[^<>]*)?>"
    rb".*?(</\1\s*>|\Z)",  # one that does not end hides all that follows
    re.IGNORECASE | re.DOTALL,
)
MAX_SHOWN = 4096


def shown_xml(body: bytes) -> str:
    """Return a body as one line of text, secrets blanked out, cut at 4096 characters."""
    text = _SECRET.sub(rb"<\1>***</\1>", body).decode("utf-8", "replace")
    line = " ".join(text.split())
    return line if len(line) <= MAX_SHOWN else line[:MAX_SHOWN] + " ..."
