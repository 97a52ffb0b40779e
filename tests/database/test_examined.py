"""A directory of the database era through the verbs."""

from __future__ import annotations

import json
import os
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from gatewaydoctor.state.databases.cron import parsed
from tests.cli.failing import in_its_place
from tests.cli.harness import run

from .cutoff import stats
from .made import AGENT, STATE, Made, connect, insert, node
from .test_facts import job

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = 1_796_000_000_000
DAY = 86_400_000
VERBS = ("scan", "status", "cron", "stuck", "orphans", "subagents", "usage", "sessions", "check")


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """Two databases whose gateway was killed: everything of the last minutes is in their logs."""
    root = tmp_path / "state-dir"
    (root / "agents/main/sessions").mkdir(parents=True)
    (root / "openclaw.json").write_text('{"gateway": {"mode": "local"}}')
    agent = Made(root / "agents/main/agent/openclaw-agent.sqlite", AGENT, 23).path
    made = Made(root / "state/openclaw.sqlite", STATE, 18).path
    with closing(connect(agent)) as one, closing(connect(made)) as two:
        for connection in (one, two):
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA wal_autocheckpoint = 0")
        insert(one, "schema_meta", meta_key="primary", schema_version=23, agent_id="main", app_version="2026.9.6")
        node(one, "agent:main:main", "done", at=NOW - 60_000)
        node(one, "agent:main:telegram:direct:7", "running", at=NOW - 2 * DAY)
        node(one, "agent:main:cron:job-1", "running", at=NOW - 2 * DAY)
        for number in range(3):
            node(one, f"agent:main:cron:job-1:run:{number}", "running", at=NOW - 3 * DAY)
        insert(two, "schema_meta", meta_key="startup-migrations", app_version="2026.9.6\n3")
        own = str(root / "cron/jobs.json")
        insert(two, "cron_jobs", store_key=own, **job("job-1"))
        insert(two, "cron_jobs", store_key="/elsewhere/cron/jobs.json", **job("job-2"))
        child = {"childSessionKey": "agent:main:subagent:x", "createdAt": NOW}
        insert(two, "subagent_runs", run_id="r1", payload_json=json.dumps(child))
        yield root


def document(verb: str, state: Path, *more: str) -> dict[str, Any]:
    found: dict[str, Any] = run(verb, "--json", "--state-dir", str(state), "--now", str(NOW), *more).document
    return found


def tree(root: Path) -> dict[str, object]:
    return {str(directory): stats(directory) for directory in [root, *(p for p in root.rglob("*") if p.is_dir())]}


@pytest.mark.parametrize("verb", VERBS)
def test_no_verb_leaves_a_trace(state: Path, verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    written = []
    opened = os.open

    def watched(path: Any, flags: int, *more: Any, **named: Any) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) and str(path).startswith(str(state)):
            written.append(path)
        return opened(path, flags, *more, **named)

    monkeypatch.setattr(os, "open", watched)
    before = tree(state)
    run(verb, "--state-dir", str(state), "--now", str(NOW))
    assert tree(state) == before
    assert written == []


def test_rows_count_everywhere(state: Path) -> None:
    found = document("scan", state)
    store = next(each for each in found["stores"] if each["path"].endswith("openclaw-agent.sqlite"))
    assert (store["era"], store["entries"], store["stuck"], store["readable"]) == ("sqlite", 6, 5, "yes")
    assert store["distribution"]["status"]["running"] == 5
    assert store["distribution"]["kind"] == {"main": 1, "cron-base": 1, "cron-run": 3, "direct": 1}
    assert [(each["jobId"], each["name"], each["runs"]) for each in store["cron"]] == [("job-1", "JOB-1", 3)]
    assert found["skipped"] == []
    assert document("sessions", state)["details"]["total"] == 6
    assert document("sessions", state, "--job", "JOB-1")["details"]["total"] == 4


def test_stuck_rows_name_the_repair_that_ends_them(state: Path) -> None:
    found = {each["rule"]: each for each in document("check", state, "--all")["findings"]}
    assert found["session-stuck-running"]["count"] == 5
    assert found["session-stuck-running"]["fix"]["command"].startswith("gatewaydoctor repair trim")
    assert found["cron-phantom-running"]["fix"]["command"].startswith("gatewaydoctor repair expire")
    assert found["cron-phantom-running"]["count"] == 1
    assert document("stuck", state)["details"]["stuck"] == 5


