"""What a start of the release in use makes of a database, its schema and its records."""

from __future__ import annotations

import json
import os
from contextlib import closing
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from tests.cli.harness import run
from tests.state.fakes import FakeProcess, FakeProcesses

from .asked import AGENT_PATH, NOW, STATE_PATH, rules, started, told
from .made import STATE, Made, connect, insert, node

if TYPE_CHECKING:
    from pathlib import Path


def test_a_start_that_is_refused_loses_nothing_yet(state: Path) -> None:
    (state / AGENT_PATH).unlink()
    with closing(connect(state / STATE_PATH)) as database:
        insert(database, "agent_databases", agent_id="main", path=AGENT_PATH, schema_version=23)
        now = NOW + 60_000
        lease = {"scope": "core:agent-database-maintenance", "lease_key": "global", "owner": "x", "expires_at": now}
        insert(database, "state_leases", **lease, payload_json="{}")
    document = told(state)
    assert {"database-missing", "database-lease"} <= {each["rule"] for each in document["findings"]}
    assert document["verdict"]["start"] == "no"


@pytest.mark.parametrize("edit", ["other bytes", "written later", None])
def test_another_config_than_that_of_the_last_start_makes_the_migrations_due(plain: Path, edit: str | None) -> None:
    """2026.9.6 imported a leftover store after a setting had been added, and replaced a newer row; with the config
    of the last start it refuses the same store."""
    config = plain / "openclaw.json"
    seen = {
        "hash": sha256(config.read_bytes()).hexdigest(),
        "mtimeMs": NOW - 2_000 + 5_000 * (edit == "written later"),
    }
    with closing(connect(plain / STATE_PATH)) as database:
        database.execute("ALTER TABLE schema_meta ADD COLUMN updated_at INTEGER")
        row = {"meta_key": "startup-migrations", "app_version": "2026.9.6\n3\nx", "updated_at": NOW}
        insert(database, "schema_meta", **row)
        database.execute("CREATE TABLE config_health_entries (config_path TEXT, last_known_good_json TEXT)")
        database.execute("INSERT INTO config_health_entries VALUES (?, ?)", (str(config), json.dumps(seen)))
    leftover = {"agent:main:telegram:direct:1": {"sessionId": "x", "updatedAt": 5}}
    (plain / "agents/main/sessions/sessions.json").write_text(json.dumps(leftover))
    if edit == "other bytes":
        config.write_text('{"gateway": {"mode": "local"}, "session": {"scope": "global"}}')
    assert told(plain)["verdict"]["start"] == ("no" if edit is None else "at-risk")


def test_a_database_that_only_its_last_check_still_names(state: Path) -> None:
    """Neither the registry nor a directory is left of the agent, and the config has it."""
    started(state)
    (state / "openclaw.json").write_text(
        '{"gateway": {"mode": "local"}, "agents": {"entries": {"main": {}, "second": {}}}}'
    )
    second = state / "agents/second/agent/openclaw-agent.sqlite"
    with closing(connect(state / "state/openclaw-quarantine.sqlite")) as database:
        database.execute(
            "CREATE TABLE agent_integrity_verifications (path TEXT, clean_close INTEGER, verified_at INTEGER)"
        )
        for path in (state / AGENT_PATH, second):
            database.execute("INSERT INTO agent_integrity_verifications VALUES (?, 1, 5)", (str(path),))
    found = rules(state)["database-missing"]
    assert (found["agentId"], found["severity"]) == ("second", "critical")


