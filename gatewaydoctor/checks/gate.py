"""One decision over the findings: which rules count, which findings are known, which of the rest fail."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from msgspec import Struct

from gatewaydoctor.checks.baseline import Compared, compare, gone
from gatewaydoctor.model.errors import UsageError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gatewaydoctor.checks.baseline import Identity
    from gatewaydoctor.model.outcome.finding import Finding, Severity
    from gatewaydoctor.model.outcome.gate import Baseline


class GatedFinding(Struct, frozen=True):
    finding: Finding
    compared: Compared
    fails: bool


class Decision(Struct, frozen=True):
    """`verdicts` in the order of the findings that count; `left_out` counts the others; `gone` counts known findings
    that were not found."""

    rules: tuple[str, ...]
    verdicts: tuple[GatedFinding, ...]
    left_out: int
    gone: int = 0

    @property
    def failing(self) -> int:
        return sum(verdict.fails for verdict in self.verdicts)

    @property
    def known(self) -> int:
        return sum(verdict.compared.standing == "known" for verdict in self.verdicts)

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(verdict.finding for verdict in self.verdicts)


def select_rules(rules: Sequence[str], only: Iterable[str], skip: Iterable[str]) -> tuple[str, ...]:
    """The rules that match a pattern of `only` (all where there is none) and none of `skip`; patterns are globs.

    Raises UsageError for a pattern that matches no rule, and where no rule is left: such a gate would let everything
    through.
    """
    wanted, unwanted = tuple(only), tuple(skip)
    for pattern in (*wanted, *unwanted):
        if not any(fnmatchcase(rule, pattern) for rule in rules):
            raise _no_such_rule(pattern, rules)
    chosen = tuple(rule for rule in rules if (not wanted or _matches(rule, wanted)) and not _matches(rule, unwanted))
    if not chosen:
        raise UsageError("--only and --skip leave no rule to check.", "Remove a --skip, or change --only.")
    return chosen


def _matches(rule: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(rule, pattern) for pattern in patterns)


def _no_such_rule(pattern: str, rules: Sequence[str]) -> UsageError:
    near = nearest(pattern.strip("*?[]"), rules)
    hint = f"Did you mean {near}?" if near else "`gatewaydoctor explain` lists all rules."
    return UsageError(f"No rule matches {pattern!r}.", hint)


def decide(
    findings: Sequence[Finding],
    rules: tuple[str, ...],
    fail_on: Severity | None,
    identity: Identity,
    baseline: Baseline | None = None,
) -> Decision:
    """Only findings of `rules` count. One fails when it reaches `fail_on` (None: nothing does) and the baseline does
    not cover it."""
    judged = frozenset(rules)
    counted = tuple(finding for finding in findings if finding.rule in judged)
    compared = compare(counted, baseline, identity) if baseline else (Compared("new"),) * len(counted)
    return Decision(
        rules,
        tuple(
            GatedFinding(finding, each, _fails(finding, each, fail_on))
            for finding, each in zip(counted, compared, strict=True)
        ),
        len(findings) - len(counted),
        gone(compared, baseline, rules) if baseline else 0,
    )


def _fails(finding: Finding, compared: Compared, fail_on: Severity | None) -> bool:
    return fail_on is not None and finding.severity >= fail_on and compared.standing != "known"
