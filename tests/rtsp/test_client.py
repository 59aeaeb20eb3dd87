"""The client's requests are numbered, carry the session, and answer every kind of challenge."""

import pytest

from neolink.rtsp.auth import Authenticator, AuthOutcome
from neolink.rtsp.client import RequestBuilder
from neolink.rtsp.digest import parameters
from neolink.rtsp.errors import RtspError
from neolink.rtsp.message import Headers, Request, Response, reply

NOW = 1_700_000_000.0
URL = "rtsp://me:s3cret@h/cam1"
SERVER = Authenticator("neolink", b"k" * 32, {"mü": "s3cret", "me": ""})


def refuse(*challenges: str) -> Response:
    return reply("1", 401, [("WWW-Authenticate", line) for line in challenges])


def authorization(request: Request) -> str:
    value = request.headers.get("Authorization")
    assert value is not None
    return value


def outcome(request: Request, now: float = NOW) -> AuthOutcome:
    value = request.headers.get("Authorization")
    return SERVER.verify(value, request.method, request.url, now).outcome


def test_requests_are_numbered_and_keep_extra_headers_and_body() -> None:
    client = RequestBuilder(URL)
    assert client.build("OPTIONS").cseq == "1"
    request = client.build("SET_PARAMETER", "*", [("Content-Type", "text/parameters")], b"a: b")
    assert request.serialize() == (
        b"SET_PARAMETER * RTSP/1.0\r\nCSeq: 2\r\nUser-Agent: neolink\r\n"
        b"Content-Type: text/parameters\r\nContent-Length: 4\r\n\r\na: b"
    )


def test_credentials_of_the_url_are_not_sent_in_it() -> None:
    assert RequestBuilder(URL).build("DESCRIBE").url == "rtsp://h/cam1"


def test_session_is_learnt_and_repeated_without_its_timeout() -> None:
    client = RequestBuilder(URL)
    assert not client.learn(reply("1", 200, [("Session", "0123456789abcdef;timeout=60")]))
    assert client.build("PLAY").headers.get("Session") == "0123456789abcdef"


@pytest.mark.parametrize(
    ("prefer", "beginning"),
    [
        (("SHA-256", "MD5", "Basic"), "Digest "),
        (("MD5", "Basic"), "Digest "),
        (("Basic",), "Basic "),
    ],
)
@pytest.mark.parametrize(("user", "password"), [("mü", "s3cret"), ("me", "")])
def test_each_scheme_is_answered_to_our_servers_content(
    prefer: tuple[str, ...], beginning: str, user: str, password: str
) -> None:
    client = RequestBuilder(URL, user=user, password=password, prefer=prefer)
    assert outcome(client.build("DESCRIBE")) is AuthOutcome.MISSING
    assert client.learn(refuse(*SERVER.challenges(NOW)))
    request = client.build("SETUP", "rtsp://h/cam1/trackID=0")
    assert authorization(request).startswith(beginning)
    assert ("algorithm=SHA-256" in authorization(request)) is ("SHA-256" in prefer)
    assert outcome(request) is AuthOutcome.OK


def test_stale_nonce_is_answered_once_more_and_a_wrong_password_is_not() -> None:
    client = RequestBuilder(URL, user="me", password="")
    assert client.learn(refuse(*SERVER.challenges(NOW)))
    assert outcome(client.build("PLAY"), NOW + 1000) is AuthOutcome.STALE
    assert client.learn(refuse(*SERVER.challenges(NOW + 1000, stale=True)))
    assert outcome(client.build("PLAY"), NOW + 1000) is AuthOutcome.OK
    assert not client.learn(refuse(*SERVER.challenges(NOW + 1000)))


def test_qop_counts_its_nonces() -> None:
    client = RequestBuilder(URL, user="me", new_cnonce=lambda: "abc")
    challenge = f'{SERVER.challenges(NOW)[-1]}, qop="auth-int, auth"'
    assert client.learn(refuse(challenge))
    for number in (1, 2):
        request = client.build("PLAY")
        answer = parameters(authorization(request).partition(" ")[2])
        assert (answer.text("nc"), answer.text("cnonce")) == (f"{number:08x}", "abc")
        assert outcome(request) is AuthOutcome.OK


def test_without_user_or_known_scheme_nothing_is_answered() -> None:
    assert not RequestBuilder(URL).learn(refuse(*SERVER.challenges(NOW)))
    client = RequestBuilder(URL, user="me")
    assert not client.learn(refuse("Bearer x", 'Digest realm="r", nonce="n", algorithm=X'))
    assert client.build("PLAY").headers.get("Authorization") is None


def test_challenge_without_nonce_is_the_servers_error() -> None:
    client = RequestBuilder(URL, user="me")
    assert client.learn(refuse('Digest realm="r"'))
    with pytest.raises(RtspError):
        client.build("PLAY")


def test_repr_shows_no_password() -> None:
    assert "s3cret" not in repr(RequestBuilder(URL, user="mü", password="s3cret"))


def test_other_answers_ask_for_no_repetition() -> None:
    client = RequestBuilder(URL, user="me")
    assert not client.learn(Response(404, "Not Found", Headers()))
