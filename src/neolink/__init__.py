"""neolink: a bridge from Reolink "Baichuan" IP cameras to RTSP players and NVRs.

The folders are the path of a picture:

``baichuan`` (bytes of the camera) → ``camera`` (its sockets and life) → ``media`` (access units) →
``hub`` (one writer, many readers) → ``rtp`` → ``rtsp`` → ``rtsp_server`` (players).
"""

from importlib.metadata import version

__all__ = ["__version__"]

__version__ = version("neolink")
