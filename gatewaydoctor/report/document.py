"""From a judgement to the document: names shown or redacted, lists capped, nothing decided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatewaydoctor.model.database.reading import DatabaseFault
from gatewaydoctor.model.gateway.entry import Kind, Status
from gatewaydoctor.model.gateway.soundness import readable
from gatewaydoctor.model.gateway.subagents import RegistryRead
from gatewaydoctor.model.outcome.report import (
    SCHEMA_VERSION,
    AgentInfo,
    CellInfo,
    ClassInfo,
    ConfigInfo,
    CronJobInfo,
    DatabaseInfo,
    Distribution,
    Document,
    FaultInfo,
    FindingInfo,
    FixInfo,
    GatewayInfo,
    NextInfo,
    RunsPerTick,
    SettingInfo,
    SkippedInfo,
    StakeInfo,
    StartInfo,
    StoreInfo,
    SubagentsInfo,
    TickInterval,
    TimelineInfo,
    TranscriptInfo,
)
from gatewaydoctor.report.invocation import PLAIN, Invocation
from gatewaydoctor.report.names import Names
from gatewaydoctor.report.printer import TOOL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatewaydoctor.checks.judge import Judgement
    from gatewaydoctor.examine.cron.jobs import JobRuns
    from gatewaydoctor.examine.databases.databases import DatabaseFacts
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.examine.sessions.stores import StoreFacts
    from gatewaydoctor.model.errors import ExitCode
    from gatewaydoctor.model.gateway.era import AgentEra
    from gatewaydoctor.model.gateway.liveness import Evidence
    from gatewaydoctor.model.gateway.place import Place
    from gatewaydoctor.model.outcome.finding import Finding
    from gatewaydoctor.model.outcome.report import ErrorInfo
    from gatewaydoctor.model.outcome.verdict import NextStep, StartVerdict

CAP = 100
"""Items of a list shown without --all; everything is counted."""


def names_of_place(place: Place, *, redact: bool) -> Names:
    """Names for one state directory: under redaction its directories have aliases from the start."""
    directories = dict.fromkeys((str(place.state_dir), str(place.real_dir)), "<state-dir>")
    return Names(redact=redact, places=({str(place.home): "<home>"} | directories).items())


def names_for(x: Examination, *, redact: bool) -> Names:
    """The same with aliases for the agents and jobs of an examination, wherever they are named."""
    names = names_of_place(x.place, redact=redact)
    for store in x.stores:
        for agent_id in store.read.ref.agent_ids:
            names.know(agent_id, "agent")
    for agent_id in (*(a.agent_id for a in x.config.agents), *(a.agent_id for a in x.eras.agents)):
        names.know(agent_id, "agent")
    for name, job_id in (
        *((j.name, j.job_id) for j in (*x.cron.jobs, *x.jobs.jobs)),
        *((j.name, j.job_id) for j in x.cron.lost),
    ):
        names.know(name, "job")
        names.know(job_id, "job-id")
    for zone in dict.fromkeys(job.schedule.tz for job in (*x.cron.jobs, *x.jobs.jobs) if job.schedule.tz != "UTC"):
        names.know(zone, "time-zone")
    return names


def document(
    judgement: Judgement,
    names: Names,
    command: str,
    exit_code: ExitCode,
    details: Mapping[str, object],
    *,
    show_all: bool,
    invocation: Invocation = PLAIN,
    error: ErrorInfo | None = None,
    step: NextStep | None = None,
) -> Document:
    """The document of a command that examined a directory. Lists longer than CAP are cut unless `show_all`. Commands
    in it repeat the options of `invocation`. `step` comes before the next step that follows from the findings."""
    x = judgement.examination
    cap = None if show_all else CAP
    return Document(
        schema_version=SCHEMA_VERSION,
        tool=TOOL,
        command=command,
        now=x.now,
        state_dir=names.path(x.place.state_dir),
        ok=exit_code == 0,
        exit_code=int(exit_code),
        worst=judgement.worst.word if judgement.worst else None,
        error=error,
        verdict=start_info(judgement.verdict, names),
        next=next_info(step or judgement.next, names, invocation),
        gateway=GatewayInfo(
            liveness=x.gateway.liveness.value,
            evidence=tuple(evidence_text(item, names) for item in x.gateway.evidence),
        ),
        config=config_info(x, names),
        agents=tuple(agent_info(x, agent, names) for agent in x.eras.agents),
        stores=(
            *(store_info(x, store, names, cap) for store in x.stores),
            *(database_store_info(x, each, names, cap) for each in x.databases),
        ),
        subagents=subagents_info(x, names),
        findings=tuple(finding_info(finding, names, invocation) for finding in judgement.findings[:cap]),
        findings_total=len(judgement.findings),
        skipped=tuple(
            SkippedInfo(path=names.path(path), reason=names.text(reason))
            for path, reason in tuple(dict.fromkeys((*x.skipped, *x.unchecked)))[:cap]
        ),
        details={key: names.value(value, key) for key, value in details.items()},
    )


def start_info(verdict: StartVerdict, names: Names) -> StartInfo:
    stake = verdict.stake
    return StartInfo(
        start=verdict.start.value,
        effect=verdict.effect.value if verdict.effect else None,
        reason=names.text(verdict.reason),
        cause=names.text(verdict.cause),
        stake=StakeInfo(
            conversations=stake.conversations,
            jobs=stake.jobs,
            deliveries=stake.deliveries,
            complete=stake.complete,
            text=stake.text,
            without_transcript=stake.without_transcript,
        ),
        release=verdict.release,
        release_source=names.text(verdict.release_source),
        rules=verdict.rules,
    )


def next_info(step: NextStep, names: Names, invocation: Invocation) -> NextInfo:
    command = names.line(invocation.complete(step.command)) if step.command else None
    return NextInfo(command=command, why=names.text(step.why))


def evidence_text(item: Evidence, names: Names) -> str:
    """A sentence about the gateway. The path in it may have blanks, so that only the evidence knows its end."""
    if item.path is None or not names.redact:
        return names.text(item.text)
    return names.text(item.text.replace(str(item.path), names.path(item.path)))


def config_info(x: Examination, names: Names) -> ConfigInfo:
    config = x.config
    settings: dict[str, Any] = {
        "mode": config.maintenance.mode,
        "pruneAfterMs": config.maintenance.prune_after,
        "maxEntries": config.maintenance.max_entries,
        "rotateBytes": config.maintenance.rotate_bytes,
        "resetArchiveRetentionMs": config.maintenance.reset_archive_retention,
        "maxDiskBytes": config.maintenance.max_disk_bytes,
        "highWaterBytes": config.maintenance.high_water_bytes,
        "cronSessionRetentionMs": config.cron.session_retention,
    }
    return ConfigInfo(
        path=names.path(config.path),
        readable=config.readable,
        exists=config.exists,
        problem=names.text(config.problem.sentence) if config.problem else None,
        release=names.text(config.release.version) if config.release.version else None,
        policy=config.release.policy.value if config.release.policy else None,
        maintenance={name: SettingInfo(value=s.value, origin=s.origin.value) for name, s in settings.items()},
        main_key=names.identifier(config.main_key.value),
        port=config.port.value,
    )


def store_info(x: Examination, store: StoreFacts, names: Names, cap: int | None) -> StoreInfo:
    ref, sessions, stat = store.read.ref, store.sessions, store.read.stat
    reading = store.reading
    fault = reading.fault if reading else None
    return StoreInfo(
        agent_id=names.identifier(ref.agent_id, "agent"),
        agent_ids=tuple(names.identifier(agent_id, "agent") for agent_id in ref.agent_ids),
        era=store.era.value,
        path=names.path(ref.path),
        exists=ref.exists,
        bytes=reading.bytes if reading else stat.size if stat else 0,
        entries=sessions.entries if sessions else 0,
        readable=readable(store.soundness).value,
        layout=reading.layout.value if reading else None,
        sha256=reading.sha256 if reading else None,
        fault=FaultInfo(kind=fault.kind.value, offset=fault.offset, sentence=fault.sentence) if fault else None,
        distribution=distribution(store),
        field_bytes=names.fields(sessions.field_bytes.most_common(cap)) if sessions else {},
        cron=tuple(job_info(job, names) for job in store.jobs[:cap]),
        transcripts=TranscriptInfo(
            files=store.transcripts.files,
            bytes=store.transcripts.bytes,
            referenced=store.transcripts.referenced,
            orphans=len(store.transcripts.orphans),
            orphan_bytes=store.transcripts.orphan_bytes,
            missing=store.pointers.missing if store.pointers else 0,
        ),
        classes={
            cls.value: ClassInfo(files=t.count, bytes=t.bytes, oldest_at_ms=t.oldest, newest_at_ms=t.newest)
            for cls, t in sorted(store.classes.items())
        },
        oldest_updated_at=store.oldest_updated,
        newest_updated_at=store.newest_updated,
        database=database_info(x, store.agent_id, names),
        stuck=len(store.stuck),
    )


def database_store_info(x: Examination, facts: DatabaseFacts, names: Names, cap: int | None) -> StoreInfo:
    """An agent's database as a store: its transcripts are the sessions with events in it."""
    rows = None if isinstance(facts.read, DatabaseFault) else facts.read.rows
    return StoreInfo(
        agent_id=names.identifier(facts.agent_id, "agent"),
        agent_ids=(names.identifier(facts.agent_id, "agent"),),
        era=facts.era.value,
        path=names.path(facts.path),
        exists=True,
        bytes=facts.database.size,
        entries=facts.sessions.entries if facts.sessions else 0,
        readable="yes" if facts.whole else "no",
        layout=None,
        sha256=None,
        fault=None,
        distribution=distribution(facts),
        field_bytes=names.fields(facts.sessions.field_bytes.most_common(cap))
        if facts.sessions and x.depth.weigh
        else {},
        cron=tuple(job_info(job, names) for job in facts.jobs[:cap]),
        transcripts=TranscriptInfo(
            files=rows.events.sessions if rows else 0,
            bytes=rows.events.bytes if rows else 0,
            referenced=rows.events.sessions - rows.lost_events if rows else 0,
            orphans=rows.lost_events if rows else 0,
            orphan_bytes=0,
            missing=rows.silent if rows else 0,
        ),
        classes={},
        oldest_updated_at=facts.oldest_updated,
        newest_updated_at=facts.newest_updated,
        database=database_info(x, facts.agent_id, names),
        stuck=len(facts.stuck),
    )


