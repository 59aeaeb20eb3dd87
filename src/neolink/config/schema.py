"""Which keys exist: the models of the file seen as plain tables of names. No values, no file."""

import types
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import AliasChoices, BaseModel
from pydantic.fields import FieldInfo

from neolink.config.model import Config
from neolink.config.positions import KeyPath

__all__ = ["Key", "all_keys", "key_at", "keys_of", "root"]


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a table: its spellings, the usual one first, and what it accepts in words."""

    spellings: tuple[str, ...]
    allowed: str
    table: type[BaseModel] | None
    """Model of the table (or of each table of the array) that the key holds."""


@cache
def keys_of(table: type[BaseModel]) -> dict[str, Key]:
    """Keys of a table by every spelling."""
    return {
        spelling: key
        for key in (_key(name, field) for name, field in table.model_fields.items())
        for spelling in key.spellings
    }


def root() -> type[BaseModel]:
    """Model of the whole file."""
    return Config


def key_at(path: KeyPath) -> Key | None:
    """Find the key at a path; ``None`` when the path leaves the known keys."""
    table: type[BaseModel] | None = root()
    key: Key | None = None
    for name in path:
        if isinstance(name, int):
            continue
        key = keys_of(table).get(name) if table else None
        table = key.table if key else None
    return key


def all_keys(table: type[BaseModel] | None = None, prefix: str = "") -> Iterator[tuple[str, Key]]:
    """Every known key with its dotted name (``cameras.mqtt.enable_motion``), outermost first."""
    inner: list[tuple[str, Key]] = []
    for spelling, key in keys_of(table or root()).items():
        if spelling != key.spellings[0]:
            continue
        yield prefix + spelling, key
        if key.table:
            inner.append((f"{prefix}{spelling}.", key))
    for deeper, key in inner:
        yield from all_keys(key.table, deeper)


def _key(name: str, field: FieldInfo) -> Key:
    alias = field.validation_alias
    spellings = [str(choice) for choice in alias.choices] if isinstance(alias, AliasChoices) else []
    if isinstance(alias, str):
        spellings = [alias]
    types_inside = list(_types(field.annotation))
    notes = [*field.metadata, *types_inside]
    allowed = next((str(note.text) for note in notes if hasattr(note, "text")), "")
    table = next(
        (note for note in types_inside if isinstance(note, type) and issubclass(note, BaseModel)),
        None,
    )
    names = tuple(spellings or [name])
    if table:
        allowed = f"[[{names[0]}]] tables" if "tuple" in str(field.annotation) else "a table"
    return Key(names, allowed or "a list of text", table)


def _types(annotation: Any) -> Iterator[Any]:  # Any: annotations have no common type
    """Walk an annotation: its parts and the notes of every ``Annotated`` in it."""
    yield annotation
    origin = get_origin(annotation)
    if origin is Annotated or origin in {Union, types.UnionType, tuple}:
        for part in get_args(annotation):
            yield from _types(part)
    if hasattr(annotation, "metadata"):
        yield from annotation.metadata
