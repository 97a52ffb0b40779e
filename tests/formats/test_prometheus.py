"""Metrics, read by the official client's parser."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

from gatewaydoctor.report.formats.prometheus import Gauge, exposition
from gatewaydoctor.report.words import shown
from tests.gates import HOSTILE, hostile

if TYPE_CHECKING:
    from pathlib import Path

    from prometheus_client.core import Metric

    from tests.formats.conftest import Looked

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


def _read(text: str) -> tuple[list[Metric], Series]:
    """The families, and the value of each series; a series that is there twice fails."""
    families = list(text_string_to_metric_families(text))
    series: Series = {}
    for family in families:
        assert family.documentation
        assert family.type == "gauge"
        assert re.fullmatch("gatewaydoctor_[a-z_]+", family.name)
        for sample in family.samples:
            key = sample.name, frozenset(sample.labels.items())
            assert key not in series
            assert not {"job", "instance", "namespace"} & sample.labels.keys(), "the scraper's, or of the push"
            series[key] = sample.value
    return families, series


def _value(series: Series, metric: str, /, **labels: str) -> float:
    return series[f"gatewaydoctor_{metric}", frozenset(labels.items())]


def _sum(series: Series, metric: str, /, **labels: str) -> float:
    wanted = set(labels.items())
    return sum(value for (each, had), value in series.items() if each == f"gatewaydoctor_{metric}" and wanted <= had)


def test_the_figures_are_those_of_the_document(looked: Looked) -> None:
    ran = looked.check("prometheus")
    _, series = _read(ran.out)
    told = looked.told
    assert _value(series, "success") == 1
    assert _value(series, "ok") == (ran.code == 0) == told["ok"]
    assert _value(series, "scan_timestamp_seconds") == told["now"] / 1000
    assert 0 < _value(series, "scan_duration_seconds") < 600
    severities = Counter(finding["severity"] for finding in told["findings"])
    for severity in ("critical", "error", "warning", "info"):
        assert _value(series, "findings", severity=severity) == severities[severity]
    for finding in told["findings"]:
        same = [f for f in told["findings"] if (f["rule"], f["severity"]) == (finding["rule"], finding["severity"])]
        labels = {"rule": finding["rule"], "severity": finding["severity"]}
        assert _value(series, "rule_findings", **labels) == len(same)
        assert _value(series, "rule_things", **labels) == sum(f["count"] for f in same)
    states = {state: _value(series, "gateway_liveness", state=state) for state in ("live", "dead", "unknown")}
    assert states == {state: state == told["gateway"]["liveness"] for state in states}


def test_the_figures_of_stores_and_jobs_are_those_of_the_document(looked: Looked) -> None:
    _, series = _read(looked.check("prometheus").out)
    for store in looked.told["stores"]:
        labels = {"agent": store["agentId"], "store": shown(store["path"])}
        assert _value(series, "store_bytes", **labels) == store["bytes"]
        assert _value(series, "store_readable", **labels) == (store["readable"] == "yes")
        assert _value(series, "store_stuck_entries", **labels) == store["stuck"]
        for cell in store["distribution"]["cells"]:
            place = {"kind": cell["kind"], "status": cell["status"]}
            assert _value(series, "store_entries", **labels, **place) == cell["entries"]
        assert _sum(series, "cron_runs", **labels) == sum(job["runs"] for job in store["cron"])
        for job in store["cron"]:
            which = labels | {"cron_job": shown(job["jobId"]), "name": shown(job["name"] or "")}
            assert _value(series, "cron_stuck_runs", **which) == job["stuck"]


def test_a_hostile_name_comes_back_as_it_is_shown(no_directory: Looked, tmp_path: Path) -> None:
    state = hostile(tmp_path)
    _, series = _read(no_directory.run("check", "--state-dir", str(state), "--format", "prometheus").out)
    names = {dict(labels).get("name") for _, labels in series}
    assert shown(HOSTILE) in names


def test_a_look_that_failed_says_so(no_directory: Looked) -> None:
    ran = no_directory.check("prometheus")
    _, series = _read(ran.out)
    assert ran.code == 2
    assert (_value(series, "success"), _value(series, "ok")) == (0, 0)
    assert not _sum(series, "findings")


def test_labels_are_escaped_and_equal_series_added_up() -> None:
    gauge = Gauge("things", 'a \\ in\nhelp "x"')
    gauge.add(2**52 + 1, a='q"\\\n', b="")
    gauge.add(1, a='q"\\\n', b="")
    (family,) = text_string_to_metric_families(exposition([gauge, Gauge("none", "without samples")]))
    (sample,) = family.samples
    assert (sample.labels, sample.value) == ({"a": 'q"\\\n', "b": ""}, 2**52 + 2)
    assert family.documentation == 'a \\ in\nhelp "x"'
