"""The first screen at 80x24: verdict, stake, cause, command, and what is wrong, without scrolling."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from msgspec import structs
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from gatewaydoctor.checks.nextstep import SAFE
from gatewaydoctor.fixtures import DEFAULT_NOW, DEFAULT_SEED, make
from gatewaydoctor.model.command import typed
from gatewaydoctor.model.outcome.verdict import NextStep, Stake, Start, StartVerdict
from gatewaydoctor.report.invocation import Invocation
from gatewaydoctor.report.names import Names
from gatewaydoctor.report.screens.blocks.finding_lines import brief
from gatewaydoctor.report.screens.blocks.fitting import ends
from gatewaydoctor.report.screens.blocks.parts import View, print_prose
from gatewaydoctor.report.screens.scan import verdict_block
from tests.checks.test_verdict import FIXTURES, every_fixture, fixture
from tests.cli import scenes
from tests.cli.harness import Machine, run
from tests.world import StateDir

if TYPE_CHECKING:
    from pathlib import Path

    from gatewaydoctor.checks.judge import Judgement

INCIDENT_FIXTURES = ("incident-61633", "incident-51821", "incident-52725", "incident-72826", "incident-003")
INCIDENTS = {"issue-61633": 0.02, "cap-storm": 0.02, "batch-subagents": 0.1, "usage-heavy": 0.02}


def lines(state: Path, *options: str, width: int = 80) -> list[str]:
    ran = Machine(width=width).run("scan", "--state-dir", str(state), *options)
    assert ran.code in (0, 2)
    return ran.out.splitlines()


@pytest.mark.parametrize("name", [*INCIDENTS, "incident-51821", "healthy", "store-unparseable", "busy", "damaged"])
def test_everything_fits_a_small_terminal(name: str, tmp_path: Path) -> None:
    state = tmp_path / "state"
    if name in INCIDENTS:
        make(name, state, seed=DEFAULT_SEED, scale=INCIDENTS[name], now=DEFAULT_NOW)
    elif name in ("busy", "damaged"):
        getattr(scenes, name)(state)
    else:
        state = FIXTURES / name / "state"
    shown = lines(state)
    assert len(shown) <= 23, "24 with the prompt"
    commands = ("gatewaydoctor", "--state-dir")
    assert max(cell_len(line) for line in shown if not any(word in line for word in commands)) <= 80
    start = next(at for at, line in enumerate(shown) if line.startswith("WILL IT START"))
    assert start <= 3
    block = shown[start : shown.index("", start)]
    assert len(block) <= 8


def test_the_plan_of_a_cut_store_fits_a_small_terminal(tmp_path: Path) -> None:
    state = tmp_path / "state"
    make("issue-61633", state, seed=DEFAULT_SEED, scale=0.1, now=DEFAULT_NOW)
    store = state / "agents/main/sessions/sessions.json"
    os.truncate(store, store.stat().st_size // 2)
    shown = Machine(width=80).run("repair", "--state-dir", str(state)).out.splitlines()
    assert any(line.startswith("Warning: At least 1 session was cut") for line in shown)
    first = next(at for at, line in enumerate(shown) if line.startswith("Conversations recovered"))
    last = next(at for at, line in enumerate(shown) if line.startswith("next: "))
    paths = sum(line.startswith("        --state-dir") for line in shown)
    assert last - first - paths <= 23 - len(["Plan ...", "next: ...", "      gatewaydoctor repair ..."])


@pytest.mark.parametrize("verb", ["status", "orphans", "cron", "forecast", "stuck", "usage", "subagents"])
@pytest.mark.parametrize("name", ["incident-61633", "store-unparseable"])
def test_a_path_of_120_characters_leaves_no_screen_without_room(name: str, verb: str, tmp_path: Path) -> None:
    short = tmp_path.parent / "short"
    state = short / ("d" * (119 - len(str(short))))
    shutil.copytree(FIXTURES / name / "state", state)
    try:
        ran = Machine(width=80).run(verb, "--state-dir", str(state))
    finally:
        shutil.rmtree(state)
    assert len(str(state)) == 120
    assert sum(max(1, -(-cell_len(line) // 80)) for line in ran.out.splitlines()) <= 23


def test_on_a_wide_terminal_the_agents_stay_near_the_findings() -> None:
    shown = lines(FIXTURES / "incident-61633" / "state", "--now", str(DEFAULT_NOW), width=160)
    agents = [line for line in shown if line.endswith(" main") and not line.startswith(("CAUSE", "AT"))]
    assert len(agents) > 5
    assert {cell_len(line) for line in agents} == {80}


def test_of_a_damaged_store_the_count_has_room_next_to_a_long_rule() -> None:
    shown = "\n".join(lines(FIXTURES / "era-sqlite-torn-leftover" / "state", "--now", str(DEFAULT_NOW)))
    (found,) = (each for each in fixture("era-sqlite-torn-leftover").findings if each.rule == "store-unparseable")
    assert brief(found, 40) in shown
    assert brief(found, 30) == "2 complete sessions"


def test_it_answers_the_four_questions_in_order(tmp_path: Path) -> None:
    scenes.damaged(tmp_path)
    labels = [line[:13].strip() for line in lines(tmp_path) if line[:2].isupper()]
    assert labels == ["WILL IT START", "AT STAKE", "CAUSE", "DO"]


def test_a_healthy_directory_is_two_answers(tmp_path: Path) -> None:
    scenes.healthy(tmp_path)
    said = "\n".join(lines(tmp_path))
    assert "WILL IT START  Yes. Everything was read, nothing is wrong." in said
    assert "DO " not in said


@every_fixture
def test_every_finding_has_a_line_of_its_own_words(name: str) -> None:
    for finding in fixture(name).findings:
        said = brief(finding, 200)
        assert said
        assert not said.endswith((".", ";", ":", ","))
        assert not said.startswith(("The ", "A "))
        assert len(said) <= (60 if finding.brief else 100), finding.rule


@every_fixture
def test_no_line_is_cut_short_in_80_columns(name: str) -> None:
    shown = lines(FIXTURES / name / "state", "--now", str(DEFAULT_NOW))
    assert [line for line in shown if "…" in line] == []


@pytest.mark.parametrize("verb", ["forecast", "repair", "cron", "stuck", "status"])
@pytest.mark.parametrize("name", [*INCIDENT_FIXTURES, "store-unparseable", "database-corrupt", "era-sqlite"])
def test_no_fact_of_another_screen_is_cut_short_either(name: str, verb: str) -> None:
    ran = Machine(width=80).run(verb, "--state-dir", str(FIXTURES / name / "state"), "--now", str(DEFAULT_NOW))
    assert [line for line in ran.out.splitlines() if "…" in line] == []


def test_what_has_no_room_is_left_out_by_clauses(tmp_path: Path) -> None:
    (found, *_) = fixture("cron-job-not-run").findings
    long = structs.replace(found, brief="", message="One thing: two, three (four), five things. More.")
    assert [brief(long, width) for width in (50, 28, 20, 5)] == [
        "one thing: two, three (four), five things",
        "one thing: two, three (four)",
        "one thing: two",
        "one thing",
    ]
    columns = structs.replace(
        long, agent_id="main", message="The database of an agent has 9 missing triggers, 2 missing columns."
    )
    assert brief(columns, 40) == "9 missing triggers, 2 missing columns", "whose it is, is in the column of agents"


@pytest.mark.parametrize("arguments", [("scan", "-v"), ("explain", "session-parked", "--found")])
def test_commands_within_sentences_name_the_directory(arguments: tuple[str, ...]) -> None:
    state = FIXTURES / "session-parked" / "state"
    told = " ".join(Machine(width=80).run(*arguments, "--state-dir", str(state)).out.replace("\\\n", " ").split())
    assert f"`gatewaydoctor unpark KEY --state-dir {state}`" in told
    assert "`gatewaydoctor unpark KEY`" not in told
    document = Machine().run("scan", "--json", "--state-dir", str(state)).document
    (parked,) = (each for each in document["findings"] if each["rule"] == "session-parked")
    assert f"`gatewaydoctor unpark KEY --state-dir {state}`" in parked["byHand"]


def test_what_does_not_fit_is_counted(tmp_path: Path) -> None:
    from tests.cli.secrets import Nouns, everything

    everything(tmp_path, Nouns())
    shown = lines(tmp_path)
    assert len(shown) <= 23
    assert any(line.endswith("more with -v") for line in shown)
    whole = lines(tmp_path, "--all")
    assert not any(line.endswith("more with -v") for line in whole)
    told = run("scan", "--json", "--state-dir", str(tmp_path)).document
    severities = [line.split()[0] for line in whole if line.split()[:1] and line.split()[0] in
                  ("critical", "error", "warning", "info")]  # fmt: skip
    assert severities == [each["severity"] for each in told["findings"]]


def test_the_tables_are_there_with_verbose(tmp_path: Path) -> None:
    scenes.busy(tmp_path)
    plain, verbose = "\n".join(lines(tmp_path)), "\n".join(lines(tmp_path, "-v"))
    for words in ("Stores", "Cron jobs", "Findings: "):
        assert words in verbose
        assert words not in plain


def test_the_verdict_of_a_part_is_not_that_of_the_whole(tmp_path: Path) -> None:
    scenes.busy(tmp_path)
    told = run("scan", "--json", "--state-dir", str(tmp_path), "--agent", "workroom").document
    assert told["verdict"]["start"] == "unknown"
    assert "not examined" in told["verdict"]["reason"]


def test_a_long_cause_gives_way_to_the_other_answers() -> None:
    long = " ".join(["one more word about it"] * 8)
    cause = "; ".join(f"main: thing number {number} of which much is to be told here" for number in range(4))
    verdict = StartVerdict(Start.AT_RISK, f"{long}.", cause, Stake(1, 0, 0, True, f"{long}."), None, "")
    file = StringIO()
    console = Console(file=file, width=80)
    verdict_block(console, verdict, NextStep(typed("repair"), SAFE), View(Names(redact=False)))
    shown = file.getvalue().splitlines()
    assert len(shown) <= 8
    assert shown[6] == "CAUSE          main: thing number 0 of which much is to be told here; 3 more."
    assert shown[7] == "DO             gatewaydoctor repair"


@pytest.mark.parametrize("name", [*INCIDENT_FIXTURES, "backup-candidates", "store-over-cap", "database-foreign-keys"])
def test_a_plan_fits_a_small_terminal_however_long_the_path(name: str, tmp_path: Path) -> None:
    long = tmp_path / "a-directory-with-a-long-name" / "another one with blanks" / "n"
    state = shutil.copytree(FIXTURES / name / "state", long / "state")
    ran = Machine(width=80).run("repair", "--state-dir", str(state), "--now", str(DEFAULT_NOW))
    shown = ran.out.splitlines()
    assert sum(max(1, -(-cell_len(line) // 80)) for line in shown) <= 23
    typed = " ".join(ran.out.replace(" \\\n", " ").split())
    assert "Plan" not in typed or typed.endswith(f"--state-dir '{state}' --now {DEFAULT_NOW} --apply")


LENGTHS = (30, 60, 90, 150, 300, 900)


@every_fixture
def test_no_path_makes_the_verdict_longer_than_eight_lines(name: str) -> None:
    judged = fixture(name)
    for length in LENGTHS:
        at_most_eight(judged, length)


def at_most_eight(judged: Judgement, length: int) -> None:
    path = "/" + "/".join(["srv-and-more"] * (length // 13 + 1))
    view = View(Names(redact=False), invocation=Invocation((f"{path}/bin/gatewaydoctor",), (("--state-dir", path),)))
    file = StringIO()
    console, ahead = Console(file=file, width=80), "1 thing; 2 things; 3 things"
    lines = verdict_block(console, judged.verdict, judged.next, view, ahead)
    shown = file.getvalue().splitlines()
    height = sum(max(1, -(-cell_len(line) // 80)) for line in shown)
    assert lines == height, "what is left for findings is counted from it"
    block = shown[: shown.index("") if "" in shown else None]
    assert sum(-(-cell_len(line) // 80) for line in block) <= 8
    assert [line[:13].strip() for line in block if line[:2].isupper()][:1] == ["WILL IT START"]
    if judged.next.command:
        typed = file.getvalue().replace(" \\\n", " ")
        whole = str(view.command(judged.next.command)).split()
        assert " ".join(whole) in " ".join(typed.split()), "the command is there, whole and ready to paste"
        assert any(line.startswith("DO ") for line in block)
    assert ("stopped" in judged.next.why) <= ("stopped" in " ".join(block)), "to keep it stopped is always said"


def test_of_a_long_path_the_heading_keeps_both_ends() -> None:
    path = "/first" + "/in-between" * 40 + "/last"
    assert len(ends(path, 80)) == 2
    assert ends(path, 80)[0].startswith("/first/")
    assert ends(path, 80)[1].endswith("/in-between/last")
    assert all(cell_len(line) <= 80 for end in ("y" * 79, "y" * 500) for line in ends(f"{path}/{end}", 80))
    assert ends("/short", 80) == ["/short"]


def test_a_narrow_terminal_has_the_answers_on_more_lines() -> None:
    judged = fixture("incident-61633")
    file = StringIO()
    verdict_block(Console(file=file, width=40), judged.verdict, judged.next, View(Names(redact=False)))
    assert "…" not in file.getvalue()


def test_what_many_agents_have_alike_is_one_line_where_not_all_fit(tmp_path: Path) -> None:
    state = StateDir(tmp_path).healthy().root
    for number in range(40):
        sessions = state / "agents" / f"a{number:02}" / "sessions"
        sessions.mkdir(parents=True)
        (sessions / "sessions.json").write_text("{")
    (state / "cron" / "jobs.json").write_text("{")
    shown = lines(state)
    assert len(shown) <= 23
    assert not any("more with -v" in line for line in shown)
    (alike,) = (line for line in shown if line.startswith("critical"))
    assert alike.endswith("a00, 39 more"), alike
    assert any(" cron-" in line for line in shown), "what is wrong elsewhere is not behind it"


def test_a_command_within_sentences_is_pasted_whole_whatever_the_path(tmp_path: Path) -> None:
    state = tmp_path / ("d" * 90) / ("it's" * 20)
    shutil.copytree(FIXTURES / "session-parked" / "state", state)
    told = Machine(width=80).run("explain", "session-parked", "--found", "--state-dir", str(state)).out
    pasted = [shlex.split(each.replace("\\\n", " ")) for each in re.findall(r"`(gatewaydoctor unpark [^`]*)`", told)]
    assert [words[:3] for words in pasted] == [["gatewaydoctor", "unpark", "KEY"]] * 2
    assert all(words[-2:] == ["--state-dir", str(state)] for words in pasted)


def test_only_a_command_is_continued_on_the_next_line() -> None:
    out = StringIO()
    print_prose(Console(file=out, width=60), Text("by hand"), f"{'掃' * 23} {'掃' * 23}", 12)
    assert "\\" not in out.getvalue()
