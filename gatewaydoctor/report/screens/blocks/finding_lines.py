"""A line for each finding, worst first: a few words, with figures from its evidence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from rich.text import Text

from gatewaydoctor.checks.effects import headline
from gatewaydoctor.model.database.legacy import LegacyFault
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.model.words import duration, plural, size
from gatewaydoctor.report import words
from gatewaydoctor.report.screens.blocks.fitting import cut
from gatewaydoctor.report.screens.blocks.parts import SEVERITY_STYLE, View

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rich.console import Console

    from gatewaydoctor.model.outcome.finding import Finding

    Brief = Callable[[Mapping[str, Any], int], str]


def brief(finding: Finding, width: int) -> str:
    """What was found, without a full stop; no name and no id from a file is in it. Clauses that `width` cells have
    no room for are left out, the last first; one clause alone may be longer."""
    said = _said(finding)
    if len(said) > width and finding.agent_id:
        said = said.removeprefix("the database of an agent ").removeprefix("has ")
    while len(said) > width and (shorter := _JOINT.sub("", said)) != said:
        said = shorter
    return said


_JOINT = re.compile(r"(?:, |: |; | \()(?:(?!, |: |; | \().)*$")
"""The last clause of a sentence."""


def _said(finding: Finding) -> str:
    words = BRIEFS.get(finding.rule)
    if words is not None:
        try:
            if said := words(finding.evidence, finding.count):
                return said
        except (KeyError, TypeError):
            pass  # of a rule that tells several cases, this one lacks the figures
    return _clause(finding.message)


def _clause(message: str) -> str:
    """The first clause of a message, as the continuation of a line."""
    first = headline(message)
    return first.partition("; ")[0].partition(" where ")[0].rstrip(",") if len(first) > _LONG else first


_LONG = 44


def _jobs(evidence: Mapping[str, Any], count: int) -> str:
    most = max(each["runsPerTickMax"] for each in evidence["jobs"])
    if most > 1:
        return f"{plural(count, 'job')}, up to {most:,} runs at once"
    apart = min(each["tickIntervalMedianMs"] for each in evidence["jobs"] if each["tickIntervalMedianMs"])
    return f"{plural(count, 'job')}, a run every {duration(apart)}"


def _rounds(evidence: Mapping[str, Any]) -> str:
    return f"{max(each['bootMarkers'] for each in evidence['files']):,}"


def _missing(evidence: Mapping[str, Any], count: int) -> str:
    people = evidence["missingOfPeople"] + evidence["misplaced"] + evidence["unlinked"]
    whose = plural(people, "conversation") if people else "no conversation"
    return f"{plural(count, 'session')}, {whose}"


def _cron_file(evidence: Mapping[str, Any], count: int) -> str:
    if evidence["offset"] is None:
        return ""
    is_list = "jobsNamedElsewhere" in evidence
    return "no cron job runs: jobs.json is damaged" if is_list else "jobs-state.json is damaged, so ignored"


def _old_file(evidence: Mapping[str, Any], count: int) -> str:
    if "file" not in evidence:
        return f"{plural(count, 'old workspace file')} left"
    return f"{evidence['file'].removeprefix('agents/main/agent/')} {LegacyFault(evidence['fault']).text}"


def _owner(evidence: Mapping[str, Any], count: int) -> str:
    if evidence.get("registeredFor"):
        return "registered for another agent"
    if evidence["sameFile"]:
        return "another agent's file under a second name"
    return "belongs to another agent" if evidence["belongsTo"] else "names no owner"


BRIEFS: dict[str, Brief] = {
    "store-heap-risk": lambda e, n: f"{size(e['bytes'])}, {plural(e['entries'], 'session')}",
    "archived-history": lambda e, n: f"{plural(n, 'archive')} with people's history, {size(e['bytes'])}",
    "store-bloat": lambda e, n: f"{100 * e['rebuiltBytes'] // e['bytes']} % of {size(e['bytes'])} can be rebuilt",
    "store-over-cap": lambda e, n: f"{plural(e['entries'], 'session')}, cap {e['maxEntries']:,}",
    "store-at-cap": lambda e, n: f"{plural(e['entries'], 'session')} at a cap of {e['maxEntries']:,}",
    "maintenance-not-enforced": lambda e, n: "nothing is trimmed (mode warn)",
    "store-unparseable": lambda e, n: f"{plural(e['wholeEntries'], 'complete session')} before the damage",
    "store-not-object": lambda e, n: "not a JSON object",
    "store-too-large-for-gateway": lambda e, n: f"{size(e['bytes'])}, {plural(e['entries'], 'session')}",
    "store-copy-has-more": lambda e, n: f"{plural(n, 'conversation')} only in a copy",
    "store-empty-beside-transcripts": lambda e, n: f"no session, but {plural(n, 'transcript')}",
    "backup-candidates": lambda e, n: f"{plural(n, 'file')} may hold the lost sessions",
    "session-stuck-running": lambda e, n: f"{n:,} of {e['running']:,} marked running",
    "session-resumes-at-boot": lambda e, n: f"{plural(n, 'session')} resumed with model turns",
    "session-missing-transcript": _missing,
    "session-path-foreign": lambda e, n: f"{plural(n, 'session')} with paths of another host",
    "cron-phantom-running": lambda e, n: (
        f"{plural(n, 'job row')} stuck" + ("" if e.get("era") == "sqlite" else "; new runs inherit it")
    ),
    "cron-rapid-retry": _jobs,
    "cron-zombie-running": lambda e, n: (
        f"{plural(n, 'job')} marked as running" + (f", {e['pastDue']:,} past due" if e["pastDue"] else "")
    ),
    "cron-runs-too-often": lambda e, n: (
        f"{plural(e['runs'], 'run')} of one job, one every {duration(e['intervalMedianMs'] or 0)}"
    ),
    "cron-job-not-run": lambda e, n: f"{plural(n, 'job')} not run when scheduled",
    "cron-job-shares-state": lambda e, n: (
        "1 job shares a state with another" if n == 1 else f"{n:,} jobs share one state"
    ),
    "cron-isolated-load": lambda e, n: f"about {e['sessionsPerDay']:,} new sessions a day",
    "cron-unknown-job": lambda e, n: f"{plural(n, 'deleted job')}, {plural(e['runRows'], 'run row')} left",
    "cron-store-unparseable": _cron_file,
    "cron-jobs-lost": lambda e, n: f"{plural(n, 'job')} known to backups only",
    "jobs-not-in-database": lambda e, n: f"{plural(n, 'job')} not in the database, so never run",
    "jobs-other-path": lambda e, n: f"{plural(n, 'job')} filed under another directory",
    "migration-losses": lambda e, n: f"{plural(e['peoplesTurns'], 'human turn')} only in archives",
    "migration-unfinished": lambda e, n: f"{e['committed']:,} of {plural(e['rows'], 'row')} imported",
    "migration-receipt-open": lambda e, n: "a migration is not marked as finished",
    "cron-runlog-large": lambda e, n: f"{plural(e['files'], 'run log')}, {size(e['bytes'])}",
    "subagent-never-archived": lambda e, n: f"{n:,} of {plural(e['runs'], 'subagent run')}, {size(e['bytes'])}",
    "subagent-orphaned": lambda e, n: f"{plural(n, 'subagent run')} without a session",
    "usage-scan-load": lambda e, n: (
        f"{plural(e['usageLines'], 'usage line')} to price: {duration(e['loopMs'])} per call"
    ),
    "transcript-unindexed": lambda e, n: f"{plural(n, 'transcript')}, {size(e['bytes'])}, in no index",
    "transcript-torn-tail": lambda e, n: f"{plural(n, 'transcript')} cut in the last line",
    "transcript-bad-header": lambda e, n: f"{plural(n, 'transcript')} without a header",
    "transcript-boot-loop": lambda e, n: f"{plural(n, 'transcript')}, up to {_rounds(e)} starts in a row",
    "transcript-huge": lambda e, n: f"{plural(n, 'transcript')}, the largest {size(e['files'][0]['bytes'])}",
    "legacy-store-beside-sqlite": lambda e, n: f"a sessions.json of {size(e['bytes'])} is left",
    "legacy-file-left": _old_file,
    "legacy-file-damaged": _old_file,
    "database-corrupt": lambda e, n: f"damaged in {', '.join(e['tables'])}" if e["tables"] else "",
    "database-entry-invalid": lambda e, n: f"{plural(n, 'row')} whose entry does not fit",
    "database-foreign-keys": lambda e, n: f"{plural(n, 'row refers', 'rows refer')} to rows that are gone",
    "database-lease": lambda e, n: "a lease has not expired",
    "database-log-foreign": lambda e, n: f"its {e['file']} is of another database",
    "database-log-missing": lambda e, n: f"not closed, and {e['reason']}",
    "database-owner": _owner,
    "database-quarantined": lambda e, n: "quarantined, but sound" if e["refuted"] else "quarantined",
    "database-schema": lambda e, n: f"version {e['header']} in the header, {e['recorded']} within",
    "newer-schema": lambda e, n: f"{plural(n, 'database')} of a newer release",
    "subagents-unreadable": lambda e, n: "the subagent registry cannot be read",
    "config-shrunk": lambda e, n: "the config has lost most of itself",
    "config-refused": lambda e, n: f"{plural(n, 'setting')} the gateway refuses",
    "config-unreadable": lambda e, n: f"error in line {e['line']}, column {e['column']}" if e["line"] else "",
    "config-newer": lambda e, n: f"written by {e['writtenBy']}, {e['started']} started",
    "archive-growth": lambda e, n: f"{plural(n, 'archive')}, {size(e['bytes'])}",
    "sidecar-growth": lambda e, n: f"{plural(n, 'file')}, {size(e['bytes'])}",
    "temp-leftover": lambda e, n: f"{plural(n, 'temp file')}, {size(e['bytes'])}",
    "lock-stale": lambda e, n: f"{plural(n, 'lock')} of ended processes",
    "lock-unknown": lambda e, n: f"{plural(n, 'lock')} of unknown owners",
    "delivery-backlog": lambda e, n: (
        f"{plural(e['waiting'], 'message waits', 'messages wait')}"
        + (f", {e['failed']:,} given up" if e["failed"] else "")
    ),
    "disk-space": lambda e, n: f"{size(e['availableBytes'])} free of {size(e['totalBytes'])}",
    "clock-behind": lambda e, n: f"the clock is {duration(e['behindMs'])} behind",
    "multiple-state-dirs": lambda e, n: f"{plural(n, 'other state directory', 'other state directories')}",
    "permission-denied": lambda e, n: f"{plural(n, 'path')} that uid {e['uid']} may not use",
    "store-unscoped-key": lambda e, n: f"{plural(n, 'session key')} without an agent",
    "permissions": lambda e, n: f"the directory is open to all ({e['mode']})" if "mode" in e else "",
    "store-case-variant-key": lambda e, n: f"{plural(n, 'session')} under keys of two spellings",
    "hardlinked": lambda e, n: f"{plural(n, 'file')} with a second hard link",
}
"""Rule -> its few words, from evidence and count."""


def finding_lines(console: Console, findings: Sequence[Finding], view: View, room: int | None) -> None:
    """A line each, worst first. Notes give way first; what is left out is counted."""
    shown = list(findings if room is None or len(findings) <= room else findings[: room - 1])
    if room is not None and len(findings) > room:
        while shown and shown[-1].severity is Severity.INFO:
            shown.pop()
    rule = max((len(finding.rule) for finding in shown), default=0)
    agents = {finding.agent_id for finding in findings if finding.agent_id}
    agent = max((len(view.agent(each)) for each in agents), default=0)
    full = console.width - _SEVERITY - rule - 1
    width = full - (agent + 1 if agent <= _WIDEST else 0)
    agent = agent if width >= _NARROWEST else _WIDEST + 1
    for finding in shown:
        line = Text(finding.severity.word, SEVERITY_STYLE[finding.severity])
        line.pad_right(_SEVERITY - len(line))
        line.append(finding.rule.ljust(rule + 1), "bold")
        cells = console.width - 2 if width < _NARROWEST else width if finding.agent_id else full
        told = view.names.text(brief(finding, cells))
        if width >= _NARROWEST:
            line.append(cut(told, cells))
        if finding.agent_id and agent <= _WIDEST:
            line.pad_right(max(0, console.width - agent - len(line)))
            line.append(view.agent(finding.agent_id), "dim")
        console.print(line, no_wrap=True, overflow="ignore", crop=False)
        if width < _NARROWEST:
            console.print(Text(f"  {cut(told, cells)}"), no_wrap=True, crop=False)
    if rest := findings[len(shown) :]:
        counts = (
            words.plural(count, severity.word, severity.word if severity is not Severity.WARNING else None)
            for severity in sorted(Severity, reverse=True)
            if (count := sum(finding.severity is severity for finding in rest))
        )
        console.print(Text(f"{', '.join(counts)} more with -v", "dim"))


_SEVERITY = len("critical") + 1
_NARROWEST = 16
"""Cells that a few words need; where there are fewer they take a line of their own."""
_WIDEST = 14
"""An agent with a longer name is told with -v."""
