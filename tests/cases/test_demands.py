"""What validation asks of settings beyond their types, and what a release brings; each as `config validate` of the
release said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.model.outcome.verdict import Start
from gatewaydoctor.state.config.accepted import RELEASES
from tests.cases.test_refused_settings import made
from tests.world import StateDir

if TYPE_CHECKING:
    from pathlib import Path

DATABASES = RELEASES[RELEASES.index("2026.8.1") :]


def told(state: StateDir) -> tuple[Start, list[str]]:
    judgement = state.judge()
    found = judgement.of("config-refused")
    return judgement.verdict.start, [each["setting"] for one in found for each in one.evidence["settings"]]  # type: ignore[attr-defined]


def exec_secret(command: object, **more: object) -> dict[str, object]:
    return {"secrets": {"providers": {"mine": {"source": "exec", "command": command, **more}}}}


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize(
    ("sections", "path"),
    [
        ({"channels": {"nonesuch": {"enabled": False}}}, "channels.nonesuch"),
        ({"channels": {"telegram": {"nonesuch": 1}}}, "channels.telegram.nonesuch"),
        ({"channels": {"discord": {"enabled": "yes"}}}, "channels.discord.enabled"),
        ({"channels": {"signal": []}}, "channels.signal"),
        ({"channels": {"defaults": {"nonesuch": 1}}}, "channels.defaults.nonesuch"),
        ({"channels": {"defaults": {"groupPolicy": "maybe"}}}, "channels.defaults.groupPolicy"),
        ({"channels": {"defaults": []}}, "channels.defaults"),
        ({"channels": {"modelByChannel": {"telegram": {"1": 5}}}}, "channels.modelByChannel.*.*"),
        ({"browser": {"profiles": {"work": {"color": "#123456"}}}}, "browser.profiles.*"),
        (
            {"agents": {"defaults": {"sandbox": {"docker": {"network": "Host"}}}}},
            "agents.defaults.sandbox.docker.network",
        ),
        (
            {"agents": {"defaults": {"sandbox": {"docker": {"seccompProfile": "unconfined"}}}}},
            "agents.defaults.sandbox.docker.seccompProfile",
        ),
    ],
)
def test_every_release_refuses(release: str, sections: dict[str, object], path: str, tmp_path: Path) -> None:
    assert told(made(tmp_path, release, sections)) == (Start.NO, [path])


GATEWAY = {"mode": "local", "auth": {"mode": "token", "token": "x"}}


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize(
    ("sections", "path"),
    [
        ({"gateway": {"auth": {"mode": "trusted-proxy"}}}, "gateway.auth.trustedProxy"),
        ({"gateway": {"auth": {"token": "x", "password": "y"}}}, "gateway.auth.mode"),
        ({"gateway": {**GATEWAY, "bind": "lan", "tailscale": {"mode": "serve"}}}, "gateway.bind"),
        ({"gateway": {**GATEWAY, "bind": "lan", "auth": {"mode": "none"}}}, "gateway.auth.mode"),
        ({"gateway": {**GATEWAY, "bind": "custom"}}, "gateway.customBindHost"),
        ({"gateway": {**GATEWAY, "tls": {"enabled": True, "autoGenerate": False}}}, "gateway.tls.certPath"),
        ({"hooks": {"enabled": True}}, "hooks.token"),
        ({"agents": {"list": [{"id": "a", "agentDir": "/srv/a"}, {"id": "b", "agentDir": "/srv/a"}]}}, "agents.list"),
        ({"agents": {"defaults": {"heartbeat": {"every": "soon"}}}}, "agents.defaults.heartbeat.every"),
        (
            {"gateway": {"auth": {"mode": "token", "token": {"source": "env", "provider": "nowhere", "id": "X"}}}},
            "gateway.auth.token",
        ),
    ],
)
def test_no_release_starts_with_settings_that_contradict_each_other(
    release: str, sections: dict[str, object], path: str, tmp_path: Path
) -> None:
    start, paths = told(made(tmp_path, release, sections))
    assert start is Start.NO
    assert path in paths


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize(
    "sections",
    [
        {"agents": {"list": [{"id": "a", "default": True}, {"id": "b", "default": True}]}},
    ],
)
def test_what_only_releases_with_databases_refuse(release: str, sections: dict[str, object], tmp_path: Path) -> None:
    assert told(made(tmp_path, release, sections))[0] is (Start.NO if release in DATABASES else Start.YES)


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize(
    "sections",
    [
        {"agents": {"defaults": {"workspace": "/etc/hostname"}}},
        {"gateway": {"auth": {"mode": "token", "token": "  "}}},
    ],
)
def test_what_no_release_before_2026_9_3_refuses(release: str, sections: dict[str, object], tmp_path: Path) -> None:
    refused = RELEASES.index(release) >= RELEASES.index("2026.9.3")
    assert told(made(tmp_path, release, sections))[0] is (Start.NO if refused else Start.YES)


@pytest.mark.parametrize("release", RELEASES)
def test_a_binding_to_no_agent_stops_releases_from_2026_7_1_on(release: str, tmp_path: Path) -> None:
    """As real starts of each but 2026.4.25 did."""
    refused = RELEASES.index(release) >= RELEASES.index("2026.7.1")
    state = made(tmp_path, release, {"bindings": [{"agentId": "ghost", "match": {"channel": "telegram"}}]})
    assert told(state) == ((Start.NO, ["bindings.0.agentId"]) if refused else (Start.YES, []))


@pytest.mark.parametrize("release", RELEASES)
def test_hooks_may_not_have_the_token_of_the_gateway_up_to_2026_5_22(release: str, tmp_path: Path) -> None:
    start, paths = told(made(tmp_path, release, {"gateway": GATEWAY, "hooks": {"enabled": True, "token": "x"}}))
    files = RELEASES.index(release) <= RELEASES.index("2026.5.22")
    assert (start, paths) == ((Start.NO, ["hooks.token"]) if files else (Start.YES, []))


@pytest.mark.parametrize("release", ["2026.5.22", "2026.9.6"])
def test_the_environment_of_the_gateway_may_have_its_password(release: str, tmp_path: Path) -> None:
    """Both started with it there."""
    state = made(tmp_path, release, {"gateway": {"auth": {"mode": "password"}}})
    assert told(state) == (Start.AT_RISK, ["gateway.auth.password"])
    env = {"vars": {"OPENCLAW_GATEWAY_PASSWORD": "Quartzite"}}
    state.config({"gateway": {"mode": "local", "auth": {"mode": "password"}}, "env": env})
    assert told(state)[0] is Start.YES


@pytest.mark.parametrize(
    ("release", "code"), [("2026.3.28", 1), ("2026.4.25", 78), ("2026.5.22", 78), ("2026.9.6", 78)]
)
def test_the_exit_of_a_start_without_its_password(release: str, code: int, tmp_path: Path) -> None:
    verdict = made(tmp_path, release, {"gateway": {"auth": {"mode": "password"}}}).judge().verdict
    assert f"(exit {code})" in verdict.reason


@pytest.mark.parametrize(("release", "start"), [("2026.4.25", Start.AT_RISK), ("2026.5.22", Start.NO)])
def test_2026_4_25_puts_its_last_good_config_back(release: str, start: Start, tmp_path: Path) -> None:
    state = made(tmp_path, release, {"nonesuch": {}})
    assert state.judge().verdict.start is Start.NO
    state.file("openclaw.json.last-good", {"gateway": {"mode": "local"}})
    verdict = state.judge().verdict
    assert verdict.start is start
    assert ("puts openclaw.json.last-good in place" in verdict.reason) is (start is Start.AT_RISK)


@pytest.mark.parametrize(("release", "start"), [("2026.4.25", Start.AT_RISK), ("2026.5.22", Start.NO)])
@pytest.mark.parametrize("text", [b'{"gateway', b"", b"[]", b'{"$include": "./nowhere.json"}'])
def test_2026_4_25_puts_its_last_good_config_back_over_one_that_cannot_be_parsed(
    text: bytes, release: str, start: Start, tmp_path: Path
) -> None:
    state = made(tmp_path, release, {})
    state.file("tasks/runs.sqlite" if release == "2026.4.25" else "openclaw.json.pre-update", b"{}")
    state.file("openclaw.json", text)
    good = {"gateway": {"mode": "local"}, "meta": {"lastTouchedVersion": release}}
    state.file("openclaw.json.last-good", good)
    verdict = state.judge().verdict
    assert verdict.start is start
    assert ("puts openclaw.json.last-good in place" in verdict.reason) is (start is Start.AT_RISK)


@pytest.mark.parametrize("release", DATABASES)
@pytest.mark.parametrize(
    ("sections", "paths"),
    [
        ({"models": {"providers": {"mine": {}}}}, ["models.providers.*.baseUrl", "models.providers.*.models"]),
        ({"models": {"providers": {"mine": {"baseUrl": "http://127.0.0.1:9"}}}}, ["models.providers.*.models"]),
        ({"plugins": {"slots": {"memory": "nonesuch"}}}, ["plugins.slots.memory"]),
        (
            {"plugins": {"entries": {"telegram": {"config": {"nonesuch": 1}}}}},
            ["plugins.entries.telegram.config.nonesuch"],
        ),
        (
            {"agents": {"defaults": {"heartbeat": {"activeHours": {"start": "24:00", "end": "24:01"}}}}},
            ["agents.defaults.heartbeat.activeHours.start", "agents.defaults.heartbeat.activeHours.end"],
        ),
    ],
)
def test_releases_with_databases_refuse(
    release: str, sections: dict[str, object], paths: list[str], tmp_path: Path
) -> None:
    assert told(made(tmp_path, release, sections)) == (Start.NO, paths)


@pytest.mark.parametrize("release", DATABASES)
@pytest.mark.parametrize(
    "sections",
    [
        {"channels": {"telegram": {"enabled": True}, "matrix": {}, "defaults": {}}},
        {"models": {"providers": {"OpenAI ": {}, "z.ai": {"apiKey": "x"}}}},
        {"models": {"providers": {"mine": {"baseUrl": "http://127.0.0.1:9", "models": []}}}},
        {"plugins": {"slots": {"memory": " None "}}},
        {"plugins": {"slots": {"memory": "memory-core", "contextEngine": "nonesuch"}}},
        {"plugins": {"entries": {"nonesuch": {"enabled": True, "config": {"a": 1}}}}},
        {"browser": {"profiles": {"work": {"driver": "existing-session"}}}},
        {"tools": {"allow": ["read"], "alsoAllow": ["write"]}},
        {"agents": {"defaults": {"heartbeat": {"activeHours": {"start": "00:00", "end": "24:00"}}}}},
        {"agents": {"defaults": {"sandbox": {"docker": {"network": "bridge"}}}}},
    ],
)
def test_what_releases_with_databases_take(release: str, sections: dict[str, object], tmp_path: Path) -> None:
    assert told(made(tmp_path, release, sections))[1] == []


@pytest.mark.parametrize(
    "sections",
    [
        {"channels": {"mine": {}}},
        {"models": {"providers": {"mine": {}}}},
        {"plugins": {"slots": {"memory": "mine"}}},
    ],
)
@pytest.mark.parametrize("place", ["extensions/mine/index.js", "workspace/.openclaw/extensions/mine.js"])
def test_a_plugin_of_another_origin_may_bring_it(place: str, sections: dict[str, object], tmp_path: Path) -> None:
    state = made(tmp_path, "2026.9.6", sections)
    assert told(state)[0] is Start.NO
    state.file(place, "")
    (found,) = state.findings("config-refused")
    assert "refuses to start (exit 78) unless a plugin of another origin brings it." in found.consequence
    assert told(state)[0] is Start.AT_RISK


def test_a_program_that_prints_the_token_has_to_be_there(tmp_path: Path) -> None:
    """One that nothing of the gateway's own asks stops no start, though `config validate` refuses it."""
    state = StateDir(tmp_path, "2026.9.6")
    token = {"source": "exec", "provider": "mine", "id": "token"}

    def start(command: Path, **auth: object) -> Start:
        state.config({"gateway": {"mode": "local", "auth": {"mode": "token", **auth}}, **exec_secret(str(command))})
        return state.judge().verdict.start

    assert start(state.root / "gone", token="x") is Start.YES
    assert start(state.root / "gone", token=token) is Start.NO
    assert "(exit 1)" in state.judge().verdict.reason
    assert start(tmp_path / "gone", token=token) is Start.AT_RISK


