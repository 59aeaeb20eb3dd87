"""The C programs of the suite: compiled with the system's compiler, kept in the user's cache."""

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

__all__ = ["MissingTool", "allocation_counter", "floor", "gst_server", "players"]

FOLDER = Path(__file__).parent
COMPILE_TIMEOUT_S = 60
PEER_PACKAGES = ("gstreamer-rtsp-server-1.0", "gstreamer-app-1.0")


class MissingTool(Exception):
    """A compiler or a library of a peer is not installed; the message says what installs it."""


def players(*, has_tls: bool = False) -> Path:
    """Return the load generator. Raises MissingTool where it cannot be made."""
    return _compiled(FOLDER / "native" / "players.c", _tls_options() if has_tls else None)


def floor(*, has_tls: bool = False) -> Path:
    """Return the program that only sends. Raises MissingTool where it cannot be made."""
    return _compiled(FOLDER / "native" / "floor.c", _tls_options() if has_tls else None)


def allocation_counter() -> Path:
    """Return the library that counts what Python allocates."""
    include = sysconfig.get_paths()["include"]
    if not (Path(include) / "Python.h").exists():
        raise MissingTool("the headers of Python are not installed (apt: python3-dev)")
    return _compiled(FOLDER / "native" / "allocations.c", ["-shared", "-fPIC", f"-I{include}"])


def gst_server() -> Path:
    """Return the peer of GStreamer. Raises MissingTool where its library is not installed."""
    return _compiled(
        FOLDER / "peers" / "gst_server.c", _options_of("gst-rtsp-server", *PEER_PACKAGES)
    )


def _tls_options() -> list[str]:
    return ["-DWITH_TLS", *_options_of("the headers of OpenSSL", "openssl")]


def _options_of(what: str, *packages: str) -> list[str]:
    """Return how to compile with libraries. Raises MissingTool where they are not installed."""
    hint = f"{what}: not installed, see scripts/install-bench-peers"
    if shutil.which("pkg-config") is None:
        raise MissingTool(hint)
    command = ["pkg-config", "--cflags", "--libs", *packages]
    found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    if found.returncode:
        raise MissingTool(hint)
    return found.stdout.split()


def _compiled(source: Path, options: list[str] | None = None) -> Path:
    """Compile unless this very source was compiled before."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise MissingTool("no C compiler is installed (apt: gcc)")
    named = repr((source.read_text(), options, compiler, sys.version))
    digest = hashlib.sha256(named.encode()).hexdigest()[:16]
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    path = root / "neolink" / "bench" / f"{source.stem}-{digest}"
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(f".{os.getpid()}")
    command = [compiler, "-O2", "-o", str(new), str(source), *(options or [])]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=COMPILE_TIMEOUT_S
    )
    if done.returncode:
        raise MissingTool(f"{source.name} does not compile: {done.stderr[-500:]}")
    new.replace(path)
    return path
