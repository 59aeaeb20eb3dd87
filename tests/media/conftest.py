"""Captured pictures and sound, without the headers that cameras put before them."""

from pathlib import Path

import pytest

_VIDEO_HEADER = 24
_MESSAGE_HEADER = 24


@pytest.fixture(scope="session")
def captured_iframe(samples: Path) -> bytes:
    """Annex B bytes of an H.264 I frame, 2560x1440."""
    packet = b"".join((samples / f"bcmedia/iframe_{part}.raw").read_bytes() for part in range(5))
    return packet[_VIDEO_HEADER + 8 :][:192881]


@pytest.fixture(scope="session")
def captured_pframe(samples: Path) -> bytes:
    """Annex B bytes of the P frame behind ``captured_iframe``."""
    packet = b"".join((samples / f"bcmedia/pframe_{part}.raw").read_bytes() for part in range(2))
    return packet[_VIDEO_HEADER:][:45108]


@pytest.fixture(scope="session")
def captured_hevc_start(samples: Path) -> bytes:
    """Return the first 30312 Annex B bytes of an H.265 I frame, 3840x2160."""
    message = (samples / "bc/modern_video_start2.bin").read_bytes()
    return message[_MESSAGE_HEADER + _VIDEO_HEADER + 8 :]


@pytest.fixture(scope="session")
def captured_adpcm(samples: Path) -> list[bytes]:
    """Two consecutive ADPCM blocks."""
    packets = (samples / "bcmedia/adpcm_0.raw").read_bytes()
    return [packets[begin + 12 : begin + 256] for begin in (0, 256)]


@pytest.fixture(scope="session")
def captured_adts(samples: Path) -> list[bytes]:
    """Two consecutive AAC frames with their ADTS headers."""
    messages = (samples / "bcudp/udp_data.bin").read_bytes()[20:]
    begin = messages.index(b"05wb")
    second = messages.index(b"05wb", begin + 8 + 209)
    return [messages[begin + 8 :][:209], messages[second + 8 :][:227]]
