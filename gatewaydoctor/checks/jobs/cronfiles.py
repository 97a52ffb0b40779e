"""Rules about the files of the cron directory."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from gatewaydoctor.checks import unread
from gatewaydoctor.checks.boot import NOTHING_BY_ITSELF
from gatewaydoctor.checks.registry import EXAMPLES, REGISTRY, Family, Rule
from gatewaydoctor.checks.stores.healthrules import refuses, start_over
from gatewaydoctor.model.database.refusals import Damage
from gatewaydoctor.model.gateway.cron import CronRead
from gatewaydoctor.model.gateway.files import Obstacle
from gatewaydoctor.model.outcome.finding import Harm, Severity
from gatewaydoctor.model.words import capital, plural, size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewaydoctor.checks.thresholds import Thresholds
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.model.gateway.cron import CronFile
    from gatewaydoctor.model.outcome.finding import Finding

FEW_JOBS = 3

BROKEN = Rule(
    id="cron-store-unparseable",
    family=Family.CRON,
    severity=Severity.ERROR,
    title="The cron store is damaged or cannot be read",
    meaning="jobs.json cannot be read or parsed, or has no list of jobs; or jobs-state.json, which holds "
    "the run state since 2026.4.20, is unusable. Warning only if just the state file cannot be "
    "parsed.",
    cause="A manual edit, two writers at once, or a crash during a write.",
    gateway="If jobs.json cannot be parsed, cron does not run at all and the file stays untouched. If it "
    "has another structure, the gateway sees no jobs. A jobs-state.json that cannot be parsed is "
    "ignored: next and last run are lost. One that cannot be opened stops cron. 2026.9.6 refuses to start (exit 78) "
    "where cron.store of the config names a file that cannot be parsed, or a directory; 2026.8.1 (exit 1) over one "
    "that cannot be parsed while its startup migrations are due.",
    remedy="Compare with jobs.json.bak, where there is one. Fix the position shown with the gateway "
    "stopped. If a file could not be read, scan again as the user the gateway runs as.",
)

LOST = Rule(
    id="cron-jobs-lost",
    family=Family.CRON,
    severity=Severity.INFO,
    title="Jobs found only in backups",
    meaning="Copies of jobs.json, or jobs-state.json, name jobs that are not in jobs.json. This is a "
    "hint, not proof: jobs are also deleted on purpose. Warning if no job is left, or if at "
    "least three jobs and half of all are gone. If jobs are in the state database, "
    "jobs-not-in-database lists those missing there.",
    cause="An upgrade moved the jobs and dropped some, a gateway that could not read the store "
    "overwrote it, or the jobs were deleted.",
    gateway="It runs the jobs in jobs.json (from 2026.6.1 on those of the state database) and no others. Its next "
    "change of a job replaces jobs.json.bak, which may be the last copy.",
    remedy="Copy the files named here to a safe place now. Add each job you want back with `openclaw "
    "cron add`. Do not restore a retired jobs.json under a newer release: jobs may fire twice.",
)

RUNLOG = Rule(
    id="cron-runlog-large",
    family=Family.CRON,
    severity=Severity.INFO,
    title="Cron run logs are large",
    meaning="A log in cron/runs is several times over the gateway's own size limit, or the logs are large in total.",
    cause="Lines of hundreds of KB (long summaries), or logs of jobs that no longer run, which are never truncated.",
    gateway="It truncates a log of more than 2,000,000 bytes to its last 2,000 lines when a run of that "
    "job ends. It never removes the log of a deleted job.",
    remedy="Move the logs of deleted jobs elsewhere. The others shrink after the next run of their job.",
)


@REGISTRY.check(BROKEN)
def cron_store(x: Examination, t: Thresholds) -> Iterator[Finding]:
    yield from _store(x)
    yield from _state(x)


def _store(x: Examination) -> Iterator[Finding]:
    store = x.cron.store
    if store.reason is None:
        return
    named = len({job.job_id for job in x.cron.lost})
    moved = x.config.names_cron_store and x.config.release.behaviour.sessions_in_database
    start = start_over(x, Damage.CRON_STORE if moved else Damage.JOBS_FILE)
    in_place = moved and store.problem is not None and store.problem.obstacle is Obstacle.NOT_A_FILE
    stops = start.refuses and (store.read is CronRead.UNPARSEABLE or in_place)
    also = f" Its copies and jobs-state.json name {plural(named, 'job')}." if named else ""
    if store.problem is not None:
        message = f"Cannot read jobs.json: {store.reason}."
        then = refuses(start) if stops else unread.consequence(store.problem, "cron does not run at all")
        by_hand = unread.by_hand(store.problem)
    else:
        message = f"jobs.json: {_sentence(store.reason)}"
        then = refuses(start) if stops else _without_jobs(store)
        by_hand = _put_right(x)
    yield BROKEN.finding(
        message + also,
        then,
        brief="no cron job runs: jobs.json is damaged" if store.fault else "",
        severity=_severity(store),
        path=store.path,
        evidence=_evidence(store)
        | {
            "jobsNamedElsewhere": named,
            "startRefused": stops,
            "jobsInDatabase": x.eras.cron_in_database,
            "sources": sorted({source for job in x.cron.lost for source in job.sources})[:EXAMPLES],
        },
        repair=None,
        by_hand=by_hand,
    )


def _without_jobs(store: CronFile) -> str:
    if store.read is CronRead.EMPTY_FOR_GATEWAY:
        return "The gateway sees no jobs in it: none of them runs."
    return "Cron does not run at all; the gateway does not change the file."


def _put_right(x: Examination) -> str:
    store = x.cron.store
    what = "Fix the position shown" if store.fault else "Restore the list of jobs"
    backup = f"{store.path.name}.bak" in x.cron.copies
    compare = ", and compare with the .bak copy next to it" if backup else ""
    return f"With the gateway stopped, copy the file to a safe place. {what}{compare}."


def _severity(file: CronFile) -> Severity | None:
    """What only this program cannot read is not an error of the directory's."""
    beyond = file.problem is not None and file.problem.obstacle is Obstacle.BEYOND_LIMIT
    return Severity.WARNING if beyond else None


