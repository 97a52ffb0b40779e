"""Run every rule over what was seen."""

from __future__ import annotations

from fnmatch import fnmatchcase
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from gatewaydoctor.checks.nextstep import next_step
from gatewaydoctor.checks.registry import REGISTRY, Family
from gatewaydoctor.checks.thresholds import DEFAULTS
from gatewaydoctor.checks.verdict import start_verdict
from gatewaydoctor.model.database.health import Unopened
from gatewaydoctor.model.database.reading import A_DIRECTORY, LINKED_LOG, NOT_REGULAR, ODD_SHM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatewaydoctor.checks.registry import Rule
    from gatewaydoctor.checks.thresholds import Thresholds
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.model.database.health import DatabaseHealth
    from gatewaydoctor.model.outcome.finding import Finding, Severity
    from gatewaydoctor.model.outcome.verdict import NextStep, StartVerdict

_RULES = (
    "install.configs",
    "jobs.cron",
    "jobs.cronfiles",
    "jobs.joblist",
    "stores.databases",
    "stores.migration",
    "jobs.timing",
    "stores.health",
    "stores.leases",
    "install.host",
    "sessions.leftovers",
    "stores.legacyfiles",
    "install.others",
    "sessions.parked",
    "sessions.resume",
    "sessions.sessions",
    "stores.reading",
    "stores.size",
    "stores.cap",
    "stores.rows",
    "sessions.subagents",
    "sessions.transcripts",
)
"""The modules that hold rules. Importing one registers its rules, in this order within a family."""

_PACKAGE = "gatewaydoctor.checks."

for _module in _RULES:
    import_module(_PACKAGE + _module)


class Judgement(Struct, frozen=True):
    """What was seen and what is wrong with it, worst first. `verdict` and `next` follow from all findings, also where
    `findings` are a part of them."""

    examination: Examination
    findings: tuple[Finding, ...]
    verdict: StartVerdict
    next: NextStep

    @property
    def worst(self) -> Severity | None:
        return max((finding.severity for finding in self.findings), default=None)

    def of(self, *patterns: str) -> tuple[Finding, ...]:
        """The findings whose rule matches one of the patterns (globs)."""
        return tuple(f for f in self.findings if any(fnmatchcase(f.rule, pattern) for pattern in patterns))


def judge(examination: Examination, thresholds: Thresholds = DEFAULTS) -> Judgement:
    """Every finding, worst first; among equals in the order of all_rules(), so that output is stable."""
    raised = (finding for check in REGISTRY.checks for finding in check(examination, thresholds))
    findings = [_repairable(examination, finding) for finding in raised]
    order = {rule.id: place for place, rule in enumerate(all_rules())}
    findings.sort(key=lambda f: (-f.severity, order[f.rule], f.agent_id or "", f.path or "", f.key or ""))
    verdict = start_verdict(examination, findings)
    return Judgement(examination, tuple(findings), verdict, next_step(examination, findings, verdict))


_THROUGH_A_LINK = (
    "It is reached through a symbolic link, and no repair writes through one. With the gateway stopped, put what the "
    "link leads to in its place, or mount it there. A session store can also be repaired by itself: `gatewaydoctor "
    "repair --store` with its own path."
)


_OUTSIDE = (
    "It is outside of the state directory, and no repair writes there. A session store can be repaired by itself: "
    "`gatewaydoctor repair --store` with its own path."
)


_NEWER = (
    "Use a newer gatewaydoctor: a newer gateway release has written in this directory, with a schema that this one "
    "does not know, so no repair changes anything here."
)
_NO_FILES = (
    "First move what is not a regular file out of the way, with the gateway stopped and the directory copied: as "
    "long as it lies next to the database, no repair changes that."
)


def _repairable(x: Examination, finding: Finding) -> Finding:
    """A finding names no repair that would be refused: in a directory that a newer release has written, outside of
    the state directory, behind a symbolic link, or of a database next to which lies what is no file."""
    if finding.fix is None:
        return finding
    if any(database.newer_schema for database in x.eras.databases):
        return replace(finding, fix=None, by_hand=_NEWER)
    if finding.path is None:
        return finding
    path = Path(finding.path)
    if any(path == health.path and _cannot_be_set(health) for health in x.health.databases):
        return replace(finding, fix=None, by_hand=_NO_FILES)
    if not any(path.is_relative_to(root) for root in (x.place.state_dir, x.place.real_dir)):
        return replace(finding, fix=None, by_hand=_OUTSIDE)
    if x.links.isdisjoint((path, *path.parents)):
        return finding
    return replace(finding, fix=None, by_hand=_THROUGH_A_LINK)


def _cannot_be_set(health: DatabaseHealth) -> bool:
    """Whether what lies at the database, its log or its -shm cannot be moved as a set of files."""
    faults = (problem.fault.reason for problem in health.problems if isinstance(problem, Unopened))
    return any(reason in (A_DIRECTORY, NOT_REGULAR, LINKED_LOG, ODD_SHM) for reason in faults)


def start_loses() -> tuple[str, ...]:
    """The rules whose critical findings mean that a start now would lose data."""
    return tuple(rule.id for rule in all_rules() if rule.start_loses)


def all_rules() -> Sequence[Rule]:
    """Every rule, family by family and module by module, each as declared. Which module was imported first decides
    nothing."""
    families = list(Family)

    def place(rule: Rule) -> tuple[int, int]:
        return families.index(rule.family), _RULES.index(REGISTRY.modules[rule.id].removeprefix(_PACKAGE))

    return tuple(sorted(REGISTRY.rules.values(), key=place))
