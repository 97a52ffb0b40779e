"""Upgrades that lost jobs or stopped half-way, as reported: what has to be said, and what would be wrong."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import uuid
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.harness import run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

NOW = 1_790_000_000_000
HOUR, DAY = 3_600_000, 86_400_000
_META = "CREATE TABLE schema_meta (role TEXT, schema_version INTEGER, app_version TEXT)"
_JOBS = """CREATE TABLE cron_jobs (store_key TEXT, job_id TEXT, enabled INTEGER, agent_id TEXT, job_json TEXT,
state_json TEXT)"""


def identity(*names: object) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, "/".join(map(str, names))))


def job(name: str) -> dict[str, Any]:
    return {
        "id": identity("job", name),
        "agentId": "main",
        "name": name,
        "enabled": True,
        "createdAtMs": NOW - 30 * DAY,
        "updatedAtMs": NOW - DAY,
        "schedule": {"kind": "cron", "expr": "0 8 * * *", "tz": "UTC"},
        "sessionTarget": "isolated",
        "wakeMode": "now",
        "payload": {"kind": "agentTurn", "message": "x"},
        "state": {},
    }


class Install:
    """A state directory that a release has used."""

    def __init__(self, root: Path, release: str) -> None:
        self.root = root / "state-dir"
        self.put("openclaw.json", {"gateway": {"mode": "local"}, "meta": {"lastTouchedVersion": release}})
        self.release = release

    def put(self, name: str, value: object) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(value if isinstance(value, str) else json.dumps(value, indent=2))
        return path

    def database(self, name: str, role: str, version: int, *tables: str, log_only: bool = False, **rows: Any) -> Path:
        """`rows`: table -> rows of values. `log_only`: the main file is the one of before they were written."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        work = path.with_name("work.sqlite")
        with closing(sqlite3.connect(work, isolation_level=None)) as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA wal_autocheckpoint = 0")
            for statement in (_META, *tables):
                database.execute(statement)
            database.execute("INSERT INTO schema_meta VALUES (?, ?, ?)", (role, version, self.release))
            database.execute(f"PRAGMA user_version = {version}")
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            for table, values in rows.items():
                for row in values:
                    database.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)
            if not log_only:
                database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            shutil.copyfile(work, path)
            if log_only:
                shutil.copyfile(f"{work}-wal", f"{path}-wal")
        for left in path.parent.glob("work.sqlite*"):
            left.unlink()
        return path

    def jobs_in(self, jobs: Sequence[Mapping[str, Any]], version: int, **more: Any) -> None:
        rows = [("default", each["id"], 1, "main", json.dumps(each), "{}") for each in jobs]
        self.database("state/openclaw.sqlite", "global", version, _JOBS, cron_jobs=rows, **more)

    def session(self) -> None:
        name = identity("session")
        self.put("agents/main/sessions/sessions.json", {"agent:main:main": {"sessionId": name, "updatedAt": NOW}})
        head = {"type": "session", "version": 3, "id": name, "timestamp": "2026-09-01T00:00:00.000Z"}
        self.put(f"agents/main/sessions/{name}.jsonl", json.dumps(head) + "\n")

    def told(self, *command: str) -> dict[str, Any]:
        document = run(*command, "--json", "--all", "--state-dir", str(self.root), "--now", str(NOW)).document
        assert document["error"] is None
        return document

    def finding(self, rule: str) -> dict[str, Any]:
        [found] = [each for each in self.told("scan")["findings"] if each["rule"] == rule]
        return dict(found)

    def rules(self) -> set[str]:
        return {each["rule"] for each in self.told("scan")["findings"]}


# 2026.6.1 took one of four jobs over, under another id


@pytest.fixture
def dropped(tmp_path: Path) -> Install:
    install = Install(tmp_path, "2026.6.1")
    install.put("cron/jobs.json", {"version": 1, "jobs": [job(name) for name in ("a", "b", "c", "plugin")]})
    install.jobs_in([{**job("plugin"), "id": identity("new")}], 1)
    install.session()
    return install


