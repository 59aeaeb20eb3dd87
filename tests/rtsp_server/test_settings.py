"""Who may watch: every row and column of the table."""

import pytest

from neolink.rtsp_server.settings import Access, resolve_access

USERS = ["me", "you"]
EVERYBODY = Access(anonymous=True)
NOBODY = Access(anonymous=False)
BOTH = Access(anonymous=False, users=frozenset(USERS))


@pytest.mark.parametrize(
    ("permitted", "without_users", "with_users"),
    [
        (None, EVERYBODY, BOTH),
        (["anyone"], EVERYBODY, BOTH),
        (["anonymous"], EVERYBODY, EVERYBODY),
        (["me"], Access(False, frozenset({"me"})), Access(False, frozenset({"me"}))),
        ([], NOBODY, NOBODY),
        (["anonymous", "me"], Access(True, frozenset({"me"})), Access(True, frozenset({"me"}))),
        (["anyone", "anonymous"], EVERYBODY, Access(True, frozenset(USERS))),
    ],
)
def test_access_matrix(
    permitted: list[str] | None, without_users: Access, with_users: Access
) -> None:
    assert resolve_access(permitted, []) == without_users
    assert resolve_access(permitted, USERS) == with_users


def test_access_permits_whom_it_names() -> None:
    assert EVERYBODY.permits(None)
    assert EVERYBODY.permits("stranger")
    assert not EVERYBODY.needs_login
    assert BOTH.permits("me")
    assert not BOTH.permits("stranger")
    assert not BOTH.permits(None)
    assert BOTH.needs_login
    assert not NOBODY.permits("me")
