"""Latency from two lists: when each picture was sent, and when each player had all of it. Pure.

A picture is known again by its last 8 bytes, which no server changes; the stream needs no mark.
"""

import struct
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["TAIL", "Arrival", "latencies_ms", "parse_arrivals", "parse_sent", "tails_of"]

TAIL = 8
SLACK_NS = 1_000_000
"""An arrival may be stamped so much before the sending: two clocks of one kernel, read apart."""

_ARRIVAL = struct.Struct("=IIQ8s")
_SENT = struct.Struct("=QQ")


@dataclass(frozen=True, slots=True)
class Arrival:
    """A player had all of a picture at ``ns`` since 1970."""

    player: int
    ns: int
    tail: bytes


def parse_arrivals(data: bytes) -> list[Arrival]:
    """Read what players.c leaves."""
    return [Arrival(player, ns, tail) for player, _, ns, tail in _ARRIVAL.iter_unpack(data)]


def parse_sent(data: bytes) -> list[tuple[int, int]]:
    """Read what floor.c and gst_server.c leave: index and time; a cut record is left out."""
    return list(_SENT.iter_unpack(data[: len(data) // _SENT.size * _SENT.size]))


def tails_of(pictures: Sequence[bytes]) -> dict[bytes, int]:
    """Return the index of each picture by its last bytes. Raises ValueError where two are alike."""
    tails = {picture[-TAIL:]: index for index, picture in enumerate(pictures)}
    if len(tails) != len(pictures):
        raise ValueError("pictures with the same last bytes cannot be told apart")
    return tails


def latencies_ms(
    sent: Iterable[tuple[int, int]], arrivals: Iterable[Arrival], tails: dict[bytes, int]
) -> list[tuple[int, float]]:
    """Return when each arrival was (ns) and how long it took (ms).

    A picture comes again with each loop: the newest sending before the arrival counts. Arrivals
    of pictures that were not sent meanwhile (a replay from before) are left out.
    """
    times: dict[int, list[int]] = {}
    for index, ns in sent:
        times.setdefault(index, []).append(ns)
    found = []
    for arrival in arrivals:
        sendings = times.get(tails.get(arrival.tail, -1), [])
        position = bisect_right(sendings, arrival.ns + SLACK_NS)
        if position:
            found.append((arrival.ns, (arrival.ns - sendings[position - 1]) / 1e6))
    return found
