"""Fuzz whatever reads bits that a camera wrote: parameter sets, access units, AAC and ADPCM.

``python fuzz/fuzz_parameter_sets.py -max_total_time=20`` with ``src`` on the path.
"""

import contextlib
import sys

import atheris

with atheris.instrument_imports():
    from neolink.errors import RemoteProtocolError
    from neolink.media import h264, h265
    from neolink.media.aac import parse_adts
    from neolink.media.adpcm import AdpcmDecoder
    from neolink.media.assembler import VideoAssembler
    from neolink.media.nal import START_CODE
    from neolink.media.sps import MAX_DIMENSION, SpsInfo
    from neolink.media.tracks import VideoCodec


def _check_sps(info: SpsInfo) -> None:
    assert 0 < info.width <= MAX_DIMENSION
    assert 0 < info.height <= MAX_DIMENSION
    assert info.frame_rate is None or info.frame_rate > 0


def _assemble(codec: VideoCodec, data: bytes) -> None:
    assembler = VideoAssembler(codec)
    for pts, picture in enumerate(data.split(b"\xff\xfe")):
        access_unit = assembler.assemble(START_CODE + picture, pts)
        assert access_unit is None or all(len(nal) for nal in access_unit.nal_units)


_TARGETS = (
    lambda data: _check_sps(h264.parse_sps(data)),
    lambda data: _check_sps(h265.parse_sps(data)),
    lambda data: _assemble(VideoCodec.H264, data),
    lambda data: _assemble(VideoCodec.H265, data),
    parse_adts,
    lambda data: AdpcmDecoder().decode(data),
    lambda data: h264.is_random_access([memoryview(b"\x06" + data), memoryview(b"\x41\x88\x84")]),
)


def one_input(data: bytes) -> None:
    if not data:
        return
    with contextlib.suppress(RemoteProtocolError):
        _TARGETS[data[0] % len(_TARGETS)](data[1:])


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
