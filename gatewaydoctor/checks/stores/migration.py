"""Rules about the move from files to databases: what was left behind, and what is not finished."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.checks.boot import a_gateway
from gatewaydoctor.checks.registry import EXAMPLES, REGISTRY, USUAL, Family, Rule
from gatewaydoctor.checks.stores.databases import imports_leftovers
from gatewaydoctor.checks.stores.healthrules import refuses, severity_of, start_over
from gatewaydoctor.model.database.migration import JobPlace
from gatewaydoctor.model.database.refusals import Damage
from gatewaydoctor.model.outcome.finding import Harm, Severity
from gatewaydoctor.model.words import plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gatewaydoctor.checks.thresholds import Thresholds
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.model.database.migration import ImportRun, JobWhere, TranscriptPlace
    from gatewaydoctor.model.outcome.finding import Finding

FEW_JOBS = 3
"""Beside jobs that are in the database, fewer missing ones may have been deleted on purpose."""

UNFINISHED = Rule(
    id="migration-unfinished",
    family=Family.STORE,
    severity=Severity.INFO,
    title="An import into a database was not finished",
    meaning="The newest receipt of an import has no end: the gateway was stopped while it copied sessions into the "
    "database. The rows it committed are there, and the store it reads from is untouched.",
    cause="A kill, a restart by a supervisor, or a full disk during the first start of a release with databases.",
    gateway="2026.9.6 finishes it at its next start: it imports the store again, row by row.",
    remedy="Give the next start the time it needs: 60 s for 6,500 sessions were seen. A supervisor's start limit has "
    "to allow that. To go back to sessions.json instead: `repair import` moves the unfinished database to the vault.",
)

RECEIPT = Rule(
    id="migration-receipt-open",
    family=Family.STORE,
    severity=Severity.ERROR,
    title="A migration is not marked as completed",
    meaning="The state database has the record of a migration (approvals of desktops) that is not marked as "
    "completed. A start writes the record and the mark together.",
    cause="A manual edit, or a row that another program wrote.",
    gateway="2026.9.6 refuses to start (exit 1). Without the record it starts, and does that migration again.",
    remedy="Copy the directory. With the gateway stopped, delete that row of the table migration_runs.",
)

LOSSES = Rule(
    id="migration-losses",
    family=Family.TRANSCRIPTS,
    severity=Severity.WARNING,
    title="Only the archive of an import has what people wrote",
    meaning="A transcript that an import retired holds turns of conversations that the database lacks: "
    "the import stops at the first line that is not JSON, and skips a transcript without a "
    "header. They are complete in the archive.",
    cause="A line cut short by a crash, or a header lost, in a transcript of the file era.",
    gateway="It shows the conversation without them and never reads the archive again.",
    remedy="Let `repair import` write them to the sessions directory, without lines that are not JSON and with a "
    "header; 2026.9.6 adds what its database lacks at the next start. `gatewaydoctor migration` lists them, and "
    "`--export DIR` writes them out. Do not delete session-sqlite-import-archive.",
    repair="import",
)

JOBS = Rule(
    id="jobs-not-in-database",
    family=Family.CRON,
    severity=Severity.WARNING,
    title="Cron jobs that are not in the database",
    meaning="Files name jobs, or the database has set jobs aside as malformed, that the gateway does not "
    "run. Error if it runs none at all; info only if one or two are missing among others: jobs "
    "are also deleted on purpose.",
    cause="An upgrade that kept only some jobs, or treated schedules as malformed; a database that was "
    "created again.",
    gateway="From 2026.6.1 on it runs the jobs of the state database and silently ignores these.",
    remedy="Copy the files named here to a safe place. Add each job that is wanted again with `openclaw cron add`. "
    "Do not copy a retired jobs.json back over a newer release: jobs may fire twice.",
)


@REGISTRY.check(UNFINISHED)
def unfinished(x: Examination, t: Thresholds) -> Iterator[Finding]:
    if any(each.contradicted for each in x.migration.retained):
        return  # the next start refuses, as legacy-store-beside-sqlite tells
    for run in x.migration.unfinished:
        waiting = [
            (agent, agent.committed)
            for agent in x.migration.agents
            if agent.agent_id in run.agents and agent.committed is not None
        ]
        if not waiting:
            if reads_again(x, run):
                yield UNFINISHED.finding(
                    "Unfinished import run, and its database is not there; sessions.json has the sessions.",
                    f"{a_gateway(x)} imports sessions.json at start.",
                    path=run.path,
                    evidence={"runId": run.run_id, "committed": 0, "started": run.started},
                )
                return
            continue
        committed = sum(rows for _, (rows, _) in waiting)
        total = sum(rows for _, (_, rows) in waiting)
        yield UNFINISHED.finding(
            f"Unfinished import run, {committed:,} of {plural(total, 'row')} committed; the next start finishes it.",
            f"{a_gateway(x)} imports the rest at start.",
            brief=f"{committed:,} of {plural(total, 'row')} imported",
            agent_id=waiting[0][0].agent_id if len(waiting) == 1 else None,
            path=run.path,
            evidence={"runId": run.run_id, "committed": committed, "rows": total, "started": run.started},
        )
        return


@REGISTRY.check(RECEIPT)
def receipts(x: Examination, t: Thresholds) -> Iterator[Finding]:
    found = x.state_rows.unfinished if x.state_rows else ()
    if not found or not x.config.release.behaviour.sessions_in_database:
        return
    start = start_over(x, Damage.APPROVALS)
    yield RECEIPT.finding(
        f"{plural(len(found), 'migration of the state database is', 'migrations of the state database are')} "
        f"not marked as completed ({', '.join(found)}).",
        refuses(start),
        brief="a migration is not marked as completed",
        count=len(found),
        severity=severity_of(start),
        path=x.eras.state.path if x.eras.state else None,
        evidence={"runs": list(found)},
    )


def reads_again(x: Examination, run: ImportRun, agent_id: str | None = None) -> bool:
    """Whether a start begins the import anew: no database is there, and the store it was made from is."""
    return any(
        agent.database is None and store is not None and store.read.whole and store.sessions is not None
        for agent in x.eras.agents
        if agent.agent_id in run.agents and agent_id in (None, agent.agent_id)
        for store in (x.store_of(agent.agent_id),)
    )


@REGISTRY.check(LOSSES)
def losses(x: Examination, t: Thresholds) -> Iterator[Finding]:
    found = [each for each in x.migration.losses if not each.waiting]
    release = x.config.release
    by_start = imports_leftovers(release)
    for agent in x.migration.agents:
        mine = [each for each in found if each.agent_id == agent.agent_id]
        if not mine:
            continue
        returnable = [each for each in x.migration.returnable if each.agent_id == agent.agent_id]
        given = bool(returnable) and not any(each.homeless for each in returnable)
        people = sum(each.people for each in mine)
        more = sum(each.undecided for each in mine)
        turns = (
            plural(people, "turn") + " of conversations"
            if people
            else f"{plural(more, 'line')} that may be of conversations"
        )
        yield LOSSES.finding(
            f"{plural(len(mine), 'transcript')} with {turns} that only the import archive has.",
            "The gateway shows these conversations without them.",
            brief=f"{plural(people, 'human turn')} only in archives",
            harms={Harm.ARCHIVED_ALONE: people},
            count=len(mine),
            agent_id=agent.agent_id,
            path=mine[0].path,
            repair=USUAL if by_start and given else None,
            by_hand=_by_hand(returnable, by_start=by_start),
            evidence={
                "peoplesTurns": people,
                "undecidedLines": more,
                "events": sum(each.missing for each in mine),
                "transcripts": [
                    {
                        "sessionId": each.session_id,
                        "events": each.events,
                        "inDatabase": each.contained,
                        "peoplesTurns": each.people,
                        "brokenLine": each.broken_at,
                    }
                    for each in mine[:EXAMPLES]
                ],
            },
        )

    waiting = [each for each in x.migration.losses if each.waiting]
    if waiting:
        yield LOSSES.finding(
            f"{plural(len(waiting), 'transcript')} put back for the next start, which an import had lost or cut.",
            "2026.9.6 adds to its database what that lacks."
            if by_start
            else "Only 2026.9.6 was seen to import them.",
            count=len(waiting),
            severity=Severity.INFO,
            path=waiting[0].waits_at.parent,
            evidence={"transcripts": [{"sessionId": each.session_id} for each in waiting[:EXAMPLES]]},
            repair=None,
            by_hand="Start the gateway.",
        )


def _by_hand(returnable: Sequence[TranscriptPlace], *, by_start: bool) -> str | None:
    if not by_start:
        return "Update the gateway to 2026.9.6, then run `gatewaydoctor repair import`."
    if returnable:
        return None
    return (
        "Read them in the archive, which stays: `gatewaydoctor migration` names the files. A start has passed over "
        "what was put back, or only lines that are not JSON are left."
    )


@REGISTRY.check(JOBS)
def jobs(x: Examination, t: Thresholds) -> Iterator[Finding]:
    """What the database holds must be known for that, which `audit` sees to."""
    left = [job for job in x.migration.jobs if job.place in (JobPlace.QUARANTINED, JobPlace.FILE)]
    state = x.state_rows
    if not left or state is None:
        return
    held = len(state.job_ids)
    aside = [job for job in left if job.place is JobPlace.QUARANTINED]
    sources = sorted({source for job in left for source in job.files}, key=lambda name: ("quarantine" in name, name))
    reasons = sorted({job.reason for job in aside if job.reason})
    set_aside = f"; {len(aside):,} set aside as malformed" if aside else ""
    why = f" ({', '.join(reasons[:2])})" if reasons else ""
    yield JOBS.finding(
        f"{plural(len(left), 'job')} not in the state database, which holds {held:,}{set_aside}{why}.",
        "The gateway runs the jobs of the state database, and none of these.",
        brief=f"{plural(len(left), 'job')} not in the database, so never run",
        harms={Harm.JOB_NOT_IMPORTED: len(left)},
        count=len(left),
        severity=_severity(left, aside, held),
        path=x.cron.store.path.with_name(sources[0]) if sources else (x.eras.state.path if x.eras.state else None),
        evidence={
            "jobs": [
                {"jobId": job.job_id, "name": job.name, "place": job.place.value, "sources": list(job.files)}
                for job in left[:EXAMPLES]
            ],
            "sources": sources,
            "setAside": len(aside),
            "namesakes": sum(job.namesake for job in left),
            "jobsInDatabase": held,
        },
    )


def _severity(left: list[JobWhere], aside: list[JobWhere], held: int) -> Severity:
    if not held and any(job.enabled for job in left):
        return Severity.ERROR
    if any(job.enabled for job in aside) or len(left) >= max(FEW_JOBS, held):
        return Severity.WARNING
    return Severity.INFO
