"""Repairs as the operator meets them: the plan, the yes, the receipt, the way back, and every refusal."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gatewaydoctor.fixtures import DEFAULT_NOW, DEFAULT_SEED, make
from tests.cli import scenes
from tests.cli.harness import run, spawn
from tests.repair.faults import FaultFs, Killed, Mode
from tests.repair.scene import its_process_is_gone
from tests.state.fakes import FakeProcess, FakeProcesses
from tests.world import DAY, StateDir, job, row
from tests.world import NOW as THEN

LATER = ("--now", str(THEN))
NOW = ("--now", str(DEFAULT_NOW))
STORE = "agents/main/sessions/sessions.json"


def listing(root: Path) -> dict[str, tuple[str, int, int]]:
    """Every file but the vault: hash, mode, mtime in ns."""
    return {
        str(path.relative_to(root)): (
            hashlib.sha256(path.read_bytes()).hexdigest(),
            path.stat().st_mode,
            path.stat().st_mtime_ns,
        )
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".gatewaydoctor" not in path.parts
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The 61633 incident in small."""
    out = tmp_path_factory.mktemp("made") / "state"
    return make("issue-61633", out, seed=DEFAULT_SEED, scale=0.1, now=DEFAULT_NOW).state_dir


@pytest.fixture
def incident(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "state"))


def rows(state: Path) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = json.loads((state / STORE).read_text())
    return found


def test_without_apply_the_plan_is_shown_and_nothing_written(incident: Path) -> None:
    before = listing(incident)
    ran = run("repair", "--state-dir", str(incident), *NOW)
    assert ran.code == 0
    assert "nothing is written yet" in ran.out
    assert "Conversations lost: none." in ran.out
    assert "--apply" in ran.out.splitlines()[-1]
    assert listing(incident) == before
    assert not (incident / ".gatewaydoctor").exists()


def test_apply_and_undo(incident: Path) -> None:
    before, people = listing(incident), {key for key in rows(incident) if ":cron:" not in key}
    ran = run("repair", "--state-dir", str(incident), *NOW, "--apply", "--yes")
    assert ran.code == 0, ran.err
    (run_id,) = (path.name for path in (incident / ".gatewaydoctor/runs").iterdir())
    assert re.search(rf"\n\nDone in [^\n]*\. Run {run_id}\n", ran.out)
    left = rows(incident)
    assert people <= set(left)
    runs = [key for key in left if ":run:" in key]
    assert len({key.split(":run:")[0] for key in runs}) == len(runs)
    assert not [key for key, row in left.items() if row.get("status") == "running"]
    assert run("check", "--state-dir", str(incident), *NOW).code == 0
    again = run("repair", "--state-dir", str(incident), *NOW, "--apply", "--yes")
    assert (again.code, "othing to repair" in again.out) == (0, True)
    undone = run("undo", "--state-dir", str(incident), "--yes")
    assert undone.code == 0, undone.err
    assert f"gatewaydoctor runs prune {run_id} --state-dir" in " ".join(undone.out.replace("\\\n", "").split())
    assert listing(incident) == before


def test_a_plan_that_needs_no_yes_is_told_in_a_few_rows_and_whole_where_more_is_asked_for(incident: Path) -> None:
    at = ("--state-dir", str(incident), *NOW)
    saved = incident.parent / "plan.json"
    shown = run("repair", *at, "--plan-out", str(saved)).out
    brief, _, receipt = run("repair", *at, "--apply", "--yes").out.partition("\n\nDone in ")
    assert receipt
    assert "conversations  running" in shown
    assert "conversations  running" not in brief
    assert len(brief.splitlines()) <= 9 < len(shown.splitlines())
    assert "Conversations lost: none." in brief
    assert re.search(r"\ntrim: remove \d+ \(.*; expire: mark as failed \d+", brief)
    assert re.search(r"\nmain: \d+ sessions, .* -> \d+ sessions, ", brief)
    assert "\nStart after " in brief
    undo = ("undo", "--state-dir", str(incident), "--yes")
    assert run(*undo).code == 0
    for more in ("--verbose", "--all"):
        assert "conversations  running" in run("repair", *at, "--apply", "--yes", more).out
        assert run(*undo).code == 0
    assert run("repair", *at, "--apply", "--yes", "--quiet").out.startswith("Done in ")
    assert run(*undo).code == 0
    assert run("repair", "--plan", str(saved), "--apply", "--yes", *at).out.startswith("Plan ")


def test_what_the_vault_holds_is_told_with_the_next_step(incident: Path) -> None:
    at = ("--state-dir", str(incident), *NOW)
    run("repair", "trim", *at, "--apply", "--yes")
    (directory,) = (incident / ".gatewaydoctor/runs").iterdir()

    def step(*words: str) -> str:
        return " ".join(run("runs", *words, *at).out.rpartition("next: ")[2].replace("\\\n", " ").split())

    assert step("verify").startswith(
        f"see what undo would do: gatewaydoctor undo {directory.name} --dry-run --state-"
    )
    kept = max((each for each in directory.rglob("*") if each.is_file()), key=lambda each: each.stat().st_size)
    kept.chmod(0o600)
    kept.write_bytes(b"x")
    assert step("verify").startswith(
        f"see what undo can still restore: gatewaydoctor undo {directory.name} --dry-run"
    )
    pruned = step("prune", directory.name, "--yes")
    assert pruned.startswith("see the runs that are left: gatewaydoctor runs list --state-dir")