def test_jobs_that_were_not_taken_over_are_named_with_where_they_are(dropped: Install) -> None:
    found = dropped.finding("jobs-not-in-database")
    assert found["count"] == 4
    assert found["evidence"]["jobsInDatabase"] == 1
    assert found["evidence"]["namesakes"] == 1
    assert found["evidence"]["sources"] == ["jobs.json"]
    assert {each["name"] for each in found["evidence"]["jobs"]} == {"a", "b", "c", "plugin"}
    assert found["fix"] is None


def test_they_are_neither_shown_as_jobs_nor_forecast_to_fire(dropped: Install) -> None:
    assert [each["name"] for each in dropped.told("cron")["details"]["jobs"]] == ["plugin"]
    who = {name for event in dropped.told("forecast")["details"]["forecast"]["events"] for name in event["who"]}
    assert not who & {*"abc", *(identity("job", name) for name in "abc")}


def test_jobs_of_which_none_was_taken_over_are_an_error(tmp_path: Path) -> None:
    """A state database without jobs beside a jobs.json is a loss, not an install of files."""
    install = Install(tmp_path, "2026.6.1")
    install.put("cron/jobs.json", {"version": 1, "jobs": [job(name) for name in "abcd"]})
    install.jobs_in([], 1)
    install.session()
    assert install.finding("jobs-not-in-database")["severity"] == "error"


def test_one_job_that_is_missing_among_many_may_have_been_deleted(tmp_path: Path) -> None:
    install = Install(tmp_path, "2026.7.1")
    jobs = [job(name) for name in "abcdefgh"]
    install.put("cron/jobs.json.migrated", {"version": 1, "jobs": jobs})
    install.jobs_in(jobs[1:], 1)
    install.session()
    assert install.finding("jobs-not-in-database")["severity"] == "info"


# 73 jobs that only the log has


@pytest.fixture
def logged(tmp_path: Path) -> Install:
    install = Install(tmp_path, "2026.6.6")
    jobs = [job(f"task {number}") for number in range(73)]
    install.jobs_in(jobs, 1, log_only=True)
    install.put("cron/jobs.json.migrated", {"version": 1, "jobs": jobs})
    install.session()
    return install


def test_jobs_in_the_log_are_jobs(logged: Install) -> None:
    assert "jobs-not-in-database" not in logged.rules()
    assert len(logged.told("cron")["details"]["jobs"]) == 73
    assert logged.told("migration")["details"]["jobs"]["database"] == 73


def test_a_start_moves_no_run_state_of_jobs_that_are_in_the_database(logged: Install) -> None:
    events = logged.told("forecast")["details"]["forecast"]["events"]
    assert not [event for event in events if "jobs-state.json" in event["what"]]


def test_without_the_log_they_are_lost_and_that_is_said(logged: Install) -> None:
    (logged.root / "state/openclaw.sqlite-wal").unlink()
    found = logged.finding("jobs-not-in-database")
    assert (found["severity"], found["count"]) == ("error", 73)
    assert found["evidence"]["sources"] == ["jobs.json.migrated"]


