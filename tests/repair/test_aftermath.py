"""The loop after a repair: retrying jobs are disabled in the same run, the receipt names what is really next, and
`after` tells what became of it."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import shutil
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

from gatewaydoctor.fixtures import DEFAULT_NOW, make
from tests.cli.harness import run
from tests.repair.test_database_salvage import PEOPLE
from tests.repair.test_every_repair import damaged_database, mixed_leftover, trim
from tests.state.fakes import FakeProcess, FakeProcesses
from tests.world import HOUR, StateDir, job, row
from tests.world import NOW as WORLD_NOW

NOW = ("--now", str(DEFAULT_NOW))
RETRYING = {"git-backup-night", "SSL price check", "morning-sleep-report"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make("issue-61633", tmp_path_factory.mktemp("made") / "state", scale=0.2).state_dir


@pytest.fixture
def incident(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "state"))


def enabled(state: Path) -> set[str]:
    jobs = json.loads((state / "cron/jobs.json").read_text())["jobs"]
    return {job["name"] for job in jobs if job["enabled"]}


def repair(state: Path, *options: str) -> Any:
    return run("repair", *options, "--state-dir", str(state), *NOW)


def after(state: Path, *options: str, **machine: Any) -> Any:
    gateway = FakeProcess(4242, ("openclaw-gateway",), env={"OPENCLAW_STATE_DIR": str(state)})
    machine.setdefault("processes", FakeProcesses([gateway]))
    return run("after", *options, "--state-dir", str(state), "--now", str(DEFAULT_NOW), **machine)


def checks(ran: Any) -> dict[str, dict[str, Any]]:
    return {each["about"]: each for each in json.loads(ran.out)["details"]["checks"]}


def test_retrying_jobs_are_named_where_only_salvage_knows_their_runs(incident: Path) -> None:
    """Their runs go in the run that brings the rows back: nothing would name these jobs afterwards."""
    store = incident / "agents/main/sessions/sessions.json"
    whole = store.read_bytes()
    at = len(whole) // 20
    store.write_bytes(whole[:at] + bytes(200) + whole[at + 200 :])
    done = repair(incident, "--apply", "--yes")
    assert done.code == 0, done.err
    assert "3 jobs retry without end and would fill the store again" in " ".join(done.out.split())


def test_retrying_jobs_are_disabled_in_the_run_that_removes_their_runs(incident: Path) -> None:
    before = (incident / "cron/jobs.json").read_bytes()
    shown = repair(incident, "--disable-retrying")
    assert shown.code == 0
    assert "cron: disable" in " ".join(shown.out.split())
    assert all(name in shown.out for name in RETRYING)
    done = repair(incident, "--disable-retrying", "--apply", "--yes")
    assert done.code == 0, done.err
    assert not enabled(incident) & RETRYING
    assert "repair cron --enable" in " ".join(done.out.split())
    assert "--disable" not in done.out.partition("\nNext\n")[2], "they are disabled already"
    assert run("undo", "--yes", "--state-dir", str(incident), *NOW).code == 0
    assert (incident / "cron/jobs.json").read_bytes() == before


def test_without_a_person_nothing_is_disabled_and_the_receipt_says_what_comes_first(incident: Path) -> None:
    done = repair(incident, "--apply", "--yes")
    assert done.code == 0, done.err
    assert enabled(incident) >= RETRYING
    flat = " ".join(done.out.split())
    assert (
        flat.index("3 jobs retry without end") < flat.index("start the gateway") < flat.index("gatewaydoctor after")
    )
    assert "--disable-retrying" not in enabled(incident)


def test_jobs_that_do_not_retry_stay_enabled(incident: Path) -> None:
    others = enabled(incident) - RETRYING
    repair(incident, "--disable-retrying", "--apply", "--yes")
    assert enabled(incident) == others


def test_a_plan_tells_the_next_start_before_and_after(incident: Path) -> None:
    plan = json.loads(repair(incident, "--json", "--disable-retrying").out)["details"]["plan"]
    fired = [{name for event in plan[side] if event["kind"] == "fires" for name in event["who"]}
             for side in ("startBefore", "startAfter")]  # fmt: skip
    assert fired[0] & RETRYING
    assert not fired[1] & RETRYING


def test_after_a_good_start_everything_is_there(incident: Path) -> None:
    repair(incident, "--disable-retrying", "--apply", "--yes")
    ran = after(incident, "--json")
    found = checks(ran)
    assert (ran.code, found["gateway"]["standing"], found["sessions"]["standing"]) == (0, "ok", "ok")
    assert found["sessions"]["text"].startswith("10 of 10 conversations")
    assert (found["jobs"]["standing"], set(found["jobs"]["names"])) == ("open", RETRYING)
    assert found["burst"]["standing"] == "ok"
    assert "repair cron --enable" in " ".join(after(incident).out.split())


def test_after_writes_nothing(incident: Path) -> None:
    repair(incident, "--apply", "--yes")
    before = {path: path.stat().st_mtime_ns for path in incident.rglob("*")}
    after(incident)
    assert {path: path.stat().st_mtime_ns for path in incident.rglob("*")} == before


def test_a_gateway_that_is_not_running_is_a_failure(incident: Path) -> None:
    repair(incident, "--apply", "--yes")
    ran = after(incident, "--json", processes=FakeProcesses())
    assert (ran.code, checks(ran)["gateway"]["standing"]) == (1, "bad")


def test_a_lost_conversation_and_a_new_burst_are_failures(incident: Path) -> None:
    repair(incident, "--apply", "--yes")
    path = incident / "agents/main/sessions/sessions.json"
    rows = json.loads(path.read_text())
    gone = next(key for key in rows if ":direct:" in key)
    job = json.loads((incident / "cron/jobs.json").read_text())["jobs"][0]["id"]
    receipt = next((incident / ".gatewaydoctor/runs").glob("*/receipt.json"))
    later = json.loads(receipt.read_text())["finishedAt"] + 60_000
    value = rows.pop(gone)
    for number in range(5):
        rows[f"agent:main:cron:{job}:run:new-{number}"] = value | {"updatedAt": later + number}
    path.write_text(json.dumps(rows, indent=2))
    ran = after(incident, "--json")
    found = checks(ran)
    assert ran.code == 1
    assert (found["sessions"]["standing"], found["sessions"]["names"]) == ("bad", [gone])
    assert found["sessions"]["text"].startswith("9 of 10 conversations")
    assert found["burst"]["standing"] == "bad"
    assert "undo --merge" in " ".join(after(incident).out.split())


def burst_of(state: Path, job: str) -> None:
    """Five runs of a job, started together after the last run."""
    path = state / "agents/main/sessions/sessions.json"
    rows = json.loads(path.read_text())
    receipt = next((state / ".gatewaydoctor/runs").glob("*/receipt.json"))
    later = json.loads(receipt.read_text())["finishedAt"] + 60_000
    value = next(iter(rows.values()))
    rows |= {f"agent:main:cron:{job}:run:new-{number}": value | {"updatedAt": later + number} for number in range(5)}
    path.write_text(json.dumps(rows, indent=2))


def test_a_burst_names_a_command_that_is_taken(incident: Path) -> None:
    """A job that is in no list any more cannot be disabled."""
    repair(incident, "--apply", "--yes")
    listed = json.loads((incident / "cron/jobs.json").read_text())["jobs"][0]
    burst_of(incident, listed["id"])
    told = json.loads(after(incident, "--json").out)["next"]
    assert "repair cron --disable" in told["command"]
    assert told["why"] in after(incident).out
    assert run(*shlex.split(told["command"])[1:], *NOW).code == 0
    (incident / "cron/jobs.json").write_text(json.dumps({"version": 1, "jobs": []}))
    told = json.loads(after(incident, "--json").out)["next"]
    assert told["command"].startswith("gatewaydoctor cron ")
    assert "--disable" not in after(incident).out


def test_the_document_of_a_plan_names_the_next_step_of_its_screen(incident: Path) -> None:
    for verb in (("repair",), ("park", "agent:main:main")):
        told = json.loads(run(*verb, "--json", "--state-dir", str(incident), *NOW).out)["next"]
        assert told["why"] == "apply this plan"
        assert told["command"].endswith(" --apply")


def test_a_job_that_fired_is_told_as_forecast(incident: Path) -> None:
    repair(incident, "--disable-retrying", "--apply", "--yes")
    path = incident / "cron/jobs.json"
    jobs = json.loads(path.read_text())
    receipt = next((incident / ".gatewaydoctor/runs").glob("*/receipt.json"))
    later = json.loads(receipt.read_text())["finishedAt"] + 60_000
    (ran_job, *_) = [job for job in jobs["jobs"] if job["enabled"]]
    ran_job["state"]["lastRunAtMs"] = later
    path.write_text(json.dumps(jobs))
    told = json.loads(after(incident, "--json").out)["details"]["checks"]
    assert [each["names"] for each in told if each["standing"] == "as forecast"] == [[ran_job["name"]]]


def forecast_lines(ran: Any) -> list[tuple[str, str]]:
    told = json.loads(ran.out)["details"]["checks"]
    return [(each["standing"], each["text"]) for each in told if each["about"] == "forecast"]


def test_sessions_messages_and_jobs_of_the_forecast_are_followed(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.5.22")
    now = int(time.time() * 1000)  # a receipt is dated by the machine's clock
    friend = "agent:main:telegram:direct:1000"
    session = row(2, status="running", abortedLastRun=True) | {"updatedAt": now - HOUR}
    state.store({friend: session})
    state.transcript(2)
    state.jobs([job("off"), job("later", state={"nextRunAtMs": now + 5 * HOUR})])
    waiting = state.file("delivery-queue/a.json", {"id": "a", "enqueuedAt": now - HOUR, "channel": "telegram"})
    at = ("--state-dir", str(state.root))
    assert run("repair", "cron", "--disable", "off", "--apply", "--yes", *at, "--now", str(now)).code == 0

    def after_world() -> Any:
        return run("after", "--json", *at, "--now", str(now + HOUR))

    assert forecast_lines(after_world()) == [
        ("open", "1 message waiting to be sent"),
        ("open", "1 session is not resumed yet"),
        ("open", "1 job is not due yet; the first is in 4 h"),
    ]
    state.store({friend: session | {"status": "done"}})
    waiting.unlink()
    assert forecast_lines(after_world())[:2] == [
        ("as forecast", "1 message of the forecast: none waits any more"),
        ("as forecast", "1 session resumed"),
    ]


def test_run_rows_that_the_forecast_named_are_told_once_they_went(incident: Path) -> None:
    repair(incident, "--disable-retrying", "--apply", "--yes")
    assert ("open", "2 sessions that the forecast named are not removed yet") in forecast_lines(
        after(incident, "--json")
    )
    path = incident / "agents/main/sessions/sessions.json"
    rows = json.loads(path.read_text())
    old = sorted((key for key in rows if ":run:" in key), key=lambda key: rows[key]["updatedAt"])[:2]
    path.write_text(json.dumps({key: value for key, value in rows.items() if key not in old}, indent=2))
    ran = after(incident, "--json")
    assert ("as forecast", "2 of 2 sessions that the forecast named were removed") in forecast_lines(ran)
    assert ran.code == 0


def test_where_nothing_was_applied_there_is_nothing_to_check(incident: Path) -> None:
    ran = after(incident)
    assert (ran.code, ran.out) == (3, "")
    assert "No repair was applied here." in ran.err
    repair(incident, "--apply", "--yes")
    assert after(incident, "2020").code == 3


def test_what_enables_the_jobs_again_names_every_one_so_that_it_is_taken(tmp_path: Path) -> None:
    """Twelve jobs, two of them of one name, one whose name is another's id, and one without id or name."""
    state = StateDir(tmp_path)
    listed = [job(f"j{n}") for n in range(9)] + [job("a") | {"name": "twin"}, job("b") | {"name": "twin"}]
    listed += [
        job("c") | {"name": "j3"},
        {key: value for key, value in job("x").items() if key not in ("id", "name")},
    ]
    state.jobs(listed)
    at = ("--state-dir", str(state.root), "--now", str(WORLD_NOW))
    words = ("#1", "j1", "j2", "#4", "j4", "j5", "j6", "j7", "j8", "a", "b", "#12", "#13")
    done = run("repair", "cron", *(part for word in words for part in ("--disable", word)), "--apply", "--yes", *at)
    assert done.code == 0, done.err
    assert enabled_of(state.root) == []
    (command,) = re.findall(r"^   gatewaydoctor (repair cron (?:.*\\\n)*.*)$", done.out, re.MULTILINE)
    typed = shlex.split(command.replace("\\\n", " "))
    again = run(*typed, "--now", str(WORLD_NOW), "--apply", "--yes")
    assert again.code == 0, again.err
    assert len(enabled_of(state.root)) == len(listed)