def test_the_question_tells_the_extent(incident: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    for verb in ("repair", "undo", "runs"):
        monkeypatch.setattr(
            f"gatewaydoctor.cli.verbs.{verb}.confirm", lambda question, *, yes: asked.append(question)
        )
    at, before = ("--state-dir", str(incident), *NOW), len(rows(incident))
    assert run("repair", "trim", *at, "--transcripts", "leave", "--apply").code == 0
    removed = before - len(rows(incident))
    (run_id,) = (path.name for path in (incident / ".gatewaydoctor/runs").iterdir())
    assert run("undo", *at).code == 0
    assert run("runs", "prune", run_id, *at).code == 0
    assert asked == [
        f"Apply this plan ({removed:,} changes in 1 file)?",
        f"Undo run {run_id} (1 file)?",
        "Delete the originals of 1 run for good?",
    ]


def test_nobody_to_ask_means_no(incident: Path) -> None:
    before = listing(incident)
    ran = run("repair", "--state-dir", str(incident), *NOW, "--apply")
    assert ran.code == 3
    assert "--yes" in ran.err
    assert listing(incident) == before


def test_a_saved_plan_is_applied_and_only_to_what_it_saw(incident: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    assert run("repair", "--state-dir", str(incident), *NOW, "--plan-out", str(plan)).code == 0
    assert plan.stat().st_mode & 0o777 == 0o600
    store = incident / STORE
    original = store.read_bytes()
    store.write_bytes(original.replace(b'"done"', b'"dona"', 1))
    changed = listing(incident)
    refused = run("repair", "--state-dir", str(incident), *NOW, "--apply", "--yes", "--plan", str(plan))
    assert refused.code == 3
    assert listing(incident) == changed
    edited = tmp_path / "edited.json"
    edited.write_text(plan.read_text().replace('"trim"', '"slim"'))
    assert run("repair", "--state-dir", str(incident), "--apply", "--yes", "--plan", str(edited)).code == 3


def test_the_command_shown_for_a_saved_plan_applies_that_plan(incident: Path, tmp_path: Path) -> None:
    path = tmp_path / "a plan.json"
    options = ("--vault", str(tmp_path / "vault"), "--gateway-stopped")
    shown = run("repair", "--state-dir", str(incident), *NOW, "--plan-out", str(path), *options, width=400)
    words = shlex.split(shown.out.splitlines()[-1])
    assert words[words.index("repair") :] == [
        *("repair", "--apply", "--plan", str(path), *options),
        *("--state-dir", str(incident)),
    ]
    ran = run(*words[words.index("repair") :], "--yes", "--json")
    assert ran.code == 0
    assert ran.document["details"]["receipt"]["planId"] == json.loads(path.read_text())["planId"]
    assert (tmp_path / "vault").exists()


def test_a_plan_inside_the_state_directory_is_refused(incident: Path) -> None:
    ran = run("repair", "--state-dir", str(incident), *NOW, "--plan-out", str(incident / "plan.json"))
    assert ran.code == 2
    assert not (incident / "plan.json").exists()


def test_json_tells_plan_and_receipt(incident: Path) -> None:
    shown = json.loads(run("repair", "--state-dir", str(incident), *NOW, "--json").out)
    assert shown["details"]["receipt"] is None
    done = json.loads(run("repair", "--state-dir", str(incident), *NOW, "--json", "--apply", "--yes").out)
    assert done["ok"] is True
    assert done["details"]["receipt"]["outcome"] == "done"
    assert done["details"]["plan"]["planId"] == shown["details"]["plan"]["planId"]
    refused = run("undo", "no-such-run", "--state-dir", str(incident), "--json", "--yes")
    document = json.loads(refused.out)
    assert (refused.code, document["ok"], document["exitCode"], document["error"]["code"]) == (
        3,
        False,
        3,
        "no-such-run",
    )


def test_salvage_then_the_rest_in_one_plan(incident: Path) -> None:
    store = incident / STORE
    whole = rows(incident)
    data = store.read_bytes()
    store.write_bytes(data[: len(data) // 2])
    before = listing(incident)
    ran = run("repair", "--state-dir", str(incident), *NOW, "--apply", "--yes")
    assert ran.code == 0, ran.err
    left = rows(incident)
    assert left
    assert set(left) <= set(whole)
    again = run("repair", "--state-dir", str(incident), *NOW, "--apply", "--yes")
    assert "othing to repair" in again.out
    assert run("undo", "--state-dir", str(incident), "--yes").code == 0
    assert listing(incident) == before


def test_runs_list_show_verify_prune(incident: Path) -> None:
    assert "No runs" in run("runs", "list", "--state-dir", str(incident)).out
    run("repair", "--state-dir", str(incident), *NOW, "--apply", "--yes")
    (found,) = json.loads(run("runs", "list", "--state-dir", str(incident), "--json").out)["details"]["runs"]
    assert found["state"] == "done"
    assert found["runId"] in run("runs", "show", found["runId"][:10], "--state-dir", str(incident)).out
    assert run("runs", "verify", found["runId"], "--state-dir", str(incident)).code == 0
    vault = Path(found["directory"])
    (kept,) = [path for path in vault.rglob("*") if path.is_file() and path.stat().st_size > 100_000]
    kept.chmod(0o600)
    with kept.open("r+b") as stream:
        stream.seek(1000)
        stream.write(b"X" * 10)
    assert run("runs", "verify", found["runId"], "--state-dir", str(incident)).code == 1
    assert run("undo", "--state-dir", str(incident), "--yes").code == 3
    assert run("runs", "prune", found["runId"], "--state-dir", str(incident)).code == 3
    assert run("runs", "prune", found["runId"], "--state-dir", str(incident), "--yes").code == 0
    assert not vault.exists()


def test_repair_on_a_healthy_directory_writes_nothing(healthy: Path) -> None:
    before = listing(healthy)
    ran = run("repair", "--state-dir", str(healthy), "--apply", "--yes")
    assert (ran.code, "othing to repair" in ran.out) == (0, True)
    assert listing(healthy) == before
    assert not (healthy / ".gatewaydoctor").exists()


def test_repair_cron_says_why_a_torn_jobs_file_is_left_alone(tmp_path: Path) -> None:
    scenes.healthy(tmp_path).write("cron/jobs.json", '{"version": 1, "jobs": [')
    arguments = ("repair", "cron", "--state-dir", str(tmp_path))
    why = "cron/jobs.json: It has an error: the file ends"
    assert why in " ".join(run(*arguments).out.split())
    ran = run(*arguments, "--apply", "--yes")
    assert (ran.code, why in " ".join(ran.err.split())) == (3, True)


def test_a_snapshot_is_whole_and_verified(incident: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    (tmp_path / ".earlier.1.partial").mkdir()
    taken = run("snapshot", str(copy), "--state-dir", str(incident))
    assert taken.code == 0
    assert ".earlier.1.partial" in taken.out
    assert run("snapshot", "verify", str(copy), "--state-dir", str(incident)).code == 0
    (stored,) = copy.rglob("sessions.json")
    assert stored.read_bytes() == (incident / STORE).read_bytes()
    stored.chmod(0o600)
    stored.write_bytes(b"{}")
    differs = run("snapshot", "verify", str(copy))
    assert differs.code == 1
    assert f"gatewaydoctor snapshot --state-dir {incident}" in " ".join(differs.out.replace("\\\n", "").split())
    stored.unlink()
    assert "is gone" in run("snapshot", "verify", str(copy)).out


def test_a_snapshot_into_a_directory_that_is_there_is_refused_by_its_name(
    incident: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(incident.parent)
    Path("copy").mkdir()
    refused = run("snapshot", "copy", "--state-dir", str(incident))
    assert (refused.code, "copy already exists.\n  Use a new directory." in refused.err) == (3, True), refused.err


@pytest.mark.parametrize(
    "wrong",
    [
        ("repair", "everything"),
        ("repair", "--keep-per-job", "some"),
        ("repair", "--keep-per-job", "²"),
        ("repair", "--older-than", "9" * 400 + "d"),
        ("sessions", "--larger-than", "9" * 400),
        ("repair", "--end-as", "done"),
        ("repair", "--transcripts", "burn"),
        ("repair", "--plan", "plan.json"),
        ("repair", "--kind", "person"),
        ("runs", "prune"),
        ("snapshot", "verify"),
    ],
    ids=lambda words: " ".join(words)[:40],
)
def test_what_makes_no_sense_is_a_usage_error(wrong: tuple[str, ...], incident: Path) -> None:
    before = listing(incident)
    ran = run(*wrong, "--state-dir", str(incident), *NOW)
    assert (ran.code, ran.out) == (2, "")
    assert len(ran.err.splitlines()) == 2
    assert listing(incident) == before


def test_a_named_repair_that_only_refuses_exits_with_3(incident: Path, tmp_path: Path) -> None:
    transcript = next(incident.glob("agents/main/sessions/*.jsonl"))
    orphan = transcript.with_name("0a1b2c3d-0000-4000-8000-00000000beef.jsonl")
    orphan.write_bytes(transcript.read_bytes()[:-9])
    real = tmp_path / "elsewhere"
    (incident / "agents/main/sessions").rename(real)
    (incident / "agents/main/sessions").symlink_to(real)
    before = listing(real)
    ran = run("repair", "orphans", "--name", orphan.name, "--apply", "--yes", "--state-dir", str(incident), *NOW)
    assert ran.code == 3, ran.out + ran.err
    assert listing(real) == before


def test_quiet_keeps_what_stands_against_a_start(incident: Path) -> None:
    torn = incident / "agents/work/sessions/sessions.json"
    torn.parent.mkdir(parents=True)
    torn.write_bytes(b'{"agent:work:main": {"sessionId": "w", "updatedAt": 1775000000000}, "agent:work:x": {')
    ran = run("repair", "trim", "--apply", "--yes", "--quiet", "--state-dir", str(incident), *NOW)
    assert ran.code == 0, ran.err
    assert "keep the gateway stopped" in ran.out
    assert "start the gateway" not in ran.out
    torn.unlink()
    assert run("undo", "--yes", "--state-dir", str(incident), *NOW).code == 0
    ran = run("repair", "trim", "--apply", "--yes", "--quiet", "--state-dir", str(incident), *NOW)
    assert ran.code == 0
    assert "start the gateway" not in ran.out


def test_a_start_that_the_scan_afterwards_speaks_against_is_not_the_next_step(tmp_path: Path) -> None:
    state = StateDir(tmp_path)
    state.store({"agent:main:main": row(1, age=DAY, status="running")})
    state.jobs([job("a"), "no job"])
    at = ("--state-dir", str(state.root), *LATER)
    plan = tmp_path / "plan.json"
    assert run("repair", "expire", "--plan-out", str(plan), *at).code == 0
    ran = run("repair", "--plan", str(plan), "--apply", "--yes", *at)
    then = run("scan", "--json", *at).document
    assert then["verdict"]["start"] == "at-risk"
    told = " ".join(ran.out.partition("\nNext\n")[2].replace("\\\n", " ").split())
    assert told == f"1. keep the gateway stopped. {then['verdict']['reason']} {then['next']['command']}"


def test_a_scheduler_that_does_not_start_reaps_nothing_and_a_parked_job_lets_it_start(tmp_path: Path) -> None:
    state = StateDir(tmp_path)
    runs = {f"agent:main:cron:a:run:{n}": row(n, age=3 * DAY) for n in range(20, 24)}
    state.store({"agent:main:main": row(1)} | runs)
    state.jobs([job("a"), "no job"])
    at = ("--state-dir", str(state.root), *LATER)

    def kinds(events: list[dict[str, object]]) -> set[object]:
        return {each["kind"] for each in events} & {"idle", "reaps"}

    plan = run("repair", "cron", "--json", *at).document["details"]["plan"]
    assert (kinds(plan["startBefore"]), kinds(plan["startAfter"])) == ({"idle"}, {"reaps"})
    assert "Start now    its scheduler fails" in run("repair", "cron", *at).out
    assert "put back with repair cron --unpark JOB. " in " ".join(run("repair", "cron", *at).out.split())


def test_the_kinds_that_are_offered_are_taken(incident: Path) -> None:
    refused = run("repair", "trim", "--kind", "person", "--state-dir", str(incident), *NOW)
    offered = refused.err.rpartition("Use one of: ")[2].strip(" .\n").split(", ")
    assert len(offered) > 1
    asked = [word for kind in offered for word in ("--kind", kind)]
    assert run("repair", "trim", *asked, "--state-dir", str(incident), *NOW).code == 0


def test_a_store_that_somebody_holds_is_left_alone(incident: Path) -> None:
    lock = incident / f"{STORE}.lock"
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        started = Path(f"/proc/{other.pid}/stat").read_text().rpartition(")")[2].split()[19]
        owner = {"pid": other.pid, "createdAt": "2026-04-02T09:00:00.000Z", "starttime": int(started)}
        lock.write_text(json.dumps(owner))
        before = listing(incident)
        ran = spawn("repair", "--state-dir", str(incident), *NOW, "--apply", "--yes")
        other.communicate(b"\n")
    assert (ran.code, "is held" in ran.err) == (3, True)
    assert listing(incident) == before
    assert not list((incident / ".gatewaydoctor").rglob("files/*"))


def test_a_symlinked_store_is_refused_and_said_to_be(incident: Path, tmp_path: Path) -> None:
    store, elsewhere = incident / STORE, tmp_path / "elsewhere.json"
    store.rename(elsewhere)
    store.symlink_to(elsewhere)
    ran = run("repair", "trim", "--state-dir", str(incident), *NOW, "--apply", "--yes")
    assert (ran.code, "Did not apply" in ran.err) == (3, True)
    assert store.is_symlink()


def test_merge_leaves_a_store_alone_that_is_gone(incident: Path) -> None:
    run("repair", "--state-dir", str(incident), *NOW, "--apply", "--yes")
    (incident / STORE).unlink()
    ran = run("undo", "--merge", "--state-dir", str(incident), "--yes")
    assert ran.code in (0, 3)
    assert not (incident / STORE).exists()


def test_the_plan_says_what_undo_will_refuse(incident: Path) -> None:
    run("repair", "--state-dir", str(incident), *NOW, "--apply", "--yes")
    store = incident / STORE
    store.write_bytes(store.read_bytes() + b"\n")
    ran = run("undo", "--dry-run", "--state-dir", str(incident))
    assert (ran.code, "--merge" in ran.out) == (3, True)


def test_what_is_no_run_is_named_and_left_alone(incident: Path) -> None:
    mine = incident / ".gatewaydoctor/runs/mybackup"
    mine.mkdir(parents=True)
    (mine / "precious").write_text("x")
    listed = run("runs", "list", "--state-dir", str(incident))
    assert (listed.code, "not a run, ignored" in listed.out, "mybackup" in "".join(listed.out.split())) == (
        0,
        True,
        True,
    )
    assert run("repair", "--state-dir", str(incident), *NOW, "--apply", "--yes").code == 0
    assert run("undo", "mybackup", "--state-dir", str(incident), "--yes").code == 3
    assert run("undo", "--state-dir", str(incident), "--yes").code == 0
    assert json.loads(run("runs", "list", "--state-dir", str(incident), "--json").out)["details"]["notRuns"]
    assert (mine / "precious").read_text() == "x"


def test_merge_ends_an_interrupted_run_of_which_nothing_is_missing(incident: Path) -> None:
    run("repair", "--state-dir", str(incident), *NOW, "--apply", "--yes")
    run("undo", "--state-dir", str(incident), "--yes")
    (found,) = json.loads(run("runs", "list", "--state-dir", str(incident), "--json").out)["details"]["runs"]
    with (Path(found["directory"]) / "journal").open("a") as journal:
        journal.write('\n{"at":1,"state":"undoing"}\n')
    before = listing(incident)
    assert run("repair", "--state-dir", str(incident), *NOW, "--apply", "--yes").code == 3
    ended = run("undo", "--merge", "--state-dir", str(incident), "--yes")
    assert (ended.code, "Ended." in ended.out) == (0, True), ended.err
    assert listing(incident) == before
    assert run("repair", "--state-dir", str(incident), *NOW, "--apply", "--yes").code == 0


def test_a_vault_on_a_disk_that_is_away_is_named(incident: Path, tmp_path: Path) -> None:
    vault = tmp_path / "disk"
    run("repair", "--state-dir", str(incident), *NOW, "--apply", "--yes", "--vault", str(vault))
    vault.rename(tmp_path / "unplugged")
    listed = run("runs", "list", "--state-dir", str(incident))
    assert (listed.code, "is missing" in " ".join(listed.out.split())) == (0, True)
    refused = run("undo", "--state-dir", str(incident), "--yes")
    assert (refused.code, "is missing" in refused.err) == (3, True)
    (tmp_path / "unplugged").rename(vault)
    assert run("undo", "--state-dir", str(incident), "--yes").code == 0


def test_merge_says_what_the_vault_has_lost(incident: Path) -> None:
    run("repair", "--state-dir", str(incident), *NOW, "--apply", "--yes")
    (found,) = json.loads(run("runs", "list", "--state-dir", str(incident), "--json").out)["details"]["runs"]
    (Path(found["directory"]) / "files/000000").unlink()
    shown = run("undo", "--dry-run", "--state-dir", str(incident))
    assert (shown.code, "damaged" in shown.out, "--merge" in shown.out) == (3, True, True)
    assert (
        "copy of agents/main/sessions/sessions.json has changed"
        in run("undo", "--merge", "--state-dir", str(incident), "--yes").err
    )


def touched(out: str) -> str:
    """What the plan says of people's conversations."""
    return out[out.index("Conversations ") : out.index("\n\nchange ")].strip()


def test_the_plan_names_the_conversations_it_touches(tmp_path: Path) -> None:
    state = StateDir(tmp_path)
    people = [f"agent:main:direct:p{n}" for n in range(8)]
    state.store({key: row(n, age=9 * DAY, status="running") for n, key in enumerate(people)})
    words = ("repair", "expire", "--state-dir", str(state.root), *LATER)
    said = "Conversations lost: none. 8 are changed by expire."
    few, every = run(*words).out, run(*words, "--all").out
    assert touched(few) == f"{said} --all names them."
    assert touched(every).split("\n    ") == [said, *people]
    plan = json.loads(run(*words, "--json", "--all").out)["details"]["plan"]
    assert [step["touched"] for step in plan["steps"]] == [people]


def test_a_receipt_ends_with_what_comes_next(incident: Path) -> None:
    """The way back comes before: the last thing read is the next thing to do."""
    ran = run("repair", "--state-dir", str(incident), *NOW, "--apply", "--yes")
    receipt = ran.out[ran.out.index("Done in ") :]
    assert receipt.index("gatewaydoctor undo") < receipt.index("start the gateway") < receipt.index("doctor after")
    assert receipt.rstrip().splitlines()[-3:][0].startswith("3. check that it is well")
    run("undo", "--state-dir", str(incident), "--yes")
    told = run("repair", "--state-dir", str(incident), *NOW, "--apply", "--yes", "--json").document["next"]
    assert told["command"].startswith("gatewaydoctor repair cron --disable ")
    assert told["why"].endswith("retry without end and would fill the store again")


def test_a_conversation_that_two_repairs_touch_counts_once(tmp_path: Path) -> None:
    """A step that recovers a store names the first few of them alone, a later one all."""
    state = StateDir(tmp_path)
    big = {"skillsSnapshot": {"prompt": "x" * 20_000}}
    state.store({f"agent:main:direct:p{n}": row(n, age=9 * DAY, **big) for n in range(30)})
    whole = (state.root / STORE).read_bytes()
    (state.root / STORE).write_bytes(whole[:-20_000])
    out = run("repair", "salvage", "slim", "--state-dir", str(state.root), *LATER).out
    assert "Conversations recovered: 29." in out


def test_what_is_done_alike_in_several_stores_is_one_line(tmp_path: Path) -> None:
    state = StateDir(tmp_path)
    for agent in ("main", "other"):
        state.store({f"agent:{agent}:direct:p": row(1, age=9 * DAY, status="running")}, agent=agent)
    words = ("repair", "expire", "--state-dir", str(state.root), *LATER)
    told = [line for line in run(*words).out.splitlines() if line.startswith("expire: ")]
    each = [line for line in run(*words, "-v").out.splitlines() if line.startswith("expire: ")]
    assert (len(told), told[0].split()[-1], len(each)) == (1, "2", 2)


def test_the_plan_does_not_say_none_is_lost_where_one_goes(tmp_path: Path) -> None:
    state = StateDir(tmp_path)
    state.store({f"agent:main:direct:p{n}": row(n, age=9 * DAY, status="running") for n in range(2)})
    words = ("repair", "--state-dir", str(state.root), *LATER, "trim", "--name", "agent:main:direct:p0")
    alone, both = run(*words).out, run(*words, "expire").out
    assert " ".join(touched(alone).split()) == (
        "Conversations affected: 1. It is moved to the vault; `undo` restores it. agent:main:direct:p0"
    )
    assert touched(both).startswith("Conversations affected: 2. 1 of them is moved to the vault")
    state.store(b'{\n  "agent:main:main": {\n    "sessionId": "a"\n  },\n  "agent:main:direct:b": {\n    "sess')
    torn = run("repair", "salvage", "--state-dir", str(state.root), *LATER).out
    assert "1. What was cut is lost unless a backup has it." in " ".join(touched(torn).split())


def test_rows_of_two_kinds_are_told_apart(tmp_path: Path) -> None:
    state = StateDir(tmp_path)
    state.store({"agent:main:acp:x": row(1, age=9 * DAY), "agent:main:subagent:y": row(2, age=9 * DAY)})
    words = ("repair", "trim", "--kind", "acp", "--kind", "subagent", "--state-dir", str(state.root), *LATER)
    out = run(*words).out
    assert "remove acp rows: finished, older than 1 d " in out
    assert "remove subagent rows: finished, older than 1 d " in out


def test_a_finding_that_nothing_mends_is_not_nothing_to_do(tmp_path: Path) -> None:
    (tmp_path / STORE).parent.mkdir(parents=True)
    (tmp_path / STORE).write_text("{}")
    words = [{"type": "session", "id": "a"}, {"type": "message", "message": {"role": "user", "content": "hello"}}]
    (tmp_path / STORE).with_name("a.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in words))
    ran = run("repair", "--state-dir", str(tmp_path), *NOW)
    assert "a critical finding remains:" in ran.out
    assert "explain store-empty-beside-transcripts" in " ".join(ran.out.split())


STUCK = '{"agent:main:main":{"sessionId":"a1","updatedAt":5,"status":"running"}}'


@pytest.fixture
def outside(tmp_path: Path) -> tuple[Path, Path]:
    """A state directory, and its store elsewhere, with a row that says running."""
    state, store = tmp_path / "state", tmp_path / "data" / "agents" / "main" / "sessions" / "sessions.json"
    state.mkdir()
    (state / "openclaw.json").write_text(json.dumps({"session": {"store": str(store)}, "gateway": {"port": 18790}}))
    store.parent.mkdir(parents=True)
    store.write_text(STUCK)
    return state, store


def test_a_store_outside_is_left_alone_and_the_way_that_works_is_named(outside: tuple[Path, Path]) -> None:
    state, store = outside
    ran = run("repair", "--state-dir", str(state), width=200)
    assert f"--store {store}" in ran.out
    assert "nothing to do" not in ran.out
    ran = run("repair", "--state-dir", str(state), "--apply", "--yes")
    assert (ran.code, f"--store {store}" in ran.err) == (3, True)


def test_a_store_behind_a_link_is_left_alone_and_its_file_named(tmp_path: Path) -> None:
    link = tmp_path / "state" / "agents" / "main" / "sessions" / "sessions.json"
    link.parent.mkdir(parents=True)
    link.symlink_to(tmp_path / "real.json")
    (tmp_path / "real.json").write_text(STUCK)
    ran = run("repair", "--state-dir", str(tmp_path / "state"), width=200)
    assert f"--store {tmp_path / 'real.json'}" in ran.out


def test_a_store_of_no_state_directory_needs_the_operators_word(outside: tuple[Path, Path]) -> None:
    _, store = outside
    words = ("repair", "expire", "--store", str(store), "--apply", "--yes")
    ran = run(*words)
    assert (ran.code, store.read_text()) == (3, STUCK)
    assert "Cannot tell which state directory" in ran.err
    assert "--gateway-stopped" in ran.err
    assert run(*words, "--gateway-stopped").code == 0
    assert store.read_text() != STUCK


def stuck_in(root: Path, *agents: str) -> Path:
    """Agents with a row each that says running. The store of the last one."""
    config = {"gateway": {"mode": "local"}, "meta": {"lastTouchedVersion": "2026.3.28"}}
    (root / "openclaw.json").write_text(json.dumps(config))
    for agent in agents:
        store = root / "agents" / agent / "sessions" / "sessions.json"
        store.parent.mkdir(parents=True)
        store.write_text(STUCK.replace("agent:main:", f"agent:{agent}:"))
    return store


def test_a_receipt_names_no_start_where_it_cannot_tell_how_one_ends(tmp_path: Path) -> None:
    stuck_in(tmp_path, "main")
    (tmp_path / "subagents" / "runs.json").mkdir(parents=True)
    done = run("repair", "expire", "--state-dir", str(tmp_path), *NOW, "--apply", "--yes", "--gateway-stopped")
    following = done.out.partition("\nNext\n")[2]
    assert "1. cannot tell whether the gateway starts" in following
    assert "start the gateway" not in following


def test_after_the_repair_of_one_agent_the_start_of_all_is_judged(tmp_path: Path) -> None:
    store = stuck_in(tmp_path, "main", "work")
    at = ("repair", "expire", "--state-dir", str(tmp_path), *NOW, "--apply", "--yes", "--json", "--agent")
    assert run(*at, "work").document["next"]["why"] == "start the gateway"
    store.write_text(store.read_text()[:40])
    told = run(*at, "main").document["next"]
    assert told["why"].startswith("keep the gateway stopped. It would lose all of agent work")
    assert "--agent" not in told["command"]


def test_the_step_after_a_plan_is_one_that_is_not_refused(outside: tuple[Path, Path], tmp_path: Path) -> None:
    """Where only the operator can tell that no gateway runs, the command has the word for it."""
    _, store = outside
    words = ("repair", "expire", "--store", str(store))
    told = run(*words)
    assert "next: apply this plan if you know that no gateway runs:" in told.out
    assert "--apply --gateway-stopped" in " ".join(told.out.split())
    saved = ("--plan-out", str(tmp_path / "plan.json"))
    for more in ((), saved, ("--redact",)):
        document = run(*words, *more, "--json").document
        assert document["details"]["hindrance"]["code"] == "gateway-unknown"
        assert "add --gateway-stopped" in document["details"]["hindrance"]["hint"]
        assert "--gateway-stopped" in document["next"]["command"], more
        assert document["next"]["why"] == "apply this plan if you know that no gateway runs"
    asserted = run(*words, "--json", "--gateway-stopped").document
    assert "hindrance" not in asserted["details"]
    command = asserted["next"]["command"]
    assert command.count("--gateway-stopped") == 1
    assert run(*shlex.split(command)[1:], "--yes").code == 0
    assert store.read_text() != STUCK


@pytest.mark.parametrize("known_by", ["the environment", "the home", "the process"])
def test_the_gateway_counts_whose_config_names_the_store(outside: tuple[Path, Path], known_by: str) -> None:
    state, store = outside
    gateway = FakeProcess(4242, ("openclaw-gateway",), env={"OPENCLAW_STATE_DIR": str(state)})
    env = {"OPENCLAW_STATE_DIR": str(state)} if known_by == "the environment" else {}
    if known_by == "the home":
        env = {"HOME": str(state.parent)}
        (state.parent / ".openclaw").symlink_to(state)
    words = ("repair", "expire", "--store", str(store), "--apply", "--yes")
    ran = run(*words, "--gateway-stopped", env=env, processes=FakeProcesses([gateway]))
    assert (ran.code, store.read_text()) == (3, STUCK)
    assert "The gateway is running. Process 4242" in ran.err
    if env:
        assert run(*words, env=env).code == 0
        assert store.read_text() != STUCK


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (("trim", "--name", "agent:main:nobody"), "--name"),
        (("orphans", "--name", "no-such-file.jsonl"), "--name"),
        (("trim", "--job", "no-such-job"), "--job"),
    ],
)
def test_what_is_named_and_not_there_is_an_error(incident: Path, words: tuple[str, ...], option: str) -> None:
    for more in ((), ("--apply", "--yes")):
        ran = run("repair", *words, *more, "--state-dir", str(incident), *NOW)
        assert (ran.code, option in ran.err) == (2, True)
    assert not (incident / ".gatewaydoctor").exists()


def test_a_name_to_which_nothing_is_done_is_told(incident: Path) -> None:
    known = next(key for key in rows(incident) if ":cron:" not in key)
    for name in (known, "agent:main:nobody"):
        words = ("repair", "trim", "--name", known, "--name", name) if name != known else ("repair", "--name", known)
        cautions = run(*words, "--json", "--state-dir", str(incident), *NOW).document["details"]["plan"]["cautions"]
        assert [each["names"] for each in cautions if each["text"].startswith("You named it, but")] == [[name]]


def test_a_job_is_found_in_any_case_and_one_of_two_that_is_not_there_is_told(tmp_path: Path) -> None:
    state = StateDir(tmp_path)
    row = {"sessionId": "r1", "updatedAt": 5, "status": "running"}
    state.store({"agent:main:cron:Nightly:run:r1": row})
    words = ("repair", "trim", "--job", "Nightly", "--job", "other", "--json", "--state-dir", str(state.root))
    plan = run(*words, *NOW).document["details"]["plan"]
    assert plan["steps"][0]["count"] == 1
    assert [each["names"] for each in plan["cautions"] if "No cron job" in each["text"]] == [["other"]]


def test_a_job_of_a_database_without_rows_is_known(tmp_path: Path) -> None:
    state = tmp_path / "state"
    shutil.copytree(Path(__file__).parents[2] / "fixtures/database-lease/state", state)
    words = ("repair", "trim", "--job", "job-1", "--job", "other", "--json", "--state-dir", str(state))
    ran = run(*words, *NOW)
    assert ran.code == 0
    cautions = ran.document["details"]["plan"]["cautions"]
    assert [each["names"] for each in cautions if "No cron job" in each["text"]] == [["other"]]


def test_an_interrupted_run_comes_before_everything_else(incident: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = ("--state-dir", str(incident), *NOW)
    with monkeypatch.context() as patched:
        patched.setattr("gatewaydoctor.cli.shell.writing.OsWriteFs", lambda: FaultFs(40, Mode.KILL))
        with pytest.raises(Killed):
            run("repair", "trim", "--apply", "--yes", *at)
    its_process_is_gone(incident)
    (run_id,) = (path.name for path in (incident / ".gatewaydoctor/runs").iterdir())
    finish = f"gatewaydoctor repair --resume {run_id} --state-dir {incident}"
    shown = " ".join(run("scan", *at).out.replace("\\\n", " ").split())
    assert f" DO {finish} a repair was interrupted; finish it, or undo it " in shown
    assert run("scan", "--json", *at).document["next"]["command"] == finish
    for verb in ("repair", "status", "runs list"):
        last = " ".join(run(*verb.split(), *at).out.rpartition("next: ")[2].replace("\\\n", " ").split())
        assert last == f"a repair was interrupted; finish it, or undo it: {finish}", verb
    gate = run("gate", *at)
    assert gate.code == 0
    assert gate.err.endswith(f"; a repair was interrupted; finish it, or undo it. Run: {finish}\n")
    told = f"Run {run_id} was interrupted. `{finish}` finishes it, `gatewaydoctor undo {run_id}"
    copy = str(incident.parent / "copy")
    for words in (("check",), ("check", "--format", "github"), ("snapshot", copy), ("runs", "verify")):
        assert told in run(*words, *at).err, words
    refused = run("repair", "--apply", "--yes", *at)
    assert refused.code == 3
    assert refused.err.endswith(
        f"`{finish}` finishes it, `gatewaydoctor undo {run_id} --state-dir {incident}` undoes it.\n"
    )


@pytest.mark.parametrize("step", [20, 35])
def test_a_run_that_changed_nothing_is_ended_by_undo_and_leaves_no_advice_about_its_copies(
    step: int, incident: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = ("--state-dir", str(incident), *NOW)
    with monkeypatch.context() as patched:
        patched.setattr("gatewaydoctor.cli.shell.writing.OsWriteFs", lambda: FaultFs(step, Mode.KILL))
        with pytest.raises(Killed):
            run("repair", "trim", "--apply", "--yes", *at)
    shown = run("undo", "--dry-run", *at)
    assert "has no file to restore (nothing written)" in shown.out
    verified = run("runs", "verify", *at)
    assert (verified.code, "it keeps no originals" in verified.out) == (0, True), verified.err
    ended = run("undo", "--yes", *at)
    assert ended.code == 0
    assert "runs prune" not in ended.out
    assert run("runs", "list", *at).out.startswith(
        "No runs: no repair was applied here, or its originals were pruned.\n"
    )
    none = run("runs", "show", *at)
    assert (none.code, none.err) == (
        3,
        "gatewaydoctor: There are no runs: no repair was applied here.\n"
        "  Name the vault of the repair with --vault, if it had one.\n",
    )


def test_what_has_ended_is_told_before_a_yes_is_asked_for(incident: Path) -> None:
    at = ("--state-dir", str(incident), *NOW)
    run_id = json.loads(run("repair", "trim", "--apply", "--yes", "--json", *at).out)["details"]["receipt"]["runId"]
    assert f"The run {run_id} is finished." in run("repair", "--resume", run_id, *at).err
    kept = (incident / STORE).read_bytes()
    (incident / STORE).write_bytes(b"{}")
    changed = run("undo", run_id, *at)
    assert changed.code == 3
    assert f"{STORE} has changed since run {run_id}." in changed.err
    (incident / STORE).write_bytes(kept)
    assert run("undo", run_id, "--yes", *at).code == 0
    for words in (("undo", run_id), ("repair", "--resume", run_id)):
        told = run(*words, *at)
        assert told.code == 3
        assert f"The run {run_id} is already undone." in told.err, words


def test_a_plan_says_what_an_apply_would_be_refused_for(incident: Path) -> None:
    gateway = FakeProcess(4242, ("openclaw-gateway",), env={"OPENCLAW_STATE_DIR": str(incident)})
    at = ("--state-dir", str(incident), *NOW)
    words = ("repair", "trim", *at)
    told = run(*words, processes=FakeProcesses([gateway]))
    assert told.code == 0
    shown = " ".join(told.out.split())
    assert "Cannot be applied yet The gateway is running." in shown
    assert "next: apply this plan once that is settled:" in shown
    document = run(*words, "--json", processes=FakeProcesses([gateway])).document
    assert document["details"]["hindrance"]["hint"].startswith("Stop it first")
    assert document["next"]["why"] == "apply this plan once that is settled"
    assert run(*words, "--apply", "--yes", processes=FakeProcesses([gateway])).code == 3
    assert document["details"]["hindrance"]["code"] == "gateway-live"
    free = run(*words, "--json").document
    assert "hindrance" not in free["details"]
    assert free["next"]["why"] == "apply this plan"
