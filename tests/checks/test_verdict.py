"""Will it start? One verdict for every directory, and what outranks what."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from gatewaydoctor.checks.effects import EFFECTS, start_effect
from gatewaydoctor.checks.judge import all_rules, judge
from gatewaydoctor.checks.nextstep import ONLY_BY_NAME, next_step
from gatewaydoctor.checks.stake import stake_of
from gatewaydoctor.examine.world import Where
from gatewaydoctor.fixtures.validating.expectation import EXPECTED, read_expectation
from gatewaydoctor.fixtures.validating.validate import judgement_of
from gatewaydoctor.model.command import typed
from gatewaydoctor.model.gateway.liveness import HeapLimit
from gatewaydoctor.model.gateway.release import Policy, Release
from gatewaydoctor.model.outcome.finding import Finding, Fix, Harm, Severity
from gatewaydoctor.model.outcome.verdict import Effect, Start
from gatewaydoctor.repair.drafting.options import REPAIRS
from tests.fixtures_source.databases import AGENT_VERSION, STATE_VERSION, agent_database, state_database
from tests.fixtures_source.health import AGENT, ROWS, STATE
from tests.world import HOUR, StateDir, row

if TYPE_CHECKING:
    from gatewaydoctor.checks.judge import Judgement

FIXTURES = Path(__file__).parent.parent.parent / "fixtures"
LOSES = {
    *("backup-candidates", "damage-bad-escape", "damage-binary", "damage-bom", "damage-control-character"),
    *("damage-cut-between-entries", "damage-empty", "damage-nan", "damage-nul-tail", "damage-scalar"),
    *("damage-trailing-comma", "damage-two-documents", "store-empty-beside-transcripts", "store-not-object"),
    *("store-too-large-for-gateway", "store-unparseable", "database-empty", "database-missing"),
    *("database-log-missing", "database-entry-invalid"),
}
FAILS = {
    *("config-unreadable", "damage-deep-nesting", "era-sqlite-torn-leftover", "database-corrupt", "database-owner"),
    *("database-foreign-keys", "database-schema", "database-lease", "config-without-mode"),
    *("permission-denied", "config-newer", "config-shrunk", "database-log-foreign"),
    *("config-refused", "legacy-store-beside-sqlite", "legacy-file-damaged", "legacy-file-left"),
    *("migration-receipt-open", "newer-schema"),
}
RISKS = {
    *("incident-61633", "store-heap-risk", "store-over-cap", "subagents-unreadable"),
    *("transcript-bad-header", "transcript-boot-loop", "jobs-other-path", "cron-store-unparseable"),
}
UNREAD = {"database-unreadable"}
EXPECT = {
    **dict.fromkeys(LOSES, (Start.AT_RISK, Effect.LOSES)),
    **dict.fromkeys(FAILS, (Start.NO, Effect.FAILS)),
    **dict.fromkeys(RISKS, (Start.AT_RISK, Effect.RISKS)),
    **dict.fromkeys(UNREAD, (Start.UNKNOWN, Effect.UNREAD)),
}


every_fixture = pytest.mark.parametrize(
    "name", sorted(path.parent.name for path in FIXTURES.glob(f"*/{EXPECTED}")), scope="module"
)
"""The tests of one fixture follow on each other, and it is examined once."""


@lru_cache(maxsize=8)
def fixture(name: str) -> Judgement:
    path = FIXTURES / name
    return judgement_of(path, read_expectation(path / EXPECTED))


@every_fixture
def test_every_fixture_has_its_verdict(name: str) -> None:
    verdict = fixture(name).verdict
    assert (verdict.start, verdict.effect) == EXPECT.get(name, (Start.YES, None))
    assert verdict.reason.endswith(".")
    assert not verdict.cause.endswith(".")
    assert verdict.stake.text.endswith(".")


def test_what_is_in_place_of_the_cron_directory_stops_nothing_where_jobs_are_in_a_database(tmp_path: Path) -> None:
    """2026.7.1 was seen to come up, and to run its jobs."""
    shutil.copytree(FIXTURES / "era-mixed/state", tmp_path / "state")
    shutil.rmtree(tmp_path / "state/cron")
    state = StateDir(tmp_path, "2026.7.1")
    shutil.rmtree(state.root)
    shutil.move(tmp_path / "state", state.root)
    with closing(sqlite3.connect(state.root / "state/openclaw.sqlite", isolation_level=None)) as database:
        database.execute("UPDATE schema_meta SET app_version = '2026.7.1'")
    state.file("cron", "")
    assert state.judge().verdict.start is Start.YES


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("store-too-large-for-gateway", "main: sessions.json is "),
        ("store-unparseable", "main: sessions.json "),
    ],
)
def test_the_cause_is_a_sentence(name: str, cause: str) -> None:
    told = fixture(name).verdict.cause
    assert told.startswith(cause)
    assert " The " not in told


def test_every_rule_named_here_exists() -> None:
    assert set(EFFECTS) <= {rule.id for rule in all_rules()}


def test_losing_outranks_refusing_and_both_outrank_an_estimate(state: StateDir) -> None:
    state.healthy()
    state.file("openclaw.json", "{")
    assert state.judge().verdict.effect is Effect.FAILS
    state.store(b'{"a": {', agent="other")
    worst = state.judge().verdict
    assert worst.effect is Effect.LOSES
    assert worst.rules == ("store-unparseable",)
    assert "agent other" in worst.reason


def test_what_was_not_read_decides_only_where_nothing_worse_does(state: StateDir) -> None:
    state.healthy()
    (state.root / "agents/other/sessions").mkdir(parents=True)
    (state.root / "agents/other/sessions/sessions.json").mkdir()
    assert state.judge().verdict.start is Start.UNKNOWN
    state.file("openclaw.json", "{")
    assert state.judge().verdict.start is Start.NO


@pytest.mark.parametrize(("limit", "effect"), [(500, Effect.FAILS), (1_500, Effect.RISKS), (100_000, None)])
def test_the_heap_of_this_gateway_decides(limit: int, effect: Effect | None, state: StateDir) -> None:
    from msgspec.structs import replace

    state.healthy()
    size = (state.root / "agents/main/sessions/sessions.json").stat().st_size
    x = replace(state.examine(), heap=HeapLimit(size * limit // 100, "a test"))
    verdict = judge(x).verdict
    assert verdict.effect is effect
    if effect is Effect.FAILS:
        assert (verdict.start, "restarts forever" in verdict.reason) == (Start.NO, True)


def test_a_critical_finding_of_a_rule_without_an_effect_is_a_risk() -> None:
    finding = Finding("something-new", Severity.CRITICAL, "t", "A page is all zeros. And more.", "It refuses.")
    effect = start_effect(finding, Release(), (finding,))
    assert effect is not None
    assert (effect.effect, effect.reason, effect.cause) == (Effect.RISKS, "It refuses.", "a page is all zeros")


@pytest.mark.parametrize(("policy", "effect"), [(Policy.V2026_5_22, Effect.LOSES), (Policy.V2026_9_6, Effect.FAILS)])
def test_the_same_damage_is_lost_on_or_refused_by_release(policy: Policy, effect: Effect) -> None:
    (finding,) = (each for each in fixture("store-unparseable").findings if each.rule == "store-unparseable")
    found = start_effect(finding, Release(policy=policy), (finding,))
    assert found is not None
    assert found.effect is effect
    assert policy.value in found.reason


def test_the_stake_counts_conversations_and_says_what_it_does_not_know() -> None:
    stake = fixture("incident-61633").verdict.stake
    assert (stake.conversations, stake.complete) == (10, True)
    assert stake.text.endswith("all intact.")
    damaged = fixture("store-unparseable").verdict.stake
    assert not damaged.complete
    assert damaged.text.startswith("At least ")
    in_database = fixture("era-sqlite").verdict.stake
    assert in_database.text == "3 conversations, 1 enabled cron job, all intact."


NOT_INTACT = {
    *("session-path-foreign", "database-entry-invalid", "database-foreign-keys", "transcript-bad-header"),
    *("transcript-torn-tail", "jobs-not-in-database", "jobs-other-path", "cron-jobs-lost", "cron-job-cannot-run"),
    *("database-missing", "database-empty", "database-log-missing", "database-corrupt", "store-unparseable"),
}


@pytest.mark.parametrize(("release", "start"), [(None, Start.UNKNOWN), ("2026.3.28", Start.YES)])
def test_whether_files_are_refused_hangs_on_the_release(release: str | None, start: Start, tmp_path: Path) -> None:
    state = StateDir(tmp_path, release)
    assert state.judge().verdict.start is Start.YES, "no sessions in files yet"
    state.store({"agent:main:main": row(1)})
    state.transcript(1)
    judgement = state.judge()
    assert judgement.verdict.start is start
    if release is None:
        assert "9.5 refuse to start with a sessions.json" in judgement.verdict.reason
        assert str(judgement.next.command) == "openclaw --version"


def test_what_was_not_read_comes_before_a_release_that_is_not_known(tmp_path: Path) -> None:
    state = StateDir(tmp_path, None)
    state.store({"agent:main:main": row(1)})
    state.transcript(1)
    unread = state.root / "subagents" / "runs.json"
    unread.mkdir(parents=True)
    judgement = state.judge()
    assert judgement.verdict.reason == "The subagent registry could not be read."
    assert judgement.verdict.cause.endswith(" more")
    assert str(judgement.next.command) == "gatewaydoctor scan -v"


def test_a_store_that_was_left_out_comes_before_a_release_that_is_not_known(tmp_path: Path) -> None:
    state = StateDir(tmp_path, None)
    for agent in ("main", "second"):
        state.store({f"agent:{agent}:main": row(1)}, agent)
        state.transcript(1, agent=agent)
    judgement = state.judge(where=Where(state_dir=str(state.root), agent="main"))
    assert judgement.verdict.reason == "1 store of another agent was not examined."
    assert judgement.verdict.cause.endswith("; 1 more")
    assert str(judgement.next.command) == "gatewaydoctor scan -v"


@every_fixture
def test_nothing_is_called_intact_that_a_finding_denies(name: str) -> None:
    judgement = fixture(name)
    people = sum(
        each.evidence["missingOfPeople"] for each in judgement.findings if each.rule == "session-missing-transcript"
    )
    stake = judgement.verdict.stake
    assert stake.without_transcript == people
    if people or NOT_INTACT & {each.rule for each in judgement.findings}:
        assert "intact" not in stake.text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "session-missing-transcript",
            "5 conversations. Affected: 1 conversation without a transcript, "
            "1 conversation whose transcript is elsewhere.",
        ),
        ("database-corrupt", "At least 2 sessions that can be recovered, 2 enabled cron jobs."),
        ("database-missing", "Every conversation of 1 agent; at least 2 enabled cron jobs."),
        (
            "database-log-missing",
            "All that was written after the last checkpoint; at least 2 conversations, 2 enabled cron jobs.",
        ),
        ("database-empty", "Every cron job, delivery and pairing; at least 2 conversations."),
        ("jobs-other-path", "2 conversations. Affected: 3 cron jobs that would not run."),
    ],
)
def test_the_stake_tells_what_is_not_intact(name: str, text: str) -> None:
    assert fixture(name).verdict.stake.text == text


def test_of_many_kinds_of_harm_the_gravest_are_told_and_the_others_counted() -> None:
    judgement = fixture("session-missing-transcript")
    others = [replace(judgement.findings[0], harms={harm: 1}) for harm in (Harm.CUT, Harm.JOB_ELSEWHERE)]
    told = stake_of(judgement.examination, (*others, *judgement.findings), None).text
    assert told.endswith("1 conversation whose transcript is elsewhere, 2 more below.")


@pytest.mark.parametrize("link", [False, True])
def test_conversations_of_a_file_with_two_names_count_once(state: StateDir, link: bool) -> None:
    state.file(AGENT, agent_database(AGENT_VERSION, {}, rows=ROWS), HOUR)
    state.file(STATE, state_database(STATE_VERSION, 0, agents=("main",), started="2026.9.6"), HOUR)
    state.config({"agents": {"list": [{"id": "main"}, {"id": "second"}]}})
    other = state.root / AGENT.replace("main", "second", 1)
    other.parent.mkdir(parents=True)
    (os.link if link else shutil.copy)(state.root / AGENT, other)
    once = state.judge().verdict.stake.conversations
    assert once == len(ROWS) * (1 if link else 2)


def test_repairs_made_by_name_alone_are_those_a_plan_leaves_out() -> None:
    assert {name.value for name, spec in REPAIRS.items() if not spec.recommended} == ONLY_BY_NAME


def test_the_step_for_a_repair_made_by_name_alone_names_it() -> None:
    """`repair` without a name would plan the others, and leave what decides."""
    judged = fixture("jobs-other-path")
    (other,) = [each for each in judged.findings if each.rule == "jobs-other-path"]
    bloat = replace(other, rule="store-bloat", severity=Severity.WARNING, fix=Fix(("slim",), True))
    step = next_step(judged.examination, [other, bloat], judged.verdict)
    assert step.command == typed("repair", "jobs")
    retrying = replace(bloat, rule="cron-rapid-retry", fix=Fix(("trim",), True))
    locks = replace(bloat, rule="lock-stale", fix=Fix(("locks",), True))
    calm = replace(judged.verdict, rules=(), effect=None)
    assert next_step(judged.examination, [locks, bloat, retrying], calm).command == typed("repair")


def test_conversations_that_only_a_copy_has_come_before_what_is_repaired_without_a_name() -> None:
    judged = fixture("store-copy-has-more")
    (more,) = [each for each in judged.findings if each.rule == "store-copy-has-more"]
    bloat = replace(more, rule="store-bloat", fix=Fix(("slim",), True))
    assert next_step(judged.examination, [more, bloat], judged.verdict).command == typed("repair", "salvage")
    assert next_step(judged.examination, [bloat, more], judged.verdict).command == typed("repair")


def test_text_of_files_stays_out_of_reasons(state: StateDir) -> None:
    """Names of releases come from the config; a sentence holds their numbers alone."""
    state.healthy()
    state.config({"meta": {"lastTouchedVersion": "2026.3.28-\x1b[31m"}})
    state.store(b"{")
    assert "\x1b" not in state.judge().verdict.reason


@pytest.mark.parametrize(("gave_rows", "told"), [(True, False), (False, True)])
def test_a_session_of_a_damaged_database_is_counted_once(gave_rows: bool, told: bool) -> None:
    judgement = fixture("database-entry-invalid")
    [database] = judgement.examination.databases
    damaged = replace(
        judgement.findings[0],
        rule="database-corrupt",
        path=str(database.path) if gave_rows else "/another/openclaw-agent.sqlite",
        evidence={"rowsReadable": {"sessions": 2}},
    )
    assert ("2 sessions that can be recovered" in stake_of(judgement.examination, [damaged], None).text) is told


@pytest.mark.parametrize(("place", "start"), [("cron/jobs.json", Start.AT_RISK), ("cron", Start.YES)])
def test_something_else_in_place_of_the_jobs_keeps_the_scheduler_from_starting_and_above_them_not(
    place: str, start: Start, tmp_path: Path
) -> None:
    """Both seen with 2026.9.6."""
    state = StateDir(tmp_path, "2026.9.6")
    state.file(AGENT, agent_database(AGENT_VERSION, {}, rows=ROWS), HOUR)
    state.file(STATE, state_database(STATE_VERSION, 0, agents=("main",)), HOUR)
    if place == "cron":
        state.file("cron", "no directory")
    else:
        (state.root / place).mkdir(parents=True)
    assert state.judge().verdict.start is start
