"""A camera that does not let in, is busy, private, or talks too much."""

import pytest

from neolink.baichuan.events import LoggedIn, LoginRefused, Pushed
from neolink.baichuan.ids import MessageId
from neolink.baichuan.xml import parse_body
from neolink.errors import LoginRefusal
from support.camera_link import Bench, assert_well, begin, frames


@pytest.mark.parametrize(
    ("name", "options", "status", "reason"),
    [
        ("wrong_password", {}, 401, LoginRefusal.WRONG_CREDENTIALS),
        ("wrong_password", {"status": 400}, 400, LoginRefusal.WRONG_CREDENTIALS),
        ("account_locked", {}, 421, LoginRefusal.ACCOUNT_LOCKED),
        ("session_limit", {}, 422, None),
    ],
)
async def test_new_logins_are_refused_and_old_ones_go_on(
    bench: Bench, name: str, options: dict[str, object], status: int, reason: LoginRefusal | None
) -> None:
    link = bench.logged_in()
    fault = begin(link, name, **options)
    for _ in range(6):
        verdict = bench.link(link.device).log_in()
        assert isinstance(verdict, LoginRefused)
        assert verdict.status == status
        assert reason in (None, verdict.reason)
    assert link.ask(MessageId.PING).status == 200
    link.device.end(fault)
    assert isinstance(bench.link(link.device).log_in(), LoggedIn)  # six did not lock the account
    assert_well(bench, link.device)


async def test_busy_camera_refuses_work_but_answers_pings(bench: Bench) -> None:
    link = bench.logged_in()
    fault = begin(link, "busy")
    assert link.start()[1] == 400
    assert link.ask(MessageId.VERSION).status == 400
    assert link.ask(MessageId.PING).status == 200
    link.device.end(fault)
    assert_well(bench, link.device)


async def test_busy_camera_is_through_after_so_many_requests(bench: Bench) -> None:
    link = bench.logged_in()
    begin(link, "busy", requests=2)
    statuses = [link.ask(one).status for one in (80, 93, 80, 80)]
    assert statuses == [400, 200, 400, 200]
    assert_well(bench, link.device)


@pytest.mark.parametrize(("status", "answers"), [(400, (400, 400)), (0, (200, 200))])
async def test_private_camera_shows_nothing_and_answers_the_rest(
    bench: Bench, status: int, answers: tuple[int, int]
) -> None:
    link = bench.logged_in()
    link.start()
    link.run(0.3)
    fault = begin(link, "privacy", status=status)
    assert link.run(1.0) == []
    assert (link.start()[1], link.ask(MessageId.SNAPSHOT).status) == answers
    assert frames(link.run(1.0)) == []
    assert link.ask(MessageId.PING).status == 200
    (state,) = parse_body(link.ask(MessageId.SLEEP_STATE_GET).body).unknown
    assert state.children[0].text == "1"
    link.device.end(fault)
    assert frames(link.run(0.5))
    (state,) = parse_body(link.ask(MessageId.SLEEP_STATE_GET).body).unknown
    assert state.children[0].text == "0"
    assert_well(bench, link.device)


async def test_flood_of_keepalives_is_pushed_and_answered_beside_the_pictures(bench: Bench) -> None:
    link = bench.logged_in()
    link.start()
    link.run(0.3)
    fault = begin(link, "keepalive_flood", per_s=50)
    pictures = frames(link.run(2.0, step_s=0.01))
    pushed = [one for one in link.events if isinstance(one, Pushed) and one.message_id == 234]
    assert len(pushed) in range(98, 103)
    assert link.device.stats.requests[MessageId.UDP_KEEPALIVE] == len(pushed)
    assert len(pictures) == 50
    link.device.end(fault)
    before = len(link.events)
    link.run(1.0)
    assert not [one for one in link.events[before:] if isinstance(one, Pushed)]
    assert_well(bench, link.device)
