"""Parses bodies and extensions; what was read must be written and read again as the same value."""

import contextlib
import sys

import atheris

with atheris.instrument_imports():
    from neolink.baichuan import xml
    from neolink.baichuan.xml.codec import BodyPart
    from neolink.errors import RemoteProtocolError

PARTS = [
    kind
    for kind in vars(xml).values()
    if isinstance(kind, type) and issubclass(kind, BodyPart) and kind.TAG
]


def one_input(data: bytes) -> None:
    with contextlib.suppress(RemoteProtocolError):
        xml.Extension.parse(data)
    try:
        body = xml.parse_body(data)
    except RemoteProtocolError:
        return
    parts = [part for part in map(body.get, PARTS) if part is not None]
    again = xml.parse_body(xml.serialize_body(*parts, *body.unknown))
    for part in parts:
        assert again.get(type(part)) == part
    assert again.unknown == body.unknown


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
