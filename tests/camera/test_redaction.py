"""What of a camera's XML a person may see."""

import pytest

from neolink.camera.redaction import MAX_SHOWN, shown_xml

SECRETS = [
    b"<password>sesame</password>",
    b"<passWord>sesame</passWord>",
    b'<password version="1.1">sesame</password>',
    b"<password>ses\name</password>",
    b"<password><![CDATA[sesame]]></password>",
    b"<password>sesame</password >",
    b"<PASSWORD>sesame</PASSWORD>",
    b"<nonce>sesame</nonce>",
    b"<token>sesame</token>",
    b"<key>sesame</key>",
    b"<uidKey>sesame</uidKey>",
    b"<uid>sesame</uid>",
    b"<userName>sesame</userName>",
    b"<password>sesame",
    b"<a><password>sesame</a>",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_blanked_out(secret: bytes) -> None:
    shown = shown_xml(b"<body>" + secret + b"<mode>1</mode></body>")
    assert "sesame" not in shown.replace("\n", "")
    assert "name" not in shown
    assert "***" in shown


def test_what_is_no_secret_is_shown_in_one_line() -> None:
    text = b"<body>\n<keyFrame>2</keyFrame>\n <mode>1</mode></body>"
    assert shown_xml(text) == "<body> <keyFrame>2</keyFrame> <mode>1</mode></body>"


def test_text_after_a_secret_is_shown() -> None:
    shown = shown_xml(b"<password>a</password><mode>1</mode><password>b</password>")
    assert shown == "<password>***</password><mode>1</mode><password>***</password>"


def test_a_long_body_is_cut() -> None:
    assert len(shown_xml(b"x" * 100_000)) <= MAX_SHOWN + 4


def test_a_secret_that_begins_before_the_cut_is_not_shown_in_part() -> None:
    body = b"x" * (MAX_SHOWN - 20) + b"<password>sesame-sesame</password>"
    assert "ses" not in shown_xml(body)


def test_bytes_that_are_no_text_do_no_harm() -> None:
    assert shown_xml(b"\xff\xfe<password>\xff</password>")
