"""Directories that came from another host, and files of the file era that lie beside databases: restored, copied, or
written by a release of before that ran again."""

from __future__ import annotations

import json
import shutil
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING

from .damages import SECOND, STATE, damage, settle, sql

if TYPE_CHECKING:
    from pathlib import Path

SETUP = "openclaw-workspace-state.json"
SET_UP = '{"version": 1, "setupCompletedAt": "2026-09-03T14:42:43.529Z"}'
ATTESTED = "openclaw-workspace-attestation:v1\n"
PROFILES = "agents/main/agent/auth-profiles.json"
ONE_PROFILE = {"anthropic:default": {"type": "api_key", "provider": "anthropic", "key": "sk-x"}}
OLD_FILES = (
    "acp/event-ledger.json",
    "agent/auth-profiles.json",
    "agents/main/agent/auth.json",
    "audit/crestodian.jsonl",
    "audit/system-agent.jsonl",
    "bindings/current-conversations.json",
    "commitments/commitments.json",
    "credentials/oauth.json",
    "credentials/telegram-allowFrom.json",
    "credentials/telegram-pairing.json",
    "debug-proxy/capture.sqlite",
    "delivery-queue/q1.json",
    "devices/paired.json",
    "exec-approvals.json",
    "flows/registry.sqlite",
    "identity/device-auth.json",
    "identity/device.json",
    "logs/config-audit.jsonl",
    "logs/config-health.json",
    "media/outgoing/records/r1.json",
    "memory/main.sqlite",
    "node.json",
    "nodes/paired.json",
    "plugin-state/state.sqlite",
    "plugins/installs.json",
    "push/apns-registrations.json",
    "push/vapid-keys.json",
    "push/web-push-subscriptions.json",
    "restart-sentinel.json",
    "settings/voicewake-routing.json",
    "settings/voicewake.json",
    "subagents/runs.json",
    "tasks/runs.sqlite",
    "tui/last-session.json",
    "update-check.json",
)


def put(path: Path, text: str = SET_UP) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o600)


def all_due(state: Path) -> None:
    """Take both records away that the startup migrations are done."""
    sql(state / STATE, "DELETE FROM schema_meta WHERE meta_key IN ('startup-migrations', 'state-migrations')")


def _one_old_file(state: Path, *, name: str) -> None:
    put(state / name, "{torn")
    all_due(state)


for _name in OLD_FILES:
    _hurt = partial(_one_old_file, name=_name)
    _hurt.__name__ = f"old_{_name.replace('/', '_').replace('.', '_')}_torn_and_all_migrations_due"  # type: ignore[attr-defined]
    damage()(_hurt)


@damage()
def every_old_file_torn(state: Path) -> None:
    for name in OLD_FILES:
        put(state / name, "{torn")


@damage()
def every_old_file_torn_and_all_migrations_due(state: Path) -> None:
    """But for those with credentials, which stop a start by themselves."""
    for name in OLD_FILES:
        if "auth" not in name or "device" in name:
            put(state / name, "{torn")
    all_due(state)


@damage()
def jobs_file_torn_and_all_migrations_due(state: Path) -> None:
    put(state / "cron" / "jobs.json", '{"version": 1, "jobs": [{')
    all_due(state)


def _due(state: Path, name: str, text: str) -> None:
    put(state / name, text)
    all_due(state)


@damage()
def old_log_cut_in_its_second_line(state: Path) -> None:
    _due(state, "logs/config-audit.jsonl", '{"ts": "2026-07-01T00:00:00.000Z", "event": "config.write"}\n{"ts": "20')


@damage()
def old_approvals_that_are_a_list(state: Path) -> None:
    _due(state, "exec-approvals.json", "[]")


@damage()
def old_update_check_that_is_a_list(state: Path) -> None:
    _due(state, "update-check.json", "[]")


@damage()
def old_update_check_of_0_bytes(state: Path) -> None:
    _due(state, "update-check.json", "")


@damage()
def old_update_check_with_a_byte_order_mark(state: Path) -> None:
    _due(state, "update-check.json", "\ufeff{}")


# Files about workspaces


@damage()
def workspace_file_left(state: Path) -> None:
    put(state / "workspace" / SETUP)


@damage()
def workspace_file_left_in_its_hidden_folder(state: Path) -> None:
    put(state / "workspace" / ".openclaw" / "workspace-state.json")


@damage()
def workspace_file_of_the_second_left(state: Path) -> None:
    put(state / "workspace-second" / SETUP)


@damage()
def workspace_file_of_no_agent(state: Path) -> None:
    put(state / "workspace-ghost" / SETUP)