def enabled_of(root: Path) -> list[int]:
    jobs = json.loads((root / "cron/jobs.json").read_bytes())["jobs"]
    return [place for place, each in enumerate(jobs) if each["enabled"]]


def test_the_forecast_of_a_merge_counts_what_comes_back(incident: Path) -> None:
    """Jobs that the run disabled are enabled again, and rows fill the heap again."""
    repair(incident, "--disable-retrying", "--apply", "--yes")
    path = incident / "agents/main/sessions/sessions.json"
    rows = json.loads(path.read_text())
    rows["agent:main:telegram:direct:new"] = row(9)
    path.write_text(json.dumps(rows, indent=2))
    size = 185_000_000 // 5
    option = {"NODE_OPTIONS": f"--max-old-space-size={8 * size // 1_048_576}"}
    told = run("undo", "--merge", "--dry-run", "--json", "--state-dir", str(incident), *NOW, env=option)
    events = json.loads(told.out)["details"]["plan"]["startAfter"]
    fired = {name for event in events if event["kind"] == "fires" for name in event["who"]}
    assert fired >= {"SSL price check"}
    assert [event["certain"] for event in events if "out of memory" in event["what"]] == [True]


@pytest.fixture
def imported(tmp_path: Path) -> Path:
    out = tmp_path / "imported"
    make("issue-61633-database", out, scale=0.1)
    return filed(out, out)


