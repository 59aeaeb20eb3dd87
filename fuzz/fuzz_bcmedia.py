"""Feeds the BcMedia reader: tolerant it must survive anything, and alike in any cut."""

import contextlib
import sys

import atheris

with atheris.instrument_imports():
    from neolink.baichuan.bcmedia import BcMediaReader
    from neolink.errors import RemoteProtocolError

CAP = 4096


def one_input(data: bytes) -> None:
    if not data:
        return
    step, stream = data[0] + 1, data[1:]
    whole, cut = BcMediaReader(max_packet_length=CAP), BcMediaReader(max_packet_length=CAP)
    expected = whole.feed(stream)
    found = []
    for start in range(0, len(stream), step):
        found += cut.feed(stream[start : start + step])
        assert cut.retained_bytes <= max(CAP, 65_552)
    assert found == expected
    with contextlib.suppress(RemoteProtocolError):
        BcMediaReader(strict=True, max_packet_length=CAP).feed(stream)


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