def test_a_copy_without_its_logs_is_told_whatever_the_times_of_its_files(state: Path) -> None:
    """As `cp` leaves a killed directory of which only *.sqlite was taken: all times are those of the copy."""
    started(state)
    store = state / "state/openclaw-quarantine.sqlite"
    with closing(connect(store)) as database:
        database.execute(
            "CREATE TABLE agent_integrity_verifications (path TEXT, clean_close INTEGER, verified_at INTEGER)"
        )
        database.execute("INSERT INTO agent_integrity_verifications VALUES (?, 0, 5)", (str(state / AGENT_PATH),))
    with closing(connect(state / STATE_PATH)) as database:
        lease = {"scope": "gateway-owner", "lease_key": "global", "owner": "x", "expires_at": 5}
        insert(database, "state_leases", **lease, heartbeat_at=NOW - 600_000, payload_json="{}")
    for path in (state / AGENT_PATH, state / STATE_PATH):
        path.with_name(f"{path.name}-wal").unlink(missing_ok=True)
    later = NOW / 1000 + 3_600
    for each, kept, severity in (
        (later, later, "critical"),
        (later, NOW / 1000, "info"),
        (NOW / 1000, 0, "critical"),
    ):
        os.utime(store, (kept, kept))
        os.utime(state / AGENT_PATH, (each, each))
        found = [row for row in told(state)["findings"] if row["rule"] == "database-log-missing"]
        assert {row["agentId"]: row["severity"] for row in found}["main"] == severity


@pytest.mark.parametrize(("due", "code"), [(True, 78), (False, 1)])
def test_a_damaged_page_of_the_quarantine_store_has_the_code_of_that_store(plain: Path, due: bool, code: int) -> None:
    store = plain / "state/openclaw-quarantine.sqlite"
    with closing(connect(store)) as database:
        database.execute("CREATE TABLE quarantined_databases (path TEXT, reason TEXT, quarantined_at INTEGER)")
        database.execute("PRAGMA user_version = 2")
        (page,) = database.execute("SELECT rootpage FROM sqlite_master").fetchone()
        (size,) = database.execute("PRAGMA page_size").fetchone()
    store.write_bytes(store.read_bytes()[: (page - 1) * size] + bytes(size))
    if not due:
        started(plain)
    assert f"(exit {code})" in told(plain)["verdict"]["reason"]


def test_a_newer_schema_without_the_state_database_has_its_exit_code(plain: Path) -> None:
    with closing(connect(plain / AGENT_PATH)) as database:
        database.execute("PRAGMA user_version = 99")
    (plain / "config-journal-fingerprint.key").write_bytes(bytes(32))
    (plain / STATE_PATH).unlink()
    (plain / f"{STATE_PATH}-wal").unlink(missing_ok=True)
    verdict = told(plain)["verdict"]
    assert (verdict["start"], "(exit 78)" in verdict["reason"]) == ("no", True)


def test_the_verdict_on_a_gateway_that_runs_is_on_its_next_start(plain: Path) -> None:
    started(plain)
    processes = FakeProcesses([FakeProcess(7, ("x",), start_time=5)])
    with closing(connect(plain / STATE_PATH)) as database:
        lease = {"lease_id": "l", "agent_id": "main", "path": str(plain / AGENT_PATH), "opened_at": 5}
        insert(database, "agent_database_leases", **lease, owner_pid=7, owner_start_time=5)
    document = run("scan", "--json", "--state-dir", str(plain), "--now", str(NOW), processes=processes).document
    assert document["verdict"]["reason"].endswith("One that starts while this gateway runs refuses.")
    assert "runs refuses" not in told(plain)["verdict"]["reason"]


@pytest.mark.parametrize(
    ("release", "stamp", "told_of"),
    [
        ("2026.9.6", "2027.1.1", True),
        ("2026.9.6", "2026.9.6", False),
        ("2026.9.6", "2026.7.1", False),
        ("2026.7.1", "2026.7.2", True),
    ],
)
def test_a_config_of_a_newer_release_than_the_one_that_started(
    state: Path, release: str, stamp: str, told_of: bool
) -> None:
    (state / "openclaw.json").write_text(
        json.dumps({"gateway": {"mode": "local"}, "meta": {"lastTouchedVersion": stamp}})
    )
    with closing(connect(state / STATE_PATH)) as database:
        insert(database, "schema_meta", meta_key="startup-migrations", app_version=f"{release}\n3\nx")
    found = rules(state)
    assert ("config-newer" in found) is told_of
    if told_of:
        assert "exit 1" in found["config-newer"]["consequence"]
        assert told(state)["verdict"]["start"] == "no"


