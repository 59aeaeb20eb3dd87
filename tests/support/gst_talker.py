"""GStreamer's ``rtspsrc`` as a player that talks: a program of its own, started by the tests.

``python gst_talker.py URL PROTOCOL ENCODING SECONDS FD`` plays the pictures of a URL and sends a
tone of 1 kHz to its back channel. There is no command line for that, only a signal of the element;
the library is called by ctypes, because its Python bindings are not installed everywhere. How many
pictures came, how many packets went, how late one was at most, and what was complained about goes
to FD, as JSON.
"""

import ctypes
import json
import os
import sys
import time
from ctypes import CFUNCTYPE, POINTER, byref, c_char_p, c_int, c_uint, c_uint64, c_void_p
from typing import Final

_gst = ctypes.CDLL("libgstreamer-1.0.so.0")
_gobject = ctypes.CDLL("libgobject-2.0.so.0")

_PAYLOADERS: Final = {
    "PCMU": "audio/x-raw,rate=8000,channels=1 ! mulawenc ! rtppcmupay pt=0",
    "PCMA": "audio/x-raw,rate=8000,channels=1 ! alawenc ! rtppcmapay pt=8",
    "L16": "audio/x-raw,format=S16BE,rate=16000,channels=1 ! rtpL16pay pt=99",
}
PACKET_S: Final = 0.02
_PLAYING: Final = 4
_NULL: Final = 1
_ERROR_OR_END: Final = 1 << 1 | 1 << 0
_SELECT = CFUNCTYPE(c_int, c_void_p, c_uint, c_void_p, c_void_p)
_COUNT = CFUNCTYPE(None, c_void_p, c_void_p, c_void_p, c_void_p)


def _function(
    library: ctypes.CDLL, name: str, result: object, *arguments: object
) -> "ctypes._NamedFuncPointer":
    function = getattr(library, name)
    function.restype, function.argtypes = result, arguments
    return function  # type: ignore[no-any-return]  # what a library has is known at run time


_launch = _function(_gst, "gst_parse_launch", c_void_p, c_char_p, POINTER(c_void_p))
_by_name = _function(_gst, "gst_bin_get_by_name", c_void_p, c_void_p, c_char_p)
_set_state = _function(_gst, "gst_element_set_state", c_int, c_void_p, c_int)
_bus_of = _function(_gst, "gst_element_get_bus", c_void_p, c_void_p)
_pop = _function(_gst, "gst_bus_timed_pop_filtered", c_void_p, c_void_p, c_uint64, c_int)
_structure_of = _function(_gst, "gst_message_get_structure", c_void_p, c_void_p)
_structure_text = _function(_gst, "gst_structure_to_string", c_char_p, c_void_p)
_caps_text = _function(_gst, "gst_caps_to_string", c_char_p, c_void_p)
_unref = _function(_gst, "gst_mini_object_unref", None, c_void_p)
_connect = _function(
    _gobject,
    "g_signal_connect_data",
    c_uint64,
    c_void_p,
    c_char_p,
    c_void_p,
    *[c_void_p] * 2,
    c_int,
)
_emit = _gobject.g_signal_emit_by_name  # takes as many arguments as the signal has


def main(url: str, protocol: str, encoding: str, seconds: float) -> dict[str, object]:
    """Play and talk; return what is printed."""
    _gst.gst_init(None, None)
    pipeline = _launch(
        (
            f"rtspsrc name=source location={url} protocols={protocol} backchannel=onvif"
            " ! fakesink name=pictures signal-handoffs=true sync=false async=false"
            f" audiotestsrc is-live=true freq=1000 volume=0.25 ! {_PAYLOADERS[encoding]}"
            " min-ptime=20000000 max-ptime=20000000"
            " ! appsink name=microphone sync=true max-buffers=50"
        ).encode(),
        None,
    )
    source, microphone, screen = (
        _by_name(pipeline, name) for name in (b"source", b"microphone", b"pictures")
    )
    found: list[int] = []
    pictures = 0

    def select(_source: int, number: int, caps: int, _data: int) -> int:
        text = _caps_text(caps).decode()
        if "a-sendonly" in text:
            found.append(number)
        return "a-sendonly" in text or "media=(string)video" in text

    def count(_sink: int, _buffer: int, _pad: int, _data: int) -> None:
        nonlocal pictures
        pictures += 1

    callbacks = _SELECT(select), _COUNT(count)  # kept as long as they may be called
    for element, signal, callback in zip(
        (source, screen), (b"select-stream", b"handoff"), callbacks, strict=True
    ):
        _connect(element, signal, ctypes.cast(callback, c_void_p), None, None, 0)
    bus = _bus_of(pipeline)
    _set_state(pipeline, _PLAYING)
    deadline_s = time.monotonic() + 15.0
    while not pictures and time.monotonic() < deadline_s:
        time.sleep(0.01)
    sent, late_s = 0, 0.0
    last_s = begin_s = time.monotonic()
    while found and time.monotonic() - begin_s < seconds:
        sample, flow = c_void_p(), c_int()
        _emit(c_void_p(microphone), b"try-pull-sample", c_uint64(500_000_000), byref(sample))
        if sample.value:
            _emit(
                c_void_p(source), b"push-backchannel-sample", c_uint(found[0]), sample, byref(flow)
            )
            sent += flow.value == 0  # 1.22 takes the sample over, others may leak it: never mind
            now_s = time.monotonic()
            late_s = max(late_s, now_s - last_s - PACKET_S if sent > 1 else 0.0)
            last_s = now_s
    errors: list[str] = []
    while message := _pop(bus, 0, _ERROR_OR_END):
        errors.append(_structure_text(_structure_of(message)).decode())
        _unref(message)
    _set_state(pipeline, _NULL)
    return {
        "pictures": pictures,
        "back_channels": found,
        "sent": sent,
        "late_s": late_s,
        "errors": errors,
    }


if __name__ == "__main__":
    answer = main(sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4]))
    with os.fdopen(int(sys.argv[5]), "w") as report:
        json.dump(answer, report)
