"""What Prometheus' own checker says of our text, rules and configuration."""

import subprocess
from pathlib import Path

import pytest

from neolink.metrics.text import render
from support.processes import need_programs
from support.readings import bridge_reading, camera_reading

CONTRIB = Path(__file__).parent.parent.parent / "contrib"

pytestmark = pytest.mark.foreign


def promtool(*arguments: str, given: str = "") -> str:
    need_programs("promtool")
    ended = subprocess.run(
        ["promtool", *arguments], input=given, capture_output=True, text=True, check=False
    )
    said = ended.stdout + ended.stderr
    assert ended.returncode == 0, said
    return said


@pytest.mark.parametrize(("cameras", "players"), [(0, 0), (3, 40)])
def test_our_text_is_flawless(cameras: int, players: int) -> None:
    given = (camera_reading('odd "name" \\ with\nall', battery_percent=7),) if cameras else ()
    reading = bridge_reading(cameras, players, given=given)
    states = {camera.name: "ok" for camera in reading.cameras}
    assert promtool("check", "metrics", given="".join(render(reading, states))) == ""


def test_the_alert_rules_are_valid() -> None:
    assert "SUCCESS" in promtool("check", "rules", str(CONTRIB / "prometheus-alerts.yml"))


def test_the_scrape_configuration_is_valid() -> None:
    said = promtool("check", "config", str(CONTRIB / "prometheus.yml"))
    assert "FAILED" not in said


def test_the_rules_fire_when_they_should_and_only_then() -> None:
    said = promtool("test", "rules", str(Path(__file__).parent / "alerts.test.yml"))
    assert "SUCCESS" in said