def filed(state: Path, under: Path) -> Path:
    """The jobs of the directory, filed as those of another."""
    with contextlib.closing(sqlite3.connect(state / "state/openclaw.sqlite")) as database, database:
        database.execute("UPDATE cron_jobs SET store_key = ?", (str(under / "cron/jobs.json"),))
    return state


def flags(text: str, word: str) -> set[str]:
    """The jobs that the commands of a receipt name after `--disable` or `--enable`."""
    found = re.findall(rf"{word} ('[^']*'|\S+)", text.replace("\\\n", " "))
    return {shlex.split(each)[0] for each in found}


def test_retrying_jobs_of_a_database_are_disabled_in_the_run_that_removes_their_runs(imported: Path) -> None:
    shown = repair(imported, "--disable-retrying")
    assert "cron: disable morning-sleep-report, git-backup-night, SSL price" in shown.out
    done = repair(imported, "--disable-retrying", "--apply", "--yes")
    assert done.code == 0, done.err
    jobs = json.loads(run("cron", "--json", "--state-dir", str(imported), *NOW).out)["details"]["jobs"]
    assert {each["name"] for each in jobs if not each["enabled"]} == RETRYING
    assert flags(done.out.partition("enable the jobs again")[2], "--enable") == RETRYING
    assert "--disable" not in done.out.partition("\nNext\n")[2], "they are disabled already"