@pytest.mark.parametrize("release", ["2026.8.1", "2026.9.3", "2026.9.6"])
def test_the_exit_over_a_directory_in_place_of_the_config(plain: Path, release: str) -> None:
    with closing(connect(plain / STATE_PATH)) as database:
        insert(database, "schema_meta", meta_key="startup-migrations", app_version=f"{release}\n3\nx")
    (plain / "openclaw.json").unlink()
    (plain / "openclaw.json").mkdir()
    verdict = told(plain)["verdict"]
    assert verdict["reason"] == f"{release} refuses to start because of its config (exit 78)."


@pytest.mark.parametrize("version", [0, 23])
def test_a_database_of_another_program(state: Path, version: int) -> None:
    path = state / AGENT_PATH
    path.unlink()
    with closing(connect(path)) as database:
        database.execute("CREATE TABLE bookmarks (url)")
        database.execute(f"PRAGMA user_version = {version}")
    paths = {each["path"] for each in told(state)["findings"] if each["rule"] == "database-owner"}
    assert str(path) in paths


def test_a_version_of_0_over_the_gateways_tables(state: Path) -> None:
    with closing(connect(state / AGENT_PATH)) as database:
        insert(database, "schema_meta", meta_key="primary", role="agent", schema_version=23, agent_id="main")
        database.execute("PRAGMA user_version = 0")
    messages = [each["message"] for each in told(state)["findings"] if each["rule"] == "database-schema"]
    assert any("version 0 in its header and 23" in message for message in messages)


@pytest.mark.parametrize("path", [AGENT_PATH, STATE_PATH])
def test_a_database_without_a_table_is_taken_for_a_new_one(state: Path, path: str) -> None:
    (state / path).unlink()
    with closing(connect(state / path)) as database:
        database.execute("CREATE TABLE x (y)")
        database.execute("DROP TABLE x")
    found = rules(state)["database-empty"]
    assert (found["severity"], "has no table" in found["message"]) == ("critical", True)
    assert "gateway starts without cron jobs" in found["consequence"] or "EMPTY history" in found["consequence"]


@pytest.mark.parametrize("judged", [0, 1])
def test_a_torn_entry_is_told_whether_it_was_judged_or_not(state: Path, judged: int) -> None:
    with closing(connect(state / AGENT_PATH)) as database:
        database.execute("UPDATE session_nodes SET entry_json = '{torn', entry_valid = ? WHERE rowid = 3", (judged,))
    assert rules(state)["database-entry-invalid"]["evidence"]["faults"] == {"not-json": 1}


def test_a_value_that_its_table_forbids_is_told_with_the_table(state: Path) -> None:
    with closing(connect(state / AGENT_PATH)) as database:
        database.execute("CREATE TABLE checked (status TEXT CHECK (status IN ('running', 'done')))")
        database.execute("PRAGMA ignore_check_constraints = ON")
        database.execute("INSERT INTO checked VALUES ('weird')")
    found = rules(state)["database-corrupt"]
    assert found["message"] == "Rows of checked break a constraint of their table. Its pages hold together."
    assert found["fix"] is None


@pytest.mark.parametrize("pending", [True, False])
def test_a_key_in_capitals_that_no_gateway_has_judged(state: Path, pending: bool) -> None:
    with closing(connect(state / AGENT_PATH)) as database:
        database.execute("CREATE TABLE session_canonical_validation_pending (session_key TEXT PRIMARY KEY)")
        node(database, "AGENT:MAIN:TELEGRAM:DIRECT:99", "done", at=NOW)
        if pending:
            database.execute(
                "INSERT INTO session_canonical_validation_pending VALUES ('AGENT:MAIN:TELEGRAM:DIRECT:99')"
            )
    found = rules(state).get("database-entry-invalid")
    assert (found is not None) is pending
    assert found is None or found["evidence"]["faults"] == {"key": 1}