def distribution(store: StoreFacts | DatabaseFacts) -> Distribution:
    """Rows by status, by kind, and by both. Every status of the file era is there, `interrupted` and kinds only where
    there are rows."""
    status = dict.fromkeys((each.value for each in Status if each is not Status.INTERRUPTED), 0)
    kinds: dict[str, int] = {}
    cells = []
    if store.sessions:
        for (kind, word), count in store.sessions.counts.most_common():
            status[word.value] = status.get(word.value, 0) + count
            kinds[kind.value] = kinds.get(kind.value, 0) + count
            size = store.sessions.weights[kind, word]
            cells.append(CellInfo(kind=kind.value, status=word.value, entries=count, bytes=size))
    order = [kind.value for kind in Kind]
    ordered = dict(sorted(kinds.items(), key=lambda item: order.index(item[0])))
    return Distribution(status=status, kind=ordered, cells=tuple(cells))


def job_info(job: JobRuns, names: Names) -> CronJobInfo:
    ticks = job.ticks
    interval = None
    if ticks.interval_median is not None and ticks.interval_p10 is not None and ticks.interval_p90 is not None:
        interval = TickInterval(median=ticks.interval_median, p10=ticks.interval_p10, p90=ticks.interval_p90)
    bins = job.timeline
    return CronJobInfo(
        job_id=names.identifier(job.job_id, "job-id"),
        name=names.identifier(job.name, "job") if job.name else None,
        known=job.known,
        runs=job.runs,
        status={
            status.value: job.status.get(status, 0)
            for status in Status
            if status is not Status.INTERRUPTED or job.status.get(status)
        },
        bytes=job.bytes,
        first_at=job.first_at,
        last_at=job.last_at,
        span_ms=job.span,
        ticks=ticks.count,
        runs_per_tick=RunsPerTick(median=ticks.per_tick_median, max=ticks.per_tick_max) if ticks.count else None,
        tick_interval_ms=interval,
        stuck=job.stuck,
        base_status=job.base_status.value if job.base_status else None,
        flags=job.flags,
        timeline=TimelineInfo(start_at_ms=bins.start, step_ms=bins.step, counts=bins.counts) if bins else None,
    )