def _sentence(reason: str) -> str:
    return f"{capital(reason)}."


def _evidence(file: CronFile) -> dict[str, object]:
    return {
        "read": file.read.value,
        "reason": file.reason,
        "obstacle": file.problem.obstacle.value if file.problem else None,
        "bytes": file.bytes,
        "offset": file.fault.offset if file.fault else None,
    }


def _state(x: Examination) -> Iterator[Finding]:
    state = x.cron.state
    if state.reason is None:
        return
    if state.problem is not None:
        # 2026.4.25 and 2026.5.22 pass over a state file they cannot parse, but not over one they cannot open.
        yield BROKEN.finding(
            f"Cannot read jobs-state.json: {state.reason}.",
            unread.consequence(state.problem, "cron does not run at all"),
            severity=_severity(state),
            path=state.path,
            evidence=_evidence(state) | {"jobsInDatabase": x.eras.cron_in_database},
            repair=None,
            by_hand=unread.by_hand(state.problem),
        )
        return
    yield BROKEN.finding(
        f"jobs-state.json: {_sentence(state.reason)}",
        "The gateway ignores it: the jobs' last run, errors and due times are lost.",
        brief="jobs-state.json is damaged, so ignored" if state.fault else "",
        severity=Severity.WARNING,
        path=state.path,
        evidence=_evidence(state),
        repair=None,
        by_hand="With the gateway stopped, copy the file to a safe place, then repair it or move it "
        "away. Without it the gateway writes a new one, with no record of earlier runs.",
    )


@REGISTRY.check(LOST)
def jobs_lost(x: Examination, t: Thresholds) -> Iterator[Finding]:
    if x.state is not None:
        return  # jobs-not-in-database tells of them
    cron = x.cron
    # Beside a damaged jobs.json every job looks lost; next to a retired one they are in SQLite.
    moved = cron.store.read is CronRead.MISSING and cron.migrated
    if not cron.lost or cron.store.reason is not None or moved:
        return
    sources = Counter(source for job in cron.lost for source in job.sources)
    yield LOST.finding(
        f"{plural(len(cron.lost), 'job')} in copies but not in jobs.json, which holds {len(cron.jobs):,}.",
        "The gateway does not run them, and its next change to a job may overwrite the copy that names them.",
        brief=f"{plural(len(cron.lost), 'job')} known to backups only",
        harms={Harm.JOB_LOST: len(cron.lost)},
        count=len(cron.lost),
        severity=Severity.WARNING if _most_are_gone(len(cron.lost), len(cron.jobs)) else None,
        path=cron.store.path,
        evidence={
            "jobs": [
                {"jobId": job.job_id, "name": job.name, "sources": list(job.sources)} for job in cron.lost[:EXAMPLES]
            ],
            "sources": dict(sources.most_common(EXAMPLES)),
            "jobsInStore": len(cron.jobs),
        },
    )


def _most_are_gone(lost: int, left: int) -> bool:
    """One or two jobs missing next to others look like a person tidying up."""
    return not left or lost >= max(FEW_JOBS, left)


@REGISTRY.check(RUNLOG)
def run_logs(x: Examination, t: Thresholds) -> Iterator[Finding]:
    logs = sorted(x.cron.run_logs, key=lambda log: (-log.bytes, log.job_id))
    total = sum(log.bytes for log in logs)
    large = [log for log in logs if log.bytes >= t.run_log_bytes]
    if not logs or (not large and total < t.run_logs_bytes):
        return
    known = x.cron.known_ids
    readable = x.cron.store.read is CronRead.OK
    ownerless = sum(log.job_id not in known for log in logs) if readable else None
    yield RUNLOG.finding(
        f"{plural(len(logs), 'run log')} of {size(total)}, the largest {size(logs[0].bytes)}"
        + (f"; {ownerless:,} of deleted jobs." if ownerless else "."),
        "The gateway truncates a log only when a run of its job ends." if large else NOTHING_BY_ITSELF,
        brief=f"{plural(len(logs), 'run log')}, {size(total)}",
        count=len(large) or len(logs),
        path=x.cron.store.path.parent / "runs",
        evidence={
            "files": len(logs),
            "bytes": total,
            "ofUnknownJobs": ownerless,
            "largest": [{"jobId": log.job_id, "bytes": log.bytes} for log in logs[:EXAMPLES]],
        },
    )
