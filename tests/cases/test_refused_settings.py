"""Settings over which a release does not start: names it does not know, and values of another type than it takes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.checks.verdict import start_verdict
from gatewaydoctor.examine.world import Where
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.model.outcome.verdict import Start
from gatewaydoctor.state.config.accepted import NAMES, RELEASES, TYPES, accepts, type_of
from tests.cli.harness import run
from tests.world import NOW, StateDir

if TYPE_CHECKING:
    from pathlib import Path

EVERY = (None, *RELEASES)


def made(tmp_path: Path, release: str | None, sections: dict[str, object]) -> StateDir:
    state = StateDir(tmp_path, release).healthy()
    gateway = {"mode": "local"} | dict(sections.get("gateway") or {})  # type: ignore[call-overload]
    meta = {"meta": {"lastTouchedVersion": release}} if release else {}
    state.file("openclaw.json", meta | sections | {"gateway": gateway})
    return state


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan"), 0.5])
def test_a_number_without_an_end_is_no_whole_number(value: float, tmp_path: Path) -> None:
    (found,) = made(tmp_path, "2026.3.28", {"acp": {"maxConcurrentSessions": value}}).judge().of("config-refused")
    assert "acp.maxConcurrentSessions (a number, not a whole number above 0)" in found.message


@pytest.mark.parametrize("release", EVERY)
def test_an_agent_in_a_list_needs_an_id_but_for_2026_9_6(release: str | None, tmp_path: Path) -> None:
    """Its start calls such an agent `agent`, and moves the list to `entries`."""
    found = made(tmp_path, release, {"agents": {"list": [{"name": "a"}]}}).judge().of("config-refused")
    told = () if release == "2026.9.6" else ("1 setting the gateway refuses: agents.list.0.id (missing).",)
    assert tuple(each.message for each in found) == told


@pytest.mark.parametrize("release", EVERY)
@pytest.mark.parametrize(
    ("sections", "told"),
    [
        ({"sesion": {}}, "sesion (not a setting it knows; did you mean session?)"),
        ({"Session": {}}, "Session (not a setting it knows; did you mean session?)"),
        ({"nonesuch": 1}, "nonesuch (not a setting it knows)"),
        (
            {"session": {"maintenence": {}}},
            "session.maintenence (not a setting it knows; did you mean maintenance?)",
        ),
        (
            {"session": {"maintenance": {"maxEntrees": 5}}},
            "session.maintenance.maxEntrees (not a setting it knows; did you mean maxEntries?)",
        ),
        (
            {"session": {"maintenance": {"maxEntries": "500"}}},
            "session.maintenance.maxEntries (text, not a whole number of 1 or more)",
        ),
        (
            {"session": {"maintenance": {"mode": "harsh"}}},
            "session.maintenance.mode (text, not warn or enforce)",
        ),
        (
            {"cron": {"sessionRetention": 24}},
            "cron.sessionRetention (a number, not a duration in quotes such as 24h, or false)",
        ),
        ({"cron": {"enabled": "yes"}}, "cron.enabled (text, not true or false)"),
        ({"cron": None}, "cron (null, not an object)"),
        ({"agents": []}, "agents (a list, not an object)"),
        ({"gateway": {"prot": 1}}, "gateway.prot (not a setting it knows; did you mean port?)"),
    ],
)
def test_what_every_release_refuses(
    release: str | None, sections: dict[str, object], told: str, tmp_path: Path
) -> None:
    state = made(tmp_path, release, sections)
    judgement = state.judge()
    (found,) = judgement.of("config-refused")
    assert (found.severity, found.count) == (Severity.ERROR, 1)
    assert found.message == f"1 setting the gateway refuses: {told}."
    assert "refuses to start" in found.consequence
    assert found.by_hand is not None
    assert told.partition(" ")[0] in found.by_hand
    assert start_verdict(judgement.examination, judgement.findings).start is Start.NO
    assert not judgement.of("config-unreadable"), "said once"


@pytest.mark.parametrize("release", RELEASES)
def test_every_name_and_a_value_of_every_type_passes(release: str, tmp_path: Path) -> None:
    at = RELEASES.index(release)
    sections: dict[str, object] = {"gateway": {"mode": "local"}}
    for section, spans in NAMES.items():
        for first, last, names in spans:
            if RELEASES.index(first) <= at <= RELEASES.index(last):
                for name in names.split():
                    _put(sections, f"{section}.{name}".lstrip("."), {})
    good = ({}, [], "x", True, 1, "30d", "10mb", "24h", "warn", "global")
    for path in dict.fromkeys(path for path, *_ in TYPES):
        wanted = type_of(path, release)
        if wanted is not None and not accepts(wanted, _get(sections, path.split("."))):
            _put(sections, path, next(value for value in good if accepts(wanted, value)))
    state = StateDir(tmp_path, None).healthy()
    sections["gateway"] = {"mode": "local"}
    sections["meta"] = {"lastTouchedVersion": release}
    state.file("openclaw.json", sections)
    typed = {path for path, *_ in TYPES}
    told = [each for found in state.findings("config-refused") for each in found.evidence["settings"]]  # type: ignore[attr-defined]
    assert not [each for each in told if each["setting"] in typed or "not a setting" in each["reason"]]


def _put(sections: dict[str, object], path: str, value: object) -> None:
    *above, name = path.split(".")
    inner: dict[str, object] = sections
    for each in above:
        inner = inner.setdefault(each, {})  # type: ignore[assignment]
    if not isinstance(inner.get(name), dict) or not isinstance(value, dict):
        inner[name] = value


def _get(sections: dict[str, object], path: list[str]) -> object:
    value: object = sections
    for each in path:
        value = value.get(each) if isinstance(value, dict) else None
    return value


@pytest.mark.parametrize(
    ("release", "sections", "count"),
    [
        ("2026.3.28", {"agents": {"entries": {}}}, 1),
        ("2026.5.22", {"agents": {"entries": {}}}, 1),
        ("2026.9.6", {"agents": {"entries": {}}}, 0),
        ("2026.9.6", {"agents": {"list": [{"id": "a"}]}}, 0),
        ("2026.9.6", {"session": {"maintenance": {"rotateBytes": "10mb", "pruneDays": 30}}}, 0),
        ("2026.3.28", {"surfaces": {}}, 1),
        ("2026.4.10", {"surfaces": {}}, 0),  # between one that refuses and one that does not
        ("2026.4.10", {"accessGroups": {}}, 1),
        ("2026.2.9", {"audio": {}}, 0),
        ("2026.8.1", {"gateway": {"port": 70_000}}, 1),
        (None, {"surfaces": {}}, 0),
        (None, {"nonesuch": {}}, 1),
        ("2026.9.6", {"session": {"maintenance": {"maxDiskBytes": False}}}, 0),
        ("2026.5.22", {"session": {"maintenance": {"maxDiskBytes": False}}}, 1),
        ("2026.5.22", {"channels": {"modelByChannel": {}}, "env": {"NONESUCH": "1"}}, 0),
        ("2026.5.22", {"models": {"nonesuch": 1}}, 1),
    ],
)
def test_releases_differ(release: str | None, sections: dict[str, object], count: int, tmp_path: Path) -> None:
    assert sum(each.count for each in made(tmp_path, release, sections).findings("config-refused")) == count


REFERENCE = {"source": "env", "provider": "default", "id": "TOKEN"}
DEEP = [
    ({"gateway": {"auth": {"token": {"source": "env", "id": "X"}}}}, "gateway.auth.token.provider (missing)"),
    (
        {"gateway": {"auth": {"mode": "magic"}}},
        "gateway.auth.mode (text, not none, token, password or trusted-proxy)",
    ),
    ({"gateway": {"auth": {"token": 5}}}, "gateway.auth.token (a number, not text or an object)"),
    (
        {"models": {"providers": {"Quartz": {"modles": []}}}},
        "models.providers.*.modles (not a setting it knows; did you",
    ),
    (
        {"models": {"providers": {"x": {"models": [{"id": 1}]}}}},
        "models.providers.*.models.0.id (a number, not text)",
    ),
    ({"logging": {"level": "loud"}}, "logging.level (text, not one of 7 words)"),
    ({"plugins": {"entries": {"x": True}}}, "plugins.entries.* (true or false, not an object)"),
    ({"channels": []}, "channels (a list, not an object)"),
]


@pytest.mark.parametrize(("sections", "told"), DEEP)
def test_every_section_is_judged_by_the_schema_of_the_release(
    sections: dict[str, object], told: str, tmp_path: Path
) -> None:
    (found,) = made(tmp_path, "2026.9.6", sections).findings("config-refused")
    assert told in found.message
    assert "Quartz" not in found.message + str(found.evidence)
    assert found.severity is Severity.ERROR


TOGETHER = [
    ({"gateway": {"auth": {"mode": "password"}}}, "gateway.auth.password (missing", "exit 78"),
    ({"gateway": {"auth": {"mode": "trusted-proxy"}}}, "gateway.auth.trustedProxy (missing", "exit 1"),
    ({"gateway": {"auth": {"token": "x", "password": "y"}}}, "gateway.auth.mode (missing", "exit 1"),
    ({"gateway": {"bind": "lan", "tailscale": {"mode": "serve"}}}, "gateway.bind (has to be loopback", "exit 78"),
    ({"gateway": {"bind": "custom"}}, "gateway.customBindHost (missing", "exit 1"),
    ({"gateway": {"bind": "lan", "auth": {"mode": "none"}}}, "gateway.auth.mode (none", "exit 78"),
    (
        {"bindings": [{"agentId": "ghost", "match": {"channel": "telegram"}}]},
        "bindings.0.agentId (an agent",
        "exit 78",
    ),
    ({"broadcast": {"x": ["main", "ghost"]}}, "broadcast.*.1 (an agent", "exit 78"),
    ({"agents": {"defaults": {"heartbeat": {"every": "soon"}}}}, "heartbeat.every (text, not a duration", "exit 78"),
    ({"agents": {"defaults": {"heartbeat": {"every": "1.1.1"}}}}, "heartbeat.every (text, not a duration", "exit 78"),
    ({"agents": {"defaults": {"heartbeat": {"every": "1" * 500 + "x"}}}}, "heartbeat.every (text, not a", "exit 78"),
    ({"agents": {"list": [{"id": "main", "nonesuch": 1}]}}, "agents.list.0.nonesuch (not a setting", "exit 78"),
]


@pytest.mark.parametrize(("sections", "told", "code"), TOGETHER)
def test_what_settings_ask_of_each_other(sections: dict[str, object], told: str, code: str, tmp_path: Path) -> None:
    (found,) = made(tmp_path, "2026.9.6", sections).findings("config-refused")
    assert told in found.message
    assert code in found.consequence


@pytest.mark.parametrize(
    "sections",
    [
        {"gateway": {"bind": "lan", "auth": {"mode": "token", "token": "x"}}},
        {
            "bindings": [
                {"agentId": "MAIN", "match": {"channel": "telegram"}},
                {"agentId": "*", "match": {"channel": "x"}},
            ]
        },
        {"agents": {"defaults": {"heartbeat": {"every": "1h30m"}}}},
        {"agents": {"list": [{"id": "main", "default": True, "workspace": "/w", "heartbeat": {"every": "5m"}}]}},
    ],
)
def test_what_goes_together_is_not_refused(sections: dict[str, object], tmp_path: Path) -> None:
    assert not made(tmp_path, "2026.9.6", sections).findings("config-refused")


def test_a_variable_of_a_secret_that_is_not_set_here_puts_the_start_at_risk(tmp_path: Path) -> None:
    state = made(tmp_path, "2026.9.6", {"gateway": {"auth": {"mode": "token", "token": REFERENCE}}})
    judgement = state.judge()
    (found,) = judgement.of("config-refused")
    assert found.consequence.endswith("refuses to start (exit 1) unless it is set where it runs.")
    assert start_verdict(judgement.examination, judgement.findings).start is Start.AT_RISK


@pytest.mark.parametrize(
    "sections",
    [
        {"gateway": {"auth": {"token": REFERENCE}}, "env": {"TOKEN": "x"}},
        {"gateway": {"auth": {"mode": "none", "token": REFERENCE}}},
        {"gateway": {"auth": {"mode": "token"}}},
        {"gateway": {"auth": {"mode": "token", "token": "x", "password": "y"}}},
        {"gateway": {"auth": {"mode": "${MODE}"}}},
        {"channels": {"telegram": {"botToken": "x"}}},
        {"plugins": {"entries": {"x": {"enabled": True, "config": {"anything": [1]}}}}},
        {"talk": {"apiKey": "of an earlier release"}},
        {"models": {"providers": {"x": {"baseUrl": "http://x", "models": [], "headers": {"__proto__": 1}}}}},
    ],
)
def test_what_the_schema_or_that_of_an_earlier_release_takes_is_not_refused(
    sections: dict[str, object], tmp_path: Path
) -> None:
    assert not made(tmp_path, "2026.9.6", sections).findings("config-refused")


def test_a_release_newer_than_any_that_was_tried_may_know_the_name(tmp_path: Path) -> None:
    judgement = made(tmp_path, "2026.12.1", {"nonesuch": {}}).judge()
    (found,) = judgement.of("config-refused")
    assert found.severity is Severity.WARNING
    assert found.consequence.endswith("whether a newer release does is not known.")
    assert start_verdict(judgement.examination, judgement.findings).start is Start.AT_RISK


def test_a_variable_is_filled_in_and_one_that_is_not_set_here_is_not_judged(tmp_path: Path) -> None:
    state = made(tmp_path, "2026.5.22", {"session": {"maintenance": {"mode": "${MODE}"}}, "env": {"MODE": "warn"}})
    assert not state.findings("config-refused")
    state.file("openclaw.json", {"gateway": {"mode": "local"}, "session": {"maintenance": {"mode": "${ELSEWHERE}"}}})
    assert not state.findings("config-refused")
    assert "ELSEWHERE" in str(state.only("config-unreadable").evidence)


def test_a_setting_of_an_included_file_is_judged(tmp_path: Path) -> None:
    state = made(tmp_path, "2026.5.22", {"session": {"$include": "./session.json"}})
    state.file("session.json", {"sesions": {}})
    assert "session.sesions" in state.only("config-refused").message


def test_an_odd_name_is_not_repeated_and_shows_no_control_character(tmp_path: Path) -> None:
    state = made(tmp_path, "2026.5.22", {"a\x1b[31mb": {}, "x" * 900: {}})
    message = state.only("config-refused").message
    assert message.count("an odd name at the top level") == 2
    out = run("scan", "-v", "--state-dir", str(state.root), "--now", str(NOW)).out
    assert "\x1b" not in out


def test_redaction_leaves_known_names_and_no_other(tmp_path: Path) -> None:
    state = made(tmp_path, "2026.5.22", {"Quartzite": {"a": 1}, "session": {"maintenance": {"maxEntries": "7788"}}})
    for form in ((), ("--json",)):
        out = run("scan", "-v", "--redact", "--state-dir", str(state.root), "--now", str(NOW), *form).out
        assert "uartzite" not in out
        assert "7788" not in out
        assert "maxEntries" in out


def test_the_gate_stops_such_a_start(tmp_path: Path) -> None:
    state = made(tmp_path, "2026.5.22", {"sesion": {}})
    ran = run("gate", "--state-dir", str(state.root))
    assert ran.code == 78
    assert "config-refused" in ran.out + ran.err or "refuses" in ran.out + ran.err


def test_a_store_alone_and_a_broken_config_have_no_settings_to_judge(tmp_path: Path) -> None:
    state = made(tmp_path, "2026.5.22", {"sesion": {}})
    store = state.root / "agents/main/sessions/sessions.json"
    assert not state.findings("config-refused", where=Where(store=str(store)))
    state.file("openclaw.json", json.dumps({"sesion": {}})[:-1])
    assert not state.findings("config-refused")
