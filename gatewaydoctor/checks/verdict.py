"""Will it start? A pure function of the findings and of what the release that will start does with each of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gatewaydoctor.checks.boot import release_name
from gatewaydoctor.checks.unread import CHANGING
from gatewaydoctor.model.gateway.entry import MACHINE_KINDS
from gatewaydoctor.model.gateway.era import Era
from gatewaydoctor.model.gateway.refusals import CODES, Damage, seen_start
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.model.outcome.verdict import Effect, Stake, Start, StartEffect, StartVerdict
from gatewaydoctor.model.words import capital, plural, rounded_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from gatewaydoctor.examine.databases.databases import DatabaseFacts
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.examine.sessions.stores import StoreFacts
    from gatewaydoctor.model.gateway.release import Release
    from gatewaydoctor.model.outcome.finding import Finding

    Judge = Callable[[Finding, Release, Sequence[Finding]], StartEffect | None]

_ORDER = tuple(Effect)

UNLOADABLE_DEPTH = 1_600
"""Levels of nesting from which 2026.3.28 loads a store no more."""


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


def start_effect(finding: Finding, release: Release, findings: Sequence[Finding]) -> StartEffect | None:
    """What a start of this release makes of one finding; None where it decides nothing. A critical finding of a rule
    that says nothing here puts a start at risk."""
    judge = EFFECTS.get(finding.rule)
    if judge is not None:
        return judge(finding, release, findings)
    if finding.severity is Severity.CRITICAL:
        return StartEffect(Effect.RISKS, finding.consequence, _place(finding) + _first(finding.message))
    return None


def _who(release: Release) -> str:
    return release_name(release) or "the gateway"


def _place(finding: Finding) -> str:
    return f"{finding.agent_id}: " if finding.agent_id else ""


def _first(message: str) -> str:
    """The first sentence of a message, without its full stop, as the continuation of a line."""
    sentence = message.partition(". ")[0].removesuffix(".")
    word = sentence.partition(" ")[0]
    return f"{sentence[:1].lower()}{sentence[1:]}" if word == "A" or word[1:].islower() else sentence


def _loads_empty(finding: Finding, release: Release, findings: Sequence[Finding]) -> StartEffect | None:
    """A store that this release takes for an empty one, or refuses."""
    if finding.evidence.get("reason") is not None:
        reason = "The session store could not be read, so it is not known what a start does with it."
        return StartEffect(Effect.UNREAD, reason, f"{_place(finding)}{_first(finding.message)}")
    if finding.evidence.get(CHANGING):
        reason = "The session store was written to while it was read, so it is not known what a start does with it."
        return StartEffect(Effect.UNREAD, reason, f"{_place(finding)}sessions.json changed while it was read")
    what = "a store this large" if "limit" in finding.evidence else "a damaged store"
    first = finding.message.partition(". ")[0].removesuffix(".")
    said = first.removeprefix("The file ").removeprefix("The store ")
    cause = f"{_place(finding)}sessions.json" + (f" {said}" if said != first else f": {_first(first)}")
    if release.behaviour.sessions_in_database:
        start = seen_start(Damage.LEFTOVER, release_name(release))
        reason = f"{start.release} refuses to start (exit {start.code}) over {what}{start.hedge}."
        return StartEffect(Effect.FAILS, reason, cause)
    reason = f"It would lose all of {_of(finding)}: {_who(release)} loads {what} as EMPTY and overwrites it."
    return StartEffect(Effect.LOSES, reason, cause)


def _of(finding: Finding) -> str:
    return f"agent {finding.agent_id}" if finding.agent_id else "the store"


def _begins_empty(finding: Finding, release: Release, findings: Sequence[Finding]) -> StartEffect | None:
    if finding.severity is not Severity.CRITICAL:
        return None
    reason = f"It would start with an EMPTY history for {_of(finding)}, and every save buries the old index deeper."
    transcripts = plural(finding.count, "transcript") + " that would stay without a session."
    return StartEffect(Effect.LOSES, reason, f"{_place(finding)}{_first(finding.message)}", transcripts)


def _exhausts_heap(finding: Finding, release: Release, findings: Sequence[Finding]) -> StartEffect | None:
    if finding.severity < Severity.ERROR:
        return None
    figures = finding.evidence
    low, high = (_figure(figures, name) for name in ("heapBytesMeasuredRatio", "heapBytesReportedRatio"))
    limit = _figure(figures, "heapLimitBytes")
    needs = (
        f"Loading the store needs an estimated {rounded_size(low, high)} of heap; the limit is {rounded_size(limit)}."
    )
    fate = (
        "It crashes and restarts forever."
        if finding.severity is Severity.CRITICAL
        else "It would crash and restart forever."
    )
    effect = Effect.FAILS if finding.severity is Severity.CRITICAL else Effect.RISKS
    return StartEffect(effect, f"{needs} {fate}", _heap_cause(finding, findings))


def _figure(figures: Mapping[str, object], name: str) -> int:
    value = figures.get(name)
    return value if isinstance(value, int) else 0


def _heap_cause(finding: Finding, findings: Sequence[Finding]) -> str:
    """What filled the store: the jobs that retry, else the runs that never ended, else its size."""
    mine = {each.rule: each for each in findings if each.agent_id == finding.agent_id}
    rapid, stuck = mine.get("cron-rapid-retry"), mine.get("session-stuck-running")
    parts = []
    if rapid is not None:
        parts.append(f"{plural(rapid.count, 'cron job retries', 'cron jobs retry')} without end")
    if stuck is not None:
        parts.append(f"{plural(stuck.count, 'session')} never ended")
    sessions, size = _figure(finding.evidence, "entries"), rounded_size(_figure(finding.evidence, "bytes"))
    return _place(finding) + ("; ".join(parts) or f"{plural(sessions, 'session')} in {size}")


def _config(finding: Finding, release: Release, findings: Sequence[Finding]) -> StartEffect | None:
    if finding.evidence.get("obstacle") is not None:
        return StartEffect(
            Effect.UNREAD, "The config was not read, so defaults are assumed.", _first(finding.message)
        )
    if finding.severity < Severity.ERROR:
        return None
    return StartEffect(
        Effect.FAILS, f"{capital(_who(release))} refuses to start because of its config.", _first(finding.message)
    )


def _newer_config(finding: Finding, release: Release, findings: Sequence[Finding]) -> StartEffect | None:
    started = str(finding.evidence["started"])
    code = CODES[Damage.CONFIG].get(started, 1)
    reason = f"{started}, which last started here, refuses to start (exit {code}): the config is of a newer release."
    return StartEffect(Effect.FAILS, reason, _first(finding.message))


def _refused(finding: Finding, release: Release, findings: Sequence[Finding]) -> StartEffect:
    effect = Effect.FAILS if finding.severity >= Severity.ERROR else Effect.RISKS
    return StartEffect(effect, finding.consequence, _first(finding.message))


def _without_mode(finding: Finding, release: Release, findings: Sequence[Finding]) -> StartEffect | None:
    return StartEffect(
        Effect.FAILS, f"{capital(_who(release))} refuses to start without gateway.mode.", _first(finding.message)
    )


def _denied(finding: Finding, release: Release, findings: Sequence[Finding]) -> StartEffect | None:
    if finding.evidence.get("obstacle") is not None:
        return StartEffect(Effect.UNREAD, "Permission to read was denied here.", _first(finding.message))
    if finding.severity < Severity.ERROR:
        return None
    refused = finding.evidence.get("startRefused")
    reason = (
        f"refuses to start: its user may not {str(refused).replace('its config', 'the config')}."
        if refused
        else "begins without sessions it cannot read."
    )
    return StartEffect(
        Effect.FAILS if refused else Effect.RISKS, f"{capital(_who(release))} {reason}", _first(finding.message)
    )


def _shrunk(finding: Finding, release: Release, findings: Sequence[Finding]) -> StartEffect | None:
    if finding.severity < Severity.ERROR:
        return None
    cause = f"openclaw.json: {_first(finding.message)}"
    if finding.evidence.get("lostMode") and release.behaviour.requires_gateway_mode:
        return StartEffect(
            Effect.FAILS, f"{capital(_who(release))} refuses to start without gateway.mode (exit 78).", cause
        )
    return StartEffect(Effect.RISKS, "It would start without the agents, channels and models the config lost.", cause)


def _database(finding: Finding, release: Release, findings: Sequence[Finding]) -> StartEffect | None:
    """A database: losing is critical, refusing an error, and what is milder stops nothing."""
    cause = f"{_place(finding)}{_first(finding.message)}"
    match finding.severity:
        case Severity.CRITICAL:
            return StartEffect(Effect.LOSES, finding.consequence, cause)
        case Severity.ERROR:
            return StartEffect(Effect.FAILS, finding.consequence, cause)
        case _:
            return None


def _unread_database(finding: Finding, release: Release, findings: Sequence[Finding]) -> StartEffect | None:
    return StartEffect(Effect.UNREAD, finding.message, f"{_place(finding)}{_first(finding.message)}")


def _leased(finding: Finding, release: Release, findings: Sequence[Finding]) -> StartEffect | None:
    if finding.severity < Severity.WARNING:
        return None
    return StartEffect(Effect.FAILS, finding.consequence, _first(finding.message))


def _jobs_elsewhere(finding: Finding, release: Release, findings: Sequence[Finding]) -> StartEffect | None:
    if finding.severity < Severity.ERROR:
        return None
    return StartEffect(Effect.RISKS, f"{plural(finding.count, 'cron job')} would not run.", _first(finding.message))


def _jobs_lost(finding: Finding, release: Release, findings: Sequence[Finding]) -> StartEffect | None:
    """Jobs that the start deletes, or one that keeps every job from running."""
    if finding.severity < Severity.ERROR:
        return None
    gone = _figure(finding.evidence, "deleted")
    deletes = f"{capital(_who(release))} would delete {plural(gone, 'cron job')} from jobs.json and its backup."
    stops = "no job runs" in finding.consequence
    return StartEffect(
        Effect.RISKS, finding.consequence if stops else deletes, f"jobs.json: {_first(finding.message)}"
    )


def _newer(finding: Finding, release: Release, findings: Sequence[Finding]) -> StartEffect | None:
    code = CODES[Damage.NEWER].get(release.version or "")
    if code is not None:
        reason = f"{capital(_who(release))} refuses to start (exit {code}) over a newer schema."
        return StartEffect(Effect.FAILS, reason, _first(finding.message))
    reason = "A database was written by a newer release than gatewaydoctor knows; an older one refuses to start."
    return StartEffect(Effect.UNREAD, reason, _first(finding.message))


def _empties_history(finding: Finding, release: Release, findings: Sequence[Finding]) -> StartEffect | None:
    if finding.severity < Severity.ERROR:
        return None
    reason = (
        f"The next message in {plural(finding.count, 'session')} would empty its transcript: the history is lost."
    )
    return StartEffect(Effect.RISKS, reason, f"{_place(finding)}{_first(finding.message)}")


def _loops(finding: Finding, release: Release, findings: Sequence[Finding]) -> StartEffect | None:
    reason = "The last starts ended in the same session; the next one is likely to do so again."
    return StartEffect(Effect.RISKS, reason, f"{_place(finding)}{_first(finding.message)}")


def _registry(finding: Finding, release: Release, findings: Sequence[Finding]) -> StartEffect | None:
    if finding.severity < Severity.ERROR:
        return None
    if finding.evidence.get("read") == "unreadable":
        return StartEffect(Effect.UNREAD, "The subagent registry could not be read.", _first(finding.message))
    reason = "It would forget its subagents: the registry loads as EMPTY and is overwritten by the next run."
    return StartEffect(Effect.RISKS, reason, _first(finding.message))


_BY_FATE = {
    "dropped": "would drop {} when it loads the store.",
    "pruned": "would remove {} at its next save, as if they were old.",
    "load-fails": "can load and save no session of a store.",
    "save-fails": "can save no session of a store.",
}


def _values(finding: Finding, release: Release, findings: Sequence[Finding]) -> StartEffect | None:
    """Sessions that are lost over a field's type; and 2026.3.28 cannot load a store that is nested too deeply, which
    later releases fail to save."""
    if finding.severity < Severity.ERROR:
        return None
    if (what := _BY_FATE.get(str(finding.evidence.get("fate")))) is not None:
        people = plural(_figure(finding.evidence, "conversations"), "conversation")
        reason = f"{capital(_who(release))} {what.format(people)}"
        return StartEffect(Effect.RISKS, reason, f"{_place(finding)}{_first(finding.message)}")
    cause = f"{_place(finding)}{_first(finding.message)}"
    if not release.behaviour.loads_deep_rows and _figure(finding.evidence, "levels") > UNLOADABLE_DEPTH:
        return StartEffect(
            Effect.FAILS, f"{_who(release)} cannot load the store: every message ends in a RangeError.", cause
        )
    return StartEffect(Effect.RISKS, f"{capital(_who(release))} may fail to load or to save the store.", cause)


def _evicts(finding: Finding, release: Release, findings: Sequence[Finding]) -> StartEffect | None:
    if finding.severity < Severity.ERROR:
        return None
    people = _figure(finding.evidence, "conversationsAmongThem")
    reason = (
        f"{capital(_who(release))} would drop {plural(people, 'conversation')} at once: the store is over its cap."
    )
    return StartEffect(Effect.RISKS, reason, f"{_place(finding)}{_first(finding.message)}")


EFFECTS: dict[str, Judge] = {
    "store-unparseable": _loads_empty,
    "store-too-large-for-gateway": _loads_empty,
    "store-not-object": _loads_empty,
    "store-empty-beside-transcripts": _begins_empty,
    "store-heap-risk": _exhausts_heap,
    "store-invalid-entry": _values,
    "store-over-cap": _evicts,
    "config-unreadable": _config,
    "config-refused": _refused,
    "config-without-mode": _without_mode,
    "config-newer": _newer_config,
    "permission-denied": _denied,
    "config-shrunk": _shrunk,
    "legacy-store-beside-sqlite": _database,
    "database-corrupt": _database,
    "database-empty": _database,
    "database-missing": _database,
    "database-log-missing": _database,
    "database-log-foreign": _database,
    "database-owner": _database,
    "database-foreign-keys": _database,
    "database-schema": _database,
    "database-entry-invalid": _database,
    "database-quarantined": _database,
    "database-unreadable": _unread_database,
    "database-lease": _leased,
    "jobs-other-path": _jobs_elsewhere,
    "cron-job-cannot-run": _jobs_lost,
    "newer-schema": _newer,
    "transcript-bad-header": _empties_history,
    "transcript-boot-loop": _loops,
    "subagents-unreadable": _registry,
}
"""Rule -> what a start makes of its findings. A rule that is not here decides nothing, unless it is critical."""


def _unread(x: Examination) -> Iterator[StartEffect]:
    """What decides and was not read, besides what has a finding."""
    for agent in x.eras.agents:
        database = agent.database if agent.era is Era.SQLITE else x.eras.state
        if agent.era is not Era.FILES and database is not None and x.health.of(database.path) is None:
            what = "Sessions are" if agent.era is Era.SQLITE else "Cron jobs are"
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
    return f"{_place(worst)}{_first(worst.message)}" if worst else ""