def test_with_half_of_the_log_the_whole_transactions_count(logged: Install) -> None:
    log = logged.root / "state/openclaw.sqlite-wal"
    log.write_bytes(log.read_bytes()[: log.stat().st_size // 2])
    held = logged.finding("jobs-not-in-database")["evidence"]["jobsInDatabase"]
    assert 0 < held < 73
    told = run("migration", "--state-dir", str(logged.root), "--now", str(NOW)).out
    assert f"No schedule of the other {73 - held} runs." in " ".join(told.split())


# 2026.8.1 set all 115 jobs aside


@pytest.fixture
def set_aside(tmp_path: Path) -> Install:
    install = Install(tmp_path, "2026.8.1")
    jobs = [job(f"job {number}") for number in range(115)]
    install.put("cron/jobs.json.migrated", {"version": 1, "jobs": jobs})
    aside = [{"reason": "invalid-schedule", "job": each} for each in jobs]
    install.put("cron/jobs-quarantine.json", {"version": 1, "jobs": aside})
    install.jobs_in([], 15)
    nodes = "CREATE TABLE session_nodes (session_key TEXT PRIMARY KEY, status TEXT)"
    rows = [("agent:main:main", "done")]
    install.database("agents/main/agent/openclaw-agent.sqlite", "agent", 17, nodes, session_nodes=rows)
    return install


def test_jobs_that_were_set_aside_run_nowhere(set_aside: Install) -> None:
    found = set_aside.finding("jobs-not-in-database")
    assert (found["severity"], found["count"]) == ("error", 115)
    assert found["evidence"]["setAside"] == 115
    assert found["evidence"]["jobsInDatabase"] == 0
    assert set(found["evidence"]["sources"]) == {"jobs.json.migrated", "jobs-quarantine.json"}
    assert set_aside.told("forecast")["verdict"]["stake"]["jobs"] == 0


def test_a_database_that_was_read_and_has_no_job_runs_none(tmp_path: Path) -> None:
    install = Install(tmp_path, "2026.6.5")
    install.put("cron/jobs.json.migrated", {"version": 1, "jobs": [job("lost")]})
    install.jobs_in([], 1)
    install.session()
    told = [each["what"] for each in install.told("forecast")["details"]["forecast"]["events"]]
    assert not [what for what in told if "not read" in what]
    assert "fires no cron job: the state database has none" in told


# 2026.9.5 imported a store that was written again afterwards


@pytest.fixture
def rewritten(tmp_path: Path) -> Install:
    install = Install(tmp_path, "2026.9.5")
    rows = [(f"agent:main:telegram:direct:{number}", identity(number), "done") for number in range(40)]
    store: dict[str, object] = {key: {"sessionId": session, "updatedAt": NOW - DAY} for key, session, _ in rows}
    archive = install.put("agents/main/session-sqlite-import-archive/legacy-store.sessions.json.imported-1", store)
    receipt = hashlib.sha256(archive.read_bytes()).hexdigest()
    store["agent:main:main"] = {"sessionId": identity("later"), "updatedAt": NOW - 2 * HOUR}
    path = install.put("agents/main/sessions/sessions.json", store)
    target = {"agentId": "main", "issues": [{"code": "plugin_migration_source_retained"}]}
    install.put(
        "session-sqlite-migration-runs/session-sqlite-1-5aafea3b.json",
        {"manifestVersion": 3, "runId": "session-sqlite-1-5aafea3b", "targets": [target]},
    )
    sources = """CREATE TABLE migration_sources (kind TEXT, source_path TEXT, source_sha256 TEXT, status TEXT,
    removed_source INTEGER)"""
    kept = [("deferred-plugin-session-import", str(path), receipt, "pending", 0)]
    install.database("state/openclaw.sqlite", "global", 12, _JOBS, sources, migration_sources=kept)
    nodes = "CREATE TABLE session_nodes (session_key TEXT PRIMARY KEY, current_session_id TEXT, status TEXT)"
    install.database("agents/main/agent/openclaw-agent.sqlite", "agent", 17, nodes, session_nodes=rows)
    return install


def test_a_store_that_was_written_after_its_import_is_told_by_its_receipt(rewritten: Install) -> None:
    found = rewritten.finding("legacy-store-beside-sqlite")
    assert found["severity"] == "error"
    assert "written after its import" in found["message"]
    assert "receipt" in found["consequence"]
    assert "exit 78" in found["consequence"]
    assert found["evidence"]["original"] == "legacy-store.sessions.json.imported-1"
    assert found["evidence"]["missingInDatabase"] == 1
    assert found["fix"] is None
    assert "removal" in found["byHand"]


def test_the_next_step_is_by_hand_and_no_repair(rewritten: Install) -> None:
    told = rewritten.told("scan")
    assert told["verdict"]["start"] == "no"
    assert told["next"]["command"].split()[:2] == ["gatewaydoctor", "explain"]
    assert "migration-unfinished" not in rewritten.rules()  # which would promise that the next start finishes it


def test_no_plan_promises_that_a_change_of_it_ends_the_refusal(rewritten: Install) -> None:
    store = rewritten.root / "agents/main/sessions/sessions.json"
    before = store.read_bytes()
    for repairs in ((), ("leftover",)):
        plan = rewritten.told("repair", *repairs)["details"]["plan"]
        assert plan["acts"] == []
        assert [(each["repair"], each["target"]) for each in plan["refusals"]] == [
            ("leftover", "agents/main/sessions/sessions.json")
        ]
    run("repair", "--apply", "--yes", "--state-dir", str(rewritten.root))
    assert store.read_bytes() == before


def test_paths_of_an_import_are_broken_at_their_joints(rewritten: Install) -> None:
    for width in range(60, 100, 3):
        told = run("migration", "--state-dir", str(rewritten.root), "--now", str(NOW), width=width).out
        lines = told.partition("Imports\n")[2].partition("\n\n")[0].splitlines()
        assert any("legacy-store.sessions.json.imported-1" in line for line in lines)
        assert all(len(line) <= width for line in lines)


def test_a_cut_one_has_no_repair_that_would_lead_back_to_itself(rewritten: Install) -> None:
    store = rewritten.root / "agents/main/sessions/sessions.json"
    store.write_bytes(store.read_bytes()[:3000])
    assert rewritten.finding("store-unparseable")["fix"] is None
    assert rewritten.told("scan")["next"]["command"].split()[:2] == ["gatewaydoctor", "explain"]


def test_a_repair_beside_it_leaves_the_start_refused(rewritten: Install) -> None:
    rewritten.put(
        "agents/main/sessions/sessions.json.lock", json.dumps({"pid": 2**22 - 2, "createdAt": "2026-01-01"})
    )
    applied = run("repair", "locks", "--apply", "--yes", "--state-dir", str(rewritten.root))
    told = " ".join(applied.out.split())
    assert "Start after does not come up" in told
    assert "keep the gateway stopped" in told
    assert "start the gateway" not in told


def test_without_its_archive_no_original_is_promised(rewritten: Install) -> None:
    shutil.rmtree(rewritten.root / "agents/main/session-sqlite-import-archive")
    found = rewritten.finding("legacy-store-beside-sqlite")
    assert found["evidence"]["original"] is None
    assert "archive has" not in found["message"]


def test_a_store_with_the_bytes_of_its_receipt_is_compared_as_any_other(rewritten: Install) -> None:
    archive = next((rewritten.root / "agents/main/session-sqlite-import-archive").iterdir())
    shutil.copyfile(archive, rewritten.root / "agents/main/sessions/sessions.json")
    found = rewritten.finding("legacy-store-beside-sqlite")
    assert "written after" not in found["message"]
    assert found["evidence"]["same"] == 40


# The archive of a reset


def test_archives_of_a_reset_hold_peoples_history_that_is_deleted_later(tmp_path: Path) -> None:
    install = Install(tmp_path, "2026.7.1-2")
    install.jobs_in([job("x")], 1)
    for agent in ("main", "notes"):
        fresh, old = identity(agent, "fresh"), identity(agent, "old")
        folder = f"agents/{agent}/sessions"
        for name, session, turns in (
            (f"{fresh}.jsonl", fresh, 1),
            (f"{old}.jsonl.reset.2026-09-20T00-00-00.000Z", old, 40),
        ):
            head = {"type": "session", "version": 3, "id": session, "timestamp": "2026-09-01T00:00:00.000Z"}
            message = {"role": "user", "content": [{"type": "text", "text": "x"}]}
            lines = [head, *({"type": "message", "id": str(turn), "message": message} for turn in range(turns))]
            install.put(f"{folder}/{name}", "".join(json.dumps(line) + "\n" for line in lines))
        row = {"sessionId": fresh, "updatedAt": NOW, "status": "done"}
        install.put(f"{folder}/sessions.json", {f"agent:{agent}:main": row})
    found = [each for each in install.told("scan")["findings"] if each["rule"] == "archived-history"]
    assert {each["agentId"] for each in found} == {"main", "notes"}
    assert {each["count"] for each in found} == {1}
    assert not {"session-missing-transcript", "transcript-unindexed"} & install.rules()
