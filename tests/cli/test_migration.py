"""`migration`: what is in a database, what only files have."""

from __future__ import annotations

import hashlib
import json
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.cli.harness import run
from tests.database.made import AGENT, STATE, Made, connect, insert, node

NOW = 1_796_000_000_000
FIXTURES = Path(__file__).parents[2] / "fixtures"
WORDS = "the blue parcel"


def line(number: int, role: str = "user") -> dict[str, Any]:
    message = {"role": role, "content": [{"type": "text", "text": WORDS}]}
    return {"type": "message", "id": f"m{number}", "timestamp": "2026-01-01T00:00:00.000Z", "message": message}


def transcript(session: str, count: int) -> list[str]:
    head = {"type": "session", "version": 3, "id": session, "timestamp": "2026-01-01T00:00:00.000Z", "cwd": "/"}
    roles = ("user", "assistant")
    return [json.dumps(each) for each in (head, *(line(n, roles[n % 2]) for n in range(count)))]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Session `sid-7` with its header and the first four messages in the database."""
    root = tmp_path / "state-dir"
    (root / "agents/main/sessions").mkdir(parents=True)
    (root / "agents/main/session-sqlite-import-archive").mkdir()
    (root / "openclaw.json").write_text('{"gateway": {"mode": "local"}}')
    agent = Made(root / "agents/main/agent/openclaw-agent.sqlite", AGENT, 23).path
    Made(root / "state/openclaw.sqlite", STATE, 18)
    with closing(connect(agent)) as database:
        node(database, "agent:main:telegram:direct:7", "done", at=NOW)
        for seq, text in enumerate(transcript("sid-7", 4)):
            insert(database, "transcript_events", session_id="sid-7", seq=seq, event_json=text, created_at=NOW)
    return root


def active(state: Path, lines: list[str], tail: str = "") -> None:
    text = "".join(f"{each}\n" for each in lines) + tail
    (state / "agents/main/sessions/sid-7.jsonl").write_text(text)


def audit(state: Path, *more: str) -> dict[str, Any]:
    told = run("migration", "--json", "--state-dir", str(state), "--now", str(NOW), *more)
    assert told.code == 0, told.err
    details: dict[str, Any] = told.document["details"]
    return details


def places(details: dict[str, Any]) -> dict[tuple[str, str], int]:
    return {(each["source"], each["place"]): each["count"] for each in details["agents"][0]["files"]}


@pytest.mark.parametrize("tail", ["", "\0" * 64, "\n\n"])
def test_a_transcript_whose_events_are_all_in_the_database_is_contained(state: Path, tail: str) -> None:
    active(state, transcript("sid-7", 4), tail)
    assert places(audit(state)) == {("active", "database"): 1}


def test_events_the_database_lacks_are_counted_with_peoples_turns(state: Path) -> None:
    active(state, transcript("sid-7", 9))
    details = audit(state)
    [found] = details["agents"][0]["transcripts"]
    assert (found["events"], found["inDatabase"], found["peoplesTurns"]) == (10, 5, 3)
    assert places(details) == {("active", "partly"): 1}


def test_a_torn_line_is_named_and_what_follows_counted(state: Path) -> None:
    lines = transcript("sid-7", 8)
    active(state, [*lines[:5], lines[5][:140], *lines[6:]])
    [found] = audit(state)["agents"][0]["transcripts"]
    assert (found["brokenLine"], found["inDatabase"], found["peoplesTurns"]) == (6, 5, 1)
    assert found["undecidedLines"] == 1


def test_a_session_that_was_removed_is_in_its_archive_row(state: Path) -> None:
    with closing(connect(state / "agents/main/agent/openclaw-agent.sqlite")) as database:
        database.execute("DROP TABLE session_transcript_archives")
        database.execute(
            "CREATE TABLE session_transcript_archives(session_id TEXT, archive_blob BLOB, encoding TEXT, "
            "created_at INT)"
        )
        blob = "".join(f"{each}\n" for each in transcript("gone", 2)).encode()
        insert(database, "session_transcript_archives", session_id="gone", archive_blob=blob, encoding="plain")
    name = "agent_main_x.gone.jsonl.imported-1"
    lines = "".join(f"{each}\n" for each in transcript("gone", 2))
    (state / "agents/main/session-sqlite-import-archive" / name).write_text(lines)
    assert places(audit(state)) == {("imported", "archive-row"): 1}


def test_entries_of_an_old_store_by_where_they_are(state: Path) -> None:
    store = {
        "agent:main:telegram:direct:7": {"sessionId": "sid-7"},
        "agent:main:telegram:direct:8": {"updatedAt": 1},
        "agent:main:telegram:direct:9": {"sessionId": "sid-9"},
    }
    archive = state / "agents/main/session-sqlite-import-archive/legacy-store.sessions.json.imported-1"
    archive.write_text(json.dumps(store, indent=2))
    agent = audit(state)["agents"][0]
    assert agent["rows"] == {"database": 1, "left-out": 1, "absent": 1}
    assert [row["key"].rpartition(":")[2] for row in agent["lostRows"]] == ["8", "9"]


def test_jobs_by_where_they_are(state: Path) -> None:
    (state / "cron").mkdir()
    jobs = [{"id": name, "name": name, "schedule": {"kind": "every", "everyMs": 60_000}} for name in "abcd"]
    (state / "cron/jobs.json.migrated").write_text(json.dumps({"version": 1, "jobs": jobs}))
    with closing(connect(state / "state/openclaw.sqlite")) as database:
        for name, directory in (("a", state), ("b", Path("/old"))):
            job = json.dumps(jobs["abcd".index(name)])
            key = str(directory / "cron/jobs.json")
            insert(database, "cron_jobs", store_key=key, job_id=name, name=name, enabled=1, job_json=job)
        payload = json.dumps({"reason": "invalid-schedule", "job": jobs[2]})
        scope = f"cron.quarantine:{state / 'cron/jobs.json'}"
        insert(database, "diagnostic_events", scope=scope, event_key="x", payload_json=payload, created_at=NOW)
    found = audit(state)["jobs"]
    assert {each["jobId"]: each["place"] for each in found["missing"]} == {
        "b": "elsewhere",
        "c": "quarantined",
        "d": "file",
    }
    assert found["database"] == 1


@pytest.mark.parametrize("same", [True, False])
def test_a_source_that_was_rewritten_contradicts_its_receipt(state: Path, same: bool) -> None:
    archive = state / "agents/main/session-sqlite-import-archive/legacy-store.sessions.json.imported-1"
    archive.write_text("{}")
    store = state / "agents/main/sessions/sessions.json"
    store.write_text("{}" if same else '{"agent:main:x": {"sessionId": "x"}}')
    with closing(connect(state / "state/openclaw.sqlite")) as database:
        receipt = {"source_path": str(store), "source_sha256": hashlib.sha256(b"{}").hexdigest(), "status": "pending"}
        insert(database, "migration_sources", migration_kind="deferred", removed_source=0, imported_at=1, **receipt)
    [found] = audit(state)["retainedSources"]
    assert found["contradicted"] is not same
    assert found["original"] == (None if same else str(archive))


def test_an_export_can_be_read_and_taken_by_a_gateway_of_the_file_era(state: Path, tmp_path: Path) -> None:
    lines = transcript("sid-7", 8)
    active(state, [*lines[:5], lines[5][:140], *lines[6:]])
    before = {path: path.stat().st_mtime_ns for path in state.rglob("*")}
    out = tmp_path / "out"
    assert audit(state, "--export", str(out))["export"] == {"directory": str(out), "files": 2}
    kept = (out / "main/sid-7.jsonl").read_text().splitlines()
    assert kept == [*lines[:5], *lines[6:]]
    text = (out / "main/sid-7.md").read_text()
    assert text.count("## user") == 1
    assert WORDS in text
    assert [oct(path.stat().st_mode)[-3:] for path in (out, *out.rglob("*.*"))] == ["700", "600", "600"]
    assert {path: path.stat().st_mtime_ns for path in state.rglob("*")} == before


@pytest.mark.parametrize("outer", [True, False], ids=["", "what leaves is not redacted"])
def test_a_redacted_export_has_nobodys_words(
    outer: bool, state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Message text is gone whatever its words are: those of the program itself pass what redacts its output."""
    if not outer:
        monkeypatch.setattr("gatewaydoctor.cli.verbs.migration._fit_to_share", lambda _, content: content)
    active(state, transcript("sid-7", 8))
    audit(state, "--redact", "--export", str(tmp_path / "out"))
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert len(files) == 2
    for path in files:
        assert "parcel" not in path.read_text()
        assert "sid-7" not in path.name
        assert "sid-7" not in path.read_text() or not outer