@damage()
def workspace_file_where_the_config_puts_it(state: Path) -> None:
    """The config is another one, so that the startup migrations are due."""
    elsewhere = state.with_name("elsewhere")
    shutil.rmtree(elsewhere, ignore_errors=True)
    path = state / "openclaw.json"
    config = json.loads(path.read_text())
    config["agents"].setdefault("defaults", {})["workspace"] = str(elsewhere)
    path.write_text(json.dumps(config, indent=2))
    put(elsewhere / SETUP)


@damage()
def workspace_file_claimed(state: Path) -> None:
    put(state / "workspace" / f"{SETUP}.doctor-importing")


@damage()
def workspace_file_a_dangling_link(state: Path) -> None:
    (state / "workspace").mkdir()
    (state / "workspace" / SETUP).symlink_to("nowhere")


@damage()
def workspace_file_torn_and_all_migrations_due(state: Path) -> None:
    put(state / "workspace" / SETUP, "{torn")
    all_due(state)


@damage()
def workspace_attested(state: Path) -> None:
    digest = sha256(str(state / "workspace").encode()).hexdigest()
    put(state / "workspace-attestations" / f"{digest}.attested", ATTESTED)


@damage()
def workspace_attested_of_another(state: Path) -> None:
    put(state / "workspace-attestations" / "a.attested", ATTESTED)


@damage()
def workspace_attested_beside(state: Path) -> None:
    put(state / "workspace.attested", ATTESTED)


# Files with accounts


@damage()
def profiles_file_left(state: Path) -> None:
    put(state / PROFILES, json.dumps({"version": 1, "profiles": ONE_PROFILE}))


@damage()
def profiles_file_left_without_a_profile(state: Path) -> None:
    put(state / PROFILES, json.dumps({"version": 1, "profiles": {}}))


@damage()
def profiles_file_left_torn(state: Path) -> None:
    put(state / PROFILES, "{torn")


@damage()
def profiles_file_of_the_second_left(state: Path) -> None:
    put(state / SECOND.parent / "auth-profiles.json", json.dumps({"version": 1, "profiles": ONE_PROFILE}))


@damage()
def auth_file_left(state: Path) -> None:
    put(state / "agents/main/agent/auth.json", '{"anthropic": {"type": "api_key", "key": "sk-x"}}')


@damage()
def oauth_file_left(state: Path) -> None:
    put(state / "credentials/oauth.json", '{"anthropic": {"access": "a", "refresh": "b", "expires": 1}}')


# Of another host


def _filed_under(state: Path, store_key: str) -> None:
    sql(state / STATE, "UPDATE cron_jobs SET store_key = ? WHERE declaration_key IS NULL", values=(store_key,))
    settle(state / STATE)


@damage()
def filed_under_a_windows_path_job(state: Path) -> None:
    _filed_under(state, "C:\\Users\\ada\\.openclaw\\cron\\jobs.json")


@damage()
def filed_under_a_relative_path_job(state: Path) -> None:
    _filed_under(state, "cron/jobs.json")


@damage()
def filed_under_a_word_job(state: Path) -> None:
    _filed_under(state, "default")


@damage()
def registry_with_backslashes(state: Path) -> None:
    sql(state / STATE, "UPDATE agent_databases SET path = replace(path, '/', char(92))")
    settle(state / STATE)


def _listed_under(state: Path, home: str, separator: str) -> None:
    path = f"'{home}' || 'agents{separator}' || agent_id || '{separator}agent{separator}openclaw-agent.sqlite'"
    sql(state / STATE, f"UPDATE agent_databases SET path = {path}")
    settle(state / STATE)


@damage()
def registry_of_a_windows_path(state: Path) -> None:
    _listed_under(state, "C:\\Users\\ada\\.openclaw\\", "\\")


@damage()
def registry_of_another_home(state: Path) -> None:
    _listed_under(state, "/home/ada/.openclaw/", "/")


@damage()
def state_directory_a_link(state: Path) -> None:
    real = state.with_name("real")
    shutil.rmtree(real, ignore_errors=True)
    state.rename(real)
    state.symlink_to(real)


def _copied_as(state: Path, name: str) -> None:
    shutil.copytree(state / "agents/main", state / "agents" / name)


@damage()
def agent_folder_copied_as_bak(state: Path) -> None:
    _copied_as(state, "main.bak")


@damage()
def agent_folder_copied_as_old(state: Path) -> None:
    _copied_as(state, "main-old")


@damage()
def agent_folder_copied_with_a_dot(state: Path) -> None:
    _copied_as(state, ".main")
