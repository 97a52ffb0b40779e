"""What is in a state directory of either era: sessions, jobs, subagent runs, messages and files, as plain values.
Databases are read from private copies with their logs."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_STATE = "state/openclaw.sqlite"


@dataclass(frozen=True, slots=True)
class Seen:
    """`rows` by session key: those of databases where there are any, else those of the store; `jobs` by name, each
    with its run state under `state`; `runs` are ids of subagent runs; `waiting` counts messages of the state database
    by status; `config` is the text of openclaw.json; `files` are the names of everything else, relative to the
    directory."""

    rows: dict[str, dict[str, Any]]
    jobs: dict[str, dict[str, Any]]
    runs: frozenset[str]
    waiting: dict[str, int]
    config: str
    files: frozenset[str]

    @property
    def running(self) -> set[str]:
        return {key for key, row in self.rows.items() if row.get("status") == "running"}


def observe(root: Path) -> Seen:
    """Nothing in `root` is opened for writing; call it while no gateway runs there."""
    jobs = _jobs_of_database(root) or _jobs_of_files(root)
    runs = set(_json(root / "subagents/runs.json").get("runs", {}))
    waiting = dict(_asked(root / _STATE, "SELECT status, count(*) FROM delivery_queue_entries GROUP BY 1"))
    runs |= {row[0] for row in _asked(root / _STATE, "SELECT run_id FROM subagent_runs")}
    files = (path for path in root.rglob("*") if path.is_file())
    config = (root / "openclaw.json").read_text()
    return Seen(
        _rows(root), jobs, frozenset(runs), waiting, config, frozenset(str(each.relative_to(root)) for each in files)
    )


def _rows(root: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for store in root.glob("agents/*/sessions/sessions.json"):
        found |= {key: row for key, row in _json(store).items() if isinstance(row, dict)}
    for database in root.glob("agents/*/agent/openclaw-agent.sqlite"):
        for key, entry, status in _asked(database, "SELECT session_key, entry_json, status FROM session_nodes"):
            found[key] = {**json.loads(entry), "status": status}
    return found


def _jobs_of_files(root: Path) -> dict[str, dict[str, Any]]:
    states = _json(root / "cron/jobs-state.json").get("jobs", {})
    found = {}
    for job in _json(root / "cron/jobs.json").get("jobs", []):
        moved = states.get(job.get("id"), {}).get("state")
        found[job.get("name")] = job if moved is None else {**job, "state": moved}
    return found


def _jobs_of_database(root: Path) -> dict[str, dict[str, Any]]:
    asked = _asked(root / _STATE, "SELECT name, enabled, job_json, state_json FROM cron_jobs")
    return {
        name: {**json.loads(job), "enabled": bool(enabled), "state": json.loads(state)}
        for name, enabled, job, state in asked
    }


def _json(path: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError):
        value = json.loads(path.read_bytes())
        return value if isinstance(value, dict) else {}
    return {}


def _asked(path: Path, statement: str) -> Iterator[tuple[Any, ...]]:
    if not path.exists():
        return
    with tempfile.TemporaryDirectory() as folder:
        for ending in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                shutil.copy(f"{path}{ending}", folder)
        with closing(sqlite3.connect(Path(folder) / path.name)) as database, suppress(sqlite3.DatabaseError):
            yield from database.execute(statement).fetchall()
