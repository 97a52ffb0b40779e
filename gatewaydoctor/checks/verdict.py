"""Will it start? A pure function of the findings and of what the release that will start does with each of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gatewaydoctor.checks.boot import release_decides, release_name
from gatewaydoctor.checks.effects import SCAN_AGAIN, headline, place_of, start_effect
from gatewaydoctor.checks.sessions.transcripts import unindexed_conversations
from gatewaydoctor.checks.stake import stake_of, told_of_dropped
from gatewaydoctor.model.command import Command
from gatewaydoctor.model.gateway.files import Obstacle
from gatewaydoctor.model.gateway.liveness import Liveness
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.model.outcome.verdict import Effect, NextStep, Start, StartEffect, StartVerdict
from gatewaydoctor.model.words import capital, plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.model.outcome.finding import Finding


_ORDER = tuple(Effect)


def start_verdict(x: Examination, findings: Sequence[Finding]) -> StartVerdict:
    """The verdict on the next start. `findings` are all of `x`, worst first. Of several effects the worst counts, and
    of several causes the first finding that has it."""
    release = x.config.release
    found: list[tuple[StartEffect, Finding | None]] = [
        (effect, finding) for finding in findings if (effect := start_effect(finding, release, findings))
    ]
    found += [(effect, None) for effect in _unread(x)]
    if not found:
        stake = stake_of(x, findings, None)
        return StartVerdict(
            Start.YES,
            _nothing_stops(x, findings) + _beside(x) + _dropped(x),
            _main_issue(findings),
            stake,
            release_name(release),
            release.evidence,
        )
    effects = {effect.effect for effect, _ in found}
    # A refused start of this era changes nothing: what it would lose is lost by the one after.
    refused = release.behaviour.sessions_in_database and Effect.FAILS in effects
    worst = Effect.FAILS if refused else min(effects, key=_ORDER.index)
    deciding = [(effect, finding) for effect, finding in found if effect.effect is worst]
    first, _ = deciding[0]
    more = len(deciding) - 1
    stake = stake_of(x, findings, first)
    return StartVerdict(
        worst.start,
        first.reason,
        first.cause + (f"; {more:,} more" if more else ""),
        stake,
        release_name(release),
        release.evidence,
        worst,
        tuple(dict.fromkeys(finding.rule for _, finding in deciding if finding)),
        tuple((finding, effect) for effect, finding in found if finding and effect.effect is Effect.LOSES),
        first.step,
    )


def _unread(x: Examination) -> Iterator[StartEffect]:
    """What decides and was not read, besides what has a finding. What is not known without being unread is last."""
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
        step = SCAN_AGAIN if changed else None
        yield StartEffect(Effect.UNREAD, reason, f"{path}: {why.removesuffix('.')}{more}", step=step)
    if x.left_out:
        agents = plural(x.left_out, "store of another agent was", "stores of other agents were")
        yield StartEffect(Effect.UNREAD, f"{agents} not examined.", "only a part was asked for (--agent or --store)")
    elif not x.complete and not _gaps(x):
        yield StartEffect(Effect.UNREAD, "Not every store could be read.", "scan -v lists what was not read")
    if release_decides(x):
        reason = "The release is not known. 2026.8.1, 9.3 and 9.5 refuse to start with a sessions.json."
        yield StartEffect(Effect.UNREAD, reason, x.config.release.evidence, step=_ASK_FOR_THE_RELEASE)


_ASK_FOR_THE_RELEASE = NextStep(
    Command(("--version",), program=("openclaw",)),
    "tells the release; those three import only with openclaw doctor --fix",
)


def _gaps(x: Examination) -> list[tuple[str, str]]:
    """Path and reason of everything that could not be read here, each path once. What is in place of a file of cron
    jobs is there for the gateway, too, and has a finding."""
    jobs = (x.cron.store.problem, x.cron.state.problem)
    problems = (
        *(store.read.problem for store in x.stores),
        *(each for each in jobs if each is None or each.obstacle is not Obstacle.NOT_A_FILE),
        x.subagents.problem,
        *(queue.problem for queue in x.queues),
        *x.census.unreadable,
    )
    told = [(str(each.path), each.reason) for each in problems if each is not None and not each.missing]
    told += [(str(path), reason) for path, reason in x.skipped]
    if x.config.problem is not None and x.config.problem.obstacle is not None:
        told.append((str(x.config.problem.path), x.config.problem.text))
    return list({path: (path, reason) for path, reason in reversed(told)}.values())[::-1]


def _nothing_stops(x: Examination, findings: Sequence[Finding]) -> str:
    copies = len(x.unread_copies)
    large = len(x.unchecked) - copies
    less = [f"a comparison of the indexes of {plural(large, 'large database')} (scan --verify)"] if large else []
    less += [f"{plural(copies, 'damaged copy', 'damaged copies')} next to a store"] if copies else []
    read = f"Everything was read but for {' and '.join(less)}" if less else "Everything was read"
    grave = sum(finding.severity >= Severity.ERROR for finding in findings)
    mild = sum(finding.severity is Severity.WARNING for finding in findings)
    if not grave and not mild:
        talks = sum(unindexed_conversations(finding) for finding in findings)
        if talks:
            return (
                f"{read}, nothing stops a start. {plural(talks, 'conversation is', 'conversations are')} in no index."
            )
        return f"{read}, nothing is wrong."
    parts = ([plural(grave, "error")] if grave else []) + ([plural(mild, "warning")] if mild else [])
    stops = "does not stop" if grave + mild == 1 else "do not stop"
    return f"{read}. {' and '.join(parts)} {stops} a start."


def _beside(x: Examination) -> str:
    """What a start makes of a gateway that runs."""
    if x.gateway.liveness is not Liveness.LIVE:
        return ""
    return (
        " One that starts while this gateway runs refuses." if x.config.release.behaviour.sessions_in_database else ""
    )


def _dropped(x: Examination) -> str:
    told = told_of_dropped(x)
    return f" {capital(told)}." if told else ""


def _main_issue(findings: Sequence[Finding]) -> str:
    """The worst finding that stops no start, in its own words without the full stop."""
    worst = findings[0] if findings and findings[0].severity >= Severity.WARNING else None
    return f"{place_of(worst)}{headline(worst.message)}" if worst else ""
