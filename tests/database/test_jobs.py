"""Jobs of a database, by what becomes of them at a start."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.harness import run

from .asked import NOW, STATE_PATH, rules, told
from .made import connect, insert

if TYPE_CHECKING:
    from pathlib import Path

SOUND = {
    "id": "a",
    "name": "digest",
    "schedule": {"kind": "every", "everyMs": 86_400_000},
    "payload": {"kind": "agentTurn", "message": "x"},
    "sessionTarget": "isolated",
}


def test_where_cron_is_disabled_a_malformed_job_puts_nothing_at_risk(plain: Path) -> None:
    (plain / "openclaw.json").write_text('{"gateway": {"mode": "local"}, "cron": {"enabled": false}}')
    row = {"store_key": f"{plain}/cron/jobs.json", "job_id": "a", "name": "digest", "enabled": 1}
    with closing(connect(plain / STATE_PATH)) as database:
        insert(database, "cron_jobs", **row, job_json="{torn", state_json="{}")
    assert "Cron is disabled" in rules(plain)["cron-job-cannot-run"]["consequence"]
    assert told(plain)["verdict"]["start"] == "yes"


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
    text = "{torn" if change is None else json.dumps(SOUND | change)
    row = {"store_key": f"{plain}/cron/jobs.json", "job_id": "a", "name": "digest", "enabled": 1}
    with closing(connect(plain / STATE_PATH)) as database:
        insert(database, "cron_jobs", **row, job_json=text, state_json="{}")
    document = told(plain)
    found = [each for each in document["findings"] if each["rule"] == "cron-job-cannot-run"]
    assert document["verdict"]["start"] == start
    assert [each["evidence"]["jobs"][0]["fate"] for each in found] == ([fate] if fate else [])
    assert [each["severity"] for each in found] == (["error" if start == "at-risk" else "warning"] if fate else [])


@pytest.mark.parametrize(("release", "schema"), [("2026.8.1", 15), ("2026.9.3", 16)])
@pytest.mark.parametrize(
    ("job", "kept", "start"),
    [
        ("{}", '{"nextRunAtMs": 9e300}', "at-risk"),
        ("[]", "{}", "at-risk"),
        ("{torn", "{}", "yes"),
        ('{"agentId": 5}', "{}", "yes"),
        ("{}", "{}", "yes"),
    ],
)
def test_a_job_that_an_earlier_release_does_not_take(
    plain: Path, release: str, schema: int, job: str, kept: str, start: str
) -> None:
    """2026.8.1 set these aside, too, and started as ever over the others."""
    text = json.dumps(SOUND | json.loads(job)) if job.startswith("{") and job.endswith("}") else job
    row = {"store_key": f"{plain}/cron/jobs.json", "job_id": "a", "name": "digest", "enabled": 1}
    config = {"gateway": {"mode": "local"}, "meta": {"lastTouchedVersion": release}}
    (plain / "openclaw.json").write_text(json.dumps(config))
    with closing(connect(plain / STATE_PATH)) as database:
        insert(database, "cron_jobs", **row, job_json=text, state_json=kept)
        database.execute("ALTER TABLE cron_jobs ADD COLUMN payload_kind TEXT")
        database.execute(f"PRAGMA user_version = {schema}")
        database.execute("UPDATE schema_meta SET schema_version = ?", (schema,))
    found = [each for each in told(plain)["findings"] if each["rule"] == "cron-job-cannot-run"]
    assert [each["severity"] for each in found] == (["error"] if start == "at-risk" else [])
    assert all("takes 1 job out of its list" in each["consequence"] for each in found)


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
