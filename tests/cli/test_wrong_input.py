"""Input that is not what it was named for is refused with the next step; it is never taken for nothing wrong."""

from __future__ import annotations

import errno
import json
import shutil
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from gatewaydoctor.cli.parser import verb_table
from gatewaydoctor.examine.found import require_sessions
from gatewaydoctor.model.command import typed
from gatewaydoctor.model.errors import CannotExamine
from gatewaydoctor.report.names import Names
from gatewaydoctor.report.screens.blocks.parts import View
from gatewaydoctor.report.screens.snapshot import taken
from gatewaydoctor.system.fs import OsReadFs
from tests.cli import scenes
from tests.cli.harness import EXAMINING, Ran, run

LOOKING = (*EXAMINING, "forecast", "check")


def refused(ran: Ran, *words: str) -> None:
    assert (ran.code, ran.out) == (2, ""), ran
    for word in words:
        assert word in ran.err


@pytest.mark.parametrize(
    "names",
    [
        (),
        ("lost+found",),
        ("agents",),
        ("agents/main",),
        ("cron/runs", "logs"),
        (".git", "src"),
        ("sessions", "tasks"),
    ],
    ids=str,
)
def test_a_directory_without_config_agents_or_databases_passes_no_verb(
    names: tuple[str, ...], tmp_path: Path
) -> None:
    """As a volume that is not mounted leaves it."""
    state = tmp_path / "volume"
    state.mkdir()
    for name in names:
        (state / name).mkdir(parents=True)
    for verb in LOOKING:
        refused(run(verb, "--state-dir", str(state)), "no config, no agent and no database" if names else "is empty")
        document = run(verb, "--json", "--state-dir", str(state)).document
        assert (document["ok"], document["error"]["code"]) == (False, "nothing-kept")
    elsewhere = tmp_path / "elsewhere.json"
    elsewhere.write_text("{}")
    refused(run("check", "--state-dir", str(state), "--config", str(elsewhere)), "mounted")


@pytest.mark.parametrize("name", ["openclaw.json", "agents/main/sessions/x", "state/openclaw.sqlite", "moltbot.json"])
def test_one_of_them_is_enough(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}")
    assert run("scan", "--state-dir", str(tmp_path)).code == 0


def test_a_vault_that_is_left_can_be_listed_and_is_not_examined(tmp_path: Path) -> None:
    (tmp_path / ".gatewaydoctor/runs").mkdir(parents=True)
    assert run("runs", "list", "--state-dir", str(tmp_path)).code == 0
    refused(run("check", "--state-dir", str(tmp_path)))


@pytest.mark.parametrize(
    "deeper",
    ["agents", "agents/main", "agents/main/sessions", "agents/main/sessions/sessions.json", "cron", "openclaw.json"],
)
def test_a_path_inside_the_state_directory_names_it(deeper: str, busy: Path) -> None:
    for verb in LOOKING:
        refused(run(verb, "--state-dir", str(busy / deeper)), f"--state-dir {busy}\n")


def test_a_path_above_the_state_directory_names_it(busy: Path, tmp_path: Path) -> None:
    shutil.copytree(busy, tmp_path / "home/.openclaw")
    (tmp_path / "home/agents").mkdir()
    (tmp_path / "home/Documents").mkdir()
    for verb in LOOKING:
        refused(run(verb, "--state-dir", str(tmp_path / "home")), f"--state-dir {tmp_path}/home/.openclaw\n")


def test_a_link_to_an_empty_version_beside_a_full_one_names_both(busy: Path, tmp_path: Path) -> None:
    shutil.copytree(busy, tmp_path / "versions/1/home/.openclaw")
    for name in ("agents", "hooks", "logs", "workspace"):
        (tmp_path / "versions/2/home/.openclaw" / name).mkdir(parents=True)
    (tmp_path / ".openclaw").symlink_to("versions/2/home/.openclaw")
    for verb in LOOKING:
        ran = run(verb, env={"HOME": str(tmp_path)})
        refused(
            ran,
            f"(a link to {tmp_path}/versions/2/home/.openclaw)",
            f"--state-dir {tmp_path}/versions/1/home/.openclaw\n",
        )


def test_a_path_that_is_not_there_names_the_directory_around_it(busy: Path) -> None:
    refused(run("check", str(busy / "nope")), "There is no directory", f"--state-dir {busy}\n")
    refused(run("check", str(busy / "agents/nope")), f"--state-dir {busy}\n")


@pytest.mark.parametrize("verb", LOOKING)
def test_the_state_directory_may_be_an_argument(verb: str, busy: Path) -> None:
    named, option = run(verb, str(busy)), run(verb, "--state-dir", str(busy))
    assert (named.code, named.out) == (option.code, option.out)
    refused(run(verb, str(busy), "--state-dir", "/elsewhere"), "Two state directories")
    assert run(verb, str(busy), "--state-dir", str(busy)).code == option.code


