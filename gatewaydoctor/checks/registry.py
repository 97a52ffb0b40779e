"""The one list of rules. Ids are stable: scripts, baselines and documents rely on them (architecture.md
section 7)."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct, field

from gatewaydoctor.model.outcome.finding import Finding, Fix, Harm, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from gatewaydoctor.checks.thresholds import Thresholds
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.model.command import Command

    Check = Callable[[Examination, Thresholds], Iterator[Finding]]


class Family(StrEnum):
    """What a rule is about, in the order in which `explain` lists them."""

    STORE = "store"
    SESSIONS = "sessions"
    TRANSCRIPTS = "transcripts"
    CRON = "cron"
    OTHERS = "others"


USUAL = "usual"
"""Stands for the repair of the rule itself."""


class Rule(Struct, frozen=True):
    """What `explain` prints of a rule, in whole sentences: `meaning` of the finding, its usual `cause`, what the
    `gateway` does at its next start, and `remedy`: what the repair changes, or what to do by hand without one.

    `severity` is the usual one; a finding may be milder or worse where its evidence says so. `repair` is the name of
    the repair for it, None where none does. `start_loses`: a critical finding means that a start of the
    gateway now would lose data, by replacing a store or by burying what it can be repaired with; a gate stops a start
    by these rules alone.
    """

    id: str
    family: Family
    severity: Severity
    title: str
    meaning: str
    cause: str
    gateway: str
    remedy: str
    repair: str | None = None
    start_loses: bool = False

    def finding(
        self,
        message: str,
        consequence: str,
        *,
        brief: str = "",
        harms: Mapping[Harm, int] | None = None,
        count: int = 1,
        severity: Severity | None = None,
        agent_id: str | None = None,
        path: object = None,
        key: str | None = None,
        evidence: Mapping[str, object] | None = None,
        repair: str | None = USUAL,
        by_hand: str | None = None,
        by_command: Command | None = None,
        access: Command | None = None,
    ) -> Finding:
        """A finding of this rule. `message` says what was seen, `consequence` what the next start makes of it,
        `brief` the former in a few words; none holds names or ids from files, which belong in `key`, `path` and
        `evidence`. `repair` is the one that repairs this case, None where it has to be done by hand."""
        fix = fix_by(self.repair if repair == USUAL else repair)
        return Finding(
            self.id,
            severity or self.severity,
            self.title,
            message,
            consequence,
            agent_id,
            None if path is None else str(path),
            key,
            count,
            evidence or {},
            fix,
            by_hand or (None if fix else self.remedy),
            by_command,
            access,
            brief,
            harms or {},
        )


def fix_by(repair: str | None) -> Fix | None:
    """The command for a repair. None of them drops a conversation, and each can be undone."""
    return Fix(tuple(repair.split()), safe=True) if repair else None


class Registry(Struct):
    """All rules by id, in the order they were declared, each with the check that raises it. `modules`: by the id of a
    rule, where it is declared."""

    rules: dict[str, Rule] = field(default_factory=dict)
    modules: dict[str, str] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)

    def check(self, *rules: Rule) -> Callable[[Check], Check]:
        """Register a check together with the rules it may raise. Raises ValueError for an id that is taken."""

        def register(function: Check) -> Check:
            for rule in rules:
                if rule.id in self.rules:
                    raise ValueError(f"rule {rule.id} is declared twice")
                self.rules[rule.id] = rule
                self.modules[rule.id] = function.__module__
            self.checks.append(function)
            return function

        return register


REGISTRY = Registry()
EXAMPLES = 10
"""How many examples a finding carries as evidence; it counts all."""