def test_cron_shows_the_jobs_that_run_and_those_of_another_path(state: Path) -> None:
    details = document("cron", state)["details"]
    assert [each["jobId"] for each in details["jobs"]] == ["job-1"]
    assert {each["storeKey"] for each in details["partitions"]} == {
        str(state / "cron/jobs.json"),
        "/elsewhere/cron/jobs.json",
    }
    text = run("cron", "--all", "--state-dir", str(state), "--now", str(NOW)).out
    assert "which the gateway does not run here" in " ".join(text.split())


def test_subagents_come_from_rows(state: Path) -> None:
    details = document("subagents", state)["details"]
    assert [(each["runId"], each["orphaned"]) for each in details["runs"]] == [("r1", True)]


def test_status_says_where_the_bytes_are(state: Path) -> None:
    with closing(connect(state / "agents/main/agent/openclaw-agent.sqlite")) as connection:
        connection.execute("CREATE TABLE memory_index_chunks(x)")
        connection.execute("INSERT INTO memory_index_chunks VALUES (zeroblob(1000000))")
    [database] = document("status", state)["details"]["databases"]
    owners = database["bytes"]["owners"]
    assert owners["memory"] > 1_000_000
    assert owners["-wal"] == (state / "agents/main/agent/openclaw-agent.sqlite-wal").stat().st_size
    assert sum(owners.values()) == database["bytes"]["live"] + database["bytes"]["wal"]
    assert database["bytes"]["tables"]["memory_index_chunks"] > 1_000_000
    assert document("status", state)["details"]["state"]["startedBy"] == "2026.9.6"


def test_a_file_without_a_byte_is_known_to_be_empty(state: Path) -> None:
    path = state / "agents/main/agent/openclaw-agent.sqlite"
    path.with_name(f"{path.name}-wal").unlink()
    path.write_bytes(b"")
    found = document("scan", state)
    assert str(path) not in {each["path"] for each in found["skipped"]}
    [empty] = [each for each in found["findings"] if each["rule"] == "database-empty"]
    assert (empty["severity"], empty["path"]) == ("error", str(path))


@pytest.mark.parametrize("content", [b"garbage" * 1000, bytes(8192)])
def test_what_cannot_be_read_is_skipped_and_not_empty(state: Path, content: bytes) -> None:
    path = state / "agents/main/agent/openclaw-agent.sqlite"
    path.with_name(f"{path.name}-wal").unlink()
    path.write_bytes(content)
    found = document("scan", state)
    assert str(path) in {each["path"] for each in found["skipped"]}
    assert document("status", state)["details"]["databases"][0]["read"] is False
    said = " ".join(run("stuck", "--state-dir", str(state), "--now", str(NOW)).out.split())
    assert "could not be read" in said
    assert "nothing to do" not in said


def test_a_database_that_may_not_be_read_is_no_success(state: Path) -> None:
    path = state / "agents/main/agent/openclaw-agent.sqlite"
    ran = run("scan", "--state-dir", str(state), "--now", str(NOW), fs=in_its_place("forbidden", path))
    assert ran.code == 2
    assert "No session store could be read." in ran.err


def test_one_agent_or_one_store_alone(state: Path) -> None:
    Made(state / "agents/other/agent/openclaw-agent.sqlite", AGENT, 23)
    paths = {each["agentId"] for each in document("scan", state, "--agent", "other")["stores"]}
    assert paths == {"other"}
    assert document("sessions", state, "--agent", "main")["details"]["total"] == 6


def test_jobs_that_only_files_name_do_not_run(state: Path) -> None:
    files = [
        {"id": name, "name": name, "schedule": {"kind": "every", "everyMs": 60_000}} for name in ("job-1", "gone")
    ]
    (state / "cron").mkdir()
    (state / "cron/jobs.json").write_text(json.dumps({"version": 1, "jobs": files}))
    found = {each["rule"]: each for each in document("check", state, "--all")["findings"]}["jobs-not-in-database"]
    assert found["count"] == 1
    assert [each["jobId"] for each in found["evidence"]["jobs"]] == ["gone"]
    said = " ".join(run("cron", "--all", "--state-dir", str(state), "--now", str(NOW)).out.split())
    assert "which the gateway does not run" in said
    assert "gone every 1 min no" in said
    assert "job-1 every 1 min yes" in said


def filed_under(state: Path, store_key: str) -> None:
    with closing(connect(state / "state/openclaw.sqlite")) as connection:
        connection.execute("UPDATE cron_jobs SET store_key = ?", (store_key,))


