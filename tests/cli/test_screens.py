"""What screens say beyond their exact text: eras, colours, where commands point, where nothing is to be said."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from rich.console import Console

from gatewaydoctor.checks.judge import all_rules
from gatewaydoctor.cli.shell.run import typed_program
from gatewaydoctor.cli.words.durations import parse_span
from gatewaydoctor.fixtures import DEFAULT_NOW
from gatewaydoctor.fixtures.validating.expectation import EXPECTED
from gatewaydoctor.model.errors import UsageError
from gatewaydoctor.report.screens.blocks.fitting import Parted
from gatewaydoctor.report.screens.blocks.parts import grid
from tests.cli import scenes
from tests.cli.harness import EXAMINING, NOW_MS, Machine, Ran, run
from tests.state.fakes import FakeProcess, FakeProcesses
from tests.world import DAY, NOW, StateDir, job, row


def test_every_agent_has_its_era_and_database(tmp_path: Path) -> None:
    root = scenes.databases(tmp_path / "state").root
    document = run("scan", "--json", "--state-dir", str(root)).document
    agents = {agent["agentId"]: agent for agent in document["agents"]}
    assert {name: agent["era"] for name, agent in agents.items()} == {"main": "sqlite", "archive": "sqlite"}
    main, archive = agents["main"]["database"], agents["archive"]["database"]
    assert (main["schemaVersion"], archive["schemaVersion"]) == (23, 23)
    assert main["walBytes"] == (root / "agents/main/agent/openclaw-agent.sqlite-wal").stat().st_size
    assert archive["walBytes"] in (None, 0)
    assert document["stores"][0]["era"] == "sqlite"
    said = run("scan", "--verbose", "--state-dir", str(root)).out
    assert "sqlite       archive: " in said
    assert str(root / "agents/archive/agent/openclaw-agent.sqlite") in "".join(said.split())
    assert "legacy-store-beside-sqlite" in said


def test_the_heading_names_files_and_databases_once(tmp_path: Path) -> None:
    scene = scenes.databases(tmp_path / "state")
    scene.write("agents/old/sessions/sessions.json", b"{}")
    said = run("scan", "--state-dir", str(scene.root), width=160).out
    assert ", files and database   gateway" in said.splitlines()[0]


FIXTURES = Path(__file__).parent.parent.parent / "fixtures"


@pytest.mark.parametrize("verb", [*(verb for verb in EXAMINING if verb != "scan"), "forecast", "repair"])
@pytest.mark.parametrize(
    "name",
    ["healthy", "session-stuck-running", "cron-rapid-retry", "archived-history", "database-corrupt", "gateway-live"],
)
def test_the_next_step_in_json_is_the_one_on_the_screen(name: str, verb: str) -> None:
    at = (verb, "--state-dir", str(FIXTURES / name / "state"), "--now", str(NOW_MS))
    told = run(*at, "--json").document["next"]
    shown = run(*at).out.rpartition("next: ")[2].replace("\\\n", " ")
    step = f"{told['why']}: {told['command']}" if told["command"] else f"{told['why']}."
    assert " ".join(shown.split()) == step.replace(" --json", "")  # what was typed is repeated


def test_a_live_gateway_is_told_and_nothing_is_called_stuck(busy: Path) -> None:
    gateway = FakeProcess(4242, ("openclaw-gateway",), env={"OPENCLAW_STATE_DIR": str(busy)})
    machine = Machine(processes=FakeProcesses([gateway]))
    stuck = machine.run("stuck", "--state-dir", str(busy))
    assert "gateway running" in "".join(stuck.out.splitlines()[:2])
    assert "stop it and scan again" in " ".join(stuck.out.split())
    document = machine.run("stuck", "--json", "--state-dir", str(busy)).document
    assert document["gateway"]["liveness"] == "live"
    assert (document["details"]["running"], document["details"]["stuck"]) == (16, 0)


@pytest.mark.parametrize("how", ["--no-color", "NO_COLOR"])
def test_no_colour_means_plain_text(how: str, busy: Path) -> None:
    option = (how,) if how.startswith("--") else ()
    env = {} if option else {"NO_COLOR": "1"}
    coloured = Machine(terminal=True).run("scan", "--state-dir", str(busy))
    plain = Machine(terminal=True, env=env).run("scan", "--state-dir", str(busy), *option)
    assert "\x1b[" in coloured.out
    assert "\x1b" not in plain.out
    assert plain.out == run("scan", "--state-dir", str(busy)).out


@pytest.mark.parametrize("verb", [*EXAMINING, "forecast", "repair"])
def test_a_colour_comes_with_its_ground(verb: str, busy: Path) -> None:
    """Words in yellow or green cannot be read on white, dimmed ones on some grounds."""
    out = Machine(terminal=True, env={"TERM": "xterm-256color"}).run(verb, "--state-dir", str(busy)).out
    few = Machine(terminal=True, env={"TERM": "xterm"}).run(verb, "--state-dir", str(busy)).out
    assert set(re.findall(r"\x1b\[([\d;]*)m", few)) <= {"0", "1", "1;7"}, "colours of a theme are not known"
    styles = [set(found.split(";")) for found in re.findall(r"\x1b\[([\d;]*)m", out)]
    assert styles
    for each in styles:
        assert "2" not in each - {"38", "48", "5"} or "38" in each
        coloured = "38" in each or any(30 <= int(word or 0) <= 37 or 90 <= int(word or 0) <= 97 for word in each)
        grounded = "48" in each or any(40 <= int(word or 0) <= 47 or 100 <= int(word or 0) <= 107 for word in each)
        assert not coloured or grounded, each


@pytest.mark.parametrize("width", [40, 80, 237])
def test_no_line_is_longer_than_the_terminal_but_for_commands(width: int, busy: Path) -> None:
    for verb in EXAMINING:
        ran = Machine(width=width).run(verb, "--state-dir", str(busy))
        words, _, _ = ran.out.partition("next: ")
        commands = ("gatewaydoctor repair", "gatewaydoctor explain", "--state")
        lines = [line for line in words.splitlines() if not any(word in line for word in commands)]
        assert max(map(len, lines)) <= width, verb


def test_hostile_arguments_come_back_harmless() -> None:
    for arguments in (
        ("\x1b[31mscan",),
        ("scan", "--\x1b[31m"),
        ("scan", "--state-dir", "/no\x1b[31mwhere\u202e"),
        ("explain", "\x1b]0;x\x07"),
        ("scan", "--now", "\x1b[2J"),
        ("sessions", "--status", "\x1b[2J"),
        ("sessions", "--key", "x", "--larger-than", "\x9b2J"),
    ):
        for ran in (run(*arguments), run(*arguments, "--json")):
            assert ran.code == 2
            assert not {"\x1b", "\u202e", "\x9b", "\x07"} & set(ran.out + ran.err), arguments


def steps(ran: Ran) -> list[str]:
    return [line.strip() for line in ran.out.partition("next:")[2].splitlines()[1:]]


def test_the_next_step_names_the_directory_only_where_the_user_did(busy: Path) -> None:
    by_variable = Machine(env={"OPENCLAW_STATE_DIR": str(busy)}).run("status")
    assert steps(by_variable) == ["gatewaydoctor scan"]
    assert steps(run("status", "--state-dir", str(busy), "--agent", "main"))[-1].endswith("--agent main")
    assert steps(run("status", "--redact", "--state-dir", str(busy))) == ["gatewaydoctor scan --state-dir STATE-DIR"]


def test_the_next_step_follows_the_worst_finding(tmp_path: Path) -> None:
    scene = scenes.healthy(tmp_path)
    at = ("scan", "--state-dir", str(tmp_path))

    def step(**machine: Any) -> tuple[str | None, str]:
        said = " ".join(run(*at, width=160, **machine).out.replace("\\\n", " ").split())
        told = run(*at, "--json", **machine).document["next"]
        assert (told["command"] is None) is (" DO " not in said)
        assert told["command"] is None or f" DO {told['command']} {told['why']} " in said, "screen and JSON differ"
        return told["command"], told["why"]

    assert step() == (None, "nothing to do")

    scene.transcript(scenes.UUID(50), "forgotten")
    assert step() == (None, "nothing to do"), "a note asks for nothing"

    scene.jobs(scenes.job("tea", "tea", state={"runningAtMs": scenes.ago(5 * scenes.HOUR)}))
    assert step()[0] == f"gatewaydoctor repair cron --state-dir {tmp_path}"

    scene.write("openclaw.json", "{")  # worse, and no repair helps
    assert step() == (
        f"gatewaydoctor explain config-unreadable --found --state-dir {tmp_path}",
        "what to do by hand, before any start",
    )

    scenes.busy(tmp_path)  # several repairs: all that are recommended
    assert step()[0] == f"gatewaydoctor repair --state-dir {tmp_path}"
    gateway = FakeProcess(4242, ("openclaw-gateway",), env={"OPENCLAW_STATE_DIR": str(tmp_path)})
    command, why = step(processes=FakeProcesses([gateway]))
    assert why == "stop the gateway before it is applied; it can be undone"
    assert command is not None


def test_the_program_is_named_as_it_was_started(tmp_path: Path) -> None:
    found = tmp_path / "bin" / "gatewaydoctor"
    found.parent.mkdir()
    found.write_text("#!/bin/sh\n")
    found.chmod(0o755)
    other = tmp_path / "my tools" / "gatewaydoctor"
    with patch.dict("os.environ", PATH=str(found.parent)):
        assert shutil.which("gatewaydoctor") == str(found)
        assert typed_program(str(found)) == ("gatewaydoctor",)
        assert typed_program(str(other)) == (str(other),)
        assert typed_program("/usr/lib/python3/gatewaydoctor/__main__.py") == (sys.executable, "-m", "gatewaydoctor")
        assert typed_program("/usr/bin/pytest") == ("gatewaydoctor",)
        assert typed_program("gatewaydoctor.pyz") == (sys.executable, "gatewaydoctor.pyz")
    with patch.dict("os.environ", PATH="/nowhere"):
        assert typed_program(str(found)) == (str(found),)


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("90s", 90_000),
        ("5m", 300_000),
        ("1h", 3_600_000),
        ("1.5 h", 5_400_000),
        ("2D", 172_800_000),
        ("250ms", 250),
        ("0", 0),
    ],
)
def test_spans_of_time(text: str, ms: int) -> None:
    assert parse_span(text, "--x") == ms


@pytest.mark.parametrize("text", ["", "h", "-1h", "1 year", "1h30m", "inf", "3600", "1.5"])
def test_no_spans_of_time(text: str) -> None:
    with pytest.raises(UsageError, match="--x"):
        parse_span(text, "--x")


def test_sessions_are_filtered_as_asked(busy: Path) -> None:
    def keys(*options: str) -> list[str]:
        rows = run("sessions", "--json", *options, "--state-dir", str(busy)).document["details"]["sessions"]
        return [row["key"] for row in rows]

    assert len(keys()) == 20
    assert keys("--status", "failed") == ["agent:main:whatsapp:group:120363041234567890@g.us"]
    assert keys("--kind", "main", "--kind", "direct") == [
        "agent:main:main", "agent:main:telegram:direct:1000001", "agent:workroom:main",
    ]  # fmt: skip
    assert keys("--kind", "main", "--older-than", "2d") == ["agent:workroom:main"]
    assert keys("--kind", "main", "--newer-than", "2d") == ["agent:main:main"]
    assert keys("--key", "*:group:*") == ["agent:main:whatsapp:group:120363041234567890@g.us"]
    assert len(keys("--larger-than", "4k")) == 15
    assert keys("--larger-than", "1M") == []
    assert len(keys("--job", "nightly backup")) == len(keys("--job", "nightly-backup")) == 16
    assert keys("--agent", "workroom") == ["agent:workroom:main"]
    store = str(busy / "agents/workroom/sessions/sessions.json")
    assert run("sessions", "--json", "--store", store).document["details"]["total"] == 1


def test_a_stream_of_sessions_is_one_object_a_line(busy: Path) -> None:
    import json

    ran = run("sessions", "--format", "ndjson", "--state-dir", str(busy))
    rows = [json.loads(line) for line in ran.out.splitlines()]
    listed = run("sessions", "--json", "--all", "--state-dir", str(busy)).document["details"]["sessions"]
    assert rows == listed
    assert rows[0]["updatedAt"] == NOW_MS - scenes.HOUR
    data = Path(busy / "agents/main/sessions/sessions.json").read_bytes()
    assert data[rows[0]["offset"] :].startswith(b'"agent:main:main"')


def test_what_no_command_mends_says_where_it_is(healthy: Path, tmp_path: Path) -> None:
    shutil.copytree(healthy, tmp_path / "state")
    (tmp_path / "state/openclaw.json").chmod(0o644)
    at = ("--state-dir", str(tmp_path / "state"))
    told = run("scan", "--verbose", *at, width=400).out
    assert f"file  {tmp_path / 'state/openclaw.json'}" in " ".join(told.replace("file        ", "file  ").split("\n"))
    assert " File: openclaw.json\n" in run("check", *at, "--fail-on", "warning").out
    redacted = " ".join(run("scan", "--verbose", *at, "--redact").out.split())
    assert "file <state-dir>/openclaw.json" in redacted


def test_the_command_after_a_snapshot_can_be_pasted(healthy: Path, tmp_path: Path) -> None:
    copy = tmp_path / "a copy of what was there before the repair of the second of April"
    ran = run("snapshot", str(copy), "--state-dir", str(healthy))
    command = shlex.split(ran.out.rpartition("next: verify it at any time:\n")[2].replace("\\\n", ""))
    assert command == ["gatewaydoctor", "snapshot", "verify", str(copy), "--state-dir", str(healthy)]
    assert run(*command[1:]).code == 0


LONG = "a job with quite a long name, number "


@pytest.mark.parametrize("count", [0, 1, 9, 60])
def test_cron_fits_a_terminal_and_ends_in_the_next_step(tmp_path: Path, count: int) -> None:
    state = StateDir(tmp_path)
    late = {"lastRunAtMs": NOW - 4 * DAY, "nextRunAtMs": NOW + 3 * DAY, "runningAtMs": NOW - DAY}
    schedules: list[object] = [
        "0 2 * * *",
        {"kind": "cron", "expr": "61 * * * *"},
        {"kind": "every", "everyMs": 60_000},
    ]
    state.jobs(
        [job(f"j{n}", name=f"{LONG}{n}", schedule=schedules[n % 3], state=late, agentId="gone") for n in range(count)]
    )
    where = ("--state-dir", str(state.root), "--now", str(NOW))
    lines = run("cron", *where).out.rstrip("\n").split("\n")
    assert len(lines) <= 24
    assert max(map(len, lines[:-3])) <= 80
    assert any(line.startswith("next:") for line in lines[-4:])
    document = run("cron", "--json", *where).document
    assert [job["name"] for job in document["details"]["jobs"]] == [f"{LONG}{n}" for n in range(count)]
    assert all("owner-gone" in job["flags"] for job in document["details"]["jobs"])
    shown = run("cron", "--all", *where).out
    assert all(f"number {n}" in " ".join(shown.split()) for n in range(count)), "--all names every job"


@pytest.mark.parametrize("rule", ["cron-one-shot-past", "cron-owner-gone"])
def test_jobs_that_are_to_be_disabled_are_named_in_a_command_that_removes_the_finding(
    rule: str, tmp_path: Path
) -> None:
    shutil.copytree(FIXTURES / rule / "state", tmp_path / "state")
    at = ("--state-dir", str(tmp_path / "state"), "--now", str(DEFAULT_NOW))
    said = run("explain", rule, "--found", *at, width=200).out
    lines = said.replace("\\\n", " ").splitlines()
    command = next(line for line in lines if " cron --disable " in line and "--state-dir" in line).partition(
        " repair "
    )[2]
    done = run("repair", *shlex.split(command), "--now", str(DEFAULT_NOW), "--apply", "--yes")
    assert done.code == 0, done.err
    assert rule not in {each["rule"] for each in run("scan", "--json", *at).document["findings"]}


def test_the_command_for_work_by_hand_shows_what_this_finding_says(tmp_path: Path) -> None:
    scene = scenes.healthy(tmp_path)
    scene.jobs({**scenes.job("x", "tea"), "id": None}, {**scenes.job("y", "milk"), "id": None})
    at = ("--state-dir", str(tmp_path))
    step = run("scan", *at, "--json").document["next"]["command"]
    assert step == f"gatewaydoctor explain cron-job-shares-state --found --state-dir {tmp_path}"
    (finding,) = run("check", "--only", "cron-job-shares-state", "--json", *at).document["findings"]
    shown = run(*step.split()[1:])
    words = " ".join(shown.out.split())
    assert shown.code == 0
    for told in (finding["message"], finding["consequence"], finding["byHand"], "name tea", "name milk"):
        assert told in words
    document = run(*step.split()[1:], "--json").document
    assert [each["rule"] for each in document["findings"]] == ["cron-job-shares-state"]
    assert "finds none" in " ".join(run("explain", "lock-stale", "--found", *at).out.split())
    assert run("explain", "--found", *at).code == 2
    named = run("explain", "lock-stale", str(tmp_path), "--now", str(NOW_MS))
    assert named.out == run("explain", "lock-stale", "--found", *at).out


@pytest.mark.parametrize("name", sorted(path.parent.name for path in FIXTURES.glob(f"*/{EXPECTED}")))
def test_what_to_do_by_hand_fits_a_terminal_and_ends_with_the_next_step(name: str) -> None:
    at = ("--state-dir", str(FIXTURES / name / "state"), "--now", str(DEFAULT_NOW))
    document = run("scan", *at, "--json").document
    words = (document["next"]["command"] or "").split()
    if "explain" not in words:
        return
    shown = Machine(width=80).run(*words[1:], "--now", str(DEFAULT_NOW)).out.splitlines()
    assert len(shown) <= 23 + sum(line.strip().startswith("--state-dir") for line in shown)
    told = " ".join(" ".join(shown).split())
    worst = next(each for each in document["findings"] if each["rule"] == words[2])
    assert worst["message"] in told
    by_hand = (worst["byHand"] or "").partition(" Run: ")[0]
    pasted = told.replace(" \\ ", " ")
    assert worst["fix"] or "".join(by_hand.split()) in "".join(pasted.split()), "a long path takes several lines"
    assert any(line.startswith("next: ") for line in shown[-4:])
    after = run(*words[1:], "--now", str(DEFAULT_NOW), "--json").document["next"]
    assert after["why"] in told
    assert after["command"].split()[1] in ("scan", "repair"), "it leads on, not back to itself"


def test_several_findings_of_a_rule_are_told_with_their_evidence_where_there_is_room(tmp_path: Path) -> None:
    at = ("--state-dir", str(FIXTURES / "store-invalid-entry/state"), "--now", str(DEFAULT_NOW))
    shown = run("explain", "store-invalid-entry", "--found", *at).out
    whole = run("explain", "store-invalid-entry", "--found", "--all", *at).out
    assert "--all adds 2 more findings" in shown
    assert "What it means" not in shown
    assert all(words in whole for words in ("list-fails", "cleanup-fails", "What it means", "Why it happens"))


@pytest.mark.parametrize("rule", [rule.id for rule in all_rules()])
def test_what_a_rule_means_fits_a_terminal(rule: str) -> None:
    assert len(run("explain", rule).out.splitlines()) <= 23


def test_the_rules_fit_a_terminal_unless_all_are_asked_for() -> None:
    lines = run("explain").out.splitlines()
    assert len(lines) <= 23
    assert lines[-2].startswith("next: ")
    assert any("--all shows all" in line for line in lines)
    whole = run("explain", "--all").out
    assert all(rule.id in whole for rule in all_rules())


def test_a_named_repair_that_plans_nothing_names_the_repair_of_what_is_critical(tmp_path: Path) -> None:
    scenes.damaged(tmp_path)
    at = ("--state-dir", str(tmp_path))
    last = " ".join(run("repair", "locks", *at).out.rpartition("next: ")[2].replace("\\\n", " ").split())
    assert last == f"a critical finding remains: gatewaydoctor repair salvage --state-dir {tmp_path}"


def test_a_repair_that_was_named_and_plans_nothing_is_said_to_have_nothing_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan of all repairs has: it is the next step, where the named one is that of the critical finding."""
    for module in ("storage.files.reader", "model.gateway.store"):
        monkeypatch.setattr(f"gatewaydoctor.{module}.UNREADABLE_FROM_BYTES", 100)
    state = StateDir(tmp_path)
    state.transcript(1)
    state.store({"agent:main:telegram:direct:1": row(1, age=DAY, status="running")})
    at = ("--state-dir", str(state.root), "--now", str(NOW))
    out = run("repair", "trim", *at).out
    assert "Nothing to repair with trim" in out.splitlines()
    last = " ".join(out.rpartition("next: ")[2].replace("\\\n", " ").split())
    assert last == f"a critical finding remains: gatewaydoctor repair --state-dir {state.root}"
    assert "expire: " in run("repair", *at).out


def test_what_is_in_parentheses_has_a_line_of_its_own_where_it_does_not_fit() -> None:
    file = StringIO()
    console = Console(file=file, width=40)
    table = grid("change", "count", left=1)
    for text in ("remove runs of a (2 stuck)", "remove runs of a job (2,084 stuck, 151 extra)", "no parentheses"):
        table.add_row(Parted(text), "2")
    console.print(table)
    shown = [line.rstrip() for line in file.getvalue().splitlines()]
    assert [line.removesuffix("2").rstrip() for line in shown[1:]] == [
        "remove runs of a (2 stuck)",
        "remove runs of a job",
        "  (2,084 stuck, 151 extra)",
        "no parentheses",
    ]
