"""Challenges and answers: published vectors, every way players sign, nothing learnt by guessing."""

from base64 import b64encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neolink.rtsp.auth import Authenticator, AuthOutcome, AuthResult, Scheme
from neolink.rtsp.digest import (
    Algorithm,
    QualityOfProtection,
    digest_response,
    hash_credentials,
    parameters,
)
from neolink.rtsp.nonces import NONCE_LIFETIME_S

NOW = 1_700_000_000.0
URL = "rtsp://h:8554/cam1/trackID=1?a=b"
USERS = {"me": "s3cret", "nobody": "", 'q"u\\o': "p:w", "jürgen": "grün", "日本": "語"}
SERVER = Authenticator("neolink", b"k" * 32, USERS)


def nonce_of(server: Authenticator = SERVER, now: float = NOW) -> str:
    nonce = parameters(server.challenges(now)[-1].partition(" ")[2]).text("nonce")
    assert nonce is not None
    return nonce


def sign(
    user: bytes = b"me",
    password: bytes = b"s3cret",
    *,
    uri: str = URL,
    method: str = "SETUP",
    nonce: str | None = None,
    algorithm: Algorithm = Algorithm.MD5,
    protection: QualityOfProtection | None = None,
    username: str | None = None,
    extra: str = "",
) -> str:
    nonce = nonce_of() if nonce is None else nonce
    response = digest_response(
        algorithm,
        hash_credentials(algorithm, user, b"neolink", password),
        nonce=nonce.encode(),
        method=method,
        uri=uri.encode("latin-1"),
        protection=protection,
    ).decode()
    name = user.decode("latin-1") if username is None else username
    return (
        f'Digest username="{name}", realm="neolink", nonce="{nonce}", '
        f'uri="{uri}", response="{response}"{extra}'
    )


def verify(
    value: str | None, url: str = URL, now: float = NOW, method: str = "SETUP"
) -> AuthResult:
    return SERVER.verify(value, method, url, now)


def basic(credentials: bytes) -> str:
    return "Basic " + b64encode(credentials).decode()


OK = AuthResult(AuthOutcome.OK, "me")
WRONG = AuthResult(AuthOutcome.WRONG)
NOT_OFFERED = AuthResult(AuthOutcome.NOT_OFFERED)
STALE = AuthResult(AuthOutcome.STALE)
MALFORMED = AuthResult(AuthOutcome.MALFORMED)

# ---------------------------------------------------------------- published vectors

MUFASA = b"Mufasa"


@pytest.mark.parametrize(
    ("algorithm", "realm", "password", "nonce", "cnonce", "response"),
    [
        (  # RFC 2617 section 3.5
            Algorithm.MD5,
            b"testrealm@host.com",
            b"Circle Of Life",
            b"dcd98b7102dd2f0e8b11d0f600bfb0c093",
            b"0a4f113b",
            b"6629fae49393a05397450978507c4ef1",
        ),
        (  # RFC 2069 section 2.4 with its erratum
            Algorithm.MD5,
            b"testrealm@host.com",
            b"CircleOfLife",
            b"dcd98b7102dd2f0e8b11d0f600bfb0c093",
            None,
            b"1949323746fe6a43ef61f9606e7febea",
        ),
        (  # RFC 7616 section 3.9.1
            Algorithm.MD5,
            b"http-auth@example.org",
            b"Circle of Life",
            b"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
            b"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
            b"8ca523f5e9506fed4657c9700eebdbec",
        ),
        (
            Algorithm.SHA_256,
            b"http-auth@example.org",
            b"Circle of Life",
            b"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
            b"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
            b"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
        ),
    ],
)
def test_published_vectors_hold(
    *,
    algorithm: Algorithm,
    realm: bytes,
    password: bytes,
    nonce: bytes,
    cnonce: bytes | None,
    response: bytes,
) -> None:
    protection = None if cnonce is None else QualityOfProtection(b"auth", b"00000001", cnonce)
    computed = digest_response(
        algorithm,
        hash_credentials(algorithm, MUFASA, realm, password),
        nonce=nonce,
        method="GET",
        uri=b"/dir/index.html",
        protection=protection,
    )
    assert computed == response
    # the same answer at our door: right, but for a nonce that is not ours
    server = Authenticator(realm.decode(), b"k", {"Mufasa": password.decode()})
    tail = "" if cnonce is None else f', qop=auth, nc=00000001, cnonce="{cnonce.decode()}"'
    header = (
        f'Digest username="Mufasa", realm="{realm.decode()}", nonce="{nonce.decode()}", '
        f'uri="/dir/index.html", response="{response.decode()}", '
        f"algorithm={algorithm.value}{tail}"
    )
    assert server.verify(header, "GET", "/dir/index.html", NOW) == STALE
    assert server.verify(header, "PUT", "/dir/index.html", NOW) == WRONG


