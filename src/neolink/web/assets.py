"""The page's own files, held in memory: only what was there at the start can be asked for."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

__all__ = ["Asset", "load_asset", "load_assets"]

_HERE: Final = Path(__file__).parent

TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
}
"""Files of other types are not served."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is answered."""

    body: bytes
    content_type: str
    etag: str


def load_assets(folder: Path = _HERE / "static") -> Mapping[str, Asset]:
    """Read all files of a folder, by their path in it with ``/``; nothing if there is no folder."""
    files = [path for path in sorted(folder.rglob("*")) if path.suffix in TYPES and path.is_file()]
    return MappingProxyType(
        {path.relative_to(folder).as_posix(): load_asset(path) for path in files}
    )


def load_asset(path: Path = _HERE / "openapi.json") -> Asset:
    """Read one file; without a name the description of the API."""
    body = path.read_bytes()
    return Asset(body, TYPES[path.suffix], hashlib.sha256(body).hexdigest()[:32])