def test_every_verb_that_takes_the_directory_is_tried_here() -> None:
    assert {*LOOKING, "gate", "explain"} == verb_table.EXAMINING


def test_a_gate_takes_the_directory_as_an_argument_and_holds_back_by_it(tmp_path: Path) -> None:
    scenes.healthy(tmp_path).write("agents/main/sessions/sessions.json", '{"a')
    assert run("gate", str(tmp_path)).code == run("gate", "--state-dir", str(tmp_path)).code == 78


def test_a_directory_alone_is_scanned(busy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = run("scan", "--state-dir", str(busy)).out
    assert run(str(busy)).out == told
    monkeypatch.chdir(busy.parent)
    assert run("--json", busy.name).document["stateDir"] == str(busy)
    assert run("/nowhere/at/all").err.startswith("gatewaydoctor: There is no directory /nowhere/at/all")


def test_a_store_must_be_a_store(busy: Path, tmp_path: Path) -> None:
    other = tmp_path / "package.json"
    other.write_text(json.dumps({"name": "x", "scripts": {"test": "x"}}))
    database = tmp_path / "openclaw-agent.sqlite"
    database.write_bytes(b"SQLite format 3\0" + bytes(84))
    transcript = next((busy / "agents/main/sessions").glob("*.jsonl"))
    cases = [
        (busy / "openclaw.json", "a config"),
        (busy / "cron/jobs.json", "JSON without a session in it"),
        (other, "JSON without a session in it"),
        (database, "a database"),
        (transcript, "a transcript"),
        (busy, "a directory"),
        (Path("/dev/zero"), "a device"),
    ]
    for path, words in cases:
        for verb in LOOKING:
            refused(run(verb, "--store", str(path)), words)
    assert f"--state-dir {busy}\n" in run("scan", "--store", str(busy / "openclaw.json")).err


@pytest.mark.parametrize(
    "text", ["", "{", '{"a": {"sessionId": "x"}', '{"a": 1, "b": {"updatedAt": 1}}', "{}", "[]", "\0"]
)
def test_a_store_of_any_name_may_be_damaged_or_empty(text: str, tmp_path: Path) -> None:
    path = tmp_path / "copy of the store.json"
    path.write_text(text)
    require_sessions(OsReadFs(), path)


def test_a_store_by_its_name_may_hold_anything(tmp_path: Path) -> None:
    for name, allowed in (("sessions.json", True), ("sessions.json.bak.1", True), ("x.json", False)):
        (tmp_path / name).write_text('{"a": {"b": 1}}')
        if allowed:
            require_sessions(OsReadFs(), tmp_path / name)
        else:
            with pytest.raises(CannotExamine, match="without a session"):
                require_sessions(OsReadFs(), tmp_path / name)


def test_a_config_that_is_named_must_be_there(busy: Path) -> None:
    for verb in LOOKING:
        refused(run(verb, str(busy), "--config", "/nope"), "There is no file /nope (from --config)")
    refused(run("check", str(busy), "--config", "/tmp"), "a directory", "--config /tmp/openclaw.json")
    refused(run("check", str(busy), "--config", "/dev/zero"), "a device")


def test_a_job_that_nothing_knows_is_refused(busy: Path) -> None:
    jobs = json.loads((busy / "cron/jobs.json").read_text())["jobs"]
    for form in ("text", "json", "ndjson"):
        ran = run("sessions", str(busy), "--job", "nope", "--format", form)
        assert ran.code == 2
        assert "Unknown cron job 'nope'" in (ran.err if form == "text" else ran.out)
    name = jobs[0].get("name") or jobs[0]["id"]
    refused(run("sessions", str(busy), "--job", f"{name}x"), "Did you mean")
    assert run("sessions", str(busy), "--job", name, "--job", jobs[0]["id"]).code == 0


def test_a_job_of_rows_alone_is_known(tmp_path: Path) -> None:
    sessions = tmp_path / "agents/main/sessions"
    sessions.mkdir(parents=True)
    row = {"sessionId": "s", "updatedAt": 1}
    (sessions / "sessions.json").write_text(json.dumps({"agent:main:main": row, "agent:main:cron:Lost:run:1": row}))
    assert "1 session" in run("sessions", str(tmp_path), "--job", "lost").out
    refused(run("sessions", str(tmp_path), "--job", "lost", "--job", "gone"), "'gone'")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("scann",), "Did you mean scan?"),
        (("runs", "lst"), "Did you mean list?"),
        (("explain", "store-blot"), "Did you mean store-bloat?"),
        (("check", "--only", "store-blot"), "Did you mean store-bloat?"),
        (("check", "--skip", "lok-stale"), "Did you mean lock-stale?"),
        (("repair", "trimm"), "Did you mean trim?"),
        (("repair", "store-bloat"), "gatewaydoctor repair slim"),
        (("repair", "disk-space"), "gatewaydoctor explain disk-space"),
        (("repair", "trim", "--kind", "cronrun"), "Did you mean cron-run?"),
        (("repair", "trim", "--transcripts", "valt"), "Did you mean vault?"),
        (("repair", "expire", "--end-as", "fail"), "Did you mean failed?"),
        (("repair", "./here"), "./here is a path, not a repair.\n  For a state directory: --state-dir ./here"),
        (("runs", "show", "./here"), "./here is a path, not a run.\n  For a state directory: --state-dir ./here"),
        (("scan", "--jsn"), "Did you mean --json?"),
        (("repair", "--aply"), "Did you mean --apply?"),
        (("scan", "--format", "jnuit"), "Did you mean junit?"),
        (("cron", "--format", "tex"), "Did you mean text?"),
        (("sessions", "--kind", "GRUP"), "Did you mean group?"),
        (("sessions", "--status", "runing"), "Did you mean running?"),
        (("check", "--fail-on", "eror"), "Did you mean error?"),
        (("check", "--threshold", "bloat-byte=1"), "Did you mean bloat-bytes?"),
        (("completions", "bsh"), "Did you mean bash?"),
        (("integrate", "systmd"), "Did you mean systemd?"),
        (("integrate", "kubernetes", "--form", "cron"), "Did you mean cronjob?"),
        (("simulate", "cap-strom"), "Did you mean cap-storm?"),
        (("simulate", "cap-storm", "--remedy", "chunkd"), "did you mean chunked?"),
        (("fixtures", "make", "isue-61633", "--out", "/nowhere/x"), "Did you mean issue-61633?"),
    ],
    ids=" ".join,
)
def test_an_unknown_word_comes_with_the_nearest_known(arguments: tuple[str, ...], words: str, busy: Path) -> None:
    at = ("--state-dir", str(busy)) if arguments[0] in (*LOOKING, "repair", "runs") else ()
    refused(run(*arguments, *at), words)