# ---------------------------------------------------------------- challenges


def test_challenges_end_with_the_plain_md5_line() -> None:
    nonce = nonce_of()
    assert SERVER.challenges(NOW) == [
        f'Digest realm="neolink", nonce="{nonce}", algorithm=SHA-256',
        'Basic realm="neolink"',
        f'Digest realm="neolink", nonce="{nonce}"',
    ]


def test_stale_is_the_third_and_unquoted_parameter() -> None:
    nonce = nonce_of()
    sha256, _, md5 = SERVER.challenges(NOW, stale=True)
    assert md5 == f'Digest realm="neolink", nonce="{nonce}", stale=true'
    assert sha256.endswith(", algorithm=SHA-256, stale=true")


def test_schemes_can_be_left_out() -> None:
    server = Authenticator("r", b"k", USERS, [Scheme.MD5])
    (line,) = server.challenges(NOW)
    assert line == f'Digest realm="r", nonce="{nonce_of(server)}"'
    assert server.verify(basic(b"me:s3cret"), "PLAY", URL, NOW) == NOT_OFFERED
    assert server.verify("Digest algorithm=SHA-256", "PLAY", URL, NOW) == NOT_OFFERED
    assert server.verify("Digest algorithm=SHA-512", "PLAY", URL, NOW) == MALFORMED


def test_basic_is_offered_and_taken_where_nobody_reads_along() -> None:
    server = Authenticator("r", b"k", USERS, [Scheme.MD5])
    basic_line, _ = server.challenges(NOW, is_secure=True)
    assert basic_line == 'Basic realm="r"'
    answer = basic(b"me:s3cret")
    assert server.verify(answer, "PLAY", URL, NOW, is_secure=True) == OK


@pytest.mark.parametrize("realm", ['a"b', "a\\b", "a\r\nb", "é"])
def test_realm_that_cannot_be_quoted_is_refused(realm: str) -> None:
    with pytest.raises(ValueError, match="realm"):
        Authenticator(realm, b"k", {})


# ---------------------------------------------------------------- digest


@pytest.mark.parametrize("algorithm", Algorithm)
@pytest.mark.parametrize("with_qop", [False, True])
def test_right_answer_in_each_form_is_accepted(algorithm: Algorithm, with_qop: bool) -> None:
    protection = QualityOfProtection(b"auth", b"00000001", b"c") if with_qop else None
    extra = f', algorithm="{algorithm.value}"' + (
        ', qop=auth, nc=00000001, cnonce="c"' if with_qop else ""
    )
    header = sign(algorithm=algorithm, protection=protection, extra=extra)
    assert verify(header) == OK
    assert verify(header, method="PLAY") == WRONG


@pytest.mark.parametrize(
    "uri",
    [
        URL,
        "/cam1/trackID=1?a=b",  # Bosch BVMS
        "rtsp://h:8554/cam1/?a=b",  # VLC: base URL with slash
        "rtsp://h:8554/cam1?a=b",  # HappyTime, Grandstream: without
        "rtsp://h:8554/cam1/?a=b/",
        "rtsp://h:8554/cam1?a=b/trackID=1",
        "rtsp://192.0.2.1/cam1/trackID=1?a=b",
        "rtsp://me:s3cret@h:8554/cam1/trackID=1?a=b",
        "rtsp://h:8554/cam1/trackID=1/?a=b",
    ],
)
def test_uri_may_be_written_as_players_do(uri: str) -> None:
    assert verify(sign(uri=uri)) == OK