def test_an_export_goes_neither_into_the_state_directory_nor_over_anything(state: Path, tmp_path: Path) -> None:
    active(state, transcript("sid-7", 8))
    (tmp_path / "full").mkdir()
    (tmp_path / "full/x").touch()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for directory in (state / "out", tmp_path / "full", tmp_path / "link", tmp_path / "full/x"):
        told = run("migration", "--state-dir", str(state), "--now", str(NOW), "--export", str(directory))
        assert told.code == 2, told.out
        assert not (state / "out").exists()


def test_the_screen_ends_with_the_next_step(tmp_path: Path) -> None:
    shutil.copytree(FIXTURES / "migration-losses" / "state", tmp_path / "state-dir")
    told = run("migration", "--state-dir", str(tmp_path / "state-dir"), "--now", str(NOW))
    lines = told.out.splitlines()
    command = next(number for number, text in enumerate(lines) if text.startswith("next:"))
    assert max(map(len, lines[: command + 1])) <= 80
    assert len(lines) <= 24
    assert "gatewaydoctor repair import" in " ".join(lines[command:])
    assert "main 0 0 1 0 1 2" in " ".join(told.out.split())
    verbose = run("migration", "-v", "--state-dir", str(tmp_path / "state-dir"), "--now", str(NOW)).out
    assert "2 turns of conversations only here" in " ".join(verbose.split())


@pytest.mark.parametrize(("database", "told"), [(True, "no file of an import"), (False, "sessions in files")])
def test_an_agent_without_anything_of_an_import_is_not_counted_as_nothing(
    state: Path, database: bool, told: str
) -> None:
    shutil.rmtree(state / "agents/main/session-sqlite-import-archive")
    if not database:
        shutil.rmtree(state / "agents/main/agent")
    screen = run("migration", "--state-dir", str(state), "--now", str(NOW)).out
    assert "main 0" not in " ".join(screen.split())
    assert f"main: {told}" in screen
    assert "nothing of an import is here to compare" in screen