def test_a_token_of_spaces_is_none(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    state.config({"gateway": {"mode": "local", "auth": {"mode": "token", "token": "  "}}})
    assert state.judge().verdict.start is Start.NO


@pytest.mark.parametrize(
    ("release", "refused"), [("2026.3.28", True), ("2026.4.25", True), ("2026.9.3", True), ("2026.9.5", False)]
)
def test_a_plugin_path_that_is_not_there(release: str, refused: bool, tmp_path: Path) -> None:
    _, paths = told(made(tmp_path, release, {"plugins": {"load": {"paths": [str(tmp_path / "nowhere")]}}}))
    assert paths == (["plugins.load.paths.0"] if refused else [])


@pytest.mark.parametrize(
    ("host", "start"),
    [
        ("127.0.0.1", Start.YES),
        ("0.0.0.0", Start.YES),
        ("192.0.2.7", Start.AT_RISK),
        ("localhost", Start.NO),
        ("::1", Start.YES),
        ("${HOST}", Start.YES),
    ],
)
def test_an_address_that_the_host_does_not_have(host: str, start: Start, tmp_path: Path) -> None:
    state = made(tmp_path, "2026.9.6", {"gateway": {"bind": "custom", "customBindHost": host}})
    assert told(state) == (start, [] if start is Start.YES else ["gateway.customBindHost"])


@pytest.mark.parametrize(("release", "start"), [("2026.3.28", Start.YES), ("2026.5.22", Start.AT_RISK)])
def test_an_address_that_the_host_does_not_have_stops_2026_5_22(release: str, start: Start, tmp_path: Path) -> None:
    state = made(tmp_path, release, {"gateway": {"bind": "custom", "customBindHost": "192.0.2.7"}})
    assert told(state)[0] is start


def test_a_bind_of_no_kind_ends_the_start_before_its_validation(tmp_path: Path) -> None:
    verdict = made(tmp_path, "2026.9.6", {"gateway": {"bind": "moon"}}).judge().verdict
    assert verdict.reason == "A 2026.9.6 gateway refuses to start (exit 1)."


@pytest.mark.parametrize(
    ("hooks", "start"),
    [
        ({"enabled": True}, Start.NO),
        ({"enabled": True, "token": " "}, Start.NO),
        ({"enabled": True, "token": "x"}, Start.YES),
        ({"enabled": True, "token": "x", "path": "/"}, Start.NO),
        ({"enabled": True, "token": "x", "path": "/hooks"}, Start.YES),
        ({"enabled": False}, Start.YES),
    ],
)
def test_hooks_need_a_token(hooks: dict[str, object], start: Start, tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    state.config({"hooks": hooks})
    assert state.judge().verdict.start is start


@pytest.mark.parametrize("given", [None, "f", "f/below"])
def test_a_workspace_that_cannot_be_a_directory(given: str | None, tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    assert state.judge().verdict.start is Start.YES
    state.file("f" if given else "workspace", "")
    state.config({"agents": {"defaults": {"workspace": str(state.root / given)}}} if given else {})
    assert told(state) == (Start.NO, ["agents.*.workspace"])


@pytest.mark.parametrize("bind", [{}, {"bind": "custom", "customBindHost": "127.0.0.1"}])
def test_tailscale_is_a_program_that_has_to_be_there(bind: dict[str, object], tmp_path: Path) -> None:
    state = made(tmp_path, "2026.9.6", {"gateway": {"tailscale": {"mode": "serve"}, **bind}})
    assert told(state) == (Start.AT_RISK, ["gateway.tailscale.mode"])
    assert "(exit 1) unless it is there where it runs" in state.judge().verdict.reason


@pytest.mark.parametrize(
    ("release", "code"), [("2026.3.28", 1), ("2026.5.22", 1), ("2026.7.1", 78), ("2026.9.6", 78)]
)
def test_a_plugin_for_memory_has_to_be_there(release: str, code: int, tmp_path: Path) -> None:
    """Started: each refuses, with this code."""
    verdict = made(tmp_path, release, {"plugins": {"slots": {"memory": "nothing-here"}}}).judge().verdict
    assert (verdict.start, f"(exit {code})" in verdict.reason) == (Start.NO, True)


@pytest.mark.parametrize("release", ["2026.3.28", "2026.5.22", "2026.7.1"])
def test_one_that_comes_with_an_earlier_release_is_taken(release: str, tmp_path: Path) -> None:
    assert told(made(tmp_path, release, {"plugins": {"slots": {"memory": "memory-core"}}})) == (Start.YES, [])


@pytest.mark.parametrize("release", ["2026.3.28", "2026.4.25", "2026.5.22", "2026.7.1"])
def test_a_provider_of_your_own_needs_an_address_and_models(release: str, tmp_path: Path) -> None:
    """Started: each refuses one that has neither."""
    start, paths = told(made(tmp_path, release, {"models": {"providers": {"mine": {"api": "openai-completions"}}}}))
    assert start is Start.NO
    assert {"models.providers.*.baseUrl", "models.providers.*.models"} <= set(paths)


def test_between_two_releases_that_were_seen_the_code_is_not_told(tmp_path: Path) -> None:
    reason = made(tmp_path, "2026.6.33", {"nonesuch": 1}).judge().verdict.reason
    assert "refuses to start" in reason
    assert "exit" not in reason


def test_a_refusal_that_hangs_on_two_things_names_both(tmp_path: Path) -> None:
    missing = {"plugins": {"load": {"paths": ["/srv/nowhere"]}}, "channels": {"mine": {}}}
    (found,) = made(tmp_path, "2026.9.3", missing).findings("config-refused")
    assert "unless it is there where it runs and a plugin of another origin brings it." in found.consequence