@pytest.mark.parametrize(
    "uri",
    [
        "rtsp://h:8554/cam2/trackID=1?a=b",
        "rtsp://h:8554/CAM1/trackID=1?a=b",
        "rtsp://h:8554/cam1/trackID=0?a=b",
        "rtsp://h:8554/cam1/trackID=1?a=c",
        "rtsp://h:8554/cam1/trackID=1",
        "rtsp://h:8554/",
        "*",
        "",
    ],
)
def test_answer_for_another_url_is_wrong(uri: str) -> None:
    assert verify(sign(uri=uri)) == WRONG


def test_asterisk_can_be_signed() -> None:
    assert verify(sign(uri="*"), url="*") == OK


def test_uri_is_hashed_as_sent_and_backslashes_are_unescaped() -> None:
    signed = sign(user=b'q"u\\o', password=b"p:w", username='q\\"u\\\\o')
    assert verify(signed) == AuthResult(AuthOutcome.OK, 'q"u\\o')


def test_unescaped_backslash_in_a_name_is_understood() -> None:
    server = Authenticator("neolink", b"k" * 32, {"dom\\me": "x"})
    header = sign(user=b"dom\\me", password=b"x", nonce=nonce_of(server))
    assert server.verify(header, "SETUP", URL, NOW) == AuthResult(AuthOutcome.OK, "dom\\me")


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_names_in_either_encoding_are_understood(encoding: str) -> None:
    user, password = "jürgen".encode(encoding), "grün".encode(encoding)
    expected = AuthResult(AuthOutcome.OK, "jürgen")
    assert verify(sign(user, password)) == expected
    assert verify(basic(user + b":" + password)) == expected


def test_upper_case_response_is_accepted() -> None:
    header = sign()
    start, _, rest = header.partition('response="')
    assert verify(start + 'response="' + rest.upper()) == OK


def test_wrong_password_unknown_user_and_no_user_are_wrong() -> None:
    assert verify(sign(password=b"S3cret")) == WRONG
    assert verify(sign(user=b"you")) == WRONG
    assert verify(sign(user=b"", password=b"")) == WRONG
    assert verify(sign(user=b"", password=(b"k" * 32).hex().encode())) == WRONG
    assert verify(sign(username="nobody")) == WRONG


def test_user_with_empty_password_can_log_in() -> None:
    expected = AuthResult(AuthOutcome.OK, "nobody")
    assert verify(sign(b"nobody", b"")) == expected
    assert verify(basic(b"nobody:")) == expected


@pytest.mark.parametrize(
    "header",
    [
        "Digest",
        "Digest rubbish",
        'Digest username="me"',
        sign().replace("nonce=", "n="),
        sign().replace("uri=", "u="),
        sign().replace("response=", "r="),
        sign(extra=", algorithm=MD5-sess"),
        sign(extra=", qop=auth-int"),
        sign(extra=", qop=auth"),
        sign(uri="rtsp://h/%00"),
        "Basic",
        "Basic !!!!",
        "Basic é",
        basic(b"no colon"),
        "Bearer abc",
    ],
)
def test_what_is_no_answer_is_malformed(header: str) -> None:
    assert verify(header) == MALFORMED


@pytest.mark.parametrize("header", [None, "", "  "])
def test_first_request_is_no_attempt(header: str | None) -> None:
    assert verify(header) == AuthResult(AuthOutcome.MISSING)


# ---------------------------------------------------------------- basic


@pytest.mark.parametrize("strip", ["", "="])
def test_basic_works_with_and_without_padding(strip: str) -> None:
    assert verify(basic(b"me:s3cret").rstrip(strip or " ")) == OK
    assert verify("bAsIc   " + basic(b"me:s3cret")[6:]) == OK
    assert verify(basic("日本:語".encode())) == AuthResult(AuthOutcome.OK, "日本")
    assert verify(basic(b'q"u\\o:p:w')) == AuthResult(AuthOutcome.OK, 'q"u\\o')


def test_basic_with_a_wrong_password_is_wrong() -> None:
    assert verify(basic(b"me:s3crets")) == WRONG
    assert verify(basic(b"you:s3cret")) == WRONG
    assert verify(basic(b":" + (b"k" * 32).hex().encode())) == WRONG


# ---------------------------------------------------------------- nonces


