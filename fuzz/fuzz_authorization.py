"""Fuzz answers to challenges: nobody gets in by a mutation of what is not right.

A right answer is made for a user, a method and a path, then changed as the input says. Nothing may
be raised. Made with a wrong password, or asked for another method, path or time, it is never OK.
"""

import sys

import atheris

with atheris.instrument_imports(include=["neolink.rtsp"]):
    from neolink.rtsp.auth import Authenticator, AuthOutcome, Scheme
    from neolink.rtsp.client import RequestBuilder
    from neolink.rtsp.message import reply

NOW = 1_700_000_000.0
URL = "rtsp://h:8554/cam1/trackID=1?a=b"
USERS = {"me": "s3cret", 'q"u\\o': "p:w", "jürgen": "grün"}
SERVER = Authenticator("neolink", b"k" * 32, USERS)
DIGESTS = Authenticator("neolink", b"k" * 32, USERS, [Scheme.MD5, Scheme.SHA_256])
NAMES = tuple(USERS)
PREFERENCES = (("MD5",), ("SHA-256",), ("Basic",))


def answer(user: str, password: str, prefer: tuple[str, ...], url: str) -> str:
    client = RequestBuilder(url, user=user, password=password, prefer=prefer)
    lines = [("WWW-Authenticate", line) for line in SERVER.challenges(NOW)]
    client.learn(reply("1", 401, lines))
    return client.build("DESCRIBE").headers.get("Authorization") or ""


def mutated(text: str, provider: atheris.FuzzedDataProvider) -> str:
    for _ in range(provider.ConsumeIntInRange(0, 4)):
        at = provider.ConsumeIntInRange(0, len(text))
        gone = provider.ConsumeIntInRange(0, 6)
        piece = provider.ConsumeBytes(provider.ConsumeIntInRange(0, 12)).decode("latin-1")
        text = text[:at] + piece + text[at + gone :]
    return text


def one_input(data: bytes) -> None:
    """First: who asks and how. The rest: how the answer is changed."""
    provider = atheris.FuzzedDataProvider(data)
    user = NAMES[provider.ConsumeIntInRange(0, len(NAMES) - 1)]
    prefer = PREFERENCES[provider.ConsumeIntInRange(0, len(PREFERENCES) - 1)]
    is_digest = prefer != ("Basic",)
    right = answer(user, USERS[user], prefer, URL)
    assert SERVER.verify(right, "DESCRIBE", URL, NOW).user == user
    changed = mutated(right, provider)
    found = SERVER.verify(changed, "DESCRIBE", URL, NOW)
    assert (found.user in USERS) == (found.outcome is AuthOutcome.OK)
    if changed.lstrip()[:6].lower() == "digest":
        assert not SERVER.verify(changed, "SETUP", URL, NOW).is_ok
        assert not SERVER.verify(changed, "DESCRIBE", "rtsp://h/cam2", NOW).is_ok
        assert not SERVER.verify(changed, "DESCRIBE", URL, NOW + 301).is_ok
    assert not DIGESTS.verify(f"Basic {changed}", "DESCRIBE", URL, NOW).is_ok
    wrong = mutated(answer(user, "guess", prefer, URL), provider)
    if is_digest:
        assert not SERVER.verify(wrong, "DESCRIBE", URL, NOW).is_ok


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
