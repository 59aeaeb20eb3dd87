"""Who may watch, over real sockets: logins, refusals, and what guessing costs."""

import asyncio
from base64 import b64encode

import pytest

from neolink.rtsp.auth import Authenticator, Scheme
from neolink.rtsp.client import Preference
from neolink.rtsp.message import Response, reply
from neolink.rtsp_server.requests.methods import REALM
from neolink.rtsp_server.settings import Access, RtspSettings
from neolink.rtsp_server.wires.wire import PlainWire
from support.rtsp_bench import TCP, StartServer

USERS = {"me": "sesame", "you": "sesame too"}
MINE = Access(anonymous=False, users=frozenset({"me"}))
NOBODY = Access(anonymous=False)
ALL = tuple(Scheme)
SCHEMES: list[Preference] = [("Basic",), ("MD5",), ("SHA-256",)]


def offered(response: Response) -> list[str]:
    """Return what a 401 offers, in order: ``SHA-256``, ``Basic`` or ``MD5``."""
    assert response.status == 401
    names = []
    for line in response.headers.get_all("WWW-Authenticate"):
        if line.startswith("Basic "):
            names.append("Basic")
        else:
            names.append("SHA-256" if "algorithm=SHA-256" in line else "MD5")
    return names


# ---------------------------------------------------------------- ways to log in


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_a_login_by_each_scheme(start: StartServer, scheme: Preference) -> None:
    bench = await start(users=USERS, access=MINE, schemes=ALL)
    client = await bench.client(user="me", password="sesame", prefer=scheme)
    assert (await client.ask(client.build("DESCRIBE"))).status == 401
    await client.watch()
    bench.camera.pictures(6)
    await client.until(lambda: len(client.tracks[0].timestamps) > 5)


@pytest.mark.parametrize(
    ("allowed", "names"),
    [
        (RtspSettings().schemes, ["SHA-256", "MD5"]),
        (ALL, ["SHA-256", "Basic", "MD5"]),
        ((Scheme.BASIC,), ["Basic"]),
        ((Scheme.MD5, Scheme.BASIC), ["Basic", "MD5"]),
    ],
)
async def test_what_is_allowed_is_offered_in_the_order_that_players_need(
    start: StartServer, allowed: tuple[Scheme, ...], names: list[str]
) -> None:
    bench = await start(users=USERS, access=MINE, schemes=allowed)
    client = await bench.client()
    assert offered(await client.describe()) == names


async def test_a_right_password_in_clear_is_no_login_unless_allowed_and_the_log_says_so(
    start: StartServer, caplog: pytest.LogCaptureFixture
) -> None:
    bench = await start(users=USERS, access=MINE, wrong_login_delay_s=1000)
    client = await bench.client()
    right = ("Authorization", "Basic " + b64encode(b"me:sesame").decode())
    for _ in range(10):  # that is no guessing: nobody waits
        assert offered(await client.request("DESCRIBE", None, right)) == ["SHA-256", "MD5"]
    (told,) = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
    way = "a player logs in by none of digest-md5, digest-sha256 (see [rtsp] auth)"
    assert told == f"127.0.0.1: {way}"


async def test_over_tls_basic_is_always_offered_and_taken(
    start: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PlainWire, "is_secure", True)
    bench = await start(users=USERS, access=MINE)
    client = await bench.client(user="me", password="sesame", prefer=("Basic",))
    assert offered(await client.ask(client.build("DESCRIBE"))) == ["SHA-256", "Basic", "MD5"]
    assert (await client.describe()).status == 200


@pytest.mark.parametrize("user", ['q"u', "back\\slash", 'bo\\"th', "jürgen", "me, you=2"])
@pytest.mark.parametrize("scheme", SCHEMES)
async def test_names_may_have_quotes_backslashes_and_more(
    start: StartServer, user: str, scheme: Preference
) -> None:
    access = Access(anonymous=False, users=frozenset({user}))
    bench = await start(users={user: 'sesame"\\: ü'}, access=access, schemes=ALL)
    client = await bench.client(user=user, password='sesame"\\: ü', prefer=scheme)
    assert (await client.describe()).status == 200
    assert (await client.setup(0)).status == 200
    (player,) = bench.server.players()
    assert player.user == user


@pytest.mark.parametrize("prefer", [("MD5",), ("SHA-256",)])
async def test_an_algorithm_that_is_not_allowed_is_not_taken(
    start: StartServer, prefer: Preference
) -> None:
    allowed = Scheme.SHA_256 if prefer == ("MD5",) else Scheme.MD5
    bench = await start(users=USERS, access=MINE, schemes=(allowed,))
    client = await bench.client(user="me", password="sesame", prefer=prefer)
    assert (await client.describe()).status == 401
    # also one that was learnt elsewhere
    other = Authenticator(REALM, b"k", USERS)
    client.builder.learn(
        reply("1", 401, [("WWW-Authenticate", line) for line in other.challenges(0)])
    )
    assert (await client.ask(client.build("DESCRIBE"))).status == 401