@pytest.mark.parametrize(("started", "told_of"), [("2026.9.6", True), (None, False)])
def test_an_older_schema_is_migrated_only_where_migrations_are_due(
    state: Path, started: str | None, told_of: bool
) -> None:
    with closing(connect(state / AGENT_PATH)) as database:
        insert(database, "schema_meta", meta_key="primary", role="agent", schema_version=20, agent_id="main")
        database.execute("PRAGMA user_version = 20")
    with closing(connect(state / STATE_PATH)) as database:
        if started:
            insert(database, "schema_meta", meta_key="startup-migrations", app_version=f"{started}\n3\nx")
    messages = [each["message"] for each in told(state)["findings"] if each["rule"] == "database-schema"]
    assert any("schema version 20" in message for message in messages) is told_of


def test_an_empty_quarantine_store_is_made_anew(state: Path) -> None:
    (state / "state/openclaw-quarantine.sqlite").write_bytes(b"")
    assert rules(state)["database-quarantined"]["severity"] == "info"


@pytest.mark.parametrize("version", [3, 200])
def test_a_format_that_sqlite_only_reads(state: Path, version: int) -> None:
    with closing(connect(state / STATE_PATH)) as database:
        insert(database, "schema_meta", meta_key="startup-migrations", app_version="2026.9.6\n3\nx")
    with (state / AGENT_PATH).open("r+b") as stream:
        stream.seek(18)
        stream.write(bytes([version, 2]))
    found = rules(state)["database-corrupt"]
    assert f"write version {version}" in found["message"]
    assert "exit 1)" in found["consequence"]
    assert sum(each["entries"] or 0 for each in told(state)["stores"]) == 40


@pytest.mark.parametrize(("release", "code"), [("2026.8.1", 1), ("2026.9.3", 1), ("2026.9.6", 78)])
def test_a_file_that_is_no_database_by_the_release_in_use(state: Path, release: str, code: int) -> None:
    with closing(connect(state / STATE_PATH)) as database:
        insert(database, "schema_meta", meta_key="startup-migrations", app_version=f"{release}\n3\nx")
    with (state / AGENT_PATH).open("r+b") as stream:
        stream.write(b"no database here")
    assert rules(state)["database-corrupt"]["consequence"] == f"A {release} gateway refuses to start (exit {code})."


@pytest.mark.parametrize(("release", "code"), [("2026.8.1", 1), ("2026.9.3", 1), ("2026.9.6", 78)])
def test_a_zeroed_page_of_sessions_by_the_release_in_use(state: Path, release: str, code: int) -> None:
    with closing(connect(state / STATE_PATH)) as database:
        insert(database, "schema_meta", meta_key="startup-migrations", app_version=f"{release}\n3\nx")
    with closing(connect(state / AGENT_PATH)) as database:
        (root,) = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'session_nodes'").fetchone()
    with (state / AGENT_PATH).open("r+b") as stream:
        stream.seek((root - 1) * 4096)
        stream.write(bytes(4096))
    assert rules(state)["database-corrupt"]["consequence"] == f"A {release} gateway refuses to start (exit {code})."


@pytest.mark.parametrize(("begin", "start"), [(b"\xd9\xd5\x05\xf9", "no"), (b"x", "no"), (b"\0", "yes")])
def test_a_journal_that_no_start_undoes(plain: Path, begin: bytes, start: str) -> None:
    """SQLite takes any journal for a hot one that does not begin with a zero."""
    (plain / f"{AGENT_PATH}-journal").write_bytes(begin + b"y" * 5_000)
    verdict = told(plain)["verdict"]
    assert (verdict["start"], "(exit 1)" in verdict["reason"]) == (start, start == "no")


