"""neolink: a bridge from Reolink "Baichuan" IP cameras to RTSP players and NVRs.

The folders are the path of a picture:

``baichuan`` (bytes of the camera) → ``camera`` (its sockets and life) → ``media`` (access units) →
``hub`` (one writer, many readers) → ``rtp`` → ``rtsp`` → ``rtsp_server`` (players).
"""

__all__ = ["__version__"]


def __getattr__(name: str) -> str:
    """Look the version up when it is asked for: that costs more than the whole of ``--help``."""
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415 - see above

        found = version("neolink")
        globals()[name] = found  # the next time it needs no file: there may be no descriptor left
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