def test_the_start_of_a_database_is_told_without_the_jobs_that_a_plan_disables(imported: Path) -> None:
    def fired(*options: str) -> int:
        plan = json.loads(repair(imported, "--json", *options).out)["details"]["plan"]
        return sum(
            int(re.findall(r"\d+", each["what"])[0]) for each in plan["startAfter"] if "overdue" in each["what"]
        )

    assert (fired("--leave-retrying"), fired("--disable-retrying")) == (3, 2)


def test_the_receipt_of_a_database_names_the_jobs_that_would_fill_it_again(imported: Path) -> None:
    add = "3 jobs retry without end: add --disable-retrying, or the store fills again."
    assert add in repair(imported).out
    assert add not in repair(imported, "--disable-retrying").out
    done = repair(imported, "--leave-retrying", "--apply", "--yes").out
    assert flags(done, "--disable") == RETRYING
    assert done.index("--disable") < done.index("start the gateway")


def test_jobs_under_another_path_come_before_the_start(imported: Path, tmp_path: Path) -> None:
    """They do not run there, and once they are filed here those that retry would fill the store again."""
    moved = filed(imported, tmp_path / "old")
    done = repair(moved, "--apply", "--yes").out
    assert done.index("keep the gateway stopped") < done.index("repair jobs") < done.index("--disable")
    assert done.count("repair jobs") == 1
    assert "start the gateway" not in done


