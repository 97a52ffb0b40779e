"""Records and files of migrations that a start wants whole (docs/database.md, section 4)."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.cli.harness import run

from .made import connect

FIXTURE = Path(__file__).parents[2] / "fixtures" / "migration-receipt-open"
NOW = "2026-04-02T09:00:00Z"
RECORD = "UPDATE migration_runs SET status = ? WHERE id LIKE ?"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    shutil.copytree(FIXTURE / "state", tmp_path / "state")
    return tmp_path / "state"


def scanned(state: Path) -> dict[str, Any]:
    return run("scan", "--json", "--state-dir", str(state), "--now", NOW).document


def rules(state: Path) -> set[str]:
    return {each["rule"] for each in scanned(state)["findings"]}


def record(state: Path, status: str, run_id: str) -> None:
    with closing(connect(state / "state/openclaw.sqlite")) as database:
        database.execute(RECORD, (status, run_id))


def release(state: Path, version: str, **settings: object) -> None:
    path = state / "openclaw.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"meta": {"lastTouchedVersion": version}} | settings))
    with closing(connect(state / "state/openclaw.sqlite")) as database:
        database.execute("UPDATE schema_meta SET app_version = ?", (version,))


def test_an_open_record_is_refused(state: Path) -> None:
    verdict = scanned(state)["verdict"]
    assert (verdict["start"], verdict["reason"]) == ("no", "A 2026.9.6 gateway refuses to start (exit 1).")


@pytest.mark.parametrize(
    ("status", "told"), [("completed", False), ("Completed", True), ("failed", True), ("", True)]
)
def test_only_the_word_completed_counts(state: Path, status: str, told: bool) -> None:
    record(state, status, "node-desktop%")
    assert ("migration-receipt-open" in rules(state)) is told


def test_records_of_other_migrations_are_passed_over(state: Path) -> None:
    record(state, "completed", "node-desktop%")
    record(state, "failed", "cron-legacy%")
    assert "migration-receipt-open" not in rules(state)


@pytest.mark.parametrize(
    ("text", "start"), [('{"version": 1, "jobs": [{', "no"), ("", "no"), (None, "no"), ("[]", "yes"), ("{}", "yes")]
)
def test_a_cron_store_that_the_config_names_has_to_be_json(state: Path, text: str | None, start: str) -> None:
    record(state, "completed", "node-desktop%")
    store = state / "elsewhere.json"
    store.mkdir() if text is None else store.write_text(text)
    release(state, "2026.9.6", cron={"store": str(store)})
    verdict = scanned(state)["verdict"]
    assert verdict["start"] == start or (start == "yes" and verdict["start"] != "no")
    assert ("exit 78" in verdict["reason"]) is (start == "no")


@pytest.mark.parametrize(("version", "start"), [("2026.8.1", "no"), ("2026.9.3", "at-risk"), ("2026.9.6", "at-risk")])
def test_a_cut_jobs_file_ends_the_migrations_of_2026_8_1(state: Path, version: str, start: str) -> None:
    record(state, "completed", "node-desktop%")
    release(state, version)
    (state / "cron").mkdir(exist_ok=True)
    (state / "cron/jobs.json").write_text('{"version": 1, "jobs": [{')
    assert scanned(state)["verdict"]["start"] == start
