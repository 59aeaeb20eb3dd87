"""What players were refused: counted each time, told once for whoever it is."""

import logging

import pytest

from neolink.clock import ManualClock
from neolink.rtsp_server.refusals import Refusal, Refusals

TEXT = "wrong user name or password of a player"


def test_a_host_with_many_ipv6_addresses_is_told_of_once_and_its_neighbour_too(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    refusals = Refusals(ManualClock())
    for number in range(1, 9):
        refusals.note(Refusal.WRONG_LOGIN, f"2001:db8::{number}", TEXT)
    refusals.note(Refusal.WRONG_LOGIN, "2001:db8:0:1::1", TEXT)
    assert refusals.counts["wrong_login"] == 9
    assert [record.getMessage() for record in caplog.records] == [
        f"2001:db8::1: {TEXT}",
        f"2001:db8:0:1::1: {TEXT}",
    ]