def test_filing_jobs_names_those_that_would_fill_the_store_again(imported: Path, tmp_path: Path) -> None:
    moved = filed(imported, tmp_path / "old")
    done = repair(moved, "jobs", "--apply", "--yes").out
    assert len(flags(done, "--disable")) == len(RETRYING)
    assert done.index("--disable") < done.index("start the gateway")


def test_filing_jobs_tells_which_of_them_a_start_fires(imported: Path, tmp_path: Path) -> None:
    here = json.loads(repair(imported, "expire", "--json").out)["details"]["plan"]["startAfter"]
    moved = filed(imported, tmp_path / "old")
    plan = json.loads(repair(moved, "jobs", "--json").out)["details"]["plan"]
    fired = [each for each in plan["startAfter"] if each["kind"] in ("fires", "next")]
    assert fired == [each for each in here if each["kind"] in ("fires", "next")]
    assert fired
    assert not [each for each in plan["startBefore"] if each["kind"] == "fires"]


def test_retrying_jobs_of_a_database_are_disabled_where_only_salvage_of_a_file_knows_their_runs(
    incident: Path, imported: Path
) -> None:
    """An import took the jobs and stopped at the damaged store."""
    store = incident / "agents/main/sessions/sessions.json"
    store.write_bytes(store.read_bytes()[: store.stat().st_size // 2])
    shutil.rmtree(imported / "agents")
    shutil.copytree(incident / "agents", imported / "agents")
    done = repair(imported, "salvage", "trim", "--disable-retrying", "--apply", "--yes")
    assert done.code == 0, done.err
    jobs = json.loads(run("cron", "--json", "--state-dir", str(imported), *NOW).out)["details"]["jobs"]
    assert {each["name"] for each in jobs if not each["enabled"]} >= {"git-backup-night", "SSL price check"}


def salvaged(state: StateDir) -> tuple[str, ...]:
    damaged_database(state)
    at = ("--state-dir", str(state.root), "--now", str(WORLD_NOW))
    assert run("repair", "salvage", "--apply", "--yes", *at).code == 0
    return at


def in_database(state: StateDir, *statements: str) -> None:
    connection = sqlite3.connect(state.root / "agents/main/agent/openclaw-agent.sqlite")
    with contextlib.closing(connection), connection:
        for statement in statements:
            connection.execute(statement)


WHOLE = "20 of 20 conversations, 20 of 20 kept sessions are there; 0 new"


def test_the_sessions_of_a_database_are_compared_by_key_and_transcript(tmp_path: Path) -> None:
    state = StateDir(tmp_path)
    at = salvaged(state)
    found = checks(run("after", "--json", *at))
    assert (found["sessions"]["standing"], found["sessions"]["text"]) == ("ok", WHOLE)
    told = "20 transcripts hold at least what they did when the run ended"
    assert (found["transcripts"]["standing"], found["transcripts"]["text"]) == ("ok", told)
    # As many sessions as before, and another one among them.
    (key, other), sid = PEOPLE[:2], "sid-of-nobody"
    in_database(state, f"UPDATE session_nodes SET session_key = 'agent:main:x:direct:n' WHERE session_key = '{key}'")
    ran = run("after", "--json", *at)
    found = checks(ran)
    assert (found["sessions"]["standing"], found["sessions"]["names"]) == ("bad", [key])
    assert found["sessions"]["text"] == "19 of 20 conversations, 19 of 20 kept sessions are there; 1 new"
    assert "runs show" in ran.document["next"]["command"]
    in_database(
        state,
        f"UPDATE session_nodes SET session_key = '{key}' WHERE session_key = 'agent:main:x:direct:n'",
        # A session that goes on under another id is not compared.
        f"UPDATE session_nodes SET current_session_id = '{sid}' WHERE session_key = '{other}'",
    )
    found = checks(run("after", "--json", *at))
    assert (found["sessions"]["text"], found["transcripts"]["text"][:3]) == (WHOLE, "19 ")


def test_events_that_are_gone_from_a_database_are_told(tmp_path: Path) -> None:
    state = StateDir(tmp_path)
    at = salvaged(state)
    of = f"(SELECT current_session_id FROM session_nodes WHERE session_key = '{PEOPLE[3]}')"
    in_database(state, f"DELETE FROM transcript_events WHERE session_id = {of} AND seq = 1")
    found = checks(run("after", "--json", *at))["transcripts"]
    assert (found["standing"], found["text"], found["names"]) == (
        "open", "1 transcript is shorter than when the run ended", [PEOPLE[3]],
    )  # fmt: skip
    in_database(state, f"DELETE FROM transcript_events WHERE session_id = {of}")
    ran = run("after", "--json", *at)
    found = checks(ran)["transcripts"]
    assert (ran.code, found["standing"], found["text"]) == (1, "bad", "1 transcript is gone")
    (state.root / "agents/main/agent/openclaw-agent.sqlite").write_bytes(b"")
    found = checks(run("after", "--json", *at))
    assert found["sessions"]["standing"] == "open" and "transcripts" not in found


def test_transcripts_of_files_are_compared(tmp_path: Path) -> None:
    state = StateDir(tmp_path)
    trim(state)
    at = ("--state-dir", str(state.root), "--now", str(WORLD_NOW))
    path = state.transcript(1)
    assert run("repair", "trim", "--apply", "--yes", *at).code == 0
    assert checks(run("after", "--json", *at))["transcripts"]["standing"] == "ok"
    path.write_bytes(path.read_bytes()[:-9])
    assert checks(run("after", "--json", *at))["transcripts"]["standing"] == "open"
    path.unlink()
    ran = run("after", "--json", *at)
    assert (checks(ran)["transcripts"]["standing"], checks(ran)["sessions"]["standing"]) == ("bad", "ok")
    assert "undo --merge" in ran.document["next"]["command"]


def test_a_run_without_a_list_of_what_it_kept_cannot_be_compared(tmp_path: Path) -> None:
    state = StateDir(tmp_path)
    at = salvaged(state)
    (listed,) = (state.root / ".gatewaydoctor/runs").glob("*/kept.ndjson")
    assert listed.stat().st_mode & 0o777 == 0o600
    listed.write_bytes(listed.read_bytes()[:-7])
    ran = run("after", "--json", *at)
    assert (ran.code, ran.document["error"]["message"]) == (3, f"{listed} is damaged.")
    listed.unlink()
    assert checks(run("after", "--json", *at))["sessions"]["standing"] == "open"


def test_a_gateway_that_is_not_running_is_what_comes_next(incident: Path) -> None:
    repair(incident, "--disable-retrying", "--apply", "--yes")
    told = json.loads(after(incident, "--json", processes=FakeProcesses()).out)["next"]
    assert told["why"] == "see why the gateway is not running"


def test_runs_that_were_kept_are_no_new_burst(incident: Path) -> None:
    """Rows of a clock that is ahead, which the run kept, lie after its end."""
    path = incident / "agents/main/sessions/sessions.json"
    rows = json.loads(path.read_text())
    ahead = int(time.time() * 1000) + 9 * 24 * HOUR
    value = next(iter(rows.values()))
    rows |= {f"agent:main:cron:j:run:ahead-{n}": value | {"updatedAt": ahead + n, "status": "done"} for n in range(5)}
    path.write_text(json.dumps(rows, indent=2))
    repair(incident, "--disable-retrying", "--apply", "--yes")
    assert checks(after(incident, "--json"))["burst"]["standing"] == "ok"


def test_a_job_that_is_disabled_already_is_not_to_be_disabled(incident: Path) -> None:
    repair(incident, "--disable-retrying", "--apply", "--yes")
    jobs = json.loads((incident / "cron/jobs.json").read_text())["jobs"]
    burst_of(incident, next(job["id"] for job in jobs if not job["enabled"] and job["name"] in RETRYING))
    ran = after(incident, "--json")
    assert checks(ran)["burst"]["standing"] == "bad"
    assert "--disable" not in json.loads(ran.out)["next"]["command"]


def test_a_leftover_that_stays_keeps_such_a_release_from_starting(tmp_path: Path) -> None:
    """2026.9.5 refuses any sessions.json next to a database, also one that the plan has shortened."""
    state = StateDir(tmp_path)
    mixed_leftover(state)
    at = ("--state-dir", str(state.root), "--now", str(WORLD_NOW))
    plan = json.loads(run("repair", "--json", *at).out)["details"]["plan"]
    assert [each["kind"] for each in plan["startAfter"]] == ["refuses"]
    done = run("repair", "--apply", "--yes", *at).out
    assert "keep the gateway stopped. A 2026.9.5 gateway refuses to start" in " ".join(done.split())
