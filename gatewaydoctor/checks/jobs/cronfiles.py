"""Rules about the files of the cron directory."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from gatewaydoctor.checks import unread
from gatewaydoctor.checks.boot import NOTHING_BY_ITSELF
from gatewaydoctor.checks.registry import EXAMPLES, REGISTRY, Family, Rule
from gatewaydoctor.model.gateway.cron import CronRead
from gatewaydoctor.model.gateway.files import Obstacle
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.model.words import plural, size

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
    meaning="jobs.json cannot be read or parsed, or holds no list of jobs; or jobs-state.json, which keeps the run "
    "state since 2026.4.20, cannot be used. A state file that cannot be parsed is a warning.",
    cause="An edit by hand, two writers at once, or a crash while the file was written.",
    gateway="Over an unparseable jobs.json cron does not run at all; the file stays untouched. One of another shape "
    "counts as no jobs. A jobs-state.json that cannot be parsed is ignored: next and last run are lost. One that "
    "cannot be opened stops cron.",
    remedy="Compare with jobs.json.bak, where there is one. Correct the place given with the gateway stopped. "
    "Scan again, as the user the gateway runs as, if a file could not be read here.",
)

LOST = Rule(
    id="cron-jobs-lost",
    family=Family.CRON,
    severity=Severity.INFO,
    title="Jobs found only in backups",
    meaning="Copies of jobs.json, or jobs-state.json, name jobs that jobs.json does not. This is evidence and no "
    "proof: jobs are also deleted on purpose. Warning if no job is left, or at least three and half of all are gone. "
    "Where jobs are in the state database, jobs-not-in-database tells of those it lacks.",
    cause="An upgrade that moved jobs to another store and dropped some, a store written back by a gateway that "
    "could not read it, or a deletion.",
    gateway="It runs the jobs in jobs.json (from 2026.6.1 on those of the state database) and no others. Its next "
    "change of a job replaces jobs.json.bak, which may be the last copy.",
    remedy="Copy the files named away now. Add each job that is wanted again with openclaw cron add. Do not copy a "
    "retired jobs.json back over a newer release: jobs may fire twice.",
)

RUNLOG = Rule(
    id="cron-runlog-large",
    family=Family.CRON,
    severity=Severity.INFO,
    title="Cron run logs are large",
    meaning="A log in cron/runs is several times larger than the gateway lets it grow, or all of them together are "
    "large.",
    cause="Lines of hundreds of KB (long summaries), or logs of jobs that no longer run, which are never truncated.",
    gateway="It cuts a log of more than 2,000,000 bytes to its last 2,000 lines when a run of that job ends. It "
    "never removes the log of a deleted job.",
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
    also = f" Copies and state name {plural(named, 'job')}." if named else ""
    if store.problem is not None:
        message = f"jobs.json could not be read here: {store.reason}."
        then = unread.consequence(store.problem, "cron does not run at all")
        by_hand = unread.by_hand(store.problem)
    else:
        message = f"jobs.json: {_sentence(store.reason)}"
        then = _without_jobs(store)
        by_hand = _put_right(x)
    yield BROKEN.finding(
        message + also,
        then,
        severity=_severity(store),
        path=store.path,
        evidence=_evidence(store)
        | {
            "jobsNamedElsewhere": named,
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
    what = "Correct the place given" if store.fault else "Put the list of jobs back"
    backup = f"{store.path.name}.bak" in x.cron.copies
    compare = ", and compare with the .bak copy next to it" if backup else ""
    return f"With the gateway stopped: copy the file away. {what}{compare}."


def _severity(file: CronFile) -> Severity | None:
    """What only this program cannot read is no error of the directory's."""
    beyond = file.problem is not None and file.problem.obstacle is Obstacle.BEYOND_LIMIT
    return Severity.WARNING if beyond else None


def _sentence(reason: str) -> str:
    return f"{reason[0].upper()}{reason[1:]}."


def _evidence(file: CronFile) -> dict[str, object]:
    return {
        "read": file.read.value,
        "reason": file.reason,
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
            f"jobs-state.json could not be read here: {state.reason}.",
            unread.consequence(state.problem, "cron does not run at all"),
            severity=_severity(state),
            path=state.path,
            evidence=_evidence(state),
            repair=None,
            by_hand=unread.by_hand(state.problem),
        )
        return
    yield BROKEN.finding(
        f"jobs-state.json: {_sentence(state.reason)}",
        "The gateway ignores it: the jobs' last run, errors and due times are lost.",
        severity=Severity.WARNING,
        path=state.path,
        evidence=_evidence(state),
        repair=None,
        by_hand="With the gateway stopped: copy the file away, then mend it or move it away. It is written anew, "
        "with no memory of earlier runs.",
    )


@REGISTRY.check(LOST)
def jobs_lost(x: Examination, t: Thresholds) -> Iterator[Finding]:
    if x.state is not None:
        return  # jobs-not-in-database tells of them
    cron = x.cron
    # Beside a damaged jobs.json every job looks lost; beside a retired one they are in SQLite.
    moved = cron.store.read is CronRead.MISSING and cron.migrated
    if not cron.lost or cron.store.reason is not None or moved:
        return
    sources = Counter(source for job in cron.lost for source in job.sources)
    yield LOST.finding(
        f"{plural(len(cron.lost), 'job')} that copies name and jobs.json does not; it holds {len(cron.jobs):,}.",
        "The gateway does not run them, and its next change to a job may overwrite the copy that names them.",
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
    """One or two jobs missing beside others look like a person tidying up."""
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
        + (f"; {ownerless:,} of jobs that are gone." if ownerless else "."),
        "The gateway truncates a log only when a run of its job ends." if large else NOTHING_BY_ITSELF,
        count=len(large) or len(logs),
        path=x.cron.store.path.parent / "runs",
        evidence={
            "files": len(logs),
            "bytes": total,
            "ofUnknownJobs": ownerless,
            "largest": [{"jobId": log.job_id, "bytes": log.bytes} for log in logs[:EXAMPLES]],
        },
    )