# ---------------------------------------------------------------- who may watch what


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(
    ("user", "password", "path", "status"),
    [
        (None, "", "porch", 401),
        ("me", "wrong", "porch", 401),
        ("stranger", "sesame", "porch", 401),
        ("you", "sesame too", "porch", 403),
        ("me", "sesame", "porch", 200),
        ("me", "sesame", "nobody", 403),
        (None, "", "nobody", 401),
        (None, "", "open", 200),
        ("me", "wrong", "open", 200),
        (None, "", "nowhere", 401),
        ("you", "sesame too", "nowhere", 404),
    ],
)
async def test_who_may_watch_what(
    start: StartServer,
    scheme: Preference,
    user: str | None,
    password: str,
    path: str,
    status: int,
) -> None:
    access = {"porch": MINE, "nobody": NOBODY, "open": Access(anonymous=True)}
    bench = await start("porch", "nobody", "open", users=USERS, access=access, schemes=ALL)
    client = await bench.client(path, user=user, password=password, prefer=scheme)
    assert (await client.describe()).status == status
    assert (await client.setup(0, TCP)).status == status
    assert len(bench.server.context.players) == (status == 200)


async def test_without_users_an_unknown_path_is_404_and_a_closed_one_401(
    start: StartServer,
) -> None:
    bench = await start(access=NOBODY)
    assert (await (await bench.client("nowhere")).describe()).status == 404
    assert (await (await bench.client("porch")).describe()).status == 401


@pytest.mark.parametrize("method", ["DESCRIBE", "SETUP"])
@pytest.mark.parametrize("login", ["none", "wrong", "garbage"])
@pytest.mark.parametrize(
    "header", [("Accept", "text/html"), ("Transport", "no/transport"), ("Transport", TCP)]
)
async def test_nothing_is_learnt_about_a_path_without_a_login(
    start: StartServer, method: str, login: str, header: tuple[str, str]
) -> None:
    """A camera that is there, its tracks, and a path that leads nowhere: the same answer."""
    bench = await start(users=USERS, access=MINE)
    answers = []
    for path in ("porch/trackID=0", "porch/trackID=9", "porch", "porch/nothing", "nowhere", ""):
        user = None if login == "none" else "me"
        client = await bench.client(user=user, password="wrong sesame")
        headers = [header]
        if login == "garbage":
            headers.append(("Authorization", "Digest x"))
        response = await client.request(method, bench.url(path), *headers)
        names = [name for name, _ in response.headers]
        answers.append((response.status, names, offered(response), response.body))
    assert answers == [answers[0]] * len(answers)
    assert not bench.server.context.players


async def test_a_guess_of_a_path_costs_as_much_as_a_guess_of_a_password(
    start: StartServer,
) -> None:
    bench = await start(users=USERS, access=MINE, wrong_login_delay_s=0)
    noted = bench.server.context.wrong_logins._hosts
    for number, path in enumerate(("porch", "nowhere", "porch"), 1):
        client = await bench.client(path, user="me", password="wrong sesame")
        await client.describe()
        assert [count for _, count in noted.values()] == [number]


async def test_a_login_that_makes_no_sense_is_a_guess_too(start: StartServer) -> None:
    bench = await start(users=USERS, access=MINE, schemes=ALL)
    noted = bench.server.context.wrong_logins._hosts
    client = await bench.client()
    for number, value in enumerate(("Digest x", "Basic !!!", "Bearer sesame"), 1):
        refused = await client.request("DESCRIBE", None, ("Authorization", value))
        assert refused.status == 401
        assert [count for _, count in noted.values()] == [number]


async def test_options_need_no_login_even_with_a_wrong_one(start: StartServer) -> None:
    bench = await start(users=USERS, access=MINE)
    client = await bench.client()
    response = await client.request("OPTIONS", None, ("Authorization", "Basic !!!"))
    assert response.status == 200


async def test_garbage_in_setup_is_not_forgiven_where_that_is_not_wanted(
    start: StartServer,
) -> None:
    bench = await start(users=USERS, access=MINE, has_login_per_connection=False)
    client = await bench.client(user="me", password="sesame")
    assert (await client.describe()).status == 200
    client.builder._challenge = None
    request = client.build("SETUP", client.track_url(0), ("Transport", TCP))
    assert offered(await client.ask(request)) == ["SHA-256", "MD5"]


async def test_garbage_in_setup_is_forgiven_after_a_proven_describe(start: StartServer) -> None:
    """Some door stations sign DESCRIBE rightly and SETUP not at all."""
    bench = await start("porch", "yard", users=USERS, access=MINE)
    client = await bench.client(user="me", password="sesame")
    assert (await client.describe()).status == 200
    garbage = ("Authorization", "Digest garbage")
    client.builder._challenge = None
    url, transport = client.track_url(0), ("Transport", TCP)
    assert (await client.ask(client.build("SETUP", url, transport, garbage))).status == 200
    elsewhere = client.build("SETUP", bench.url("yard/trackID=0"), transport, garbage)
    assert (await client.ask(elsewhere)).status == 401
    stranger = await bench.client()
    assert (await stranger.ask(stranger.build("SETUP", url, transport))).status == 401


# ---------------------------------------------------------------- guessing


