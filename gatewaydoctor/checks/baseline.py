"""Known findings: what a baseline remembers of each, and which findings of today it covers."""

from __future__ import annotations

from collections import Counter
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from msgspec import Struct

from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.model.outcome.gate import Baseline, KnownFinding, Standing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gatewaydoctor.model.outcome.finding import Finding

SCHEMA_VERSION = "1.0"
MARGIN = 0.10
"""A known finding may cover this share more things than its baseline says, rounded down, before it fails again: one
of 84 up to 92, one of fewer than 10 none."""


class Identity(Struct, frozen=True):
    """Which findings of two looks are the same one. Paths below one of `roots` (spellings of the state directory)
    count relative to it, so that a baseline survives a move."""

    roots: tuple[Path, ...]

    def of(self, finding: Finding) -> str:
        """Rule, agent, path and key; of a finding that covers several things only the directory, because its path and
        key are examples then, and tomorrow's may be others."""
        return self._exact(finding) if finding.count == 1 else self.of_several(finding)

    def of_several(self, finding: Finding) -> str:
        return _digest(finding.rule, finding.agent_id, self.directory(finding))

    def path(self, finding: Finding) -> str | None:
        """The path relative to the state directory, else as it is."""
        if finding.path is None:
            return None
        path = Path(finding.path)
        inside = next((path.relative_to(root) for root in self.roots if path.is_relative_to(root)), path)
        return inside.as_posix()

    def _exact(self, finding: Finding) -> str:
        return _digest(finding.rule, finding.agent_id, self.path(finding), finding.key)

    def directory(self, finding: Finding) -> str | None:
        """The directory of that path, with a slash behind it."""
        path = self.path(finding)
        return None if path is None else f"{PurePath(path).parent.as_posix()}/"


def _digest(*parts: str | None) -> str:
    # Names from files may hold lone surrogates; absent and empty are different.
    data = b"".join(b"\0-" if part is None else b"\0+" + part.encode(errors="surrogatepass") for part in parts)
    import hashlib

    return hashlib.sha256(data).hexdigest()[:20]


class Compared(Struct, frozen=True):
    """How one finding stands to the baseline. `known` is what the baseline has of it."""

    standing: Standing
    known: KnownFinding | None = None


def remember(findings: Iterable[Finding], identity: Identity, now: int, *, nameless: bool) -> Baseline:
    """The baseline that knows these findings, in an order that keeps differences between two files small. `nameless`
    leaves agents, paths and keys out."""
    known: dict[str, KnownFinding] = {}
    for finding in findings:
        fingerprint = identity.of(finding)
        before = known.get(fingerprint)
        worst = max(finding.severity, Severity[before.severity.upper()]) if before else finding.severity
        exact = finding.count == 1
        known[fingerprint] = KnownFinding(
            fingerprint=fingerprint,
            rule=finding.rule,
            severity=worst.word,
            count=max(1, finding.count) + (before.count if before else 0),
            agent_id=None if nameless else finding.agent_id,
            path=None if nameless else identity.path(finding) if exact else identity.directory(finding),
            key=finding.key if exact and not nameless else None,
        )
    ordered = sorted(known.values(), key=lambda k: (k.rule, k.agent_id or "", k.path or "", k.fingerprint))
    return Baseline(schema_version=SCHEMA_VERSION, now=now, findings=tuple(ordered))


def allowed(count: int) -> int:
    """How many things a known finding may cover today."""
    return count + int(count * MARGIN)


def compare(findings: Sequence[Finding], baseline: Baseline, identity: Identity) -> tuple[Compared, ...]:
    """How each finding stands, in order. Findings that the baseline knows as one are counted together."""
    by_fingerprint = {known.fingerprint: known for known in baseline.findings}

    def known(finding: Finding) -> KnownFinding | None:
        # Of several things but one is left: it is still covered.
        return by_fingerprint.get(identity.of(finding)) or by_fingerprint.get(identity.of_several(finding))

    matches = [known(finding) for finding in findings]
    totals: Counter[str] = Counter()
    for finding, match in zip(findings, matches, strict=True):
        if match:
            totals[match.fingerprint] += finding.count
    return tuple(
        Compared(_standing(finding, match, totals), match) for finding, match in zip(findings, matches, strict=True)
    )


def _standing(finding: Finding, known: KnownFinding | None, totals: Counter[str]) -> Standing:
    if known is None:
        return "new"
    if finding.severity > Severity[known.severity.upper()]:
        return "worse"
    return "grown" if totals[known.fingerprint] > allowed(known.count) else "known"


def gone(compared: Iterable[Compared], baseline: Baseline, rules: Iterable[str]) -> int:
    """How many known findings of these rules are there no more."""
    judged = frozenset(rules)
    met = {each.known.fingerprint for each in compared if each.known}
    return sum(known.rule in judged and known.fingerprint not in met for known in baseline.findings)
