"""Who may see the page: logging in, being refused, logging out."""

from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect

from neolink.rtsp_server.settings import Access
from support.page_bench import LOCKED, PASSWORD, TOKEN, USER, Serve, camera, view_of

pytestmark = pytest.mark.foreign


def log_in(page: Page, user: str = USER, password: str = PASSWORD) -> None:
    page.get_by_label("User name").fill(user)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def test_login_opens_the_wall_and_lasts_over_a_reload(serve: Serve) -> None:
    served = serve(view_of(camera("porch")), settings=LOCKED)
    page = served.go()
    expect(page.get_by_label("User name")).to_be_focused()
    log_in(page)
    expect(page.get_by_role("link", name="porch", exact=True)).to_be_visible()
    expect(page.get_by_text(USER)).to_be_visible()
    page.reload()
    expect(page.get_by_role("link", name="porch", exact=True)).to_be_visible()


def test_wrong_password_is_refused_in_words(serve: Serve) -> None:
    served = serve(view_of(camera("porch")), settings=LOCKED)
    page = served.go()
    log_in(page, password="guess")
    expect(page.get_by_role("alert")).to_have_text("Wrong user name or password.")
    expect(page.get_by_label("Password")).to_be_focused()
    expect(page.get_by_role("link", name="porch", exact=True)).to_have_count(0)
    served.complaints.expect("401")
    log_in(page)
    expect(page.get_by_role("link", name="porch", exact=True)).to_be_visible()


def test_a_missing_password_is_named_and_not_sent(serve: Serve) -> None:
    served = serve(view_of(camera("porch")), settings=LOCKED)
    page = served.go()
    page.get_by_label("User name").fill(USER)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_have_text("Password is missing.")


def test_too_many_wrong_logins_say_how_long_to_wait(serve: Serve) -> None:
    strict = replace(LOCKED, limits=replace(LOCKED.limits, free_logins=1, login_interval_s=4.0))
    served = serve(view_of(camera("porch")), settings=strict)
    page = served.go()
    log_in(page, password="guess")
    expect(page.get_by_role("alert")).to_contain_text("Wrong")
    log_in(page, password="another guess")
    expect(page.get_by_role("alert")).to_contain_text("too many wrong logins", ignore_case=True)
    expect(page.get_by_role("button", name="Log in (in")).to_be_disabled()
    served.complaints.expect("401")
    served.complaints.expect("429")
    expect(page.get_by_role("button", name="Log in", exact=True)).to_be_enabled()


def test_the_token_opens_the_wall(serve: Serve) -> None:
    served = serve(view_of(camera("porch")), settings=LOCKED)
    page = served.go()
    page.get_by_role("button", name="Use a token instead").click()
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("link", name="porch", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Log out")).to_be_visible()


def test_logging_out_leaves_nothing_to_see(serve: Serve) -> None:
    served = serve(view_of(camera("porch")), settings=LOCKED)
    page = served.go()
    log_in(page)
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_label("User name")).to_be_visible()
    expect(page.get_by_role("link", name="porch", exact=True)).to_have_count(0)
    page.reload()
    expect(page.get_by_label("User name")).to_be_visible()


def test_a_session_that_ends_brings_the_login_back(serve: Serve) -> None:
    served = serve(view_of(camera("porch")), settings=LOCKED)
    page = served.go()
    log_in(page)
    expect(page.get_by_role("link", name="porch", exact=True)).to_be_visible()
    sessions = served.running.server.context.gate.sessions
    served.background.call(lambda: sessions.keep(lambda session: False))
    expect(page.get_by_label("User name")).to_be_visible()
    served.complaints.expect("401")


def test_a_user_sees_only_cameras_that_let_it(serve: Serve) -> None:
    view = view_of(camera("porch"), camera("vault"))
    view.access_by_camera = {
        "porch": Access(anonymous=False, users=frozenset({USER})),
        "vault": Access(anonymous=False, users=frozenset({"ben"})),
    }
    page = serve(view, settings=LOCKED).go()
    log_in(page)
    expect(page.get_by_role("link", name="porch", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="vault", exact=True)).to_have_count(0)
