"""Values of single headers: what players send is understood, what we send is exact."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neolink.rtsp.errors import RtspError
from neolink.rtsp.fields import Headers, split_quoted, unquote_string
from neolink.rtsp.headers import (
    LIVE_RANGE,
    Delivery,
    Protocol,
    Range,
    RtpInfo,
    SessionHeader,
    Transport,
    accepts_sdp,
    check_required,
    date_header,
    parse_blocksize,
    parse_rtp_info,
    parse_tags,
    parse_transports,
    serialize_rtp_info,
)

# ---------------------------------------------------------------- Transport

MULTICAST = Delivery.MULTICAST

TABLE = [
    (
        "RTP/AVP/TCP;unicast;interleaved=0-1",
        Transport(profile="RTP/AVP/TCP", interleaved=(0, 1)),
    ),
    ("RTP/AVP/TCP;interleaved=3-4", Transport(profile="RTP/AVP/TCP", interleaved=(3, 4))),
    ("RTP/AVP/TCP;interleaved=2", Transport(profile="RTP/AVP/TCP", interleaved=(2, 3))),
    ("RTP/AVP/TCP", Transport(profile="RTP/AVP/TCP")),  # the server chooses channels
    ("RTP/AVP/TCP;unicast", Transport(profile="RTP/AVP/TCP")),
    ("rtp/avp/tcp;UNICAST", Transport(profile="rtp/avp/tcp")),
    ("RTP/AVP;unicast;client_port=5000-5001", Transport(client_port=(5000, 5001))),
    ("RTP/AVP;client_port=5000-5001", Transport(client_port=(5000, 5001))),
    ("RTP/AVP;unicast;client_port=5000", Transport(client_port=(5000, 5001))),
    (
        "RTP/AVP/UDP;unicast;client_port=6970-6971;mode=play",
        Transport(profile="RTP/AVP/UDP", client_port=(6970, 6971), mode="PLAY"),
    ),
    ('RTP/AVP;unicast;client_port=1-2;mode="PLAY"', Transport(client_port=(1, 2), mode="PLAY")),
    ('RTP/AVP;unicast;mode="a,b;c"', Transport(mode="A,B;C")),
    (
        "RTP/AVP;unicast;destination=192.0.2.9;source=192.0.2.1;client_port=8-9",
        Transport(destination="192.0.2.9", source="192.0.2.1", client_port=(8, 9)),
    ),
    ("RTP/AVP;multicast", Transport(delivery=MULTICAST)),
    ("RTP/AVP", Transport(delivery=MULTICAST)),
    (
        "RTP/AVP;multicast;port=5004-5005;ttl=16",
        Transport(delivery=MULTICAST, port=(5004, 5005), ttl=16),
    ),
    (
        "RTP/AVP/TCP;unicast;interleaved=0-1;ssrc= 1a2B3c4D ",
        Transport(profile="RTP/AVP/TCP", interleaved=(0, 1), ssrc=0x1A2B3C4D),
    ),
    ("RTP/AVP;unicast;ssrc=zz;ttl=900;ttl=1;append;RTCP-mux;x=y", Transport()),
    ("RTP/SAVP/TCP;unicast", Transport(profile="RTP/SAVP/TCP")),
    (" RTP/AVP ; unicast ; client_port = 5000 - 5001 ; ", Transport(client_port=(5000, 5001))),
]


@pytest.mark.parametrize(("text", "transport"), TABLE)
def test_each_transport_form_is_understood(text: str, transport: Transport) -> None:
    assert parse_transports(text) == [transport]


def test_alternatives_keep_the_clients_order() -> None:
    found = parse_transports(
        "RTP/AVP;unicast;client_port=5000-5001,RAW/RAW/UDP;unicast, RTP/AVP/TCP;interleaved=0-1"
    )
    assert [item.protocol for item in found] == [Protocol.UDP, Protocol.TCP]


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("", 461),
        (",;,", 461),
        ("RAW/RAW/UDP;unicast", 461),
        ("RTP/AVP/SCTP;unicast", 461),
        ("x-real-rdt/udp;client_port=6970", 461),
        ("RTP/AVP/TCP;interleaved=256-257", 400),
        ("RTP/AVP/TCP;interleaved=255", 400),
        ("RTP/AVP/TCP;interleaved=a-b", 400),
        ("RTP/AVP/TCP;interleaved=-1", 400),
        ("RTP/AVP;client_port=0-1", 400),
        ("RTP/AVP;client_port=65535", 400),
        ("RTP/AVP;client_port=70000-70001", 400),
        ("RTP/AVP;client_port=\xb2", 400),
        ("RTP/AVP;client_port=1-2-3", 400),
    ],
)
def test_unusable_transport_has_its_status(text: str, status: int) -> None:
    with pytest.raises(RtspError) as caught:
        parse_transports(text)
    assert caught.value.status == status


def test_malformed_alternative_is_passed_over_when_another_is_left() -> None:
    found = parse_transports("RTP/AVP;client_port=x,RTP/AVP/TCP;unicast")
    assert found == [Transport(profile="RTP/AVP/TCP")]


@pytest.mark.parametrize(
    ("transport", "text"),
    [
        (
            Transport("RTP/AVP/TCP", interleaved=(0, 1), ssrc=0x1A2B3C4D, mode="PLAY"),
            'RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=1A2B3C4D;mode="PLAY"',
        ),
        (
            Transport(client_port=(5000, 5001), server_port=(8000, 8001), ssrc=10, mode="PLAY"),
            'RTP/AVP;unicast;client_port=5000-5001;server_port=8000-8001;ssrc=0000000A;mode="PLAY"',
        ),
        (
            Transport(
                delivery=MULTICAST,
                destination="239.1.2.3",
                port=(5004, 5005),
                ttl=16,
                ssrc=0x1A2B3C4D,
            ),
            "RTP/AVP;multicast;destination=239.1.2.3;port=5004-5005;ttl=16;ssrc=1A2B3C4D",
        ),
    ],
)
def test_granted_transports_have_the_form_players_know(transport: Transport, text: str) -> None:
    assert transport.serialize() == text
    assert parse_transports(text) == [transport]


def test_secure_profile_and_protocol_are_seen_in_any_case() -> None:
    assert Transport("rtp/savp/tcp").is_secure
    assert Transport("rtp/savp/tcp").protocol is Protocol.TCP
    assert not Transport("RTP/AVP").is_secure
    assert Transport("RTP/AVP/UDP").protocol is Protocol.UDP
    assert Transport(delivery=MULTICAST).is_multicast


def pairs(highest: int) -> st.SearchStrategy[tuple[int, int] | None]:
    numbers = st.integers(1, highest)
    return st.none() | st.tuples(numbers, numbers)


addresses = st.none() | st.sampled_from(["192.0.2.1", "2001:db8::1"])
transports = st.builds(
    Transport,
    profile=st.sampled_from(["RTP/AVP", "RTP/AVP/UDP", "RTP/AVP/TCP", "rtp/savp"]),
    delivery=st.sampled_from(Delivery),
    destination=addresses,
    source=addresses,
    client_port=pairs(65535),
    server_port=pairs(65535),
    interleaved=pairs(255),
    port=pairs(65535),
    ttl=st.none() | st.integers(0, 255),
    ssrc=st.none() | st.integers(0, 0xFFFF_FFFF),
    mode=st.none() | st.sampled_from(["PLAY", "RECORD"]),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(transports, min_size=1, max_size=3))
def test_serialized_transports_parse_back(sent: list[Transport]) -> None:
    assert parse_transports(",".join(item.serialize() for item in sent)) == sent


# ---------------------------------------------------------------- Session


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("0123456789abcdef", SessionHeader("0123456789abcdef")),
        ("ABC;timeout=60", SessionHeader("ABC", 60)),
        (" ABC ; Timeout = 55 ", SessionHeader("ABC", 55)),
        ("ABC;timeout=x;y", SessionHeader("ABC")),
        ("ABC;", SessionHeader("ABC")),
    ],
)
def test_session_parameters_are_stripped(text: str, header: SessionHeader) -> None:
    assert SessionHeader.parse(text) == header


@pytest.mark.parametrize("text", ["", ";timeout=60", "a b", "\xe9", "x" * 129])
def test_impossible_session_is_not_found(text: str) -> None:
    with pytest.raises(RtspError) as caught:
        SessionHeader.parse(text)
    assert caught.value.status == 454


def test_session_timeout_follows_without_a_blank() -> None:
    assert SessionHeader("AB", 60).serialize() == "AB;timeout=60"
    assert SessionHeader("AB").serialize() == "AB"


# ---------------------------------------------------------------- Range


@pytest.mark.parametrize(
    ("text", "start_s", "is_now"),
    [
        ("npt=0.000-", 0.0, False),
        ("npt=0-", 0.0, False),
        ("npt=12.5-20", 12.5, False),
        ("npt=1:02:03.5-", 3723.5, False),
        ("npt=now-", None, True),
        ("NPT = now -", None, True),
        ("npt=-5", None, False),
        ("npt=rubbish-", None, False),
        ("clock=20261122T090000Z-;time=x", None, False),
        ("smpte=10:07:00-", None, False),
    ],
)
def test_range_of_any_unit_is_understood(text: str, start_s: float | None, is_now: bool) -> None:
    found = Range.parse(text)
    assert (found.start_s, found.is_now) == (start_s, is_now)
    assert Range.parse(found.serialize()) == found


def test_range_of_a_recording_keeps_both_ends() -> None:
    found = Range.parse("clock=20261122T090000Z-20261122T091500.5Z")
    assert found == Range("clock", "20261122T090000Z", "20261122T091500.5Z")


@pytest.mark.parametrize("text", ["", "npt", "npt=", "npt=5", "=0-"])
def test_range_without_its_form_is_invalid(text: str) -> None:
    with pytest.raises(RtspError) as caught:
        Range.parse(text)
    assert caught.value.status == 457


def test_live_range_is_now() -> None:
    assert LIVE_RANGE.serialize() == "npt=now-"


# ---------------------------------------------------------------- RTP-Info


def test_rtp_info_has_no_blanks_and_omits_what_is_unknown() -> None:
    entries = [RtpInfo("rtsp://h/c/trackID=0", 1234, 987654), RtpInfo("rtsp://h/c/trackID=1")]
    text = serialize_rtp_info(entries)
    assert text == "url=rtsp://h/c/trackID=0;seq=1234;rtptime=987654,url=rtsp://h/c/trackID=1"
    assert parse_rtp_info(text) == entries


def test_rtp_info_of_other_servers_is_read() -> None:
    assert parse_rtp_info("url=a/b;rtptime=7;seq=1, url=rtsp://h/x,y?z;w=1;seq=2;") == [
        RtpInfo("a/b", 1, 7),
        RtpInfo("rtsp://h/x,y?z;w=1", 2),
    ]
    assert parse_rtp_info("") == []


@pytest.mark.parametrize(
    "text", ["seq=1", "url=;seq=1", "url=a;seq=65536", "url=a;rtptime=4294967296"]
)
def test_bad_rtp_info_is_refused(text: str) -> None:
    with pytest.raises(RtspError) as caught:
        parse_rtp_info(text)
    assert caught.value.status == 400


url_texts = st.text("abc/:?=&,.%@-_~1", min_size=1, max_size=30).filter(
    lambda text: not text.endswith(",") and ",url=" not in text
)
infos = st.builds(
    RtpInfo,
    url_texts,
    st.none() | st.integers(0, 0xFFFF),
    st.none() | st.integers(0, 0xFFFF_FFFF),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(infos, max_size=4))
def test_serialized_rtp_info_parses_back(entries: list[RtpInfo]) -> None:
    assert parse_rtp_info(serialize_rtp_info(entries)) == entries


# ---------------------------------------------------------------- Require, Accept, the rest

BACKCHANNEL = "www.onvif.org/ver20/backchannel"


def test_known_requirements_are_returned() -> None:
    headers = Headers([("Require", f"{BACKCHANNEL}, play.basic"), ("Proxy-Require", "Play.Basic")])
    assert check_required(headers, [BACKCHANNEL, "play.basic"]) == (
        BACKCHANNEL,
        "play.basic",
        "Play.Basic",
    )
    assert check_required(Headers(), []) == ()


def test_unknown_requirements_are_named() -> None:
    headers = Headers([("Require", "a, play.basic"), ("Require", "b")])
    with pytest.raises(RtspError) as caught:
        check_required(headers, ["play.basic"])
    assert caught.value.status == 551
    assert caught.value.headers == (("Unsupported", "a, b"),)


def test_tags_are_split() -> None:
    assert parse_tags(" a ,, b") == ("a", "b")


@pytest.mark.parametrize(
    ("accept", "is_accepted"),
    [
        (None, True),
        ("", True),
        ("application/sdp", True),
        ("APPLICATION/SDP;q=1", True),
        ("text/html, */*", True),
        ("application/*", True),
        ("application/rtsl, application/sdp;level=-2", True),
        ("text/html", False),
    ],
)
def test_accept_decides_on_sdp(accept: str | None, is_accepted: bool) -> None:
    headers = Headers() if accept is None else Headers([("Accept", accept)])
    assert accepts_sdp(headers) is is_accepted


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (None, None),
        ("1200", 1200),
        (" 800 ", 800),
        ("0", None),
        ("-1", None),
        ("x", None),
        ("\x1c0", None),  # white space to some, found by fuzzing
    ],
)
def test_blocksize_is_a_hint(text: str | None, size: int | None) -> None:
    assert parse_blocksize(text) == size


def test_date_is_in_gmt() -> None:
    assert date_header(784111777.9) == "Sun, 06 Nov 1994 08:49:37 GMT"


def test_quoted_text_is_split_and_unescaped() -> None:
    assert split_quoted(r'a="x,y\",z" , b=2,,"open, end', ",") == [
        r'a="x,y\",z"',
        "b=2",
        '"open, end',
    ]
    assert unquote_string(r'"a\"b\\c"') == r'a"b\c'
    assert unquote_string('"') == '"'
    assert unquote_string("plain") == "plain"


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.text(max_size=5),
            st.sampled_from(
                [
                    "RTP/AVP",
                    "/TCP",
                    ";",
                    ",",
                    "=",
                    '"',
                    "\\",
                    "client_port",
                    "interleaved",
                    "1-2",
                    "url=",
                    "seq=",
                    "npt",
                    "-",
                    "ssrc",
                    "unicast",
                    "²",
                ]
            ),
        ),
        max_size=12,
    ).map("".join)
)
def test_any_text_is_understood_or_refused(text: str) -> None:
    for parse in (parse_transports, parse_rtp_info, Range.parse, SessionHeader.parse):
        with suppress(RtspError):
            parse(text)
    parse_tags(text)
    parse_blocksize(text)
    accepts_sdp(Headers([("Accept", text)]))


def test_rtp_info_keeps_no_blanks_before_a_needless_semicolon() -> None:
    (entry,) = parse_rtp_info("url=rtsp://h/cam\r \t;")
    assert entry.url == "rtsp://h/cam"
