"""Values as JSON text, in one way for all answers. Pure."""

import json

__all__ = ["to_json"]


def to_json(value: object) -> bytes:
    """Write a value compactly, in UTF-8. What no UTF-8 can say, as from a player's name, is ``?``.

    Numbers must be finite: see ``views``.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")
