"""Units and rules for Prometheus as systemd and promtool read them."""

from __future__ import annotations

import os
import re
import shutil
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.integrate.site import HOSTILE, execute, program, snippet, state
from tests.integrate.test_systemd import analyzed, needs_systemd, setting, words

if TYPE_CHECKING:
    from pathlib import Path

needs_promtool = pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not here")


def service(place: Path, fixture: str) -> str:
    (place / "metrics").mkdir(parents=True, exist_ok=True)
    options = ("--state-dir", state(fixture, place / "state"), "--program", program(place / "gatewaydoctor"))
    return snippet("prometheus", "--form", "service", *options, "--textfile-dir", str(place / "metrics"))


@pytest.mark.parametrize(("fixture", "code", "ok"), [("store-bloat", 0, 1), ("store-unparseable", 1, 0)])
def test_the_service_writes_metrics(fixture: str, code: int, ok: int, tmp_path: Path) -> None:
    place = tmp_path / HOSTILE
    text = service(place, fixture)
    ran = execute(words(setting(text, "ExecStart")), tmp_path)
    assert (ran.code, ran.out, ran.err) == (code, "", "")
    assert setting(text, "SuccessExitStatus") == "1"
    assert f"gatewaydoctor_ok {ok}" in (place / "metrics/gatewaydoctor.prom").read_text()
    assert words(setting(text, "ReadWritePaths").replace("$", "$$")) == [str(place / "metrics")]


@needs_systemd
def test_systemd_takes_service_and_timer(tmp_path: Path) -> None:
    place = tmp_path / HOSTILE
    (tmp_path / "gatewaydoctor-metrics.service").write_text(service(place, "healthy"))
    (tmp_path / "gatewaydoctor-metrics.timer").write_text(snippet("prometheus", "--form", "timer"))
    for unit in ("gatewaydoctor-metrics.service", "gatewaydoctor-metrics.timer"):
        done = analyzed(tmp_path, unit)
        assert (done.returncode, done.stderr) == (0, ""), unit


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "rules.yml"
    path.write_text(snippet("prometheus", "--form", "alerts"))
    return path


def test_alerts_are_about_metrics_there_are(rules: Path, tmp_path: Path) -> None:
    place = tmp_path / "place"
    execute(words(setting(service(place, "store-unparseable"), "ExecStart")), tmp_path)
    there = set(re.findall(r"^# TYPE (\S+)", (place / "metrics/gatewaydoctor.prom").read_text(), re.MULTILINE))
    (group,) = yaml.safe_load(rules.read_text())["groups"]
    named = {name for rule in group["rules"] for name in re.findall(r"gatewaydoctor_\w+", rule["expr"])}
    assert named
    assert named <= there


SERIES = {
    "fine": ({"findings": "0x200", "ok": "1x200", "success": "1x200", "stamp": "0+60x200"}, []),
    "critical": (
        {"findings": "1x200", "ok": "0x200", "success": "1x200", "stamp": "0+60x200"},
        ["GatewayStartWouldLoseData", "GatewayStateNeedsAttention"],
    ),
    "errors": (
        {"findings": "0x200", "ok": "0x200", "success": "1x200", "stamp": "0+60x200"},
        ["GatewayStateNeedsAttention"],
    ),
    "heap": (
        {"heap": "1x200", "ok": "0x200", "success": "1x200", "stamp": "0+60x200"},
        ["GatewayStateNeedsAttention"],
    ),
    "could-not-look": ({"ok": "0x200", "success": "0x200", "stamp": "0+60x200"}, ["GatewayStateUnknown"]),
    "stopped-looking": (
        {"findings": "0x200", "ok": "1x200", "success": "1x200", "stamp": "0x200"},
        ["GatewayStateUnknown"],
    ),
}
"""Series of a minute's step -> the alerts that fire after three hours."""
ALERTS = ("GatewayStartWouldLoseData", "GatewayStateNeedsAttention", "GatewayStateUnknown")


@needs_promtool
@pytest.mark.parametrize("name", SERIES)
def test_promtool_fires_the_alerts(name: str, rules: Path, tmp_path: Path) -> None:
    values, fires = SERIES[name]
    names = {
        "findings": 'gatewaydoctor_rule_findings{instance="a",rule="store-unparseable",severity="critical"}',
        "heap": 'gatewaydoctor_rule_findings{instance="a",rule="store-heap-risk",severity="critical"}',
        "ok": 'gatewaydoctor_ok{instance="a"}',
        "success": 'gatewaydoctor_success{instance="a"}',
        "stamp": 'gatewaydoctor_scan_timestamp_seconds{instance="a"}',
    }
    (group,) = yaml.safe_load(rules.read_text())["groups"]
    by_name = {rule["alert"]: rule for rule in group["rules"]}
    assert tuple(by_name) == ALERTS

    def expected(alert: str) -> list[dict[str, object]]:
        rule = by_name[alert]
        labels = {**rule["labels"], "instance": "a"}
        if "severity=" in rule["expr"]:
            labels["severity"] = "critical"
        annotations = {key: text.replace("{{ $labels.instance }}", "a") for key, text in rule["annotations"].items()}
        return [{"exp_labels": labels, "exp_annotations": annotations}] if alert in fires else []

    test = {
        "rule_files": [rules.name],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": names[key], "values": value} for key, value in values.items()],
                "alert_rule_test": [
                    {"eval_time": "3h", "alertname": alert, "exp_alerts": expected(alert)} for alert in ALERTS
                ],
            }
        ],
    }
    (tmp_path / "test.yml").write_text(yaml.safe_dump(test))
    assert execute(["promtool", "check", "rules", rules.name], tmp_path, {"PATH": os.environ["PATH"]}).code == 0
    ran = execute(["promtool", "test", "rules", "test.yml"], tmp_path)
    assert ran.code == 0, ran.out + ran.err
