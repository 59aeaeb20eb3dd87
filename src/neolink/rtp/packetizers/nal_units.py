"""What the packetizers of H.264 and H.265 share: which NAL units travel alone, joined or cut.

Hot path: runs once for every access unit of every camera.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from neolink.media.units import AccessUnit
from neolink.rtp.payload import Fragments, Payload

__all__ = ["Aggregation", "NalScheme", "NalUnit", "in_band", "packetize_nal_units"]

NalUnit = memoryview | bytes


class Aggregation(StrEnum):
    """Which NAL units may share a packet. Some hardware recorders ignore joined slices."""

    PARAMETER_SETS = "params"
    """Parameter sets, and SEI."""

    OFF = "off"
    ALL = "all"
    """Slices too, where they are small."""


@dataclass(frozen=True, slots=True)
class NalScheme:
    """How one codec writes NAL units into payloads.

    ``header_length`` is that of the NAL unit header in bytes. ``join`` makes one aggregation
    packet of at least two units; ``cut`` fragments one unit that is larger than a payload.
    ``is_supplement`` tells parameter sets and SEI from slices.
    """

    header_length: int
    is_supplement: Callable[[NalUnit], bool]
    join: Callable[[list[NalUnit]], Payload]
    cut: Callable[[NalUnit, int], Fragments]


def in_band(unit: AccessUnit) -> tuple[NalUnit, ...]:
    """Return the unit's NAL units, led by the track's parameter sets at a random access point."""
    if unit.is_random_access:
        return (*unit.track.parameter_sets.nal_units, *unit.nal_units)
    return unit.nal_units


def packetize_nal_units(
    nal_units: Iterable[NalUnit], max_payload: int, scheme: NalScheme, aggregation: Aggregation
) -> list[Payload | Fragments]:
    """Return the payloads of one access unit in decoding order, none longer than ``max_payload``.

    NAL units shorter than their own header carry nothing and are left out.
    """
    payloads: list[Payload | Fragments] = []
    waiting: list[NalUnit] = []
    room = 0
    for nal in nal_units:
        length = len(nal)
        if length < scheme.header_length:
            continue
        if length <= max_payload and _may_be_joined(nal, scheme, aggregation):
            if length + 2 > room:
                _flush(waiting, scheme, payloads)
                room = max_payload - scheme.header_length
            waiting.append(nal)
            room -= length + 2
            continue
        if waiting:
            _flush(waiting, scheme, payloads)
            room = 0
        if length > max_payload:
            payloads.append(scheme.cut(nal, max_payload))
        else:
            payloads.append((b"", nal))
    if waiting:
        _flush(waiting, scheme, payloads)
    return payloads


def _may_be_joined(nal: NalUnit, scheme: NalScheme, aggregation: Aggregation) -> bool:
    if aggregation is Aggregation.PARAMETER_SETS:
        return scheme.is_supplement(nal)
    return aggregation is Aggregation.ALL


def _flush(waiting: list[NalUnit], scheme: NalScheme, payloads: list[Payload | Fragments]) -> None:
    if len(waiting) > 1:
        payloads.append(scheme.join(waiting))
    elif waiting:
        payloads.append((b"", waiting[0]))
    waiting.clear()
