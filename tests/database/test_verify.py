"""--verify reads what a quick look leaves out; leases and odd files that keep a gateway from its databases."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sqlite3
from contextlib import closing
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from gatewaydoctor.examine.databases import health
from gatewaydoctor.storage.database import integrity, schema
from gatewaydoctor.storage.sqlite import log
from gatewaydoctor.system.immutable import Fixed
from tests.cli.harness import run
from tests.state.fakes import FakeProcess, FakeProcesses

from .made import AGENT, STATE, Made, connect, insert, node

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOW = 1_796_000_000_000
AGENT_PATH, STATE_PATH = "agents/main/agent/openclaw-agent.sqlite", "state/openclaw.sqlite"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    root = tmp_path / "state-dir"
    (root / "agents/main/sessions").mkdir(parents=True)
    (root / "openclaw.json").write_text('{"gateway": {"mode": "local"}}')
    Made(root / AGENT_PATH, AGENT, 23)
    Made(root / STATE_PATH, STATE, 18)
    with closing(connect(root / AGENT_PATH)) as database:
        for number in range(40):
            node(database, f"agent:main:telegram:direct:{number}", "done", at=NOW)
    return root


def told(state: Path, *more: str) -> dict[str, Any]:
    return run("scan", "--json", "--all", "--state-dir", str(state), "--now", str(NOW), *more).document


def rules(state: Path, *more: str) -> dict[str, dict[str, Any]]:
    return {each["rule"]: each for each in told(state, *more)["findings"]}


def stale_index(path: Path) -> None:
    """The index is taken out of the schema while rows change, and put back as it was."""
    with closing(connect(path)) as database:
        database.execute("CREATE INDEX stale ON session_nodes (spawned_by)")
        database.execute("PRAGMA writable_schema = ON")
        row = database.execute("SELECT * FROM sqlite_master WHERE name = 'stale'").fetchone()
        database.execute("DELETE FROM sqlite_master WHERE name = 'stale'")
    with closing(connect(path)) as database:
        database.execute("UPDATE session_nodes SET spawned_by = session_key, entry_valid = 1")
        database.execute("PRAGMA writable_schema = ON")
        database.execute("INSERT INTO sqlite_master VALUES (?, ?, ?, ?, ?)", row)


def test_an_index_is_compared_with_its_table_in_a_large_database_only_by_verify(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale_index(state / AGENT_PATH)
    found = rules(state)["database-corrupt"]
    assert (found["severity"], found["consequence"]) == ("error", "A 2026.9.6 gateway refuses to start (exit 78).")
    assert "An index" in found["message"]
    monkeypatch.setattr(integrity, "INDEXES_BELOW", 0)
    assert "database-corrupt" not in rules(state)
    assert "database-corrupt" in rules(state, "--verify")


def test_a_key_index_without_rows_makes_no_row_an_orphan(state: Path) -> None:
    """SQL looks a parent up in that index, and finds none."""
    path = state / AGENT_PATH
    with closing(connect(path)) as database:
        database.execute("CREATE TABLE filler (key TEXT PRIMARY KEY)")
        database.execute("CREATE TABLE child (key TEXT REFERENCES session_nodes (session_key))")
        database.execute("INSERT INTO child SELECT session_key FROM session_nodes")
        roots = dict(database.execute("SELECT name, rootpage FROM sqlite_master"))
        database.execute("PRAGMA writable_schema = ON")
        index, empty = "sqlite_autoindex_session_nodes_1", "sqlite_autoindex_filler_1"
        for name, page in ((index, roots[empty]), (empty, roots[index])):
            database.execute("UPDATE sqlite_master SET rootpage = ? WHERE name = ?", (page, name))
    found = rules(state)
    assert "database-corrupt" in found
    assert "database-foreign-keys" not in found


@pytest.mark.parametrize("suffix", ["", "-wal"])
def test_a_pipe_in_place_of_a_database_or_its_log_is_waited_for(state: Path, suffix: str) -> None:
    place = state / f"{AGENT_PATH}{suffix}"
    place.unlink(missing_ok=True)
    os.mkfifo(place)
    assert "does not come up" in rules(state)["database-corrupt"]["consequence"]
    assert told(state)["verdict"]["start"] == "no"


def started(state: Path) -> None:
    with closing(connect(state / STATE_PATH)) as database:
        insert(database, "schema_meta", meta_key="startup-migrations", app_version="2026.9.6\n3\nx")


def test_what_only_a_writer_meets_next_to_a_database(state: Path) -> None:
    """Read as ever; the gateway cannot write to it and refuses with exit 1."""
    started(state)
    (state / f"{AGENT_PATH}-shm").unlink(missing_ok=True)
    (state / f"{AGENT_PATH}-shm").mkdir()
    assert "exit 1)" in rules(state)["database-corrupt"]["consequence"]
    (state / f"{AGENT_PATH}-shm").rmdir()
    (state / f"{AGENT_PATH}-wal").unlink(missing_ok=True)
    (state / f"{AGENT_PATH}-wal").symlink_to(state / "elsewhere")
    assert "symbolic link" in rules(state)["database-corrupt"]["message"]


def test_a_file_in_place_of_the_directory_of_a_database_refuses(state: Path) -> None:
    started(state)
    with closing(connect(state / STATE_PATH)) as database:
        insert(database, "agent_databases", agent_id="main", path=AGENT_PATH, schema_version=23)
    shutil.rmtree((state / AGENT_PATH).parent)
    (state / AGENT_PATH).parent.write_text("")
    found = rules(state)["database-missing"]
    assert (found["severity"], "exit 78" in found["consequence"]) == ("error", True)


def test_a_lease_that_names_no_owner_is_waited_for(state: Path) -> None:
    started(state)
    with closing(connect(state / STATE_PATH)) as database:
        lease = {"scope": "gateway-owner", "lease_key": "global", "owner": "x", "expires_at": NOW + 60_000}
        insert(database, "state_leases", **lease, payload_json="{torn")
    assert "does not name" in rules(state)["database-lease"]["message"]


def test_a_cleared_session_is_no_bad_entry(state: Path) -> None:
    with closing(connect(state / AGENT_PATH)) as database:
        database.execute("UPDATE session_nodes SET entry_json = '{}' WHERE session_key LIKE '%:7'")
        database.execute("UPDATE session_nodes SET entry_valid = -1 WHERE session_key LIKE '%:7'")
    assert "database-entry-invalid" not in rules(state, "--verify")
    with closing(connect(state / AGENT_PATH)) as database:
        database.execute("UPDATE session_nodes SET entry_valid = 0 WHERE session_key LIKE '%:7'")
    assert "database-entry-invalid" in rules(state)


def test_a_file_of_one_byte_is_an_empty_one(state: Path) -> None:
    """As SQLite takes it: a start makes a new database in its place."""
    (state / AGENT_PATH).write_bytes(b"S")
    with closing(connect(state / STATE_PATH)) as database:
        insert(database, "schema_meta", meta_key="startup-migrations", app_version="2026.9.6\n3\nx")
    found = rules(state)["database-empty"]
    assert (found["severity"], found["message"]) == ("critical", "The database of an agent has 1 byte.")


def test_databases_that_only_the_archive_of_an_import_shows(state: Path) -> None:
    for path in (AGENT_PATH, STATE_PATH):
        (state / path).unlink()
    archive = state / "agents/main/session-sqlite-import-archive"
    archive.mkdir()
    (archive / "legacy-store.sessions.json.imported-1796000000000").write_text("{}")
    document = told(state)
    sources = {each["evidence"]["source"] for each in document["findings"] if each["rule"] == "database-missing"}
    assert sources == {"the archive of its import", "the archives of imports"}
    assert document["verdict"]["effect"] == "loses"


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


@pytest.mark.parametrize("verify", [False, True])
def test_only_verify_reads_every_checksum_of_a_very_large_log(
    state: Path, verify: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "SURE_UP_TO", 0)
    path = state / AGENT_PATH
    with closing(connect(path)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA wal_autocheckpoint = 0")
        for number in range(40, 60):
            node(database, f"agent:main:telegram:direct:{number}", "done", at=NOW)
        kept = {suffix: path.with_name(path.name + suffix).read_bytes() for suffix in ("", "-wal")}
    flipped = bytearray(kept["-wal"])
    flipped[len(flipped) // 2] ^= 0x55
    path.write_bytes(kept[""])
    path.with_name(f"{path.name}-wal").write_bytes(flipped)
    document = told(state, *(["--verify"] if verify else []))
    held = document["stores"][-1]["entries"]
    with closing(sqlite3.connect(path)) as database:
        (real,) = database.execute("SELECT count(*) FROM session_nodes").fetchone()
    assert 40 <= real < 60
    assert (held == real) is verify
    assert any("--verify" in each["reason"] for each in document["skipped"]) is not verify


@pytest.mark.parametrize(
    ("payload", "key", "waits"),
    [
        ('{"owner": {"pid": 999999, "host": "HERE", "startedAt": 5}}', "global", False),
        ('{"owner": {"pid": 999999, "host": "HERE", "startedAt": 5}}', "other", False),
        ('{"owner": {"pid": 4242, "host": "gone", "startedAt": 5}}', "global", True),
        ('{"owner": {"pid": 4242, "host": "gone", "startedAt": 5}}', "other", False),
        ('{"owner": {"pid": 999999, "startedAt": 5}}', "global", True),
        ('{"owner": {"pid": "999999", "host": "HERE", "startedAt": 5}}', "global", True),
        ('{"owner": {"pid": 0, "host": "HERE", "startedAt": 5}}', "global", True),
        ("[1]", "global", True),
    ],
)
def test_an_owner_that_cannot_be_told_is_waited_for(state: Path, payload: str, key: str, waits: bool) -> None:
    """As 2026.9.6 did with each of them."""
    started(state)
    with closing(connect(state / STATE_PATH)) as database:
        lease = {"scope": "gateway-owner", "lease_key": key, "owner": "x", "expires_at": NOW + 60_000}
        insert(database, "state_leases", **lease, payload_json=payload.replace("HERE", socket.gethostname()))
    assert ("database-lease" in rules(state)) is waits


def test_a_maintenance_lease_without_an_end_is_passed_over(state: Path) -> None:
    started(state)
    with closing(connect(state / STATE_PATH)) as database:
        lease = {"scope": "core:agent-database-maintenance", "lease_key": "global", "owner": "x"}
        insert(database, "state_leases", **lease, expires_at=None, payload_json="{}")
    assert "database-lease" not in rules(state)


def test_a_lease_of_a_process_that_may_have_a_database_open(state: Path) -> None:
    """Its start time was not recorded, and a process of that id runs: 2026.9.6 refused with exit 78."""
    started(state)
    with closing(connect(state / STATE_PATH)) as database:
        lease = {"lease_id": "l", "agent_id": "main", "path": str(state / AGENT_PATH), "opened_at": 5}
        insert(database, "agent_database_leases", **lease, owner_pid=7, owner_start_time=None)
    assert "database-lease" not in rules(state)
    processes = FakeProcesses([FakeProcess(7, ("x",), start_time=5)])
    document = run("scan", "--json", "--state-dir", str(state), "--now", str(NOW), processes=processes).document
    [found] = [each for each in document["findings"] if each["rule"] == "database-lease"]
    assert "(exit 78)" in found["consequence"]


def test_a_second_directory_of_an_agent_in_another_spelling(plain: Path) -> None:
    """2026.9.6 takes the rows of both, and refuses what is in both."""
    started(plain)
    (plain / "agents/MAIN/sessions").mkdir(parents=True)
    assert "database-owner" not in rules(plain)
    shutil.copytree(plain / "agents/main/agent", plain / "agents/MAIN/agent")
    found = rules(plain)["database-owner"]
    assert (found["count"], "(exit 1)" in found["consequence"]) == (40, True)
    with closing(connect(plain / "agents/MAIN/agent/openclaw-agent.sqlite")) as database:
        database.execute("UPDATE session_nodes SET session_key = session_key || '0000', entry_valid = 1")
    assert "database-owner" not in rules(plain)


def test_a_hidden_copy_of_the_directory_of_an_agent_is_passed_over(plain: Path) -> None:
    started(plain)
    shutil.copytree(plain / "agents/main", plain / "agents/.main")
    assert "database-owner" not in rules(plain)


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


def test_the_files_of_locks_have_to_be_databases(plain: Path) -> None:
    """2026.9.6 refused over garbage, a directory and a file in place of their directory, with exit 1."""
    started(plain)
    folder = plain / "tmp/openclaw-0"
    folder.mkdir(parents=True)
    for name in ("gateway.state.lock.sqlite", "gateway.f98e2a47.lock.sqlite"):
        (folder / name).write_bytes(b"")
    (folder / "other.txt").write_text("x")
    assert "database-corrupt" not in rules(plain)
    lock = folder / "gateway.state.lock.sqlite"
    lock.write_bytes(b"garbage" * 1_000)
    assert told(plain)["verdict"]["reason"] == "A 2026.9.6 gateway refuses to start (exit 1)."
    assert rules(plain)["database-corrupt"]["path"] == str(lock)
    lock.unlink()
    lock.mkdir()
    assert rules(plain)["database-corrupt"]["path"] == str(lock)
    shutil.rmtree(plain / "tmp")
    (plain / "tmp").write_text("")
    assert rules(plain)["database-corrupt"]["path"] == str(plain / "tmp")


def test_a_file_in_place_of_the_cron_directory_is_passed_over(plain: Path) -> None:
    """2026.9.6 ran the jobs of its database."""
    started(plain)
    (plain / "cron").write_text("")
    document = told(plain)
    assert (document["verdict"]["start"], "cron-store-unparseable" in rules(plain)) == ("yes", False)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("nowhere")])
def test_what_is_not_a_file_in_place_of_the_shm(plain: Path, make: Callable[[Path], None]) -> None:
    started(plain)
    shm = plain / f"{AGENT_PATH}-shm"
    shm.unlink(missing_ok=True)
    make(shm)
    assert "(exit 1)" in rules(plain)["database-corrupt"]["consequence"]


def test_a_link_in_place_of_the_states_log_has_a_code_of_its_own(plain: Path) -> None:
    started(plain)
    log_path = plain / f"{STATE_PATH}-wal"
    log_path.unlink(missing_ok=True)
    log_path.symlink_to("nowhere")
    assert "(exit 78)" in rules(plain)["database-corrupt"]["consequence"]


def test_a_database_that_nobody_may_change(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `chattr +i` leaves it: 2026.9.6 refused with exit 1."""
    started(plain)
    inode = (plain / AGENT_PATH).stat().st_ino
    monkeypatch.setattr(health, "fixed", lambda fd: Fixed.IMMUTABLE if os.fstat(fd).st_ino == inode else None)
    found = rules(plain)["database-corrupt"]
    assert (found["agentId"], "(exit 1)" in found["consequence"]) == ("main", True)
    assert found["evidence"]["command"].endswith(f" {plain / AGENT_PATH}")


