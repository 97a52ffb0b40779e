"""Defaults and notes that spare a second try."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.checks.judge import all_rules
from gatewaydoctor.fixtures import DEFAULT_NOW
from gatewaydoctor.repair.drafting.options import Repair
from gatewaydoctor.report.glossary import GLOSSARY
from tests.cli import scenes
from tests.cli.harness import Machine, run
from tests.world import DAY, StateDir, header, job, row, run_key, session_id
from tests.world import NOW as THEN

if TYPE_CHECKING:
    from gatewaydoctor.checks.registry import Rule

FIXTURES = Path(__file__).parent.parent.parent / "fixtures"


def test_runs_show_and_verify_default_to_the_newest_run(tmp_path: Path) -> None:
    root = scenes.busy(tmp_path / "state").root
    at = ("--state-dir", str(root), "--json")
    assert run("runs", "show", *at).code == 3
    first = run("repair", "trim", "--apply", "--yes", *at).document["details"]["receipt"]["runId"]
    assert run("runs", "show", *at).document["details"]["runId"] == first
    assert run("runs", "verify", *at).document["details"]["runId"] == first
    run("undo", "--yes", *at)
    assert run("runs", "show", *at).document["details"]["runId"] == first


def test_yes_without_apply_is_called_a_dry_run(busy: Path) -> None:
    assert "dry run" in run("repair", "--yes", "--state-dir", str(busy)).err
    assert "dry run" not in run("repair", "--state-dir", str(busy)).err


def test_a_fixture_that_is_set_up_shows_what_it_says(tmp_path: Path) -> None:
    ran = run("fixtures", "set-up", str(FIXTURES / "lock-stale"), "--out", str(tmp_path / "out"), "--json")
    now = ran.document["details"]["now"]
    found = Machine(env={"GATEWAYDOCTOR_NOW": str(now)}).run("scan", "--json", "--state-dir", str(tmp_path / "out"))
    assert "lock-stale" in {each["rule"] for each in found.document["findings"]}
    assert run("fixtures", "set-up", str(FIXTURES / "lock-stale"), "--out", str(tmp_path / "out")).code == 2
    assert run("fixtures", "set-up", str(tmp_path), "--out", str(tmp_path / "b")).code == 2


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("conversation", "a session in which a person wrote"),
        ("Conversations", "a session in which a person wrote"),
        ("session key", "the name of that row"),
        ("stuck", "no sign of life for an hour"),
        ("slim", "For store-bloat."),
        ("cron", "Only done when it is named."),
    ],
)
def test_explain_knows_the_words_of_the_screens(word: str, told: str) -> None:
    shown = run("explain", word)
    assert (shown.code, told in shown.out, "next: " in shown.out) == (0, True, True)
    document = json.loads(run("explain", word, "--json").out)
    assert any(told in each["meaning"] for each in document["details"]["terms"])


@pytest.mark.parametrize(
    ("word", "hint"),
    [("conversatoin", "Did you mean conversation?"), ("scan", "gatewaydoctor scan --help"), ("trimm", "mean trim?")],
)
def test_explain_says_what_a_word_may_have_been_meant_for(word: str, hint: str) -> None:
    shown = run("explain", word)
    assert (shown.code, hint in shown.err) == (2, True)


def test_every_repair_and_every_word_of_the_glossary_is_explained() -> None:
    words = [each for entry in GLOSSARY for each in entry.words]
    assert {run("explain", word).code for word in (*words, *map(str, Repair))} == {0}


def test_each_word_of_the_glossary_has_a_meaning_of_its_own() -> None:
    shown = run("explain", "receipt").out.splitlines()
    assert shown[shown.index("receipt") + 1] == "  the record of a run"
    assert all(len(entry.each) in ((0,) if len(entry.words) == 1 else (len(entry.words),)) for entry in GLOSSARY)


def test_what_is_in_backticks_is_not_broken() -> None:
    """A command that is broken over two lines cannot be pasted."""
    for rule in all_rules():
        shown = Machine(width=80).run("explain", rule.id).out
        assert all(line.count("`") % 2 == 0 for line in shown.splitlines()), shown


def test_jobs_of_another_directory_are_not_told_as_none(tmp_path: Path) -> None:
    ran = run("fixtures", "set-up", str(FIXTURES / "jobs-other-path"), "--out", str(tmp_path / "out"), "--json")
    machine = Machine(env={"GATEWAYDOCTOR_NOW": str(ran.document["details"]["now"])}, width=80)
    at = ("--state-dir", str(tmp_path / "out"))
    assert "fires no cron job: 3 jobs are filed under another directory" in machine.run("forecast", *at).out
    assert "all 3 filed under another directory" in " ".join(machine.run("cron", *at).out.split())
    shown = machine.run("migration", *at).out
    assert "gatewaydoctor repair jobs" in shown.rpartition("next: ")[2]


def test_what_a_run_did_fits_a_terminal_and_leads_on(tmp_path: Path) -> None:
    state = StateDir(tmp_path)
    state.store({"agent:main:main": row(1)})
    for number in range(30, 70):
        state.transcript(number, header(session_id(number)), age=2 * DAY)
    at = ("--state-dir", str(state.root), "--now", str(THEN))
    for _ in range(14):
        assert run("repair", "orphans", "--apply", "--yes", *at).code == 0
        assert run("undo", "--yes", *at).code == 0

    def lines(*words: str) -> list[str]:
        return run(*words, *at).out.splitlines()

    listed = lines("runs", "list")
    assert len(listed) <= 23
    assert any("12 of 14 runs" in line for line in listed)
    assert any("runs show" in line for line in listed)
    assert any("runs prune" in line for line in lines("runs", "show")), "it was undone"
    assert run("repair", "orphans", "--apply", "--yes", *at).code == 0
    for words in (("runs", "show"), ("undo", "--dry-run"), ("undo", "--yes")):
        shown = lines(*words)
        assert len(shown) <= 23, words
        assert any(" of 40 files; --all" in line for line in shown), words


def test_a_receipt_of_many_files_fits_a_terminal(tmp_path: Path) -> None:
    state = StateDir(tmp_path)
    for agent in ("main", "a", "b", "c", "d"):
        rows = {f"agent:{agent}:telegram:direct:{n}": row(n, status="running") for n in range(1, 6)}
        state.store(rows, agent)
        for number in range(1, 6):
            state.transcript(number, agent=agent)
    at = ("--apply", "--yes", "--state-dir", str(state.root), "--now", str(THEN))

    def receipt(*words: str) -> list[str]:
        out = run(*words, *at).out
        return out[out.index("Done in ") :].splitlines()

    expired = receipt("repair", "expire")
    assert sum("loads by the gateway's rules" in line for line in expired) == 2
    assert any("3 more stores hold what was planned; --all names them." in line for line in expired)
    parked = receipt("park", "a")
    assert any("6 files hold the bytes that were written." in line for line in parked)
    assert max(map(len, (expired, parked))) <= 23
    assert len(receipt("unpark", "a", "--all")) > 23


def test_a_snapshot_that_was_verified_leads_on(healthy: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    assert run("snapshot", str(copy), "--state-dir", str(healthy)).out.startswith("Copied ")
    assert run("snapshot", "verify", str(copy)).out.endswith("next: nothing to do.\n")
    (copy / "state/openclaw.json").write_text("{}")
    assert "make another:" in run("snapshot", "verify", str(copy)).out


def test_conversations_that_are_lost_are_all_named_on_request() -> None:
    state = FIXTURES / "database-corrupt" / "state"
    at = ("repair", "--state-dir", str(state), "--now", str(DEFAULT_NOW))
    assert "40 of them conversations: only the key is left. (names: --all)" in " ".join(run(*at).out.split())
    named = re.findall(r"agent:main:done:\d+", run(*at, "--all").out)
    assert len(named) == len(set(named)) == 40


@pytest.mark.parametrize("rule", [each for each in all_rules() if "`gatewaydoctor " in each.remedy])
def test_commands_in_the_text_of_a_rule_can_be_typed(rule: Rule, tmp_path: Path) -> None:
    scenes.busy(tmp_path)
    for typed in re.findall(r"`gatewaydoctor ([^`]+)`", rule.remedy):
        ran = run(*shlex.split(typed.replace("KEY", "agent:main:main")), "--state-dir", str(tmp_path))
        assert ran.code != 2 or "Nothing is parked" in ran.err, (typed, ran.err)


def test_many_damaged_stores_fit_a_terminal(tmp_path: Path) -> None:
    state = StateDir(tmp_path)
    for number in range(40):
        state.store(b'{"agent:x:main": {"sess', f"a{number}")
    at = ("--state-dir", str(state.root), "--now", str(THEN))
    for verb in ("status", "sessions", "forecast", "scan", "repair"):
        assert len(run(verb, *at).out.splitlines()) <= 23, verb


def test_a_run_over_jobs_with_long_names_fits_a_terminal(tmp_path: Path) -> None:
    state = StateDir(tmp_path)
    names = [f"{letter} job with a name that goes on and on " * 4 for letter in "abcdefgh"]
    state.jobs([job(f"j{at}", name=name, state={"runningAtMs": THEN - DAY}) for at, name in enumerate(names)])
    rows = {run_key(f"j{at}", 10 * at + n): row(10 * at + n, age=3 * DAY, status="running")
            for at in range(len(names)) for n in range(9)}  # fmt: skip
    state.store({"agent:main:main": row(999)} | rows)
    at = ("--state-dir", str(state.root), "--now", str(THEN))
    assert run("repair", "--apply", "--yes", *at).code == 0
    shown = run("runs", "show", *at).out.splitlines()
    assert len(shown) <= 23
    assert any("changes; --all shows all." in line for line in shown)
