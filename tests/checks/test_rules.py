"""What holds for every rule and every finding."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import unicodedata
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.checks import boot
from gatewaydoctor.checks.judge import all_rules
from gatewaydoctor.checks.registry import REGISTRY, Family, Registry, Rule
from gatewaydoctor.checks.thresholds import Thresholds
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.repair.drafting.options import Repair
from tests.world import DAY, HOUR, NOW, StateDir, job, row, run_key, session_id

if TYPE_CHECKING:
    from pathlib import Path

    from gatewaydoctor.checks.judge import Judgement

DESIGN = {
    Family.STORE: "store-unparseable store-too-large-for-gateway store-heap-risk store-empty-beside-transcripts "
    "store-not-object store-copy-has-more store-duplicate-key store-case-variant-key store-unscoped-key "
    "store-invalid-entry store-prune-due "
    "store-bloat store-over-cap store-at-cap maintenance-not-enforced backup-candidates "
    "legacy-store-beside-sqlite newer-schema database-corrupt database-empty database-missing "
    "database-log-missing database-log-foreign database-owner database-foreign-keys database-schema "
    "database-entry-invalid database-quarantined database-unreadable migration-unfinished legacy-file-left "
    "legacy-file-damaged migration-receipt-open",
    Family.SESSIONS: "session-stuck-running cron-phantom-running session-missing-transcript session-path-foreign "
    "session-resumes-at-boot session-parked",
    Family.TRANSCRIPTS: "transcript-unindexed transcript-torn-tail transcript-bad-header transcript-huge "
    "transcript-boot-loop archive-growth sidecar-growth temp-leftover migration-losses archived-history",
    Family.CRON: "cron-rapid-retry cron-zombie-running cron-unknown-job cron-isolated-load cron-store-unparseable "
    "cron-jobs-lost cron-runlog-large cron-job-cannot-run cron-job-shares-state cron-job-parked cron-job-disabled "
    "cron-job-not-run cron-one-shot-past cron-runs-too-often cron-owner-gone jobs-other-path jobs-not-in-database",
    Family.OTHERS: "lock-stale lock-unknown subagent-never-archived subagent-orphaned "
    "subagents-unreadable "
    "delivery-backlog usage-scan-load config-unreadable config-newer config-refused config-without-mode "
    "config-shrunk permissions permission-denied hardlinked disk-space multiple-state-dirs clock-behind "
    "database-lease",
}
REPAIRS = {repair.value for repair in Repair}
RELEASES = ("2026.3.28", "2026.4.25", "2026.5.22", None)


@pytest.mark.parametrize("family", list(Family))
def test_every_rule_of_the_design_is_there_and_no_other(family: Family) -> None:
    assert sorted(rule.id for rule in all_rules() if rule.family is family) == sorted(DESIGN[family].split())


def test_rules_come_family_by_family() -> None:
    families = [rule.family for rule in all_rules()]
    assert families == sorted(families, key=list(Family).index)


def test_the_order_of_rules_is_not_that_of_imports() -> None:
    late = "gatewaydoctor.checks.sessions.transcripts, gatewaydoctor.checks.stores.rows"
    program = f"import {late}; from gatewaydoctor.checks.judge import all_rules; print(*(r.id for r in all_rules()))"
    asked = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert asked.stdout.split() == [rule.id for rule in all_rules()]


def test_an_id_is_taken_once() -> None:
    registry, rule = Registry(), all_rules()[0]
    registry.check(rule)(lambda x, t: iter(()))
    with pytest.raises(ValueError, match="declared twice"):
        registry.check(rule)(lambda x, t: iter(()))


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.id)
def test_texts_are_whole_sentences_in_plain_characters(rule: Rule) -> None:
    for text in (rule.meaning, rule.cause, rule.gateway, rule.remedy):
        first = text.split()[0].rstrip(".,")
        assert first[0].isupper() or set(first) & set("./"), "a sentence, or one that begins with the name of a file"
        assert text.endswith(".")
        assert text.isascii()
        assert "  " not in text
        assert len(text) > 30
    assert not rule.title.endswith(".")
    assert len(rule.title) <= 70
    assert rule.repair is None or rule.repair in REPAIRS


@pytest.mark.parametrize("release", RELEASES)
def test_health_is_no_finding(tmp_path: Path, release: str | None) -> None:
    assert StateDir(tmp_path, release).healthy().judge().findings == ()


def test_a_live_healthy_gateway_is_no_finding(state: StateDir) -> None:
    state.healthy()
    state.store({"agent:main:main": row(1, age=1_000, status="running")})
    state.transcript(1, age=1_000)
    state.jobs([job("backup", state={"runningAtMs": NOW - 60_000})])
    rules = {found.rule for found in state.judge(answers=True).findings}
    assert rules == {"transcript-unindexed"}, "the rows of the other transcripts are gone"


HOSTILE = "\x1b[31mred\x07\u202egod\ud800\n"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Judgement:
    """Everything that can be named is named to do harm, and nearly every rule has something to say."""
    state = StateDir(tmp_path_factory.mktemp("hostile"))
    name = HOSTILE
    state.config({"meta": {"lastTouchedVersion": f"2026.3.28{name}"}, "session": {"maintenance": {"maxEntries": 3}}})
    rows: dict[str, object] = {
        f"agent:main:direct:{name}{n}": row(n, status="running", sessionFile=f"/x/{name}/agents/a/sessions/{n}.jsonl")
        for n in range(5)
    }
    rows |= {f"AGENT:main:direct:{name}1": None, f"agent:main:cron:{name.replace(':', '')}": row(7, status="running")}
    rows |= {
        run_key(f"j{name}", n): row(n, age=HOUR + n, status=name) | {"sessionId": f"../{name}{n}"} for n in range(40)
    }
    state.store(rows)
    for n in range(3):
        state.beside(f"\x1b[2J{n}\n.jsonl", b"\0" * 9)
        state.beside(f"sessions.json.\x1b{n}.tmp")
    state.transcript(1, b"{}\n{}\n")
    state.beside(f"{session_id(1)}.jsonl.lock", json.dumps({"pid": 1, "createdAt": name}), age=2 * DAY)
    state.jobs([job(f"k{name}", name=name, state={"runningAtMs": NOW - DAY}), job("b", schedule={"kind": name})])
    state.jobs([job(f"lost{name}", name=name), job("l2"), job("l3")], "jobs.json.bak")
    state.file("cron/runs/\x1b[0m.jsonl", name.encode("utf-8", "surrogatepass"))
    state.subagents([{"runId": name, "childSessionKey": name, "endedAt": NOW, "cleanup": "keep", "spawnMode": name}])
    state.file("delivery-queue/\x1b.json", {"channel": name, "to": name, "lastError": name}, DAY)
    state.file("openclaw.json.bak", {"x": name * 200})
    zero = Thresholds(1, 0, 0, 0.0, 1, 0.0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10**13, 10**10)
    return state.judge(zero)


def test_no_finding_carries_names_from_files_or_harms_a_terminal(hostile: Judgement) -> None:
    rules = {found.rule for found in hostile.findings}
    assert len(rules) > 25, sorted(rules)
    for found in hostile.findings:
        for text in (found.title, found.message, found.consequence, found.by_hand or ""):
            assert not [char for char in text if unicodedata.category(char)[0] == "C"], (found.rule, text)
            assert "red" not in re.findall(r"[a-z]+", text)
            assert "god" not in text
            assert str(hostile.examination.place.state_dir.parent) not in text


def test_findings_are_whole_sentences_short_enough_for_a_screen(hostile: Judgement) -> None:
    for found in hostile.findings:
        assert found.message.endswith("."), found
        assert found.consequence.endswith("."), found
        assert len(found.message) <= 200, (found.rule, len(found.message))
        assert len(found.consequence) <= 240, (found.rule, len(found.consequence))
        assert found.count >= 1
        assert found.by_hand or found.fix


def test_evidence_is_json_and_its_lists_are_capped(hostile: Judgement) -> None:
    for found in hostile.findings:
        evidence = json.loads(json.dumps(found.evidence))
        assert all(len(value) <= 20 for value in evidence.values() if isinstance(value, list))


def test_the_worst_comes_first_and_the_order_is_stable(hostile: Judgement) -> None:
    findings = hostile.findings
    assert [found.severity for found in findings] == sorted((found.severity for found in findings), reverse=True)
    order = [rule.id for rule in all_rules()]
    errors = [order.index(found.rule) for found in findings if found.severity is Severity.ERROR]
    assert errors == sorted(errors)


def test_every_check_takes_a_directory_without_anything_in_it(tmp_path: Path) -> None:
    examination = StateDir(tmp_path, None).examine()
    assert [list(check(examination, Thresholds())) for check in REGISTRY.checks] == [[] for _ in REGISTRY.checks]


@pytest.mark.parametrize(
    ("stamp", "text"),
    [
        ("2026.3.28", "A 2026.3.28 gateway does a."),
        ("2026.4.2-beta.1", "A 2026.4.2 gateway does a."),
        ("2026.4.22", "A 2026.4.22 gateway does a."),
        ("2026.5.3", "A 2026.5.3 gateway does c."),
        ("2026.8.1", "A 2026.8.1 gateway does c."),
        ("nonsense", "Nobody knows."),
    ],
)
def test_the_next_boot_follows_the_release(tmp_path: Path, stamp: str, text: str) -> None:
    examination = StateDir(tmp_path, stamp).examine()
    assert boot.NextBoot(v3_28="does a", v5_22="does c", unknown="Nobody knows.").of(examination) == text