def rules(state: Path) -> set[str]:
    return {each["rule"] for each in document("scan", state)["findings"]}


def test_a_cron_store_that_the_config_names_is_the_gateways_own(state: Path) -> None:
    filed_under(state, "/srv/cron/jobs.json")
    assert "jobs-other-path" in rules(state)
    (state / "openclaw.json").write_text('{"gateway": {"mode": "local"}, "cron": {"store": "/srv/cron/jobs.json"}}')
    assert "jobs-other-path" not in rules(state)
    assert [job["jobId"] for job in document("cron", state)["details"]["jobs"]]


def test_a_job_that_is_nested_deeply_is_read() -> None:
    """2026.9.6 ran one of 3,000 levels, which was told as set aside."""
    deep = f"{'[' * 3000}{']' * 3000}"
    found = parsed(f'{{"id": "a", "more": {deep}}}')
    assert isinstance(found, dict)
    assert found["id"] == "a"
    assert parsed(f'{{"id": "a", "more": {deep[:-1]}}}') is None


ELSEWHERE = ["C:\\Users\\ada\\.openclaw\\cron\\jobs.json", "cron/jobs.json", "~/.openclaw/cron/jobs.json", ""]
"""Of a Windows host, and spelled in other ways than the gateway spells its own path."""


@pytest.mark.parametrize("store_key", ELSEWHERE)
def test_jobs_under_a_path_spelled_in_another_way_do_not_run(state: Path, store_key: str) -> None:
    filed_under(state, store_key)
    assert "jobs-other-path" in rules(state)
    assert not document("cron", state)["details"]["jobs"]


def test_jobs_under_a_plain_word_do_not_run_where_the_table_is_as_2026_7_1_and_later_write_it(state: Path) -> None:
    """2026.9.6 started over such jobs ran none of them."""
    filed_under(state, "default")
    assert "jobs-other-path" not in rules(state)
    assert document("cron", state)["details"]["jobs"]
    with closing(connect(state / "state/openclaw.sqlite")) as connection:
        connection.execute("ALTER TABLE cron_jobs ADD COLUMN payload_kind TEXT NOT NULL DEFAULT 'agentTurn'")
    assert "jobs-other-path" in rules(state)
    assert not document("cron", state)["details"]["jobs"]


def test_a_cron_store_that_the_state_database_keeps_counts_before_the_config(state: Path) -> None:
    """2026.9.6 takes the setting out of the config at a start."""
    filed_under(state, "/srv/cron/jobs.json")
    with closing(connect(state / "state/openclaw.sqlite")) as connection:
        connection.execute("CREATE TABLE config_machine_state (state_key TEXT, value_json TEXT)")
        connection.execute("INSERT INTO config_machine_state VALUES ('cron.store', '\"/srv/cron/jobs.json\"')")
    (state / "openclaw.json").write_text('{"gateway": {"mode": "local"}, "cron": {"store": "/other/jobs.json"}}')
    assert "jobs-other-path" not in rules(state)


@pytest.mark.parametrize(("kind", "told"), [("heartbeat", False), ("skillCollectionReview", False), ("dance", True)])
def test_a_payload_of_a_kind_that_only_later_releases_have(state: Path, kind: str, told: bool) -> None:
    payload = f"json_set(job_json, '$.payload', json_object('kind', '{kind}'))"
    with closing(connect(state / "state/openclaw.sqlite")) as connection:
        connection.execute(f"UPDATE cron_jobs SET job_json = {payload}")
    [job] = document("cron", state)["details"]["jobs"]
    assert ("set-aside" in job["flags"]) is told


def test_a_mark_of_a_job_in_the_database_is_told_and_needs_nothing(state: Path) -> None:
    def found() -> list[dict[str, Any]]:
        return [each for each in document("scan", state)["findings"] if each["rule"] == "cron-zombie-running"]

    assert found() == []
    with closing(connect(state / "state/openclaw.sqlite")) as connection:
        own = str(state / "cron/jobs.json")
        insert(connection, "cron_jobs", store_key=own, **job("job-3", runningAtMs=NOW - 2 * DAY))
    (told,) = found()
    assert (told["severity"], told["count"], told["fix"]) == ("info", 1, None)
    assert told["message"] == "1 job is marked as running, the longest for 2 d."
    assert told["byHand"] == "Nothing has to be done: a start clears the mark."