def test_a_directory_of_a_database_that_nobody_may_change(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started(plain)
    folder = (plain / AGENT_PATH).parent
    monkeypatch.setattr(health, "fixed_directory", lambda path: Fixed.IMMUTABLE if path == folder else None)
    found = rules(plain)["database-corrupt"]
    assert ("its directory is immutable" in found["message"], "(exit 1)" in found["consequence"]) == (True, True)
    assert found["evidence"]["command"].endswith(f" {folder}")


@pytest.mark.parametrize("place", ["state", "agents"])
def test_a_file_in_place_of_a_directory_that_leads_to_databases(plain: Path, place: str) -> None:
    shutil.copytree(plain / "agents/main", plain / "agents/second")
    with closing(connect(plain / STATE_PATH)) as database:
        insert(database, "agent_databases", agent_id="main", path=AGENT_PATH, schema_version=23)
    started(plain)
    shutil.rmtree(plain / place)
    (plain / place).write_text("")
    verdict = told(plain)["verdict"]
    assert (verdict["start"], "(exit 78)" in verdict["reason"]) == ("no", True)


@pytest.mark.parametrize("due", [True, False])
@pytest.mark.parametrize("also", ["leftover", "quarantined"])
def test_what_a_start_passes_over_with_an_agent_that_it_leaves_out(plain: Path, also: str, due: bool) -> None:
    agents = {"entries": {"main": {"default": True}, "second": {}}}
    (plain / "openclaw.json").write_text(json.dumps({"gateway": {"mode": "local"}, "agents": agents}))
    second = plain / AGENT_PATH.replace("main", "second")
    second.parent.mkdir(parents=True)
    second.write_bytes(b"garbage" * 1_000)
    with closing(connect(plain / STATE_PATH)) as database:
        insert(database, "agent_databases", agent_id="second", path=str(second), schema_version=23)
    if not due:
        started(plain)
    if also == "leftover":
        (second.parents[1] / "sessions").mkdir()
        (second.parents[1] / "sessions/sessions.json").write_text('{"agent:second:main": {"sessionId": "x"}}')
    else:
        with closing(connect(plain / "state/openclaw-quarantine.sqlite")) as database:
            columns = "path TEXT, kind TEXT, reason TEXT, quarantined_at INTEGER"
            database.execute(f"CREATE TABLE quarantined_databases ({columns})")
            database.execute("INSERT INTO quarantined_databases VALUES (?, 'agent', 'x', 1)", (str(second),))
    verdict = told(plain)["verdict"]
    assert (verdict["start"], "without the sessions of this agent" in verdict["reason"]) == ("at-risk", True)


def test_an_agent_whose_database_is_that_of_the_first_is_left_out(plain: Path) -> None:
    """2026.9.6 started without its sessions, where the file is hard-linked and where it is a link."""
    agents = {"entries": {"main": {"default": True}, "second": {}}}
    (plain / "openclaw.json").write_text(json.dumps({"gateway": {"mode": "local"}, "agents": agents}))
    started(plain)
    second = plain / AGENT_PATH.replace("main", "second")
    second.parent.mkdir(parents=True)
    os.link(plain / AGENT_PATH, second)
    verdict = told(plain)["verdict"]
    assert (verdict["start"], "without the sessions of this agent" in verdict["reason"]) == ("at-risk", True)


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


@pytest.mark.parametrize(
    ("agents", "start"),
    [({}, "yes"), ({"main": {}, "second": {"default": True}}, "yes"), ({"second": {"default": True}}, "at-risk")],
)
def test_sessions_of_main_where_the_config_does_not_have_it(plain: Path, agents: dict[str, Any], start: str) -> None:
    """2026.9.6 moved the rows to the default agent, and those of the same keys to `legacy-main-conflict-1` and on."""
    config = {"gateway": {"mode": "local"}} | ({"agents": {"entries": agents}} if agents else {})
    (plain / "openclaw.json").write_text(json.dumps(config))
    (plain / "config-journal-fingerprint.key").write_bytes(bytes(32))
    verdict = told(plain)["verdict"]
    assert (verdict["start"], "moves them all to the default agent" in verdict["reason"]) == (
        start,
        start == "at-risk",
    )


def test_a_newer_schema_without_the_state_database_has_its_exit_code(plain: Path) -> None:
    with closing(connect(plain / AGENT_PATH)) as database:
        database.execute("PRAGMA user_version = 99")
    (plain / "config-journal-fingerprint.key").write_bytes(bytes(32))
    (plain / STATE_PATH).unlink()
    (plain / f"{STATE_PATH}-wal").unlink(missing_ok=True)
    verdict = told(plain)["verdict"]
    assert (verdict["start"], "(exit 78)" in verdict["reason"]) == ("no", True)


@pytest.mark.parametrize(
    ("agents", "told_of"),
    [
        ({"list": [{"id": "main", "default": True}, {"id": "second"}]}, None),
        ({"list": [{"default": True}, {"id": "second"}]}, None),
        ({"list": [{"id": "main"}, {"id": "second"}, {"id": "second"}]}, None),
        ({"list": [{"id": "main"}, {"id": "second", "agentDir": "/srv/second"}]}, None),
        ({"list": [{"id": "main", "default": True}, {"id": "second", "default": True}]}, "2 agents"),
        ({"entries": {"main": {"default": True}, "second": {"default": True}}}, "2 agents"),
        ({"list": [{"id": "main"}, {"id": "second", "agentDir": "STATE/agents/main/agent"}]}, "one agentDir"),
    ],
)
def test_agents_that_2026_9_6_does_not_take_from_the_config(
    plain: Path, agents: dict[str, Any], told_of: str | None
) -> None:
    """As it took each at a start; `openclaw config validate` of the same release wants an id, a start does not."""
    started(plain)
    text = json.dumps({"gateway": {"mode": "local"}, "agents": agents})
    (plain / "openclaw.json").write_text(text.replace("STATE", str(plain)))
    found = rules(plain).get("config-refused")
    assert (told_of is None) is (found is None)
    if found is not None:
        assert str(told_of) in found["message"]
        assert "(exit 78)" in told(plain)["verdict"]["reason"]


def test_databases_are_where_session_store_puts_them(plain: Path) -> None:
    """2026.9.6 moved all sessions of an agent to a database next to the file that `session.store` names, and left
    empty ones behind."""
    started(plain)
    with closing(connect(plain / STATE_PATH)) as database:
        for path in (AGENT_PATH, "my/main.sqlite"):
            insert(database, "agent_databases", agent_id="main", path=path, schema_version=23)
    (plain / "my").mkdir()
    shutil.copyfile(plain / AGENT_PATH, plain / "my/main.sqlite")
    with closing(connect(plain / AGENT_PATH)) as database:
        database.execute("DELETE FROM session_nodes")
    config = {"gateway": {"mode": "local"}, "session": {"store": f"{plain}/my/{{agentId}}.json"}}
    (plain / "openclaw.json").write_text(json.dumps(config))
    assert told(plain)["verdict"]["stake"]["conversations"] == 40
    (plain / "my/main.sqlite").unlink()
    assert rules(plain)["database-missing"]["path"].endswith("my/main.sqlite")


def test_the_verdict_on_a_gateway_that_runs_is_on_its_next_start(plain: Path) -> None:
    started(plain)
    processes = FakeProcesses([FakeProcess(7, ("x",), start_time=5)])
    with closing(connect(plain / STATE_PATH)) as database:
        lease = {"lease_id": "l", "agent_id": "main", "path": str(plain / AGENT_PATH), "opened_at": 5}
        insert(database, "agent_database_leases", **lease, owner_pid=7, owner_start_time=5)
    document = run("scan", "--json", "--state-dir", str(plain), "--now", str(NOW), processes=processes).document
    assert document["verdict"]["reason"].endswith("One that starts while this gateway runs refuses.")
    assert "runs refuses" not in told(plain)["verdict"]["reason"]


def test_where_cron_is_disabled_a_malformed_job_puts_nothing_at_risk(plain: Path) -> None:
    (plain / "openclaw.json").write_text('{"gateway": {"mode": "local"}, "cron": {"enabled": false}}')
    row = {"store_key": f"{plain}/cron/jobs.json", "job_id": "a", "name": "digest", "enabled": 1}
    with closing(connect(plain / STATE_PATH)) as database:
        insert(database, "cron_jobs", **row, job_json="{torn", state_json="{}")
    assert "Cron is disabled" in rules(plain)["cron-job-cannot-run"]["consequence"]
    assert told(plain)["verdict"]["start"] == "yes"


@pytest.mark.parametrize("left_ms", [30_000, -1])
def test_a_maintenance_lease_keeps_a_gateway_from_starting_until_it_expires(state: Path, left_ms: int) -> None:
    with closing(connect(state / STATE_PATH)) as database:
        insert(
            database,
            "state_leases",
            scope="core:agent-database-maintenance",
            lease_key="global",
            owner="x",
            expires_at=NOW + left_ms,
            payload_json=json.dumps({}),
        )
    found = rules(state)
    assert ("database-lease" in found) is (left_ms > 0)
    if left_ms > 0:
        assert "exit 78" in found["database-lease"]["consequence"]
        assert told(state)["verdict"]["start"] == "no"


@pytest.mark.parametrize("suffix", ["", "-wal"])
def test_a_directory_where_a_file_of_a_database_should_be(state: Path, suffix: str) -> None:
    (state / f"{AGENT_PATH}{suffix}").unlink(missing_ok=True)
    (state / f"{AGENT_PATH}{suffix}").mkdir()
    found = rules(state)
    assert "database-log-foreign" not in found
    assert "a directory" in found["database-corrupt"]["message"]
    assert "exit 78" in found["database-corrupt"]["consequence"]


@pytest.mark.parametrize(("stamp", "told_of"), [("2027.1.1", True), ("2026.9.6", False), ("2026.7.1", False)])
def test_a_config_of_a_newer_release_than_the_one_that_started(state: Path, stamp: str, told_of: bool) -> None:
    (state / "openclaw.json").write_text(
        json.dumps({"gateway": {"mode": "local"}, "meta": {"lastTouchedVersion": stamp}})
    )
    with closing(connect(state / STATE_PATH)) as database:
        insert(database, "schema_meta", meta_key="startup-migrations", app_version="2026.9.6\n3\nx")
    found = rules(state)
    assert ("config-newer" in found) is told_of
    if told_of:
        assert "exit 1" in found["config-newer"]["consequence"]
        assert told(state)["verdict"]["start"] == "no"


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


@pytest.mark.parametrize("known", ["nobody", "folder", "config"])
def test_a_registered_agent_without_a_database(state: Path, known: str) -> None:
    with closing(connect(state / STATE_PATH)) as database:
        path = "agents/ghost/agent/openclaw-agent.sqlite"
        insert(database, "agent_databases", agent_id="ghost", path=path, schema_version=23)
    if known == "folder":
        (state / "agents/ghost").mkdir()
    if known == "config":
        config = {"gateway": {"mode": "local"}, "agents": {"list": [{"id": "main"}, {"id": "ghost"}]}}
        (state / "openclaw.json").write_text(json.dumps(config))
    assert rules(state)["database-missing"]["severity"] == ("info" if known == "nobody" else "critical")


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


def test_a_store_of_an_agent_without_a_database_stops_a_start_that_imports_nothing_any_more(state: Path) -> None:
    (state / "agents/third/sessions").mkdir(parents=True)
    (state / "agents/third/sessions/sessions.json").write_text('{"agent:third:main": {"sessionId": "x"}}')
    assert rules(state)["legacy-store-beside-sqlite"]["severity"] == "warning"
    with closing(connect(state / STATE_PATH)) as database:
        insert(database, "schema_meta", meta_key="startup-migrations", app_version="2026.9.6\n3\nx")
    found = rules(state)["legacy-store-beside-sqlite"]
    assert (found["severity"], "exit 78" in found["consequence"]) == ("error", True)


def test_an_empty_quarantine_store_is_made_anew(state: Path) -> None:
    (state / "state/openclaw-quarantine.sqlite").write_bytes(b"")
    assert rules(state)["database-quarantined"]["severity"] == "info"


@pytest.mark.parametrize("link", [os.link, os.symlink])
def test_two_agents_with_one_file_keep_no_gateway_from_starting(
    state: Path, link: Callable[[Path, Path], None]
) -> None:
    with closing(connect(state / AGENT_PATH)) as database:
        insert(database, "schema_meta", meta_key="primary", role="agent", schema_version=23, agent_id="main")
    second = state / AGENT_PATH.replace("main", "second")
    second.parent.mkdir(parents=True)
    link(state / AGENT_PATH, second)

    def owners() -> dict[str, dict[str, Any]]:
        found = [each for each in told(state)["findings"] if each["rule"] == "database-owner"]
        return {each["agentId"]: each for each in found if each["agentId"]}

    assert {agent: each["severity"] for agent, each in owners().items()} == {"second": "warning"}
    assert "second name" in owners()["second"]["message"]
    second.unlink()
    shutil.copyfile(state / AGENT_PATH, second)
    assert owners()["second"]["severity"] == "error"


def test_a_database_that_is_registered_for_another_agent(state: Path) -> None:
    second = AGENT_PATH.replace("main", "second")
    (state / second).parent.mkdir(parents=True)
    Made(state / second, AGENT, 23)
    for path, agent in ((AGENT_PATH, "main"), (second, "second")):
        with closing(connect(state / path)) as database:
            insert(database, "schema_meta", meta_key="primary", role="agent", schema_version=23, agent_id=agent)

    def registered(*rows: tuple[str, str]) -> dict[str, str]:
        with closing(connect(state / STATE_PATH)) as database:
            database.execute("DELETE FROM agent_databases")
            database.execute("DELETE FROM schema_meta")
            insert(database, "schema_meta", meta_key="startup-migrations", app_version="2026.9.6\n3\nx")
            for agent, path in rows:
                insert(database, "agent_databases", agent_id=agent, path=path, schema_version=23)
        found = [each for each in told(state)["findings"] if "registered for" in each["message"]]
        assert all("refuses to start (exit 78)" in each["consequence"] for each in found)
        assert all(each["severity"] == "error" for each in found)
        return {each["agentId"]: each["evidence"]["registeredFor"] for each in found}

    own = ("main", AGENT_PATH), ("second", second)
    assert registered(*own) == {}
    assert registered(("main", second), ("second", AGENT_PATH)) == {"main": "second", "second": "main"}
    assert registered(*own, ("ghost", AGENT_PATH)) == {"main": "ghost"}
    assert registered(*own, ("ghost", "/elsewhere/openclaw-agent.sqlite")) == {}


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


@pytest.fixture
def plain(state: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same directory; its tables, which are not all that a release makes, are compared with none."""
    monkeypatch.setattr(schema, "_known", dict)
    for path, role, version in ((AGENT_PATH, "agent", 23), (STATE_PATH, "global", 18)):
        agent = "main" if role == "agent" else None
        with closing(connect(state / path)) as database:
            insert(database, "schema_meta", meta_key="primary", role=role, schema_version=version, agent_id=agent)
    return state


@pytest.mark.parametrize(
    ("agents", "start"),
    [
        ([{"id": "main", "default": True}, {"id": "second"}], "at-risk"),
        ([{"id": "main"}, {"id": "second", "default": True}], "no"),
        ([{"id": "main"}], "no"),
    ],
)
def test_a_damaged_agent_that_is_not_the_default_keeps_its_own_sessions_from_loading(
    plain: Path, agents: list[dict[str, Any]], start: str
) -> None:
    (plain / "openclaw.json").write_text(json.dumps({"gateway": {"mode": "local"}, "agents": {"list": agents}}))
    second = plain / AGENT_PATH.replace("main", "second")
    second.parent.mkdir(parents=True)
    second.write_bytes(b"no database here" * 1_000)
    document = told(plain)
    assert document["verdict"]["start"] == start
    (found,) = [each for each in document["findings"] if each["rule"] == "database-corrupt"]
    assert (found["severity"], "startsWithoutAgent" in found["evidence"]) == ("error", start == "at-risk")


def test_an_empty_database_of_an_agent_that_nothing_names_stops_nothing(plain: Path) -> None:
    third = plain / AGENT_PATH.replace("main", "third")
    third.parent.mkdir(parents=True)
    third.write_bytes(b"")
    document = told(plain)
    (found,) = [each for each in document["findings"] if each["rule"] == "database-empty"]
    assert (found["severity"], found["agentId"], document["skipped"]) == ("warning", "third", [])


def test_a_link_to_nothing_is_no_store(plain: Path) -> None:
    (plain / "agents/main/sessions/sessions.json").symlink_to(plain / "nowhere.json")
    assert told(plain)["verdict"]["start"] == "yes"


def test_a_file_in_place_of_the_sessions_directory_next_to_a_database_stops_nothing(plain: Path) -> None:
    (plain / "agents/main/sessions").rmdir()
    (plain / "agents/main/sessions").write_text("")
    assert told(plain)["verdict"]["start"] == "yes"


def test_indexes_of_a_large_database_that_were_not_compared_are_told(
    plain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(integrity, "INDEXES_BELOW", 0)
    document = told(plain)
    assert {each["reason"].partition(", as")[0] for each in document["skipped"]} == {
        "its indexes were not compared with their tables"
    }
    assert (document["verdict"]["start"], "of 2 large databases" in document["verdict"]["reason"]) == ("yes", True)
    verified = told(plain, "--verify")
    assert (verified["skipped"], "large" in verified["verdict"]["reason"]) == ([], False)


@pytest.mark.parametrize(("begin", "start"), [(b"\xd9\xd5\x05\xf9", "no"), (b"x", "no"), (b"\0", "yes")])
def test_a_journal_that_no_start_undoes(plain: Path, begin: bytes, start: str) -> None:
    """SQLite takes any journal for a hot one that does not begin with a zero."""
    (plain / f"{AGENT_PATH}-journal").write_bytes(begin + b"y" * 5_000)
    verdict = told(plain)["verdict"]
    assert (verdict["start"], "(exit 1)" in verdict["reason"]) == (start, start == "no")


@pytest.mark.parametrize(
    ("change", "start", "fate"),
    [
        ({}, "yes", None),
        ({"id": None}, "at-risk", "set-aside"),
        ({"schedule": None}, "at-risk", "set-aside"),
        ({"schedule": {"kind": "every", "everyMs": 0}}, "at-risk", "set-aside"),
        ({"schedule": {"kind": "weird", "everyMs": 5}}, "at-risk", "set-aside"),
        ({"payload": {"kind": "weird"}}, "at-risk", "set-aside"),
        ({"schedule": {"kind": "cron", "expr": "99 99 * * *"}}, "yes", "never-runs"),
        ({"schedule": {"kind": "cron", "expr": "0 9 * * *", "tz": "Mars/Olympus"}}, "yes", "never-runs"),
        (None, "at-risk", "set-aside"),
    ],
)
def test_a_job_of_a_database_that_a_start_does_not_take(
    plain: Path, change: dict[str, Any] | None, start: str, fate: str | None
) -> None:
    """As 2026.9.6 took each of them: it keeps the text of those that are set aside."""
    sound = {
        "id": "a",
        "name": "digest",
        "schedule": {"kind": "every", "everyMs": 86_400_000},
        "payload": {"kind": "agentTurn", "message": "x"},
        "sessionTarget": "isolated",
    }
    text = "{torn" if change is None else json.dumps(sound | change)
    row = {"store_key": f"{plain}/cron/jobs.json", "job_id": "a", "name": "digest", "enabled": 1}
    with closing(connect(plain / STATE_PATH)) as database:
        insert(database, "cron_jobs", **row, job_json=text, state_json="{}")
    document = told(plain)
    found = [each for each in document["findings"] if each["rule"] == "cron-job-cannot-run"]
    assert document["verdict"]["start"] == start
    assert [each["evidence"]["jobs"][0]["fate"] for each in found] == ([fate] if fate else [])
    assert [each["severity"] for each in found] == (["error" if start == "at-risk" else "warning"] if fate else [])


def test_jobs_of_a_database_are_told_by_what_becomes_of_them(plain: Path) -> None:
    """2026.9.6 takes one out of its list, disables another, and does not start its scheduler over the third."""
    sound = {"schedule": {"kind": "every", "everyMs": 86_400_000}, "payload": {"kind": "agentTurn", "message": "x"}}
    changes: tuple[dict[str, Any], ...] = ({"payload": None}, {"schedule": "0 9 * * *"}, {"agentId": 5})
    for number, change in enumerate(changes):
        job = {"id": f"j{number}", "name": "digest"} | sound | change
        row = {"store_key": f"{plain}/cron/jobs.json", "job_id": f"j{number}", "name": "digest", "enabled": 1}
        with closing(connect(plain / STATE_PATH)) as database:
            insert(database, "cron_jobs", **row, job_json=json.dumps(job), state_json="{}")
        if number == 1:
            finding = rules(plain)["cron-job-cannot-run"]
            assert "takes 1 job out of its list" in finding["consequence"]
            assert "never runs 1 job" in finding["consequence"]
            assert told(plain)["verdict"]["reason"] == "2 cron jobs would not run."
    assert "no cron job runs" in rules(plain)["cron-job-cannot-run"]["consequence"]
    verdict = told(plain)["verdict"]
    assert (verdict["start"], verdict["reason"]) == (
        "at-risk",
        "It would start without its scheduler: no cron job runs.",
    )


@pytest.mark.parametrize(("word", "enabled"), [(True, True), (False, False), ("false", False), (0, True)])
def test_the_definition_of_a_job_tells_whether_it_is_enabled_and_not_the_column(
    plain: Path, word: object, enabled: bool
) -> None:
    """2026.9.6 ran a job whose column alone said that it is disabled, and wrote the column again."""
    job = {"id": "a", "name": "digest", "enabled": word, "schedule": {"kind": "every", "everyMs": 86_400_000}}
    row = {"store_key": f"{plain}/cron/jobs.json", "job_id": "a", "name": "digest", "enabled": int(not enabled)}
    with closing(connect(plain / STATE_PATH)) as database:
        insert(database, "cron_jobs", **row, job_json=json.dumps(job), state_json="{}")
    document = run("cron", "--json", "--state-dir", str(plain), "--now", str(NOW)).document
    assert [each["enabled"] for each in document["details"]["jobs"]] == [enabled]


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


def test_a_directory_in_place_of_jobs_json_leaves_no_scheduler(plain: Path) -> None:
    (plain / "cron/jobs.json").mkdir(parents=True)
    verdict = told(plain)["verdict"]
    assert (verdict["start"], "no cron job runs" in verdict["reason"]) == ("at-risk", True)


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
