"""Answers about moving and focusing (protocol reference, section 3.9).

Nothing moves in the picture; positions and presets are remembered.
"""

from collections.abc import Mapping
from dataclasses import replace

from neolink.baichuan.ids import MessageId, Status
from neolink.baichuan.xml import BodyPart
from neolink.baichuan.xml.ptz import (
    LensRange,
    Preset,
    PresetList,
    PtzControl,
    PtzPreset,
    PtzZoomFocus,
    StartZoomFocus,
)
from neolink.simulator.replies.query import Answer, DeviceSettings, Handler, Query
from neolink.simulator.replies.stored import Setting, current, handlers, store

__all__ = ["REPLIES"]

_MOVES = frozenset(
    {"left", "right", "up", "down", "leftUp", "leftDown", "rightUp", "rightDown", "auto", "stop"}
)


def _lens(channel: int, _: DeviceSettings) -> tuple[BodyPart, ...]:
    return (PtzZoomFocus(channel, LensRange(4000, 1000, 1000), LensRange(248, 0, 100)),)


def _presets(channel: int, _: DeviceSettings) -> tuple[BodyPart, ...]:
    # a client's schema demands a command, although cameras leave it out
    return (PtzPreset(channel, PresetList((Preset(0, "Gate", "setPos"),))),)


_LENS = Setting((MessageId.ZOOM_FOCUS_GET,), MessageId.ZOOM_FOCUS_START, _lens)
_PRESETS = Setting((MessageId.PTZ_PRESET_GET,), MessageId.PTZ_PRESET_SET, _presets)


def _move(query: Query, _: DeviceSettings) -> Answer:
    wanted = query.body.get(PtzControl) if query.body else None
    is_known = wanted is not None and wanted.command in _MOVES
    return Answer(status=Status.OK if is_known else Status.BAD_REQUEST)


def _zoom(query: Query, settings: DeviceSettings) -> Answer:
    wanted = query.body.get(StartZoomFocus) if query.body else None
    (lens,) = current(_LENS, query.channel, settings)
    assert isinstance(lens, PtzZoomFocus)
    match wanted:
        case StartZoomFocus(command="zoomPos", move_pos=int(position)) if _reaches(
            lens.zoom, position
        ):
            lens = replace(lens, zoom=_at(lens.zoom, position))
        case StartZoomFocus(command="focusPos", move_pos=int(position)) if _reaches(
            lens.focus, position
        ):
            lens = replace(lens, focus=_at(lens.focus, position))
        case _:
            return Answer(status=Status.BAD_REQUEST)
    store(_LENS, query.channel, settings, (lens,))
    return Answer()


def _reaches(ring: LensRange | None, position: int) -> bool:
    return ring is not None and (ring.min_pos or 0) <= position <= (ring.max_pos or 0)


def _at(ring: LensRange | None, position: int) -> LensRange:
    return replace(ring or LensRange(), cur_pos=position)


def _preset(query: Query, settings: DeviceSettings) -> Answer:
    """Remember the presets that are set; go to those that are there."""
    wanted = query.body.get(PtzPreset) if query.body else None
    given = wanted.preset_list.presets if wanted and wanted.preset_list else ()
    (kept,) = current(_PRESETS, query.channel, settings)
    assert isinstance(kept, PtzPreset)
    presets = {one.id: one for one in (kept.preset_list.presets if kept.preset_list else ())}
    for one in given:
        if one.command == "setPos" and one.id is not None:
            presets[one.id] = one
        elif one.command != "toPos" or one.id not in presets:
            return Answer(status=Status.BAD_REQUEST)
    new = replace(kept, preset_list=PresetList(tuple(presets.values())))
    store(_PRESETS, query.channel, settings, (new,))
    return Answer(status=Status.OK if given else Status.BAD_REQUEST)


REPLIES: Mapping[int, Handler] = {
    **handlers(_LENS, _PRESETS),
    MessageId.PTZ_CONTROL: _move,
    MessageId.ZOOM_FOCUS_START: _zoom,
    MessageId.PTZ_PRESET_SET: _preset,
}
