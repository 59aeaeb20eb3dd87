"""Request URLs: every form that players use names the same path, query and track."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neolink.rtsp.errors import RtspError
from neolink.rtsp.url import Target, base_url, control_url, without_credentials

AB = {"a": "b"}

TABLE = [
    ("rtsp://h:8554/cam1/trackID=1?a=b", "cam1", AB, 1),  # GStreamer
    ("rtsp://h:8554/cam1?a=b/trackID=1", "cam1", AB, 1),  # ffmpeg
    ("rtsp://h:8554/cam1/?a=b/trackID=1", "cam1", AB, 1),
    ("rtsp://h:8554/cam1/?a=b/trackID=1/", "cam1", AB, 1),
    ("rtsp://h:8554/cam1/trackID=1?a=b/", "cam1", AB, 1),
    ("rtsp://h/cam1/?a=b", "cam1", AB, None),
    ("rtsp://h/cam1?a=b/", "cam1", AB, None),
    ("rtsp://h/cam1/", "cam1", {}, None),
    ("rtsp://h/cam1", "cam1", {}, None),
    ("rtsp://h//cam1/trackID=1", "cam1", {}, 1),
    ("rtsp://h/cam1//trackID=1", "cam1", {}, 1),
    ("rtsp://h/cam1/trackID=1/", "cam1", {}, 1),
    ("/cam1/trackID=1", "cam1", {}, 1),
    ("/cam1/trackID=1?a=b", "cam1", AB, 1),
    ("//cam1/trackID=1", "cam1", {}, 1),
    ("cam1/trackID=1", "cam1", {}, 1),
    ("trackID=1", "", {}, 1),
    ("rtsp://[fe80::1%25eth0]:554/cam1", "cam1", {}, None),
    ("rtsp://[fe80::1%eth0]:554/cam1/trackID=0", "cam1", {}, 0),
    ("RTSPS://h/cam1/sub", "cam1/sub", {}, None),
    ("rtsp://h/cam1/sub/trackID=12", "cam1/sub", {}, 12),
    ("rtsp://h/cam1/TRACKID=2", "cam1", {}, 2),
    ("rtsp://h/cam1/trackID%3D2", "cam1", {}, 2),
    ("rtsp://h/./cam1/./", "cam1", {}, None),
    ("rtsp://h", "", {}, None),
    ("rtsp://h?a=b", "", AB, None),
    ("rtsp://h/?trackID=1", "", {}, 1),
    ("rtsp://h/Front%20Door", "Front Door", {}, None),
    ("rtsp://h/Front Door", "Front Door", {}, None),
    ("rtsp://h/a%2Fb", "a/b", {}, None),
    ("rtsp://h/a%252Fb", "a%2Fb", {}, None),  # decoded once
    ("rtsp://h/100%", "100%", {}, None),
    ("rtsp://h/a%3Fb?c%3Dd=e%26f", "a?b", {"c=d": "e&f"}, None),
    ("rtsp://h/cam?a=1&b=2&a=3&flag&=x&&", "cam", {"a": "3", "b": "2", "flag": "", "": "x"}, None),
    ("rtsp://h/k%C3%BCche", "küche", {}, None),
    ("rtsp://h/k\xc3\xbcche", "küche", {}, None),  # UTF-8 on the wire
    ("rtsp://h/k\xfcche", "küche", {}, None),  # ISO 8859-1 on the wire
    ("rtsp://h/küche/日本", "küche/日本", {}, None),
    ("rtsp://h/x/trackID=1/y", "x/trackID=1/y", {}, None),
    ("rtsp://h/x/trackID=0/trackID=1", "x/trackID=0", {}, 1),  # the last one counts
]


@pytest.mark.parametrize(("url", "path", "query", "track"), TABLE)
def test_every_form_names_path_query_and_track(
    url: str, path: str, query: dict[str, str], track: int | None
) -> None:
    assert Target.parse(url) == Target(path=path, query=query, track=track)


def test_asterisk_names_nothing() -> None:
    assert Target.parse("*") == Target(path="", is_asterisk=True)


@pytest.mark.parametrize("url", ["rtsp://user:pass@h/cam1", "rtsp://user:p@ss@h/cam1"])
def test_credentials_are_noticed_and_not_kept(url: str) -> None:
    target = Target.parse(url)
    assert (target.path, target.has_credentials) == ("cam1", True)
    assert "ss" not in repr(target)
    assert without_credentials(url) == "rtsp://h/cam1"


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("rtsp://h/../etc", 404),
        ("rtsp://h/cam1/%2e%2E/x", 404),
        ("rtsp://h/cam1/..", 404),
        ("rtsp://h/a%2f..", 404),
        ("rtsp://h/cam1/trackID=one", 404),
        ("rtsp://h/cam1/trackID=", 404),
        ("rtsp://h/cam1/trackID=-1", 404),
        ("rtsp://h/cam1/trackID=99999", 404),
        ("rtsp://h/cam1?a=b/trackID=\u0661", 404),
        ("rtsp://h/cam1%00", 400),
        ("rtsp://h/cam1%0d%0aX", 400),
        ("rtsp://h/cam1\n", 400),
        ("rtsp://h/cam1?a=%0A", 400),
        ("rtsp://h/cam1?%00", 400),
    ],
)
def test_unusable_urls_have_their_status(url: str, status: int) -> None:
    with pytest.raises(RtspError) as caught:
        Target.parse(url)
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("rtsp://h:8554/cam1", "rtsp://h:8554/cam1/"),
        ("rtsp://h:8554/cam1/", "rtsp://h:8554/cam1/"),
        ("rtsp://h/cam1?a=b", "rtsp://h/cam1/?a=b/"),
        ("rtsp://h/cam1/?a=b/", "rtsp://h/cam1/?a=b/"),
        ("rtsp://h/cam1?", "rtsp://h/cam1/"),
        ("rtsp://u:p@h/cam1", "rtsp://h/cam1/"),
        ("rtsp://u:p@h/cam1/trackID=1", "rtsp://h/cam1/"),
        ("rtsp://[fe80::1%25eth0]:554/cam1", "rtsp://[fe80::1%25eth0]:554/cam1/"),
        ("rtsp://h/Front%20Door", "rtsp://h/Front%20Door/"),
        ("/cam1", "/cam1/"),
        ("rtsp://h", "rtsp://h/"),
        ("*", "*"),
    ],
)
def test_base_url_keeps_the_clients_spelling_without_credentials(url: str, base: str) -> None:
    assert base_url(url) == base


@pytest.mark.parametrize("url", [row[0] for row in TABLE if "trackID=1/y" not in row[0]])
def test_control_appended_to_the_base_url_names_the_track(url: str) -> None:
    whole = Target.parse(url)
    joined = Target.parse(control_url(base_url(url), "trackID=3"))
    assert (joined.path, joined.query, joined.track) == (whole.path, whole.query, 3)


def test_control_resolved_by_url_rules_keeps_the_path() -> None:
    base = base_url("rtsp://h/cam1/sub?a=b")
    resolved = base.partition("?")[0].rpartition("/")[0] + "/trackID=3"
    assert Target.parse(resolved) == Target(path="cam1/sub", track=3)


@pytest.mark.parametrize(
    ("base", "control", "url"),
    [
        ("rtsp://h/c/", "trackID=0", "rtsp://h/c/trackID=0"),
        ("rtsp://h/c", "trackID=0", "rtsp://h/c/trackID=0"),
        ("rtsp://h/c/", "*", "rtsp://h/c/"),
        ("rtsp://h/c/", "", "rtsp://h/c/"),
        ("rtsp://h/c/", "rtsp://x/y", "rtsp://x/y"),
    ],
)
def test_control_url_joins_as_players_do(base: str, control: str, url: str) -> None:
    assert control_url(base, control) == url


pieces = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "rtsp://",
                "/",
                "?",
                "@",
                "%",
                "..",
                "trackID=",
                "/trackID=1",
                "a=b",
                "&",
                "%00",
                "%2F",
                "[::1]",
                "*",
                "%C3",
                "\xff",
            ]
        ),
        st.text(max_size=4),
    ),
    max_size=10,
).map("".join)


@settings(max_examples=150, deadline=None)
@given(pieces)
def test_any_text_parses_or_is_refused(url: str) -> None:
    without_credentials(url)
    base = base_url(url)
    assert base == "*" or base.endswith("/")
    try:
        target = Target.parse(url)
    except RtspError:
        return
    assert not target.path.startswith("/")
    assert not target.path.endswith("/")
    assert ".." not in target.path.split("/")
    if "trackid" not in base.lower():
        assert base_url(base) == base
        assert Target.parse(base).path == target.path


@settings(max_examples=60, deadline=None)
@given(st.text("abc:%40!", min_size=1, max_size=12), st.text("xyz0", min_size=1, max_size=12))
def test_base_url_never_leaks_credentials(user: str, password: str) -> None:
    url = f"rtsp://{user}:{password}@h/c?q=1"
    assert base_url(url) == "rtsp://h/c/?q=1/"
    assert without_credentials(url) == "rtsp://h/c?q=1"
