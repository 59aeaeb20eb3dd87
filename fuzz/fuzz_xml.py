"""Parses bodies and extensions; what was written once must be read and written alike."""

import contextlib
import pkgutil
import sys
from importlib import import_module

import atheris

with atheris.instrument_imports():
    from neolink.baichuan import xml
    from neolink.baichuan.xml.codec import BodyPart
    from neolink.errors import RemoteProtocolError

    TOPICS = [
        import_module(f"{xml.__name__}.{one.name}") for one in pkgutil.iter_modules(xml.__path__)
    ]

PARTS = [
    kind
    for topic in TOPICS
    for kind in vars(topic).values()
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
    written = xml.serialize_body(*parts, *body.unknown)
    again = xml.parse_body(written)
    parts = [part for part in map(again.get, PARTS) if part is not None]
    assert xml.serialize_body(*parts, *again.unknown) == written
    assert again.unknown == body.unknown


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