def test_nonce_is_good_for_its_lifetime_and_then_stale() -> None:
    header = sign()
    assert verify(header, now=NOW + NONCE_LIFETIME_S - 1) == OK
    assert verify(header, now=NOW + NONCE_LIFETIME_S + 1) == STALE
    assert verify(sign(password=b"x"), now=NOW + NONCE_LIFETIME_S + 1) == WRONG


def test_clock_that_is_set_back_keeps_fresh_nonces() -> None:
    assert verify(sign(), now=NOW - 60) == OK
    assert verify(sign(), now=NOW - NONCE_LIFETIME_S - 1) == STALE


def test_expired_nonce_of_ours_is_accepted_inside_a_session() -> None:
    late = NOW + 86_400
    assert SERVER.verify(sign(), "SETUP", URL, late, allow_stale=True) == OK
    foreign = sign(nonce="f" * 32)
    assert SERVER.verify(foreign, "SETUP", URL, late, allow_stale=True) == STALE


@pytest.mark.parametrize("nonce", ["", "x", "f" * 32, "é", "A" * 33])
def test_right_answer_to_a_foreign_nonce_is_stale(nonce: str) -> None:
    header = sign(nonce=nonce) if nonce.isascii() else sign().replace(nonce_of(), nonce)
    assert verify(header) == (STALE if nonce.isascii() else WRONG)


def test_nonce_is_good_at_another_instance_with_the_same_key_only() -> None:
    header = sign()
    same = Authenticator("neolink", b"k" * 32, {"me": "s3cret"})
    other = Authenticator("neolink", b"K" * 32, {"me": "s3cret"})
    assert same.verify(header, "SETUP", URL, NOW) == OK
    assert other.verify(header, "SETUP", URL, NOW) == STALE


def test_tampered_nonce_is_not_ours() -> None:
    nonce = nonce_of()
    for index in range(len(nonce)):
        changed = nonce[:index] + ("A" if nonce[index] != "A" else "B") + nonce[index + 1 :]
        assert verify(sign(nonce=changed)) == STALE


def test_nonces_of_different_times_differ() -> None:
    assert nonce_of(now=NOW) != nonce_of(now=NOW + 0.001)


# ---------------------------------------------------------------- secrets and garbage


def test_repr_shows_no_secret() -> None:
    texts = [
        repr(SERVER),
        repr(verify(basic(b"me:s3cret"))),
        repr(parameters(sign())),
        repr(SERVER._accounts),
    ]
    for text in texts:
        assert "s3cret" not in text
        assert "kkkk" not in text
        assert hash_credentials(Algorithm.MD5, b"me", b"neolink", b"s3cret").decode() not in text


hostile = st.lists(
    st.one_of(
        st.text(max_size=4),
        st.sampled_from(
            [
                "Digest ",
                "Basic ",
                "username=",
                "nonce=",
                "uri=",
                "response=",
                "realm=",
                "qop=auth",
                "algorithm=",
                "SHA-256",
                "cnonce=",
                "nc=1",
                '"',
                "\\",
                ",",
                "=",
                "me",
                URL,
                nonce_of(),
            ]
        ),
    ),
    max_size=16,
).map("".join)


@settings(max_examples=150, deadline=None)
@given(hostile, st.text(max_size=10))
def test_garbage_is_never_accepted_and_never_raises(header: str, url: str) -> None:
    assert not verify(header, url=url).is_ok


@settings(max_examples=40, deadline=None)
@given(
    st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=8).filter(
        lambda name: ":" not in name
    ),
    st.text(st.characters(exclude_categories=["C"]), max_size=8),
    st.sampled_from(Algorithm),
)
def test_any_name_and_password_can_log_in(user: str, password: str, algorithm: Algorithm) -> None:
    server = Authenticator("neolink", b"k" * 32, {user: password})
    expected = AuthResult(AuthOutcome.OK, user)
    quoted = user.encode().decode("latin-1").replace("\\", "\\\\").replace('"', '\\"')
    header = sign(
        user.encode(),
        password.encode(),
        username=quoted,
        algorithm=algorithm,
        extra=f", algorithm={algorithm.value}",
    )
    assert server.verify(header, "SETUP", URL, NOW) == expected
    assert server.verify(basic(f"{user}:{password}".encode()), "SETUP", URL, NOW) == expected
