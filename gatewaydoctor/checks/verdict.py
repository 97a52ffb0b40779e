"""Will it start? A pure function of the findings and of what the release that will start does with each of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gatewaydoctor.checks.boot import release_name
from gatewaydoctor.checks.effects import headline, place_of, start_effect
from gatewaydoctor.model.gateway.entry import MACHINE_KINDS
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.model.outcome.verdict import Effect, Stake, Start, StartEffect, StartVerdict
from gatewaydoctor.model.words import capital, plural

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gatewaydoctor.examine.databases.databases import DatabaseFacts
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.examine.sessions.stores import StoreFacts
    from gatewaydoctor.model.gateway.release import Release
    from gatewaydoctor.model.outcome.finding import Finding

    Judge = Callable[[Finding, Release, Sequence[Finding]], StartEffect | None]


_ORDER = tuple(Effect)


def start_verdict(x: Examination, findings: Sequence[Finding]) -> StartVerdict:
    """The verdict on the next start. `findings` are all of `x`, worst first. Of several effects the worst counts, and
    of several causes the first finding that has it."""
    release = x.config.release
    found = [(effect, finding.rule) for finding in findings if (effect := start_effect(finding, release, findings))]
    found += [(effect, "") for effect in _unread(x)]
    if not found:
        stake = _stake(x, None)
        return StartVerdict(
            Start.YES, _nothing_stops(findings), _main_issue(findings), stake, release_name(release), release.evidence
        )
    effects = {effect.effect for effect, _ in found}
    # A refused start of this era changes nothing: what it would lose is lost by the one after.
    refused = release.behaviour.sessions_in_database and Effect.FAILS in effects
    worst = Effect.FAILS if refused else min(effects, key=_ORDER.index)
    deciding = [(effect, rule) for effect, rule in found if effect.effect is worst]
    first, _ = deciding[0]
    more = len(deciding) - 1
    stake = _stake(x, first)
    return StartVerdict(
        worst.start,
        first.reason,
        first.cause + (f"; {more:,} more" if more else ""),
        stake,
        release_name(release),
        release.evidence,
        worst,
        tuple(dict.fromkeys(rule for _, rule in deciding if rule)),
    )


def _unread(x: Examination) -> Iterator[StartEffect]:
    """What decides and was not read, besides what has a finding."""
    for agent in x.eras.agents:
        database = agent.database if agent.era.sessions_in_database else x.eras.state
        if agent.era.cron_in_database and database is not None and x.health.of(database.path) is None:
            what = "Sessions are" if agent.era.sessions_in_database else "Cron jobs are"
            cause = f"{agent.agent_id}: the integrity of {database.path.name} was not checked"
            yield StartEffect(Effect.UNREAD, f"{what} in a database whose integrity was not checked.", cause)
    if gaps := _gaps(x):
        path, why = gaps[0]
        more = f"; {len(gaps) - 1:,} more" if len(gaps) > 1 else ""
        changed = all(Path(each) in x.unsettled for each, _ in gaps)
        reason = f"{plural(len(gaps), 'path')} {'changed while it was' if changed else 'could not be'} read."
        yield StartEffect(Effect.UNREAD, reason, f"{path}: {why.removesuffix('.')}{more}")
    if x.left_out:
        agents = plural(x.left_out, "store of another agent was", "stores of other agents were")
        yield StartEffect(Effect.UNREAD, f"{agents} not examined.", "only a part was asked for (--agent or --store)")
    elif not x.complete and not _gaps(x):
        yield StartEffect(Effect.UNREAD, "Not every store could be read.", "scan -v lists what was not read")


def _gaps(x: Examination) -> list[tuple[str, str]]:
    """Path and reason of everything that could not be read here, each path once."""
    problems = (
        *(store.read.problem for store in x.stores),
        *(x.cron.store.problem, x.cron.state.problem, x.subagents.problem),
        *(queue.problem for queue in x.queues),
        *x.census.unreadable,
    )
    told = [(str(each.path), each.reason) for each in problems if each is not None and not each.missing]
    told += [(str(path), reason) for path, reason in x.skipped]
    if x.config.problem is not None and x.config.problem.obstacle is not None:
        told.append((str(x.config.problem.path), x.config.problem.text))
    return list({path: (path, reason) for path, reason in reversed(told)}.values())[::-1]


def _stake(x: Examination, deciding: StartEffect | None) -> Stake:
    leftovers = {each.path for each in x.health.leftovers}  # their sessions are counted in the databases
    conversations = sum(
        count
        for store in _each_file_once(x)
        if store.sessions and store.path not in leftovers
        for (kind, _), count in store.sessions.counts.items()
        if kind not in MACHINE_KINDS
    )
    cron = x.jobs if x.state is not None and x.jobs is not None else x.cron
    jobs = sum(job.enabled for job in cron.jobs)
    deliveries = sum(queue.pending.files for queue in x.queues)
    if (state := x.state_rows) is not None:
        deliveries += sum(each.count for each in state.queues if each.status == "pending")
    complete = x.complete and all(store.whole for store in x.session_stores) and _jobs_known(x)
    text = deciding.at_stake if deciding and deciding.at_stake else ""
    return Stake(
        conversations, jobs, deliveries, complete, text or _counted(conversations, jobs, deliveries, complete)
    )


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


def _counted(conversations: int, jobs: int, deliveries: int, complete: bool) -> str:
    counted = (
        plural(conversations, "conversation") if conversations else "no conversation" if complete else "",
        plural(jobs, "enabled cron job") if jobs else "",
    )
    told = ", ".join(part for part in counted if part)
    waiting = plural(deliveries, "message waits", "messages wait") if deliveries else ""
    if complete:
        return f"{capital(told)}{', all intact' if conversations or jobs else ''}{waiting and f'; {waiting}'}."
    told = ", ".join(part for part in (told, waiting) if part)
    return f"At least {told}." if told else "Not known: what holds the conversations could not be read."


def _nothing_stops(findings: Sequence[Finding]) -> str:
    grave = sum(finding.severity >= Severity.ERROR for finding in findings)
    mild = sum(finding.severity is Severity.WARNING for finding in findings)
    if not grave and not mild:
        return "Everything was read, nothing is wrong."
    parts = ([plural(grave, "error")] if grave else []) + ([plural(mild, "warning")] if mild else [])
    stops = "does not stop" if grave + mild == 1 else "do not stop"
    return f"Everything was read. {' and '.join(parts)} {stops} a start."


def _main_issue(findings: Sequence[Finding]) -> str:
    """The worst finding that stops no start, in its own words without the full stop."""
    worst = findings[0] if findings and findings[0].severity >= Severity.WARNING else None
    return f"{place_of(worst)}{headline(worst.message)}" if worst else ""
