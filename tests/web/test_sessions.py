"""The table of logins: bounded, without keys in it, and ended in time."""

import pytest

from neolink.web.sessions import PER_USER, Sessions


def make(capacity: int = 100) -> Sessions:
    return Sessions(capacity=capacity, idle_s=10, age_s=25)


def test_a_key_leads_to_its_session_and_is_not_kept_itself() -> None:
    sessions = make()
    key = sessions.open("viewer", 0.0)
    session = sessions.find(key, 1.0)
    assert session is not None
    assert session.user == "viewer"
    assert len(key) >= 43, "256 bits that nobody guesses"
    assert key.encode() not in sessions._sessions
    assert key not in repr(session)


@pytest.mark.parametrize("key", ["", "x", "\udcff", "x" * 10_000])
def test_other_keys_lead_nowhere(key: str) -> None:
    sessions = make()
    sessions.open("viewer", 0.0)
    assert sessions.find(key, 0.0) is None


def test_a_session_ends_unused_too_old_or_on_wish() -> None:
    sessions = make()
    key = sessions.open("viewer", 0.0)
    assert sessions.find(key, 10.0) is not None
    assert sessions.find(key, 20.0) is not None
    assert sessions.find(key, 25.1) is None, "too old"
    key = sessions.open("viewer", 30.0)
    assert sessions.find(key, 40.1) is None, "unused for too long"
    key = sessions.open("viewer", 50.0)
    session = sessions.find(key, 50.0)
    assert session is not None
    sessions.end(session)
    sessions.end(session)
    assert sessions.find(key, 50.0) is None
    assert not sessions.is_alive(session, 50.0)


def test_expired_sessions_are_forgotten() -> None:
    sessions = make()
    for second in range(5):
        sessions.open("viewer", second)
    sessions.sweep(12.5)
    assert len(sessions) == 2


def test_the_session_unused_for_longest_makes_room() -> None:
    sessions = make(capacity=3)
    first, second, third = (sessions.open(f"user{n}", n) for n in range(3))
    sessions.find(first, 5.0)
    sessions.open("another", 6.0)
    assert len(sessions) == 3
    assert sessions.find(second, 6.0) is None
    assert sessions.find(first, 6.0)
    assert sessions.find(third, 6.0)


def test_one_user_cannot_push_others_out() -> None:
    sessions = make(capacity=1000)
    other = sessions.open("other", 0.0)
    for number in range(PER_USER + 50):
        newest = sessions.open("eager", 1.0 + number / 1000)
    assert len(sessions) == PER_USER + 1
    assert sessions.find(other, 2.0)
    assert sessions.find(newest, 2.0)
