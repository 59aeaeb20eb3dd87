"""Forms of earlier programs that are read as what they mean today. Values are moved, not judged."""

from neolink.config.diagnostics import Diagnostic, Severity
from neolink.config.positions import KeyPath

__all__ = ["migrate"]

BROKER_KEYS = ("broker_addr", "server", "port", "credentials", "ca", "client_auth")


def migrate(document: dict[str, object], lines: dict[KeyPath, int]) -> list[Diagnostic]:
    """Rewrite ``document`` in place where it uses an old form; ``lines`` follows what moves."""
    return [*_flatten_mqtt(document, lines), *_lift_camera_broker(document, lines)]


def _flatten_mqtt(document: dict[str, object], lines: dict[KeyPath, int]) -> list[Diagnostic]:
    """Read ``mqtt.server = ...`` written inside ``[mqtt]``, as the old sample file had it."""
    table = document.get("mqtt")
    inner = table.get("mqtt") if isinstance(table, dict) else None
    if not isinstance(table, dict) or not isinstance(inner, dict):
        return []
    del table["mqtt"]
    for key, value in inner.items():
        table.setdefault(key, value)
        _move(lines, ("mqtt", "mqtt", key), ("mqtt", key))
    text = "inside [mqtt] the keys have no `mqtt.` before them; read as if it were not there"
    return [Diagnostic(Severity.WARNING, ("mqtt", "mqtt"), text)]


def _lift_camera_broker(document: dict[str, object], lines: dict[KeyPath, int]) -> list[Diagnostic]:
    """Take the broker from ``[cameras.mqtt]``, where it once was, if ``[mqtt]`` is absent."""
    cameras = document.get("cameras")
    diagnostics: list[Diagnostic] = []
    for index, camera in enumerate(cameras if isinstance(cameras, list) else []):
        table = camera.get("mqtt") if isinstance(camera, dict) else None
        if not isinstance(table, dict) or not ({"server", "broker_addr"} & table.keys()):
            continue
        path: KeyPath = ("cameras", index, "mqtt")
        moved = {key: table.pop(key) for key in BROKER_KEYS if key in table}
        if "mqtt" in document:
            text = "the broker belongs in [mqtt], which this file has; these keys are ignored"
        else:
            document["mqtt"] = moved
            _move(lines, path, ("mqtt",))
            for key in moved:
                _move(lines, (*path, key), ("mqtt", key))
            text = "the broker belongs in [mqtt]; taken from here because that is missing"
        diagnostics.append(Diagnostic(Severity.WARNING, path, text))
    return diagnostics


def _move(lines: dict[KeyPath, int], old: KeyPath, new: KeyPath) -> None:
    for path, line in list(lines.items()):
        if path[: len(old)] == old:
            lines.setdefault((*new, *path[len(old) :]), line)