def test_a_word_that_is_near_none_gets_the_list() -> None:
    assert "Use one of: bash" in run("completions", "qqqq").err
    assert "--help" in run("qqqq").err


@pytest.mark.parametrize("clock", ["", " ", "yesterday", "2026-13-01", "1e3"])
def test_a_clock_that_is_no_time_is_refused(clock: str, busy: Path) -> None:
    refused(run("scan", str(busy), "--now", clock), "Try an ISO time")


@pytest.mark.parametrize(
    "words",
    [
        ("repair", "{}"),
        ("repair", "{}", "--apply", "--yes"),
        ("repair", "--resume", "{}"),
        ("undo", "{}"),
        ("runs", "show", "{}"),
        ("runs", "verify", "{}"),
        ("runs", "prune", "{}"),
    ],
    ids=" ".join,
)
def test_a_directory_where_a_repair_or_a_run_is_named_leads_to_its_option(words: tuple[str, ...], busy: Path) -> None:
    """Also where no directory is found without it."""
    at = () if "--resume" not in words else ("--state-dir", str(busy))
    refused(run(*(word.format(busy) for word in words), *at), f"For a state directory: --state-dir {busy}")


def test_the_name_of_a_directory_here_is_no_repair(busy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(busy.parent)
    refused(run("repair", busy.name), f"{busy.name} is a path, not a repair.")
    (busy.parent / "trim").mkdir()
    assert run("repair", "trim", "--state-dir", str(busy)).code == 0


def test_a_command_in_a_hint_names_the_directory_it_is_about(busy: Path) -> None:
    at = ("--state-dir", str(busy))
    refused_run = run("undo", *at)
    assert refused_run.code == 3
    assert f"`gatewaydoctor runs list --state-dir {busy}`" in refused_run.err
    assert "`gatewaydoctor explain disk-space`" in run("repair", "disk-space", *at).err


def test_a_state_directory_as_the_place_of_a_snapshot_leads_to_its_option(busy: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(busy, other)
    ran = run("snapshot", str(other), "--state-dir", str(busy))
    assert ran.code == 3
    assert f"For a state directory: --state-dir {other}" in ran.err
    (tmp_path / "plain").mkdir()
    assert "Use a new directory." in run("snapshot", str(tmp_path / "plain"), "--state-dir", str(busy)).err


def test_a_snapshot_where_nothing_may_be_written_names_the_place(
    busy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("gatewaydoctor.repair.vault.snapshot._new_directory", refuse)
    ran = run("snapshot", str(tmp_path / "copy"), "--state-dir", str(busy))
    assert ran.code == 3
    assert f"Cannot write the snapshot {tmp_path / 'copy'}: Permission denied." in ran.err
    assert "this user may write: `gatewaydoctor snapshot DEST --state-dir" in " ".join(ran.err.split())


def test_a_snapshot_that_lacks_files_is_not_one_to_verify() -> None:
    def shown(missing: int) -> str:
        file = StringIO()
        taken(
            Console(file=file, width=80),
            directory=Path("/copy"),
            files=0,
            size=0,
            left_out=[("openclaw.json", "Permission denied")] * missing,
            unfinished=(),
            databases=(),
            missing=missing,
            verify=typed("snapshot", "verify", "/copy"),
            view=View(Names(redact=False)),
        )
        return " ".join(file.getvalue().split())

    assert "2 files that are needed are not in it. Make another as the user the gateway runs as." in shown(2)
    assert "verify" not in shown(1)
    assert "verify it at any time" in shown(0)


def test_the_way_back_of_what_is_parked_is_no_warning(tmp_path: Path) -> None:
    scenes.healthy(tmp_path)
    at = ("--state-dir", str(tmp_path))
    key = run("sessions", "--json", *at).document["details"]["sessions"][0]["key"]
    plan = run("park", key, *at).out
    assert "Note" in plan and "gatewaydoctor unpark" in plan
    assert "Warning" not in plan


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (("scan", "{0}", "more"), "Unexpected argument: more.", "scan --help"),
        (("simulate", "cap-storm", "--seed", "x"), "--seed 'x' is not a whole number.", "--help"),
        (("simulate", "cap-storm", "--max-entries", "-1"), "--max-entries cannot be -1.", "--help"),
        (("simulate", "cap-storm", "--remedy", "x"), "Unknown remedy 'x' of cap-storm; use one of: all,", "--help"),
        (("cron", "--disable", "x"), "Unknown option --disable.", "It is an option of `gatewaydoctor repair`."),
        (("simulate", "cap"), "Unknown verb of simulate: 'cap'.", "Did you mean cap-storm?"),
        (("simulate", "cap-storm", "--from-state-dir", "{1}"), "is empty.", "Check the path"),
        (("fixtures", "make", "no", "--out", "x"), "Unknown recipe 'no'.", "fixtures list"),
        (("fixtures", "make", "issue-61633", "--out", "{0}"), "is not empty", "fixtures make --help"),
        (
            ("repair", "trim", "--keep-per-job", "-1", "--state-dir", "{0}"),
            "--keep-per-job '-1' is not valid.",
            "Use a number from 0 on",
        ),
        (("frob",), "Unknown verb 'frob'.", "There is no directory of this name either. `gatewaydoctor --help`"),
        (("repair", "--kep", "3"), "Unknown option --kep.", "See `gatewaydoctor repair --help`."),
        (("repair", "--resume"), "--resume needs a value.", "repair --help"),
        (("repair", "--resume", "--state-dir", "{0}"), "and --state-dir is an option.", "--resume RUN"),
        (("--config", "--quiet", "{0}"), "--config needs a value, and --quiet is an option.", "--config FILE"),
        (("scan", "--quiet=3", "{0}"), "--quiet takes no value.", "scan --help"),
        (("scan", "--output", "{1}/no/x", "{0}"), "No such file or directory.", "Name a file in a directory"),
    ],
)
def test_a_wrong_word_is_told_as_what_it_is(
    words: tuple[str, ...], message: str, hint: str, busy: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    ran = run(*(word.format(busy, tmp_path / "empty") for word in words))
    said = " ".join(ran.err.split())
    assert (ran.code, ran.out) == (2, "")
    assert message in said and hint in said
    assert "Did you mean" not in said or "Did you mean" in hint


def test_the_limit_of_the_gate_is_told_in_plain_words(busy: Path) -> None:
    assert "--limit 'soon' is not a number" in run("gate", str(busy), "--limit", "soon").err
    assert "--limit 9000.0 is not from 0.1 to 3600" in run("gate", str(busy), "--limit", "9000").err


def test_a_directory_that_is_no_snapshot_is_not_verified(tmp_path: Path) -> None:
    ran = run("snapshot", "verify", str(tmp_path))
    assert ran.code == 3
    assert f"{tmp_path} is not a snapshot: it has no snapshot.json." in " ".join(ran.err.split())
    assert "vault" not in ran.err


@pytest.mark.parametrize("options", [(), ("--json",), ("--quiet",)])
def test_a_group_with_a_list_lists_where_nothing_else_is_asked_for(options: tuple[str, ...], busy: Path) -> None:
    for words in (("runs", "--state-dir", str(busy)), ("fixtures",)):
        alone, asked = run(*words, *options), run(words[0], "list", *words[1:], *options)
        assert (alone.code, alone.out, alone.err) == (0, asked.out, asked.err)
    without = run("simulate", *options)
    assert (without.code, "needs a subcommand" in without.out + without.err) == (2, True)