def agent_info(x: Examination, agent: AgentEra, names: Names) -> AgentInfo:
    return AgentInfo(
        agent_id=names.identifier(agent.agent_id, "agent"),
        era=agent.era.value,
        reason=names.text(agent.reason),
        database=database_info(x, agent.agent_id, names),
    )


def database_info(x: Examination, agent_id: str, names: Names) -> DatabaseInfo | None:
    """The database an agent's sessions or jobs live in: its own, else the one of the whole installation."""
    agent = next((agent for agent in x.eras.agents if agent.agent_id == agent_id), None)
    if agent is None or not agent.era.cron_in_database:
        return None
    database = agent.database or x.eras.state
    if database is None:
        return None
    return DatabaseInfo(
        path=names.path(database.path),
        bytes=database.size,
        wal_bytes=database.wal_size,
        schema_version=database.user_version,
        note=names.text(database.problem) if database.problem else None,
    )


def subagents_info(x: Examination, names: Names) -> SubagentsInfo:
    registry = x.subagents
    return SubagentsInfo(
        path=names.path(registry.path),
        exists=registry.read is not RegistryRead.MISSING,
        bytes=registry.bytes,
        readable=registry.read in (RegistryRead.OK, RegistryRead.MISSING),
        problem=names.text(registry.reason) if registry.reason else None,
        runs=registry.runs,
        by_spawn_mode=names.fields(registry.by_spawn_mode.items()),
        by_cleanup=names.fields(registry.by_cleanup.items()),
        by_state={state.value: count for state, count in registry.by_state.items()},
        never_archived=registry.never_archived,
        orphaned=registry.orphaned,
    )


def _by_hand(finding: Finding, names: Names, invocation: Invocation) -> str | None:
    """In words, with the command that does it where there is one."""
    if not finding.by_hand:
        return None
    typed = f" Run: {names.line(invocation.complete(finding.by_command))}" if finding.by_command else ""
    return f"{names.text(invocation.hinted(finding.by_hand))}{typed}"


def finding_info(finding: Finding, names: Names, invocation: Invocation = PLAIN) -> FindingInfo:
    fix = finding.fix
    return FindingInfo(
        rule=finding.rule,
        severity=finding.severity.word,
        title=finding.title,
        message=names.text(finding.message),
        agent_id=names.identifier(finding.agent_id, "agent") if finding.agent_id else None,
        path=names.path(finding.path) if finding.path else None,
        key=names.key(finding.key) if finding.key is not None else None,
        count=finding.count,
        evidence={name: names.value(value, name) for name, value in finding.evidence.items()},
        consequence=names.text(finding.consequence),
        fix=FixInfo(command=names.line(invocation.complete(fix.command)), safe=fix.safe) if fix else None,
        by_hand=_by_hand(finding, names, invocation),
        docs=f"gatewaydoctor explain {finding.rule}",
    )
