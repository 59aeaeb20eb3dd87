"""The catalogue against the document, the dashboard, the alert rules and what was promised."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from neolink.health.values import HealthState
from neolink.metrics.catalogue import CATALOGUE, HEALTH_STATES
from neolink.metrics.document import with_tables
from neolink.metrics.model import SCOPE_LABELS, Metric, MetricType

ROOT = Path(__file__).parent.parent.parent
DOCUMENT = ROOT / "docs" / "metrics.md"
CONTRIB = ROOT / "contrib"
NOT_OURS = {"up", "prometheus"}
"""What Prometheus makes itself."""

PROMISED = {
    "neolink_camera_connected": {"camera"},
    "neolink_stream_active": {"camera", "stream"},
    "neolink_clients": {"camera", "stream"},
    "neolink_frames_total": {"camera", "stream"},
    "neolink_frames_dropped_total": {"camera", "stream", "reason"},
    "neolink_bytes_total": {"camera", "stream"},
    "neolink_buffer_bytes": {"camera", "stream"},
    "neolink_pool_bytes": set(),
    "neolink_reconnects_total": {"camera", "cause"},
    "neolink_errors_total": {"camera", "phase"},
    "neolink_setup_seconds": {"camera", "stream"},
    "neolink_av_drift_seconds": {"camera", "stream"},
    "neolink_loop_lag_seconds": set(),
    "neolink_battery_percent": {"camera"},
    "neolink_awake_seconds_total": {"camera"},
}

ALL: list[tuple[tuple[str, ...], Metric[Any]]] = [
    ((*SCOPE_LABELS[scope], *metric.labels), metric)
    for scope, metrics in CATALOGUE
    for metric in metrics
]
LABELS = {metric.name: set(labels) for labels, metric in ALL}


@pytest.mark.parametrize("name", PROMISED)
def test_what_was_promised_is_there_with_its_labels(name: str) -> None:
    assert LABELS[name] >= PROMISED[name]


def test_setup_time_is_a_histogram() -> None:
    types = {metric.name: metric.type for _, metric in ALL}
    assert types["neolink_setup_seconds"] is MetricType.HISTOGRAM


def test_names_are_unique_and_say_type_and_unit() -> None:
    names = [metric.name for _, metric in ALL]
    assert len(names) == len(set(names))
    for _, metric in ALL:
        assert re.fullmatch(r"(neolink|process)_[a-z0-9_]+", metric.name), metric.name
        assert metric.name.endswith("_total") is (metric.type is MetricType.COUNTER), metric.name
        if metric.type is MetricType.HISTOGRAM:
            assert metric.name.endswith("_seconds"), metric.name


def test_every_metric_has_a_meaning_in_a_sentence() -> None:
    for labels, metric in ALL:
        assert len(metric.help) > 10, metric.name
        assert metric.help.endswith("."), metric.name
        assert len(labels) == len(set(labels)), metric.name


def test_no_label_is_of_the_kind_that_grows_without_bound_or_must_not_be_told() -> None:
    for labels, metric in ALL:
        assert not set(labels) & {"address", "ip", "host", "user", "agent", "uid", "session", "url"}
        assert "le" not in labels, metric.name


def test_states_of_health_are_those_of_the_judgement() -> None:
    assert set(HEALTH_STATES) == {state.value for state in HealthState}


# ---------------------------------------------------------------- the document
def test_the_document_has_every_metric_as_it_is() -> None:
    text = DOCUMENT.read_text("utf-8")
    assert text == with_tables(text), (
        "docs/metrics.md is not as the catalogue says; write it anew with:\n"
        "    .venv/bin/python -m neolink.metrics.document docs/metrics.md"
    )
    for _, metric in ALL:
        assert f"| `{metric.name}` |" in text, f"docs/metrics.md has no place for {metric.name}"


def test_a_change_of_the_catalogue_changes_the_document() -> None:
    text = DOCUMENT.read_text("utf-8")
    spoilt = text.replace("1 while players can connect.", "Something else.")
    assert spoilt != text
    assert with_tables(spoilt) == text


# ---------------------------------------------------------------- the files for others
def _expressions(found: object) -> Iterator[str]:
    if isinstance(found, dict):
        for key, value in found.items():
            if key in {"expr", "query", "definition"} and isinstance(value, str):
                yield value
            yield from _expressions(value)
    elif isinstance(found, list):
        for value in found:
            yield from _expressions(value)


def _names_in(expression: str) -> set[str]:
    return set(re.findall(r"\b(?:neolink|process)_[a-z0-9_]+", expression))


def _base(name: str) -> str:
    """Return the name of the metric that a series belongs to."""
    return name if name in LABELS else re.sub(r"_(bucket|sum|count)$", "", name)


DASHBOARD = list(_expressions(json.loads((CONTRIB / "grafana-dashboard.json").read_text("utf-8"))))
RULES = re.findall(
    r"^ +expr: (.+?)\n +(?:for|labels):",
    (CONTRIB / "prometheus-alerts.yml").read_text("utf-8"),
    re.DOTALL | re.MULTILINE,
)


def test_the_files_were_read() -> None:
    assert len(DASHBOARD) > 30
    rules = (CONTRIB / "prometheus-alerts.yml").read_text("utf-8")
    assert len(RULES) == rules.count("- alert:") > 10


@pytest.mark.parametrize("expression", sorted({*DASHBOARD, *RULES}))
def test_dashboard_and_rules_name_only_metrics_and_labels_that_there_are(expression: str) -> None:
    names = _names_in(expression)
    assert names or expression in NOT_OURS or expression.startswith("up{"), expression
    for name in names:
        assert _base(name) in LABELS, name
    for name, inside in re.findall(r"((?:neolink|process)_[a-z0-9_]+)\{([^}]*)\}", expression):
        for label in re.findall(r"(\w+)\s*(?:=~|!=|=)", inside):
            assert label in LABELS[_base(name)] | {"job", "instance", "le"}, (name, label)


def test_rules_that_tell_of_what_happened_speak_of_counters_that_begin_at_0() -> None:
    """``increase`` does not see a series that begins at 1: these labels have all their values."""
    counted = {name for rule in RULES for name in re.findall(r"increase\((\w+)", rule)}
    assert counted == {
        "neolink_reconnects_total",
        "neolink_refused_total",
        "neolink_restarts_total",
    }
