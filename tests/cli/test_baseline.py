"""Which findings of two looks are the same one, and which of today's a baseline covers."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gatewaydoctor.checks.baseline import Identity, allowed, compare, gone, remember
from gatewaydoctor.checks.gate import decide, select_rules
from gatewaydoctor.model.errors import UsageError
from gatewaydoctor.model.outcome.finding import Finding, Severity

ROOT = Path("/home/op/.openclaw")
HERE = Identity((ROOT,))


def finding(rule: str = "store-bloat", **more: object) -> Finding:
    plain = Finding(rule, Severity.ERROR, "title", "message", "consequence", "main", str(ROOT / "agents/main/s.json"))
    return replace(plain, **more)  # type: ignore[arg-type]


FINDINGS = st.builds(
    finding,
    st.sampled_from(("store-bloat", "lock-stale", "cron-rapid-retry")),
    severity=st.sampled_from(Severity),
    agent_id=st.none() | st.sampled_from(("main", "work", "")),
    path=st.none() | st.sampled_from((str(ROOT / "a/b"), str(ROOT / "a/c"), "/elsewhere/b", str(ROOT))),
    key=st.none() | st.text(st.characters(), max_size=3),
    count=st.integers(1, 40),
)


@given(st.lists(FINDINGS, max_size=8))
def test_a_baseline_covers_what_it_was_made_of(found: list[Finding]) -> None:
    baseline = remember(found, HERE, 0, nameless=False)
    assert [each.standing for each in compare(found, baseline, HERE)] == ["known"] * len(found)
    assert gone(compare(found, baseline, HERE), baseline, [f.rule for f in found]) == 0
    assert (
        decide(found, ("store-bloat", "lock-stale", "cron-rapid-retry"), Severity.INFO, HERE, baseline).failing == 0
    )


@given(st.lists(FINDINGS, max_size=8))
def test_its_order_does_not_depend_on_that_of_the_findings(found: list[Finding]) -> None:
    assert remember(found, HERE, 0, nameless=False) == remember(reversed(found), HERE, 0, nameless=False)


@given(st.lists(FINDINGS, max_size=6), FINDINGS)
def test_a_finding_of_another_rule_is_always_new(found: list[Finding], other: Finding) -> None:
    baseline = remember(found, HERE, 0, nameless=True)
    (compared,) = compare([replace(other, rule="disk-space")], baseline, HERE)
    assert compared.standing == "new"


@pytest.mark.parametrize(("count", "most"), [(1, 1), (9, 9), (10, 11), (84, 92), (6_539, 7_192)])
def test_the_margin(count: int, most: int) -> None:
    assert allowed(count) == most
    baseline = remember([finding(count=count, path=None)], HERE, 0, nameless=False)
    known, grown = (compare([finding(count=n, path=None)], baseline, HERE)[0] for n in (most, most + 1))
    assert known.standing == "known"
    assert grown.standing == ("grown" if count > 1 else "new")


def test_one_that_became_worse_is_not_covered() -> None:
    baseline = remember([finding(severity=Severity.WARNING)], HERE, 0, nameless=False)
    standings = {s: compare([finding(severity=s)], baseline, HERE)[0].standing for s in Severity}
    assert standings == {
        Severity.INFO: "known",
        Severity.WARNING: "known",
        Severity.ERROR: "worse",
        Severity.CRITICAL: "worse",
    }


def test_an_example_among_several_is_no_part_of_the_identity() -> None:
    several = finding(count=3, key="one", path=str(ROOT / "agents/main/sessions/a.jsonl"))
    others = replace(several, key="another", path=str(ROOT / "agents/main/sessions/b.jsonl"))
    elsewhere = replace(several, path=str(ROOT / "agents/work/sessions/a.jsonl"))
    assert HERE.of(several) == HERE.of(others) != HERE.of(elsewhere)
    last = replace(others, count=1)
    assert HERE.of(last) != HERE.of(several)
    baseline = remember([several], HERE, 0, nameless=False)
    assert [each.standing for each in compare([last, elsewhere], baseline, HERE)] == ["known", "new"]


def test_single_things_are_told_apart_by_path_and_key() -> None:
    baseline = remember([finding(key="a")], HERE, 0, nameless=False)
    others = [finding(key="b"), finding(key=None), finding(key=""), finding(key="a", path="/elsewhere")]
    assert {each.standing for each in compare(others, baseline, HERE)} == {"new"}


def test_the_state_directory_may_have_two_spellings() -> None:
    both = Identity((ROOT, Path("/data/openclaw")))
    assert both.of(finding()) == both.of(finding(path="/data/openclaw/agents/main/s.json"))
    assert both.path(finding(path="/data/other")) == "/data/other"


RULES = ("store-bloat", "store-over-cap", "lock-stale")


def test_rules_are_chosen_by_globs() -> None:
    assert select_rules(RULES, (), ()) == RULES
    assert select_rules(RULES, ("store-*",), ("*-cap",)) == ("store-bloat",)
    with pytest.raises(UsageError, match="No rule matches 'stor-bloat'") as raised:
        select_rules(RULES, (), ("stor-bloat",))
    assert raised.value.hint == "Did you mean store-bloat?"
    with pytest.raises(UsageError, match="leave no rule"):
        select_rules(RULES, ("lock-*",), ("lock-*",))


def test_only_findings_of_chosen_rules_count() -> None:
    decision = decide([finding(), finding("lock-stale")], ("lock-stale",), Severity.ERROR, HERE)
    assert [each.rule for each in decision.findings] == ["lock-stale"]
    assert (decision.failing, decision.left_out, decision.known) == (1, 1, 0)
    assert decide([finding()], RULES, None, HERE).failing == 0
