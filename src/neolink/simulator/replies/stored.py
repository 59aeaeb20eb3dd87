"""Settings that are read, changed and read again: a getter and a setter over the same bodies.

What a setter leaves out stays as it is. Which settings there are is in the modules of their topics.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

from neolink.baichuan.ids import Status
from neolink.baichuan.xml import BodyPart
from neolink.simulator.replies.query import Answer, DeviceSettings, Handler, Query

__all__ = ["Setting", "current", "handlers", "store"]


@dataclass(frozen=True, slots=True)
class Setting:
    """Bodies that belong together. ``getters[0]`` is also their name in the store."""

    getters: tuple[int, ...]
    setter: int
    defaults: Callable[[int, DeviceSettings], tuple[BodyPart, ...]]
    """Makes the factory settings of a channel."""


def handlers(*settings: Setting) -> dict[int, Handler]:
    """Return what answers the messages of these settings."""
    table: dict[int, Handler] = {}
    for one in settings:
        table |= dict.fromkeys(one.getters, _getter(one))
        table[one.setter] = _setter(one)
    return table


def current(setting: Setting, channel: int, settings: DeviceSettings) -> tuple[BodyPart, ...]:
    """Return the bodies as they are now."""
    stored = settings.stored.get((setting.getters[0], channel))
    return setting.defaults(channel, settings) if stored is None else stored


def store(
    setting: Setting, channel: int, settings: DeviceSettings, parts: tuple[BodyPart, ...]
) -> None:
    """Keep the bodies."""
    settings.stored[setting.getters[0], channel] = parts


def _getter(setting: Setting) -> Handler:
    return lambda query, settings: Answer(current(setting, query.channel, settings))


def _setter(setting: Setting) -> Handler:
    def set_parts(query: Query, settings: DeviceSettings) -> Answer:
        old = current(setting, query.channel, settings)
        given = [query.body.get(type(part)) if query.body else None for part in old]
        if not any(given):
            return Answer(status=Status.BAD_REQUEST)
        merged = tuple(
            part if new is None else _merge(part, new) for part, new in zip(old, given, strict=True)
        )
        store(setting, query.channel, settings, merged)
        return Answer()

    return set_parts


def _merge(old: BodyPart, new: BodyPart) -> BodyPart:
    """Take over what ``new`` says."""
    said = {one.name: getattr(new, one.name) for one in fields(new)}
    changes = {name: value for name, value in said.items() if value is not None and value != ()}
    return replace(old, **changes)