def test_a_quarantine_store_that_cannot_be_used_has_codes_of_its_own(plain: Path) -> None:
    store = plain / "state/openclaw-quarantine.sqlite"
    store.write_bytes(b"garbage" * 1_000)
    assert "(exit 78)" in rules(plain)["database-quarantined"]["consequence"]
    with closing(connect(plain / STATE_PATH)) as database:
        insert(database, "schema_meta", meta_key="state-migrations", app_version="2026.9.6\n3\nx")
    assert "(exit 1)" in rules(plain)["database-quarantined"]["consequence"]
    store.unlink()
    store.mkdir()
    assert "(exit 1)" in rules(plain)["database-quarantined"]["consequence"]
    store.rmdir()
    with closing(connect(store)) as database:
        database.execute("CREATE TABLE quarantined_databases (path TEXT)")
        database.execute("PRAGMA user_version = 99")
    assert "(exit 1)" in told(plain)["verdict"]["reason"]


def test_a_config_that_2026_9_6_refuses_has_its_exit_code(plain: Path) -> None:
    (plain / "openclaw.json").write_bytes(b"")
    assert "(exit 78)" in told(plain)["verdict"]["reason"]
    (plain / "openclaw.json").unlink()
    (plain / "openclaw.json").mkdir()
    verdict = told(plain)["verdict"]
    assert (verdict["start"], "(exit 78)" in verdict["reason"]) == ("no", True)


@pytest.mark.parametrize(
    ("made", "then", "code"),
    [("x TEXT CHECK (x = 'a')", "x TEXT CHECK (x = 'a')", 1), ("x TEXT", "x TEXT NOT NULL", 78)],
)
def test_a_value_that_its_table_forbids_is_refused_late_where_only_a_writer_sees_it(
    plain: Path, made: str, then: str, code: int
) -> None:
    with closing(connect(plain / STATE_PATH)) as database:
        insert(database, "schema_meta", meta_key="startup-migrations", app_version="2026.9.6\n3\nx")
    with closing(connect(plain / AGENT_PATH)) as database:
        database.execute(f"CREATE TABLE checked ({made})")
        database.execute("PRAGMA ignore_check_constraints = ON")
        database.execute("INSERT INTO checked VALUES (?)", ("b" if code == 1 else None,))
        database.execute("PRAGMA writable_schema = ON")
        database.execute(
            "UPDATE sqlite_master SET sql = ? WHERE name = 'checked'", (f"CREATE TABLE checked ({then})",)
        )
    assert f"(exit {code})" in rules(plain)["database-corrupt"]["consequence"]


def test_a_state_database_is_missed_where_nothing_took_the_place_of_a_retired_jobs_file(tmp_path: Path) -> None:
    """2026.7.1 came up without the jobs that it had moved there."""
    (tmp_path / "agents/main/sessions").mkdir(parents=True)
    (tmp_path / "agents/main/sessions/sessions.json").write_text("{}")
    (tmp_path / "openclaw.json").write_text(
        '{"gateway": {"mode": "local"}, "meta": {"lastTouchedVersion": "2026.7.1"}}'
    )
    (tmp_path / "cron").mkdir()
    retired = tmp_path / "cron/jobs.json.migrated"
    retired.write_text('{"version": 1, "jobs": []}')
    missing = rules(tmp_path)["database-missing"]
    assert (missing["severity"], missing["evidence"]["role"]) == ("critical", "state")
    assert "A 2026.7.1 gateway starts without cron jobs" in missing["consequence"]
    (tmp_path / "cron/jobs.json").write_text('{"version": 1, "jobs": []}')
    assert "database-missing" not in rules(tmp_path)
    (tmp_path / "cron/jobs.json").unlink()
    Made(tmp_path / STATE_PATH, STATE, 1)
    assert "database-missing" not in rules(tmp_path)
