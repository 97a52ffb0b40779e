"""What the directory holds that a start could lose, counted, and what of it is not as it should be. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.checks.start.subagents import stale_runs
from gatewaydoctor.model.gateway.entry import MACHINE_KINDS
from gatewaydoctor.model.gateway.era import DatabaseRole
from gatewaydoctor.model.outcome.finding import Harm, Severity
from gatewaydoctor.model.outcome.verdict import Stake
from gatewaydoctor.model.words import capital, plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gatewaydoctor.examine.databases.databases import DatabaseFacts
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.examine.sessions.stores import StoreFacts
    from gatewaydoctor.model.outcome.finding import Finding
    from gatewaydoctor.model.outcome.verdict import StartEffect


MOST_HARMS = 2
"""So many are told with the verdict; the findings below it tell all."""


def stake_of(x: Examination, findings: Sequence[Finding], deciding: StartEffect | None) -> Stake:
    """`findings` are all of `x`; `deciding` is the effect that the verdict rests on."""
    leftovers = {each.path for each in x.health.leftovers}  # their sessions are counted in the databases
    conversations = sum(
        count
        for store in _each_file_once(x)
        if store.sessions and store.path not in leftovers
        for (kind, _), count in store.sessions.counts.items()
        if kind not in MACHINE_KINDS
    )
    jobs = sum(job.enabled for job in x.jobs.jobs)
    deliveries = sum(queue.pending.files for queue in x.queues)
    if (state := x.state_rows) is not None:
        deliveries += sum(each.count for each in state.queues if each.status == "pending")
    gone = tuple(_gone(findings))
    complete = x.complete and all(store.whole for store in x.session_stores) and _jobs_known(x) and not gone
    counted = (
        plural(conversations, "conversation") if conversations else "no conversation" if complete else "",
        *(f"{plural(count, 'session')} that can be recovered" for count in _recoverable(x, findings)),
        plural(jobs, "enabled cron job") if jobs else "",
    )
    told = ", ".join(part for part in counted if part)
    harms = tuple(_harms(findings))
    if complete:
        told += ", all intact" if (conversations or jobs) and not harms and not x.skipped else ""
    elif told:
        told = f"at least {told}"
    waiting = plural(deliveries, "message waits", "messages wait") if deliveries else ""
    sentences = ["; ".join(part for part in (*gone, told, waiting) if part), _affected(harms), told_of_dropped(x)]
    text = " ".join(f"{capital(each)}." for each in sentences if each)
    without = sum(each.harms.get(Harm.NO_TRANSCRIPT, 0) for each in findings)
    return Stake(
        conversations,
        jobs,
        deliveries,
        complete,
        (deciding.at_stake if deciding else "") or text or _UNKNOWN,
        without,
    )


_UNKNOWN = "Not known: what holds the conversations could not be read."


def told_of_dropped(x: Examination) -> str:
    """What the next start drops silently without any finding of it: subagent runs that did not end."""
    runs = len(stale_runs(x))
    return f"a start drops {plural(runs, 'subagent run')} that never ended, without a message" if runs else ""


def _gone(findings: Sequence[Finding]) -> Iterator[str]:
    """What a database held that is no longer there, or empty."""
    mine = [each for each in findings if each.rule in _GONE and each.severity >= Severity.ERROR]
    agents = sum(each.evidence.get("role") == DatabaseRole.AGENT.value for each in mine)
    if agents:
        yield f"every conversation of {plural(agents, 'agent')}"
    if len(mine) > agents:
        yield "every cron job, delivery and pairing"
    if any(each.rule == "database-log-missing" and each.severity >= Severity.ERROR for each in findings):
        yield "all that was written after the last checkpoint"


_GONE = ("database-missing", "database-empty")


def _recoverable(x: Examination, findings: Sequence[Finding]) -> Iterator[int]:
    """Sessions in damaged databases of agents that can be read row by row; nothing where there are none. Those of a
    database that still gave rows are counted as conversations."""
    counted = {str(each.path) for each in x.databases if each.sessions and each.sessions.counts}
    damaged = (each for each in findings if each.rule == "database-corrupt" and each.path not in counted)
    rows = (each.evidence.get("rowsReadable") for each in damaged)
    if count := sum(each.get("sessions", 0) for each in rows if isinstance(each, dict)):
        yield count


def _harms(findings: Sequence[Finding]) -> Iterator[str]:
    for harm in Harm:
        if count := sum(each.harms.get(harm, 0) for each in findings):
            yield plural(count, harm.one, harm.many)


def _affected(harms: Sequence[str]) -> str:
    more = [f"{len(harms) - MOST_HARMS:,} more below"] if len(harms) > MOST_HARMS else []
    return f"affected: {', '.join((*harms[:MOST_HARMS], *more))}" if harms else ""


def _each_file_once(x: Examination) -> Iterator[StoreFacts | DatabaseFacts]:
    """Two names of one file (hard links) hold one set of conversations."""
    seen: set[tuple[int, int]] = set()
    for store in x.session_stores:
        if store.inode is None or store.inode not in seen:
            yield store
        if store.inode is not None:
            seen.add(store.inode)


def _jobs_known(x: Examination) -> bool:
    if x.state is None:
        return x.cron.store.reason is None
    return x.state_rows is not None and not x.state_rows.faults
