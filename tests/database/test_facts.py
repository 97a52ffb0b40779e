"""What agent and state databases tell."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING

import apsw

from gatewaydoctor.model.gateway.entry import Kind, Status
from gatewaydoctor.model.gateway.subagents import SubagentState
from gatewaydoctor.state.databases.agent import LARGE, read_agent
from gatewaydoctor.state.databases.state import read_state
from gatewaydoctor.storage.database.sessions import DatabaseSessions, read_sessions
from gatewaydoctor.storage.sqlite.opened import Opened, open_database
from gatewaydoctor.system.fs import OsReadFs

from .made import AGENT, STATE, Made, connect, insert, node

if TYPE_CHECKING:
    from pathlib import Path

RUN = "agent:main:cron:job-1:run:"


def opened(path: Path) -> Opened:
    found = open_database(OsReadFs(), path)
    assert isinstance(found, Opened), found
    return found


def rows_of(path: Path, *, weigh: bool = False) -> DatabaseSessions:
    with opened(path) as database:
        found = read_sessions(database, "main", weigh=weigh)
    assert found is not None
    return found


def agent(tmp_path: Path) -> Path:
    path = Made(tmp_path / "a.sqlite", AGENT, 23).path
    with closing(connect(path)) as connection:
        insert(
            connection, "schema_meta", meta_key="primary", schema_version=23, agent_id="main", app_version="2026.9.6"
        )
        node(connection, "agent:main:main", "done", at=1000, abortedLastRun=True)
        node(connection, "agent:main:telegram:direct:7", "running", at=2000)
        node(connection, "agent:main:subagent:s", "interrupted", at=3000, spawnedBy="agent:main:main")
        node(connection, f"{RUN}r1", "running", at=4000, skillsSnapshot="x" * 500)
        node(connection, f"{RUN}r2", None, at=5000, valid=0)
    return path


def test_rows_have_kinds_statuses_and_the_sixth_word(tmp_path: Path) -> None:
    path = agent(tmp_path)
    found = rows_of(path)
    assert found.counts == Counter(
        {
            (Kind.MAIN, Status.DONE): 1,
            (Kind.DIRECT, Status.RUNNING): 1,
            (Kind.SUBAGENT, Status.INTERRUPTED): 1,
            (Kind.CRON_RUN, Status.RUNNING): 1,
            (Kind.CRON_RUN, Status.UNKNOWN): 1,
        }
    )
    by_key = {entry.key: entry for _, entry in found.rows()}
    run = by_key[f"{RUN}r1"]
    assert (run.job_id, run.run_id, run.session_id, run.updated_at, run.started_at) == (
        "job-1",
        "r1",
        "sid-r1",
        4000,
        3990,
    )
    assert run.bytes > 500 + len(run.key)
    assert by_key["agent:main:main"].aborted_last_run
    assert by_key["agent:main:subagent:s"].spawned
    # When the transcript of a running row was written to.
    assert sorted(at for _, at in found.written.items()) == [2010, 4010]
    assert (found.invalid, found.fault) == (0, None)
    with opened(path) as database:
        rows = read_agent(database)
    assert (rows.unjudged, rows.cleared) == (1, 0)


def test_a_failed_run_is_decoded_only_where_it_may_have_been_interrupted(tmp_path: Path) -> None:
    path = Made(tmp_path / "a.sqlite", AGENT, 23).path
    with closing(connect(path)) as connection:
        node(connection, f"{RUN}r1", "failed", at=1, error="disk full")
        node(connection, f"{RUN}r2", "interrupted", at=2)
    found = rows_of(path)
    assert [entry.status for _, entry in found.rows()] == [Status.FAILED, Status.INTERRUPTED]
    assert "error" not in found.field_counts
    assert rows_of(path, weigh=True).field_counts["error"] == 1


def test_windows_are_counted_by_any_word_in_little_memory(tmp_path: Path) -> None:
    path = agent(tmp_path)
    with closing(connect(path)) as connection:
        connection.execute(
            "INSERT INTO session_windows (session_id, session_key, status) "
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000) "
            "SELECT 'w' || i, 'agent:main:main', CASE WHEN i % 2 THEN 'done' ELSE 'weird' END FROM n"
        )
    apsw.memory_high_water(True)
    with opened(path) as database:
        words = read_agent(database).windows.by_status
    assert (words["done"], words["weird"]) == (30_001, 30_000)
    assert apsw.memory_high_water() < 3_000_000


def test_fields_are_weighed_on_demand(tmp_path: Path) -> None:
    path = agent(tmp_path)
    assert rows_of(path).field_bytes["skillsSnapshot"] == 0
    weighed = rows_of(path, weigh=True)
    assert weighed.field_bytes["skillsSnapshot"] == 502
    assert weighed.field_counts["sessionId"] == 5
    assert weighed.counts == rows_of(path).counts


def test_rows_of_a_damaged_table_come_from_its_sound_pages(tmp_path: Path) -> None:
    path = agent(tmp_path)
    with closing(connect(path)) as connection:
        for number in range(300):
            node(connection, f"{RUN}n{number}", "done", at=number, skillsSnapshot="y" * 900)
    with opened(path) as database:
        pages = list(dict.fromkeys(cell.page for cell in database.pages.cells(database.tables["session_nodes"].root)))
    with path.open("r+b") as stream:
        stream.seek((pages[5] - 1) * 4096)
        stream.write(bytes(4096))
    found = rows_of(path)
    assert found.fault is not None
    assert found.lost == 1
    assert 290 < found.entries < 305
    assert found.counts[Kind.SUBAGENT, Status.INTERRUPTED] == 1


def test_entries_that_are_no_json_are_counted_as_invalid(tmp_path: Path) -> None:
    path = agent(tmp_path)
    with closing(connect(path)) as connection:
        connection.execute("UPDATE session_nodes SET entry_json = '{' WHERE session_key = 'agent:main:main'")
        connection.execute("UPDATE session_nodes SET entry_json = 'null' WHERE session_key LIKE '%subagent%'")
    found = rows_of(path)
    assert found.invalid == 2
    assert found.entries == 5


def test_columns_that_are_not_there_read_as_nothing(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite"
    with closing(connect(path)) as connection:
        connection.execute("CREATE TABLE session_nodes(session_key TEXT PRIMARY KEY, status TEXT)")
        connection.execute("INSERT INTO session_nodes VALUES('agent:main:main', 'done')")
    found = rows_of(path)
    assert found.counts == Counter({(Kind.MAIN, Status.DONE): 1})
    with opened(path) as database:
        assert read_agent(database).faults == ()
        assert read_state(database, "x", lambda key: False).faults == ()


def test_what_an_agent_database_holds_besides_its_sessions(tmp_path: Path) -> None:
    path = agent(tmp_path)
    with closing(connect(path)) as connection:
        former = {"session_id": "old", "session_key": "agent:main:main", "status": "running"}
        insert(connection, "session_windows", **former)
        for seq, size in enumerate((10, LARGE, 20)):
            insert(
                connection, "transcript_events", session_id="sid-main", seq=seq, event_json="e" * size, created_at=seq
            )
        insert(connection, "transcript_events", session_id="sid-7", seq=0, event_zstd=b"z" * 33, created_at=9)
        insert(connection, "transcript_events", session_id="nobody", seq=0, event_json="{}", created_at=1)
        insert(connection, "session_transcript_archives", session_id="gone", archive_blob=b"1234")
        insert(connection, "trajectory_runtime_events", session_id="sid-main", seq=0, event_json="12345")
        insert(connection, "session_pending_inputs", state="queued")
    with opened(path) as database:
        found = read_agent(database)
    assert (found.owner, found.app_version, found.schema) == ("main", "2026.9.6", 23)
    assert (found.windows.count, found.windows.former, found.windows.running_former) == (6, 1, 1)
    events = found.events
    assert (events.sessions, events.count, events.compressed, events.large) == (3, 5, 1, 1)
    assert (events.bytes, events.large_bytes, events.newest) == (10 + LARGE + 20 + 33 + 2, LARGE, 9)
    assert (found.archives.bytes, found.trajectories.bytes) == (4, 5)
    assert found.inputs == {"queued": 1}
    assert (found.silent, found.lost_events) == (3, 1)


def job(name: str, **state: object) -> dict[str, object]:
    document = {"id": name, "name": name.upper(), "schedule": {"kind": "every", "everyMs": 60_000}, "enabled": True}
    document |= {"payload": {"kind": "agentTurn", "message": "do"}, "sessionTarget": "isolated"}
    return {
        "job_id": name,
        "name": name.upper(),
        "enabled": 1,
        "job_json": json.dumps(document),
        "state_json": json.dumps(state),
    }


def test_what_a_state_database_tells(tmp_path: Path) -> None:
    made = Made(tmp_path / "s.sqlite", STATE, 18)
    own, moved = "/srv/state/cron/jobs.json", "/old/cron/jobs.json"
    imported = {"kind": "cron-run", "status": "ok"}
    child = {"childSessionKey": "agent:main:subagent:c", "endedAt": 9, "cleanup": "keep", "spawnMode": "session"}
    quarantined = {"sourceIndex": 1, "reason": "invalid-schedule", "job": {"id": "bad", "name": "Bad"}}
    lease = {"owner": {"pid": 7, "host": "box", "startedAt": 99}, "port": 18789}
    made.fill(
        ("schema_meta", {"meta_key": "primary", "schema_version": 18, "app_version": "2026.8.1"}),
        ("schema_meta", {"meta_key": "startup-migrations", "app_version": "2026.9.6\n3\nabc"}),
        ("cron_jobs", job("b", nextRunAtMs=5) | {"store_key": own, "sort_order": 1}),
        (
            "cron_jobs",
            job("a", runningAtMs=4) | {"store_key": own, "sort_order": 0, "declaration_key": "heartbeat:main"},
        ),
        ("cron_jobs", job("lost") | {"store_key": moved, "enabled": 0}),
        (
            "diagnostic_events",
            {"scope": f"cron.quarantine:{own}", "payload_json": json.dumps(quarantined), "created_at": 3},
        ),
        ("diagnostic_events", {"scope": "cron.quarrel", "payload_json": "{}"}),
        ("cron_run_receipts", {"store_key": own, "job_id": "a", "status": "running", "owner_pid": 7}),
        ("cron_run_receipts", {"store_key": own, "job_id": "a", "status": "ok"}),
        (
            "task_runs",
            {
                "task_id": "cron-runlog-import:a:1",
                "runtime": "cron",
                "source_id": "a",
                "status": "failed",
                "created_at": 8,
                "detail_json": json.dumps(imported, separators=(",", ":")),
            },
        ),
        ("task_runs", {"task_id": "t", "runtime": "cli", "source_id": "s", "status": "succeeded", "created_at": 2}),
        ("delivery_queue_entries", {"queue_name": "outbound", "status": "pending", "enqueued_at": 6}),
        ("subagent_runs", {"run_id": "r", "created_at": 1, "payload_json": json.dumps(child)}),
        (
            "state_leases",
            {"scope": "gateway-owner", "lease_key": "global", "expires_at": 300, "payload_json": json.dumps(lease)},
        ),
        ("agent_database_leases", {"agent_id": "main", "path": "/p", "owner_pid": 7, "owner_start_time": 99}),
        ("worker_session_placements", {"session_key": "agent:main:main", "turn_claim_id": "c", "updated_at_ms": 5}),
        ("worker_session_placements", {"session_key": "agent:main:other"}),
        ("gateway_boot_lifecycle", {"pid": 1, "started_at_ms": 10, "outcome": "clean_stop"}),
        ("gateway_boot_lifecycle", {"pid": 2, "started_at_ms": 20}),
        ("migration_sources", {"migration_kind": "cron", "source_path": own, "status": "completed"}),
        ("agent_databases", {"agent_id": "main", "path": "agents/main/agent/openclaw-agent.sqlite"}),
    )
    with opened(made.path) as database:
        found = read_state(database, own, lambda key: key == "agent:main:subagent:c")
    assert (found.started, found.app_version, found.schema, found.faults) == ("2026.9.6", "2026.8.1", 18, ())
    assert [(each.job_id, each.name, each.state.running_at, each.state.next_run_at) for each in found.jobs] == [
        ("a", "A", 4, None),
        ("b", "B", None, 5),
    ]
    assert [(each.store_key, each.jobs, each.enabled, each.managed) for each in found.partitions] == [
        (own, 2, 2, 1),
        (moved, 1, 0, 0),
    ]
    assert [(each.job_id, each.name, each.reason) for each in found.quarantined] == [
        ("bad", "Bad", "invalid-schedule")
    ]
    assert found.receipts == {"running": 1, "ok": 1}
    assert [(each.job_id, each.owner_pid) for each in found.running] == [("a", 7)]
    assert found.history.imported_ok == 1
    assert found.history.by_status == {("cron", "failed"): 1, ("cli", "succeeded"): 1}
    assert [(each.queue, each.count, each.oldest) for each in found.queues] == [("outbound", 1, 6)]
    [run] = found.subagents.rows
    assert (run.run_id, run.state, run.never_archived, run.orphaned) == ("r", SubagentState.ENDED, True, False)
    [held] = found.leases
    assert (held.pid, held.host, held.owner_start, held.port, held.expires_at) == (7, "box", 99, 18789, 300)
    assert [each.pid for each in found.database_leases] == [7]
    assert (found.placements, [each.session_key for each in found.open_turns]) == (2, ["agent:main:main"])
    assert [(each.pid, each.outcome) for each in found.boots] == [(2, None), (1, "clean_stop")]
    assert [each.kind for each in found.migrations] == ["cron"]
    assert [each.agent_id for each in found.databases] == ["main"]


def test_a_word_as_store_key_is_the_gateways_own(tmp_path: Path) -> None:
    made = Made(tmp_path / "s.sqlite", STATE, 1)
    made.fill(("cron_jobs", job("a") | {"store_key": "default"}), ("cron_jobs", job("b") | {"store_key": "/old"}))
    with opened(made.path) as database:
        assert [each.job_id for each in read_state(database, "/new", lambda key: True).jobs] == ["a"]


def test_a_table_that_cannot_be_read_is_a_fault_and_not_empty(tmp_path: Path) -> None:
    made = Made(tmp_path / "s.sqlite", STATE, 18)
    made.fill(*(("cron_run_receipts", {"job_id": f"j{n}", "status": "ok"}) for n in range(500)))
    with opened(made.path) as database:
        page = next(iter(database.pages.cells(database.tables["cron_run_receipts"].root))).page
    with made.path.open("r+b") as stream:
        stream.seek((page - 1) * 4096)
        stream.write(bytes(4096))
    with opened(made.path) as database:
        found = read_state(database, "/s", lambda key: True)
    assert {table for table, _ in found.faults} == {"cron_run_receipts"}
