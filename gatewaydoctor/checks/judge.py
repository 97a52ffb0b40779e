"""Run every rule over what was seen."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from gatewaydoctor.checks import cron, others, sessions, store, transcripts  # noqa: F401 - importing registers the rules
from gatewaydoctor.checks.registry import REGISTRY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatewaydoctor.checks.registry import Rule
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.model.finding import Finding, Severity


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was seen and what is wrong with it, worst first."""

    examination: Examination
    findings: tuple[Finding, ...]

    @property
    def worst(self) -> Severity | None:
        return max((finding.severity for finding in self.findings), default=None)

    def of(self, *patterns: str) -> tuple[Finding, ...]:
        """The findings whose rule matches one of the patterns (globs)."""
        return tuple(f for f in self.findings if any(fnmatchcase(f.rule, pattern) for pattern in patterns))


def judge(examination: Examination) -> Judgement:
    """Every finding, worst first; among equals in the order the rules are declared, so that output is stable."""
    findings = [finding for check in REGISTRY.checks for finding in check(examination)]
    order = {rule: place for place, rule in enumerate(REGISTRY.rules)}
    findings.sort(key=lambda f: (-f.severity, order[f.rule], f.agent_id or "", f.path or "", f.key or ""))
    return Judgement(examination, tuple(findings))


def all_rules() -> Sequence[Rule]:
    """Every rule, family by family."""
    return tuple(REGISTRY.rules.values())
