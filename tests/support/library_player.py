"""A player of its own process around a library: PyAV or OpenCV. Run by ``support.players``.

    python library_player.py av|cv2 URL TRANSPORT SECONDS FD

TRANSPORT is FFmpeg's word, or ``auto`` for none.

The pictures' counters, their times and the sound go as one JSON line to the descriptor FD; before
that a blank goes there with the first picture. What the library complains about is on stderr.
"""

import base64
import json
import os
import sys
import time

import numpy as np

from neolink.simulator.counter import read_counter

_FIRST_PACKET_TIMEOUT_S = 10.0
UDP_US = "2000000"
"""How long FFmpeg waits for a datagram, where it may choose; by itself it would wait for ever."""


LATE_S = 5.0
"""How long pictures are waited for that should have come."""


class Report:
    """What is told of a playback."""

    def __init__(self, descriptor: int, seconds: float) -> None:
        self.counters: list[int | None] = []
        self.video_pts: list[float] = []
        self.sound: list[tuple[float, int]] = []
        self.audio = bytearray()
        self.rate: int | None = None
        self.first_picture_s: float | None = None
        self._descriptor = descriptor
        self._seconds = seconds
        self._started_s = time.monotonic()
        self._end_s: float | None = None

    @property
    def is_over(self) -> bool:
        """Whether enough was played: so many seconds, with pictures of as many.

        What came while the player stood still, which may be shortly before the end, is shown too.
        """
        late_s = -1.0 if self._end_s is None else time.monotonic() - self._end_s
        shown_s = self.video_pts[-1] - self.video_pts[1] if len(self.video_pts) > 1 else 0.0
        return late_s > 0 and (shown_s > 0.95 * self._seconds or late_s > LATE_S)

    def note_picture(self, counter: int | None, pts: float) -> None:
        """Take note of a picture that was decoded."""
        if self._end_s is None:
            now_s = time.monotonic()
            self.first_picture_s = now_s - self._started_s
            self._end_s = now_s + self._seconds
            os.write(self._descriptor, b" ")
        self.counters.append(counter)
        self.video_pts.append(pts)

    def send(self) -> None:
        """Hand everything over."""
        fields = {
            "counters": self.counters,
            "video_pts": self.video_pts,
            "sound": self.sound,
            "audio": base64.b64encode(self.audio).decode(),
            "rate": self.rate,
            "first_picture_s": self.first_picture_s,
        }
        with os.fdopen(self._descriptor, "wb") as pipe:
            pipe.write(json.dumps(fields).encode())


def play_av(url: str, transport: str, report: Report) -> None:
    """Play with PyAV, picture and sound."""
    import av
    from av.audio.frame import AudioFrame
    from av.video.frame import VideoFrame

    av.logging.set_level(av.logging.WARNING)
    av.logging.restore_default_callback()
    named = {"rtsp_transport": transport}
    options = {"timeout": UDP_US} if transport == "auto" else named
    with av.open(url, options=options, timeout=_FIRST_PACKET_TIMEOUT_S) as container:
        resampler = av.AudioResampler(format="s16", layout="mono")
        streams = [*container.streams.video, *container.streams.audio]
        for packet in container.demux(streams):
            for frame in packet.decode():
                if isinstance(frame, VideoFrame):
                    luma = frame.to_ndarray(format="gray").astype(np.uint8, copy=False)
                    report.note_picture(read_counter(luma), float(frame.time or 0.0))
                elif isinstance(frame, AudioFrame):
                    report.rate = frame.sample_rate
                    report.sound.append((float(frame.time or 0.0), frame.samples))
                    for plain in resampler.resample(frame):
                        report.audio += plain.to_ndarray().tobytes()
            if report.is_over:
                return


def play_cv2(url: str, transport: str, report: Report) -> None:
    """Play with OpenCV, which has no sound."""
    # OpenCV asks for TCP where no option is given at all.
    named = f"timeout;{UDP_US}" if transport == "auto" else f"rtsp_transport;{transport}"
    os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = named
    os.environ["OPENCV_FFMPEG_DEBUG"] = "1"
    os.environ["OPENCV_FFMPEG_LOGLEVEL"] = "24"  # AV_LOG_WARNING
    import cv2

    capture = cv2.VideoCapture(url, cv2.CAP_FFMPEG)
    while not report.is_over:
        has_picture, picture = capture.read()
        if not has_picture:
            break
        luma = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
        report.note_picture(read_counter(luma), capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
    capture.release()


def main() -> None:
    """Play as the command line says."""
    library, url, transport, seconds, descriptor = sys.argv[1:]
    report = Report(int(descriptor), float(seconds))
    {"av": play_av, "cv2": play_cv2}[library](url, transport, report)
    report.send()


if __name__ == "__main__":
    main()
