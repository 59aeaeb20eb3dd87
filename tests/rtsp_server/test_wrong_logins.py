"""Who guesses passwords is slowed down, and nobody else."""

from neolink.rtsp_server.wrong_logins import MAX_HOSTS, WINDOW_S, WrongLogins


def test_the_first_five_in_a_minute_cost_nothing() -> None:
    wrong = WrongLogins()
    assert [wrong.note("10.0.0.1", now_s) for now_s in range(7)] == [False] * 5 + [True] * 2
    assert not wrong.note("10.0.0.2", 7)


def test_a_minute_later_all_is_forgiven() -> None:
    wrong = WrongLogins()
    for now_s in range(6):
        wrong.note("10.0.0.1", now_s)
    assert not wrong.note("10.0.0.1", WINDOW_S + 1)


def test_hosts_beyond_the_bound_are_forgotten_the_quietest_first() -> None:
    wrong = WrongLogins(free=1)
    wrong.note("guesser", 0)
    for number in range(MAX_HOSTS - 1):
        wrong.note(str(number), 0)
    assert wrong.note("guesser", 1)
    wrong.note("one more", 1)
    assert wrong.note("guesser", 1)
    assert not wrong.note("0", 1)


def test_a_host_with_many_ipv6_addresses_is_one_and_its_neighbour_another() -> None:
    wrong = WrongLogins(free=1)
    assert not wrong.note("2001:db8::1", 0)
    assert wrong.note("2001:db8::ffff:2", 0)
    assert not wrong.note("2001:db8:0:1::1", 0)
    assert not wrong.note("::ffff:10.0.0.1", 0)
    assert wrong.note("10.0.0.1", 0)