async def test_who_guesses_waits_and_nobody_else_even_behind_the_same_address(
    start: StartServer,
) -> None:
    bench = await start(users=USERS, access=MINE, wrong_login_delay_s=0.2, schemes=ALL)
    loop = asyncio.get_running_loop()

    async def guess(host: str, times: int) -> float:
        client = await bench.client(local_host=host, user="me", password="wrong", prefer=("Basic",))
        await client.ask(client.build("DESCRIBE"))
        client.builder.learn(await client.ask(client.build("DESCRIBE")))
        started = loop.time()
        for _ in range(times):
            assert (await client.ask(client.build("DESCRIBE"))).status == 401
        return loop.time() - started

    assert await guess("127.0.0.2", 5) < 0.2
    waiting = asyncio.create_task(guess("127.0.0.2", 1))
    for host in ("127.0.0.1", "127.0.0.2"):
        honest = await bench.client(user="me", password="sesame", local_host=host)
        assert (await honest.describe()).status == 200
    assert not waiting.done()
    assert await waiting >= 0.2


async def test_who_logs_in_after_guessing_is_let_in_without_a_wait(start: StartServer) -> None:
    bench = await start(users=USERS, access=MINE, wrong_login_delay_s=1000)
    client = await bench.client(user="me", password="wrong sesame")
    for _ in range(5):
        assert (await client.describe()).status == 401
    client.builder._password = "sesame"
    assert (await client.describe()).status == 200


# ---------------------------------------------------------------- nonces


async def test_a_nonce_is_good_on_another_connection_and_old_ones_are_stale(
    start: StartServer,
) -> None:
    bench = await start(users=USERS, access=MINE)
    first = await bench.client(user="me", password="sesame", prefer=("MD5",))
    await first.describe()
    second = await bench.client()
    second.builder = first.builder
    assert (await second.ask(second.build("DESCRIBE"))).status == 200
    bench.clock.advance(301)
    stale = await second.ask(second.build("DESCRIBE"))
    assert stale.status == 200  # proven on this connection: an old nonce goes on
    third = await bench.client()
    third.builder = first.builder
    refused = await third.ask(third.build("DESCRIBE"))
    assert refused.status == 401
    assert any("stale=true" in line for line in refused.headers.get_all("WWW-Authenticate"))


async def test_an_old_nonce_is_good_for_a_session_that_lives(start: StartServer) -> None:
    """A player signs its pings for days with the nonce it began with."""
    bench = await start(users=USERS, access=MINE)
    client = await bench.player(user="me", password="sesame")
    for _ in range(4):
        bench.pass_time(86)
        assert (await client.ask(client.build("GET_PARAMETER"))).status == 200
    for method in ("OPTIONS", "SET_PARAMETER", "DESCRIBE", "PAUSE", "PLAY", "TEARDOWN"):
        assert (await client.ask(client.build(method, client.base))).status == 200


@pytest.mark.parametrize(
    ("password", "nonce", "status", "is_stale"),
    [
        ("sesame", "old", 401, True),
        ("sesame", "foreign", 401, True),
        ("wrong sesame", "old", 401, False),
        ("wrong sesame", "fresh", 401, False),
    ],
)
async def test_only_a_right_answer_to_an_old_nonce_is_stale(
    start: StartServer, password: str, nonce: str, status: int, *, is_stale: bool
) -> None:
    bench = await start(users=USERS, access=MINE)
    client = await bench.client(user="me", password=password, prefer=("MD5",))
    client.builder.learn(await client.ask(client.build("DESCRIBE")))
    if nonce == "foreign":
        lines = Authenticator(REALM, b"k", USERS).challenges(0)
        client.builder.learn(reply("1", 401, [("WWW-Authenticate", line) for line in lines]))
    if nonce == "old":
        bench.clock.advance(301)
    refused = await client.ask(client.build("DESCRIBE"))
    assert refused.status == status
    lines = refused.headers.get_all("WWW-Authenticate")
    assert ["stale" in line for line in lines] == [is_stale] * 2
    client.builder.learn(refused)
    again = await client.ask(client.build("DESCRIBE"))
    assert again.status == (200 if is_stale else 401)


# ---------------------------------------------------------------- secrets


async def test_a_login_in_the_url_is_taken_off_every_answer(start: StartServer) -> None:
    bench = await start(users=USERS, access=MINE)
    client = await bench.client(user="me", password="sesame")
    url = client.url.replace("rtsp://", "rtsp://me:sesame@")
    response = await client.request("DESCRIBE", url)
    assert response.status == 200
    assert response.headers.get("Content-Base") == f"{client.url}/"
    assert "sesame" not in response.body.decode()


async def test_no_secret_is_logged(start: StartServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    bench = await start(users=USERS, access=MINE)
    client = await bench.client(user="me", password="sesame-in-url")
    url = client.url.replace("rtsp://", "rtsp://me:sesame-in-url@")
    await client.request("DESCRIBE", url)
    await client.request("SETUP", f"{url}/trackID=0", ("Transport", TCP))
    assert caplog.text
    assert "sesame-in-url" not in caplog.text
