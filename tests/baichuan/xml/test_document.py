"""What is refused as XML, and what is written."""

import pytest

from neolink.baichuan.xml.document import MAX_LENGTH, Node, parse_document, serialize_document
from neolink.errors import LocalProtocolError, RemoteProtocolError

BOMB = b'<!DOCTYPE a [<!ENTITY a "x"><!ENTITY b "&a;&a;">]><body>&b;</body>'
DOCTYPE_16 = '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE a [<!ENTITY a "x">]><body>&a;</body>'


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (BOMB, "document type"),
        (b"<!DOCTYPE body><body></body>", "document type"),
        (DOCTYPE_16.encode("utf-16"), "not well-formed"),
        (DOCTYPE_16.encode("utf-16-le"), "document type"),
        (b"<body>" + b"<a>" * 32 + b"</a>" * 32 + b"</body>", "deeper than 32"),
        (b"<body>" + b" " * MAX_LENGTH + b"</body>", "at most 65536"),
        (b"", "not well-formed"),
        (b"\0\0", "not well-formed"),
        (b"<body>", "not well-formed"),
        (b"<body/><body/>", "not well-formed"),
        (b"<body>&nbsp;</body>", "not well-formed"),
        (b"<body>\0</body>", "not well-formed"),
        (b"<other/>", "expected <body>, got <other>"),
    ],
)
def test_hostile_or_broken_documents_are_refused(data: bytes, reason: str) -> None:
    with pytest.raises(RemoteProtocolError, match=reason):
        parse_document(data, root="body")


@pytest.mark.parametrize(
    "data",
    [
        b"\n\t <body><a>1</a></body>\n\0\0",
        b"\0<body><a>1</a></body>",
        b'\xef\xbb\xbf<?xml version="1.0"?><body><a>1</a></body>',
        b'<?xml version="1.0" encoding="gb2312"?><body><a>1</a></body>',
        b'<body xmlns="urn:x" xmlns:y="urn:y"><y:a>1</y:a></body>',
        memoryview(b"<body><!-- note --><a>1</a></body>"),
    ],
)
def test_harmless_variations_are_accepted(data: bytes) -> None:
    assert parse_document(data, root="body").findtext("a") == "1"


def test_text_cut_inside_a_character_is_readable() -> None:
    root = parse_document("<body><a>Türé</a></body>".encode("latin-1"), root="body")
    assert root.findtext("a") == "T\ufffdr\ufffd"


def test_deepest_allowed_nesting_is_accepted() -> None:
    parse_document(b"<body>" + b"<a>" * 31 + b"</a>" * 31 + b"</body>", root="body")


def test_written_text_and_attributes_are_escaped() -> None:
    node = Node("P2P", attributes=(("v", '"<\n'),), children=(Node("a", "<&>\"'\r\n"),))
    data = serialize_document(node, declaration=False)
    assert data == (b'<P2P v="&quot;&lt;&#10;">\n<a>&lt;&amp;&gt;"\'&#13;\n</a>\n</P2P>\n')
    root = parse_document(data, root="P2P")
    assert (root.get("v"), root.findtext("a")) == ('"<\n', "<&>\"'\r\n")


@pytest.mark.parametrize("text", ["a\0b", "\x1b", "\ud800", "\uffff"])
def test_characters_outside_xml_are_refused_without_showing_them(text: str) -> None:
    with pytest.raises(LocalProtocolError, match="<password>") as caught:
        serialize_document(Node("body", children=(Node("password", "secret" + text),)))
    assert "secret" not in str(caught.value)


def test_repr_of_a_node_shows_only_its_name() -> None:
    node = Node("key", "secret", (("hint", "secret"),), (Node("inner", "secret"),))
    assert repr(node) == "Node(tag='key')"
