"""XML of the Baichuan protocol: guarded parsing, typed bodies and the Extension.

`codec` maps frozen dataclasses to XML; every other module but `document` holds the bodies of one
topic. No message numbers and no encryption here: sections come in and go out as plain bytes.

Bodies are imported from the module of their topic. They are a hundred classes, each of which takes
half a millisecond to make, and the bridge needs a third of them.
"""

from neolink.baichuan.xml.codec import Body, BodyPart, parse_body, serialize_body
from neolink.baichuan.xml.document import Node
from neolink.baichuan.xml.extension import Extension

__all__ = ["Body", "BodyPart", "Extension", "Node", "parse_body", "serialize_body"]
