"""Refused logins are remembered, for as long as it helps, and without telling a password."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from neolink.camera.settings import CameraSettings
from neolink.clock import ManualClock
from neolink.doctor.judge_login import Refused
from neolink.doctor.refusals import KEPT_S, MOST_KEPT, Refusals
from neolink.errors import LoginRefusal

WRONG = LoginRefusal.WRONG_CREDENTIALS
PORCH = CameraSettings(name="porch", host="192.0.2.7", password="sesame-7f3a")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "refused.json"


def test_refusal_is_remembered_for_half_an_hour(path: Path) -> None:
    clock = ManualClock()
    Refusals(path, clock).note(PORCH, WRONG)
    clock.advance(60)
    assert Refusals(path, clock).of(PORCH) == Refused(WRONG, 60.0)
    clock.advance(KEPT_S)
    assert Refusals(path, clock).of(PORCH) is None


@pytest.mark.parametrize(
    "change", [{"password": "another"}, {"username": "guest"}, {"host": "h"}, {"port": 1}]
)
def test_other_credentials_are_not_refused(path: Path, change: dict[str, object]) -> None:
    refusals = Refusals(path, ManualClock())
    refusals.note(PORCH, WRONG)
    assert refusals.of(replace(PORCH, **change)) is None  # type: ignore[arg-type]  # fields


def test_the_same_account_by_another_name_is_refused(path: Path) -> None:
    refusals = Refusals(path, ManualClock())
    refusals.note(PORCH, WRONG)
    assert refusals.of(replace(PORCH, name="gate", channel_id=3)) is not None


@pytest.mark.parametrize("reason", LoginRefusal)
def test_only_what_another_try_makes_worse_is_remembered(path: Path, reason: LoginRefusal) -> None:
    refusals = Refusals(path, ManualClock())
    refusals.note(PORCH, reason)
    harmless = {
        LoginRefusal.TOO_MANY_SESSIONS,
        LoginRefusal.DEVICE_BOUND,
        LoginRefusal.LEGACY_ONLY,
        LoginRefusal.ENCRYPTION,
    }
    assert (refusals.of(PORCH) is None) == (reason in harmless)


def test_success_forgets(path: Path) -> None:
    refusals = Refusals(path, ManualClock())
    refusals.note(PORCH, WRONG)
    refusals.forget(PORCH)
    assert refusals.of(PORCH) is None
    assert json.loads(path.read_text()) == {}


def test_file_is_private_bounded_and_tells_no_password(path: Path) -> None:
    clock = ManualClock()
    refusals = Refusals(path, clock)
    path.parent.mkdir()
    old = {"unix_s": clock.unix_s(), "reason": WRONG.value, "salt": "", "hash": ""}
    path.write_text(json.dumps({str(number): old for number in range(MOST_KEPT)}))
    path.chmod(0o600)
    clock.advance(1)
    refusals.note(PORCH, WRONG)
    assert len(json.loads(path.read_text())) == MOST_KEPT
    assert refusals.of(PORCH) is not None
    assert PORCH.password not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": 1}', '{"a": {"reason": "x"}}', "null"])
def test_file_that_makes_no_sense_is_as_good_as_none(path: Path, text: str) -> None:
    path.parent.mkdir()
    path.write_text(text)
    refusals = Refusals(path, ManualClock())
    assert refusals.of(PORCH) is None
    refusals.note(PORCH, WRONG)
    assert refusals.of(PORCH) is not None


def test_place_that_cannot_be_written_is_no_matter(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    refusals = Refusals(tmp_path / "file" / "refused.json", ManualClock())
    refusals.note(PORCH, WRONG)
    assert refusals.of(PORCH) is None


def test_without_a_place_nothing_is_remembered() -> None:
    refusals = Refusals(None, ManualClock())
    refusals.note(PORCH, WRONG)
    refusals.forget(PORCH)
    assert refusals.of(PORCH) is None
