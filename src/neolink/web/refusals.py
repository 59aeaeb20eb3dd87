"""What HTTP callers are refused by a limit. A reason that is counted here is one in the metrics."""

from enum import StrEnum

__all__ = ["HttpRefusal"]


class HttpRefusal(StrEnum):
    """Why somebody was turned away."""

    BAD_REQUEST = "http_bad_request"
    """What came is no HTTP."""
    MAX_CONNECTIONS = "http_max_connections"
    MAX_CONNECTIONS_PER_IP = "http_max_connections_per_ip"
    MAX_VIEWERS = "http_max_viewers"
    TOO_MUCH_SENT = "http_too_much_sent"
    """More than any request needs."""
