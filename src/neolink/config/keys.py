"""Keys of a file against the keys that exist: unknown, doubled, outdated, or without effect yet.

Values are not looked at.
"""

from collections.abc import Iterator
from difflib import get_close_matches

from pydantic import BaseModel

from neolink.config.diagnostics import Diagnostic, Severity
from neolink.config.positions import KeyPath
from neolink.config.schema import all_keys, keys_of, root

__all__ = ["check_keys"]

OUTDATED = {
    "cameras.timeout": "no longer used, remove it",
    "cameras.format": "no longer used: the camera tells its format, remove it",
    "mediamtx_api_url": "not used: there is no external media server",
    "mediamtx_rtsp_url": "not used: there is no external media server",
    "ffmpeg_path": "not used: no ffmpeg is needed",
}

NOT_YET = {
    *("mqtt", "cameras.mqtt"),
    *("stream_cache_path", "offline_timeout_secs", "startup_keyframe_wait_secs"),
    *(
        f"cameras.{name}"
        for name in (
            "discovery",
            "max_discovery_retries",
            "print_format",
            "push_notifications",
            "transcode_to",
            "transcode_device",
            "keepalive_interval",
            "motion_permit_duration",
            "prebuffer_duration",
            "adaptive_grace_period",
            "prewarm_on_motion",
            "connect_mode",
            "relay_warm_seconds",
            "idle_timeout_secs",
            "offline_timeout_secs",
            "startup_keyframe_wait_secs",
            "relay_server_region",
            "udp_gap_skip_ms",
        )
    ),
}
"""Keys that are checked but change nothing in this version."""


def check_keys(document: dict[str, object]) -> list[Diagnostic]:
    """Compare all keys of a parsed file with the known ones."""
    return list(_check_table(document, root(), (), ""))


def _check_table(
    table: dict[str, object], model: type[BaseModel], path: KeyPath, name: str
) -> Iterator[Diagnostic]:
    known = keys_of(model)
    yield from _doubled(table, model, path)
    for spelling, value in table.items():
        here: KeyPath = (*path, spelling)
        key = known.get(spelling)
        if key is None:
            yield _unknown(here, name + spelling, model)
            continue
        full_name = name + key.spellings[0]
        if full_name in NOT_YET:
            text = "accepted, but without effect in this version"
            yield Diagnostic(Severity.NOTICE, here, text)
        if key.table is None:
            continue
        tables = enumerate(value) if isinstance(value, list) else [(None, value)]
        for index, inner in tables:
            if isinstance(inner, dict):
                inner_path = here if index is None else (*here, index)
                yield from _check_table(inner, key.table, inner_path, f"{full_name}.")


def _doubled(
    table: dict[str, object], model: type[BaseModel], path: KeyPath
) -> Iterator[Diagnostic]:
    for key in dict.fromkeys(keys_of(model).values()):
        written = [spelling for spelling in key.spellings if spelling in table]
        if len(written) > 1:
            words = " and ".join(f"`{spelling}`" for spelling in written)
            text = f"{words} mean the same; keep one of them"
            yield Diagnostic(Severity.ERROR, (*path, written[1]), text)


def _unknown(path: KeyPath, full_name: str, model: type[BaseModel]) -> Diagnostic:
    if full_name in OUTDATED:
        return Diagnostic(Severity.NOTICE, path, OUTDATED[full_name])
    nearest = _nearest(full_name, model)
    hint = f"; did you mean `{nearest}`?" if nearest else ""
    return Diagnostic(Severity.WARNING, path, f"unknown key, ignored{hint}")


def _nearest(full_name: str, model: type[BaseModel]) -> str | None:
    """Find a known key: misspelt here, misplaced from elsewhere, or both."""
    prefix, _, last = full_name.rpartition(".")
    here = get_close_matches(last.lower(), list(keys_of(model)), n=1, cutoff=0.75)
    if here:
        return f"{prefix}.{here[0]}" if prefix else here[0]
    elsewhere = {
        spelling: ".".join(filter(None, [name.rpartition(".")[0], spelling]))
        for name, key in reversed(list(all_keys()))
        for spelling in key.spellings
    }
    close = get_close_matches(last.lower(), list(elsewhere), n=1, cutoff=0.75)
    return elsewhere[close[0]] if close else None
